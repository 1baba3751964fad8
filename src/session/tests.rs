//! Conversations, message by message.

use bytes::BytesMut;

use super::Parameters;
use super::abandon::{Abandon, Loss};
use super::client_login::{ClientLogin, Greeting};
use super::machine::{Flow, Frame, Relayed, Session};
use crate::compat::{Policy, Unsupported};
use crate::wire::backend::{self, TransactionStatus};
use crate::wire::frame::HEADER;
use crate::wire::startup::{ProtocolVersion, Startup};
use crate::wire::{ErrorFields, SqlState, encode, frontend};

const REFUSED: &str = "SET client_min_messages TO warning";

fn session() -> Session {
    let policy = Policy {
        unsupported: Unsupported::Reject,
    };
    Session::new(policy, Parameters::new())
}

/// A conversation: the client's and the server's messages in the order in which they pass.
struct Talk {
    session: Session,
    replies: BytesMut,
}

impl Talk {
    fn new() -> Self {
        Self {
            session: session(),
            replies: BytesMut::new(),
        }
    }

    fn client(&mut self, tag: u8, body: &[u8]) -> Flow {
        self.session
            .frontend(
                Frame {
                    tag,
                    body,
                    complete: true,
                },
                &mut self.replies,
            )
            .unwrap()
    }

    fn server(&mut self, tag: u8, body: &[u8]) -> Relayed {
        self.session.backend(
            Frame {
                tag,
                body,
                complete: true,
            },
            &mut self.replies,
        )
    }

    fn query(&mut self, sql: &str) -> Flow {
        self.client(frontend::QUERY, &[sql.as_bytes(), b"\0"].concat())
    }

    fn parse(&mut self, name: &str, sql: &str) -> Flow {
        let body = [name.as_bytes(), b"\0", sql.as_bytes(), b"\0\0\0"].concat();
        self.client(frontend::PARSE, &body)
    }

    fn bind(&mut self, statement: &str) -> Flow {
        self.client(
            frontend::BIND,
            &[b"\0", statement.as_bytes(), b"\0\0\0\0\0\0\0"].concat(),
        )
    }

    /// Prepares a named statement with success.
    fn prepare(&mut self, name: &str, sql: &str) {
        self.parse(name, sql);
        self.sync();
        self.server(backend::PARSE_COMPLETE, b"");
        self.ready(b'I');
    }

    fn execute(&mut self) -> Flow {
        self.client(frontend::EXECUTE, b"\0\0\0\0\0")
    }

    fn sync(&mut self) -> Flow {
        self.client(frontend::SYNC, b"")
    }

    fn ready(&mut self, status: u8) {
        assert_eq!(
            self.server(backend::READY_FOR_QUERY, &[status]),
            Relayed::Forward
        );
    }

    /// Tags of the frames that we have put in, and the first error's SQLSTATE and message.
    fn said(&mut self) -> (String, Option<(SqlState, String)>) {
        let (mut tags, mut error) = (String::new(), None);
        let mut rest = std::mem::take(&mut self.replies);
        while !rest.is_empty() {
            let length =
                1 + usize::try_from(i32::from_be_bytes(rest[1..5].try_into().unwrap())).unwrap();
            let frame = rest.split_to(length);
            tags.push(char::from(frame[0]));
            if frame[0] == backend::ERROR_RESPONSE {
                let fields = ErrorFields::read(&frame[HEADER..]).unwrap().to_response();
                error.get_or_insert((fields.sqlstate, fields.message));
            }
        }
        (tags, error)
    }
}

impl std::ops::Deref for Talk {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

#[test]
fn between_transactions_we_refuse_ourselves() {
    let mut talk = Talk::new();
    assert_eq!(talk.query(REFUSED), Flow::Discard);
    let (tags, error) = talk.said();
    assert_eq!(tags, "EZ");
    let (sqlstate, message) = error.unwrap();
    assert_eq!(sqlstate, SqlState::FEATURE_NOT_SUPPORTED);
    assert_eq!(
        message,
        "setting configuration parameter \"client_min_messages\" not supported"
    );
    assert!(talk.is_quiet());
}

#[test]
fn inside_a_block_the_server_refuses_and_we_add_the_hint() {
    let mut talk = Talk::new();
    assert_eq!(talk.query("BEGIN"), Flow::Forward);
    talk.ready(b'T');
    assert_eq!(talk.query(REFUSED), Flow::Forward);
    let text = b"SERROR\0VERROR\0C0A000\0Msetting configuration parameter \"client_min_messages\" not supported\0\0";
    assert_eq!(
        talk.server(backend::ERROR_RESPONSE, text),
        Relayed::Replaced
    );
    let fields = ErrorFields::read(&talk.replies[HEADER..]).unwrap();
    assert!(fields.hint().is_some());
    assert_eq!(fields.sqlstate(), Some(SqlState::FEATURE_NOT_SUPPORTED));
    talk.ready(b'E');
    assert_eq!(talk.status(), TransactionStatus::Failed);
}

#[test]
fn a_refusal_does_not_overtake_replies() {
    let mut talk = Talk::new();
    talk.query("select 1");
    assert_eq!(talk.query(REFUSED), Flow::Hold);
    assert_eq!(talk.said().0, "");
    talk.ready(b'I');
    assert_eq!(talk.query(REFUSED), Flow::Discard);
    assert_eq!(talk.said().0, "EZ");
}

#[test]
fn a_refused_parse_skips_to_sync() {
    let mut talk = Talk::new();
    assert_eq!(talk.parse("", REFUSED), Flow::Discard);
    assert_eq!(talk.bind(""), Flow::Discard);
    assert_eq!(talk.execute(), Flow::Discard);
    assert_eq!(talk.said().0, "E");
    assert_eq!(talk.sync(), Flow::Discard);
    assert_eq!(talk.said().0, "Z");
    assert_eq!(talk.parse("", "select 1"), Flow::Forward);
}

#[test]
fn in_a_group_that_has_begun_the_server_refuses() {
    let mut talk = Talk::new();
    assert_eq!(talk.parse("", "select 1"), Flow::Forward);
    assert_eq!(talk.parse("", REFUSED), Flow::Forward);
    assert_eq!(talk.said().0, "");
}

#[test]
fn an_unknown_message_ends_the_session() {
    let mut session = session();
    let frame = Frame {
        tag: b'?',
        body: b"",
        complete: true,
    };
    let error = session.frontend(frame, &mut BytesMut::new()).unwrap_err();
    assert_eq!(error.sqlstate, SqlState::PROTOCOL_VIOLATION);
    assert_eq!(error.message, "invalid frontend message type 63");
}

/// libpq: Parse, Bind, Execute, Sync before it knows that it copies, then data, CopyDone and a
/// second Sync. The server ignores the first.
#[test]
fn a_sync_sent_into_copy_data_is_not_answered() {
    let mut talk = Talk::new();
    talk.parse("", "copy t from stdin");
    talk.bind("");
    talk.execute();
    talk.sync();
    talk.server(backend::COPY_IN_RESPONSE, b"");
    assert!(!talk.is_quiet());
    talk.client(frontend::COPY_DATA, b"1\n");
    talk.client(frontend::COPY_DONE, b"");
    talk.sync();
    talk.ready(b'I');
    assert!(talk.is_quiet());
}

#[test]
fn a_copy_sent_in_one_go_is_answered_once() {
    let mut talk = Talk::new();
    talk.parse("", "copy t from stdin");
    talk.bind("");
    talk.execute();
    talk.client(frontend::COPY_DATA, b"1\n");
    talk.client(frontend::COPY_DONE, b"");
    talk.sync();
    talk.server(backend::COPY_IN_RESPONSE, b"");
    talk.ready(b'I');
    assert!(talk.is_quiet());
}

#[test]
fn a_simple_copy_is_answered_once() {
    let mut talk = Talk::new();
    talk.query("copy t from stdin");
    talk.server(backend::COPY_IN_RESPONSE, b"");
    talk.sync();
    talk.client(frontend::COPY_FAIL, b"no\0");
    talk.server(backend::ERROR_RESPONSE, b"SERROR\0C57014\0Mcopy failed\0\0");
    assert!(!talk.is_quiet());
    talk.ready(b'I');
    assert!(talk.is_quiet());
}

/// postgres.js sends CopyFail after CopyDone; the server ignores it, and so must the count.
#[test]
fn a_copy_that_is_ended_twice_is_answered_once() {
    let mut talk = Talk::new();
    talk.query("copy t from stdin");
    talk.server(backend::COPY_IN_RESPONSE, b"");
    talk.client(frontend::COPY_DONE, b"");
    talk.client(frontend::COPY_FAIL, b"\0");
    talk.ready(b'I');
    assert!(talk.is_quiet());
}

#[test]
fn pipelined_requests_are_answered_one_by_one() {
    let mut talk = Talk::new();
    talk.query("select 1");
    talk.parse("", "select 2");
    talk.sync();
    talk.sync();
    for _ in 0..3 {
        assert!(!talk.is_quiet());
        talk.ready(b'I');
    }
    assert!(talk.is_quiet());
    // One too many must not confuse the count.
    talk.ready(b'I');
    talk.query("select 3");
    assert!(!talk.is_quiet());
}

/// Status of the last ReadyForQuery, what is sent then, and what a lost connection means.
#[test]
fn what_a_lost_connection_means() {
    for (status, sql, loss) in [
        (b'I', "select 1", Loss::Nothing),
        (b'I', "select f(1)", Loss::Unknown),
        (b'I', "insert into t values (1)", Loss::Unknown),
        (b'I', "begin; insert into t values (1)", Loss::RolledBack),
        (
            b'I',
            "begin; insert into t values (1); commit",
            Loss::Commit,
        ),
        (b'T', "insert into t values (1)", Loss::RolledBack),
        (b'T', "commit", Loss::Commit),
        (b'T', "END", Loss::Commit),
        (b'T', "rollback", Loss::Nothing),
        (b'T', "rollback; insert into t values (1)", Loss::Unknown),
        (b'E', "commit", Loss::Nothing),
    ] {
        let mut talk = Talk::new();
        talk.ready(status);
        talk.query(sql);
        assert_eq!(talk.loss(), loss, "{} {sql}", char::from(status));
    }
}

#[test]
fn a_prepared_statement_is_known_by_its_name() {
    let mut talk = Talk::new();
    talk.prepare("c", "commit");
    talk.prepare("s", "select 1");
    talk.ready(b'T');
    talk.bind("s");
    assert_eq!(talk.loss(), Loss::RolledBack);
    talk.bind("c");
    assert_eq!(talk.loss(), Loss::Commit);
    talk.sync();
    talk.ready(b'T');
    talk.bind("nobody knows");
    assert_eq!(talk.loss(), Loss::Unknown);
}

/// A portal that was bound before the last Sync may hold anything.
#[test]
fn a_portal_of_an_earlier_group_is_not_known() {
    let mut talk = Talk::new();
    talk.prepare("c", "commit");
    talk.ready(b'T');
    talk.bind("c");
    talk.sync();
    talk.ready(b'T');
    talk.execute();
    talk.sync();
    assert_eq!(talk.loss(), Loss::Unknown);
}

#[test]
fn what_is_answered_is_not_in_flight() {
    let mut talk = Talk::new();
    // The server refuses the BEGIN: the INSERT commits itself.
    talk.query("begin isolation level serializable");
    talk.query("insert into t values (1)");
    assert_eq!(talk.loss(), Loss::Unknown);
    talk.server(backend::ERROR_RESPONSE, b"SERROR\0C0A000\0Mno\0\0");
    talk.ready(b'I');
    assert_eq!(talk.loss(), Loss::Unknown);
    talk.ready(b'I');
    // An answered COMMIT does not protect the statement behind it.
    talk.ready(b'T');
    talk.query("commit");
    talk.query("select pg_sleep(6)");
    talk.ready(b'I');
    assert_eq!(talk.loss(), Loss::Nothing);
}

#[test]
fn a_savepoint_brings_a_failed_block_back() {
    let mut talk = Talk::new();
    talk.ready(b'E');
    talk.query("rollback to a; commit; select pg_sleep(30)");
    assert_eq!(talk.loss(), Loss::Commit);
}

#[test]
fn a_copy_writes_nothing_before_its_end() {
    let mut talk = Talk::new();
    talk.query("copy t from stdin");
    assert_eq!(talk.loss(), Loss::Unknown);
    talk.server(backend::COPY_IN_RESPONSE, b"");
    assert_eq!(talk.loss(), Loss::Nothing);
    talk.client(frontend::COPY_DONE, b"");
    assert_eq!(talk.loss(), Loss::Unknown);
}

/// A Query in the middle of a group has its own ReadyForQuery, and ends the group.
#[test]
fn a_query_ends_an_open_group() {
    let mut talk = Talk::new();
    talk.parse("", "select 1");
    talk.bind("");
    talk.execute();
    assert_eq!(
        talk.query(REFUSED),
        Flow::Forward,
        "nothing is owed: the server refuses"
    );
    talk.ready(b'I');
    assert!(talk.is_quiet());
    assert_eq!(talk.query(REFUSED), Flow::Discard);
}

/// A failed group skips everything up to its Sync, a Query too.
#[test]
fn a_failed_group_skips_a_query() {
    let error = b"SERROR\0C42601\0Msyntax error\0\0";
    // The Query goes out before the error is known, and after.
    for early in [true, false] {
        let mut talk = Talk::new();
        talk.parse("", "nonsense");
        if early {
            talk.query("select 1");
            talk.sync();
            talk.server(backend::ERROR_RESPONSE, error);
        } else {
            talk.server(backend::ERROR_RESPONSE, error);
            talk.query("select 1");
            talk.sync();
        }
        assert!(!talk.is_quiet());
        talk.ready(b'I');
        assert!(talk.is_quiet(), "early: {early}");
    }
}

#[test]
fn when_a_client_that_closed_its_side_has_all_answers() {
    let mut talk = Talk::new();
    talk.query("select 1");
    assert!(!talk.waits_for_client());
    talk.ready(b'I');
    assert!(talk.waits_for_client());
    talk.parse("", "select 1");
    assert!(talk.waits_for_client());
    talk.sync();
    talk.ready(b'I');
    talk.query("copy t from stdin");
    talk.server(backend::COPY_IN_RESPONSE, b"");
    assert!(talk.waits_for_client());
}

/// What has been answered is not at stake any more.
#[test]
fn only_what_is_in_flight_counts() {
    let mut talk = Talk::new();
    talk.query("insert into t values (1)");
    talk.ready(b'I');
    talk.parse("", "select pg_sleep(30)");
    talk.bind("");
    talk.execute();
    talk.sync();
    assert_eq!(talk.loss(), Loss::Nothing);
}

#[test]
fn a_cancelled_wait_goes_on_elsewhere() {
    let mut talk = Talk::new();
    assert!(
        matches!(talk.abandon(), Abandon::Nothing),
        "nothing to cancel"
    );
    talk.ready(b'T');
    talk.query("select pg_sleep(30)");
    let Abandon::Replace { error, status } = talk.abandon() else {
        panic!()
    };
    assert_eq!(error.sqlstate, SqlState::QUERY_CANCELED);
    assert_eq!(
        status,
        TransactionStatus::Failed,
        "the block stays failed until it is ended"
    );
    talk.session
        .replaced(&error, status, Parameters::new(), &mut talk.replies);
    assert_eq!(talk.said().0, "EZ");
    assert!(talk.is_quiet());
}

#[test]
fn a_cancelled_group_is_skipped_to_its_sync() {
    let mut talk = Talk::new();
    talk.parse("", "select pg_sleep(30)");
    talk.bind("");
    talk.execute();
    let Abandon::Replace { error, status } = talk.abandon() else {
        panic!()
    };
    assert_eq!(status, TransactionStatus::Idle);
    talk.session
        .replaced(&error, status, Parameters::new(), &mut talk.replies);
    assert_eq!(talk.said().0, "E");
    assert_eq!(talk.execute(), Flow::Discard);
    assert_eq!(talk.sync(), Flow::Discard);
    assert_eq!(talk.said().0, "Z");
}

#[test]
fn what_cannot_be_cancelled_is_not() {
    let mut talk = Talk::new();
    talk.ready(b'T');
    talk.query("commit");
    assert!(matches!(talk.abandon(), Abandon::Nothing), "a COMMIT");

    let mut talk = Talk::new();
    talk.query("insert into t values (1)");
    let Abandon::Replace { error, .. } = talk.abandon() else {
        panic!()
    };
    assert_eq!(error.sqlstate, SqlState::OUTCOME_UNKNOWN);

    let mut talk = Talk::new();
    talk.query("select 1");
    talk.query("select 2");
    assert!(
        matches!(talk.abandon(), Abandon::End(_)),
        "more was waiting"
    );

    let mut talk = Talk::new();
    talk.query("select set_config('search_path', 'a', false)");
    talk.ready(b'I');
    talk.query("select 1");
    assert!(
        matches!(talk.abandon(), Abandon::End(_)),
        "session state of unknown form"
    );
}

/// The Query behind an answered group fails alone: what comes next is not skipped.
#[test]
fn a_failed_query_behind_a_group_skips_nothing() {
    let mut talk = Talk::new();
    talk.parse("", "select 1");
    talk.bind("");
    talk.execute();
    for tag in [
        backend::PARSE_COMPLETE,
        backend::BIND_COMPLETE,
        backend::COMMAND_COMPLETE,
    ] {
        talk.server(tag, b"");
    }
    talk.query("selekt");
    talk.parse("", "insert into t values (1)");
    talk.bind("");
    talk.execute();
    talk.sync();
    talk.server(backend::ERROR_RESPONSE, b"SERROR\0C42601\0Mno\0\0");
    talk.ready(b'I');
    assert!(!talk.is_quiet(), "the last group is still owed");
    assert_eq!(talk.loss(), Loss::Unknown);
    talk.ready(b'I');
    assert!(talk.is_quiet());
}

#[test]
fn a_query_behind_an_answered_group_can_be_cancelled() {
    let mut talk = Talk::new();
    talk.parse("", "select 1");
    talk.bind("");
    talk.execute();
    talk.server(backend::COMMAND_COMPLETE, b"");
    talk.query("select pg_sleep(6)");
    assert!(matches!(talk.abandon(), Abandon::Replace { .. }));
}

/// What the server skips is not running.
#[test]
fn nothing_runs_in_a_failed_group() {
    let mut talk = Talk::new();
    talk.parse("", "selekt");
    talk.server(backend::ERROR_RESPONSE, b"SERROR\0C42601\0Mno\0\0");
    talk.bind("");
    talk.execute();
    assert!(matches!(talk.abandon(), Abandon::Nothing));
}

/// A name that an unanswered group gives to another statement stands for nothing known.
#[test]
fn a_name_that_is_changing_is_not_known() {
    let mut talk = Talk::new();
    talk.prepare("s", "select 1");
    talk.query("select pg_sleep(3)");
    talk.client(frontend::CLOSE, b"Ss\0");
    talk.parse("s", "insert into t values (1)");
    talk.sync();
    talk.bind("s");
    talk.execute();
    assert_eq!(talk.loss(), Loss::Unknown);
}

#[test]
fn a_setting_that_is_bound_and_not_executed_is_not_repeated() {
    let mut talk = Talk::new();
    talk.parse("", "set datestyle = 'SQL, DMY'");
    talk.bind("");
    talk.sync();
    talk.ready(b'I');
    talk.parse("", "select 1");
    assert!(!rebuilt(&talk).contains("DMY"));
    talk.sync();
    talk.ready(b'I');
    talk.parse("", "set datestyle = 'SQL, DMY'");
    talk.bind("");
    talk.execute();
    talk.sync();
    talk.ready(b'I');
    talk.parse("", "select 1");
    assert!(rebuilt(&talk).contains("DMY"));
}

/// The text of the messages that would rebuild the session.
fn rebuilt(talk: &Talk) -> String {
    let mut messages = BytesMut::new();
    talk.continuity().replay(&mut messages);
    messages.escape_ascii().to_string()
}

#[test]
fn a_session_is_rebuilt_from_its_messages() {
    let mut talk = Talk::new();
    talk.query("SET timezone = 'Europe/Berlin'");
    assert!(!rebuilt(&talk).contains("Berlin"), "not confirmed yet");
    talk.ready(b'I');
    talk.prepare("a", "select 1");
    talk.prepare("b", "select 2");
    talk.client(frontend::CLOSE, b"Sa\0");
    talk.sync();
    talk.server(backend::CLOSE_COMPLETE, b"");
    talk.ready(b'I');
    talk.parse("", "select 3");
    talk.sync();
    talk.server(backend::PARSE_COMPLETE, b"");
    talk.ready(b'I');
    let text = rebuilt(&talk);
    for kept in ["Berlin", "select 2", "select 3"] {
        assert!(text.contains(kept), "{kept} is missing: {text}");
    }
    assert!(!text.contains("select 1"), "{text}");
    assert_eq!(talk.continuity().lost(), None);
}

#[test]
fn only_what_the_server_confirmed_is_rebuilt() {
    let error = b"SERROR\0C42P05\0Mno\0\0";
    let mut talk = Talk::new();
    talk.prepare("a", "select 1");
    // The name is taken: the first statement stays.
    talk.parse("a", "select 2");
    talk.sync();
    talk.server(backend::ERROR_RESPONSE, error);
    talk.ready(b'I');
    talk.query("set timezone = 'Nowhere'");
    talk.server(backend::ERROR_RESPONSE, error);
    talk.ready(b'I');
    talk.query("deallocate a");
    talk.server(backend::ERROR_RESPONSE, error);
    talk.ready(b'I');
    let text = rebuilt(&talk);
    assert!(text.contains("select 1"), "{text}");
    assert!(
        !text.contains("select 2") && !text.contains("Nowhere"),
        "{text}"
    );
    talk.query("deallocate a");
    talk.ready(b'I');
    assert!(!rebuilt(&talk).contains("select 1"));
}

#[test]
fn a_setting_whose_fate_is_open_is_not_repeated() {
    for sql in [
        "set timezone = 'x'; select 1/0",
        "SELECT SET_CONFIG('timezone', 'x', false)",
    ] {
        let mut talk = Talk::new();
        talk.query(sql);
        talk.ready(b'I');
        assert!(talk.continuity().lost().is_some(), "{sql}");
    }
    let mut talk = Talk::new();
    talk.ready(b'T');
    talk.query("set timezone = 'x'");
    talk.ready(b'T');
    assert!(talk.continuity().lost().is_some());
    // These end with the transaction.
    let mut talk = Talk::new();
    talk.ready(b'T');
    talk.query("set local timezone = 'x'");
    talk.ready(b'T');
    assert_eq!(talk.continuity().lost(), None);
}

#[test]
fn a_client_that_has_the_floor_is_not_cancelled() {
    let mut talk = Talk::new();
    talk.parse("", "select 1");
    talk.client(frontend::DESCRIBE, b"S\0");
    talk.client(frontend::FLUSH, b"");
    assert!(matches!(talk.abandon(), Abandon::Nothing));
    talk.bind("");
    talk.execute();
    assert!(matches!(talk.abandon(), Abandon::Replace { .. }));
    talk.server(backend::COMMAND_COMPLETE, b"SELECT 1\0");
    assert!(matches!(talk.abandon(), Abandon::Nothing));
}

#[test]
fn the_client_learns_what_the_new_server_has() {
    let mut talk = Talk::new();
    talk.server(backend::PARAMETER_STATUS, b"TimeZone\0Asia/Tokyo\0");
    talk.query("select pg_sleep(30)");
    let Abandon::Replace { error, status } = talk.abandon() else {
        panic!()
    };
    let parameters = Parameters::from([("TimeZone".into(), "UTC".into())]);
    talk.session
        .replaced(&error, status, parameters, &mut talk.replies);
    assert_eq!(talk.said().0, "ESZ");
}

#[test]
fn data_of_a_cancelled_copy_goes_nowhere() {
    let mut talk = Talk::new();
    talk.query("copy t from stdin");
    talk.server(backend::COPY_IN_RESPONSE, b"");
    let Abandon::Replace { error, status } = talk.abandon() else {
        panic!()
    };
    talk.session
        .replaced(&error, status, Parameters::new(), &mut talk.replies);
    assert_eq!(talk.client(frontend::COPY_DATA, b"1"), Flow::Discard);
    assert_eq!(talk.client(frontend::COPY_DONE, b""), Flow::Discard);
    assert_eq!(talk.query("select 1"), Flow::Forward);
}

fn greet(parameters: &[(&str, &str)], version: ProtocolVersion) -> (Greeting, BytesMut) {
    let parameters = parameters
        .iter()
        .map(|(n, v)| (n.as_bytes().to_vec(), v.as_bytes().to_vec()))
        .collect();
    let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
    Startup {
        version,
        parameters,
    }
    .encode(&mut input);
    let policy = Policy {
        unsupported: Unsupported::Reject,
    };
    let greeting = ClientLogin::expect().on_input(&mut input, &mut output, &policy, "admin");
    (greeting, output)
}

#[test]
fn logins() {
    let (greeting, output) = greet(
        &[("user", "app"), ("database", "postgres")],
        ProtocolVersion::V3_0,
    );
    let Greeting::Login(login) = greeting else {
        panic!("{greeting:?}")
    };
    assert_eq!(
        (login.role.as_str(), login.database.as_deref()),
        ("app", Some("postgres"))
    );
    assert!(output.is_empty());

    for parameters in [&[][..], &[("user", ""), ("database", "")]] {
        let (greeting, _) = greet(parameters, ProtocolVersion::V3_0);
        let Greeting::Login(login) = greeting else {
            panic!("{greeting:?}")
        };
        assert_eq!((login.role.as_str(), login.database), ("admin", None));
    }

    let (greeting, output) = greet(
        &[("user", "a"), ("_pq_.test", "1")],
        ProtocolVersion {
            major: 3,
            minor: 9999,
        },
    );
    let Greeting::Login(login) = greeting else {
        panic!("{greeting:?}")
    };
    assert_eq!(login.version, ProtocolVersion::V3_2);
    assert_eq!(
        output.as_ref(),
        b"v\0\0\0\x16\0\x03\0\x02\0\0\0\x01_pq_.test\0"
    );

    let (greeting, _) = greet(
        &[("user", "a"), ("options", "-c search_path=x")],
        ProtocolVersion::V3_0,
    );
    let Greeting::Login(login) = greeting else {
        panic!("{greeting:?}")
    };
    assert!(login.has_search_path);
}

#[test]
fn refused_logins_say_why() {
    for (parameters, version, sqlstate, message) in [
        (
            &[("user", "a"), ("statement_timeout", "1")][..],
            ProtocolVersion::V3_0,
            "0A000",
            "setting configuration parameter \"statement_timeout\" not supported",
        ),
        (
            &[("user", "a"), ("options", "-c statement_timeout=1")],
            ProtocolVersion::V3_0,
            "0A000",
            "setting configuration parameter \"statement_timeout\" not supported",
        ),
        (
            &[],
            ProtocolVersion { major: 2, minor: 0 },
            "0A000",
            "unsupported frontend protocol 2.0: server supports 3.0 to 3.2",
        ),
    ] {
        let (greeting, output) = greet(parameters, version);
        assert!(matches!(greeting, Greeting::Reject(_)), "{message}");
        let fields = ErrorFields::read(&output[HEADER..]).unwrap();
        assert!(fields.is_fatal() && fields.hint().is_some(), "{message}");
        let response = fields.to_response();
        assert_eq!(
            (response.sqlstate.as_str(), response.message.as_str()),
            (sqlstate, message)
        );
    }
}

#[test]
fn clients_that_speak_something_else() {
    let policy = Policy {
        unsupported: Unsupported::Reject,
    };
    let greet = |bytes: &[u8]| {
        let (mut input, mut output) = (BytesMut::from(bytes), BytesMut::new());
        let greeting = ClientLogin::expect().on_input(&mut input, &mut output, &policy, "admin");
        (greeting, output)
    };
    let (greeting, output) = greet(b"\x16\x03\x01");
    assert!(matches!(greeting, Greeting::Reject(_)));
    assert_eq!(output[0], 0x15, "a TLS alert");
    let (greeting, output) = greet(b"GET / HTTP/1.1\r\n\r\n");
    assert!(matches!(greeting, Greeting::Reject(_)));
    assert_eq!(output[0], backend::ERROR_RESPONSE);
    let ssl_request = [0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f];
    let (greeting, output) = greet(&ssl_request);
    assert!(matches!(greeting, Greeting::ReadMore));
    assert_eq!(output.as_ref(), b"N");
    assert!(
        matches!(greet(&ssl_request.repeat(9)).0, Greeting::Reject(_)),
        "again and again"
    );
}

#[test]
fn a_password_message_is_no_surprise_to_encode() {
    let mut out = BytesMut::new();
    encode::password("token", &mut out);
    assert_eq!(frontend::password(&out[HEADER..]), Ok(&b"token"[..]));
}
