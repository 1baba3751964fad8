use super::{BeginStatement, Isolation, Modes, begin_statement, transaction_modes};

fn shown(modes: Modes) -> (Option<&'static str>, Option<bool>, Option<bool>) {
    (
        modes.isolation.map(Isolation::as_str),
        modes.read_only,
        modes.deferrable,
    )
}

#[test]
fn lists() {
    for (text, expected) in [
        ("READ ONLY", Some((None, Some(true), None))),
        (
            "isolation level read committed, read write not deferrable",
            Some((Some("read committed"), Some(false), Some(false))),
        ),
        (
            "ISOLATION LEVEL SERIALIZABLE READ ONLY, DEFERRABLE",
            Some((Some("serializable"), Some(true), Some(true))),
        ),
        ("READ ONLY, READ WRITE", Some((None, Some(false), None))),
        ("", None),
        ("READ ONLY,", None),
        (", READ ONLY", None),
        ("READ", None),
        ("SNAPSHOT 'x'", None),
        ("ISOLATION LEVEL CHAOS", None),
    ] {
        let found = transaction_modes(text.as_bytes()).map(shown);
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn begins() {
    for (text, expected) in [
        ("BEGIN", Some(("BEGIN", None))),
        ("begin work;", Some(("BEGIN", None))),
        (
            "/* a */ START TRANSACTION ISOLATION LEVEL READ UNCOMMITTED",
            Some(("START TRANSACTION", Some("read uncommitted"))),
        ),
        (
            "BEGIN TRANSACTION ISOLATION LEVEL repeatable read",
            Some(("BEGIN", Some("repeatable read"))),
        ),
        ("BEGIN; SELECT 1", None),
        ("START", None),
        ("BEGIN x", None),
        ("COMMIT", None),
    ] {
        let found = begin_statement(text.as_bytes())
            .map(|BeginStatement { verb, modes }| (verb, shown(modes).0));
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn levels_have_an_order_and_names() {
    assert!(Isolation::ReadCommitted < Isolation::RepeatableRead);
    assert_eq!(
        Isolation::from_name("read committed"),
        Some(Isolation::ReadCommitted)
    );
    assert_eq!(Isolation::from_name("chaos"), None);
}
