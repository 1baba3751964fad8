//! Faults at statements and at COMMIT, of a real cluster and in both protocols.

use dsql_proxy::dsql::limits::{self, Limit};
use dsql_proxy::local::faults::Order;
use dsql_proxy::local::{Cluster, Faults, LocalOptions};

use super::client::{Access, Client, Message, error, field, shape};
use super::frames::Frames;
use super::{serve_while, superuser};

const OC000: &str = "change conflicts with another transaction (OC000)";
const OC001: &str = "schema has been updated by another transaction (OC001)";

/// How a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Simple,
    Extended,
}

use Protocol::{Extended, Simple};

/// Sessions and what breaks them.
struct Scene {
    access: Access,
    faults: Faults,
    admin: Client,
    /// Of whom nothing is asked for.
    witness: Client,
}

impl Scene {
    async fn new(access: &Access, faults: &Faults) -> Self {
        let mut admin = access.login("admin").await;
        admin
            .run(&["CREATE TABLE t (id int PRIMARY KEY, v text)"])
            .await;
        let mut scene = Self {
            access: access.clone(),
            faults: faults.clone(),
            witness: access.login("admin").await,
            admin,
        };
        scene.anew().await;
        scene
    }

    /// A new session, and no row.
    async fn anew(&mut self) {
        self.faults.clear();
        let name = [("application_name", "tested")];
        self.admin = self.access.login_with("admin", &name).await.0;
        self.witness.run(&["DELETE FROM t"]).await;
    }

    /// The sessions of the one that is tested only.
    fn arm(&self, fault: &str) {
        let fault = format!("{fault} application-name=tested");
        for order in Order::parse(&fault).unwrap() {
            self.faults.obey(order).unwrap();
        }
    }

    async fn ask(&mut self, protocol: Protocol, sql: &str) -> Vec<Message> {
        match protocol {
            Simple => self.admin.query(sql).await,
            Extended => self.admin.extended(sql).await,
        }
    }

    /// SQLSTATE, message and the status after it.
    async fn failure(&mut self, protocol: Protocol, sql: &str) -> (String, String, char) {
        told(&self.ask(protocol, sql).await)
    }

    async fn done(&mut self, protocol: Protocol, statements: &[&str]) {
        for sql in statements {
            let messages = self.ask(protocol, sql).await;
            assert_eq!(error(&messages), None, "{sql}");
        }
    }

    async fn rows(&mut self) -> String {
        self.witness.value("SELECT count(*) FROM t").await
    }

    /// How often the only fault happened.
    fn fired(&self) -> u64 {
        self.faults.list().iter().map(|fault| fault.fired).sum()
    }
}

fn told(messages: &[Message]) -> (String, String, char) {
    let text = |code| field(messages, code).unwrap_or_else(|| panic!("no error: {messages:?}"));
    let (tag, status) = messages.last().unwrap();
    assert_eq!(*tag, 'Z', "{messages:?}");
    (text('C'), text('M'), char::from(status[0]))
}

fn failure(sqlstate: &str, message: &str, status: char) -> (String, String, char) {
    (sqlstate.to_owned(), message.to_owned(), status)
}

async fn with_scene(options: LocalOptions, test: impl AsyncFnOnce(&mut Scene)) {
    let mut cluster = Box::pin(Cluster::start(options)).await.unwrap();
    let access = Access::to(&cluster);
    let faults = cluster.faults();
    let run = Box::pin(async {
        let mut scene = Scene::new(&access, &faults).await;
        test(&mut scene).await;
    });
    Box::pin(serve_while(&mut cluster, run)).await.unwrap();
    cluster.stop().await;
}

fn limited(limit: &'static Limit, value: u64) -> LocalOptions {
    LocalOptions {
        limits: std::iter::once((limit, value)).collect(),
        ..LocalOptions::default()
    }
}

const INSERT: &str = "INSERT INTO t VALUES (1, 'x')";

#[tokio::test]
async fn a_statement_fails() {
    with_scene(LocalOptions::default(), async |scene| {
        for (fault, sqlstate, message) in [
            ("oc000 at=execute", "40001", OC000),
            ("oc001", "40001", OC001),
            ("unavailable", "XX000", "server unavailable"),
        ] {
            for protocol in [Simple, Extended] {
                scene.anew().await;
                scene.arm(fault);
                let told = scene.failure(protocol, INSERT).await;
                assert_eq!(told, failure(sqlstate, message, 'I'), "{fault}");
                assert_eq!(scene.rows().await, "0");
                scene.done(protocol, &[INSERT]).await;
                assert_eq!(scene.rows().await, "1");

                scene.done(protocol, &["BEGIN", "SELECT 1"]).await;
                scene.arm(fault);
                let told = scene.failure(protocol, "SELECT 2").await;
                assert_eq!(told, failure(sqlstate, message, 'E'), "{fault}");
                let told = scene.failure(protocol, "SELECT 3").await;
                assert_eq!((told.0.as_str(), told.2), ("25P02", 'E'));
                let ended = scene.ask(protocol, "COMMIT").await;
                assert!(ended.contains(&('C', b"ROLLBACK\0".to_vec())));
                assert_eq!(ended.last(), Some(&('Z', b"I".to_vec())));
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_statement_of_several_fails() {
    with_scene(LocalOptions::default(), async |scene| {
        scene.arm("oc000 at=execute match='VALUES .2'");
        let script = "INSERT INTO t VALUES (1, 'x'); INSERT INTO t VALUES (2, 'x'); SELECT 3";
        let messages = scene.admin.query(script).await;
        assert_eq!(shape(&messages), ['C', 'E', 'Z']);
        assert_eq!(told(&messages), failure("40001", OC000, 'I'));
        assert_eq!(scene.rows().await, "0");

        scene.arm("oc000 at=execute match='values .2'");
        let group = Frames::default()
            .run(INSERT)
            .run("INSERT INTO t VALUES (2, 'x')")
            .run("SELECT 3")
            .sync()
            .run("SELECT 4")
            .sync();
        scene.admin.send(&group.0).await;
        let messages = scene.admin.until_ready().await;
        assert_eq!(
            shape(&messages),
            ['1', '2', 'n', 'C', '1', '2', 'n', 'E', 'Z']
        );
        assert_eq!(told(&messages), failure("40001", OC000, 'I'));
        let messages = scene.admin.until_ready().await;
        assert_eq!(shape(&messages), ['1', '2', 'T', 'D', 'C', 'Z']);
        assert_eq!(scene.rows().await, "0");

        // At the end of a script that is one transaction.
        scene.arm("oc000 at=commit");
        let messages = scene.admin.query(script).await;
        assert_eq!(told(&messages), failure("40001", OC000, 'I'));
        assert_eq!(scene.rows().await, "0");
        // At a COMMIT in a script, of which nothing after it is run.
        scene.arm("oc000 at=commit");
        let script = "BEGIN; INSERT INTO t VALUES (1, 'x'); COMMIT; SELECT 3";
        let messages = scene.admin.query(script).await;
        assert_eq!(shape(&messages), ['C', 'C', 'E', 'Z']);
        assert_eq!(told(&messages), failure("40001", OC000, 'I'));
        assert_eq!(scene.rows().await, "0");
    })
    .await;
}

#[tokio::test]
async fn a_conflict_comes_at_sync() {
    with_scene(LocalOptions::default(), async |scene| {
        scene.arm("oc000 at=sync");
        let messages = scene.ask(Extended, INSERT).await;
        assert_eq!(shape(&messages), ['1', '2', 'n', 'C', 'E', 'Z']);
        assert_eq!(told(&messages), failure("40001", OC000, 'I'));
        assert_eq!(scene.rows().await, "0");
        // Not in a block.
        scene.arm("oc000 at=sync");
        scene.done(Extended, &["BEGIN", INSERT, "COMMIT"]).await;
        assert_eq!(scene.rows().await, "1");
    })
    .await;
}

/// At the end of an autocommit statement and at the COMMIT of a block.
#[tokio::test]
async fn a_commit_fails() {
    with_scene(LocalOptions::default(), async |scene| {
        for (fault, sqlstate, message, rows) in [
            ("oc000", "40001", OC000, "0"),
            ("oc001 at=commit", "40001", OC001, "0"),
            ("unavailable at=commit", "XX000", "server unavailable", "0"),
            (
                "unavailable at=commit when=after",
                "XX000",
                "server unavailable",
                "1",
            ),
        ] {
            for protocol in [Simple, Extended] {
                scene.anew().await;
                scene.arm(fault);
                let told = scene.failure(protocol, INSERT).await;
                assert_eq!(told, failure(sqlstate, message, 'I'), "{fault}");
                assert_eq!(scene.rows().await, rows, "{fault}");

                scene.anew().await;
                scene.done(protocol, &["BEGIN", INSERT]).await;
                scene.arm(fault);
                let told = scene.failure(protocol, "COMMIT").await;
                assert_eq!(told, failure(sqlstate, message, 'I'), "{fault}");
                assert_eq!(scene.rows().await, rows, "{fault}");
                assert_eq!(scene.fired(), 1);
                // The session goes on.
                let next = "INSERT INTO t VALUES (2, 'y')";
                scene.done(protocol, &["BEGIN", next, "COMMIT"]).await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_connection_is_cut() {
    with_scene(LocalOptions::default(), async |scene| {
        for protocol in [Simple, Extended] {
            for (fault, rows) in [
                ("cut at=statement", "0"),
                ("cut at=commit", "0"),
                ("cut at=commit when=after", "1"),
            ] {
                scene.anew().await;
                scene.arm(&format!("{fault} match=insert"));
                scene.done(protocol, &["SELECT 1"]).await;
                let messages = scene.ask(protocol, INSERT).await;
                assert!(!shape(&messages).contains(&'E'), "{fault}: {messages:?}");
                assert_ne!(shape(&messages).last(), Some(&'Z'), "{fault}");
                assert_eq!(scene.rows().await, rows, "{fault}");
            }
            for (fault, rows) in [
                ("cut at=commit when=before", "0"),
                ("cut at=commit when=after", "1"),
            ] {
                scene.anew().await;
                scene.done(protocol, &["BEGIN", INSERT]).await;
                scene.arm(fault);
                let messages = scene.ask(protocol, "COMMIT").await;
                assert!(!shape(&messages).contains(&'E'), "{fault}: {messages:?}");
                assert!(!shape(&messages).contains(&'C'), "{fault}: {messages:?}");
                assert_eq!(scene.admin.next().await, None, "{fault}");
                assert_eq!(scene.rows().await, rows, "{fault}");
            }
            // In the middle of a statement.
            scene.anew().await;
            let sleep = Frames::query("SELECT pg_sleep(600)");
            scene.admin.send(&sleep.0).await;
            scene.arm("cut");
            assert_eq!(scene.admin.next().await, None);
        }
    })
    .await;
}

#[tokio::test]
async fn so_often_and_there_only() {
    with_scene(LocalOptions::default(), async |scene| {
        scene.arm("oc000 times=2 match='into t'");
        scene
            .done(Simple, &["SELECT 1", "BEGIN", "SELECT 2", "COMMIT"])
            .await;
        assert_eq!(scene.fired(), 0);
        scene.done(Simple, &["BEGIN", INSERT, "ROLLBACK"]).await;
        // Nothing of the transaction before counts.
        scene
            .done(Simple, &["BEGIN", "DELETE FROM t", "COMMIT"])
            .await;
        assert_eq!(scene.fired(), 0);
        scene.done(Simple, &["BEGIN", INSERT]).await;
        let told = scene.failure(Simple, "COMMIT").await;
        assert_eq!(told, failure("40001", OC000, 'I'));
        let told = scene.failure(Extended, INSERT).await;
        assert_eq!(told, failure("40001", OC000, 'I'));
        scene.done(Extended, &[INSERT]).await;
        assert_eq!(scene.fired(), 2);
        assert_eq!(scene.rows().await, "1");

        // What a delay takes is not measured, only that it comes and ends; and that a connection
        // is cut while it waits.
        scene.anew().await;
        scene.arm("delay by=1ms");
        scene.arm("delay by=1ms at=commit");
        scene.done(Simple, &[INSERT]).await;
        assert_eq!(scene.fired(), 2);
        for at in ["statement", "commit"] {
            scene.anew().await;
            scene.arm(&format!("delay by=1h at={at}"));
            scene.admin.send(&Frames::query(INSERT).0).await;
            while scene.fired() == 0 {
                tokio::task::yield_now().await;
            }
            scene.arm("cut");
            assert_eq!(scene.admin.next().await, None);
            assert_eq!(scene.rows().await, "0");
        }
    })
    .await;
}

#[tokio::test]
async fn a_stale_catalog_is_noticed_once() {
    with_scene(LocalOptions::default(), async |scene| {
        for protocol in [Simple, Extended] {
            scene.anew().await;
            scene.arm("stale-catalog");
            scene.done(protocol, &["SELECT 1"]).await;
            scene.witness.run(&["CREATE TABLE other (id int)"]).await;
            let told = scene.failure(protocol, "SELECT 1").await;
            assert_eq!(told, failure("40001", OC001, 'I'));
            scene.done(protocol, &["SELECT 1"]).await;
            // Its own change it has seen.
            scene
                .done(protocol, &["DROP TABLE other", "SELECT 1"])
                .await;
            // In a block at its first statement, whose transaction did not see the change.
            scene.witness.run(&["CREATE TABLE other (id int)"]).await;
            scene.done(protocol, &["BEGIN"]).await;
            let told = scene.failure(protocol, "SELECT 1").await;
            assert_eq!(told, failure("40001", OC001, 'E'));
            scene
                .done(protocol, &["ROLLBACK", "BEGIN", "SELECT 1", "COMMIT"])
                .await;
            scene.done(protocol, &["DROP TABLE other"]).await;
            assert_eq!(scene.fired(), 2);
            // One that was told anyway is not told again.
            scene.done(protocol, &["BEGIN", "SELECT 1"]).await;
            scene.witness.run(&["CREATE TABLE other (id int)"]).await;
            scene.failure(protocol, "SELECT 1").await;
            scene
                .done(protocol, &["ROLLBACK", "SELECT 1", "BEGIN", INSERT])
                .await;
            scene.witness.run(&["DROP TABLE other"]).await;
            let told = scene.failure(protocol, "COMMIT").await;
            assert_eq!(told, failure("40001", OC001, 'I'));
            scene.done(protocol, &["SELECT 1"]).await;
            assert_eq!(scene.fired(), 2);
        }
    })
    .await;
}

#[tokio::test]
async fn a_session_expires() {
    with_scene(LocalOptions::default(), async |scene| {
        scene.done(Simple, &["SELECT 1"]).await;
        scene.arm("expire");
        assert_eq!(scene.admin.next().await, None, "without a word");

        for protocol in [Simple, Extended] {
            scene.anew().await;
            scene.done(protocol, &["BEGIN", INSERT]).await;
            scene.arm("expire");
            scene.done(protocol, &["SELECT 1", "COMMIT"]).await;
            assert_eq!(scene.admin.next().await, None, "without a word");
            assert_eq!(scene.rows().await, "1");
        }
    })
    .await;

    let options = limited(&limits::SESSION_AGE, 1);
    let mut cluster = Cluster::start(options).await.unwrap();
    let access = Access::to(&cluster);
    serve_while(&mut cluster, async {
        let mut admin = access.login("admin").await;
        assert_eq!(admin.next().await, None, "without a word");
    })
    .await
    .unwrap();
    cluster.stop().await;
}

/// With a limit of zero every transaction is.
#[tokio::test]
async fn a_transaction_is_too_old() {
    let mut cluster = Cluster::start(limited(&limits::TRANSACTION_AGE, 0))
        .await
        .unwrap();
    let access = Access::to(&cluster);
    let superuser = superuser(&cluster.directory().join("socket")).await;
    let table = "CREATE TABLE t (id int PRIMARY KEY, v text); GRANT ALL ON t TO admin";
    superuser.batch_execute(table).await.unwrap();
    serve_while(&mut cluster, async {
        let mut admin = access.login("admin").await;
        for extended in [false, true] {
            for statements in [&["BEGIN", INSERT, "SELECT 1", "COMMIT"][..], &[INSERT]] {
                let mut messages = vec![];
                for sql in statements {
                    assert_eq!(error(&messages), None, "only at the end");
                    messages = if extended {
                        admin.extended(sql).await
                    } else {
                        admin.query(sql).await
                    };
                }
                let message = "transaction age limit of 0s exceeded";
                assert_eq!(told(&messages), failure("54000", message, 'I'));
                let detail = field(&messages, 'D').unwrap();
                assert!(
                    detail.starts_with("Current transaction age ")
                        && detail.ends_with("s exceeds 0s"),
                    "{detail}"
                );
                let rows = superuser.query_one("SELECT count(*) FROM t", &[]).await;
                assert_eq!(rows.unwrap().get::<_, i64>(0), 0);
            }
        }
    })
    .await
    .unwrap();
    cluster.stop().await;
}

#[tokio::test]
async fn a_message_is_too_long() {
    with_scene(limited(&limits::MESSAGE_SIZE, 10_000), async |scene| {
        let select = |length: usize| format!("SELECT '{}'", "x".repeat(length));
        for protocol in [Simple, Extended] {
            scene.anew().await;
            scene.done(protocol, &[&select(9_900)]).await;
            let messages = scene.ask(protocol, &select(10_000)).await;
            assert!(messages.is_empty(), "the end without a word");
        }
    })
    .await;
}

#[tokio::test]
async fn faults_do_not_reach_others() {
    with_scene(LocalOptions::default(), async |scene| {
        scene.arm("oc000 at=execute times=all");
        assert_eq!(scene.rows().await, "0");
        scene.failure(Simple, "SELECT 1").await;
        scene.done(Simple, &["ROLLBACK", "COMMIT"]).await;
        scene.faults.clear();
        scene.done(Simple, &["SELECT 1"]).await;
    })
    .await;
}
