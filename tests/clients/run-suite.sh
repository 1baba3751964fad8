#!/usr/bin/env bash
# Runs one suite inside `dsql-proxy local --once`; called by run-all.sh.
#
#   run-suite.sh SUITE SECRETS-FILE
#
# Notes the secrets of this cluster, so that run-all.sh can look for them in the logs, and
# sends all output to standard output: on standard error there is nothing but the proxy's log.
set -euo pipefail
exec 2>&1
suite=$1 secrets=$2

(
    # shellcheck source=/dev/null
    source "${DSQL_LOCAL_ENV:?dsql-proxy local --once sets it}"
    printf '%s\n' "${AWS_SECRET_ACCESS_KEY:?}" ${AWS_SESSION_TOKEN:+"$AWS_SESSION_TOKEN"} >>"$secrets"
)
exec "$(dirname "${BASH_SOURCE[0]}")/$suite/run.sh"
