//! Groups of messages: their order, their errors, what is skipped.

use super::talk::Talk;
use crate::session::{Flow, LeaseEnd};
use crate::wire::backend::TransactionStatus;
use crate::wire::{SqlState, frontend};

#[test]
fn a_query_passes_as_it_is() {
    let mut talk = Talk::new();
    assert_eq!(talk.query("select 1"), Flow::Forward);
    assert_eq!(talk.sent(), "Query select 1");
    assert!(!talk.session.is_quiet());
    talk.reply("T:a D:1 C:SELECT_1 Z:I");
    assert_eq!(talk.told(), "T D C:SELECT_1 Z:I");
    assert!(talk.session.is_quiet());
}

#[test]
fn pipelined_requests_are_answered_one_by_one() {
    let mut talk = Talk::new();
    talk.query("select 1");
    talk.parse("", "select 2");
    talk.sync();
    talk.sync();
    for reply in ["Z:I", "1 Z:I", "Z:I"] {
        assert!(!talk.session.is_quiet());
        talk.reply(reply);
    }
    assert!(talk.session.is_quiet());
    assert_eq!(talk.told(), "Z:I 1 Z:I Z:I");
}

/// A server that speaks unasked is not passed on to others.
#[test]
fn an_answer_too_many_is_not_forwarded() {
    let mut talk = Talk::new();
    talk.reply("Z:I");
    assert_eq!(talk.told(), "");
    assert!(matches!(
        talk.session.lease_end(false),
        LeaseEnd::Discard(_)
    ));
}

/// A Query in the middle of a group has its own ReadyForQuery, and ends the group.
#[test]
fn a_query_ends_an_open_group() {
    let mut talk = Talk::new();
    talk.parse("", "select 1");
    talk.bind("");
    talk.execute();
    assert_eq!(talk.query("select 2"), Flow::Forward);
    talk.reply("1 2 C:SELECT_1 C:SELECT_1 Z:I");
    assert!(talk.session.is_quiet());
}

/// A failed group skips everything up to its Sync, a Query too.
#[test]
fn a_failed_group_skips_a_query() {
    // The Query goes out before the error is known, and after.
    for early in [true, false] {
        let mut talk = Talk::new();
        talk.parse("", "nonsense");
        if early {
            talk.query("select 1");
            talk.sync();
            talk.reply("E:42601");
        } else {
            talk.reply("E:42601");
            talk.query("select 1");
            talk.sync();
        }
        assert!(!talk.session.is_quiet());
        talk.reply("Z:I");
        assert!(talk.session.is_quiet(), "early: {early}");
        assert_eq!(talk.told(), "E:42601 Z:I");
    }
}

/// The server waits for a Sync also when the client has sent a Query, which ended nothing.
#[test]
fn a_failed_group_with_a_query_waits_for_its_sync() {
    let mut talk = Talk::new();
    talk.bind("nobody knows");
    talk.query("select 1");
    talk.reply("E:26000");
    assert!(!talk.session.is_quiet());
    assert_eq!(talk.session.lease_end(false), LeaseEnd::Keep);
    assert_eq!(talk.query("select 2"), Flow::Discard);
    talk.sync();
    talk.reply("Z:I");
    assert_eq!(talk.told(), "E:26000 Z:I");
    assert_eq!(talk.session.lease_end(false), LeaseEnd::Release);
}

/// What comes behind an error is dropped here, and the server never sees it.
#[test]
fn what_the_server_would_skip_is_not_sent() {
    let mut talk = Talk::new();
    talk.parse("", "nonsense");
    talk.reply("E:42601");
    talk.sent();
    assert_eq!(talk.bind(""), Flow::Discard);
    assert_eq!(talk.execute(), Flow::Discard);
    assert_eq!(talk.close("a"), Flow::Discard);
    assert_eq!(talk.sync(), Flow::Forward);
    assert_eq!(talk.sent(), "Sync");
    talk.reply("Z:I");
    assert_eq!(talk.told(), "E:42601 Z:I");
    assert_eq!(talk.query("select 1"), Flow::Forward);
}

/// The Query behind an answered group fails alone: what comes next is not skipped.
#[test]
fn a_failed_query_behind_a_group_skips_nothing() {
    let mut talk = Talk::new();
    talk.parse("", "select 1");
    talk.bind("");
    talk.execute();
    talk.reply("1 2 C:SELECT_1");
    talk.query("select 1/0");
    talk.extended("insert into t values (1)");
    talk.reply("E:42601 Z:I");
    assert!(!talk.session.is_quiet(), "the last group is still owed");
    talk.reply("1 2 C:INSERT_0_1 Z:I");
    assert!(talk.session.is_quiet());
    assert_eq!(
        talk.told(),
        "1 2 C:SELECT_1 E:42601 Z:I 1 2 C:INSERT_0_1 Z:I"
    );
}

#[test]
fn a_flush_without_sync_keeps_the_server() {
    let mut talk = Talk::new();
    talk.parse("", "select 1");
    talk.client(frontend::FLUSH, b"");
    talk.reply("1");
    assert_eq!(talk.session.lease_end(false), LeaseEnd::Keep);
    talk.sync();
    assert_eq!(talk.session.lease_end(false), LeaseEnd::Keep);
    talk.reply("Z:I");
    assert_eq!(talk.session.lease_end(false), LeaseEnd::Release);
}

/// In a block the portal is still there after Sync.
#[test]
fn a_suspended_portal_keeps_the_server() {
    let mut talk = Talk::new();
    talk.begun();
    talk.extended("select g from generate_series(1, 10) g");
    talk.reply("1 2 D:1 s Z:T");
    assert_eq!(talk.session.lease_end(false), LeaseEnd::Keep);
    assert_eq!(talk.execute(), Flow::Forward);
    talk.sync();
    talk.reply("D:2 C:SELECT_1 Z:T");
    assert_eq!(talk.told(), "1 2 D s Z:T D C:SELECT_1 Z:T");
}

#[test]
fn when_a_client_that_closed_its_side_has_all_answers() {
    let mut talk = Talk::new();
    talk.query("select 1");
    assert!(!talk.session.waits_for_client());
    talk.reply("C:SELECT_1 Z:I");
    assert!(talk.session.waits_for_client());
    talk.parse("", "select 1");
    assert!(talk.session.waits_for_client());
    talk.sync();
    assert!(!talk.session.waits_for_client());
    talk.reply("1 Z:I");
    talk.query("copy t from stdin");
    talk.reply("G");
    assert!(talk.session.waits_for_client());
}

#[test]
fn the_status_is_what_ready_for_query_says() {
    let mut talk = Talk::new();
    for (status, expected) in [
        ("Z:T", TransactionStatus::InTransaction),
        ("Z:E", TransactionStatus::Failed),
        ("Z:I", TransactionStatus::Idle),
    ] {
        talk.query("select 1");
        talk.reply(status);
        assert_eq!(talk.session.status(), expected);
    }
}

#[test]
fn an_unknown_message_ends_the_session() {
    let mut talk = Talk::new();
    let frame = crate::session::Frame {
        tag: b'?',
        raw: b"?\0\0\0\x04",
        body: b"",
        length: 0,
    };
    let (mut server, mut client) = (bytes::BytesMut::new(), bytes::BytesMut::new());
    let mut out = crate::session::Outputs {
        server: &mut server,
        client: &mut client,
    };
    let error = talk.session.frontend(frame, None, &mut out).unwrap_err();
    assert_eq!(error.sqlstate, SqlState::PROTOCOL_VIOLATION);
    assert_eq!(error.message, "invalid frontend message type 63");
}

#[test]
fn a_goodbye_is_one_everywhere() {
    let mut talk = Talk::detached();
    assert_eq!(talk.client(frontend::TERMINATE, b""), Flow::Terminate);
    let mut talk = Talk::new();
    assert_eq!(talk.client(frontend::TERMINATE, b""), Flow::Terminate);
    talk.parse("", "nonsense");
    talk.reply("E:42601");
    assert_eq!(talk.client(frontend::TERMINATE, b""), Flow::Terminate);
}

/// Without a server, what asks nothing of one is answered here.
#[test]
fn what_needs_no_server_takes_none() {
    let mut talk = Talk::detached();
    assert_eq!(talk.sync(), Flow::Discard);
    assert_eq!(talk.client(frontend::FLUSH, b""), Flow::Discard);
    assert_eq!(talk.client(frontend::COPY_DONE, b""), Flow::Discard);
    assert_eq!(talk.close("nobody knows"), Flow::Discard);
    assert_eq!(talk.sync(), Flow::Discard);
    assert_eq!(talk.told(), "Z:I 3 Z:I");
    assert!(matches!(talk.query("select 1"), Flow::NeedServer(_)));
    assert!(matches!(talk.execute(), Flow::NeedServer(_)));
}
