use proptest::prelude::*;

use super::sqlish;
use crate::sql::{StatementKind, single_statement, statements};

fn split(text: &str) -> Vec<&str> {
    statements(text.as_bytes())
        .map(|statement| &text[statement.body])
        .collect()
}

#[test]
fn statements_of_texts() {
    let function = "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END";
    let with_case = "create or replace procedure p() begin /* x */ atomic \
                     insert into t values (case when true then 1 end); select 1 as end; end";
    let labels = "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT t.end, 1 AS case; END";
    let rule = "CREATE RULE r AS ON INSERT TO t DO ALSO (DELETE FROM u; DELETE FROM v)";
    let old = "CREATE FUNCTION f() RETURNS int AS $$ SELECT 1; $$ LANGUAGE sql";
    let two = format!("{function}; SELECT 3");
    for (text, expected) in [
        ("", vec![]),
        (" ", vec![""]),
        (";", vec![""]),
        (";;", vec!["", ""]),
        ("; -- ping", vec!["", ""]),
        ("SELECT 1", vec!["SELECT 1"]),
        ("SELECT 1;", vec!["SELECT 1"]),
        ("SELECT 1;\n", vec!["SELECT 1", ""]),
        (
            " /* a */ SELECT 1 -- b\n; SELECT 2",
            vec!["SELECT 1", "SELECT 2"],
        ),
        (
            "SELECT ';', \";\", $$;$$ /* ; */",
            vec!["SELECT ';', \";\", $$;$$"],
        ),
        ("SELECT 'a; b", vec!["SELECT 'a; b"]),
        (
            "BEGIN; SELECT 1; END; SELECT 2",
            vec!["BEGIN", "SELECT 1", "END", "SELECT 2"],
        ),
        (function, vec![function]),
        (with_case, vec![with_case]),
        (labels, vec![labels]),
        (&two, vec![function, "SELECT 3"]),
        (rule, vec![rule]),
        (old, vec![old]),
        (
            "CREATE FUNCTION begin() AS 'a'; SELECT 1",
            vec!["CREATE FUNCTION begin() AS 'a'", "SELECT 1"],
        ),
        ("SELECT (1; SELECT 2", vec!["SELECT (1; SELECT 2"]),
        ("SELECT 1); SELECT 2", vec!["SELECT 1)", "SELECT 2"]),
    ] {
        assert_eq!(split(text), expected, "{text:?}");
    }
}

#[test]
fn statements_have_kinds() {
    use StatementKind::*;
    let text = b"BEGIN; -- a\n; INSERT INTO t VALUES (1); COMMIT";
    let kinds: Vec<_> = statements(text)
        .map(|statement| statement.kind(text))
        .collect();
    assert_eq!(kinds, [Begin, Empty, Insert, Commit]);
}

#[test]
fn single_statements() {
    for (text, expected) in [
        ("SELECT 1", Some("SELECT 1")),
        (" ; ;SELECT 1 ; -- x", Some("SELECT 1")),
        ("SELECT ';'", Some("SELECT ';'")),
        ("", None),
        (" ; ", None),
        ("SELECT 1; SELECT 2", None),
    ] {
        let found = single_statement(text.as_bytes());
        assert_eq!(found, expected.map(str::as_bytes), "{text:?}");
    }
}

proptest! {
    #[test]
    fn spans_and_semicolons_add_up_to_the_text(text in sqlish()) {
        let mut at = 0;
        for statement in statements(&text) {
            prop_assert_eq!(statement.span.start, at);
            prop_assert!(statement.span.start <= statement.body.start);
            prop_assert!(statement.body.end <= statement.span.end);
            at = statement.span.end + usize::from(statement.ended);
            if statement.ended {
                prop_assert_eq!(text[at - 1], b';');
            }
        }
        prop_assert_eq!(at, text.len());
    }
}
