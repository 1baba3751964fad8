//! BEGIN is held back until a server is needed; a block whose server is gone is broken.

use super::INSERT;
use super::talk::{Talk, fresh};
use crate::session::{Flow, LeaseEnd};

#[test]
fn an_empty_transaction_takes_no_server() {
    for (begin, end, told) in [
        ("begin", "commit", "C:BEGIN Z:T C:COMMIT Z:I"),
        ("BEGIN", "rollback", "C:BEGIN Z:T C:ROLLBACK Z:I"),
        (
            "start transaction read only",
            "end",
            "C:START_TRANSACTION Z:T C:COMMIT Z:I",
        ),
    ] {
        let mut talk = Talk::detached();
        assert_eq!(talk.query(begin), Flow::Discard);
        assert_eq!(talk.query(end), Flow::Discard);
        assert_eq!(talk.told(), told);
        assert_eq!(talk.session.counts().transactions, 1);
        assert_eq!(talk.session.counts().statements, 2);
    }
}

#[test]
fn a_held_begin_goes_out_as_it_was_written() {
    let mut talk = Talk::detached();
    talk.query("begin  isolation level repeatable read");
    assert_eq!(talk.told(), "C:BEGIN Z:T");
    assert!(matches!(talk.query(INSERT), Flow::NeedServer(_)));
    talk.attach(fresh());
    assert_eq!(talk.sent(), "Query begin  isolation level repeatable read");
    assert_eq!(talk.query(INSERT), Flow::Hold);
    assert_eq!(talk.session.lease_end(false), LeaseEnd::Keep);
    talk.reply("C:BEGIN Z:T");
    assert_eq!(talk.told(), "", "the client has been told");
    assert_eq!(talk.query(INSERT), Flow::Forward);
    talk.reply("C:INSERT_0_1 Z:T");
    talk.query("commit");
    talk.reply("C:COMMIT Z:I");
    assert_eq!(talk.told(), "C:INSERT_0_1 Z:T C:COMMIT Z:I");
    assert_eq!(talk.session.lease_end(false), LeaseEnd::Release);
}

/// What is not surely accepted is not promised.
#[test]
fn a_begin_that_may_be_refused_is_not_held() {
    for begin in [
        "begin isolation level serializable",
        "begin; select 1",
        "begin read only read write",
    ] {
        let mut talk = Talk::detached();
        assert!(matches!(talk.query(begin), Flow::NeedServer(_)), "{begin}");
    }
}

#[test]
fn a_begin_that_fails_is_the_answer_to_what_came_behind() {
    let mut talk = Talk::detached();
    talk.query("begin");
    talk.attach(fresh());
    talk.reply("E:53300 Z:I");
    assert_eq!(talk.told(), "C:BEGIN Z:T");
    assert!(matches!(
        talk.session.lease_end(false),
        LeaseEnd::Discard(_)
    ));
    talk.detach();
    talk.query(INSERT);
    assert_eq!(talk.told(), "E:53300 Z:E");
    // Until the block is ended, nothing runs.
    talk.attach(fresh());
    assert_eq!(talk.query("select 1"), Flow::Hold);
    talk.forget();
    talk.reply("C:BEGIN Z:T E:42601 Z:E");
    assert_eq!(talk.told(), "");
    assert_eq!(talk.query("select 1"), Flow::Forward);
    talk.reply("E:25P02 Z:E");
    assert_eq!(talk.query("commit"), Flow::Forward);
    talk.reply("C:ROLLBACK Z:I");
    assert_eq!(talk.told(), "E:25P02 Z:E C:ROLLBACK Z:I");
}

#[test]
fn a_begin_that_did_not_begin_anything_is_an_error() {
    let mut talk = Talk::detached();
    talk.query("begin");
    talk.attach(fresh());
    talk.reply("C:BEGIN Z:I");
    assert!(matches!(
        talk.session.lease_end(false),
        LeaseEnd::Discard(_)
    ));
    talk.detach();
    talk.forget();
    talk.query(INSERT);
    assert_eq!(talk.told(), "E:08006 Z:E");
}

#[test]
fn a_broken_block_is_ended_without_a_server() {
    for end in ["rollback", "commit", "abort work"] {
        let mut talk = Talk::new();
        talk.begun();
        talk.lost();
        assert_eq!(talk.query(end), Flow::Discard);
        // The loss is what the first message after it hears of.
        assert_eq!(talk.told(), "E:08006 Z:E");
        assert_eq!(talk.query(end), Flow::Discard);
        assert_eq!(talk.told(), "C:ROLLBACK Z:I");
        assert!(matches!(talk.query("select 1"), Flow::NeedServer(_)));
    }
}

/// What else a failed block accepts or refuses is the server's to say.
#[test]
fn a_broken_block_is_made_anew_where_it_has_to_speak() {
    let mut talk = Talk::new();
    talk.begun();
    talk.lost();
    talk.query("select 1");
    assert!(matches!(talk.query("select 2"), Flow::NeedServer(_)));
    talk.forget();
    talk.attach(fresh());
    assert_eq!(talk.sent(), "Query BEGIN | Query CANCELED BY THE CLIENT");
    talk.reply("C:BEGIN Z:T E:42601 Z:E");
    assert_eq!(talk.told(), "");
    assert_eq!(talk.query("rollback to savepoint a"), Flow::Forward);
    talk.reply("E:25P02 Z:E");
    assert_eq!(talk.session.lease_end(false), LeaseEnd::Keep);
}

/// The unnamed statement goes with any Query, also with one that is answered here.
#[test]
fn a_held_begin_drops_the_unnamed_statement() {
    let mut talk = Talk::new();
    talk.prepared("", "select 1");
    talk.detach();
    talk.query("begin");
    talk.told();
    talk.attach(fresh());
    talk.reply("C:BEGIN Z:T");
    talk.forget();
    talk.bind("");
    assert_eq!(talk.sent(), "Close - | Bind - -", "not another session's");
    talk.reply("3 E:26000");
    talk.sync();
    talk.reply("Z:E");
    assert_eq!(talk.told(), "E:26000 Z:E");
}
