//! DDL in transaction blocks.

use super::cluster;

#[tokio::test]
async fn ddl_in_a_block_is_committed_by_itself() {
    let cluster = cluster(&["--ddl-transactions=autocommit"]);
    let mut peer = cluster.peer().await;
    let mut other = cluster.peer().await;
    for (sql, tag) in [
        ("BEGIN", "BEGIN"),
        (
            "create table a (id int primary key, t text)",
            "CREATE TABLE",
        ),
        ("insert into a values (1, 'x') returning id", "INSERT 0 1"),
        (
            "alter table a add column n int not null default 5",
            "ALTER TABLE",
        ),
        ("create index i on a (n)", "CREATE INDEX"),
        ("update a set n = n + 1", "UPDATE 1"),
    ] {
        let reply = peer.query(sql).await;
        assert_eq!(reply.told(), "- T", "{sql} {reply:?}");
        assert_eq!(reply.tags, [tag]);
    }
    assert_eq!(other.run("select n from a").await.value(), "5");
    assert_eq!(peer.query("select n from a").await.value(), "6");
    let reply = peer.query("commit").await;
    assert_eq!(
        (reply.told().as_str(), &reply.tags[..]),
        ("- I", &["COMMIT".to_owned()][..])
    );
    assert_eq!(other.run("select n from a").await.value(), "6");
    assert!(reply.notices.iter().all(|it| !it.contains("rolled back")));
}

#[tokio::test]
async fn a_rollback_says_what_stays() {
    let cluster = cluster(&["--ddl-transactions=autocommit"]);
    let mut peer = cluster.peer().await;
    peer.query("begin").await;
    peer.run("create table a (id int primary key)").await;
    peer.run("insert into a values (1)").await;
    let reply = peer.query("rollback").await;
    assert_eq!(reply.told(), "- I");
    assert_eq!(reply.tags, ["ROLLBACK"]);
    assert_eq!(
        reply.notices,
        ["the transaction is not rolled back as a whole"]
    );
    assert_eq!(peer.run("select count(*) from a").await.value(), "0");
    // Once only.
    peer.run("begin").await;
    assert!(peer.query("rollback").await.notices.is_empty());
}

#[tokio::test]
async fn an_error_fails_the_block_and_says_what_stays() {
    let cluster = cluster(&["--ddl-transactions=autocommit"]);
    let mut peer = cluster.peer().await;
    for failing in [
        "create table a (id int)",
        "alter table none add b int",
        "select 1/0",
    ] {
        peer.run("begin").await;
        peer.run(&format!("create table t{} (id int)", failing.len()))
            .await;
        peer.query("create table a (id int)").await;
        let reply = peer.query(failing).await;
        assert!(reply.told().ends_with(" E"), "{failing} {reply:?}");
        let detail = reply.error.unwrap().detail.unwrap();
        assert!(detail.contains("Committed already"), "{detail}");
        assert_eq!(peer.query("select 1").await.told(), "25P02 E");
        let reply = peer.query("commit").await;
        assert_eq!(reply.tags, ["ROLLBACK"]);
        assert_eq!(
            reply.notices,
            ["the transaction is not rolled back as a whole"]
        );
        peer.run("drop table if exists a").await;
    }
}

#[tokio::test]
async fn a_script_may_have_blocks() {
    let cluster = cluster(&["--ddl-transactions=autocommit"]);
    let mut peer = cluster.peer().await;
    let reply = peer
        .query(
            "begin; create table a (id int primary key); create table b (id int); \
             insert into a values (1); commit; select id from a",
        )
        .await;
    assert_eq!(reply.told(), "- I", "{reply:?}");
    assert_eq!(
        reply.tags,
        [
            "BEGIN",
            "CREATE TABLE",
            "CREATE TABLE",
            "INSERT 0 1",
            "COMMIT",
            "SELECT 1"
        ]
    );
}

#[tokio::test]
async fn without_the_switch_dsql_refuses_and_the_hint_names_it() {
    let cluster = cluster(&[]);
    let mut peer = cluster.peer().await;
    for second in ["create table b (id int)", "insert into c values (1)"] {
        peer.run("create table if not exists c (id int)").await;
        peer.run("begin").await;
        peer.run("create table a (id int)").await;
        let reply = peer.query(second).await;
        assert_eq!(reply.told(), "0A000 E", "{reply:?}");
        let hint = reply.error.unwrap().hint.unwrap();
        assert!(hint.contains("--ddl-transactions=autocommit"), "{hint}");
        peer.run("rollback").await;
    }
    peer.run("begin").await;
    let reply = peer.query("alter table c add column d int default 1").await;
    let hint = reply.error.unwrap().hint.unwrap();
    assert!(hint.contains("--ddl-transactions=autocommit"), "{hint}");
}

#[tokio::test]
async fn an_index_in_a_block_is_waited_for_after_its_commit() {
    let cluster = cluster(&[]);
    let mut peer = cluster.peer().await;
    peer.run("create table t (a int)").await;
    peer.run("insert into t values (1), (1)").await;
    peer.run("begin").await;
    let reply = peer.query("create index i on t (a)").await;
    assert_eq!(
        (reply.told().as_str(), reply.tags.concat().as_str()),
        ("- T", "CREATE INDEX")
    );
    assert_eq!(peer.query("commit").await.tags, ["COMMIT"]);
    let valid = "select indisvalid from pg_index where indexrelid = 'i'::regclass";
    assert_eq!(peer.run(valid).await.value(), "t");
    peer.run("begin").await;
    peer.run("create unique index u on t (a)").await;
    let reply = peer.query("commit").await;
    assert_eq!(reply.told(), "23505 I", "{reply:?}");
}
