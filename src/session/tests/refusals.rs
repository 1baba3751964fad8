//! What is refused here, and what is left to the server.

use super::talk::Talk;
use crate::session::Flow;
use crate::wire::backend::TransactionStatus;
use crate::wire::{SqlState, backend, encode};

const REFUSED: &str = "SET client_min_messages TO warning";

#[test]
fn between_transactions_we_refuse_ourselves() {
    for mut talk in [Talk::detached(), Talk::new()] {
        assert_eq!(talk.query(REFUSED), Flow::Discard);
        assert_eq!(talk.told(), "E:0A000 Z:I");
        assert_eq!(
            talk.error().message,
            "setting configuration parameter \"client_min_messages\" not supported"
        );
        assert!(talk.error().hint.is_some());
        assert!(talk.session.is_quiet());
    }
}

#[test]
fn inside_a_block_the_server_refuses_and_we_add_the_hint() {
    let mut talk = Talk::new();
    talk.begun();
    assert_eq!(talk.query(REFUSED), Flow::Forward);
    let fields = b"SERROR\0VERROR\0C0A000\0Msetting configuration parameter \"client_min_messages\" not supported\0Xown\0\0";
    let mut raw = bytes::BytesMut::new();
    encode::frame(backend::ERROR_RESPONSE, &mut raw, |body| {
        body.extend_from_slice(fields);
    });
    talk.frame(&raw);
    talk.reply("Z:E");
    assert_eq!(talk.told(), "E:0A000 Z:E");
    assert!(talk.error().hint.is_some());
    assert_eq!(talk.session.status(), TransactionStatus::Failed);
}

/// A block that exists here only has to be aborted really.
#[test]
fn in_a_block_that_is_held_back_the_server_refuses() {
    let mut talk = Talk::detached();
    talk.query("begin");
    assert!(matches!(talk.query(REFUSED), Flow::NeedServer(_)));
}

#[test]
fn a_refusal_does_not_overtake_replies() {
    let mut talk = Talk::new();
    talk.query("select 1");
    assert_eq!(talk.query(REFUSED), Flow::Hold);
    assert_eq!(talk.told(), "");
    talk.reply("C:SELECT_1 Z:I");
    assert_eq!(talk.query(REFUSED), Flow::Discard);
    assert_eq!(talk.told(), "C:SELECT_1 Z:I E:0A000 Z:I");
}

#[test]
fn a_refused_parse_skips_to_sync() {
    let mut talk = Talk::new();
    assert_eq!(talk.parse("", REFUSED), Flow::Discard);
    assert_eq!(talk.bind(""), Flow::Discard);
    assert_eq!(talk.execute(), Flow::Discard);
    assert_eq!(talk.told(), "E:0A000");
    assert_eq!(talk.sync(), Flow::Discard);
    assert_eq!(talk.told(), "Z:I");
    assert_eq!(talk.parse("", "select 1"), Flow::Forward);
}

/// Its error undoes what came before it, so that the server has to refuse.
#[test]
fn in_a_group_that_has_begun_the_server_refuses() {
    let mut talk = Talk::new();
    assert_eq!(talk.parse("", "select 1"), Flow::Forward);
    assert_eq!(talk.parse("", REFUSED), Flow::Forward);
    assert_eq!(talk.told(), "");
    let mut talk = Talk::new();
    talk.parse("", "select 1");
    talk.bind("");
    talk.execute();
    assert_eq!(talk.query(REFUSED), Flow::Forward);
}

/// The answer to a message for which no server could be had.
#[test]
fn a_message_that_cannot_be_served_is_answered() {
    let error = || crate::wire::ErrorResponse::error(SqlState::TOO_MANY_CONNECTIONS, "no");
    let mut talk = Talk::detached();
    talk.session.refuse_next(error());
    assert_eq!(talk.query("select 1"), Flow::Discard);
    assert_eq!(talk.told(), "E:53300 Z:I");
    assert!(matches!(talk.query("select 1"), Flow::NeedServer(_)));

    talk.session.refuse_next(error());
    talk.extended("select 1");
    assert_eq!(talk.told(), "E:53300 Z:I");

    // A block of which no server knows is failed for the client.
    talk.query("begin");
    talk.session.refuse_next(error());
    talk.query("select 1");
    assert_eq!(talk.told(), "C:BEGIN Z:T E:53300 Z:E");
    talk.query("rollback");
    assert_eq!(talk.told(), "C:ROLLBACK Z:I");
}
