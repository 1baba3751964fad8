#!/usr/bin/env bash
# Runs client suites against a plain PostgreSQL, without the proxy and without DSQL's rules: what
# fails here is a fault of the suite.
#
#   run-plain.sh SUITE...
#
# Each suite gets a server of its own, with the superuser `admin` and no password, on loopback.
set -euo pipefail
(($# > 0)) || { echo "usage: ${0##*/} SUITE..." >&2; exit 2; }
for variable in $(compgen -e | grep -E '^(AWS_|PG|DATABASE_URL$)' | grep -vE '^(PG_BIN|PGJDBC_JAR)$'); do
    unset "$variable"
done
export PGHOST=127.0.0.1
PGPORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export PGPORT
source "$(dirname "${BASH_SOURCE[0]}")/lib/env.sh"
source "$clients/lib/plain.sh"
trap plain_stop EXIT

for suite in "$@"; do
    plain_start admin "$PGPORT"
    begin=$SECONDS
    if "$clients/$suite/run.sh"; then
        echo "   $suite: passed, $((SECONDS - begin)) s"
    else
        echo "   $suite: failed, $((SECONDS - begin)) s"
        failures=$((failures + 1))
    fi
    plain_stop
done
finish
