//! ALTER TABLE of tables that are not as one expects them.

use super::cluster;

#[tokio::test]
async fn names_and_keys_may_be_anything() {
    let cluster = cluster(&[]);
    let mut peer = cluster
        .peer_with(&[
            ("DateStyle", "SQL, DMY"),
            ("TimeZone", "Asia/Kolkata"),
            ("IntervalStyle", "sql_standard"),
        ])
        .await;
    peer.run("create schema \"Sch ä\"").await;
    peer.run(
        "create table \"Sch ä\".\"T \"\"q\" (\"K 1\" uuid, k2 text, k3 timestamptz, \
         k4 numeric, \"K'5\" date, v int, primary key (k3, \"K 1\", k2, k4, \"K'5\"))",
    )
    .await;
    for first in [0, 1, 2] {
        peer.run(&format!(
            "insert into \"Sch ä\".\"T \"\"q\" select gen_random_uuid(), \
             case n % 4 when 0 then '' when 1 then 'it''s \\ ü' when 2 then E'\\n' else 'ß' end, \
             case n % 50 when 0 then 'infinity'::timestamptz when 1 then '-infinity' \
             else timestamptz '1880-01-01' + (n * interval '3 days 7.000001 s') end, \
             case n % 9 when 0 then 'NaN'::numeric else n / 7.0 end, \
             date '0044-03-15 BC' + n, n from generate_series({first} * 1000 + 1, \
             {first} * 1000 + 1000) n"
        ))
        .await;
    }
    let reply = peer
        .query(
            "alter table \"Sch ä\".\"T \"\"q\" add \"Ünï '\" text not null default 'é''\"', \
             add at timestamptz default now(), add i interval default '1 year -2 days', \
             add nothing int default null, add u uuid default gen_random_uuid() unique",
        )
        .await;
    assert_eq!(reply.told(), "- I", "{reply:?}");
    let row = peer
        .run(
            "select count(*), count(distinct at), max(at) between now() - interval '1 minute' \
             and now(), count(distinct u), min(i)::text, count(nothing) from \"Sch ä\".\"T \"\"q\" \
             where \"Ünï '\" = 'é''\"'",
        )
        .await;
    let values = row.values();
    assert_eq!(
        [&values[..4], &values[5..]].concat(),
        ["3000", "1", "t", "3000", "0"]
    );
    let reply = peer
        .query("alter table \"Sch ä\".\"T \"\"q\" alter v type text using v || '\"Ünï'")
        .await;
    assert_eq!(reply.told(), "- I", "{reply:?}");
    let count = "select count(*) from \"Sch ä\".\"T \"\"q\" where v like '%\"Ünï'";
    assert_eq!(peer.run(count).await.value(), "3000");
}

#[tokio::test]
async fn writes_during_a_change_of_type_are_not_lost() {
    let cluster = cluster(&[]);
    let mut peer = cluster.peer().await;
    let mut other = cluster.peer().await;
    peer.run("create table t (id int primary key, \"A\" int default 7, b int)")
        .await;
    peer.run("insert into t select n, n, n from generate_series(1, 100) n")
        .await;
    for (sql, old, updated, inserted) in [
        (
            "alter table t alter \"A\" type bigint",
            "rename column",
            "70001",
            "7",
        ),
        (
            "alter table t alter \"A\" type text using t.\"A\" || '-' || b",
            "rename column",
            "70001-1",
            "7-2",
        ),
    ] {
        let fault = cluster
            .order(&format!("delay by=500ms match='{old}'"))
            .await;
        peer.raw.begin_query(sql).await;
        cluster.until_fired(fault).await;
        other.run("update t set \"A\" = 70001 where id = 1").await;
        other.run("delete from t where id > 1000").await;
        other.run("insert into t (id, b) values (1001, 2)").await;
        let reply = peer.reply().await;
        assert_eq!(reply.told(), "- I", "{reply:?}");
        let rows = peer
            .run("select \"A\" from t where id in (1, 1001) order by id")
            .await;
        assert_eq!(rows.values(), [updated, inserted], "{sql}");
    }
}

#[tokio::test]
async fn what_hangs_on_a_column_is_kept_or_in_the_way() {
    let cluster = cluster(&[]);
    let mut peer = cluster.peer().await;
    peer.run("create table u (id int primary key)").await;
    peer.run("insert into u values (1)").await;
    peer.run(
        "create table t (id int primary key, a int not null default 1 check (a > 0), b int, \
         constraint ab unique (a, b), constraint c check (a < b + 100))",
    )
    .await;
    peer.run("create index i on t (b, a) where a > 0").await;
    peer.run("insert into t values (1, 1, 1), (2, 1, 2)").await;
    let catalog = "select conname::text from pg_constraint where conrelid = 't'::regclass \
                   union all select indexrelid::regclass::text from pg_index \
                   where indrelid = 't'::regclass and indisvalid order by 1";
    let before = peer.run(catalog).await.values();
    let reply = peer.query("alter table t alter a type bigint").await;
    assert_eq!(reply.told(), "- I", "{reply:?}");
    let after = peer.run(catalog).await.values();
    for name in &before {
        assert!(after.contains(name), "{name}: {before:?} {after:?}");
    }
    for (sql, code) in [
        ("insert into t (id, a, b) values (3, null, 1)", "23"),
        ("insert into t (id, a, b) values (3, 0, 1)", "23514"),
        ("insert into t (id, a, b) values (3, 1, 1)", "23505"),
        ("insert into t (id, a, b) values (3, 500, 1)", "23514"),
    ] {
        let reply = peer.query(sql).await;
        assert!(reply.told().starts_with(code), "{sql}: {reply:?}");
    }

    let columns = "select string_agg(attname, ' ' order by attname) from pg_attribute \
                   where attrelid = 't'::regclass and attnum > 0 and not attisdropped";
    for sql in [
        "alter table t alter b type int using 1 / (b - 1)",
        "alter table t alter b type nonsense",
        "alter table t alter b type date",
        "alter table t alter none type date",
    ] {
        let reply = peer.query(sql).await;
        assert!(reply.error.is_some(), "{sql}");
        assert_eq!(peer.run(columns).await.value(), "a b id", "{reply:?}");
    }
    peer.run("create view v as select b from t").await;
    let reply = peer.query("alter table t alter b type bigint").await;
    assert_eq!(reply.told(), "0A000 I", "{reply:?}");
    assert_eq!(peer.run(columns).await.value(), "a b id");
    peer.run("drop view v").await;
    peer.run("alter table t add column dsql_proxy_new_type int")
        .await;
    let reply = peer.query("alter table t alter b type bigint").await;
    assert_eq!(reply.told(), "55000 I", "{reply:?}");
}

#[tokio::test]
async fn rows_that_are_long_are_filled_a_few_at_a_time() {
    let cluster = cluster(&[]);
    let mut peer = cluster.peer().await;
    peer.run("create table t (id int primary key, v text)")
        .await;
    for n in 0..15 {
        peer.run(&format!("insert into t values ({n}, repeat('x', 900000))"))
            .await;
    }
    let reply = peer
        .query("alter table t add c int not null default 5")
        .await;
    assert_eq!(reply.told(), "- I", "{reply:?}");
    let count = "select count(*) from t where c = 5";
    assert_eq!(peer.run(count).await.value(), "15");
}

#[tokio::test]
async fn no_value_is_lost_wherever_a_change_of_type_is_cut() {
    let cluster = cluster(&[]);
    let mut peer = cluster.peer().await;
    for needle in [
        "add column dsql_proxy_new_type",
        "update t set",
        "rename column a to",
        "is distinct from",
        "rename column dsql_proxy_new_type",
        "drop column dsql_proxy_old_type",
    ] {
        for order in ["cut at=statement", "cut at=commit when=after"] {
            peer.run("create table t (id int primary key, a int)").await;
            peer.run("insert into t values (1, 10), (2, 20)").await;
            let fault = cluster.order(&format!("{order} match='{needle}'")).await;
            let reply = peer.query("alter table t alter a type text").await;
            let what = format!("{needle} {order}: {reply:?}");
            assert!(reply.told().ends_with(" I"), "{what}");
            if order == "cut at=statement" {
                assert_eq!(cluster.fired(fault).await, 1, "{what}");
            }
            cluster.ask("DELETE", "/faults", "").await;
            let type_of = "select string_agg(attname || ' ' || format_type(atttypid, atttypmod), \
                           ', ') from pg_attribute where attrelid = 't'::regclass \
                           and attnum > 1 and not attisdropped";
            let columns = peer.run(type_of).await.value();
            match &reply.error {
                None => assert_eq!(columns, "a text", "{what}"),
                Some(_) if needle.starts_with("add column") => {
                    assert!(columns.starts_with("a integer"), "{columns}: {what}");
                }
                Some(_) => assert_eq!(columns, "a integer", "{what}"),
            }
            let values = peer.run("select a::text from t order by id").await;
            assert_eq!(values.values(), ["10", "20"], "{what}");
            peer.run("drop table t").await;
        }
    }
}
