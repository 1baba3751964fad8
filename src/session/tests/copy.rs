//! COPY: who answers when, and what ends it.

use super::talk::Talk;
use crate::session::{Abandon, Flow, LeaseEnd};
use crate::wire::frontend;

/// libpq: Parse, Bind, Execute, Sync before it knows that it copies, then data, CopyDone and a
/// second Sync. The server ignores the first.
#[test]
fn a_sync_sent_into_copy_data_is_not_answered() {
    let mut talk = Talk::new();
    talk.extended("copy t from stdin");
    talk.reply("1 2 G");
    assert!(!talk.session.is_quiet());
    assert_eq!(talk.session.lease_end(false), LeaseEnd::Keep);
    talk.client(frontend::COPY_DATA, b"1\n");
    talk.client(frontend::COPY_DONE, b"");
    talk.sync();
    talk.reply("C:COPY_1");
    assert!(!talk.session.is_quiet());
    talk.reply("Z:I");
    assert!(talk.session.is_quiet());
    assert_eq!(talk.told(), "1 2 G C:COPY_1 Z:I");
}

/// The group is open until its real Sync, also when the copy is over.
#[test]
fn a_copy_without_its_second_sync_keeps_the_server() {
    let mut talk = Talk::new();
    talk.extended("copy t from stdin");
    talk.reply("1 2 G");
    talk.client(frontend::COPY_DONE, b"");
    talk.reply("C:COPY_0");
    assert_eq!(talk.session.lease_end(false), LeaseEnd::Keep);
    talk.sync();
    talk.reply("Z:I");
    assert_eq!(talk.session.lease_end(false), LeaseEnd::Release);
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
    talk.reply("1 2 G C:COPY_1 Z:I");
    assert!(talk.session.is_quiet());
    assert_eq!(talk.session.lease_end(false), LeaseEnd::Release);
}

#[test]
fn a_simple_copy_is_answered_once() {
    let mut talk = Talk::new();
    talk.query("copy t from stdin");
    talk.reply("G");
    talk.sync();
    talk.client(frontend::COPY_FAIL, b"no\0");
    talk.reply("E:57014");
    assert!(!talk.session.is_quiet());
    talk.reply("Z:I");
    assert!(talk.session.is_quiet());
}

/// postgres.js sends CopyFail after CopyDone; the server ignores it, and so must the count.
#[test]
fn a_copy_that_is_ended_twice_is_answered_once() {
    let mut talk = Talk::new();
    talk.query("copy t from stdin");
    talk.reply("G");
    talk.client(frontend::COPY_DONE, b"");
    talk.client(frontend::COPY_FAIL, b"\0");
    talk.reply("C:COPY_0 Z:I");
    assert!(talk.session.is_quiet());
    assert_eq!(talk.session.lease_end(false), LeaseEnd::Release);
}

/// The server reads nothing more of a copy that has failed; the data is on its way.
#[test]
fn a_copy_that_fails_early_is_over() {
    let mut talk = Talk::new();
    talk.query("copy t from stdin");
    talk.reply("G");
    talk.client(frontend::COPY_DATA, b"x");
    talk.reply("E:22P04 Z:I");
    talk.client(frontend::COPY_DATA, b"y");
    talk.client(frontend::COPY_DONE, b"");
    assert!(talk.session.is_quiet());
    assert_eq!(talk.session.lease_end(false), LeaseEnd::Release);
    assert_eq!(talk.told(), "G E:22P04 Z:I");
}

/// Nor does it matter if the session has no server any more when the rest comes.
#[test]
fn data_that_comes_too_late_goes_nowhere() {
    let mut talk = Talk::new();
    talk.query("copy t from stdin");
    talk.reply("G E:22P04 Z:I");
    talk.detach();
    assert_eq!(talk.client(frontend::COPY_DATA, b"y"), Flow::Discard);
    assert_eq!(talk.client(frontend::COPY_DONE, b""), Flow::Discard);
    assert!(matches!(talk.query("select 1"), Flow::NeedServer(_)));
}

#[test]
fn data_of_a_cancelled_copy_goes_nowhere() {
    let mut talk = Talk::new();
    talk.query("copy t from stdin");
    talk.reply("G");
    let Abandon::GiveUp { error, status } = talk.session.abandon() else {
        panic!()
    };
    talk.abandoned(error, status);
    assert_eq!(talk.told(), "G E:57014 Z:I");
    assert_eq!(talk.client(frontend::COPY_DATA, b"1"), Flow::Discard);
    assert_eq!(talk.client(frontend::COPY_DONE, b""), Flow::Discard);
    assert!(matches!(talk.query("select 1"), Flow::NeedServer(_)));
}

#[test]
fn a_copy_out_is_rows() {
    let mut talk = Talk::new();
    talk.query("copy t to stdout");
    talk.reply("H d d c C:COPY_2 Z:I");
    assert_eq!(talk.told(), "H d d c C:COPY_2 Z:I");
    assert_eq!(talk.session.lease_end(false), LeaseEnd::Release);
}
