#!/usr/bin/env bash
# AWS's own connector and SDK against the local cluster, without the proxy: what they send
# is accepted, and what is wrong with a token is refused. Needs DSQL_LOCAL_ENV, the file of
# variables that `dsql-proxy local` writes.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"
: "${DSQL_LOCAL_ENV:?this suite runs under: dsql-proxy local --once}"

venv "$cache/python" "$clients/lib/requirements.txt"
export PYTHONPATH=$clients/lib PYTHONDONTWRITEBYTECODE=1
"$cache/python/bin/python" "$clients/dsql-direct/direct.py" || failures=$((failures + 1))
finish
