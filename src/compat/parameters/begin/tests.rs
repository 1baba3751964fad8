use std::sync::Arc;

use super::super::{Ask, Asked, Block, Change, Emulated, Lasting, Outcome};
use crate::compat::{Policy, Unsupported};

fn session(unsupported: Unsupported) -> Emulated {
    let policy = Policy {
        unsupported,
        parameters: Arc::default(),
        ..Policy::default()
    };
    Emulated::start(policy, &[]).unwrap()
}

fn set(session: &mut Emulated, name: &str, value: &str, lasting: Lasting) {
    let ask = Ask::Set {
        changes: vec![Change {
            name: name.to_owned(),
            to: Asked::To(vec![value.to_owned()]),
        }],
        lasting,
    };
    let outcome = session.answer(&ask, &[], Block::Unsent);
    assert!(matches!(outcome, Outcome::Answered(_)), "{outcome:?}");
}

#[track_caller]
fn sent(session: &Emulated, table: &[(&str, &str)]) {
    for (text, expected) in table {
        let text = session.begin_text(text.as_bytes()).into_owned();
        assert_eq!(String::from_utf8(text).unwrap(), *expected);
    }
}

#[test]
fn isolation() {
    sent(
        &session(Unsupported::Emulate),
        &[
            ("begin /* as it was */ ;", "begin /* as it was */ ;"),
            ("BEGIN ISOLATION LEVEL READ COMMITTED", "BEGIN"),
            (
                "start transaction isolation level read uncommitted, read only",
                "START TRANSACTION READ ONLY",
            ),
            (
                "BEGIN ISOLATION LEVEL REPEATABLE READ",
                "BEGIN ISOLATION LEVEL REPEATABLE READ",
            ),
            (
                "START TRANSACTION ISOLATION LEVEL SERIALIZABLE",
                "START TRANSACTION ISOLATION LEVEL SERIALIZABLE",
            ),
            (
                "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE",
                "BEGIN ISOLATION LEVEL SERIALIZABLE, READ ONLY",
            ),
            ("BEGIN NOT DEFERRABLE", "BEGIN"),
            ("BEGIN; SELECT 1", "BEGIN; SELECT 1"),
            ("COMMIT", "COMMIT"),
        ],
    );
    sent(
        &session(Unsupported::Ignore),
        &[(
            "START TRANSACTION ISOLATION LEVEL SERIALIZABLE",
            "START TRANSACTION",
        )],
    );
    for unsupported in [Unsupported::Reject, Unsupported::Forward] {
        let text = "BEGIN ISOLATION LEVEL READ COMMITTED NOT DEFERRABLE";
        sent(&session(unsupported), &[(text, text)]);
    }
}

#[test]
fn read_only() {
    let mut session = session(Unsupported::Emulate);
    set(
        &mut session,
        "default_transaction_read_only",
        "on",
        Lasting::Session,
    );
    sent(
        &session,
        &[
            ("BEGIN", "BEGIN READ ONLY"),
            ("BEGIN READ ONLY", "BEGIN READ ONLY"),
            ("BEGIN READ WRITE", "BEGIN READ WRITE"),
            (
                "START TRANSACTION ISOLATION LEVEL REPEATABLE READ",
                "START TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
            ),
        ],
    );
    session.begin(b"BEGIN");
    set(
        &mut session,
        "transaction_read_only",
        "off",
        Lasting::Transaction,
    );
    sent(&session, &[("BEGIN", "BEGIN")]);
}

#[test]
fn what_is_only_remembered_changes_nothing() {
    let mut session = session(Unsupported::Ignore);
    set(
        &mut session,
        "default_transaction_read_only",
        "on",
        Lasting::Session,
    );
    sent(&session, &[("BEGIN", "BEGIN")]);
    set(
        &mut session,
        "transaction_read_only",
        "on",
        Lasting::Transaction,
    );
    sent(&session, &[("BEGIN", "BEGIN")]);
}
