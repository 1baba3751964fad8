//! What keeps a session on its server.

use super::talk::{Talk, fresh};
use crate::session::{AfterLoss, LeaseEnd};
use crate::sql::PinReason;
use crate::wire::SqlState;

#[test]
fn what_cannot_travel_pins() {
    for (sql, reason) in [
        ("listen a", PinReason::Listen),
        ("create temp table a (b int)", PinReason::TemporaryObject),
        ("prepare a as select 1", PinReason::SqlPrepare),
        ("select pg_advisory_lock(1)", PinReason::AdvisoryLock),
        (
            "select set_config('a.b', 'x', false)",
            PinReason::HiddenParameter,
        ),
        ("select setseed(0.5)", PinReason::Seed),
        ("load 'a'", PinReason::Load),
        ("do 'begin end'", PinReason::Code),
        ("frobnicate", PinReason::UnknownStatement),
    ] {
        let mut talk = Talk::new();
        talk.query(sql);
        assert_eq!(talk.session.lease_end(false), LeaseEnd::Keep, "{sql}");
        talk.reply("C:DONE Z:I");
        if talk.sent().contains("pg_settings") {
            talk.reply("C:SELECT_0 Z:I");
        }
        assert_eq!(talk.session.pinned(), Some(reason), "{sql}");
        assert_eq!(talk.session.take_pin_news(), Some(reason));
        assert_eq!(talk.session.take_pin_news(), None, "told once");
        assert_eq!(talk.session.lease_end(false), LeaseEnd::Keep, "{sql}");
        assert_eq!(talk.told(), "C:DONE Z:I");
    }
}

#[test]
fn what_the_server_refuses_does_not() {
    let mut talk = Talk::new();
    talk.query("listen a");
    talk.reply("E:0A000 Z:I");
    assert_eq!(talk.session.pinned(), None);
    assert_eq!(talk.session.lease_end(false), LeaseEnd::Release);
    talk.extended("listen a");
    talk.reply("1 2 E:0A000 Z:I");
    assert_eq!(talk.session.pinned(), None);
}

/// What is only prepared is not done.
#[test]
fn what_is_bound_pins() {
    let mut talk = Talk::new();
    talk.prepared("a", "listen b");
    assert_eq!(talk.session.pinned(), None);
    talk.bind("a");
    talk.execute();
    talk.sync();
    talk.reply("2 C:LISTEN Z:I");
    assert_eq!(talk.session.pinned(), Some(PinReason::Listen));
}

#[test]
fn what_is_too_long_to_be_read_pins() {
    let mut talk = Talk::new();
    talk.long_query();
    talk.reply("C:SELECT_1 Z:I C:SELECT_0 Z:I");
    assert_eq!(talk.session.pinned(), Some(PinReason::Unread));
}

#[test]
fn a_pinned_session_ends_with_its_server() {
    let mut talk = Talk::new();
    talk.query("listen a");
    talk.reply("C:LISTEN Z:I");
    let AfterLoss::Ends(error) = talk.lost() else {
        panic!()
    };
    assert_eq!(error.sqlstate, SqlState::CONNECTION_FAILURE);
    assert!(error.detail.unwrap().contains("LISTEN"));
}

/// Where servers are kept, one that is due is given back between transactions.
#[test]
fn a_server_that_is_due_is_replaced_unless_pinned() {
    let mut options = super::talk::options();
    std::rc::Rc::get_mut(&mut options).unwrap().mode = crate::session::PoolMode::Session;
    let mut talk = Talk::of(&options, 1, &[]);
    talk.attach(fresh());
    talk.query("select 1");
    assert_eq!(talk.session.lease_end(true), LeaseEnd::Keep);
    talk.reply("C:SELECT_1 Z:I");
    assert_eq!(talk.session.lease_end(false), LeaseEnd::Keep);
    assert_eq!(talk.session.lease_end(true), LeaseEnd::Release);
    talk.query("listen a");
    talk.reply("C:LISTEN Z:I");
    assert_eq!(talk.session.lease_end(true), LeaseEnd::Keep);
}

/// It is known to the server only, as long as nothing takes its place there.
#[test]
fn an_unnamed_statement_that_is_too_long_can_be_bound() {
    let mut talk = Talk::new();
    talk.long(crate::wire::frontend::PARSE, "\0");
    talk.bind("");
    talk.execute();
    talk.sync();
    assert_eq!(talk.sent(), "Bind - - | Execute - | Sync");
    talk.reply("1 2 C:SELECT_1 Z:I");
    assert!(talk.sent().starts_with("Query SELECT name"), "read back");
    talk.reply("C:SELECT_0 Z:I");
    assert_eq!(talk.told(), "1 2 C:SELECT_1 Z:I");
    assert_eq!(talk.session.pinned(), Some(PinReason::Unread));
    talk.bind("");
    assert_eq!(talk.sent(), "Close - | Bind - -", "another's must not run");
}

#[test]
fn a_named_statement_that_is_too_long_leaves_the_unnamed_one() {
    let mut talk = Talk::new();
    talk.prepared("", "select 1");
    talk.long(crate::wire::frontend::PARSE, "a\0");
    talk.bind("");
    assert_eq!(talk.sent(), "Bind - -");
}

/// The lock, and the prepared statement, are there although the rest was rolled back.
#[test]
fn what_outlives_a_rollback_pins_although_it_fails() {
    let lock = "select pg_advisory_lock(5)";
    for (sql, told, reason) in [
        (
            "select pg_advisory_lock(5); select 1/0",
            "T:a C:SELECT_1 E:22012 Z:I",
            Some(PinReason::AdvisoryLock),
        ),
        (
            "select pg_advisory_lock(5), 1/0",
            "E:22012 Z:I",
            Some(PinReason::AdvisoryLock),
        ),
        (
            "prepare a as select 1; select nothing",
            "C:PREPARE E:42703 Z:I",
            Some(PinReason::SqlPrepare),
        ),
        ("prepare a as selekt", "E:42601 Z:I", None),
        (lock, "E:0A000 Z:I", None),
        ("listen a; select 1/0", "C:LISTEN E:22012 Z:I", None),
    ] {
        let mut talk = Talk::new();
        talk.query(sql);
        talk.reply(told);
        assert_eq!(talk.session.pinned(), reason, "{sql}");
    }
    let mut talk = Talk::new();
    for sql in [lock, "select 1/0"] {
        talk.parse("", sql);
        talk.bind("");
        talk.execute();
    }
    talk.sync();
    talk.reply("1 2 D:1 C:SELECT_1 1 2 E:22012 Z:I");
    assert_eq!(talk.session.pinned(), Some(PinReason::AdvisoryLock));
    assert_eq!(talk.session.lease_end(false), LeaseEnd::Keep);
}
