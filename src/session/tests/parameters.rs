//! Parameters that travel.

use super::talk::{Talk, fresh, options};
use crate::session::{Flow, LeaseEnd};

const READ_BACK: &str =
    "Query SELECT name, setting FROM pg_catalog.pg_settings WHERE source = 'session'";

/// A server on which a session has set its time zone.
fn tokyo(talk: &mut Talk) {
    talk.query("set timezone to 'Asia/Tokyo'");
    talk.reply("C:SET S:TimeZone=Asia/Tokyo Z:I D:TimeZone=Asia/Tokyo C:SELECT_1 Z:I");
}

#[test]
fn what_a_set_did_is_read_back() {
    let mut talk = Talk::new();
    talk.query("set timezone to 'Asia/Tokyo'");
    talk.forget();
    talk.reply("C:SET S:TimeZone=Asia/Tokyo Z:I");
    assert_eq!(talk.told(), "C:SET", "the last word waits");
    assert_eq!(talk.sent(), READ_BACK);
    assert_eq!(talk.session.lease_end(false), LeaseEnd::Keep);
    assert_eq!(talk.query("select 1"), Flow::Hold);
    talk.reply("T:a D:TimeZone=Asia/Tokyo C:SELECT_1 Z:I");
    assert_eq!(talk.told(), "S:TimeZone=Asia/Tokyo Z:I");
    assert_eq!(talk.session.lease_end(false), LeaseEnd::Release);
}

#[test]
fn only_the_difference_is_injected_and_waited_for() {
    let mut talk = Talk::new();
    tokyo(&mut talk);
    talk.forget();
    // The same server: nothing.
    let server = talk.detach();
    talk.attach(server);
    assert_eq!(talk.sent(), "");
    assert_eq!(talk.query("select 1"), Flow::Forward);
    talk.reply("C:SELECT_1 Z:I");
    talk.forget();
    talk.detach();
    // Another one.
    talk.attach(fresh());
    assert_eq!(
        talk.sent(),
        "Parse - SET timezone TO 'Asia/Tokyo' | Bind - - | Execute - | Sync"
    );
    assert_eq!(talk.query("select 1"), Flow::Hold);
    talk.reply("1 2 C:SET S:TimeZone=Asia/Tokyo Z:I");
    assert_eq!(talk.told(), "", "the client knows");
    assert_eq!(talk.query("select 1"), Flow::Forward);
}

/// The next session on that server is told nothing and sees its own.
#[test]
fn another_session_does_not_inherit() {
    let options = options();
    let mut one = Talk::of(&options, 1, &[]);
    let mut two = Talk::of(&options, 2, &[]);
    one.attach(fresh());
    tokyo(&mut one);
    two.attach(one.detach());
    assert_eq!(
        two.sent(),
        "Parse - RESET timezone | Bind - - | Execute - | Sync"
    );
    two.reply("1 2 C:RESET S:TimeZone=UTC Z:I");
    assert_eq!(two.query("show timezone"), Flow::Forward);
    two.reply("D:UTC C:SHOW Z:I");
    assert_eq!(two.told(), "D C:SHOW Z:I");
}

#[test]
fn an_injection_that_fails_is_the_answer_to_what_came() {
    let mut talk = Talk::new();
    tokyo(&mut talk);
    talk.attach(fresh());
    talk.forget();
    talk.reply("E:22023 Z:I");
    assert!(matches!(
        talk.session.lease_end(false),
        LeaseEnd::Discard(_)
    ));
    talk.detach();
    assert_eq!(talk.query("insert into t values (1)"), Flow::Discard);
    assert_eq!(talk.told(), "E:22023 Z:I");
    assert_eq!(talk.sent(), "");
}

/// OC001 can hit any statement.
#[test]
fn a_conflict_repeats_the_injection() {
    let mut talk = Talk::new();
    tokyo(&mut talk);
    talk.attach(fresh());
    talk.forget();
    for _ in 0..3 {
        talk.reply("1 2 E:40001 Z:I");
        assert_eq!(
            talk.sent(),
            "Parse - SET timezone TO 'Asia/Tokyo' | Bind - - | Execute - | Sync"
        );
        assert_eq!(talk.query("insert into t values (1)"), Flow::Hold);
    }
    talk.reply("1 2 C:SET Z:I");
    assert_eq!(talk.query("insert into t values (1)"), Flow::Forward);
    talk.reply("C:INSERT_0_1 Z:I");
    // Not for ever.
    talk.attach(fresh());
    talk.reply("E:40001 Z:I E:40001 Z:I E:40001 Z:I E:40001 Z:I");
    talk.detach();
    talk.forget();
    talk.query("insert into t values (1)");
    assert_eq!(talk.told(), "E:40001 Z:I");
}

/// A transaction that is rolled back takes its SET with it: the server knows.
#[test]
fn a_set_that_is_rolled_back_is_gone() {
    let mut talk = Talk::new();
    talk.begun();
    talk.query("set timezone to 'Asia/Tokyo'");
    talk.reply("C:SET S:TimeZone=Asia/Tokyo Z:T");
    assert_eq!(talk.told(), "C:SET S:TimeZone=Asia/Tokyo Z:T");
    talk.query("rollback");
    talk.forget();
    talk.reply("C:ROLLBACK S:TimeZone=UTC Z:I");
    assert_eq!(talk.sent(), READ_BACK);
    talk.reply("C:SELECT_0 Z:I");
    assert_eq!(talk.told(), "C:ROLLBACK S:TimeZone=UTC Z:I");
    talk.attach(fresh());
    assert_eq!(talk.sent(), "");
}

#[test]
fn what_ends_with_its_transaction_is_not_read_back() {
    let mut talk = Talk::new();
    talk.begun();
    talk.query("set local timezone to 'Asia/Tokyo'");
    talk.reply("C:SET S:TimeZone=Asia/Tokyo Z:T");
    talk.query("commit");
    talk.forget();
    talk.reply("C:COMMIT S:TimeZone=UTC Z:I");
    assert_eq!(talk.sent(), "");
    assert_eq!(talk.told(), "C:COMMIT S:TimeZone=UTC Z:I");
    assert_eq!(talk.session.lease_end(false), LeaseEnd::Release);
}

#[test]
fn reset_goes_back_to_what_the_client_brought() {
    let mut talk = Talk::of(&options(), 1, &[("timezone", "Europe/Rome")]);
    talk.attach(fresh());
    assert!(talk.sent().contains("Europe/Rome"));
    talk.reply("1 2 C:SET S:TimeZone=Europe/Rome Z:I");
    talk.query("reset timezone");
    assert_eq!(talk.query("show timezone"), Flow::Hold, "not before that");
    talk.forget();
    talk.reply("C:RESET S:TimeZone=UTC Z:I");
    assert_eq!(talk.sent(), READ_BACK);
    talk.reply("C:SELECT_0 Z:I");
    assert_eq!(
        talk.sent(),
        "Parse - SET timezone TO 'Europe/Rome' | Bind - - | Execute - | Sync"
    );
    assert_eq!(talk.query("show timezone"), Flow::Hold);
    talk.reply("1 2 C:SET S:TimeZone=Europe/Rome Z:I");
    assert_eq!(talk.query("show timezone"), Flow::Forward);
    talk.reply("D:Europe/Rome C:SHOW Z:I");
    assert_eq!(
        talk.told(),
        "C:RESET S:TimeZone=Europe/Rome Z:I D C:SHOW Z:I"
    );
    assert_eq!(talk.session.lease_end(false), LeaseEnd::Release);
}

#[test]
fn parameters_that_cannot_be_read_back_keep_the_server() {
    let mut talk = Talk::new();
    talk.query("set timezone to 'Asia/Tokyo'");
    talk.reply("C:SET Z:I E:42501 Z:I");
    assert_eq!(talk.told(), "C:SET Z:I");
    assert!(talk.session.pinned().is_some());
    assert_eq!(talk.session.lease_end(false), LeaseEnd::Keep);
}

/// The server still has the `statement_timeout` of the session before.
#[test]
fn an_injection_that_takes_too_long_is_tried_on_another_server() {
    let mut talk = Talk::new();
    tokyo(&mut talk);
    talk.detach();
    talk.query("begin");
    for _ in 0..3 {
        talk.attach(fresh());
        talk.reply("1 2 E:57014 Z:I");
        assert!(matches!(
            talk.session.lease_end(false),
            LeaseEnd::Discard(_)
        ));
        talk.detach();
        talk.forget();
        assert!(matches!(talk.query("select 1"), Flow::NeedServer(_)));
    }
    talk.attach(fresh());
    talk.reply("1 2 E:57014 Z:I");
    talk.detach();
    talk.forget();
    assert_eq!(talk.query("select 1"), Flow::Discard, "but not for ever");
    assert_eq!(talk.told(), "E:57014 Z:E");
}

/// OC001 can hit what we send at the end of a statement, too: it fails the block, and the client
/// must not take it for alive.
#[test]
fn a_block_that_we_have_failed_is_told_so() {
    for replies in ["E:40001 Z:E", "C:SELECT_0 Z:T 1 2 E:40001 Z:E"] {
        let mut talk = Talk::of(&options(), 1, &[("timezone", "Europe/Rome")]);
        talk.attach(fresh());
        talk.reply("1 2 C:SET S:TimeZone=Europe/Rome Z:I");
        talk.begun();
        talk.query("reset timezone");
        talk.reply("C:RESET S:TimeZone=UTC Z:T");
        talk.reply(replies);
        let told = talk.told();
        assert!(
            told.contains(" E:40001 ") && told.ends_with("Z:E"),
            "{told}"
        );
        assert_eq!(talk.session.lease_end(false), LeaseEnd::Keep);
        talk.query("rollback");
        talk.reply("C:ROLLBACK S:TimeZone=Europe/Rome Z:I D:timezone=Europe/Rome C:SELECT_1 Z:I");
        assert!(talk.told().ends_with("Z:I"));
        assert_eq!(talk.session.lease_end(false), LeaseEnd::Release);
    }
}

#[test]
fn a_conflict_repeats_the_reading_back() {
    let mut talk = Talk::new();
    talk.query("set timezone to 'Asia/Tokyo'");
    talk.reply("C:SET S:TimeZone=Asia/Tokyo Z:I");
    talk.forget();
    talk.reply("E:40001 Z:I");
    assert_eq!(talk.sent(), READ_BACK);
    assert_eq!(talk.told(), "");
    talk.reply("D:timezone=Asia/Tokyo C:SELECT_1 Z:I");
    assert_eq!(talk.session.pinned(), None);
    assert_eq!(talk.session.lease_end(false), LeaseEnd::Release);
}
