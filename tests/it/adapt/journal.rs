//! Scripts that are run again.

use super::cluster;

#[tokio::test]
async fn a_script_goes_on_where_it_has_stopped() {
    let cluster = cluster(&["--resume-scripts"]);
    let mut peer = cluster.peer().await;
    let script = "create table a (id int primary key); insert into a values (1); \
                  insert into a values (2); create table b (id int); \
                  create index i on missing (id); insert into a values (3)";
    let reply = peer.query(script).await;
    assert_eq!(reply.told(), "42P01 I", "{reply:?}");
    peer.run("create table missing (id int)").await;
    let reply = peer.query(script).await;
    assert_eq!(reply.told(), "- I", "{reply:?}");
    assert_eq!(
        reply.tags,
        [
            "CREATE TABLE",
            "INSERT 0 0",
            "INSERT 0 0",
            "CREATE TABLE",
            "CREATE INDEX",
            "INSERT 0 1"
        ]
    );
    assert_eq!(
        reply.notices[0],
        "the first 4 of 6 statements have been applied before, and are skipped"
    );
    assert_eq!(peer.run("select count(*) from a").await.value(), "3");
    // It is done with: the same again is another run.
    assert_eq!(
        peer.run("select count(*) from dsql_proxy.scripts")
            .await
            .value(),
        "0"
    );
    assert_eq!(peer.query(script).await.told(), "42P07 I");
}

#[tokio::test]
async fn only_what_is_in_doubt_may_be_there_already() {
    let cluster = cluster(&["--resume-scripts"]);
    let mut peer = cluster.peer().await;
    let script = "create table a (id int); create table needle (id int); create table c (id int)";
    // The answer to the second is lost.
    cluster.order("cut at=commit when=after match=needle").await;
    let reply = peer.query(script).await;
    assert!(reply.error.is_some(), "{reply:?}");
    let reply = peer.query(script).await;
    assert_eq!(reply.told(), "- I", "{reply:?}");
    peer.run("select * from needle; select * from c").await;
    // An error that is no doubt stays one.
    let reply = peer
        .query("create table d (id int); create table a (id int)")
        .await;
    assert_eq!(reply.told(), "42P07 I");
    assert_eq!(
        peer.query("create table d (id int); create table a (id int)")
            .await
            .told(),
        "42P07 I"
    );
}
