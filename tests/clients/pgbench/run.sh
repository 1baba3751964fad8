#!/usr/bin/env bash
# pgbench, reading only, in all three protocols: no transaction fails.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"

drop() {
    psql -X -q -c 'drop table if exists pgbench_accounts' -c 'drop table if exists pgbench_branches' \
        -c 'drop table if exists pgbench_tellers' 2>/dev/null || true
}
trap drop EXIT
drop

output=$("$clients/pgbench/tables.sh" | psql -X -q -v ON_ERROR_STOP=1 2>&1) || true
equal 'the tables are made' '' "$output"
equal 'the tables are filled' '100000' \
    "$(psql -X -A -t -c 'select count(*) from pgbench_accounts' 2>&1)"

# bench NAME EXPECTED-TRANSACTIONS ARGUMENT...
bench() {
    local name=$1 expected=$2 output status=0
    shift 2
    output=$(pgbench --no-vacuum --protocol="$protocol" "$@" 2>&1) || status=$?
    # "failed" is printed by pgbench 15 and newer.
    if ((status == 0)) &&
        [[ $output == *"transactions actually processed: $expected/$expected"* ]] &&
        [[ $output != *"failed transactions:"* || $output == *"failed transactions: 0 "* ]]; then
        ok "$name, -M $protocol"
    else
        not_ok "$name, -M $protocol" "exit status $status" "$output"
    fi
}

for protocol in simple extended prepared; do
    bench '8 clients x 500 selects' 4000 --select-only --client=8 --jobs=2 --transactions=500
    bench '4 clients x 100 blocks' 400 --client=4 --jobs=2 --transactions=100 --file="$clients/pgbench/reads.sql"
    bench 'a connection for each of 4 x 25 selects' 100 --select-only --connect --client=4 --transactions=25
done

finish
