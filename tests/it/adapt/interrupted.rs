//! Errands that are interrupted: what the client is told, and what stays.

use super::cluster;
use crate::pooling::Mode;
use crate::pooling::cluster::Faulty;
use crate::pooling::peer::Peer;
use crate::support::raw::cancel;
use crate::support::within;
use rustix::process::Signal;

const COLUMNS: &str = "select count(*) from pg_attribute where attrelid = 't'::regclass \
                       and attnum > 0 and not attisdropped";

async fn table(peer: &mut Peer) {
    peer.run("create table t (id int primary key, a int)").await;
    peer.run("insert into t select n, n from generate_series(1, 2500) n")
        .await;
}

/// Waits until somebody has done something.
async fn until(peer: &mut Peer, sql: &str, value: &str) {
    within(async { while peer.query(sql).await.values().concat() != value {} }).await;
}

#[tokio::test]
async fn what_is_half_done_is_done_when_the_client_vanishes() {
    for mode in Mode::ALL {
        let cluster = Faulty::start(*mode, 3, &[]);
        let mut other = cluster.peer().await;
        let mut peer = cluster.peer().await;
        table(&mut peer).await;
        for (n, match_) in [
            "add column c",
            "set default",
            "\"update t set\"",
            "validate",
        ]
        .iter()
        .enumerate()
        {
            let match_ = match_.trim_matches('"');
            let fault = format!("delay by=300ms match='{match_}'");
            let fault = cluster.order(&fault).await;
            let sql = format!("alter table t add column c{n} int not null default {n}");
            let mut gone = cluster.peer().await;
            gone.raw.begin_query(&sql).await;
            cluster.until_fired(fault).await;
            drop(gone);
            let filled = format!(
                "select count(*) from pg_constraint where conrelid = 't'::regclass \
                 and conname like 't_c{n}%' and convalidated"
            );
            until(&mut other, &filled, "1").await;
            let count = format!("select count(*) from t where c{n} = {n}");
            assert_eq!(other.run(&count).await.value(), "2500", "{mode:?} {n}");
            cluster.ask("DELETE", "/faults", "").await;
        }
    }
}

#[tokio::test]
async fn a_cancelled_statement_leaves_nothing() {
    for mode in Mode::ALL {
        let cluster = Faulty::start(*mode, 3, &[]);
        let mut peer = cluster.peer().await;
        table(&mut peer).await;
        let key = peer.raw.key.clone().unwrap();
        for (needle, sql) in [
            (
                "update t set",
                "alter table t add column c int not null default 5",
            ),
            (
                "set default",
                "alter table t add column c int not null default 5",
            ),
            ("from sys.jobs where", "create index i on t (a)"),
            ("from sys.jobs where", "alter table t add unique (a)"),
            ("from sys.jobs where", "alter table t add check (a > 0)"),
        ] {
            let fault = cluster
                .order(&format!("delay by=1h match='{needle}'"))
                .await;
            peer.raw.begin_query(sql).await;
            cluster.until_fired(fault).await;
            cancel(cluster.proxy.port(), &key).await;
            let reply = peer.reply().await;
            let told = reply.told();
            assert!(
                told == "57014 I" || told == "08007 I",
                "{mode:?} {sql}: {reply:?}"
            );
            cluster.ask("DELETE", "/faults", "").await;
            assert_eq!(peer.run(COLUMNS).await.value(), "2", "{sql}");
            let more = "select (select count(*) from pg_index where indrelid = 't'::regclass) \
                        + (select count(*) from pg_constraint where conrelid = 't'::regclass)";
            assert_eq!(
                peer.run(more).await.value(),
                "2",
                "{mode:?} {sql} {reply:?}"
            );
        }
    }
}

#[tokio::test]
async fn connections_that_are_lost_are_told_of_honestly() {
    for mode in [Mode::Transaction] {
        let cluster = Faulty::start(mode, 3, &[]);
        let mut peer = cluster.peer().await;
        table(&mut peer).await;
        for needle in [
            "add column c",
            "set default",
            "update t set",
            "not valid",
            "validate constraint",
            "from sys.jobs where",
        ] {
            for at in ["statement", "commit"] {
                let fault = format!("cut at={at} match='{needle}'");
                let fault = cluster.order(&fault).await;
                let reply = peer
                    .query("alter table t add column c int not null default 5")
                    .await;
                let what = format!("{needle} {at}: {reply:?}");
                assert!(reply.told().ends_with(" I"), "{what}");
                let fired = cluster.fired(fault).await;
                cluster.ask("DELETE", "/faults", "").await;
                let columns = peer.run(COLUMNS).await.value();
                println!("{needle} {at} {fired} {columns} {reply:?}");
                match &reply.error {
                    None => {
                        assert_eq!(columns, "3", "{what}");
                        let count = "select count(*) from t where c = 5";
                        assert_eq!(peer.run(count).await.value(), "2500", "{what}");
                        peer.run("alter table t drop column c").await;
                    }
                    // The outcome of the first step is not known.
                    Some(error)
                        if error.sqlstate.as_str() == "08007" && needle == "add column c" =>
                    {
                        peer.run("alter table t drop column if exists c").await;
                    }
                    Some(_) => assert_eq!(columns, "2", "{what}"),
                }
            }
        }
    }
}

#[tokio::test]
async fn conflicts_at_any_step_are_not_the_clients() {
    let cluster = cluster(&[]);
    let mut peer = cluster.peer().await;
    table(&mut peer).await;
    for needle in [
        "add column c",
        "set default",
        "update t set",
        "not valid",
        "validate constraint",
        "from sys.jobs where",
    ] {
        for kind in ["oc000 at=commit", "oc001 at=statement"] {
            cluster
                .order(&format!("{kind} times=4 match='{needle}'"))
                .await;
            let reply = peer
                .query("alter table t add column c int not null default 5")
                .await;
            assert_eq!(reply.told(), "- I", "{needle} {kind}: {reply:?}");
            cluster.ask("DELETE", "/faults", "").await;
            let count = "select count(*) from t where c = 5";
            assert_eq!(peer.run(count).await.value(), "2500", "{needle}");
            peer.run("alter table t drop column c").await;
        }
    }
}

#[tokio::test]
async fn blocks_that_end_unseen_leave_nothing_to_tell() {
    let cluster = cluster(&["--ddl-transactions=autocommit"]);
    let mut peer = cluster.peer().await;
    peer.run("begin").await;
    peer.run("create table a (id int primary key)").await;
    assert_eq!(peer.extended("commit", &[]).await.told(), "- I");
    assert_eq!(peer.extended("begin", &[]).await.told(), "- T");
    let reply = peer.query("rollback").await;
    assert_eq!(reply.notices, Vec::<String>::new());
    assert_eq!(reply.told(), "- I");
}

#[tokio::test]
async fn a_session_that_is_ended_in_the_middle_is_told_so() {
    let cluster = cluster(&[]);
    let mut peer = cluster.peer().await;
    let mut other = cluster.peer().await;
    table(&mut peer).await;
    let fault = cluster.order("delay by=1h match='update t set'").await;
    peer.raw
        .begin_query("alter table t add column c int default 5")
        .await;
    cluster.until_fired(fault).await;
    let pid = peer.raw.key.as_ref().unwrap().pid;
    other
        .run(&format!("select pg_terminate_backend({pid})"))
        .await;
    let reply = peer.reply().await;
    assert_eq!(reply.told(), "57P01 closed", "{reply:?}");
    let detail = reply.error.unwrap().detail.unwrap();
    assert!(detail.contains("several steps"), "{detail}");
}

#[tokio::test]
async fn long_results_in_scripts_wait_for_slow_readers() {
    let cluster = cluster(&[]);
    let mut peer = cluster.peer().await;
    peer.send(|out| {
        let script = "create table a (i int); \
                      select repeat('x', 1000) from generate_series(1, 5000); \
                      create table b (i int)";
        dsql_proxy::wire::encode::query(script.as_bytes(), out);
        dsql_proxy::wire::encode::query(b"select count(*) from b", out);
    })
    .await;
    // What another client does meanwhile is not held up.
    let mut other = cluster.peer().await;
    other.run("select 1").await;
    let reply = peer.reply().await;
    assert_eq!(reply.told(), "- I");
    assert_eq!(reply.rows.len(), 5000);
    assert_eq!(peer.reply().await.value(), "0");
}

#[tokio::test]
async fn a_block_that_is_too_old_still_tells_what_stays() {
    for mode in Mode::ALL {
        let further = [
            "--ddl-transactions=autocommit",
            "--limit=transaction-age=1s",
        ];
        let cluster = Faulty::start(*mode, 1, &further);
        let mut peer = cluster.peer().await;
        for last in ["select 1", "commit", "create table b (i int)"] {
            let what = format!("{mode:?} {last}");
            peer.run("begin").await;
            peer.run("create table a (id int primary key)").await;
            peer.run("insert into a values (1)").await;
            within(async { while cluster.sessions().await > 0 {} }).await;
            let reply = peer.query(last).await;
            assert_eq!(reply.told(), "54000 E", "{what} {reply:?}");
            let detail = reply.error.unwrap().detail.unwrap_or_default();
            assert!(detail.contains("create table a"), "{what} {detail}");
            let reply = peer.query("commit").await;
            assert_eq!(reply.tags, ["ROLLBACK"], "{what}");
            assert_eq!(
                reply.notices,
                ["the transaction is not rolled back as a whole"],
                "{what} {reply:?}"
            );
            assert_eq!(peer.run("select count(*) from a").await.value(), "0");
            peer.run("drop table a").await;
        }
    }
}

#[tokio::test]
async fn a_shutdown_in_the_middle_is_told() {
    let cluster = cluster(&[]);
    let mut peer = cluster.peer().await;
    table(&mut peer).await;
    let fault = cluster.order("delay by=1h match='update t set'").await;
    peer.raw
        .begin_query("alter table t add column c int default 5")
        .await;
    cluster.until_fired(fault).await;
    cluster.proxy.process.signal(Signal::TERM);
    let reply = peer.reply().await;
    assert_eq!(reply.status, None, "{reply:?}");
    let detail = reply.error.unwrap().detail.unwrap();
    assert!(detail.contains("several steps"), "{detail}");
}
