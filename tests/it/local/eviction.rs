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

/// What `pg_temp`, or a function of one's own, could be made to mean.
#[tokio::test]
async fn nobody_calls_what_is_behind_the_front() {
    with_cluster(async |access| {
        let (mut a, _) = two(access).await;
        let call = "('dsql_local.capture', 'apply', true)";
        for name in [
            "dsql_local_set_config",
            "pg_catalog.dsql_local_set_config",
            "\"dsql_local_set_config\"",
            "U&\"dsql\\005flocal_set_config\"",
            "U&\"dsql!005flocal_set_config\" UESCAPE '!'",
            "pg_catalog . /* */ U&\"dsql_local_set_config\"",
        ] {
            for sql in [
                format!("SELECT {name}{call}"),
                format!("SELECT {name} /* */ {call}"),
                format!("WITH x AS (SELECT {name}{call}) SELECT * FROM x"),
                format!("SELECT * FROM {name}{call}"),
                format!("CREATE TABLE d (id int PRIMARY KEY, t text DEFAULT {name}{call})"),
                format!("CREATE VIEW w AS SELECT {name}{call} AS v"),
                format!("CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$SELECT {name}{call}$$"),
                format!("CREATE FUNCTION f() RETURNS text LANGUAGE sql RETURN {name}{call}"),
                format!("CREATE FUNCTION f() RETURNS text LANGUAGE sql AS 'SELECT 1; SELECT {}{}'",
                    name.replace('\'', "''"), call.replace('\'', "''")),
                format!("EXPLAIN ANALYZE SELECT {name}{call}"),
            ] {
                let messages = a.query(&sql).await;
                assert!(error(&messages).is_some(), "{sql}");
            }
        }
        for sql in [
            "SET dsql_local.capture = 'apply'",
            "SET LOCAL \"dsql_local.capture\" = 'apply'",
            "SELECT set_config('dsql_local.capture', 'apply', false)",
            "SELECT set_config('DSQL_local.rows', '-100000', false)",
            "RESET dsql_local.rows",
            "CREATE TEMP TABLE t (id int)",
            "CREATE FUNCTION f() RETURNS text LANGUAGE sql SET dsql_local.capture = 'apply' AS 'SELECT 1'",
            "ALTER ROLE admin SET dsql_local.capture = 'apply'",
        ] {
            let messages = a.query(sql).await;
            assert!(error(&messages).is_some(), "{sql}");
        }
    })
    .await;
}

/// A role with few rights has no more of them, and no fewer, when its block has lost.
#[tokio::test]
async fn a_loser_has_the_same_rights() {
    with_cluster(async |access| {
        let (mut admin, mut b) = two(access).await;
        admin
            .run(&[
                "CREATE TABLE secret (id int PRIMARY KEY)",
                "INSERT INTO secret VALUES (7)",
                "CREATE TABLE part (id int PRIMARY KEY, open int, closed int)",
                "INSERT INTO part VALUES (1, 1, 1)",
                "CREATE ROLE little WITH LOGIN",
                "GRANT SELECT, UPDATE ON t TO little",
                "GRANT SELECT (id, open), UPDATE (open) ON part TO little",
            ])
            .await;
        admin
            .grant_iam("little", dsql_proxy::local::Cluster::IAM_ARN)
            .await;
        let mut little = access.login("little").await;
        for (sql, code) in [
            ("SELECT * FROM secret", "42501"),
            ("SELECT closed FROM part", "42501"),
            ("UPDATE part SET closed = 2", "42501"),
            ("DELETE FROM t", "42501"),
            ("INSERT INTO t VALUES (9, 9)", "42501"),
            ("SELECT open FROM part", ""),
            ("UPDATE part SET open = open + 1 RETURNING open", ""),
            ("SELECT * FROM t, part WHERE t.id = part.id", "42501"),
            ("SELECT pg_catalog.to_regclass('t')", ""),
        ] {
            little.run(&["BEGIN", ADD]).await;
            b.run(&[ADD]).await;
            little
                .run(&[ADD, "SELECT v FROM t", "SELECT v FROM public.t"])
                .await;
            let messages = little.query(sql).await;
            assert_eq!(field(&messages, 'C').unwrap_or_default(), code, "{sql}");
            little.query("ROLLBACK").await;
        }
    })
    .await;
}

/// Settings of a block stay, however they were made, and none of them stops the account of it.
#[tokio::test]
async fn settings_stay() {
    with_cluster(async |access| {
        let (mut a, mut b) = two(access).await;
        for extended in [false, true] {
            for commits in [false, true] {
                for (set, zone) in [
                    (
                        "SELECT set_config('timezone', 'Asia/Tokyo', true)",
                        "Asia/Tokyo",
                    ),
                    ("SET LOCAL timezone = 'Asia/Tokyo'", "Asia/Tokyo"),
                    ("RESET ALL", "UTC"),
                    ("RESET timezone", "UTC"),
                ] {
                    a.run(&["UPDATE t SET v = 0", "BEGIN", ADD]).await;
                    let messages = if extended {
                        a.extended(set).await
                    } else {
                        a.query(set).await
                    };
                    assert_eq!(error(&messages), None, "{set}");
                    a.run(&["UPDATE t SET v = 5 WHERE id = 2"]).await;
                    b.run(&["BEGIN", ADD, "UPDATE t SET v = 7 WHERE id = 2"])
                        .await;
                    b.run(&[if commits { "COMMIT" } else { "ROLLBACK" }]).await;
                    assert_eq!(a.value("SHOW timezone").await, zone, "{set}");
                    a.run(&[ADD]).await;
                    let sum = a.value("SELECT sum(v) FROM t").await;
                    assert_eq!(sum, "7", "{set}");
                    let end = a.query("COMMIT").await;
                    assert_eq!(error(&end).is_some(), commits, "{set}");
                    let sum = b.value("SELECT sum(v) FROM t").await;
                    assert_eq!(sum, if commits { "8" } else { "7" }, "{set}");
                }
            }
        }
    })
    .await;
}
