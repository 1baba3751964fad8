#!/usr/bin/env bash
# Prints the SQL that makes pgbench's tables at scale 1. `pgbench -i` cannot: it sends
# TRUNCATE, VACUUM, storage parameters, ALTER TABLE ADD PRIMARY KEY and 100,000 rows in one
# transaction, and DSQL refuses each of these.
set -euo pipefail

accounts=100000
# DSQL changes at most 3,000 rows in a transaction.
batch=2500

cat <<'SQL'
create table pgbench_branches (bid int primary key, bbalance int, filler char(88));
create table pgbench_tellers (tid int primary key, bid int, tbalance int, filler char(84));
create table pgbench_accounts (aid int primary key, bid int, abalance int, filler char(84));
insert into pgbench_branches (bid, bbalance) values (1, 0);
insert into pgbench_tellers (tid, bid, tbalance) select i, 1, 0 from generate_series(1, 10) i;
SQL
for ((first = 1; first <= accounts; first += batch)); do
    echo "insert into pgbench_accounts (aid, bid, abalance, filler)" \
        "select i, 1, 0, '' from generate_series($first, $((first + batch - 1))) i;"
done
