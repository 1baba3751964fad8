use proptest::prelude::*;

use super::sqlish;
use crate::sql::{Scope, SetStatement, Target, Value, Verb, parse_set};

fn parameter(name: &str) -> Target {
    Target::Parameter(name.to_owned())
}

fn text(text: &str) -> Value<'_> {
    Value::Text(text.as_bytes())
}

#[test]
fn set() {
    use Scope::*;
    for (source, scope, target, value) in [
        (
            "SET Work_Mem = 5",
            Unstated,
            parameter("work_mem"),
            text("5"),
        ),
        (
            "set work_mem to '5 MB' ;",
            Unstated,
            parameter("work_mem"),
            text("'5 MB'"),
        ),
        (
            "SET\"Work_Mem\"=5",
            Unstated,
            parameter("Work_Mem"),
            text("5"),
        ),
        (
            "SET SESSION a TO DEFAULT",
            Session,
            parameter("a"),
            Value::Default,
        ),
        (
            "SET LOCAL a = b, \"c\"",
            Local,
            parameter("a"),
            text("b, \"c\""),
        ),
        (
            "SET /* x */ a -- y\n = /* z */ 1 -- w",
            Unstated,
            parameter("a"),
            text("1"),
        ),
        ("SET a.B.\"C\" = 1", Unstated, parameter("a.b.C"), text("1")),
        (
            "SET a FROM CURRENT",
            Unstated,
            parameter("a"),
            Value::Current,
        ),
        // key words that are names here
        ("SET session = 1", Unstated, parameter("session"), text("1")),
        ("SET local TO 1", Unstated, parameter("local"), text("1")),
        (
            "SET session.a = 1",
            Unstated,
            parameter("session.a"),
            text("1"),
        ),
        (
            "SET LOCAL session.a = 1",
            Local,
            parameter("session.a"),
            text("1"),
        ),
        ("SET role = 'a'", Unstated, parameter("role"), text("'a'")),
        (
            "SET names TO 'utf8'",
            Unstated,
            parameter("names"),
            text("'utf8'"),
        ),
        (
            "SET transaction.a = 1",
            Unstated,
            parameter("transaction.a"),
            text("1"),
        ),
        ("SET time = 1", Unstated, parameter("time"), text("1")),
        (
            "SET constraints = 1",
            Unstated,
            parameter("constraints"),
            text("1"),
        ),
        // forms of key words
        (
            "SET TIME ZONE 'UTC'",
            Unstated,
            Target::TimeZone,
            text("'UTC'"),
        ),
        (
            "SET SESSION TIME ZONE LOCAL",
            Session,
            Target::TimeZone,
            Value::Default,
        ),
        (
            "SET TIME ZONE INTERVAL '+00:00' HOUR TO MINUTE",
            Unstated,
            Target::TimeZone,
            text("INTERVAL '+00:00' HOUR TO MINUTE"),
        ),
        ("SET NAMES 'UTF8'", Unstated, Target::Names, text("'UTF8'")),
        ("SET NAMES", Unstated, Target::Names, Value::Default),
        ("SET LOCAL SCHEMA 'a'", Local, Target::Schema, text("'a'")),
        ("SET ROLE a", Unstated, Target::Role, text("a")),
        ("SET LOCAL ROLE NONE", Local, Target::Role, text("NONE")),
        (
            "SET XML OPTION DOCUMENT",
            Unstated,
            Target::XmlOption,
            text("DOCUMENT"),
        ),
        (
            "SET SESSION AUTHORIZATION DEFAULT",
            Unstated,
            Target::SessionAuthorization,
            Value::Default,
        ),
        (
            "SET SESSION SESSION AUTHORIZATION a",
            Session,
            Target::SessionAuthorization,
            text("a"),
        ),
        (
            "SET LOCAL SESSION AUTHORIZATION 'a'",
            Local,
            Target::SessionAuthorization,
            text("'a'"),
        ),
        (
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
            Unstated,
            Target::Transaction,
            text("ISOLATION LEVEL REPEATABLE READ, READ ONLY"),
        ),
        (
            "SET TRANSACTION READ ONLY",
            Unstated,
            Target::Transaction,
            text("READ ONLY"),
        ),
        (
            "SET TRANSACTION SNAPSHOT 'a'",
            Unstated,
            Target::Transaction,
            text("SNAPSHOT 'a'"),
        ),
        (
            "SET LOCAL TRANSACTION READ ONLY",
            Local,
            Target::Transaction,
            text("READ ONLY"),
        ),
        (
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
            Unstated,
            Target::SessionCharacteristics,
            text("READ WRITE"),
        ),
        (
            "SET CONSTRAINTS ALL DEFERRED",
            Unstated,
            Target::Constraints,
            text("ALL DEFERRED"),
        ),
    ] {
        let expected = SetStatement {
            verb: Verb::Set,
            scope,
            target,
            value,
        };
        assert_eq!(parse_set(source.as_bytes()), Some(expected), "{source:?}");
    }
}

#[test]
fn reset_and_show() {
    use Verb::*;
    for (source, verb, target) in [
        ("RESET Work_Mem", Reset, parameter("work_mem")),
        ("RESET a.b;", Reset, parameter("a.b")),
        ("RESET ALL", Reset, Target::All),
        ("RESET ROLE", Reset, parameter("role")),
        ("RESET TIME ZONE", Reset, Target::TimeZone),
        (
            "RESET SESSION AUTHORIZATION",
            Reset,
            Target::SessionAuthorization,
        ),
        (
            "RESET TRANSACTION ISOLATION LEVEL",
            Reset,
            Target::Transaction,
        ),
        ("SHOW SERVER_VERSION", Show, parameter("server_version")),
        (
            "show transaction isolation level",
            Show,
            Target::Transaction,
        ),
        ("SHOW TIME ZONE", Show, Target::TimeZone),
        ("SHOW ALL", Show, Target::All),
    ] {
        let (scope, value) = (Scope::Unstated, Value::None);
        let expected = SetStatement {
            verb,
            scope,
            target,
            value,
        };
        assert_eq!(parse_set(source.as_bytes()), Some(expected), "{source:?}");
    }
}

#[test]
fn neither() {
    for source in [
        "",
        "SELECT 1",
        "UPDATE t SET a = 1",
        "SET",
        "SET a",
        "SET a 1",
        "SET a =",
        "SET a TO ;",
        "SET a. = 1",
        "SET a + 1",
        "SET 'a' = 1",
        "SET $1 = 1",
        "SET \"a = 1",
        "SET U&\"a\" = 1",
        "SET SESSION",
        "SET TRANSACTION",
        "SET TIME ZONE",
        "SET CATALOG 'a'",
        "SET LOCAL CONSTRAINTS ALL DEFERRED",
        "SET a = 1; SET b = 1",
        "RESET",
        "RESET a b",
        "SHOW",
    ] {
        assert_eq!(parse_set(source.as_bytes()), None, "{source:?}");
    }
    assert_eq!(parse_set(b"SET \xff = 1"), None);
}

#[test]
fn names_as_postgresql_compares_them() {
    for (source, expected) in [
        ("SET \"Work_Mem\" = 1", Some("work_mem")),
        ("SET TIME ZONE 'UTC'", Some("timezone")),
        ("SET NAMES 'UTF8'", Some("client_encoding")),
        ("SET SCHEMA 'a'", Some("search_path")),
        ("SET ROLE a", Some("role")),
        ("SET SESSION AUTHORIZATION a", Some("session_authorization")),
        ("SET XML OPTION CONTENT", Some("xmloption")),
        ("SET TRANSACTION READ ONLY", None),
        ("SET CONSTRAINTS ALL IMMEDIATE", None),
        ("RESET ALL", None),
    ] {
        let found = parse_set(source.as_bytes()).unwrap().target.parameter();
        assert_eq!(found.as_deref(), expected, "{source:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_parse_or_do_not(text in sqlish()) {
        parse_set(&text);
    }

    #[test]
    fn any_name_survives_quoting(name in "[ -~é]{1,12}") {
        let source = format!("SET \"{}\" = 1", name.replace('"', "\"\""));
        let found = parse_set(source.as_bytes()).unwrap();
        prop_assert_eq!(found.target, Target::Parameter(name));
    }
}
