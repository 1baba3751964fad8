//! SQL's EXECUTE of what was prepared by a message.

use dsql_proxy::wire::encode;

use super::Mode;
use super::peer::Peer;
use super::script::{named, parse};
use crate::support::postgres::Postgres;

#[tokio::test]
async fn a_statement_has_its_name_in_sql_too() {
    let postgres = Postgres::start();
    for mode in Mode::ALL {
        let proxy = mode.proxy(&postgres, 4, &[]);
        let mut peers = vec![];
        for id in 0..2 {
            let mut peer = Peer::log_in(proxy.port(), "bench", &[]).await;
            let prepare = |out: &mut _| {
                parse("foo", &format!("select {id}"), out);
                parse("sum", "select $1::int + $2", out);
                encode::sync(out);
            };
            assert_eq!(peer.ask(prepare).await.told(), "- I");
            peers.push(peer);
        }
        for extended in [false, true, false] {
            for (id, peer) in peers.iter_mut().enumerate() {
                let what = format!("{mode:?} {extended} {id}");
                let run = async |peer: &mut Peer, sql: &str| {
                    if extended {
                        peer.extended(sql, &[]).await
                    } else {
                        peer.query(sql).await
                    }
                };
                let answer = run(peer, "execute foo").await;
                assert_eq!(answer.values(), [id.to_string()], "{what} {answer:?}");
                assert_eq!(run(peer, "execute sum(3, 4)").await.value(), "7", "{what}");
                let unknown = run(peer, "execute other").await;
                assert_eq!(unknown.told(), "26000 I", "{what}");
                // The name is taken, as before.
                let again = |out: &mut _| {
                    parse("foo", "select 3", out);
                    encode::sync(out);
                };
                assert_eq!(peer.ask(again).await.told(), "42P05 I", "{what}");
            }
        }
        // Another statement of the same name.
        let peer = &mut peers[0];
        peer.run("begin").await;
        let other = |out: &mut _| {
            named(b'C', 'S', "foo", out);
            parse("foo", "select 'other'", out);
            encode::sync(out);
        };
        assert_eq!(peer.ask(other).await.told(), "- T");
        assert_eq!(peer.run("execute foo").await.value(), "other", "{mode:?}");
        peer.run("commit").await;
    }
}
