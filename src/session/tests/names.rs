//! Prepared statements: the client's names and ours.

use super::talk::{Talk, fresh, options, parameters};
use crate::session::{Flow, ServerState};
use crate::wire::{ErrorResponse, SqlState};

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

/// The server does not know the name, and must not be asked to forget ours.
#[test]
fn a_prepared_deallocate_of_a_prepared_statement_is_ours_to_do() {
    let mut talk = Talk::new();
    talk.prepared("a", "select 1");
    talk.prepared("b", "deallocate a");
    for name in ["a", "b"] {
        talk.bind("b");
        talk.execute();
        talk.sync();
        let sent = talk.sent();
        if name == "a" {
            assert_eq!(
                sent,
                "Close #scratch | Parse #scratch - | Bind - #scratch | Execute - | Sync"
            );
            talk.reply("3 1 2 I Z:I");
            assert_eq!(talk.told(), "2 C:DEALLOCATE Z:I");
        } else {
            assert_eq!(
                sent, "Bind - #2 | Execute - | Sync",
                "there is none any more"
            );
            talk.reply("2 E:26000 Z:I");
        }
        talk.forget();
    }
    talk.bind("a");
    assert_eq!(talk.sent(), "Bind - a");
}

/// SQL's names and those of messages are the same names.
#[test]
fn a_name_that_sql_has_taken_is_taken() {
    let mut talk = Talk::new();
    talk.query("prepare a as select 1");
    talk.reply("C:PREPARE Z:I");
    talk.forget();
    talk.parse("a", "select 2");
    talk.sync();
    assert_eq!(
        talk.sent(),
        "Parse a select 2 | Close #1 | Parse #1 select 2 | Sync"
    );
    talk.reply("E:42P05 Z:I");
    assert_eq!(talk.told(), "E:42P05 Z:I");
    talk.close("a");
    talk.sync();
    assert_eq!(talk.sent(), "Close a | Sync");
    talk.reply("3 Z:I");
    assert_eq!(talk.told(), "3 Z:I");
}

#[test]
fn a_name_that_a_message_has_taken_is_taken() {
    let mut talk = Talk::new();
    talk.prepared("a", "select 1");
    assert_eq!(talk.query("prepare a as select 2"), Flow::Hold);
    assert_eq!(talk.sent(), "Close a | Parse a select 1 | Sync");
    talk.reply("3 1 Z:I");
    assert_eq!(talk.query("prepare a as select 2"), Flow::Forward);
    talk.reply("E:42P05 Z:I");
    assert_eq!(talk.told(), "E:42P05 Z:I");
}

/// The server has another session's unnamed statement, and will have ours only if the first group
/// succeeds.
#[test]
fn an_unnamed_statement_whose_preparation_is_not_answered_is_waited_for() {
    for own in [false, true] {
        let mut talk = Talk::new();
        talk.prepared("", "select 1");
        talk.detach();
        talk.attach(fresh());
        talk.parse("b", "selekt");
        if own {
            talk.parse("", "select 2");
        }
        talk.bind("");
        talk.execute();
        talk.sync();
        assert_eq!(talk.bind(""), Flow::Hold);
        assert_eq!(talk.describe(""), Flow::Hold);
        talk.reply("3 E:42601 Z:I");
        talk.forget();
        talk.bind("");
        assert_eq!(talk.sent(), "Parse - select 1 | Bind - -", "own: {own}");
    }
}

/// Pipelines stay pipelines.
#[test]
fn an_unnamed_statement_of_the_same_group_is_not_waited_for() {
    let mut talk = Talk::new();
    talk.extended("select 1");
    talk.parse("", "select 2");
    assert_eq!(talk.bind(""), Flow::Forward);
}

/// The server has answered everything, and waits for more.
#[test]
fn close_is_answered_at_once_where_nothing_else_is() {
    let mut talk = Talk::new();
    talk.prepared("a", "select 1");
    talk.parse("", "select 2");
    talk.client(crate::wire::frontend::FLUSH, b"");
    talk.reply("1");
    talk.close("a");
    talk.client(crate::wire::frontend::FLUSH, b"");
    assert_eq!(talk.told(), "1 3");
    talk.sync();
    talk.reply("Z:I");
    assert_eq!(talk.told(), "Z:I");
}

#[test]
fn a_deallocate_that_is_not_answered_counts() {
    let mut talk = Talk::new();
    talk.prepared("a", "select 1");
    talk.parse("", "deallocate a");
    talk.bind("");
    talk.execute();
    talk.parse("a", "select 2");
    assert!(
        talk.sent().ends_with("Close #2 | Parse #2 select 2"),
        "the name is free"
    );
    talk.sync();
    assert_eq!(talk.bind("a"), Flow::Hold, "it may fail");
    talk.reply("1 2 I 3 1 Z:I");
    assert_eq!(talk.told(), "1 2 C:DEALLOCATE 1 Z:I");
    talk.bind("a");
    assert_eq!(talk.sent(), "Sync | Bind - #2");
}

#[test]
fn a_name_that_could_not_be_given_is_given_again() {
    let mut talk = Talk::new();
    talk.prepared("a", "select 1");
    for told in ["3 E:40001 Z:I", "3 1 Z:I"] {
        assert_eq!(talk.query("execute a"), Flow::Hold);
        assert_eq!(talk.sent(), "Close a | Parse a select 1 | Sync");
        talk.reply(told);
        assert_eq!(talk.query("execute a"), Flow::Forward);
        talk.reply("C:SELECT_1 Z:I C:SELECT_0 Z:I");
        talk.forget();
    }
    assert_eq!(talk.query("execute a"), Flow::Forward);
}

/// In between, its table may have become another one: "cached plan must not change result type"
/// is for those only who prepared it before.
#[test]
fn a_server_that_analysed_a_statement_before_its_client_did_does_so_anew() {
    let options = options();
    let mut one = Talk::of(&options, 1, &[]);
    let mut two = Talk::of(&options, 2, &[]);
    one.attach(fresh());
    one.prepared("a", "select * from t");
    let old = one.detach();
    two.attach(fresh());
    two.prepared("a", "select * from t");
    let new = two.detach();
    two.attach(old);
    two.bind("a");
    assert_eq!(
        two.sent(),
        "Close #1 | Parse #1 select * from t | Bind - #1"
    );
    two.sync();
    two.reply("3 1 2 Z:I");
    one.attach(new);
    one.bind("a");
    assert_eq!(one.sent(), "Bind - #1");
}

#[test]
fn a_deallocate_among_other_statements_drops_its_own_only() {
    let mut talk = Talk::new();
    talk.prepared("a", "select 1");
    talk.query("deallocate c; select 1");
    talk.reply("C:DEALLOCATE T:a D:1 C:SELECT_1 Z:I");
    talk.forget();
    talk.bind("a");
    assert_eq!(talk.sent(), "Bind - #1");
}

/// A function can drop prepared statements.
#[test]
fn a_statement_that_is_gone_unseen_is_prepared_again() {
    let mut talk = Talk::new();
    talk.prepared("a", "select 1");
    talk.bind("a");
    talk.sync();
    let mut raw = bytes::BytesMut::new();
    let message = "prepared statement \"dsql_proxy_1\" does not exist";
    ErrorResponse::error(SqlState::INVALID_STATEMENT_NAME, message).encode(&mut raw);
    talk.frame(&raw);
    talk.reply("Z:I");
    assert_eq!(talk.told(), "E:26000 Z:I");
    assert!(talk.error().message.contains("\"a\""));
    talk.forget();
    talk.bind("a");
    assert!(talk.sent().starts_with("Close #1 | Parse #1 select 1"));
}

/// In the middle of a group, which it ends.
#[test]
fn sql_finds_a_name_that_its_own_group_has_prepared() {
    for sql in ["deallocate a", "execute a", "prepare a as select 2"] {
        let mut talk = Talk::new();
        talk.parse("a", "select 1");
        talk.forget();
        assert_eq!(talk.query(sql), Flow::Forward);
        let sent = talk.sent();
        assert_eq!(sent, format!("Close a | Parse a select 1 | Query {sql}"));
    }
}

/// The server may have another session's statement by that name.
#[test]
fn a_name_of_ours_is_nobodys() {
    let options = options();
    let mut one = Talk::of(&options, 1, &[]);
    let mut two = Talk::of(&options, 2, &[]);
    one.attach(fresh());
    one.prepared("a", "select 'secret'");
    two.attach(one.detach());
    two.bind("dsql_proxy_1");
    two.execute();
    two.sync();
    assert!(!two.sent().contains("Bind - #1"));
    two.reply("E:42703 Z:I");
    two.describe("dsql_proxy_1");
    two.sync();
    assert!(!two.sent().contains("Describe #1"));
    two.reply("E:42703 Z:I");
    assert_eq!(two.told(), "E:26000 Z:I E:26000 Z:I");
}

/// The client has closed its statement and prepared another one of that name, in one group. Both
/// may change parameters, so that both are prepared for this session alone.
#[test]
fn a_name_that_is_given_anew_means_the_new_statement() {
    let mut talk = Talk::new();
    talk.prepared("a", "select f()");
    talk.bind("a");
    talk.execute();
    talk.sync();
    assert_eq!(
        talk.sent(),
        "Close #2 | Parse #2 select f() | Bind - #2 | Execute - | Sync"
    );
    talk.reply("3 1 2 C:SELECT_1 Z:I C:SELECT_0 Z:I");
    talk.parse("", "select 1");
    talk.close("a");
    talk.parse("a", "select g()");
    talk.forget();
    talk.bind("a");
    assert_eq!(talk.sent(), "Bind - #3");
}
