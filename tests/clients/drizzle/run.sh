#!/usr/bin/env bash
# Drizzle Kit's generate, migrate and push, and Drizzle ORM.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"

use_node
npm_project "$clients/drizzle"
sql() { psql -X -q -A -t -c "$1" 2>&1 || true; }
drop() {
    local table
    for table in drizzle_post drizzle_user drizzle_tag drizzle.__drizzle_migrations; do
        sql "drop table if exists $table" >/dev/null
    done
    sql 'drop schema if exists drizzle' >/dev/null
}
trap drop EXIT
# says NAME PART COMMAND...: succeeds, and says this.
says() {
    local name=$1 part=$2 output status=0
    shift 2
    output=$(timeout 60 node_modules/.bin/drizzle-kit "$@" 2>&1 </dev/null) || status=$?
    if ((status != 0)); then
        not_ok "$name" "$output" "exit status $status"
    else
        contains "$name" "$part" "$output"
    fi
}

drop
rm -rf out
export MODEL=first
says 'generate' '3 tables' generate --name=first
says 'migrate' 'migrations applied successfully' migrate
node orm.mjs || failures=$((failures + 1))
export MODEL=second
says 'generate of changes' 'drizzle_tag' generate --name=second
says 'migrate of changes' 'migrations applied successfully' migrate
says 'migrate with nothing to do' 'migrations applied successfully' migrate
equal 'each migration is recorded' '2' "$(sql 'select count(*) from drizzle.__drizzle_migrations')"
equal 'rows that were there have the new default' 't' "$(sql 'select distinct active from drizzle_user')"
says 'push with nothing to do' 'No changes detected' push --force
drop
says 'push' 'Changes applied' push --force
says 'push again' 'No changes detected' push --force
finish
