//! The same in the extended protocol.

use bytes::BytesMut;
use dsql_proxy::wire::encode;

use super::cluster;
use crate::pooling::peer::{Peer, Reply};
use crate::pooling::script::{bind, execute, named, parse};

/// Parse, Bind, Describe and Execute, without Sync.
fn statement(sql: &str, out: &mut BytesMut) {
    parse("", sql, out);
    bind("", "", &[], false, out);
    named(b'D', 'P', "", out);
    execute("", 0, out);
}

/// As pgjdbc does: several statements before one Sync.
async fn together(peer: &mut Peer, all: &[&str]) -> Reply {
    peer.ask(|out| {
        for sql in all {
            statement(sql, out);
        }
        encode::sync(out);
    })
    .await
}

#[tokio::test]
async fn each_ddl_statement_of_a_group_runs_alone() {
    let cluster = cluster(&[]);
    let mut peer = cluster.peer().await;
    let reply = together(
        &mut peer,
        &[
            "create table a (id int primary key)",
            "insert into a values (1)",
            "insert into a values (2)",
            "create index i on a (id)",
            "alter table a add column t text default 'x'",
            "select count(*) from a where t = 'x'",
        ],
    )
    .await;
    assert_eq!(reply.told(), "- I", "{reply:?}");
    assert_eq!(
        reply.tags,
        [
            "CREATE TABLE",
            "INSERT 0 1",
            "INSERT 0 1",
            "CREATE INDEX",
            "ALTER TABLE",
            "SELECT 1"
        ]
    );
    assert_eq!(reply.value(), "2");
}

#[tokio::test]
async fn an_error_skips_the_rest_of_the_group() {
    let cluster = cluster(&[]);
    let mut peer = cluster.peer().await;
    peer.run("create table t (id int primary key)").await;
    for failing in [
        "insert into t values (1)",
        "create table t (a int)",
        "alter table t add column b int default 1/0",
    ] {
        peer.run("delete from t").await;
        let reply = together(
            &mut peer,
            &[
                "insert into t values (1)",
                failing,
                "create table never (a int)",
                "insert into t values (3)",
            ],
        )
        .await;
        assert!(reply.error.is_some(), "{failing} {reply:?}");
        assert_eq!(reply.status, Some('I'));
        assert_eq!(reply.tags, ["INSERT 0 1"]);
        assert_eq!(peer.query("select * from never").await.told(), "42P01 I");
    }
}

#[tokio::test]
async fn names_stay_and_describe_nothing() {
    let cluster = cluster(&[]);
    let mut peer = cluster.peer().await;
    peer.send(|out| {
        parse("ddl", "create table t (a int)", out);
        named(b'D', 'S', "ddl", out);
        encode::sync(out);
    })
    .await;
    let messages = peer.raw.until_ready().await;
    let tags: String = messages.iter().map(|(tag, _)| char::from(*tag)).collect();
    assert_eq!(tags, "1tnZ");
    for code in ["-", "42P07"] {
        let reply = peer
            .ask(|out| {
                bind("p", "ddl", &[], false, out);
                execute("p", 0, out);
                encode::sync(out);
            })
            .await;
        assert_eq!(reply.outcome().0, code);
    }
    let reply = peer
        .ask(|out| {
            named(b'C', 'S', "ddl", out);
            bind("", "ddl", &[], false, out);
            encode::sync(out);
        })
        .await;
    assert_eq!(reply.told(), "26000 I");
}

#[tokio::test]
async fn locks_have_parameters() {
    let cluster = cluster(&[]);
    let mut one = cluster.peer().await;
    let mut two = cluster.peer().await;
    for (sql, values) in [
        ("select pg_advisory_lock($1)", &[Some("77")][..]),
        (
            "select pg_advisory_lock($1::int, $2)",
            &[Some("1"), Some("2")][..],
        ),
        ("select pg_advisory_lock(hashtext($1))", &[Some("app")][..]),
        ("select 1 from pg_advisory_lock($1)", &[Some("99")][..]),
    ] {
        let reply = one.extended(sql, values).await;
        assert_eq!(reply.told(), "- I", "{sql} {reply:?}");
        let tried = sql.replace(
            "select 1 from pg_advisory_lock",
            "select pg_try_advisory_lock",
        );
        let tried = tried.replace("pg_advisory_lock", "pg_try_advisory_lock");
        assert_eq!(two.extended(&tried, values).await.value(), "f", "{tried}");
    }
    one.extended("select pg_advisory_unlock_all()", &[]).await;
    let tried = two
        .extended("select pg_try_advisory_lock($1)", &[Some("77")])
        .await;
    assert_eq!(tried.value(), "t");
}

#[tokio::test]
async fn parameters_are_kept() {
    let cluster = cluster(&["--unsupported-parameters=ignore"]);
    let mut peer = cluster.peer().await;
    let reply = peer.extended("set extra_float_digits = 3", &[]).await;
    assert_eq!(reply.told(), "- I");
    let reply = peer.extended("set statement_timeout = 5000", &[]).await;
    assert_eq!(
        (reply.told().as_str(), reply.tags.concat().as_str()),
        ("- I", "SET")
    );
    assert_eq!(
        peer.extended("show statement_timeout", &[]).await.value(),
        "5s"
    );
    let reply = peer
        .extended(
            "select current_setting('jit'), set_config('jit', $1, false)",
            &[Some("off")],
        )
        .await;
    assert_eq!(reply.told(), "- I", "{reply:?}");
    assert_eq!(reply.values()[1], "off");
}

#[tokio::test]
async fn ddl_in_a_block_with_pgjdbcs_messages() {
    let cluster = cluster(&["--ddl-transactions=autocommit"]);
    let mut peer = cluster.peer().await;
    let reply = together(&mut peer, &["BEGIN", "create table t (id int primary key)"]).await;
    assert_eq!(reply.told(), "- T", "{reply:?}");
    for sql in [
        "insert into t values (1)",
        "create table u (a int)",
        "insert into t values (2)",
    ] {
        let reply = together(&mut peer, &[sql]).await;
        assert_eq!(reply.told(), "- T", "{sql} {reply:?}");
    }
    let reply = together(&mut peer, &["COMMIT"]).await;
    assert_eq!(
        (reply.told().as_str(), reply.tags.concat().as_str()),
        ("- I", "COMMIT")
    );
    assert_eq!(peer.run("select count(*) from t").await.value(), "2");
}

#[tokio::test]
async fn who_knows_dsql_gets_its_jobs() {
    let cluster = cluster(&[]);
    let mut peer = cluster.peer().await;
    peer.run("create table t (id int primary key, a int)").await;
    peer.run("alter table t add constraint c check (a > 0) not valid")
        .await;
    for sql in [
        "create unique index async i on t (a)",
        "alter table async t validate constraint c",
    ] {
        assert_eq!(peer.extended(sql, &[]).await.rows.len(), 1, "{sql}");
    }
    assert_eq!(
        peer.run("create index async j on t (a)").await.rows.len(),
        1
    );
}

/// What the proxy asks the server meanwhile does not take the place of the client's statement.
#[tokio::test]
async fn an_unnamed_statement_outlives_its_description() {
    let cluster = cluster(&[]);
    let mut peer = cluster.peer().await;
    let sql = "select pg_try_advisory_lock(hashtext($1))";
    for _ in 0..2 {
        let reply = peer
            .ask(|out| {
                parse("", sql, out);
                named(b'D', 'S', "", out);
                bind("", "", &[Some("app")], false, out);
                execute("", 0, out);
                encode::sync(out);
            })
            .await;
        assert_eq!(reply.told(), "- I", "{reply:?}");
        assert_eq!(reply.value(), "t");
    }
}
