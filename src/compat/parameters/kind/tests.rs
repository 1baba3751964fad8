use super::super::parameter;
use super::{Kind, boolean, join};

/// What SHOW has after SET, or the error and its HINT. From PostgreSQL 16.14.
#[test]
fn values_and_errors() {
    for (name, text, expected) in [
        ("statement_timeout", "30000", "30s"),
        ("statement_timeout", "2min", "2min"),
        ("statement_timeout", "1.5s", "1500ms"),
        ("statement_timeout", "1.6", "2ms"),
        ("statement_timeout", " 90 min ", "90min"),
        ("statement_timeout", "100us", "0"),
        ("statement_timeout", "0x10", "16ms"),
        ("lock_timeout", "30.1s", "30100ms"),
        ("lock_timeout", "1.00001min", "1min"),
        ("lock_timeout", "24h", "1d"),
        ("work_mem", "64", "64kB"),
        ("work_mem", "1GB", "1GB"),
        ("temp_buffers", "16MB", "16MB"),
        ("max_stack_depth", "2048", "2MB"),
        ("vacuum_cost_delay", "1.5ms", "1500us"),
        ("vacuum_cost_delay", "0", "0"),
        ("cursor_tuple_fraction", "0.3333333333", "0.333333"),
        ("random_page_cost", "1e10", "1e+10"),
        ("seed", "-1", "-1"),
        ("jit", "OF", "off"),
        ("jit", "t", "on"),
        ("client_min_messages", "WARNING", "warning"),
        ("client_min_messages", "debug", "debug2"),
        ("client_min_messages", "info", "info"),
        ("synchronous_commit", "TRUE", "on"),
        ("wal_compression", "on", "pglz"),
        (
            "default_transaction_isolation",
            "Serializable",
            "serializable",
        ),
        ("default_tablespace", "", ""),
        (
            "statement_timeout",
            "-1",
            "-1 ms is outside the valid range for parameter \"statement_timeout\" (0 .. 2147483647)",
        ),
        (
            "statement_timeout",
            "5 x",
            "invalid value for parameter \"statement_timeout\": \"5 x\"; Valid units for this \
             parameter are \"us\", \"ms\", \"s\", \"min\", \"h\", and \"d\".",
        ),
        (
            "statement_timeout",
            "abc",
            "invalid value for parameter \"statement_timeout\": \"abc\"",
        ),
        (
            "lock_timeout",
            "25d",
            "invalid value for parameter \"lock_timeout\": \"25d\"; Value exceeds integer range.",
        ),
        (
            "work_mem",
            "5 ms",
            "invalid value for parameter \"work_mem\": \"5 ms\"; Valid units for this parameter \
             are \"B\", \"kB\", \"MB\", \"GB\", and \"TB\".",
        ),
        (
            "commit_siblings",
            "5s",
            "invalid value for parameter \"commit_siblings\": \"5s\"",
        ),
        (
            "work_mem",
            "1",
            "1 kB is outside the valid range for parameter \"work_mem\" (64 .. 2147483647)",
        ),
        (
            "cpu_tuple_cost",
            "-1",
            "-1 is outside the valid range for parameter \"cpu_tuple_cost\" (0 .. 1.79769e+308)",
        ),
        ("jit", "maybe", "parameter \"jit\" requires a Boolean value"),
        ("jit", "o", "parameter \"jit\" requires a Boolean value"),
        ("jit", "", "parameter \"jit\" requires a Boolean value"),
        (
            "xmloption",
            "foo",
            "invalid value for parameter \"xmloption\": \"foo\"; Available values: content, \
             document.",
        ),
    ] {
        let kind = parameter(name).unwrap().kind;
        let found = match kind.read(name, text) {
            Ok(value) => value.shown,
            Err(error) => {
                assert_eq!(error.sqlstate.as_str(), "22023");
                match error.hint {
                    Some(hint) => format!("{}; {hint}", error.message),
                    None => error.message,
                }
            }
        };
        assert_eq!(found, expected, "{name} = {text:?}");
    }
}

#[test]
fn numbers_count_in_the_unit_of_the_parameter() {
    let number = |name: &str, text: &str| {
        let kind = parameter(name).unwrap().kind;
        kind.read(name, text).unwrap().number
    };
    assert_eq!(number("statement_timeout", "1min"), 60_000);
    assert_eq!(number("jit", "yes"), 1);
    assert_eq!(number("client_min_messages", "log"), 5);
}

#[test]
fn several_values() {
    let values = ["a".to_owned(), "B c".to_owned()];
    let list = |quoted| Some(Kind::List { quoted });
    assert_eq!(join("x", list(true), &values).unwrap(), "a, \"B c\"");
    assert_eq!(join("x", list(false), &values).unwrap(), "a, B c");
    let error = join("jit", Some(Kind::Bool), &values).unwrap_err();
    assert_eq!(error.message, "SET jit takes only one argument");
    assert!(join("a.b", None, &values).is_err());
}

#[test]
fn words_for_on_and_off() {
    assert_eq!(boolean("FAL"), Some(false));
    assert_eq!(boolean("n"), Some(false));
    assert_eq!(boolean("truely"), None);
}
