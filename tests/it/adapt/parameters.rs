//! Parameters that DSQL does not let a session set.

use super::cluster;

#[tokio::test]
async fn ignored_parameters_are_remembered() {
    let cluster = cluster(&["--unsupported-parameters=ignore"]);
    let mut peer = cluster.peer().await;
    let reply = peer
        .query("SET client_min_messages TO warning;SET TIME ZONE INTERVAL '+00:00' HOUR TO MINUTE;")
        .await;
    assert_eq!(reply.told(), "- I", "{reply:?}");
    assert_eq!(reply.tags, ["SET", "SET"]);
    assert_eq!(
        peer.run("show client_min_messages").await.value(),
        "warning"
    );
    assert_eq!(peer.run("show server_version_num").await.value(), "160015");
    peer.run("begin").await;
    peer.run("set statement_timeout = '2min'").await;
    assert_eq!(peer.run("show statement_timeout").await.value(), "2min");
    assert_eq!(peer.run("select 1").await.told(), "- T");
    peer.run("rollback").await;
    assert_eq!(peer.run("show statement_timeout").await.value(), "0");
    peer.run("begin; set local statement_timeout = 5; select 1; commit")
        .await;
    assert_eq!(peer.run("show statement_timeout").await.value(), "0");
    let reply = peer.query("set statement_timeout = 'soon'").await;
    assert_eq!(reply.told(), "22023 I");
    let reply = peer
        .run("select set_config('bytea_output', 'escape', false), current_setting('bytea_output')")
        .await;
    assert_eq!(reply.values(), ["escape", "escape"]);
}

#[tokio::test]
async fn an_error_of_ours_fails_the_block() {
    let cluster = cluster(&["--unsupported-parameters=ignore"]);
    let mut peer = cluster.peer().await;
    peer.run("begin").await;
    let reply = peer.query("set statement_timeout = 'soon'").await;
    assert_eq!(reply.told(), "22023 E");
    assert_eq!(peer.query("select 1").await.told(), "25P02 E");
    assert_eq!(peer.query("commit").await.tags, ["ROLLBACK"]);
}

#[tokio::test]
async fn notices_are_filtered() {
    let cluster = cluster(&["--unsupported-parameters=emulate"]);
    let mut peer = cluster.peer().await;
    let drop = "drop table if exists none";
    assert_eq!(peer.run(drop).await.notices.len(), 1);
    peer.run("set client_min_messages = warning").await;
    assert!(peer.run(drop).await.notices.is_empty());
    peer.run("reset client_min_messages").await;
    assert_eq!(peer.run(drop).await.notices.len(), 1);
    let mut peer = cluster.peer_with(&[("client_min_messages", "error")]).await;
    assert!(peer.run(drop).await.notices.is_empty());
}

#[tokio::test]
async fn levels_that_dsql_has_anyway_are_not_asked_of_it() {
    let cluster = cluster(&["--unsupported-parameters=emulate"]);
    let mut peer = cluster.peer().await;
    peer.run("create table t (a int)").await;
    for begin in [
        "BEGIN ISOLATION LEVEL READ COMMITTED",
        "START TRANSACTION; SET TRANSACTION ISOLATION LEVEL READ COMMITTED;",
        "begin transaction isolation level repeatable read",
    ] {
        let reply = peer.query(begin).await;
        assert_eq!(reply.told(), "- T", "{begin} {reply:?}");
        peer.run("insert into t values (1)").await;
        peer.run("commit").await;
    }
    peer.run("begin").await;
    peer.run("set transaction read only").await;
    assert_eq!(
        peer.query("insert into t values (1)").await.told(),
        "25006 E"
    );
    peer.run("rollback").await;
    peer.run("set session characteristics as transaction isolation level read committed")
        .await;
    peer.run("begin").await;
    assert_eq!(
        peer.run("show transaction isolation level").await.value(),
        "read committed"
    );
    peer.run("commit").await;
    let reply = peer.query("begin isolation level serializable").await;
    assert!(reply.told().starts_with("0A000"), "{reply:?}");
}

#[tokio::test]
async fn a_script_with_parameters_is_one_transaction() {
    let cluster = cluster(&["--unsupported-parameters=ignore"]);
    let mut peer = cluster.peer().await;
    peer.run("create table t (a int primary key)").await;
    let reply = peer
        .query("insert into t values (1); set work_mem = '1MB'; insert into t values (1)")
        .await;
    assert_eq!(reply.told(), "23505 I", "{reply:?}");
    assert_eq!(peer.run("select count(*) from t").await.value(), "0");
    let reply = peer
        .run("insert into t values (1); set work_mem = '1MB'; insert into t values (2)")
        .await;
    assert_eq!(reply.tags, ["INSERT 0 1", "SET", "INSERT 0 1"]);
}
