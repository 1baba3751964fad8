//! What a request to cancel does.

use super::INSERT;
use super::talk::{Talk, fresh, options};
use crate::session::{Abandon, Flow};
use crate::wire::backend::TransactionStatus;
use crate::wire::{ErrorResponse, SqlState, frontend};

fn given_up(talk: &Talk) -> (ErrorResponse, Option<TransactionStatus>) {
    match talk.session.abandon() {
        Abandon::GiveUp { error, status } => (error, status),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_cancelled_wait_goes_on_elsewhere() {
    let mut talk = Talk::new();
    let nothing = talk.session.abandon();
    assert!(matches!(nothing, Abandon::Nothing), "nothing to cancel");
    talk.begun();
    talk.query("select pg_sleep(30)");
    let (error, status) = given_up(&talk);
    assert_eq!(error.sqlstate, SqlState::QUERY_CANCELED);
    talk.abandoned(error, status);
    assert_eq!(talk.told(), "E:57014 Z:E");
    assert!(talk.session.is_quiet());
    // The block stays failed until it is ended.
    assert!(matches!(talk.query("select 1"), Flow::NeedServer(_)));
    assert_eq!(talk.query("rollback"), Flow::Discard);
    assert_eq!(talk.told(), "C:ROLLBACK Z:I");
}

#[test]
fn a_cancelled_group_is_skipped_to_its_sync() {
    let mut talk = Talk::new();
    talk.parse("", "select pg_sleep(30)");
    talk.bind("");
    talk.execute();
    let (error, status) = given_up(&talk);
    talk.abandoned(error, status);
    assert_eq!(talk.told(), "E:57014");
    assert_eq!(talk.execute(), Flow::Discard);
    assert_eq!(talk.sync(), Flow::Discard);
    assert_eq!(talk.told(), "Z:I");
}

#[test]
fn a_commit_is_never_cancelled() {
    for sql in ["commit", "insert into t values (1); commit", "END"] {
        let mut talk = Talk::new();
        talk.begun();
        talk.query(sql);
        assert!(matches!(talk.session.abandon(), Abandon::Nothing), "{sql}");
    }
}

#[test]
fn a_write_that_commits_itself_may_have_taken_effect() {
    let mut talk = Talk::new();
    talk.query(INSERT);
    let (error, status) = given_up(&talk);
    assert_eq!(error.sqlstate, SqlState::OUTCOME_UNKNOWN);
    assert!(error.detail.is_some());
    talk.abandoned(error, status);
    assert_eq!(talk.told(), "E:08007 Z:I");
}

#[test]
fn a_pinned_session_ends_with_its_wait() {
    let mut talk = Talk::new();
    talk.query("listen a");
    talk.reply("C:LISTEN Z:I");
    talk.query("select pg_sleep(30)");
    let Abandon::End(error) = talk.session.abandon() else {
        panic!()
    };
    assert_eq!(error.sqlstate, SqlState::QUERY_CANCELED);
}

#[test]
fn a_query_behind_an_answered_group_can_be_cancelled() {
    let mut talk = Talk::new();
    talk.parse("", "select 1");
    talk.bind("");
    talk.execute();
    talk.reply("1 2 C:SELECT_1");
    talk.query("select pg_sleep(6)");
    given_up(&talk);
}

/// What the server skips is not running.
#[test]
fn nothing_runs_in_a_failed_group() {
    let mut talk = Talk::new();
    talk.parse("", "selekt");
    talk.reply("E:42601");
    talk.bind("");
    talk.execute();
    assert!(matches!(talk.session.abandon(), Abandon::Nothing));
}

#[test]
fn a_client_that_has_the_floor_is_not_cancelled() {
    let mut talk = Talk::new();
    talk.parse("", "select 1");
    talk.describe("");
    talk.client(frontend::FLUSH, b"");
    talk.reply("1 t T:a");
    assert!(matches!(talk.session.abandon(), Abandon::Nothing));
    talk.bind("");
    talk.execute();
    given_up(&talk);
    talk.reply("2 C:SELECT_1");
    assert!(matches!(talk.session.abandon(), Abandon::Nothing));
}

/// Nothing of the client's has been sent: its message is answered, and nothing else happens.
#[test]
fn a_wait_for_preparations_can_be_cancelled() {
    let mut talk = Talk::of(&options(), 1, &[("timezone", "Europe/Rome")]);
    talk.attach(fresh());
    assert_eq!(talk.query(INSERT), Flow::Hold);
    let (error, status) = given_up(&talk);
    assert_eq!(status, None);
    talk.abandoned(error, status);
    assert_eq!(talk.told(), "");
    assert_eq!(talk.query(INSERT), Flow::Discard);
    assert_eq!(talk.told(), "E:57014 Z:I");
    assert!(matches!(talk.query(INSERT), Flow::NeedServer(_)));
}

/// The transaction is over; what we ask for ourselves is not the client's to cancel.
#[test]
fn a_read_back_is_not_cancelled() {
    let mut talk = Talk::new();
    talk.query("set timezone to 'Asia/Tokyo'");
    talk.reply("C:SET Z:I");
    assert!(matches!(talk.session.abandon(), Abandon::Nothing));
}
