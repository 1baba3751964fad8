//! ALTER TABLE as PostgreSQL has it.

use super::cluster;
use crate::pooling::peer::Peer;

async fn table(peer: &mut Peer, rows: usize) {
    peer.run("create table t (id int primary key, a int, b varchar(30) default 'x')")
        .await;
    for first in (1..=rows).step_by(1000) {
        let last = (first + 999).min(rows);
        peer.run(&format!(
            "insert into t select n, n, 'v' || n from generate_series({first}, {last}) n"
        ))
        .await;
    }
}

#[tokio::test]
async fn a_column_with_a_default_fills_the_rows_that_are_there() {
    let cluster = cluster(&[]);
    let mut peer = cluster.peer().await;
    table(&mut peer, 3500).await;
    let reply = peer
        .query("alter table t add column s text not null default 'new', add n int default 7")
        .await;
    assert_eq!(reply.told(), "- I", "{reply:?}");
    assert_eq!(reply.tags, ["ALTER TABLE"]);
    let count = "select count(*) from t where s = 'new' and n = 7";
    assert_eq!(peer.run(count).await.value(), "3500");
    peer.run("insert into t (id) values (9999)").await;
    let row = peer.run("select s, n from t where id = 9999").await;
    assert_eq!(row.values(), ["new", "7"]);
    let reply = peer.query("update t set s = null where id = 1").await;
    assert!(reply.told().starts_with("23"), "{reply:?}");
}

#[tokio::test]
async fn a_default_that_is_stable_is_evaluated_once() {
    let cluster = cluster(&[]);
    let mut peer = cluster.peer().await;
    table(&mut peer, 2500).await;
    peer.run("alter table t add column at timestamptz not null default now(), add u uuid default gen_random_uuid()")
        .await;
    let row = peer
        .run("select count(distinct at), count(distinct u) from t")
        .await;
    assert_eq!(row.values(), ["1", "2500"]);
}

#[tokio::test]
async fn nothing_stays_of_a_column_that_cannot_be_added() {
    let cluster = cluster(&[]);
    let mut peer = cluster.peer().await;
    table(&mut peer, 10).await;
    for (sql, code) in [
        ("alter table t add column c int not null", "23502 I"),
        ("alter table t add column c int default 1/0", "22012 I"),
        (
            "alter table t add column c int default 1 check (c > 1)",
            "23514 I",
        ),
        ("alter table t add column c int unique default 5", "23505 I"),
        ("alter table t add column a int default 5", "42701 I"),
    ] {
        let reply = peer.query(sql).await;
        assert_eq!(reply.told(), code, "{sql} {reply:?}");
        let columns = "select count(*) from pg_attribute where attrelid = 't'::regclass \
                       and attnum > 0 and not attisdropped";
        assert_eq!(peer.run(columns).await.value(), "3", "{sql}");
    }
}

#[tokio::test]
async fn constraints_hold_for_the_rows_that_are_there() {
    let cluster = cluster(&[]);
    let mut peer = cluster.peer().await;
    table(&mut peer, 10).await;
    peer.run("create table u (id int primary key)").await;
    for (sql, code) in [
        ("alter table t add constraint c check (a > 0)", "- I"),
        ("alter table t add constraint d check (a > 5)", "23514 I"),
        ("alter table t add unique (a)", "- I"),
        ("alter table t add constraint e unique (b, a)", "- I"),
        (
            "alter table t add foreign key (a) references u (id)",
            "23503 I",
        ),
        ("alter table t alter column a set not null", "- I"),
        ("alter table t alter column a drop not null", "- I"),
    ] {
        let reply = peer.query(sql).await;
        assert_eq!(reply.told(), code, "{sql} {reply:?}");
    }
    let names = "select conname from pg_constraint where conrelid = 't'::regclass \
                 and contype <> 'p' order by 1";
    assert_eq!(peer.run(names).await.values(), ["c", "e", "t_a_key"]);
}

#[tokio::test]
async fn a_column_gets_another_type() {
    let cluster = cluster(&[]);
    let mut peer = cluster.peer().await;
    table(&mut peer, 10).await;
    peer.run("create index i on t (b)").await;
    let reply = peer
        .query("alter table t alter column b type varchar(150)")
        .await;
    assert_eq!(reply.told(), "- I", "{reply:?}");
    let reply = peer
        .query("alter table t alter a type text using a::text || '!'")
        .await;
    assert_eq!(reply.told(), "- I", "{reply:?}");
    peer.run("insert into t (id) values (11)").await;
    let row = peer
        .run("select a, b from t where id in (1, 11) order by id")
        .await;
    assert_eq!(row.values(), ["1!", "v1", "", "x"]);
    let indexes = "select count(*) from pg_index where indrelid = 't'::regclass and indisvalid";
    assert_eq!(peer.run(indexes).await.value(), "2");
    let reply = peer.query("alter table t alter id type bigint").await;
    assert_eq!(reply.told(), "0A000 I", "{reply:?}");
}
