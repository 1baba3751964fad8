//! Advisory locks between the clients of one proxy.

use super::cluster;
use crate::pooling::peer::Peer;
use crate::support::raw::cancel;
use crate::support::within;

#[tokio::test]
async fn a_lock_keeps_others_out_until_it_is_given_back() {
    let cluster = cluster(&[]);
    let mut one = cluster.peer().await;
    let mut two = cluster.peer().await;
    let reply = one.query("SELECT pg_advisory_lock(72707369)").await;
    assert_eq!(
        (reply.told().as_str(), reply.tags.concat().as_str()),
        ("- I", "SELECT 1")
    );
    assert_eq!(reply.notices.len(), 1);
    assert_eq!(reply.value(), "");
    let tried = two
        .run("select pg_try_advisory_lock(72707369) as locked")
        .await;
    assert_eq!(tried.value(), "f");
    two.raw
        .begin_query("select pg_advisory_lock(72707369)")
        .await;
    one.run("create table t (a int); select pg_advisory_unlock(72707369)")
        .await;
    assert_eq!(within(two.reply()).await.told(), "- I");
    assert_eq!(
        two.run("select pg_advisory_unlock(72707369)").await.value(),
        "t"
    );
    let reply = two.run("select pg_advisory_unlock(72707369)").await;
    assert_eq!(reply.value(), "f");
    assert!(
        reply.notices[0].contains("you don't own a lock"),
        "{reply:?}"
    );
}

#[tokio::test]
async fn who_leaves_gives_its_locks_back() {
    let cluster = cluster(&[]);
    let mut one = cluster.peer().await;
    let mut two = cluster.peer().await;
    let mut three = cluster.peer().await;
    one.run("select pg_advisory_lock(1, 2)").await;
    two.raw.begin_query("select pg_advisory_lock(1, 2)").await;
    three.raw.begin_query("select pg_advisory_lock(1, 2)").await;
    // The first in the queue goes without a word, then the holder.
    drop(two);
    one.leave().await;
    assert_eq!(within(three.reply()).await.told(), "- I");
}

#[tokio::test]
async fn a_lock_of_a_transaction_ends_with_it() {
    let cluster = cluster(&[]);
    let mut one = cluster.peer().await;
    let mut two = cluster.peer().await;
    for end in ["commit", "rollback", "select 1/0"] {
        one.run("begin").await;
        one.run("select pg_advisory_xact_lock(5)").await;
        one.query("select 1").await;
        assert_eq!(
            two.run("select pg_try_advisory_xact_lock(5)").await.value(),
            "f"
        );
        one.query(end).await;
        assert_eq!(
            two.run("select pg_try_advisory_xact_lock(5)").await.value(),
            "t",
            "{end}"
        );
        one.query("rollback").await;
    }
}

#[tokio::test]
async fn a_wait_can_be_cancelled() {
    let cluster = cluster(&[]);
    let mut one = cluster.peer().await;
    let mut two = cluster.peer().await;
    one.run("select pg_advisory_lock(1)").await;
    let key = two.raw.key.clone().unwrap();
    let cancels = async {
        // The first may come before the wait has begun.
        loop {
            cancel(cluster.proxy.port(), &key).await;
        }
    };
    tokio::select! {
        reply = two.query("select pg_advisory_lock(1)") => assert_eq!(reply.told(), "57014 I"),
        () = cancels => {}
    }
    // Who has given up is not in the queue.
    one.run("select pg_advisory_unlock(1)").await;
    let mut three = cluster.peer().await;
    assert_eq!(
        three.run("select pg_try_advisory_lock(1)").await.value(),
        "t"
    );
}

#[tokio::test]
async fn a_deadlock_is_found() {
    async fn go(peer: &mut Peer, key: i32) -> String {
        let reply = peer.query(&format!("select pg_advisory_lock({key})")).await;
        if reply.error.is_some() {
            peer.run("select pg_advisory_unlock_all()").await;
        }
        reply.told()
    }
    let cluster = cluster(&[]);
    let mut one = cluster.peer().await;
    let mut two = cluster.peer().await;
    one.run("select pg_advisory_lock(1)").await;
    two.run("select pg_advisory_lock(2)").await;
    let both = async { tokio::join!(go(&mut one, 2), go(&mut two, 1)) };
    let (first, second) = within(both).await;
    let mut told = [first, second];
    told.sort();
    assert_eq!(told, ["- I", "40P01 I"]);
}

#[tokio::test]
async fn arguments_may_be_computed() {
    let cluster = cluster(&[]);
    let mut one = cluster.peer().await;
    let mut two = cluster.peer().await;
    one.run("select pg_advisory_lock(hashtext('migrations'))")
        .await;
    let tried = two
        .run("select pg_try_advisory_lock(hashtext('migrations'))")
        .await;
    assert_eq!(tried.value(), "f");
    let reply = two
        .run("SELECT pg_advisory_unlock_all();\nCLOSE ALL;\nUNLISTEN *;\nRESET ALL;")
        .await;
    assert_eq!(reply.tags.len(), 4);
}
