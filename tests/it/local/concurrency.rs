//! Optimistic concurrency: the first committer wins, and nobody waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::BytesMut;
use dsql_proxy::wire::encode;

use super::client::{Access, Client, Message, error, field, only_value, shape};
use super::with_cluster;

const CONFLICT: &str = "change conflicts with another transaction (OC000)";

/// In which protocol a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Simple,
    Extended,
    /// Statements are parsed once and stay.
    Prepared,
}

use Protocol::{Extended, Prepared, Simple};

/// A client of one protocol.
pub(super) struct Speaker {
    client: Client,
    pub(super) protocol: Protocol,
    /// The texts of its prepared statements.
    known: Vec<String>,
}

impl Speaker {
    pub(super) async fn new(access: &Access, protocol: Protocol) -> Self {
        Self::of(access, protocol, "admin").await
    }

    /// One of another role.
    pub(super) async fn of(access: &Access, protocol: Protocol, role: &str) -> Self {
        Self {
            client: access.login(role).await,
            protocol,
            known: vec![],
        }
    }

    pub(super) async fn say(&mut self, sql: &str) -> Vec<Message> {
        match self.protocol {
            Simple => self.client.query(sql).await,
            Extended => self.client.extended(sql).await,
            Prepared => self.prepared(sql).await,
        }
    }

    async fn prepared(&mut self, sql: &str) -> Vec<Message> {
        let mut out = BytesMut::new();
        let at = self.known.iter().position(|known| known == sql);
        let at = at.unwrap_or(self.known.len());
        let name = format!("statement {at}");
        if at == self.known.len() {
            self.known.push(sql.to_owned());
            encode::frame(b'P', &mut out, |b| {
                encode::cstr(name.as_bytes(), b);
                encode::cstr(sql.as_bytes(), b);
                b.extend_from_slice(&[0, 0]);
            });
        }
        // One that failed keeps its name up to the end of its transaction.
        encode::frame(b'C', &mut out, |b| b.extend_from_slice(b"Pportal\0"));
        encode::frame(b'B', &mut out, |b| {
            encode::cstr(b"portal", b);
            encode::cstr(name.as_bytes(), b);
            b.extend_from_slice(&[0; 6]);
        });
        encode::frame(b'E', &mut out, |b| b.extend_from_slice(b"portal\0\0\0\0\0"));
        encode::sync(&mut out);
        let messages = self.client.exchange(&out).await;
        // In a failed transaction nothing is prepared.
        if self.known.len() == at + 1 && field(&messages, 'C').is_some_and(|code| code == "25P02") {
            self.known.truncate(at);
        }
        messages
    }

    /// What a statement answers: its rows, values joined by commas, and its tag; or its error. Then
    /// the transaction status.
    pub(super) async fn ask(&mut self, sql: &str) -> String {
        let messages = self.say(sql).await;
        let mut parts: Vec<String> = vec![];
        for message in &messages {
            let (tag, body) = message;
            match tag {
                'D' => parts.push(row(body)),
                'C' => parts.push(String::from_utf8(body[..body.len() - 1].to_vec()).unwrap()),
                'E' => parts.push(format!(
                    "{} {}",
                    field(&messages, 'C').unwrap(),
                    field(&messages, 'M').unwrap()
                )),
                'N' => panic!("a notice: {messages:?}"),
                _ => {}
            }
        }
        let (last, status) = messages.last().unwrap();
        assert_eq!(*last, 'Z', "{messages:?}");
        parts.push(char::from(status[0]).to_string());
        parts.join(" | ")
    }

    /// Runs statements whose answers are these.
    async fn hear(&mut self, expected: &[(&str, &str)]) {
        for (sql, answer) in expected {
            assert_eq!(self.ask(sql).await, *answer, "{sql} ({:?})", self.protocol);
        }
    }

    pub(super) async fn run(&mut self, statements: &[&str]) {
        for sql in statements {
            let messages = self.say(sql).await;
            assert_eq!(error(&messages), None, "{sql} ({:?})", self.protocol);
        }
    }
}

/// The values of a DataRow.
fn row(body: &[u8]) -> String {
    let mut rest = &body[2..];
    let mut values = vec![];
    while let Some((length, after)) = rest.split_first_chunk() {
        let length = usize::try_from(i32::from_be_bytes(*length));
        let value = length.map_or(&b"NULL"[..], |n| &after[..n]);
        values.push(String::from_utf8(value.to_vec()).unwrap());
        rest = &after[length.unwrap_or(0)..];
    }
    values.join(",")
}

async fn setup(access: &Access) {
    let mut admin = access.login("admin").await;
    admin
        .run(&[
            "CREATE TABLE t (id int PRIMARY KEY, v int)",
            "INSERT INTO t VALUES (1, 0), (2, 0), (3, 0)",
        ])
        .await;
}

async fn reset(speaker: &mut Speaker) {
    speaker
        .run(&[
            "DELETE FROM t",
            "INSERT INTO t VALUES (1, 0), (2, 0), (3, 0)",
        ])
        .await;
}

const ADD: &str = "UPDATE t SET v = v + 1 WHERE id = 1 RETURNING v";
const LOST: &str = "40001 change conflicts with another transaction (OC000) | I";

#[tokio::test]
async fn the_first_committer_wins() {
    with_cluster(async |access| {
        setup(access).await;
        for (first, second) in [
            (Simple, Simple),
            (Extended, Simple),
            (Simple, Extended),
            (Extended, Extended),
            (Prepared, Prepared),
        ] {
            let mut a = Speaker::new(access, first).await;
            let mut b = Speaker::new(access, second).await;
            reset(&mut a).await;
            // Though it wrote second.
            a.hear(&[("BEGIN", "BEGIN | T"), (ADD, "1 | UPDATE 1 | T")])
                .await;
            b.hear(&[
                ("BEGIN", "BEGIN | T"),
                (ADD, "1 | UPDATE 1 | T"),
                ("COMMIT", "COMMIT | I"),
            ])
            .await;
            // The loser goes on in its snapshot, and hears of it at COMMIT.
            a.hear(&[
                (
                    "SELECT id, v FROM t ORDER BY id",
                    "1,1 | 2,0 | 3,0 | SELECT 3 | T",
                ),
                (ADD, "2 | UPDATE 1 | T"),
                (
                    "UPDATE public.t SET v = 9 WHERE public.t.id <> 1 RETURNING id",
                    "2 | 3 | UPDATE 2 | T",
                ),
                ("SELECT sum(v) FROM public.t", "20 | SELECT 1 | T"),
                ("COMMIT", LOST),
                (
                    "SELECT id, v FROM t ORDER BY id",
                    "1,1 | 2,0 | 3,0 | SELECT 3 | I",
                ),
            ])
            .await;

            // Nobody is doomed by a transaction that is rolled back.
            a.hear(&[("BEGIN", "BEGIN | T"), (ADD, "2 | UPDATE 1 | T")])
                .await;
            b.hear(&[
                ("BEGIN", "BEGIN | T"),
                (ADD, "2 | UPDATE 1 | T"),
                ("ROLLBACK", "ROLLBACK | I"),
            ])
            .await;
            a.hear(&[("COMMIT", "COMMIT | I")]).await;
            // An autocommit statement commits, and so wins.
            a.hear(&[("BEGIN", "BEGIN | T"), (ADD, "3 | UPDATE 1 | T")])
                .await;
            b.hear(&[(ADD, "3 | UPDATE 1 | I")]).await;
            a.hear(&[("COMMIT", LOST)]).await;
            // Two that meet again and again.
            a.hear(&[("BEGIN", "BEGIN | T"), (ADD, "4 | UPDATE 1 | T")])
                .await;
            b.hear(&[("BEGIN", "BEGIN | T"), (ADD, "4 | UPDATE 1 | T")])
                .await;
            a.hear(&[(ADD, "5 | UPDATE 1 | T")]).await;
            b.hear(&[(ADD, "5 | UPDATE 1 | T")]).await;
            a.hear(&[("COMMIT", "COMMIT | I")]).await;
            b.hear(&[("COMMIT", LOST)]).await;
            a.hear(&[("SELECT v FROM t WHERE id = 1", "5 | SELECT 1 | I")])
                .await;
        }
    })
    .await;
}

#[tokio::test]
async fn an_error_is_of_the_snapshot() {
    const TAKEN: &str = "23505 duplicate key value violates unique constraint \"t_pkey\" | E";
    with_cluster(async |access| {
        setup(access).await;
        for protocol in [Simple, Extended, Prepared] {
            let mut a = Speaker::new(access, protocol).await;
            let mut b = Speaker::new(access, protocol).await;
            reset(&mut a).await;
            // A key that the snapshot does not know.
            a.run(&["BEGIN", "SELECT * FROM t"]).await;
            b.run(&["INSERT INTO t VALUES (4, 4)"]).await;
            a.hear(&[
                ("INSERT INTO t VALUES (4, 5)", "INSERT 0 1 | T"),
                ("SELECT v FROM t WHERE id = 4", "5 | SELECT 1 | T"),
                ("COMMIT", LOST),
            ])
            .await;
            // One that it does.
            a.run(&["BEGIN"]).await;
            a.hear(&[
                ("INSERT INTO t VALUES (4, 5)", TAKEN),
                (
                    "SELECT 1",
                    "25P02 current transaction is aborted, commands ignored until end of \
                     transaction block | E",
                ),
                ("COMMIT", "ROLLBACK | I"),
            ])
            .await;
            // An error that has nothing to do with others, of a loser.
            a.run(&["BEGIN", ADD]).await;
            b.run(&[ADD]).await;
            a.hear(&[
                ("SELECT v / 0 FROM t", "22012 division by zero | E"),
                ("COMMIT", "ROLLBACK | I"),
            ])
            .await;
        }
    })
    .await;
}

#[tokio::test]
async fn settings_and_prepared_statements_survive() {
    with_cluster(async |access| {
        setup(access).await;
        for protocol in [Simple, Extended, Prepared] {
            let mut a = Speaker::new(access, protocol).await;
            let mut b = Speaker::new(access, protocol).await;
            reset(&mut a).await;
            a.run(&["BEGIN", "SET timezone = 'Asia/Tokyo'", ADD]).await;
            b.run(&[ADD]).await;
            a.hear(&[
                ("SHOW timezone", "Asia/Tokyo | SHOW | T"),
                (ADD, "2 | UPDATE 1 | T"),
                ("SHOW timezone", "Asia/Tokyo | SHOW | T"),
                ("ROLLBACK", "ROLLBACK | I"),
                ("SHOW timezone", "UTC | SHOW | I"),
                (ADD, "2 | UPDATE 1 | I"),
            ])
            .await;
            // A schema change in an open block keeps nobody waiting.
            a.run(&["BEGIN", "CREATE TABLE u (id int PRIMARY KEY)"])
                .await;
            b.hear(&[("SELECT count(*) FROM t", "3 | SELECT 1 | I")])
                .await;
            a.run(&["COMMIT", "BEGIN", "ALTER TABLE t ADD COLUMN w int"])
                .await;
            b.hear(&[
                ("SELECT count(*) FROM t", "3 | SELECT 1 | I"),
                (ADD, "3 | UPDATE 1 | I"),
            ])
            .await;
            a.run(&["ROLLBACK", "DROP TABLE u"]).await;
        }
    })
    .await;
}

#[tokio::test]
async fn locked_rows_are_written_rows() {
    with_cluster(async |access| {
        setup(access).await;
        for protocol in [Simple, Extended, Prepared] {
            let mut a = Speaker::new(access, protocol).await;
            let mut b = Speaker::new(access, protocol).await;
            reset(&mut a).await;
            let lock = "SELECT v FROM t WHERE id = 1 FOR UPDATE";
            a.hear(&[("BEGIN", "BEGIN | T"), (lock, "0 | SELECT 1 | T")])
                .await;
            b.hear(&[(ADD, "1 | UPDATE 1 | I")]).await;
            a.hear(&[(lock, "0 | SELECT 1 | T"), ("COMMIT", LOST)])
                .await;
            // To others it is as if it were not.
            a.hear(&[("BEGIN", "BEGIN | T"), (lock, "1 | SELECT 1 | T")])
                .await;
            let skip = format!("{lock} SKIP LOCKED");
            let now = format!("{lock} NOWAIT");
            b.hear(&[
                ("BEGIN", "BEGIN | T"),
                (skip.as_str(), "1 | SELECT 1 | T"),
                (now.as_str(), "1 | SELECT 1 | T"),
                ("ROLLBACK", "ROLLBACK | I"),
            ])
            .await;
            a.hear(&[("COMMIT", "COMMIT | I")]).await;
            a.hear(&[("BEGIN", "BEGIN | T"), (lock, "1 | SELECT 1 | T")])
                .await;
            b.hear(&[("BEGIN", "BEGIN | T"), (ADD, "2 | UPDATE 1 | T")])
                .await;
            a.hear(&[("COMMIT", "COMMIT | I")]).await;
            b.hear(&[("COMMIT", LOST)]).await;
        }
    })
    .await;
}

/// However many hold what it wants, it waits for none of them to end.
#[tokio::test]
async fn one_statement_over_many_open_blocks() {
    const HOLDERS: usize = 30;
    with_cluster(async |access| {
        let mut writer = Speaker::new(access, Simple).await;
        writer
            .run(&[
                "CREATE TABLE many (id int PRIMARY KEY, v int)",
                "INSERT INTO many SELECT id, 0 FROM generate_series(1, 30) id",
            ])
            .await;
        let mut holders = vec![];
        for number in 1..=HOLDERS {
            let protocol = [Simple, Extended, Prepared][number % 3];
            let mut holder = Speaker::new(access, protocol).await;
            let update = format!("UPDATE many SET v = {number} WHERE id = {number}");
            holder.run(&["BEGIN", &update]).await;
            holders.push(holder);
        }
        writer
            .hear(&[
                ("BEGIN", "BEGIN | T"),
                ("UPDATE many SET v = -1", "UPDATE 30 | T"),
            ])
            .await;
        for holder in &mut holders[..10] {
            holder.hear(&[("COMMIT", "COMMIT | I")]).await;
        }
        writer.hear(&[("COMMIT", LOST)]).await;
        writer
            .hear(&[("UPDATE many SET v = -2 WHERE id > 10", "UPDATE 20 | I")])
            .await;
        for holder in &mut holders[10..] {
            holder.hear(&[("COMMIT", LOST)]).await;
        }
        writer
            .hear(&[("SELECT sum(v) FROM many", "15 | SELECT 1 | I")])
            .await;
    })
    .await;
}

/// A session in the middle of a statement cannot let go. Nobody waits for it to end.
#[tokio::test]
async fn nobody_waits_for_a_statement_that_runs() {
    with_cluster(async |access| {
        setup(access).await;
        let mut holder = access.login("admin").await;
        holder.run(&["BEGIN", ADD]).await;
        let mut out = BytesMut::new();
        // Longer than this test.
        encode::query(b"SELECT pg_sleep(300)", &mut out);
        holder.send(&out).await;
        let mut watch = access.login("admin").await;
        let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
        while watch.value(sleeping).await != "1" {
            tokio::task::yield_now().await;
        }
        for protocol in [Simple, Extended, Prepared] {
            let mut speaker = Speaker::new(access, protocol).await;
            speaker
                .hear(&[
                    ("BEGIN", "BEGIN | T"),
                    (ADD, "1 | UPDATE 1 | T"),
                    ("UPDATE t SET v = 5 WHERE id = 2", "UPDATE 1 | T"),
                    ("SELECT sum(v) FROM t", "6 | SELECT 1 | T"),
                    ("ROLLBACK", "ROLLBACK | I"),
                    (ADD, LOST),
                    ("SELECT sum(v) FROM t", "0 | SELECT 1 | I"),
                ])
                .await;
        }
    })
    .await;
}

/// A whole transaction, or the end of one, in one message.
#[tokio::test]
async fn scripts_take_part() {
    with_cluster(async |access| {
        setup(access).await;
        let mut a = Speaker::new(access, Simple).await;
        let mut b = Speaker::new(access, Simple).await;
        let both = format!("BEGIN; {ADD}; UPDATE t SET v = v + 1 WHERE id = 2; COMMIT");
        b.hear(&[("BEGIN", "BEGIN | T"), (ADD, "1 | UPDATE 1 | T")])
            .await;
        a.hear(&[(
            both.as_str(),
            "BEGIN | 1 | UPDATE 1 | UPDATE 1 | COMMIT | I",
        )])
        .await;
        b.hear(&[(
            "SELECT v FROM t WHERE id = 1; UPDATE t SET v = 9 WHERE id = 3; COMMIT",
            "1 | SELECT 1 | UPDATE 1 | 40001 change conflicts with another transaction (OC000) | I",
        )])
        .await;
        // Without BEGIN.
        b.hear(&[("BEGIN", "BEGIN | T"), (ADD, "2 | UPDATE 1 | T")])
            .await;
        let both = format!("{ADD}; UPDATE t SET v = v + 1 WHERE id = 2");
        a.hear(&[(both.as_str(), "2 | UPDATE 1 | UPDATE 1 | I")])
            .await;
        b.hear(&[
            ("COMMIT", LOST),
            (
                "SELECT id, v FROM t ORDER BY id",
                "1,2 | 2,2 | 3,0 | SELECT 3 | I",
            ),
        ])
        .await;
    })
    .await;
}

#[tokio::test]
async fn copy_takes_part() {
    with_cluster(async |access| {
        setup(access).await;
        let (mut a, mut b) = (access.login("admin").await, access.login("admin").await);
        a.run(&["BEGIN"]).await;
        let mut out = BytesMut::new();
        encode::query(b"COPY t FROM STDIN", &mut out);
        encode::frame(b'd', &mut out, |b| b.extend_from_slice(b"10\t1\n11\t2\n"));
        encode::frame(b'c', &mut out, |_| {});
        let messages = a.exchange(&out).await;
        assert_eq!(shape(&messages), ['G', 'C', 'Z'], "{:?}", error(&messages));
        b.run(&["INSERT INTO t VALUES (11, 3)"]).await;
        assert_eq!(field(&a.query("COMMIT").await, 'M').unwrap(), CONFLICT);
        assert_eq!(b.value("SELECT sum(v) FROM t").await, "3");
    })
    .await;
}

/// 200 sessions add one to the same number, with a few tries each.
#[tokio::test]
async fn a_crowd_loses_nothing() {
    const CROWD: usize = 200;
    with_cluster(async |access| {
        setup(access).await;
        let committed = Arc::new(AtomicI64::new(0));
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..CROWD {
            let access = access.clone();
            let committed = Arc::clone(&committed);
            tasks.spawn(async move {
                let protocol = [Simple, Extended, Prepared][number % 3];
                let mut speaker = Speaker::new(&access, protocol).await;
                for _ in 0..5 {
                    speaker.run(&["BEGIN"]).await;
                    let answer = speaker.ask(ADD).await;
                    if !answer.ends_with("| UPDATE 1 | T") {
                        assert_eq!(answer, LOST.replace(" | I", " | E"));
                        speaker.run(&["ROLLBACK"]).await;
                        continue;
                    }
                    tokio::task::yield_now().await;
                    match speaker.ask("COMMIT").await.as_str() {
                        "COMMIT | I" => {
                            committed.fetch_add(1, Ordering::SeqCst);
                            return;
                        }
                        other => assert_eq!(other, LOST),
                    }
                }
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
        let mut admin = access.login("admin").await;
        let sum = admin.value("SELECT v FROM t WHERE id = 1").await;
        assert_eq!(sum, committed.load(Ordering::SeqCst).to_string());
        assert_ne!(sum, "0");
    })
    .await;
}

#[tokio::test]
async fn a_change_of_the_catalog_does_not_wait_for_a_statement_that_runs() {
    with_cluster(async |access| {
        let mut reader = access.login("admin").await;
        let mut changer = access.login("admin").await;
        changer
            .run(&["CREATE TABLE t (id int)", "INSERT INTO t VALUES (1)"])
            .await;
        // The statement by itself, in both protocols, and one of a client that is gone.
        for (number, protocol) in ["simple", "extended", "gone"].into_iter().enumerate() {
            let sql = format!("SELECT id, pg_sleep(600) FROM t /* {protocol} */");
            let running = format!(
                "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%/* {protocol} */'
                 AND wait_event = 'PgSleep'"
            );
            let read = async {
                match protocol {
                    "simple" => Some(reader.query(&sql).await),
                    "extended" => Some(reader.extended(&sql).await),
                    _ => {
                        let mut gone = access.login("admin").await;
                        let mut out = BytesMut::new();
                        encode::query(sql.as_bytes(), &mut out);
                        gone.send(&out).await;
                        None
                    }
                }
            };
            let change = async {
                while only_value(&changer.query(&running).await) == "0" {}
                changer
                    .run(&[&format!("ALTER TABLE t ADD COLUMN c{number} int")])
                    .await;
            };
            let (read, ()) = tokio::join!(read, change);
            if let Some(read) = read {
                assert_eq!(field(&read, 'C').as_deref(), Some("40001"), "{protocol}");
                assert_eq!(
                    field(&read, 'M').as_deref(),
                    Some("schema has been updated by another transaction (OC001)")
                );
            }
        }
        assert_eq!(reader.value("SELECT count(*) FROM t").await, "1");
    })
    .await;
}
