//! What a client is told when its server is gone: in every phase the truth, and as many
//! ReadyForQuery as it is owed.

use super::INSERT;
use super::talk::{Talk, fresh, options};
use crate::session::{Abandon, AfterLoss, Flow, Loss};
use crate::wire::backend::TransactionStatus;
use crate::wire::{SqlState, frontend};

fn goes_on(talk: &mut Talk) -> String {
    let after = talk.lost();
    assert!(matches!(after, AfterLoss::GoesOn), "{after:?}");
    assert!(talk.session.is_quiet());
    talk.told()
}

#[test]
fn between_transactions_nothing_is_lost() {
    let mut talk = Talk::new();
    talk.query("select 1");
    talk.reply("C:SELECT_1 Z:I");
    talk.forget();
    assert_eq!(goes_on(&mut talk), "");
    assert!(matches!(talk.query("select 1"), Flow::NeedServer(_)));
}

/// Status in which something is sent, what is sent, and what its loss means: for the transaction,
/// for the client.
#[test]
fn what_was_in_flight_decides() {
    for (status, sql, loss, told) in [
        ("I", "select 1", Loss::Nothing, "E:08006 Z:I"),
        ("I", "select f(1)", Loss::Unknown, "E:08007 Z:I"),
        ("I", INSERT, Loss::Unknown, "E:08007 Z:I"),
        (
            "I",
            "begin; insert into t values (1); commit",
            Loss::Commit,
            "E:08007 Z:I",
        ),
        ("T", INSERT, Loss::RolledBack, "E:08006 Z:E"),
        ("T", "commit", Loss::Commit, "E:08007 Z:I"),
        ("T", "END", Loss::Commit, "E:08007 Z:I"),
        ("T", "rollback", Loss::Nothing, "E:08006 Z:I"),
        (
            "T",
            "rollback; insert into t values (1)",
            Loss::Unknown,
            "E:08007 Z:I",
        ),
        ("E", "commit", Loss::Nothing, "E:08006 Z:I"),
        (
            "E",
            "rollback to a; commit; select pg_sleep(30)",
            Loss::Commit,
            "E:08007 Z:I",
        ),
    ] {
        let mut talk = Talk::new();
        if status != "I" {
            talk.begun();
        }
        if status == "E" {
            talk.query("select 1");
            talk.reply("E:22012 Z:E");
        }
        talk.forget();
        talk.query(sql);
        assert_eq!(talk.session.loss(), loss, "{status} {sql}");
        assert_eq!(goes_on(&mut talk), told, "{status} {sql}");
        assert!(talk.error().hint.is_some());
    }
}

#[test]
fn every_group_gets_its_answer() {
    let mut talk = Talk::new();
    talk.query("select 1");
    talk.extended("select 2");
    talk.sync();
    talk.reply("C:SELECT_1 Z:I 1");
    talk.forget();
    assert_eq!(goes_on(&mut talk), "E:08006 Z:I E:08006 Z:I");
}

/// It has reported its error: only ReadyForQuery is owed.
#[test]
fn a_group_that_has_failed_is_not_told_twice() {
    let mut talk = Talk::new();
    talk.extended("selekt");
    talk.reply("E:42601");
    talk.forget();
    assert_eq!(goes_on(&mut talk), "Z:I");

    let mut talk = Talk::new();
    talk.parse("", "selekt");
    talk.reply("E:42601");
    talk.forget();
    assert_eq!(goes_on(&mut talk), "");
    assert_eq!(talk.sync(), Flow::Discard);
    assert_eq!(talk.told(), "Z:I");
}

#[test]
fn a_group_without_its_sync_is_skipped_to_it() {
    let mut talk = Talk::new();
    talk.parse("", "select 1");
    talk.bind("");
    assert_eq!(goes_on(&mut talk), "E:08006");
    assert_eq!(talk.execute(), Flow::Discard);
    assert_eq!(talk.sync(), Flow::Discard);
    assert_eq!(talk.told(), "Z:I");
    assert!(matches!(talk.query("select 1"), Flow::NeedServer(_)));
}

/// A client that rests in a transaction hears of it when it speaks next.
#[test]
fn a_block_at_rest_is_lost_with_its_next_message() {
    let mut talk = Talk::new();
    talk.begun();
    assert_eq!(goes_on(&mut talk), "");
    assert_eq!(talk.session.status(), TransactionStatus::Failed);
    talk.extended(INSERT);
    assert_eq!(talk.told(), "E:08006 Z:E");
    assert_eq!(talk.query("rollback"), Flow::Discard);
    assert_eq!(talk.told(), "C:ROLLBACK Z:I");
}

#[test]
fn nothing_is_lost_before_anything_was_sent() {
    let brought = [("timezone", "Europe/Rome")];
    // While parameters are injected.
    let mut talk = Talk::of(&options(), 1, &brought);
    talk.attach(fresh());
    assert_eq!(talk.query(INSERT), Flow::Hold);
    assert_eq!(goes_on(&mut talk), "");
    assert!(matches!(talk.query(INSERT), Flow::NeedServer(_)));
    // While BEGIN is on its way.
    let mut talk = Talk::detached();
    talk.query("begin");
    talk.attach(fresh());
    talk.forget();
    assert_eq!(goes_on(&mut talk), "");
    assert!(matches!(talk.query(INSERT), Flow::NeedServer(_)));
    talk.attach(fresh());
    assert_eq!(talk.sent(), "Query begin", "once more");
    talk.reply("C:BEGIN Z:T");
    assert_eq!(talk.query(INSERT), Flow::Forward);
}

/// A server that always breaks must not be tried for ever.
#[test]
fn losses_in_a_row_are_told() {
    let mut talk = Talk::of(&options(), 1, &[("timezone", "Europe/Rome")]);
    for _ in 0..4 {
        assert!(matches!(talk.query(INSERT), Flow::NeedServer(_)));
        talk.attach(fresh());
        talk.lost();
    }
    assert_eq!(talk.query(INSERT), Flow::Discard);
    assert_eq!(talk.told(), "E:08006 Z:I");
}

/// The transaction is complete, and the client is told so; what the session's parameters are now
/// nobody knows.
#[test]
fn a_read_back_that_is_lost_ends_the_session() {
    let mut talk = Talk::new();
    talk.query("set timezone to 'Asia/Tokyo'");
    talk.reply("C:SET Z:I");
    let AfterLoss::Ends(error) = talk.lost() else {
        panic!()
    };
    assert_eq!(error.sqlstate, SqlState::CONNECTION_FAILURE);
    assert_eq!(talk.told(), "C:SET Z:I");
}

#[test]
fn a_read_back_that_is_lost_in_a_block_loses_the_block() {
    let mut talk = Talk::of(&options(), 1, &[("timezone", "Europe/Rome")]);
    talk.attach(fresh());
    talk.reply("1 2 C:SET Z:I");
    talk.begun();
    talk.query("reset timezone");
    talk.reply("C:RESET Z:T");
    assert_eq!(talk.told(), "C:RESET");
    assert_eq!(goes_on(&mut talk), "E:08006 Z:E");
    talk.query("rollback");
    assert_eq!(talk.told(), "C:ROLLBACK Z:I");
}

#[test]
fn a_check_that_is_lost_is_skipped_to_sync() {
    let mut talk = Talk::new();
    talk.prepared("a", "select * from t");
    talk.describe("a");
    talk.sync();
    talk.reply("t T:a Z:I");
    talk.forget();
    talk.attach(fresh());
    assert_eq!(talk.bind("a"), Flow::Hold);
    let told = goes_on(&mut talk);
    assert_eq!(told, "E:08006");
    talk.bind("a");
    talk.sync();
    assert_eq!(talk.told(), "Z:I");
}

#[test]
fn last_words_are_kept() {
    let mut talk = Talk::new();
    talk.reply("F:57P01");
    assert!(talk.session.fatal_seen());
    assert_eq!(talk.told(), "");
    assert_eq!(talk.session.take_fatal(), "no");
}

#[test]
fn a_prepared_statement_is_known_by_its_name() {
    let mut talk = Talk::new();
    talk.prepared("c", "commit");
    talk.prepared("s", "select 1");
    talk.begun();
    talk.bind("s");
    talk.execute();
    assert_eq!(talk.session.loss(), Loss::RolledBack);
    talk.bind("c");
    talk.execute();
    assert_eq!(talk.session.loss(), Loss::Commit);
    talk.sync();
    talk.reply("2 C:SELECT_1 2 C:COMMIT Z:I");
    talk.bind("nobody knows");
    talk.execute();
    assert_eq!(talk.session.loss(), Loss::Unknown);
}

/// A portal that was bound before the last Sync may hold anything.
#[test]
fn a_portal_of_an_earlier_group_is_not_known() {
    let mut talk = Talk::new();
    talk.prepared("c", "commit");
    talk.begun();
    talk.bind("c");
    talk.sync();
    talk.reply("2 Z:T");
    talk.execute();
    talk.sync();
    assert_eq!(talk.session.loss(), Loss::Unknown);
}

#[test]
fn what_is_answered_is_not_in_flight() {
    let mut talk = Talk::new();
    // The server refuses the BEGIN: the INSERT commits itself.
    talk.query("begin isolation level serializable");
    talk.query(INSERT);
    assert_eq!(talk.session.loss(), Loss::Unknown);
    talk.reply("E:0A000 Z:I");
    assert_eq!(talk.session.loss(), Loss::Unknown);
    talk.reply("C:INSERT_0_1 Z:I");
    // An answered COMMIT does not protect the statement behind it.
    talk.begun();
    talk.query("commit");
    talk.query("select pg_sleep(6)");
    talk.reply("C:COMMIT Z:I");
    assert_eq!(talk.session.loss(), Loss::Nothing);
}

#[test]
fn a_copy_writes_nothing_before_its_end() {
    let mut talk = Talk::new();
    talk.query("copy t from stdin");
    assert_eq!(talk.session.loss(), Loss::Unknown);
    talk.reply("G");
    assert_eq!(talk.session.loss(), Loss::Nothing);
    talk.client(frontend::COPY_DONE, b"");
    assert_eq!(talk.session.loss(), Loss::Unknown);
}

#[test]
fn a_copy_that_is_lost_leaves_its_data_behind() {
    let mut talk = Talk::new();
    talk.query("copy t from stdin");
    talk.reply("G");
    talk.forget();
    assert_eq!(goes_on(&mut talk), "E:08006 Z:I");
    assert_eq!(talk.client(frontend::COPY_DATA, b"1"), Flow::Discard);
    assert_eq!(talk.client(frontend::COPY_DONE, b""), Flow::Discard);
    assert!(matches!(talk.query("select 1"), Flow::NeedServer(_)));
}

/// Only what is in flight is at stake.
#[test]
fn an_answered_write_is_not_at_stake() {
    let mut talk = Talk::new();
    talk.query(INSERT);
    talk.reply("C:INSERT_0_1 Z:I");
    talk.extended("select pg_sleep(30)");
    assert_eq!(talk.session.loss(), Loss::Nothing);
}

/// The client knows that its SET is done, so it must not go on without it.
#[test]
fn a_session_does_not_outlive_a_change_that_was_not_read_back() {
    for cancelled in [false, true] {
        let mut talk = Talk::new();
        talk.query("set timezone to 'Asia/Tokyo'");
        talk.query("select 1");
        talk.reply("C:SET S:TimeZone=Asia/Tokyo Z:I");
        let error = if cancelled {
            let Abandon::End(error) = talk.session.abandon() else {
                panic!("it would go on without its SET");
            };
            error
        } else {
            let AfterLoss::Ends(error) = talk.lost() else {
                panic!("it would go on without its SET");
            };
            error
        };
        assert!(error.detail.unwrap().contains("parameters"));
        assert_eq!(talk.told(), "C:SET S:TimeZone=Asia/Tokyo Z:I");
    }
    // One that is in flight itself is not done.
    let mut talk = Talk::new();
    talk.query("select 1");
    talk.query("set timezone to 'Asia/Tokyo'");
    talk.reply("C:SELECT_1 Z:I");
    talk.forget();
    assert!(goes_on(&mut talk).ends_with("Z:I"));
}
