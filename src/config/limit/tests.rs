use super::*;

fn one(text: &str) -> Result<(&'static str, u64), String> {
    entries(text).map(|all| (all[0].0.name, all[0].1))
}

#[test]
fn values_have_the_unit_of_their_limit() {
    for (text, name, number) in [
        ("transaction_rows=100", "transaction_rows", 100),
        ("Transaction-Rows = 100", "transaction_rows", 100),
        ("transaction-age=5s", "transaction_age", 5),
        ("transaction-age=5", "transaction_age", 5),
        ("session-age=1h 30m", "session_age", 5400),
        ("transaction-size=64KiB", "transaction_size", 65_536),
        ("transaction-size=64 kB", "transaction_size", 65_536),
        ("message-size=1mib", "message_size", 1 << 20),
        ("row-size=7", "row_size", 7),
    ] {
        assert_eq!(one(text), Ok((name, number)), "{text}");
    }
    let two = entries("tables=1; views=2").unwrap();
    assert_eq!(two.len(), 2);
}

#[test]
fn every_limit_takes_its_own_value() {
    for limit in settable() {
        let text = format!("{}={}", limit.name, limit.value);
        assert_eq!(one(&text), Ok((limit.name, limit.value)));
    }
}

#[test]
fn what_cannot_be_is_explained() {
    for (text, why) in [
        ("100", "expected NAME=VALUE"),
        ("transaction-row=1", "did you mean `transaction-rows`?"),
        ("nonsense=1", "there are session-age, connections"),
        ("storage=1GiB", "does not enforce"),
        (
            "tables=many",
            "tables: expected a whole number, such as `1000`",
        ),
        ("tables=-1", "expected a whole number"),
        ("tables=0", "expected more than 0"),
        ("tables=5s", "expected a whole number"),
        ("transaction-age=1500ms", "whole seconds"),
        ("transaction-age=soon", "expected a duration"),
        ("row-size=1TB", "expected a size"),
        ("row-size=99999999999999999999", "expected a size"),
        ("row-size=99999999999GiB", "expected a size"),
        ("tables=1;", "expected NAME=VALUE"),
    ] {
        let error = entries(text).unwrap_err();
        assert!(error.contains(why), "{text}: {error}");
    }
}
