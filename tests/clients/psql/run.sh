#!/usr/bin/env bash
# psql: scripts, meta-commands, \copy, errors, a big result, Ctrl-C.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib/env.sh"

work=$(mktemp -d)
table=psql_$$_$RANDOM
copied=${table}_copied
cleanup() {
    psql -X -q -c "drop table if exists $table" -c "drop table if exists $copied" >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap cleanup EXIT

# Unaligned, tuples only, both streams: what a user reads, without the drawing.
psql_() { psql -X -q -A -t "$@" 2>&1; }

# --- scripts ---------------------------------------------------------------------------

cat >"$work/script.sql" <<SQL
-- a comment; with a semicolon
\set table $table
create table :table (id bigint primary key, name text not null unique, note text);
insert into :table values (1, 'one', null), (2, 'two', 'a ''quoted'' note');
/* a block
   comment; */
begin;
insert into :table values (3, 'three', \$\$dollar; quoted\$\$);
rollback;
begin isolation level repeatable read;
update :table set note = 'changed' where id = 1;
commit;
copy :table from stdin;
4	four	\N
5	five	tab\there
\.
select count(*) as rows, count(*) > 3 as many from :table \gset
\if :many
\echo :rows rows
\endif
select id, name, coalesce(note, '(none)') from :table order by id;
SQL
equal 'a script with -f' "4 rows
1|one|changed
2|two|a 'quoted' note
4|four|(none)
5|five|tab	here" "$(psql_ -v ON_ERROR_STOP=1 -f "$work/script.sql")"

printf 'select 1;\nselect 2\\; select 3;\n' >"$work/stdin.sql"
equal 'a script on standard input' $'1\n2\n3' "$(psql_ <"$work/stdin.sql")"
equal 'several statements in one -c' $'1\n2\n3' "$(psql_ -c 'select 1; select 2; select 3')"
equal 'several -c' $'1\n2' "$(psql_ -c 'select 1' -c 'select 2')"
equal 'a single transaction with -1' '2' \
    "$(psql_ -1 -c "delete from $table where id > 2" -c "select count(*) from $table")"
equal 'a connection string' 'psql' \
    "$(psql -X -q -A -t -c "select current_setting('application_name')" "$DATABASE_URL" 2>&1)"
equal 'PGOPTIONS' 'public,pg_catalog' \
    "$(PGOPTIONS='-c search_path=public,pg_catalog' psql_ -c 'show search_path' | tr -d ' ')"

# --- meta-commands ---------------------------------------------------------------------

description=$(psql -X -c "\\d $table" 2>&1) || true
contains '\d shows the columns' ' name   | text   |           | not null |' "$description"
contains '\d shows the primary key' "\"${table}_pkey\" PRIMARY KEY" "$description"
contains '\dt lists the table' "public|$table|table|" "$(psql_ -c '\dt')"
equal '\gdesc' $'a|integer\nb|text\nc|numeric(10,2)' \
    "$(psql_ <<<"select 1 as a, 'x'::text as b, 1.5::numeric(10,2) as c \\gdesc")"
# psql 18 prints a table where older ones print a sentence.
contains '\conninfo' "$PGUSER" "$(psql_ -c '\conninfo')"

# --- \copy -----------------------------------------------------------------------------

# Exactly as COPY writes it, so that what comes back can be compared byte by byte.
python3 - "$work/rows.tsv" <<'PY'
import sys
with open(sys.argv[1], "w", encoding="utf-8", newline="\n") as out:
    for i in range(2000):
        text = ["", "\\N", "tab\\there", "line\\nbreak", "back\\\\slash", 'quote "x" \'y\'', "naïve 東京 🦀", "a,b;c"][i % 8]
        out.write(f"{i}\tname {i}\t{text}\n")
PY
{
    psql_ -c "create table $copied (id bigint primary key, name text, note text)"
    psql_ -c "\\copy $copied from '$work/rows.tsv'"
    psql_ -c "\\copy $copied to '$work/back.tsv'"
    psql_ -c "\\copy $copied to '$work/back.csv' csv header"
    psql_ -c "delete from $copied"
    psql_ -c "\\copy $copied from '$work/back.csv' csv header"
    psql_ -c "\\copy $copied to '$work/again.tsv'"
} >"$work/copy.log"
equal '\copy prints no error' '' "$(cat "$work/copy.log")"
sorted() { LC_ALL=C sort "$1" | sha256sum; }
equal '\copy in and out again, text' "$(sorted "$work/rows.tsv")" "$(sorted "$work/back.tsv")"
equal '\copy out and in again, csv' "$(sorted "$work/rows.tsv")" "$(sorted "$work/again.tsv")"
contains '\copy with a bad line' 'ERROR:  invalid input syntax for type bigint: "x"' \
    "$(printf 'x\ty\tz\n' | psql_ -c "\\copy $copied from pstdin" || true)"

# --- errors ----------------------------------------------------------------------------

cat >"$work/errors.sql" <<'SQL'
\set QUIET on
select 1/0;
\echo :SQLSTATE
select 1 frm pg_class where;
\echo :SQLSTATE
begin;
select 'in the block';
select * from no_such_table;
select 'ignored';
\echo :SQLSTATE
\set QUIET off
commit;
\set QUIET on
select 'still here';
SQL
equal 'the session goes on after errors' "ERROR:  division by zero
22012
ERROR:  syntax error at or near \"pg_class\"
LINE 1: select 1 frm pg_class where;
                     ^
42601
in the block
ERROR:  relation \"no_such_table\" does not exist
LINE 1: select * from no_such_table;
                      ^
ERROR:  current transaction is aborted, commands ignored until end of transaction block
25P02
ROLLBACK
still here" "$(psql_ <"$work/errors.sql")"

contains 'TLS that the client insists on is refused' 'server does not support SSL, but SSL was required' \
    "$(PGSSLMODE=require psql_ -c 'select 1' || true)"

# --- size ------------------------------------------------------------------------------

equal 'a result of 10 MB' \
    "$(python3 -c '
import hashlib
total = hashlib.sha256()
for i in range(1, 30001):
    total.update(f"{i}|{hashlib.md5(str(i).encode()).hexdigest() * 10}\n".encode())
print(total.hexdigest(), "-")' | tr -s ' ')" \
    "$(psql_ -c "select i, repeat(md5(i::text), 10) from generate_series(1, 30000) i" | sha256sum | tr -s ' ')"
equal 'a statement of 5 MB' '5000000' \
    "$(python3 -c 'print("select length(\x27" + "x" * 5000000 + "\x27);")' | psql_)"

# --- Ctrl-C ----------------------------------------------------------------------------

python3 "$clients/psql/interrupt.py" || failures=$((failures + 1))

if [[ -n ${PGUNIX:-} ]]; then
    equal 'a Unix socket' '1' "$(PGHOST=$PGUNIX psql_ -c 'select 1')"
fi

finish
