//! Statements that are used under other parameters than those they are folded under, and the
//! unnamed statement where messages are skipped.

use super::talk::{Talk, fresh, options};
use crate::session::Flow;

const SQL: &str = "select '2024-03-01'::timestamptz";

/// The session has this time zone from now on.
fn zone(talk: &mut Talk, name: &str, value: &str) {
    talk.query(&format!("set {name} = '{value}'"));
    talk.reply("C:SET Z:I");
    talk.reply(&format!("T:name D:{name}={value} C:SELECT_1 Z:I"));
    talk.forget();
}

#[test]
fn a_shared_statement_is_not_used_under_other_parameters() {
    let options = options();
    let mut one = Talk::of(&options, 1, &[]);
    one.attach(fresh());
    one.prepared("a", SQL);
    zone(&mut one, "timezone", "Asia/Tokyo");
    // On the server that has it, too: whoever comes next would see what this one makes of it.
    one.bind("a");
    one.sync();
    assert_eq!(
        one.sent(),
        format!(
            "Parse - RESET timezone | Bind - - | Execute - | Close #2 | Parse #2 {SQL} | \
             Parse - SET timezone TO 'Asia/Tokyo' | Bind - - | Execute - | Bind - #2 | Sync"
        )
    );
    one.reply("1 2 C:RESET 3 1 1 2 C:SET 2 Z:I");
    assert_eq!(one.told(), "2 Z:I");
    // It is there now.
    one.bind("a");
    one.sync();
    assert_eq!(one.sent(), "Bind - #2 | Sync");
    one.reply("2 Z:I");
    // Somebody else is not touched by it.
    let mut two = Talk::of(&options, 2, &[]);
    two.attach(fresh());
    two.prepared("b", SQL);
    two.bind("b");
    assert_eq!(two.sent(), "Bind - #1");
}

/// What SET LOCAL has done is not known, and cannot be set again.
#[test]
fn inside_a_block_it_is_prepared_under_what_there_is() {
    let mut talk = Talk::new();
    talk.prepared("a", SQL);
    talk.begun();
    talk.query("set local timezone = 'Asia/Tokyo'");
    talk.reply("C:SET Z:T");
    talk.forget();
    talk.bind("a");
    talk.sync();
    assert_eq!(
        talk.sent(),
        format!("Close #2 | Parse #2 {SQL} | Bind - #2 | Sync")
    );
    talk.reply("3 1 2 Z:T");
    talk.query("commit");
    talk.reply("C:COMMIT Z:I");
    talk.forget();
    // Outside it is the shared one again.
    talk.bind("a");
    assert_eq!(talk.sent(), "Bind - #1");
}

/// In the group that prepares it there is no other one to take; who comes next has it analysed
/// anew.
#[test]
fn in_its_own_group_it_is_used_once() {
    let mut talk = Talk::new();
    talk.begun();
    talk.parse("a", SQL);
    talk.parse("", "set local timezone = 'Asia/Tokyo'");
    talk.bind("");
    talk.execute();
    talk.bind("a");
    talk.sync();
    assert!(talk.sent().ends_with("Execute - | Bind - #1 | Sync"));
    talk.reply("3 1 1 2 C:SET 2 Z:T");
    talk.query("commit");
    talk.reply("C:COMMIT Z:I");
    talk.forget();
    talk.bind("a");
    assert_eq!(
        talk.sent(),
        format!("Close #1 | Parse #1 {SQL} | Bind - #1")
    );
}

/// Messages of ours need the portal without a name.
#[test]
fn a_portal_that_waits_for_its_execution_survives() {
    let mut talk = Talk::new();
    talk.prepared("a", SQL);
    talk.prepared("b", "select 2");
    zone(&mut talk, "timezone", "Asia/Tokyo");
    talk.prepared("c", "select 3");
    talk.bind("c");
    talk.forget();
    talk.bind("a");
    assert!(!talk.sent().contains("RESET"));
}

#[test]
fn a_parse_that_is_skipped_leaves_the_unnamed_statement_before() {
    for (second, told) in [("select 2", "select 1"), ("select 1", "select 1")] {
        let mut talk = Talk::new();
        talk.parse("", "select 1");
        talk.bind("nobody");
        talk.parse("", second);
        talk.sync();
        talk.reply("1 E:26000 Z:I");
        talk.detach();
        talk.attach(fresh());
        talk.forget();
        talk.bind("");
        assert_eq!(talk.sent(), format!("Parse - {told} | Bind - -"));
    }
}

#[test]
fn a_query_that_is_skipped_leaves_the_unnamed_statement() {
    let mut talk = Talk::new();
    talk.parse("", "select 1");
    talk.bind("nobody");
    talk.query("select 2");
    talk.sync();
    talk.reply("1 E:26000 Z:I");
    talk.detach();
    talk.attach(fresh());
    talk.forget();
    talk.bind("");
    assert_eq!(talk.sent(), "Parse - select 1 | Bind - -");
}

#[test]
fn a_query_that_fails_drops_the_unnamed_statement() {
    let mut talk = Talk::new();
    talk.parse("", "select 1");
    talk.query("select 1/0");
    talk.reply("1 E:22012 Z:I");
    talk.forget();
    assert_eq!(talk.bind(""), Flow::Forward);
    assert_eq!(talk.sent(), "Close - | Bind - -");
}

#[test]
fn another_search_path_is_another_statement() {
    let options = options();
    let mut talk = Talk::of(&options, 1, &[]);
    talk.attach(fresh());
    talk.prepared("a", SQL);
    zone(&mut talk, "search_path", "s");
    talk.bind("a");
    talk.sync();
    assert_eq!(
        talk.sent(),
        format!("Close #2 | Parse #2 {SQL} | Bind - #2 | Sync")
    );
}
