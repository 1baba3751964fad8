//! The table of advisory locks does what a real PostgreSQL does: random histories, in which every
//! answer and everything that `pg_locks` shows are compared.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;

use dsql_proxy::adapt::locks::{
    Acquired, LockKey, LockMode, LockScope, LockSession, LockTable, Patience, Request, Ticket,
    Unlocked, not_held_warning,
};
use dsql_proxy::sql::{LockResult, LockValue, lock_statement};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_postgres::error::DbError;
use tokio_postgres::types::Type;
use tokio_postgres::{AsyncMessage, Client, NoTls, SimpleQueryMessage};

use crate::support::postgres::Postgres;
use crate::support::{code, connect, within};

const SESSIONS: usize = 5;
const STEPS: usize = 300;

const KEYS: [LockKey; 4] = [
    LockKey::One(1),
    LockKey::One(-1),
    LockKey::Two(0, 1),
    LockKey::Two(-1, i32::MAX),
];

/// Before 17, who only tries a lock is refused where it has to go before somebody who waits for it
/// (release notes of 17; commit 2346df6fc373).
const HOLDERS_MAY_TRY: i32 = 170_000;

type Outcome = Result<String, tokio_postgres::Error>;

/// A connection, in a transaction block.
struct Session {
    client: std::sync::Arc<Client>,
    notices: mpsc::UnboundedReceiver<DbError>,
    process: i32,
    id: LockSession,
    /// What it waits for.
    waits: Option<(Ticket, JoinHandle<Outcome>)>,
}

async fn run(client: &Client, sql: &str) -> Outcome {
    let messages = within(client.simple_query(sql)).await?;
    let rows = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    });
    Ok(rows.collect())
}

impl Session {
    async fn open(url: &str, table: &mut LockTable) -> Self {
        let (client, mut connection) = within(tokio_postgres::connect(url, NoTls)).await.unwrap();
        let (sender, notices) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(Ok(message)) = poll_fn(|cx| connection.poll_message(cx)).await {
                if let AsyncMessage::Notice(notice) = message
                    && sender.send(notice).is_err()
                {
                    return;
                }
            }
        });
        // A wait is told once it has been searched for deadlocks.
        let setup = "SET deadlock_timeout = '1ms'; SET log_lock_waits = on;
                     SET client_min_messages = log";
        client.batch_execute(setup).await.unwrap();
        client.batch_execute("BEGIN").await.unwrap();
        let process = run(&client, "SELECT pg_backend_pid()").await.unwrap();
        let process = process.parse().unwrap();
        Self {
            client: client.into(),
            notices,
            process,
            id: table.open(process),
            waits: None,
        }
    }

    /// Runs a statement until it ends; or until it waits.
    async fn start(&mut self, sql: String) -> Result<Outcome, JoinHandle<Outcome>> {
        while self.notices.try_recv().is_ok() {}
        let client = std::sync::Arc::clone(&self.client);
        let mut running = tokio::spawn(async move { run(&client, &sql).await });
        loop {
            tokio::select! {
                outcome = &mut running => return Ok(outcome.unwrap()),
                Some(notice) = self.notices.recv() => {
                    if notice.message().contains("still waiting for") {
                        return Err(running);
                    }
                }
            }
        }
    }
}

struct History {
    url: String,
    observer: Client,
    version: i32,
    table: LockTable,
    sessions: Vec<Session>,
    random: u64,
    /// How often each outcome was seen.
    seen: BTreeMap<&'static str, usize>,
}

fn function(kind: &str, mode: LockMode, scope: LockScope) -> String {
    let scope = match scope {
        LockScope::Session => "",
        LockScope::Transaction => "xact_",
    };
    let mode = match mode {
        LockMode::Exclusive => "",
        LockMode::Shared => "_shared",
    };
    match kind {
        "try" => format!("pg_try_advisory_{scope}lock{mode}"),
        _ => format!("pg_advisory_{scope}{kind}{mode}"),
    }
}

fn arguments(key: LockKey) -> String {
    match key {
        LockKey::One(key) => format!("({key})"),
        LockKey::Two(first, second) => format!("({first}, {second})"),
    }
}

/// A DETAIL without the oid of the database, which the table does not know.
fn without_database(detail: &str) -> String {
    let mut pieces = detail.split("advisory lock [");
    let mut text = pieces.next().unwrap().to_owned();
    for piece in pieces {
        let (_, rest) = piece.split_once(',').unwrap();
        text.push_str("advisory lock [");
        text.push_str(rest);
    }
    text
}

impl History {
    async fn new(url: &str, seed: u64) -> Self {
        let observer = connect(url).await.unwrap();
        let version = run(&observer, "SHOW server_version_num").await.unwrap();
        let mut table = LockTable::new(10_000);
        let mut sessions = Vec::new();
        for _ in 0..SESSIONS {
            sessions.push(Session::open(url, &mut table).await);
        }
        Self {
            url: url.to_owned(),
            observer,
            version: version.parse().unwrap(),
            table,
            sessions,
            random: seed,
            seen: BTreeMap::new(),
        }
    }

    fn note(&mut self, what: &'static str) {
        *self.seen.entry(what).or_default() += 1;
    }

    /// Below `n` (Knuth's MMIX generator).
    fn below(&mut self, n: u64) -> usize {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.random >> 33) % n).unwrap()
    }

    async fn step(&mut self) {
        let at = self.below(SESSIONS as u64);
        let key = KEYS[self.below(4)];
        let mode = [LockMode::Shared, LockMode::Exclusive][self.below(2)];
        let scope = [LockScope::Session, LockScope::Transaction][self.below(2)];
        let what = self.below(20);
        if let Some((ticket, _)) = &self.sessions[at].waits {
            let ticket = *ticket;
            if what == 0 {
                self.cancel(at, ticket).await;
            }
        } else {
            match what {
                0..8 => self.wait(at, Request { key, mode, scope }).await,
                8..11 => self.attempt(at, Request { key, mode, scope }).await,
                11..16 => self.unlock(at, key, mode).await,
                16 => self.unlock_all(at).await,
                17..19 => self.end_transaction(at).await,
                _ => self.reopen(at).await,
            }
        }
        self.compare().await;
    }

    async fn wait(&mut self, at: usize, request: Request) {
        let session = &mut self.sessions[at];
        let name = function("lock", request.mode, request.scope);
        let started = session
            .start(format!("SELECT {name}{}", arguments(request.key)))
            .await;
        let mut granted = Vec::new();
        let acquired = self
            .table
            .acquire(session.id, request, Patience::Wait, &mut granted);
        match (acquired, started) {
            (Acquired::Granted, Ok(Ok(_))) => self.note("granted"),
            (Acquired::Waiting(ticket), Err(running)) => {
                session.waits = Some((ticket, running));
                self.note("waiting");
            }
            (Acquired::Deadlock(deadlock), Ok(Err(error))) => {
                let told = error.as_db_error().unwrap();
                assert_eq!(told.code().code(), "40P01");
                assert_eq!(deadlock.detail(), without_database(told.detail().unwrap()));
                self.note("deadlock");
                self.failed(at).await;
            }
            (acquired, started) => panic!("{acquired:?}, but {started:?}"),
        }
        if !granted.is_empty() {
            self.note("reordered");
        }
        self.granted(granted).await;
    }

    async fn attempt(&mut self, at: usize, request: Request) {
        let session = &self.sessions[at];
        let here = self.table.entries().into_iter();
        let here: Vec<_> = here.filter(|entry| entry.key == request.key).collect();
        let mine = |granted| {
            let own = here.iter().filter(|e| e.granted == granted);
            own.filter(|e| (e.process == session.process) == granted)
                .count()
        };
        if self.version < HOLDERS_MAY_TRY && mine(true) == 1 && mine(false) > 0 {
            return;
        }
        let name = function("try", request.mode, request.scope);
        let sql = format!("SELECT {name}{}", arguments(request.key));
        let answer = run(&session.client, &sql).await.unwrap();
        let mut granted = Vec::new();
        let acquired = self
            .table
            .acquire(session.id, request, Patience::Try, &mut granted);
        let expected = match acquired {
            Acquired::Granted => "t",
            Acquired::Refused => "f",
            other => panic!("{other:?}"),
        };
        assert_eq!(answer, expected, "{sql}");
        assert_eq!(granted, []);
        self.note(expected);
    }

    async fn unlock(&mut self, at: usize, key: LockKey, mode: LockMode) {
        let session = &mut self.sessions[at];
        while session.notices.try_recv().is_ok() {}
        let name = function("unlock", mode, LockScope::Session);
        let sql = format!("SELECT {name}{}", arguments(key));
        let answer = run(&session.client, &sql).await.unwrap();
        let warning = session.notices.try_recv().ok();
        let mut granted = Vec::new();
        let unlocked = self.table.unlock(session.id, key, mode, &mut granted);
        match unlocked {
            Unlocked::Released => {
                assert_eq!(answer, "t", "{sql}");
                assert!(warning.is_none(), "{warning:?}");
                self.note("unlocked");
            }
            Unlocked::NotHeld => {
                assert_eq!(answer, "f", "{sql}");
                let (told, ours) = (warning.unwrap(), not_held_warning(mode));
                assert_eq!(told.message(), ours.message);
                assert_eq!(told.code().code(), ours.sqlstate.as_str());
                assert_eq!(told.severity(), ours.severity.as_str());
                assert_eq!(told.routine(), ours.routine.as_deref());
                self.note("not held");
            }
        }
        self.granted(granted).await;
    }

    async fn unlock_all(&mut self, at: usize) {
        let session = &self.sessions[at];
        run(&session.client, "SELECT pg_advisory_unlock_all()")
            .await
            .unwrap();
        let mut granted = Vec::new();
        self.table.unlock_all(session.id, &mut granted);
        self.granted(granted).await;
    }

    async fn end_transaction(&mut self, at: usize) {
        let end = ["COMMIT; BEGIN", "ROLLBACK; BEGIN"][self.below(2)];
        let session = &self.sessions[at];
        run(&session.client, end).await.unwrap();
        let mut granted = Vec::new();
        self.table.end_transaction(session.id, &mut granted);
        self.granted(granted).await;
    }

    /// A statement of its transaction has failed: the locks of the transaction are gone before it
    /// ends.
    async fn failed(&mut self, at: usize) {
        let mut granted = Vec::new();
        self.table
            .end_transaction(self.sessions[at].id, &mut granted);
        self.granted(granted).await;
        // The error was told before the transaction was aborted; this one is told after that.
        let next = run(&self.sessions[at].client, "SELECT 1").await;
        assert_eq!(code(next), "25P02");
        self.compare().await;
        run(&self.sessions[at].client, "ROLLBACK; BEGIN")
            .await
            .unwrap();
    }

    async fn cancel(&mut self, at: usize, ticket: Ticket) {
        let session = &mut self.sessions[at];
        let sql = format!("SELECT pg_cancel_backend({})", session.process);
        run(&self.observer, &sql).await.unwrap();
        let (_, running) = session.waits.take().unwrap();
        assert_eq!(code(within(running).await.unwrap()), "57014");
        let mut granted = Vec::new();
        self.table.cancel(ticket, &mut granted);
        self.granted(granted).await;
        self.note("cancelled");
        self.failed(at).await;
    }

    async fn reopen(&mut self, at: usize) {
        let new = Session::open(&self.url, &mut self.table).await;
        let old = std::mem::replace(&mut self.sessions[at], new);
        drop(old.client);
        let left = format!("SELECT 1 FROM pg_locks WHERE pid = {}", old.process);
        while !run(&self.observer, &left).await.unwrap().is_empty() {}
        let mut granted = Vec::new();
        self.table.close(old.id, &mut granted);
        self.granted(granted).await;
    }

    /// Who was granted a lock goes on.
    async fn granted(&mut self, tickets: Vec<Ticket>) {
        for ticket in tickets {
            let waiting = |session: &&mut Session| {
                let waits = session.waits.as_ref();
                waits.is_some_and(|(waited, _)| *waited == ticket)
            };
            let session = self.sessions.iter_mut().find(waiting).unwrap();
            let (_, running) = session.waits.take().unwrap();
            within(running).await.unwrap().unwrap();
            self.note("granted later");
        }
    }

    /// What `pg_locks` shows is what the table shows, and who waits waits for the same sessions.
    async fn compare(&self) {
        let sql = "SELECT concat_ws(' ', pid, classid, objid, objsubid, mode, granted,
                      CASE WHEN NOT granted THEN array(SELECT DISTINCT b
                          FROM unnest(pg_blocking_pids(pid)) b ORDER BY b)::text END) || E'\\n'
                   FROM pg_locks WHERE locktype = 'advisory'";
        let rows = run(&self.observer, sql).await.unwrap();
        let mut rows: Vec<_> = rows.lines().map(str::to_owned).collect();
        rows.sort();
        let entries = self.table.entries();
        let ours = entries.iter().enumerate().map(|(at, entry)| {
            let (class, object, space) = entry.key.tag();
            let granted = if entry.granted { 't' } else { 'f' };
            let mode = entry.mode.lock_type();
            let process = entry.process;
            let row = format!("{process} {class} {object} {space} {mode} {granted}");
            if entry.granted {
                return row;
            }
            // Holders, and who is ahead in the queue.
            let ahead = entries.iter().take(at).filter(|other| {
                other.key == entry.key
                    && other.process != process
                    && other.mode.conflicts_with(entry.mode)
            });
            let blockers: BTreeSet<_> = ahead.map(|other| other.process).collect();
            let blockers: Vec<_> = blockers.iter().map(i32::to_string).collect();
            format!("{row} {{{}}}", blockers.join(","))
        });
        let mut ours: Vec<_> = ours.collect();
        ours.sort();
        assert_eq!(ours, rows);
    }
}

#[tokio::test]
async fn locks_are_as_postgresql_keeps_them() {
    let postgres = Postgres::start();
    let url = format!("postgresql://bench@{}/postgres", postgres.address);
    let mut seen = BTreeMap::new();
    for seed in 1..=5 {
        let mut history = History::new(&url, seed).await;
        for _ in 0..STEPS {
            history.step().await;
        }
        for (what, times) in history.seen {
            *seen.entry(what).or_insert(0) += times;
        }
        // The next one begins when nothing is left of this one.
        for session in &history.sessions {
            let sql = format!("SELECT pg_terminate_backend({})", session.process);
            run(&history.observer, &sql).await.unwrap();
        }
        let left = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory'";
        while !run(&history.observer, left).await.unwrap().is_empty() {}
    }
    for what in [
        "granted",
        "waiting",
        "granted later",
        "deadlock",
        "reordered",
        "cancelled",
        "t",
        "f",
        "unlocked",
        "not held",
    ] {
        assert!(seen.contains_key(what), "{what} is not tested: {seen:?}");
    }
}

/// What is read from a statement is what PostgreSQL makes of it: columns, parameters, and the rows
/// of the statement in which the call is replaced.
#[tokio::test]
async fn statements_are_read_as_postgresql_reads_them() {
    let postgres = Postgres::start();
    let url = format!("postgresql://bench@{}/postgres", postgres.address);
    let client = connect(&url).await.unwrap();
    for sql in [
        "SELECT pg_advisory_lock(72707369)",
        "SELECT pg_advisory_lock($1)",
        "SELECT pg_try_advisory_lock($1, $2::int2)",
        "SELECT pg_try_advisory_lock($1::int, 5) AS \"Got \"\"it\", pg_advisory_unlock(hashtext($2))",
        "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))::text",
        "SELECT pg_try_advisory_xact_lock_shared('17'::bigint)::int Locked",
        "SELECT PG_ADVISORY_UNLOCK(-5)::text as select, pg_advisory_unlock_all()",
        "SELECT pg_advisory_lock(NULL)",
        "SELECT pg_advisory_lock_shared(('x'||md5($1))::bit(64)::bigint) -- done",
        "SELECT * FROM pg_try_advisory_lock($1)",
        "SELECT * FROM pg_advisory_unlock(9) a",
        "SELECT 1::int AS locked FROM pg_advisory_xact_lock(hashtextextended($1, 0))",
        "SELECT lock FROM pg_try_advisory_lock($1) lock WHERE lock = true;",
        "SELECT pg_try_advisory_lock, count(*) FROM pg_try_advisory_lock(3, $1) GROUP BY 1",
        "SELECT l.*, 'pg_advisory_lock' FROM pg_try_advisory_lock(NULL) AS \"l\" WHERE l IS NULL",
        "SELECT true FROM pg_advisory_unlock_all()",
    ] {
        let theirs = client.prepare(sql).await.unwrap();
        let Some(ours) = lock_statement(sql.as_bytes()) else {
            assert!(sql.contains("GROUP BY"), "not read: {sql}");
            continue;
        };
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let evaluation = client.prepare(&text(ours.evaluation())).await.unwrap();
        assert_eq!(evaluation.params(), theirs.params(), "{sql}");
        let results = theirs.columns().iter();
        let results: Vec<_> = results.map(|c| (c.name().to_owned(), c.type_())).collect();

        // What every key is locked with, here and on the server.
        let value = match ours.calls[0].function.result() {
            _ if sql.contains("NULL") => LockValue::Null,
            LockResult::Bool => LockValue::Bool(true),
            _ => LockValue::Void,
        };
        if let Some(replaced) = ours.with_value(value) {
            let replaced = text(replaced);
            let replacement = client.prepare(&replaced).await.unwrap();
            assert_eq!(replacement.params(), theirs.params(), "{sql}");
            let columns = replacement.columns().iter();
            let columns: Vec<_> = columns.map(|c| (c.name().to_owned(), c.type_())).collect();
            assert_eq!(columns, results, "{sql}");
            if theirs.params().is_empty() {
                let rows = |rows: Vec<SimpleQueryMessage>| format!("{rows:?}");
                let expected = rows(client.simple_query(sql).await.unwrap());
                let replaced = rows(client.simple_query(&replaced).await.unwrap());
                assert_eq!(replaced, expected, "{sql}");
            }
        } else {
            let columns = ours.calls.iter().map(|call| {
                let type_ = match call.result {
                    LockResult::Void => &Type::VOID,
                    LockResult::Bool => &Type::BOOL,
                    LockResult::Text => &Type::TEXT,
                    LockResult::Int4 => &Type::INT4,
                };
                (String::from_utf8(call.column.clone()).unwrap(), type_)
            });
            assert_eq!(columns.collect::<Vec<_>>(), results, "{sql}");
        }
    }
}
