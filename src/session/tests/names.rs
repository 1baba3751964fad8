//! Prepared statements: the client's names and ours.

use super::talk::{Talk, fresh, options, parameters};
use crate::session::{Flow, ServerState};

#[test]
fn a_statement_has_a_name_of_ours_on_the_server() {
    let mut talk = Talk::new();
    assert_eq!(talk.parse("a", "select 1"), Flow::Discard);
    talk.describe("a");
    assert!(matches!(talk.bind("a"), Flow::Replace(_)));
    talk.execute();
    talk.sync();
    assert_eq!(
        talk.sent(),
        "Close #1 | Parse #1 select 1 | Describe #1 | Bind - #1 | Execute - | Sync"
    );
    talk.reply("3 1 t T:a 2 D:1 C:SELECT_1 Z:I");
    assert_eq!(talk.told(), "1 t T 2 D C:SELECT_1 Z:I");
}

#[test]
fn a_name_that_is_taken_is_an_error() {
    let mut talk = Talk::new();
    talk.prepared("a", "select 1");
    talk.parse("a", "select 2");
    talk.bind("a");
    talk.sync();
    assert_eq!(
        talk.sent(),
        "Close #scratch | Parse #scratch select 2 | Parse #none SELECT \"dsql-proxy refused this\" | Bind - #1 | Sync"
    );
    talk.reply("3 1 E:42703 Z:I");
    assert_eq!(talk.told(), "E:42P05 Z:I");
    assert_eq!(
        talk.error().message,
        "prepared statement \"a\" already exists"
    );
    // The first is still there.
    talk.bind("a");
    assert_eq!(talk.sent(), "Bind - #1");
}

/// In a block our error is a real one, and the block fails; in a failed one the server's own
/// answer counts.
#[test]
fn a_name_that_is_taken_fails_the_block() {
    let mut talk = Talk::new();
    talk.prepared("a", "select 1");
    talk.begun();
    talk.parse("a", "select 2");
    talk.sync();
    talk.reply("3 1 E:42703 Z:E");
    talk.parse("a", "select 2");
    talk.sync();
    talk.reply("3 E:25P02 Z:E");
    assert_eq!(talk.told(), "E:42P05 Z:E E:25P02 Z:E");
}

/// The server has nothing of that name, and says so itself.
#[test]
fn an_unknown_name_is_the_servers_to_refuse() {
    let mut talk = Talk::new();
    talk.bind("nobody");
    talk.sync();
    assert_eq!(talk.sent(), "Bind - nobody | Sync");
    talk.describe("nobody");
    assert_eq!(talk.sent(), "Describe nobody");
}

#[test]
fn a_failed_parse_leaves_no_name() {
    let mut talk = Talk::new();
    talk.parse("a", "selekt");
    talk.sync();
    talk.reply("3 E:42601 Z:I");
    talk.forget();
    talk.parse("a", "select 1");
    talk.sync();
    assert!(talk.sent().ends_with("select 1 | Sync"));
    talk.reply("3 1 Z:I");
    assert_eq!(talk.told(), "1 Z:I");
}

/// Its group may fail.
#[test]
fn a_name_whose_group_is_not_answered_is_waited_for() {
    let mut talk = Talk::new();
    talk.prepared("a", "select 1");
    talk.parse("b", "selekt");
    talk.close("a");
    talk.sync();
    for flow in [talk.bind("b"), talk.parse("b", "select 2"), talk.bind("a")] {
        assert_eq!(flow, Flow::Hold);
    }
    talk.reply("3 E:42601 Z:I");
    talk.forget();
    assert!(matches!(talk.bind("a"), Flow::Replace(_)), "still there");
    assert_eq!(talk.bind("b"), Flow::Forward, "as unknown as before");
    assert_eq!(talk.sent(), "Bind - #1 | Bind - b");
}

/// The same for a statement that we have to prepare again.
#[test]
fn a_statement_whose_preparation_is_not_answered_is_waited_for() {
    let mut talk = Talk::new();
    talk.prepared("a", "select 1");
    talk.attach(fresh());
    talk.parse("", "selekt");
    talk.bind("a");
    talk.sync();
    assert_eq!(talk.bind("a"), Flow::Hold);
    talk.reply("E:42601 Z:I");
    talk.forget();
    talk.bind("a");
    assert_eq!(talk.sent(), "Close #1 | Parse #1 select 1 | Bind - #1");
}

#[test]
fn close_is_answered_in_its_turn() {
    let mut talk = Talk::new();
    talk.prepared("a", "select 1");
    talk.parse("", "select 2");
    assert_eq!(talk.close("a"), Flow::Discard);
    talk.bind("");
    assert_eq!(talk.close("a"), Flow::Discard);
    talk.sync();
    assert_eq!(talk.told(), "");
    assert_eq!(talk.sent(), "Parse - select 2 | Bind - - | Sync");
    talk.reply("1");
    assert_eq!(talk.told(), "1 3");
    talk.reply("2");
    assert_eq!(talk.told(), "2 3");
    talk.reply("Z:I");
    assert_eq!(talk.told(), "Z:I");
    // Nobody has it any more, so the next one is another statement.
    talk.parse("a", "select 1");
    assert_eq!(talk.sent(), "Close #2 | Parse #2 select 1");
}

#[test]
fn a_close_in_a_failed_group_closes_nothing() {
    let mut talk = Talk::new();
    talk.prepared("a", "select 1");
    talk.parse("", "selekt");
    talk.close("a");
    talk.sync();
    talk.reply("E:42601 Z:I");
    assert_eq!(talk.told(), "E:42601 Z:I");
    talk.forget();
    talk.bind("a");
    assert_eq!(talk.sent(), "Bind - #1");
}

#[test]
fn the_unnamed_statement_follows_its_session() {
    let mut talk = Talk::new();
    talk.prepared("", "select 1");
    talk.detach();
    talk.attach(fresh());
    talk.bind("");
    talk.execute();
    talk.sync();
    assert_eq!(
        talk.sent(),
        "Parse - select 1 | Bind - - | Execute - | Sync"
    );
    talk.reply("1 2 C:SELECT_1 Z:I");
    assert_eq!(talk.told(), "2 C:SELECT_1 Z:I");
}

#[test]
fn a_query_drops_the_unnamed_statement() {
    let mut talk = Talk::new();
    talk.prepared("", "select 1");
    talk.query("select 2");
    talk.reply("C:SELECT_1 Z:I");
    talk.forget();
    talk.describe("");
    assert_eq!(talk.sent(), "Close - | Describe -");
    talk.reply("3 E:26000");
    assert_eq!(talk.told(), "E:26000");
}

/// An earlier Parse that fails does not take a later one with it.
#[test]
fn a_failure_is_of_the_parse_that_failed() {
    let mut talk = Talk::new();
    talk.extended("selekt");
    talk.parse("", "select 1");
    talk.sync();
    talk.reply("E:42601 Z:I");
    talk.forget();
    talk.bind("");
    assert_eq!(talk.sent(), "Bind - -");
}

/// What we send ourselves takes the place of the unnamed statement on a server that is kept.
#[test]
fn the_unnamed_statement_outlives_a_read_back() {
    let mut talk = Talk::new();
    talk.session.pin(crate::sql::PinReason::Startup);
    talk.extended("set timezone to 'Asia/Tokyo'");
    talk.reply("1 2 C:SET Z:I C:SELECT_0 Z:I");
    talk.forget();
    talk.bind("");
    assert_eq!(
        talk.sent(),
        "Parse - set timezone to 'Asia/Tokyo' | Bind - -"
    );
}

#[test]
fn deallocate_knows_the_clients_names() {
    let mut talk = Talk::new();
    talk.prepared("Sx_1", "select 1");
    talk.prepared("b", "select 2");
    assert_eq!(talk.query("deallocate \"Sx_1\""), Flow::Discard);
    assert_eq!(talk.told(), "C:DEALLOCATE Z:I");
    talk.bind("Sx_1");
    talk.sync();
    assert_eq!(talk.sent(), "Bind - Sx_1 | Sync");
    talk.reply("E:26000 Z:I");
    talk.forget();
    talk.detach();
    assert_eq!(talk.query("deallocate all"), Flow::Discard);
    assert_eq!(talk.told(), "C:DEALLOCATE_ALL Z:I");
    talk.attach(fresh());
    talk.bind("b");
    assert_eq!(talk.sent(), "Bind - b");
}

#[test]
fn deallocate_waits_for_its_turn() {
    let mut talk = Talk::new();
    talk.prepared("a", "select 1");
    talk.query("select 1");
    assert_eq!(talk.query("deallocate a"), Flow::Hold);
    talk.reply("C:SELECT_1 Z:I");
    assert_eq!(talk.query("deallocate a"), Flow::Discard);
    assert_eq!(talk.told(), "C:SELECT_1 Z:I C:DEALLOCATE Z:I");
    assert_eq!(talk.query("deallocate a"), Flow::Forward, "gone");
}

#[test]
fn the_least_recently_used_statement_goes() {
    let mut talk = Talk::detached();
    talk.attach(ServerState::new(parameters(&[]), 2));
    talk.prepared("a", "select 1");
    talk.prepared("b", "select 2");
    talk.bind("a");
    talk.sync();
    talk.reply("2 Z:I");
    talk.forget();
    talk.parse("c", "select 3");
    talk.sync();
    assert_eq!(
        talk.sent(),
        "Close #2 | Close #3 | Parse #3 select 3 | Sync"
    );
    talk.reply("3 3 1 Z:I");
    assert_eq!(talk.told(), "1 Z:I");
    talk.bind("b");
    assert_eq!(
        talk.sent(),
        "Close #1 | Close #2 | Parse #2 select 2 | Bind - #2"
    );
}

/// Two sessions, one server: equal names mean different things, equal texts the same.
#[test]
fn sessions_share_statements_and_not_names() {
    let options = options();
    let mut one = Talk::of(&options, 1, &[]);
    let mut two = Talk::of(&options, 2, &[]);
    one.attach(fresh());
    one.prepared("a", "select 1");
    two.attach(one.detach());
    two.bind("a");
    assert_eq!(two.sent(), "Bind - a", "another session's name");
    two.sync();
    two.reply("E:26000 Z:I");
    two.forget();
    two.parse("a", "select 2");
    two.sync();
    assert_eq!(two.sent(), "Close #2 | Parse #2 select 2 | Sync");
    two.reply("3 1 Z:I");
    two.parse("b", "select 1");
    two.sync();
    two.reply("3 1 Z:I");
    two.forget();
    two.bind("b");
    assert_eq!(two.sent(), "Bind - #1", "the same statement");
    two.sync();
    two.reply("2 Z:I");
    one.attach(two.detach());
    one.bind("a");
    assert_eq!(one.sent(), "Bind - #1");
}

/// Constants are folded at Parse.
#[test]
fn statements_are_not_shared_across_what_constants_depend_on() {
    let options = options();
    let mut one = Talk::of(&options, 1, &[]);
    let mut two = Talk::of(&options, 2, &[("timezone", "Asia/Tokyo")]);
    let mut three = Talk::of(&options, 3, &[("application_name", "me")]);
    for (talk, name) in [(&mut one, "#1"), (&mut two, "#2"), (&mut three, "#1")] {
        talk.attach(fresh());
        if !talk.sent().is_empty() {
            talk.reply("1 2 C:SET Z:I");
        }
        talk.parse("a", "select 'now'::timestamptz");
        assert!(
            talk.sent().starts_with(&format!("Close {name} |")),
            "{name}"
        );
    }
}

#[test]
fn what_describe_said_still_holds_elsewhere() {
    let mut talk = Talk::new();
    talk.prepared("a", "select * from t");
    talk.describe("a");
    talk.sync();
    talk.reply("t T:a Z:I");
    talk.forget();
    talk.detach();
    for (columns, same) in [("T:a", true), ("T:b", false)] {
        talk.attach(fresh());
        assert_eq!(talk.bind("a"), Flow::Hold);
        assert_eq!(
            talk.sent(),
            "Close #1 | Parse #1 select * from t | Describe #1 | Flush"
        );
        talk.reply(&format!("3 1 t {columns}"));
        let flow = talk.bind("a");
        talk.sync();
        if same {
            assert!(matches!(flow, Flow::Replace(_)));
            talk.reply("2 Z:I");
            assert_eq!(talk.told(), "2 Z:I");
        } else {
            assert_eq!(flow, Flow::Discard);
            talk.reply("E:42703 Z:I");
            assert_eq!(talk.told(), "E:0A000 Z:I");
            let error = talk.error();
            assert_eq!(error.message, "cached plan must not change result type");
            assert_eq!(error.routine.as_deref(), Some("RevalidateCachedQuery"));
        }
        talk.forget();
        talk.detach();
    }
}

/// The table is gone: PostgreSQL's answer to Bind is the client's.
#[test]
fn a_preparation_that_fails_is_the_answer() {
    let mut talk = Talk::new();
    talk.prepared("a", "select * from t");
    talk.describe("a");
    talk.sync();
    talk.reply("t T:a Z:I");
    talk.forget();
    talk.attach(fresh());
    assert_eq!(talk.bind("a"), Flow::Hold);
    talk.reply("3 E:42P01");
    assert_eq!(talk.bind("a"), Flow::Discard);
    assert_eq!(talk.execute(), Flow::Discard);
    talk.sync();
    talk.reply("Z:I");
    assert_eq!(talk.told(), "E:42P01 Z:I");
    // Nothing was told, so nothing is compared.
    let mut talk = Talk::new();
    talk.prepared("a", "select * from t");
    talk.attach(fresh());
    talk.bind("a");
    talk.execute();
    talk.sync();
    talk.reply("3 E:42P01 Z:I");
    assert_eq!(talk.told(), "E:42P01 Z:I");
}

/// By extended messages it goes to the server, which knows none of the names. Only where it
/// succeeds are they gone.
#[test]
fn a_deallocate_that_fails_drops_nothing() {
    let mut talk = Talk::new();
    talk.prepared("a", "select 1");
    talk.extended("deallocate a");
    talk.reply("1 2 E:26000 Z:I");
    talk.forget();
    talk.bind("a");
    talk.sync();
    assert!(talk.sent().ends_with("Bind - #1 | Sync"));
    talk.reply("3 1 2 Z:I");
    talk.extended("deallocate all");
    talk.reply("1 2 C:DEALLOCATE_ALL Z:I");
    talk.forget();
    talk.bind("a");
    assert_eq!(talk.sent(), "Bind - a");
}
