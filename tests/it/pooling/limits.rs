//! The limits of the pool, and who waits for what.

use super::Mode;
use super::cluster::Faulty;
use crate::support::within;

#[tokio::test]
async fn a_block_that_does_nothing_takes_no_server() {
    for mode in Mode::ALL.iter().filter(|mode| mode.shares()) {
        let cluster = Faulty::start(*mode, 1, &[]);
        let mut idle = vec![];
        for _ in 0..5 {
            let mut peer = cluster.peer().await;
            peer.run("begin").await;
            assert_eq!(peer.status, 'T');
            idle.push(peer);
        }
        let mut busy = cluster.peer().await;
        assert_eq!(busy.run("select 1").await.value(), "1");
        for mut peer in idle {
            assert_eq!(peer.run("commit").await.tags, ["COMMIT"]);
        }
        assert_eq!(cluster.sessions().await, 1);
    }
}

#[tokio::test]
async fn who_waits_too_long_is_told_why() {
    for mode in Mode::ALL.iter().filter(|mode| mode.shares()) {
        let cluster = Faulty::start(*mode, 1, &["--queue-timeout=200ms"]);
        let mut holder = cluster.peer().await;
        let mut waiting = cluster.peer().await;
        holder.run("begin").await;
        holder.run("select 1").await;
        for extended in [false, true] {
            let reply = if extended {
                waiting.extended("select 2", &[]).await
            } else {
                waiting.query("select 2").await
            };
            assert_eq!(reply.told(), "53300 I", "{reply:?}");
            let error = reply.error.unwrap();
            let text = format!("{error:?}");
            assert!(text.contains("pool-size"), "the way out: {text}");
        }
        // A block that has not begun yet fails.
        waiting.run("begin").await;
        assert_eq!(waiting.query("select 2").await.told(), "53300 E");
        assert_eq!(waiting.run("rollback").await.tags, ["ROLLBACK"]);
        holder.run("commit").await;
        assert_eq!(waiting.run("select 2").await.value(), "2");

        // The reason is that none can be opened.
        cluster.order("refuse reason=connections times=all").await;
        cluster.order("cut").await;
        let error = waiting.query("select 2").await.error.unwrap();
        let text = format!("{error:?}");
        assert!(text.contains("too many open connections"), "{text}");
        cluster.ask("DELETE", "/faults", "").await;
        within(async { while waiting.query("select 2").await.error.is_some() {} }).await;
    }
}

#[tokio::test]
async fn dead_servers_are_not_handed_out() {
    for mode in Mode::ALL.iter().filter(|mode| mode.shares()) {
        let cluster = Faulty::start(*mode, 4, &[]);
        let mut peers = vec![];
        for _ in 0..4 {
            let mut peer = cluster.peer().await;
            peer.run("begin").await;
            peer.run("select 1").await;
            peers.push(peer);
        }
        for peer in &mut peers {
            peer.run("commit").await;
        }
        assert_eq!(cluster.sessions().await, 4);
        cluster.order("cut").await;
        for peer in &mut peers {
            assert_eq!(peer.run("select 1").await.value(), "1");
        }
    }
}

#[tokio::test]
async fn unused_servers_are_closed() {
    for mode in Mode::ALL.iter().filter(|mode| mode.shares()) {
        let cluster = Faulty::start(*mode, 4, &["--idle-timeout=1s"]);
        let mut peer = cluster.peer().await;
        peer.run("select 1").await;
        within(async { while cluster.sessions().await > 0 {} }).await;
        assert_eq!(peer.run("select 1").await.value(), "1");
    }
}

#[tokio::test]
async fn who_pins_a_server_is_named() {
    for mode in Mode::ALL.iter().filter(|mode| mode.shares()) {
        let mut cluster = Faulty::start(*mode, 2, &[]);
        let mut peer = cluster.peer().await;
        let mut other = cluster.peer().await;
        peer.run("create sequence q cache 1").await;
        let last = peer.run("select nextval('q')").await.value();
        other.run("select 1").await;
        assert_eq!(other.query("select currval('q')").await.told(), "55000 I");
        assert_eq!(peer.run("select currval('q')").await.value(), last);
        peer.leave().await;
        assert_eq!(other.query("select currval('q')").await.told(), "55000 I");
        other.leave().await;
        let (_, log) = cluster.proxy.stop();
        assert!(log.contains("pinned"), "{log}");
        assert!(log.contains("sequence"), "{log}");
    }
}

#[tokio::test]
async fn who_idles_in_a_transaction_for_too_long_loses_it() {
    for mode in Mode::ALL {
        let cluster = Faulty::start(*mode, 1, &["--limit=transaction-age=1s"]);
        let mut peer = cluster.peer().await;
        peer.run("create table t (id int primary key)").await;
        for (extended, last) in [
            (false, "select 1"),
            (true, "select 1"),
            (false, "commit"),
            (false, "rollback"),
        ] {
            let what = format!("{mode:?} {extended} {last}");
            peer.run("begin").await;
            peer.run("insert into t values (1)").await;
            within(async { while cluster.sessions().await > 0 {} }).await;
            let reply = if extended {
                peer.extended(last, &[]).await
            } else {
                peer.query(last).await
            };
            assert_eq!(reply.told(), "54000 E", "{what}");
            let error = reply.error.unwrap();
            assert_eq!(error.message, "transaction age limit of 1s exceeded");
            assert_eq!(peer.query("select 1").await.told(), "25P02 E", "{what}");
            assert_eq!(peer.run("commit").await.tags, ["ROLLBACK"], "{what}");
            assert_eq!(peer.run("select id from t").await.values(), [""; 0]);
        }
        // One that has failed already ends as usual.
        peer.run("begin").await;
        assert_eq!(peer.query("select 1/0").await.told(), "22012 E");
        within(async { while cluster.sessions().await > 0 {} }).await;
        assert_eq!(peer.query("select 1").await.told(), "25P02 E");
        assert_eq!(peer.run("rollback").await.tags, ["ROLLBACK"]);
        assert_eq!(peer.run("select 1").await.value(), "1");
    }
}
