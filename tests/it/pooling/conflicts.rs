//! Conflicts of optimistic concurrency: what is run again, and what is not.

use dsql_proxy::wire::encode;

use super::Mode;
use super::cluster::Faulty;
use super::script::{bind, execute, parse};

const TABLE: &str = "create table t (id int primary key, v text)";

#[tokio::test]
async fn statements_on_their_own_are_run_again_unseen() {
    for mode in Mode::ALL {
        let cluster = Faulty::start(*mode, 2, &[]);
        let mut peer = cluster.peer().await;
        peer.run(TABLE).await;
        let mut id = 0;
        for (fault, extended) in [
            ("oc000 at=commit", false),
            ("oc000 at=execute", false),
            ("oc001 at=statement", false),
            ("oc000 at=commit", true),
            ("oc000 at=sync", true),
            ("oc001 at=statement", true),
        ] {
            id += 1;
            let fault = cluster
                .order(&format!("{fault} times=2 match='needle{id}x'"))
                .await;
            let sql = format!("insert into t values ({id}, 'needle{id}x') returning id");
            let reply = if extended {
                peer.extended(&sql, &[]).await
            } else {
                peer.query(&sql).await
            };
            let what = format!("{mode:?} {sql}, extended: {extended}");
            assert_eq!(reply.error, None, "{what}");
            assert_eq!(reply.values(), [id.to_string()], "{what}");
            assert_eq!(reply.tags, ["INSERT 0 1"], "{what}");
            assert_eq!(cluster.fired(fault).await, 2, "{what}");
            let count = format!("select count(*) from t where id = {id}");
            assert_eq!(peer.run(&count).await.value(), "1", "{what}");
        }
        // The third attempt is the last.
        cluster.order("oc000 times=3 match=third").await;
        let reply = peer.query("insert into t values (50, 'third')").await;
        assert_eq!(reply.told(), "40001 I");
        let reply = peer.run("select count(*) from t where id = 50").await;
        assert_eq!(reply.value(), "0");
    }
}

#[tokio::test]
async fn what_a_client_has_seen_is_not_run_again() {
    for mode in Mode::ALL {
        let cluster = Faulty::start(*mode, 2, &[]);
        let mut peer = cluster.peer().await;
        peer.run(TABLE).await;

        // More than the buffer holds.
        let fault = cluster.order("oc000 at=sync times=all match=longer").await;
        let sql = "insert into t values (1, 'longer') returning repeat('x', 100000)";
        assert_eq!(peer.extended(sql, &[]).await.told(), "40001 I");
        assert_eq!(cluster.fired(fault).await, 1, "{mode:?}");

        // The client has asked for the reply.
        let fault = cluster.order("oc000 at=sync times=all match=flushed").await;
        peer.send(|out| {
            parse("", "insert into t values (2, 'flushed')", out);
            bind("", "", &[], false, out);
            execute("", 0, out);
            encode::frame(b'H', out, |_| {});
        })
        .await;
        let mut seen = String::new();
        while !seen.ends_with('C') {
            seen.push(char::from(peer.raw.next().await.unwrap().0));
        }
        assert_eq!(seen, "12C");
        assert_eq!(peer.ask(encode::sync).await.told(), "40001 I", "{mode:?}");
        assert_eq!(cluster.fired(fault).await, 1, "{mode:?}");
        assert_eq!(peer.run("select count(*) from t").await.value(), "0");
    }
}

#[tokio::test]
async fn the_first_statement_of_a_block_is_run_again() {
    for mode in Mode::ALL {
        let cluster = Faulty::start(*mode, 2, &[]);
        let mut peer = cluster.peer().await;
        peer.run(TABLE).await;
        let first = cluster
            .order("oc001 at=statement times=2 match=first")
            .await;
        peer.run("begin").await;
        let reply = peer.query("insert into t values (1, 'first')").await;
        assert_eq!(reply.told(), "- T", "{mode:?}");
        assert_eq!(cluster.fired(first).await, 2);
        let second = cluster
            .order("oc001 at=statement times=1 match=second")
            .await;
        let reply = peer.query("insert into t values (2, 'second')").await;
        assert_eq!(reply.told(), "40001 E", "{mode:?}");
        assert_eq!(cluster.fired(second).await, 1);
        assert_eq!(peer.run("commit").await.tags, ["ROLLBACK"]);
        assert_eq!(peer.run("select count(*) from t").await.value(), "0");

        // The end of a block is not.
        cluster.order("oc000 at=commit times=1 match=third").await;
        peer.run("begin").await;
        peer.run("insert into t values (3, 'third')").await;
        assert_eq!(peer.query("commit").await.told(), "40001 I");
        assert_eq!(peer.run("select count(*) from t").await.value(), "0");
    }
}

#[tokio::test]
async fn ddl_is_run_again_when_it_has_not_happened() {
    for mode in Mode::ALL {
        let cluster = Faulty::start(*mode, 2, &[]);
        let mut peer = cluster.peer().await;
        for (fault, table) in [("oc001 at=statement", "one"), ("oc001 at=commit", "two")] {
            let fault = cluster.order(&format!("{fault} match={table}_made")).await;
            let sql = format!("create table {table}_made (id int primary key)");
            let reply = peer.query(&sql).await;
            assert_eq!(reply.told(), "- I", "{mode:?} {sql}");
            assert_eq!(reply.tags, ["CREATE TABLE"]);
            assert_eq!(cluster.fired(fault).await, 1);
            let sql = format!("select count(*) from {table}_made");
            assert_eq!(peer.run(&sql).await.value(), "0");
        }
        // DSQL may have done it in spite of the conflict, and then it is a success.
        for (make, again, what) in [
            (
                "create table twice (id int primary key, n int default 1 not null)",
                "create table twice (id integer primary key, n int not null default 1)",
                "id integer",
            ),
            (
                "alter table twice add column w numeric(5, 2)",
                "alter table twice add column w decimal(5, 2)",
                "w decimal",
            ),
            ("create schema s", "create schema s", "schema s"),
            (
                "drop table if exists never",
                "drop table never",
                "table never",
            ),
        ] {
            for extended in [false, true] {
                if !extended {
                    peer.run(make).await;
                }
                let order = format!("oc001 at=statement match='{what}'");
                let fault = cluster.order(&order).await;
                let reply = if extended {
                    peer.extended(again, &[]).await
                } else {
                    peer.query(again).await
                };
                assert_eq!(reply.told(), "- I", "{mode:?} {again}: {reply:?}");
                let words: Vec<_> = make.split(' ').take(2).collect();
                assert_eq!(reply.tags, [words.join(" ").to_uppercase()]);
                assert_eq!(cluster.fired(fault).await, 1);
            }
        }
        let sql = "select count(*) from pg_class where relname = 'dsql_proxy_probe'";
        assert_eq!(peer.run(sql).await.value(), "0");
        // It is there, but not by this statement: that shows.
        peer.run("create table other (id int primary key, more text)")
            .await;
        cluster
            .order("oc001 at=statement match='table other'")
            .await;
        let reply = peer.query("create table other (id int primary key)").await;
        assert_eq!(reply.told(), "40001 I", "{mode:?}");
    }
}

#[tokio::test]
async fn what_is_injected_may_fail() {
    for mode in Mode::ALL {
        // One server, and two sessions that differ.
        let cluster = Faulty::start(*mode, if mode.shares() { 1 } else { 2 }, &[]);
        let mut one = cluster.peer_with(&[("application_name", "one")]).await;
        let mut two = cluster.peer_with(&[("application_name", "two")]).await;
        // Written so that only what sets the parameter has its name.
        let sql = "select current_setting('application' || '_' || 'name')";
        for times in 1..4 {
            for extended in [false, true] {
                assert_eq!(one.run(sql).await.value(), "one");
                let order = format!("oc001 times={times} match='application_name'");
                let fault = cluster.order(&order).await;
                let reply = if extended {
                    two.extended(sql, &[]).await
                } else {
                    two.query(sql).await
                };
                let what = format!("{mode:?} {times} {extended} {reply:?}");
                match reply.told().as_str() {
                    "- I" => assert_eq!(reply.value(), "two", "{what}"),
                    told => assert_eq!(told, "40001 I", "{what}"),
                }
                if mode.shares() {
                    assert!(
                        cluster.fired(fault).await > 0,
                        "nothing was injected: {what}"
                    );
                }
                cluster.ask("DELETE", "/faults", "").await;
            }
        }
        // In a block that has to wait for the parameter, too.
        assert_eq!(one.run(sql).await.value(), "one");
        cluster
            .order("oc001 times=all match='application_name'")
            .await;
        two.run("begin").await;
        let reply = two.query(sql).await;
        assert!(reply.error.is_some() || reply.value() == "two", "{reply:?}");
        cluster.ask("DELETE", "/faults", "").await;
        two.run("rollback").await;
        assert_eq!(two.run(sql).await.value(), "two");
    }
}

#[tokio::test]
async fn what_is_prepared_again_may_fail() {
    for mode in Mode::ALL {
        let cluster = Faulty::start(*mode, 2, &[]);
        let mut peer = cluster.peer().await;
        let mut other = cluster.peer().await;
        for name in ["a", ""] {
            for times in 1..4 {
                // Both prepare under the same name, each on a server of its own.
                let prepare = |sql: &'static str| {
                    move |out: &mut _| {
                        if !name.is_empty() {
                            super::script::named(b'C', 'S', name, out);
                        }
                        parse(name, sql, out);
                        encode::sync(out);
                    }
                };
                let mine = "select 'needle'";
                assert_eq!(peer.ask(prepare(mine)).await.told(), "- I");
                assert_eq!(peer.execute(name).await.value(), "needle");
                other.run("begin").await;
                let theirs = "select 'of another'";
                assert_eq!(other.ask(prepare(theirs)).await.told(), "- T");
                let order = format!("oc001 times={times} match=needle");
                cluster.order(&order).await;
                let reply = peer.execute(name).await;
                match reply.told().as_str() {
                    "- I" => assert_eq!(reply.value(), "needle", "{mode:?}"),
                    told => assert_eq!(told, "40001 I", "{mode:?} {name:?} {reply:?}"),
                }
                cluster.ask("DELETE", "/faults", "").await;
                assert_eq!(peer.execute(name).await.value(), "needle");
                assert_eq!(other.execute(name).await.value(), "of another");
                other.run("rollback").await;
            }
        }
    }
}
