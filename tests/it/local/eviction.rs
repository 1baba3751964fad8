//! Sessions that are asked to let go in all kinds of moments.

use bytes::BytesMut;
use dsql_proxy::wire::encode;

use super::client::{Client, Message, error, field, shape};
use super::with_cluster;

const ADD: &str = "UPDATE t SET v = v + 1 WHERE id = 1";

/// Messages of the extended protocol, with Sync.
async fn group(client: &mut Client, messages: &[(u8, &[u8])]) -> Vec<Message> {
    let mut out = BytesMut::new();
    for (tag, body) in messages {
        encode::frame(*tag, &mut out, |b| b.extend_from_slice(body));
    }
    encode::sync(&mut out);
    client.exchange(&out).await
}

async fn two(access: &super::client::Access) -> (Client, Client) {
    let (mut a, b) = (access.login("admin").await, access.login("admin").await);
    a.run(&[
        "CREATE TABLE t (id int PRIMARY KEY, v int)",
        "INSERT INTO t VALUES (1, 0), (2, 0)",
    ])
    .await;
    (a, b)
}

/// Drivers that prepare without a name in one group, and bind in the next.
#[tokio::test]
async fn an_unnamed_statement_stays() {
    with_cluster(async |access| {
        let (mut a, mut b) = two(access).await;
        for commits in [false, true] {
            a.run(&["BEGIN", ADD]).await;
            let parse = b"\0UPDATE t SET v = v + 10 WHERE id = $1 RETURNING v\0\0\0";
            let messages = group(&mut a, &[(b'P', parse), (b'D', b"S\0")]).await;
            assert_eq!(
                shape(&messages),
                ['1', 't', 'T', 'Z'],
                "{:?}",
                error(&messages)
            );
            b.run(&["BEGIN", ADD, if commits { "COMMIT" } else { "ROLLBACK" }])
                .await;
            let bind = b"\0\0\0\0\0\x01\0\0\0\x011\0\0";
            let messages = group(&mut a, &[(b'B', bind), (b'E', b"\0\0\0\0\0")]).await;
            assert_eq!(
                shape(&messages),
                ['2', 'D', 'C', 'Z'],
                "{:?}",
                error(&messages)
            );
            assert_eq!(messages[1].1[6..], *if commits { b"22" } else { b"11" });
            let end = a.query("COMMIT").await;
            assert_eq!(error(&end).is_some(), commits);
        }
    })
    .await;
}

#[tokio::test]
async fn a_failed_block_holds_nothing() {
    with_cluster(async |access| {
        let (mut a, mut b) = two(access).await;
        for failing in ["SELECT 1 / 0", "LISTEN x", "SELECT nothing"] {
            for extended in [false, true] {
                a.run(&["BEGIN", ADD, "SELECT * FROM t WHERE id = 2 FOR UPDATE"])
                    .await;
                let messages = if extended {
                    a.extended(failing).await
                } else {
                    a.query(failing).await
                };
                assert!(error(&messages).is_some(), "{failing}");
                b.run(&[ADD]).await;
                let messages = a.query("SELECT 1").await;
                assert_eq!(field(&messages, 'C').unwrap(), "25P02");
                assert_eq!(messages.last().unwrap().1, b"E");
                a.run(&["ROLLBACK"]).await;
            }
        }
        assert_eq!(b.value("SELECT v FROM t WHERE id = 1").await, "6");
    })
    .await;
}
