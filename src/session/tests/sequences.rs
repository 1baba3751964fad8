//! `currval()` and `lastval()` never show another session's value.

use super::talk::{Talk, fresh, options};
use crate::session::{Flow, SequencePins, Want};
use crate::sql::{self, PinReason};

const NEXT: &str = "select nextval('s')";
const LAST: &str = "select lastval()";

/// Two sessions, of which the first has advanced a sequence on the server that the second has.
fn two() -> (Talk, Talk) {
    let options = options();
    let mut one = Talk::of(&options, 1, &[]);
    let mut two = Talk::of(&options, 2, &[]);
    one.attach(fresh());
    one.query(NEXT);
    one.reply("D:1 C:SELECT_1 Z:I");
    one.forget();
    two.attach(one.detach());
    (one, two)
}

#[test]
fn on_an_untouched_server_the_session_reads_its_own() {
    let mut talk = Talk::new();
    assert_eq!(talk.query(LAST), Flow::Forward);
    talk.reply("E:55000 Z:I");
    talk.query(NEXT);
    talk.reply("D:1 C:SELECT_1 Z:I");
    assert!(
        talk.server
            .as_ref()
            .unwrap()
            .is_touched_by(talk.session.id())
    );
    assert_eq!(talk.query(LAST), Flow::Forward);
    talk.reply("D:1 C:SELECT_1 Z:I");
    assert!(talk.session.pinned().is_some());
}

#[test]
fn without_a_server_the_right_one_is_wanted() {
    let mut talk = Talk::detached();
    assert_eq!(talk.query(LAST), Flow::NeedServer(Want::Sequences));
    assert_eq!(talk.query(NEXT), Flow::NeedServer(Want::Any));
}

#[test]
fn another_sessions_server_will_not_do() {
    let (_, mut two) = two();
    assert_eq!(two.query(LAST), Flow::NeedServer(Want::Sequences));
    assert_eq!(two.sent(), "");
    assert_eq!(two.query("select 1"), Flow::Forward);
    assert_eq!(two.query(LAST), Flow::Hold, "first what is owed");
}

#[test]
fn in_the_middle_of_a_transaction_it_is_an_error() {
    let (_, mut two) = two();
    two.begun();
    assert_eq!(two.query(LAST), Flow::Discard);
    assert_eq!(
        two.sent(),
        "Query SELECT \"dsql-proxy refused this\"",
        "so that the block fails"
    );
    two.reply("E:42703 Z:E");
    assert_eq!(two.told(), "E:55000 Z:E");
    assert!(two.error().hint.is_some());
}

#[test]
fn so_it_is_in_a_group() {
    let (_, mut two) = two();
    two.parse("", LAST);
    two.bind("");
    two.execute();
    two.sync();
    two.reply("1 E:42703 Z:I");
    assert_eq!(two.told(), "1 E:55000 Z:I");
}

/// Whose value it is that the server has is not known any more.
#[test]
fn a_server_that_two_have_touched_is_nobodys() {
    let (_, mut two) = two();
    two.query("insert into t values (1)");
    two.reply("C:INSERT_0_1 Z:I");
    assert_eq!(two.query(LAST), Flow::NeedServer(Want::Sequences));
}

/// A session that has called nextval() keeps its server, as long as half of the pool is left for
/// the others.
#[test]
fn who_advances_a_sequence_keeps_its_server() {
    let options = super::talk::options_with(SequencePins::new(2));
    let mut one = Talk::of(&options, 1, &[]);
    assert_eq!(one.query(NEXT), Flow::NeedServer(Want::Sequences));
    one.attach(fresh());
    assert_eq!(one.query(NEXT), Flow::Forward);
    one.reply("D:1 C:SELECT_1 Z:I");
    assert_eq!(one.session.pinned(), Some(PinReason::SequenceWrite));

    let mut two = Talk::of(&options, 2, &[]);
    assert_eq!(two.query(NEXT), Flow::NeedServer(Want::Any));
    drop(one);
    assert_eq!(two.query(NEXT), Flow::NeedServer(Want::Sequences));

    // A nextval() that fails keeps nothing.
    two.attach(fresh());
    two.query(NEXT);
    two.reply("E:42P01 Z:I");
    assert_eq!(two.session.pinned(), None);
    let mut three = Talk::of(&options, 3, &[]);
    assert_eq!(three.query(NEXT), Flow::NeedServer(Want::Sequences));
}

/// As each table with a serial column has it.
#[test]
fn a_default_that_will_advance_a_sequence_keeps_nothing() {
    let pins = SequencePins::new(2);
    let wants = |sql: &str| pins.wants(sql::glance(sql.as_bytes()).traits);
    assert!(wants("insert into t values (nextval('s'))"));
    assert!(!wants(
        "create table t (id int default nextval('s'::regclass))"
    ));
    assert!(!wants("alter table t alter id set default nextval('s')"));
}
