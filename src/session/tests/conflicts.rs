//! Optimistic concurrency: what is sent once more, and what is told.

use bytes::BytesMut;

use super::INSERT;
use super::notation::show_sent;
use super::talk::{Talk, fresh};
use crate::session::{Abandon, AfterLoss, Flow};
use crate::wire::{ErrorResponse, SqlState};

impl Talk {
    /// The server reports a conflict.
    fn conflict(&mut self, code: &str) {
        let message = format!("change conflicts with another transaction ({code})");
        let mut raw = BytesMut::new();
        ErrorResponse::error(SqlState::SERIALIZATION_FAILURE, message).encode(&mut raw);
        self.frame(&raw);
    }

    /// What is to be sent once more.
    fn again(&mut self) -> Option<String> {
        let (messages, _) = self.session.take_again()?;
        Some(show_sent(messages))
    }
}

#[test]
fn an_autocommit_statement_is_sent_once_more() {
    for code in ["OC000", "OC001"] {
        let mut talk = Talk::new();
        talk.query(INSERT);
        assert!(talk.session.holds_replies());
        talk.conflict(code);
        assert_eq!(talk.query("select 1"), Flow::Hold);
        talk.reply("Z:I");
        assert_eq!(talk.told(), "");
        assert_eq!(talk.again(), Some(format!("Query {INSERT}")), "{code}");
        talk.query(INSERT);
        talk.reply("C:INSERT_0_1 Z:I");
        assert_eq!(talk.told(), "C:INSERT_0_1 Z:I");
        assert_eq!(talk.again(), None);
    }
}

/// The conflict may come at Sync, behind CommandComplete.
#[test]
fn a_group_is_sent_once_more_as_a_whole() {
    let mut talk = Talk::new();
    talk.parse("a", INSERT);
    talk.bind("a");
    talk.execute();
    talk.sync();
    talk.reply("3 1 2 C:INSERT_0_1");
    assert!(
        talk.session.holds_replies(),
        "nothing has reached the client"
    );
    talk.forget();
    talk.conflict("OC000");
    talk.reply("Z:I");
    assert_eq!(talk.told(), "");
    let again = talk.again().unwrap();
    assert_eq!(
        again,
        format!("Parse a {INSERT} | Bind - a | Execute - | Sync")
    );
    // Its name is free again.
    talk.parse("a", INSERT);
    assert!(talk.sent().ends_with(INSERT));
}

#[test]
fn it_is_not_tried_for_ever() {
    let mut talk = Talk::new();
    for _ in 0..2 {
        talk.query(INSERT);
        talk.conflict("OC000");
        talk.reply("Z:I");
        assert!(talk.again().is_some());
    }
    talk.query(INSERT);
    talk.conflict("OC000");
    talk.reply("Z:I");
    assert_eq!(talk.again(), None);
    assert_eq!(talk.told(), "E:40001 Z:I");
}

#[test]
fn the_first_statement_of_a_block_is_repeated_with_its_begin() {
    let mut talk = Talk::detached();
    talk.query("begin");
    talk.attach(fresh());
    talk.reply("C:BEGIN Z:T");
    talk.forget();
    talk.query(INSERT);
    talk.conflict("OC001");
    talk.reply("Z:E");
    assert_eq!(talk.sent(), format!("Query {INSERT} | Query ROLLBACK"));
    assert_eq!(talk.again(), None, "not yet");
    talk.reply("C:ROLLBACK Z:I");
    assert_eq!(talk.sent(), "Query begin");
    talk.reply("C:BEGIN Z:T");
    assert_eq!(talk.told(), "");
    assert_eq!(talk.again(), Some(format!("Query {INSERT}")));
}

#[test]
fn what_cannot_be_repeated_is_told() {
    // A later statement of a block.
    let mut talk = Talk::new();
    talk.begun();
    talk.query("select 1");
    talk.reply("C:SELECT_1 Z:T");
    talk.query(INSERT);
    talk.conflict("OC000");
    talk.reply("Z:E");
    assert_eq!(talk.again(), None);
    assert_eq!(talk.told(), "C:SELECT_1 Z:T E:40001 Z:E");
    // What is not known, and what is not here.
    for sql in ["call a()", "copy t from stdin"] {
        let mut talk = Talk::new();
        talk.query(sql);
        assert!(!talk.session.holds_replies(), "{sql}");
    }
    // What the client has seen a part of.
    let mut talk = Talk::new();
    talk.query("select 1");
    talk.session.rows_come();
    assert!(!talk.session.holds_replies());
    let mut talk = Talk::new();
    talk.parse("", INSERT);
    talk.client(crate::wire::frontend::FLUSH, b"");
    assert!(!talk.session.holds_replies());
}

/// Nothing of it has been told, so that nobody may take it for done.
#[test]
fn a_conflict_whose_end_is_lost_is_an_error() {
    for ends_by_cancel in [false, true] {
        let mut talk = Talk::new();
        talk.extended(INSERT);
        talk.reply("1 2 C:INSERT_0_1");
        talk.forget();
        talk.conflict("OC000");
        assert!(talk.session.is_repeating(), "what was held back is void");
        let code = if ends_by_cancel {
            let Abandon::GiveUp { error, status } = talk.session.abandon() else {
                panic!("it cannot have been committed");
            };
            talk.abandoned(error, status);
            "57014"
        } else {
            assert!(matches!(talk.lost(), AfterLoss::GoesOn));
            "08006"
        };
        assert_eq!(talk.told(), format!("E:{code} Z:I"));
        assert!(!talk.session.is_repeating());
        talk.attach(fresh());
        assert_eq!(talk.query("select 1"), Flow::Forward, "it goes on");
    }
}

/// A block that is begun again is one for the client all the time, whatever happens to its server.
#[test]
fn a_block_that_is_begun_again_outlives_its_server() {
    for replies in ["", "C:ROLLBACK Z:I"] {
        let mut talk = Talk::detached();
        talk.query("begin");
        talk.attach(fresh());
        talk.reply("C:BEGIN Z:T");
        talk.query(INSERT);
        talk.conflict("OC001");
        talk.reply("Z:E");
        talk.reply(replies);
        talk.forget();
        assert!(talk.session.is_repeating());
        assert!(matches!(talk.lost(), AfterLoss::GoesOn));
        assert_eq!(talk.told(), "");
        assert_eq!(talk.again(), Some(format!("Query {INSERT}")));
        assert!(matches!(talk.query(INSERT), Flow::NeedServer(_)));
        talk.attach(fresh());
        assert_eq!(talk.sent(), "Query begin");
        talk.reply("C:BEGIN Z:T");
        talk.query(INSERT);
        talk.reply("C:INSERT_0_1 Z:T");
        assert_eq!(talk.told(), "C:INSERT_0_1 Z:T");
    }
}

#[test]
fn a_cancel_while_a_block_is_begun_again_fails_the_block() {
    let mut talk = Talk::detached();
    talk.query("begin");
    talk.attach(fresh());
    talk.reply("C:BEGIN Z:T");
    talk.query(INSERT);
    talk.conflict("OC001");
    talk.reply("Z:E");
    talk.forget();
    let Abandon::GiveUp { error, status } = talk.session.abandon() else {
        panic!("nothing is on the server");
    };
    talk.abandoned(error, status);
    assert!(talk.again().is_some());
    assert_eq!(talk.query(INSERT), Flow::Discard);
    assert_eq!(talk.told(), "E:57014 Z:E");
}
