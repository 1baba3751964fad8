//! Connections to the cluster that break: what a client is told is true, and its session goes on.

use dsql_proxy::wire::encode;

use super::Mode;
use super::cluster::Faulty;
use super::peer::Peer;
use super::script::{execute, parse};
use crate::support::within;

const TABLE: &str = "create table t (id int primary key, v text)";

async fn ids(peer: &mut Peer) -> String {
    let reply = peer.run("select id from t order by id").await;
    reply.values().join(",")
}

#[tokio::test]
async fn a_session_outlives_its_connection() {
    for mode in Mode::ALL {
        let cluster = Faulty::start(*mode, 2, &[]);
        let mut peer = cluster.peer_with(&[("TimeZone", "Asia/Tokyo")]).await;
        peer.run(TABLE).await;
        peer.run("set datestyle = 'German'").await;
        let prepare = |out: &mut _| {
            parse(
                "a",
                "select 'mine ' || timestamptz '2024-03-01 12:00Z'",
                out,
            );
            parse("", "select 'unnamed'", out);
            encode::sync(out);
        };
        assert_eq!(peer.ask(prepare).await.told(), "- I");
        let mine = "mine 01.03.2024 21:00:00 JST";
        for round in 0..3 {
            let what = format!("{mode:?} {round}");
            // Idle at the 60 minutes.
            cluster.order("expire").await;
            within(async { while cluster.sessions().await > 0 {} }).await;
            if round == 0 {
                assert_eq!(peer.execute("").await.value(), "unnamed", "{what}");
            }
            assert_eq!(peer.execute("a").await.value(), mine, "{what}");
            cluster.order("expire").await;
            within(async { while cluster.sessions().await > 0 {} }).await;
            let reply = peer.run("select current_setting('datestyle')").await;
            assert_eq!(reply.value(), "German, DMY", "{what}");
            // In a transaction.
            peer.run("begin").await;
            peer.run(&format!("insert into t values ({round})")).await;
            cluster.order("expire").await;
            assert_eq!(peer.execute("a").await.value(), mine, "{what}");
            assert_eq!(peer.run("commit").await.tags, ["COMMIT"], "{what}");
            within(async { while cluster.sessions().await > 0 {} }).await;
            assert_eq!(peer.execute("a").await.value(), mine, "{what}");
            // Without warning, while it is idle.
            cluster.order("cut").await;
            within(async { while cluster.sessions().await > 0 {} }).await;
            assert_eq!(peer.execute("a").await.value(), mine, "{what}");
            assert_eq!(peer.status, 'I');
        }
        assert_eq!(ids(&mut peer).await, "0,1,2");
    }
}

#[tokio::test]
async fn what_a_client_is_told_is_true() {
    for mode in Mode::ALL {
        let cluster = Faulty::start(*mode, 2, &[]);
        let mut peer = cluster.peer().await;
        peer.run(TABLE).await;
        peer.run("insert into t values (0)").await;
        // The fault; what is sent; what is told; the rows that are there afterwards.
        for (fault, statements, told, rows) in [
            // A read.
            ("cut at=statement", &["select 'x'"][..], "08006 I", "0"),
            // A write by itself: nobody knows.
            (
                "cut at=statement",
                &["insert into t values (1, 'x')"],
                "08007 I",
                "0",
            ),
            (
                "cut at=commit when=before",
                &["insert into t values (2, 'x')"],
                "08007 I",
                "0",
            ),
            (
                "cut at=commit when=after",
                &["insert into t values (3, 'x')"],
                "08007 I",
                "0,3",
            ),
            // A block.
            (
                "cut at=statement",
                &["begin", "insert into t values (4)", "select 'x'"],
                "08006 E",
                "0,3",
            ),
            (
                "cut at=commit when=before",
                &["begin", "insert into t values (5, 'x')", "commit"],
                "08007 I",
                "0,3",
            ),
            (
                "cut at=commit when=after",
                &["begin", "insert into t values (6, 'x')", "commit"],
                "08007 I",
                "0,3,6",
            ),
        ] {
            for extended in [false, true] {
                peer.run("delete from t where id > 0 and id <> 3 and id <> 6")
                    .await;
                peer.run("delete from t where id = 3 or id = 6").await;
                let mark = if extended { "needle2" } else { "needle1" };
                let id = cluster.order(&format!("{fault} match={mark}")).await;
                let mut reply = None;
                for sql in statements {
                    let sql = sql.replace("'x'", &format!("'{mark}'"));
                    reply = Some(if extended {
                        peer.extended(&sql, &[]).await
                    } else {
                        peer.query(&sql).await
                    });
                }
                let reply = reply.unwrap();
                let what = format!("{mode:?} {fault} {statements:?} {extended} {reply:?}");
                assert_eq!(reply.told(), told, "{what}");
                assert_eq!(cluster.fired(id).await, 1, "once: {what}");
                if peer.status == 'E' {
                    assert_eq!(peer.query("select 1").await.told(), "25P02 E", "{what}");
                    assert_eq!(peer.run("commit").await.tags, ["ROLLBACK"], "{what}");
                }
                let first = ids(&mut peer).await;
                let expected = match rows {
                    "0,3" if !fault.contains("after") => "0",
                    "0,3,6" => "0,6",
                    other => other,
                };
                assert_eq!(first, expected, "{what}");
            }
        }
    }
}

#[tokio::test]
async fn a_cut_in_an_idle_block_is_the_answer_to_the_next_message() {
    for mode in Mode::ALL {
        let cluster = Faulty::start(*mode, 2, &[]);
        let mut peer = cluster.peer().await;
        peer.run(TABLE).await;
        for (extended, last) in [
            (false, "select 1"),
            (true, "select 1"),
            (false, "insert into t values (2)"),
            (false, "commit"),
            (false, "rollback"),
        ] {
            peer.run("begin").await;
            peer.run("insert into t values (1)").await;
            cluster.order("cut").await;
            let reply = if extended {
                peer.extended(last, &[]).await
            } else {
                peer.query(last).await
            };
            // A COMMIT that was on its way when the connection broke may say that nobody knows.
            let answers = match last {
                "commit" => vec!["08006 I", "08006 E", "08007 I"],
                "rollback" => vec!["- I", "08006 I", "08006 E"],
                _ => vec!["08006 E"],
            };
            let answer = reply.told();
            assert!(
                answers.contains(&answer.as_str()),
                "{mode:?} {last} {reply:?}"
            );
            if peer.status == 'E' {
                assert_eq!(peer.query("select 1").await.told(), "25P02 E");
                assert_eq!(peer.run("rollback").await.tags, ["ROLLBACK"]);
            }
            assert_eq!(ids(&mut peer).await, "", "{mode:?} {last}");
        }
    }
}

#[tokio::test]
async fn a_cut_in_a_copy_and_in_an_open_portal() {
    for mode in Mode::ALL {
        let cluster = Faulty::start(*mode, 2, &[]);
        let mut peer = cluster.peer().await;
        peer.run(TABLE).await;
        // Nothing is written before the client has sent everything.
        peer.raw.begin_query("copy t from stdin").await;
        assert_eq!(peer.raw.next().await.unwrap().0, b'G');
        cluster.order("cut").await;
        let reply = peer
            .ask(|out| {
                encode::frame(b'd', out, |b| b.extend_from_slice(b"1\tone\n"));
                encode::frame(b'c', out, |_| {});
            })
            .await;
        // The end of the data and the end of the connection may have crossed.
        assert!(
            ["08006 I", "08007 I"].contains(&reply.told().as_str()),
            "{mode:?} {reply:?}"
        );
        assert_eq!(ids(&mut peer).await, "", "{mode:?}");

        // A suspended portal keeps its server; both are lost.
        peer.run("begin").await;
        peer.send(|out| {
            parse("", "select generate_series(1, 9)", out);
            super::script::bind("p", "", &[], false, out);
            execute("p", 2, out);
            encode::sync(out);
        })
        .await;
        assert_eq!(peer.reply().await.values(), ["1", "2"]);
        cluster.order("cut").await;
        let reply = peer
            .ask(|out| {
                execute("p", 2, out);
                encode::sync(out);
            })
            .await;
        assert_eq!(reply.told(), "08006 E", "{mode:?}");
        peer.run("rollback").await;
        assert_eq!(peer.run("select 1").await.value(), "1");
    }
}

#[tokio::test]
async fn a_cut_in_a_login_is_not_seen() {
    for mode in Mode::ALL {
        let cluster = Faulty::start(*mode, 2, &[]);
        cluster.order("refuse reason=rate times=2").await;
        let mut peer = cluster.peer().await;
        assert_eq!(peer.run("select 1").await.value(), "1", "{mode:?}");
    }
}
