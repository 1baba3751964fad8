\set aid random(1, 100000)
\set bid 1
begin isolation level repeatable read;
select abalance from pgbench_accounts where aid = :aid;
select bbalance from pgbench_branches where bid = :bid;
end;
