#!/usr/bin/env bash
# psycopg 3 (on libpq 18) and asyncpg.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"

venv "$cache/python" "$clients/lib/requirements.txt"
export PYTHONPATH=$clients/lib PYTHONDONTWRITEBYTECODE=1
# No Kerberos here; libpq and asyncpg would only look for it.
export PGGSSENCMODE=disable

"$cache/python/bin/python" "$clients/python/with_psycopg.py" || failures=$((failures + 1))
"$cache/python/bin/python" "$clients/python/with_asyncpg.py" || failures=$((failures + 1))
finish
