//! CREATE INDEX as PostgreSQL has it.

use super::cluster;

/// The valid indexes of a table, by name.
const VALID: &str = "select indexrelid::regclass::text from pg_index \
                     where indrelid = 't'::regclass and indisvalid and not indisprimary order by 1";

#[tokio::test]
async fn an_index_is_there_when_its_statement_is_done() {
    let cluster = cluster(&[]);
    let mut peer = cluster.peer().await;
    peer.run("create table t (id int primary key, a int, b text)")
        .await;
    peer.run("insert into t select n, n, 'x' from generate_series(1, 100) n")
        .await;
    for (sql, name) in [
        ("create index i1 on t (a)", "i1"),
        (
            "create index concurrently i2 on t using btree (a asc, b)",
            "i2",
        ),
        (
            "create unique index if not exists \"I3\" on only public.t (a) where a > 3",
            "\"I3\"",
        ),
        ("create index on t (b varchar_pattern_ops)", "t_b_idx"),
    ] {
        let reply = peer.query(sql).await;
        assert_eq!(reply.told(), "- I", "{sql} {reply:?}");
        assert_eq!(reply.tags, ["CREATE INDEX"]);
        assert!(reply.rows.is_empty(), "{sql}");
        let valid = peer.run(VALID).await.values();
        assert!(valid.iter().any(|it| it == name), "{sql}: {valid:?}");
    }
    let reply = peer.run("create index if not exists i1 on t (a)").await;
    assert_eq!(reply.tags, ["CREATE INDEX"]);
}

#[tokio::test]
async fn an_index_that_cannot_be_built_is_the_error_and_is_gone() {
    let cluster = cluster(&[]);
    let mut peer = cluster.peer().await;
    peer.run("create table t (id int primary key, a int)").await;
    peer.run("insert into t values (1, 1), (2, 1)").await;
    let reply = peer.query("create unique index u on t (a)").await;
    assert_eq!(reply.told(), "23505 I", "{reply:?}");
    let error = reply.error.unwrap();
    assert_eq!(error.message, "could not create unique index \"u\"");
    let indexes = "select count(*) from pg_index where indrelid = 't'::regclass";
    assert_eq!(peer.run(indexes).await.value(), "1");
    // It refuses no duplicates either.
    peer.run("insert into t values (3, 1)").await;
}
