use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::super::{Block, Level, Outcome, TransactionEnd};
use super::{Emulated, Timeout};
use crate::compat::{Plan, Policy, Unsupported};

/// A session in a block of its own making, as PostgreSQL would run it.
struct Session {
    emulated: Emulated,
    block: Block,
}

const EMULATE: Unsupported = Unsupported::Emulate;

fn policy(unsupported: Unsupported, named: &[(&str, Unsupported)]) -> Policy {
    let named = named
        .iter()
        .map(|(name, action)| ((*name).to_owned(), *action));
    Policy {
        unsupported,
        parameters: Arc::new(named.collect::<BTreeMap<_, _>>()),
        ..Policy::default()
    }
}

impl Session {
    fn new(policy: Policy) -> Self {
        Self {
            emulated: Emulated::start(policy, &[]).unwrap(),
            block: Block::None,
        }
    }

    fn end(&mut self, how: TransactionEnd) {
        self.block = Block::None;
        self.emulated.ended(how);
    }

    /// What a statement is answered with: its tag, its row, its error, or where it goes.
    fn run(&mut self, sql: &str) -> String {
        self.run_with(sql, &[])
    }

    fn run_with(&mut self, sql: &str, bound: &[Option<&[u8]>]) -> String {
        match sql {
            "COMMIT" => self.end(TransactionEnd::Committed),
            "ROLLBACK" => self.end(TransactionEnd::RolledBack),
            "SELECT 1" => {
                if self.block == Block::Unsent {
                    self.block = Block::Queried;
                }
            }
            _ if sql.starts_with("BEGIN") => {
                self.emulated.begin(sql.as_bytes());
                self.block = Block::Unsent;
                return String::from_utf8(self.emulated.begin_text(sql.as_bytes()).into_owned())
                    .unwrap();
            }
            _ => return self.statement(sql, bound),
        }
        String::new()
    }

    fn statement(&mut self, sql: &str, bound: &[Option<&[u8]>]) -> String {
        let ask = match self.emulated.policy.statement(sql.as_bytes()) {
            Plan::Forward => return "server".to_owned(),
            Plan::Refuse(refusal) => {
                return format!("{} {}", refusal.sqlstate, refusal.message);
            }
            Plan::Answer(ask) => ask,
        };
        let outcome = self.emulated.answer(&ask, bound, self.block);
        let failed = matches!(outcome, Outcome::Failed(_));
        if self.block == Block::None {
            self.emulated.ended(if failed {
                TransactionEnd::RolledBack
            } else {
                TransactionEnd::Committed
            });
        }
        match outcome {
            Outcome::Forward => "server".to_owned(),
            Outcome::Rewritten(text) => String::from_utf8(text).unwrap(),
            Outcome::Failed(failed) => {
                format!(
                    "{} {}",
                    failed.error.sqlstate.as_str(),
                    failed.error.message
                )
            }
            Outcome::Answered(answer) => {
                let warning = answer.warning.map_or(String::new(), |warning| {
                    format!("{}: {}; ", warning.sqlstate.as_str(), warning.message)
                });
                let rows = answer.rows.iter().map(|row| {
                    let cells = answer.columns.iter().zip(row).map(|(column, cell)| {
                        format!("{column}={}", cell.as_deref().unwrap_or("NULL"))
                    });
                    cells.collect::<Vec<_>>().join(" ")
                });
                format!(
                    "{warning}{}",
                    rows.chain([answer.tag.to_owned()])
                        .collect::<Vec<_>>()
                        .join("; ")
                )
            }
        }
    }
}

#[track_caller]
fn script(session: &mut Session, steps: &[(&str, &str)]) {
    for (sql, expected) in steps {
        assert_eq!(session.run(sql), *expected, "{sql}");
    }
}

#[test]
fn values_follow_transactions() {
    script(
        &mut Session::new(policy(EMULATE, &[])),
        &[
            ("SHOW statement_timeout", "server"),
            ("SET statement_timeout = 30000", "SET"),
            ("SHOW statement_timeout", "statement_timeout=30s; SHOW"),
            ("BEGIN", "BEGIN"),
            ("SET statement_timeout = '2min'", "SET"),
            ("SHOW statement_timeout", "statement_timeout=2min; SHOW"),
            ("ROLLBACK", ""),
            ("SHOW statement_timeout", "statement_timeout=30s; SHOW"),
            ("BEGIN", "BEGIN"),
            ("SET LOCAL statement_timeout = 1", "SET"),
            ("SHOW statement_timeout", "statement_timeout=1ms; SHOW"),
            ("COMMIT", ""),
            ("SHOW statement_timeout", "statement_timeout=30s; SHOW"),
            ("BEGIN", "BEGIN"),
            ("SET statement_timeout = 5", "SET"),
            ("SET LOCAL statement_timeout = 6", "SET"),
            ("SHOW statement_timeout", "statement_timeout=6ms; SHOW"),
            ("COMMIT", ""),
            ("SHOW statement_timeout", "statement_timeout=5ms; SHOW"),
            ("BEGIN", "BEGIN"),
            ("SET LOCAL statement_timeout = 6", "SET"),
            ("SET statement_timeout = 7", "SET"),
            ("COMMIT", ""),
            ("SHOW statement_timeout", "statement_timeout=7ms; SHOW"),
            ("BEGIN", "BEGIN"),
            ("RESET statement_timeout", "RESET"),
            ("SHOW statement_timeout", "server"),
            ("ROLLBACK", ""),
            ("SHOW statement_timeout", "statement_timeout=7ms; SHOW"),
            ("SET statement_timeout TO DEFAULT", "SET"),
            ("SHOW statement_timeout", "server"),
            (
                "SET LOCAL statement_timeout = 5",
                "25P01: SET LOCAL can only be used in transaction blocks; SET",
            ),
            ("SHOW statement_timeout", "server"),
        ],
    );
}

#[test]
fn reset_goes_back_to_what_the_client_brought() {
    let kept = [("Statement_Timeout", "5s"), ("a.b", "x"), ("JIT", "off")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut session = Session::new(Policy::default());
    session.emulated = Emulated::start(policy(EMULATE, &[]), &kept).unwrap();
    script(
        &mut session,
        &[
            ("SHOW statement_timeout", "statement_timeout=5s; SHOW"),
            ("SET statement_timeout = 0", "SET"),
            ("SHOW statement_timeout", "statement_timeout=0; SHOW"),
            ("SET jit = on", "SET"),
            ("SET a.b = 'y'", "SET"),
            ("SET c.d = 'z'", "SET"),
            ("SET work_mem = '1MB'", "SET"),
            ("RESET ALL", "server"),
            ("SHOW statement_timeout", "statement_timeout=5s; SHOW"),
            ("SHOW jit", "jit=off; SHOW"),
            ("SHOW a.b", "a.b=x; SHOW"),
            ("SHOW c.d", "c.d=; SHOW"),
            ("SHOW work_mem", "server"),
        ],
    );
    let wrong = [("statement_timeout".to_owned(), "soon".to_owned())];
    let error = Emulated::start(policy(EMULATE, &[]), &wrong).unwrap_err();
    assert_eq!(error.severity.as_str(), "FATAL");
    assert_eq!(
        error.message,
        "invalid value for parameter \"statement_timeout\": \"soon\""
    );
}

#[test]
fn errors_change_nothing() {
    script(
        &mut Session::new(policy(Unsupported::Ignore, &[])),
        &[
            ("SET jit = off", "SET"),
            (
                "SET jit = maybe",
                "22023 parameter \"jit\" requires a Boolean value",
            ),
            (
                "SELECT set_config('jit', 'on', false), set_config('work_mem', '1', false)",
                "22023 1 kB is outside the valid range for parameter \"work_mem\" (64 .. 2147483647)",
            ),
            ("SHOW jit", "jit=off; SHOW"),
            ("SET jit = 1, 2", "22023 SET jit takes only one argument"),
            (
                "SET log_statement = 'all'",
                "42501 permission denied to set parameter \"log_statement\"",
            ),
            (
                "SET fsync = off",
                "55P02 parameter \"fsync\" cannot be changed now",
            ),
            (
                "SET shared_buffers = '1GB'",
                "55P02 parameter \"shared_buffers\" cannot be changed without restarting the server",
            ),
            (
                "SET server_version = '17'",
                "55P02 parameter \"server_version\" cannot be changed",
            ),
            (
                "SET ignore_system_indexes = on",
                "55P02 parameter \"ignore_system_indexes\" cannot be set after connection start",
            ),
            (
                "SET \"a b.c\" = 1",
                "42602 invalid configuration parameter name \"a b.c\"",
            ),
            (
                "SET standard_conforming_strings = off",
                "0A000 setting configuration parameter \"standard_conforming_strings\" not supported",
            ),
            ("SET standard_conforming_strings = on", "SET"),
            (
                "SET SESSION AUTHORIZATION a",
                "0A000 setting configuration parameter \"session_authorization\" not supported",
            ),
            ("SET ROLE a", "server"),
            ("SET no_such = 1", "server"),
            ("SET default_with_oids = off", "SET"),
            ("SET db_user_namespace = off", "server"),
            ("SET jit = select", "server"),
            ("SET search_path = a", "server"),
        ],
    );
    script(
        &mut Session::new(policy(
            Unsupported::Reject,
            &[("log_statement", Unsupported::Ignore)],
        )),
        &[
            ("SET log_statement = 'all'", "SET"),
            ("SHOW log_statement", "log_statement=all; SHOW"),
            (
                "SET jit = off",
                "0A000 setting configuration parameter \"jit\" not supported",
            ),
            ("SHOW jit", "server"),
            ("RESET jit", "server"),
        ],
    );
}

#[test]
fn calls() {
    script(
        &mut Session::new(policy(EMULATE, &[])),
        &[
            (
                "SELECT current_setting('jit'), set_config('jit','off',false)",
                "SELECT current_setting('jit'), 'off'::text AS set_config",
            ),
            (
                "SELECT current_setting('jit') AS cur, set_config('jit','off',false) AS new",
                "cur=off new=off; SELECT 1",
            ),
            (
                "SELECT set_config('bytea_output','hex',false) FROM pg_settings WHERE name = 'bytea_output'",
                "set_config=hex; SELECT 1",
            ),
            (
                "SELECT pg_catalog.set_config('search_path', '', false)",
                "server",
            ),
            (
                "SELECT set_config('search_path', 'it', true), set_config('a.b', 'it''s', true) x",
                "SELECT set_config('search_path', 'it', true), 'it''s'::text x",
            ),
            (
                "SELECT set_config(name, 'view', false) FROM pg_settings WHERE name = 'restrict_nonsystem_relation_kind'",
                "set_config=view; SELECT 1",
            ),
            ("SET XML OPTION DOCUMENT", "SET"),
            ("SHOW xml option", "xmloption=document; SHOW"),
            (
                "SELECT current_setting('a.b')",
                "current_setting=; SELECT 1",
            ),
            ("SELECT current_setting('x.y', true)", "server"),
            (
                "SELECT set_config('statement_timeout', NULL, false)",
                "set_config=0; SELECT 1",
            ),
            ("SELECT set_config(NULL, 'a', false)", "server"),
            (
                "SELECT current_setting('transaction_timeout')",
                "current_setting=0; SELECT 1",
            ),
        ],
    );
    let mut session = Session::new(policy(Unsupported::Reject, &[]));
    assert_eq!(
        session.run("SELECT set_config('jit', 'off', false)"),
        "server"
    );
}

#[test]
fn calls_with_parameters() {
    let mut session = Session::new(policy(EMULATE, &[]));
    let sql = "SELECT set_config($1, $2, $3)";
    let jit: [Option<&[u8]>; 3] = [Some(b"jit"), Some(b"0"), Some(b"f")];
    assert_eq!(session.run_with(sql, &jit), "set_config=off; SELECT 1");
    assert_eq!(session.run("SHOW jit"), "jit=off; SHOW");
    let path: [Option<&[u8]>; 3] = [Some(b"search_path"), Some(b"a"), Some(&[1])];
    assert_eq!(session.run_with(sql, &path), "server");
    let binary: [Option<&[u8]>; 3] = [Some(b"jit"), Some(b"on"), Some(&[1])];
    assert_eq!(session.run_with(sql, &binary), "set_config=on; SELECT 1");
    assert_eq!(session.run("SHOW jit"), "jit=off; SHOW", "that was local");
    let null: [Option<&[u8]>; 3] = [Some(b"jit"), None, None];
    assert_eq!(session.run_with(sql, &null), "set_config=on; SELECT 1");
    let nobody: [Option<&[u8]>; 3] = [None, None, None];
    assert_eq!(
        session.run_with(sql, &nobody),
        "22004 SET requires parameter name"
    );
    assert_eq!(session.run_with(sql, &[]), "server");
    assert_eq!(
        session.run_with(
            "SELECT set_config('search_path', $1, true), set_config('request.method', $2, true)",
            &[Some(b"a"), Some(b"GET")]
        ),
        "SELECT set_config('search_path', $1, true), $2::text AS set_config"
    );
    let Plan::Answer(ask) = session.emulated.policy.statement(sql.as_bytes()) else {
        panic!("{sql}");
    };
    assert_eq!(ask.parameter_types(), [25, 25, 16]);
    assert_eq!(ask.columns(), ["set_config"]);
}

#[test]
fn modes_of_transactions() {
    script(
        &mut Session::new(policy(EMULATE, &[])),
        &[
            ("SHOW TRANSACTION ISOLATION LEVEL", "server"),
            (
                "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED",
                "SET",
            ),
            (
                "SHOW transaction_isolation",
                "transaction_isolation=read committed; SHOW",
            ),
            (
                "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE",
                "0A000 setting configuration parameter \"TRANSACTION\" not supported",
            ),
            (
                "SET default_transaction_isolation = 'serializable'",
                "0A000 setting configuration parameter \"default_transaction_isolation\" not supported",
            ),
            ("BEGIN", "BEGIN"),
            ("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SET"),
            (
                "SHOW TRANSACTION ISOLATION LEVEL",
                "transaction_isolation=repeatable read; SHOW",
            ),
            ("SELECT 1", ""),
            ("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SET"),
            (
                "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
                "25001 SET TRANSACTION ISOLATION LEVEL must be called before any query",
            ),
            ("ROLLBACK", ""),
            (
                "SHOW transaction_isolation",
                "transaction_isolation=read committed; SHOW",
            ),
            (
                "SET TRANSACTION READ ONLY",
                "25P01: SET TRANSACTION can only be used in transaction blocks; SET",
            ),
            ("SHOW transaction_read_only", "server"),
            (
                "RESET transaction_isolation",
                "0A000 parameter \"transaction_isolation\" cannot be reset",
            ),
            ("BEGIN", "BEGIN"),
            ("SELECT 1", ""),
            // DSQL has begun to write, and refuses.
            ("SET TRANSACTION READ ONLY", "server"),
            ("SET TRANSACTION READ WRITE", "SET"),
            (
                "SET TRANSACTION NOT DEFERRABLE",
                "25001 SET TRANSACTION [NOT] DEFERRABLE must be called before any query",
            ),
            ("ROLLBACK", ""),
            ("SET default_transaction_read_only = on", "SET"),
            ("BEGIN", "BEGIN READ ONLY"),
            (
                "SHOW transaction_read_only",
                "transaction_read_only=on; SHOW",
            ),
            ("SELECT 1", ""),
            (
                "SET TRANSACTION READ WRITE",
                "25001 transaction read-write mode must be set before any query",
            ),
            ("ROLLBACK", ""),
        ],
    );
}

#[test]
fn what_the_proxy_acts_on() {
    let mut session = Session::new(policy(EMULATE, &[("lock_timeout", Unsupported::Ignore)]));
    assert_eq!(session.emulated.message_level(), Level::Debug5);
    script(
        &mut session,
        &[
            ("SET statement_timeout = '1.5s'", "SET"),
            ("SET lock_timeout = '5s'", "SET"),
            ("SET idle_session_timeout = 0", "SET"),
            ("SET client_min_messages = warning", "SET"),
        ],
    );
    let emulated = &session.emulated;
    assert_eq!(
        emulated.timeout(Timeout::Statement),
        Some(Duration::from_millis(1500))
    );
    assert_eq!(emulated.timeout(Timeout::Lock), None, "only remembered");
    assert_eq!(emulated.timeout(Timeout::IdleSession), None);
    assert_eq!(emulated.timeout(Timeout::Transaction), None);
    assert!(!emulated.is_read_only());
    let level = emulated.message_level();
    assert_eq!(level, Level::Warning);
    assert!(level.lets_pass(b"WARNING") && level.lets_pass(b"INFO"));
    assert!(!level.lets_pass(b"NOTICE") && !level.lets_pass(b"LOG"));
}

proptest! {
    /// Whatever is set, a rolled back transaction leaves what was there before.
    #[test]
    fn rolled_back_is_as_before(
        before in prop::collection::vec((0..3_usize, 0..5_i32), 0..4),
        within in prop::collection::vec((0..3_usize, 0..5_i32, any::<bool>()), 0..8),
    ) {
        let names = ["statement_timeout", "lock_timeout", "jit"];
        let mut session = Session::new(policy(EMULATE, &[]));
        for (name, value) in before {
            session.run(&format!("SET {} = {value}", names[name]));
        }
        let shown = |session: &Session| names.map(|name| session.emulated.shown(name, Block::None));
        let expected = shown(&session);
        session.run("BEGIN");
        for (name, value, local) in within {
            let scope = if local { "LOCAL" } else { "SESSION" };
            session.run(&format!("SET {scope} {} = {value}", names[name]));
            session.run("RESET ALL");
        }
        session.run("ROLLBACK");
        prop_assert_eq!(shown(&session), expected);
    }
}
