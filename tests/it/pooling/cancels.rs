//! Requests to cancel: the right victim, an honest answer, and never a COMMIT.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};

use super::cluster::Faulty;
use super::peer::Peer;
use super::{Mode, Random};
use crate::support::postgres::Postgres;
use crate::support::raw::cancel;

const TABLE: &str = "create table t (id int primary key, v text)";

/// Who asks, and how.
#[derive(Debug, Clone, Copy)]
enum By {
    Request,
    Function,
}

async fn ask(by: By, cluster: &Faulty, victim: &Peer, other: &mut Peer) {
    let key = victim.raw.key.clone().unwrap();
    match by {
        By::Request => cancel(cluster.proxy.port(), &key).await,
        By::Function => {
            let sql = format!("select pg_cancel_backend({})", key.pid);
            assert_eq!(other.run(&sql).await.value(), "t");
        }
    }
}

#[tokio::test]
async fn the_answer_is_honest() {
    for mode in Mode::ALL {
        let cluster = Faulty::start(*mode, 3, &[]);
        let mut peer = cluster.peer().await;
        let mut other = cluster.peer().await;
        peer.run(TABLE).await;
        let mut n = 0;
        for by in [By::Request, By::Function] {
            for (begin, sql, told) in [
                (false, "select 'x'", "57014 I"),
                (false, "insert into t values (1, 'x')", "08007 I"),
                (true, "select 'x'", "57014 E"),
                (true, "insert into t values (1, 'x')", "57014 E"),
            ] {
                n += 1;
                let what = format!("{mode:?} {by:?} {begin} {sql}");
                let fault = format!("delay by=1h match=needle{n}x");
                let fault = cluster.order(&fault).await;
                if begin {
                    peer.run("begin").await;
                    peer.run("insert into t values (2)").await;
                }
                let sql = sql.replace("'x'", &format!("'needle{n}x'"));
                peer.raw.begin_query(&sql).await;
                cluster.until_fired(fault).await;
                ask(by, &cluster, &peer, &mut other).await;
                let reply = peer.reply().await;
                assert_eq!(reply.told(), told, "{what}");
                if told.starts_with("08007") {
                    let detail = reply.error.unwrap().detail.unwrap_or_default();
                    assert!(detail.contains("commit"), "{what}: {detail}");
                }
                if begin {
                    assert_eq!(peer.query("select 1").await.told(), "25P02 E", "{what}");
                    assert_eq!(peer.run("rollback").await.tags, ["ROLLBACK"]);
                }
                let count = peer.run("select count(*) from t").await.value();
                assert_eq!(count, "0", "{what}");
            }
        }
    }
}

#[tokio::test]
async fn a_commit_is_never_cancelled() {
    for mode in Mode::ALL {
        let cluster = Faulty::start(*mode, 3, &[]);
        let mut peer = cluster.peer().await;
        peer.run(TABLE).await;
        let fault = cluster.order("delay at=commit by=300ms match=needle").await;
        peer.run("begin").await;
        peer.run("insert into t values (1, 'needle')").await;
        peer.raw.begin_query("commit").await;
        cluster.until_fired(fault).await;
        let key = peer.raw.key.clone().unwrap();
        for _ in 0..3 {
            cancel(cluster.proxy.port(), &key).await;
        }
        let reply = peer.reply().await;
        assert_eq!(reply.told(), "- I", "{mode:?}");
        assert_eq!(reply.tags, ["COMMIT"]);
        assert_eq!(peer.run("select count(*) from t").await.value(), "1");
    }
}

#[tokio::test]
async fn process_ids_are_those_of_sessions() {
    for mode in Mode::ALL {
        let cluster = Faulty::start(*mode, 2, &[]);
        let mut peer = cluster.peer().await;
        let mut other = cluster.peer().await;
        let pid = peer.raw.key.as_ref().unwrap().pid.to_string();
        for _ in 0..3 {
            let sql = "select pg_backend_pid()";
            assert_eq!(peer.run(sql).await.value(), pid, "{mode:?}");
            assert_eq!(peer.extended(sql, &[]).await.value(), pid, "{mode:?}");
            let own = other.raw.key.as_ref().unwrap().pid.to_string();
            assert_eq!(other.run(sql).await.value(), own, "{mode:?}");
        }
        // Nobody has this one.
        let reply = other.query("select pg_cancel_backend(2147483646)").await;
        assert_eq!(reply.values().concat(), "f", "{mode:?} {reply:?}");
        let terminate = format!("select pg_terminate_backend({pid})");
        assert_eq!(other.run(&terminate).await.value(), "t", "{mode:?}");
        let reply = peer.reply().await;
        assert_eq!(reply.told(), "57P01 closed", "{mode:?}");
        assert_eq!(other.run("select 1").await.value(), "1");
    }
}

/// Those who cancel always hit themselves, or nothing; the others never notice.
#[tokio::test]
async fn the_wrong_one_is_never_hit() {
    const CLIENTS: usize = 16;
    const ROUNDS: usize = 60;
    let postgres = Postgres::start();
    for mode in Mode::ALL {
        let proxy = mode.proxy(&postgres, 3, &[]);
        let port = proxy.port();
        let client = async |id: usize| {
            let mut peer = Peer::log_in(port, "bench", &[]).await;
            let mut random = Random(id as u64);
            let key = peer.raw.key.clone().unwrap();
            let cancels = id.is_multiple_of(2);
            for round in 0..ROUNDS {
                let sql = match random.below(3) {
                    0 => format!("select {id}, {round}"),
                    1 => format!("begin; select {id}, {round}; commit"),
                    _ => format!("select {id}, {round} from generate_series(1, 20000) limit 1"),
                };
                peer.raw.begin_query(&sql).await;
                let early = cancels && random.below(2) == 0;
                if early {
                    cancel(port, &key).await;
                }
                let reply = peer.reply().await;
                match reply.told().as_str() {
                    "- I" => {
                        let expected = [id.to_string(), round.to_string()];
                        assert_eq!(reply.values(), expected, "{mode:?} {sql}");
                    }
                    "57014 I" if cancels => {}
                    "57014 E" if cancels => {
                        peer.run("rollback").await;
                    }
                    told => panic!("{mode:?} client {id}: {sql}: {told} {reply:?}"),
                }
                // What it means is finished, and its server has somebody else.
                if cancels {
                    cancel(port, &key).await;
                    // It may still have been meant for this one.
                    let told = peer.query("select 1").await.told();
                    assert!(["- I", "57014 I"].contains(&told.as_str()), "{told}");
                }
            }
            peer.leave().await;
        };
        join_all((0..CLIENTS).map(client)).await;
    }
}

/// The type of a TLS record with an alert, such as that the connection is closed.
const ALERT: u8 = 21;

/// Forwards connections, and does not tell those who open them when they are closed. With TLS 1.3
/// it could not know.
async fn silent_forwarder(to: &str) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let opened = Arc::new(AtomicUsize::new(0));
    let (to, count) = (to.to_owned(), Arc::clone(&opened));
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let far = TcpStream::connect(&to).await.unwrap();
            tokio::spawn(async move {
                let (mut near_read, mut near_write) = near.into_split();
                let (mut far_read, mut far_write) = far.into_split();
                let there = async {
                    copy(&mut near_read, &mut far_write).await.ok();
                    far_write.shutdown().await.ok();
                };
                let back = async {
                    let mut chunk = vec![0; 64 * 1024];
                    while let Ok(read @ 1..) = far_read.read(&mut chunk).await {
                        if chunk[0] != ALERT {
                            near_write.write_all(&chunk[..read]).await.ok();
                        }
                    }
                };
                tokio::join!(there, back);
                drop(near_write);
            });
        }
    });
    (address, opened)
}

/// PostgreSQL signals twice, and says when it has: until then the server is nobody else's.
#[tokio::test]
async fn a_server_is_not_used_while_it_may_be_signalled_again() {
    let postgres = Postgres::start_with(&["ssl_max_protocol_version=TLSv1.2"]);
    let (address, opened) = silent_forwarder(postgres.address()).await;
    let proxy = Mode::Transaction.proxy_to(&address, &postgres, 1, &[]);
    let mut peer = Peer::log_in(proxy.port(), "bench", &[]).await;
    let key = peer.raw.key.clone().unwrap();
    peer.run("select 1").await;
    assert_eq!(opened.load(Ordering::SeqCst), 1);
    peer.raw
        .begin_query("select pg_sleep(3600) where 'needle' <> ''")
        .await;
    // The request itself waits for nothing.
    cancel(proxy.port(), &key).await;
    assert_eq!(peer.reply().await.told(), "57014 I");
    assert_eq!(peer.run("select 1").await.value(), "1");
    // The first server, the request, and a server of its own for what came next.
    assert_eq!(opened.load(Ordering::SeqCst), 3);
}
