//! Prepared statements at their limits: long ones, names that are given anew, what a failed group
//! leaves.

use dsql_proxy::wire::encode;

use super::Mode;
use super::peer::Peer;
use super::script::{bind, execute, named, parse};
use crate::support::postgres::Postgres;

/// More than the proxy looks into.
const LONG: usize = 2 * 1024 * 1024;

#[tokio::test]
async fn a_statement_may_be_long() {
    let postgres = Postgres::start();
    for mode in Mode::ALL {
        let proxy = mode.proxy(&postgres, 2, &[]);
        let mut peer = Peer::log_in(proxy.port(), "bench", &[]).await;
        let sql = format!("select length('{}')", "x".repeat(LONG));
        for _ in 0..2 {
            let reply = peer.extended(&sql, &[]).await;
            assert_eq!(reply.error, None, "{mode:?}");
            assert_eq!(reply.value(), LONG.to_string(), "{mode:?}");
        }
    }
}

#[tokio::test]
async fn a_close_is_answered_before_sync() {
    let postgres = Postgres::start();
    for mode in Mode::ALL {
        let proxy = mode.proxy(&postgres, 2, &[]);
        let mut peer = Peer::log_in(proxy.port(), "bench", &[]).await;
        let flush = |out: &mut _| encode::frame(b'H', out, |_| {});
        peer.send(|out| {
            parse("a", "select 1", out);
            flush(out);
        })
        .await;
        assert_eq!(peer.raw.next().await.unwrap().0, b'1', "{mode:?}");
        peer.send(|out| {
            named(b'C', 'S', "a", out);
            flush(out);
        })
        .await;
        assert_eq!(peer.raw.next().await.unwrap().0, b'3', "{mode:?}");
        assert_eq!(peer.ask(encode::sync).await.told(), "- I", "{mode:?}");
    }
}

/// In one group a name is closed and given to another statement, which is the one that runs.
#[tokio::test]
async fn a_name_that_is_given_anew_means_the_new_statement() {
    let postgres = Postgres::start();
    for mode in Mode::ALL {
        let proxy = mode.proxy(&postgres, 2, &[]);
        let mut peer = Peer::log_in(proxy.port(), "bench", &[]).await;
        peer.run("create or replace function f() returns text language sql as 'select ''f'''")
            .await;
        for sql in ["select f()", "select f() || 'g'"] {
            let reply = peer
                .ask(|out| {
                    parse("", "select 1", out);
                    named(b'C', 'S', "a", out);
                    parse("a", sql, out);
                    bind("", "a", &[], false, out);
                    execute("", 0, out);
                    encode::sync(out);
                })
                .await;
            let expected = if sql.contains('g') { "fg" } else { "f" };
            assert_eq!(reply.value(), expected, "{mode:?} {reply:?}");
            assert_eq!(peer.execute("a").await.value(), expected, "{mode:?}");
        }
    }
}

/// What others have left on the server does not run in its place.
#[tokio::test]
async fn a_failed_group_leaves_the_unnamed_statement() {
    let postgres = Postgres::start();
    for mode in Mode::ALL {
        let proxy = mode.proxy(&postgres, 2, &[]);
        let mut peer = Peer::log_in(proxy.port(), "bench", &[]).await;
        let mut other = Peer::log_in(proxy.port(), "bench", &[]).await;
        let prepare = |out: &mut _| {
            parse("", "select 'mine'", out);
            encode::sync(out);
        };
        assert_eq!(peer.ask(prepare).await.told(), "- I");
        assert_eq!(
            other.extended("select 'theirs'", &[]).await.value(),
            "theirs"
        );
        peer.send(|out| {
            parse("b", "selekt", out);
            for _ in 0..2 {
                bind("", "", &[], false, out);
                execute("", 0, out);
                encode::sync(out);
            }
        })
        .await;
        assert_eq!(peer.reply().await.told(), "42601 I", "{mode:?}");
        let reply = peer.reply().await;
        assert_eq!(reply.told(), "- I", "{mode:?} {reply:?}");
        assert_eq!(reply.value(), "mine", "{mode:?}");
    }
}

/// A lock of the session is held although the statement behind it failed.
#[tokio::test]
async fn a_lock_outlives_an_error() {
    let postgres = Postgres::start();
    for mode in Mode::ALL {
        let proxy = mode.proxy(&postgres, 2, &[]);
        let mut peer = Peer::log_in(proxy.port(), "bench", &[]).await;
        let mut other = Peer::log_in(proxy.port(), "bench", &[]).await;
        let reply = peer.query("select pg_advisory_lock(5); select 1/0").await;
        assert_eq!(reply.told(), "22012 I");
        let tried = other.run("select pg_try_advisory_lock(5)").await;
        assert_eq!(tried.value(), "f", "{mode:?}");
        let unlocked = peer.run("select pg_advisory_unlock(5)").await;
        assert_eq!(unlocked.value(), "t", "{mode:?}");
    }
}
