#!/usr/bin/env bash
# Liquibase, as its npm package carries it, with the pgjdbc that is in there.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"

use_node
npm_project "$clients/liquibase"
home=$PWD/node_modules/liquibase/dist/liquibase

drop() {
    local table
    for table in liquibase_street liquibase_city databasechangelog databasechangeloglock; do
        psql -X -q -c "drop table if exists $table" >/dev/null 2>&1 || true
    done
}
trap drop EXIT

# liquibase COMMAND...: both streams, and what it exits with in the last line.
liquibase() {
    local status=0
    java -XX:TieredStopAtLevel=1 -cp "$home/internal/lib/*:$home/lib/*" \
        liquibase.integration.commandline.LiquibaseCommandLine --show-banner=false --log-level=off --url="$jdbc_url" \
        --username="$PGUSER" --changelog-file=changelog.xml "$@" 2>&1 </dev/null || status=$?
    echo "exit status $status"
}
# says NAME PART COMMAND...: succeeds, and says this.
says() {
    local name=$1 part=$2 output
    shift 2
    output=$(liquibase "$@")
    if [[ $output == *'exit status 0' ]]; then
        contains "$name" "$part" "$output"
    else
        not_ok "$name" "$output"
    fi
}
sql() { psql -X -q -A -t -c "$1" 2>&1 || true; }
jdbc_url=jdbc:postgresql://$PGHOST:$PGPORT/$PGDATABASE

drop
says 'update' 'Liquibase command '"'update'"' was executed successfully' update
equal 'rows that were there have the new default' $'Oslo|0\nParis|0' "$(sql 'select name, size from liquibase_city order by name')"
equal 'each changeset is recorded' $'tables\nrows\ngrow\nscript' \
    "$(sql 'select id from databasechangelog order by orderexecuted')"
equal 'the lock is free again' 'f' "$(sql 'select locked from databasechangeloglock')"
says 'update with nothing to do' 'Liquibase command '"'update'"' was executed successfully' update
says 'status' 'is up to date' status
says 'rollback-count' "Liquibase command 'rollback-count' was executed successfully" rollback-count --count=2
equal 'rollback-count has undone two' $'tables\nrows' "$(sql 'select id from databasechangelog order by orderexecuted')"
says 'update after a rollback' 'Liquibase command '"'update'"' was executed successfully' update
equal 'all is there' '2' "$(sql 'select count(*) from liquibase_city where size = 0')"
finish
