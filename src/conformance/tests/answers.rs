//! Judging answers, and running against a server that is made up.

use crate::conformance::check::check;
use crate::conformance::client::Reply;
use crate::conformance::expand::Names;
use crate::conformance::{Protocol, parse};
use crate::wire::backend::TransactionStatus;
use crate::wire::{ErrorResponse, SqlState};

/// What is wrong with a reply, if anything.
fn verdict(answer: &str, protocol: Protocol, reply: &Reply) -> Result<(), String> {
    let text = format!("## G\n@source s\nx => {answer}");
    let probes = parse("test", &text).unwrap();
    let mut names = Names::from([("run".to_owned(), "r1".to_owned())]);
    check(&probes[0].steps[0].expect, reply, protocol, &mut names)
}

fn reply(order: &str, tags: &[&str], rows: &[&[&str]]) -> Reply {
    let owned = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
    Reply {
        order: order.to_owned(),
        tags: owned(tags),
        rows: rows.iter().map(|row| owned(row)).collect(),
        error: None,
        status: Some(TransactionStatus::Idle),
    }
}

fn failed(order: &str, code: &str, message: &str) -> Reply {
    let sqlstate = SqlState::parse(code.as_bytes()).unwrap();
    Reply {
        error: Some(ErrorResponse::error(sqlstate, message)),
        ..reply(order, &[], &[])
    }
}

#[test]
fn successes() {
    use Protocol::{Extended, Simple};
    let good = reply("TDCZ", &["SELECT 2"], &[&["1", "a"], &["2", ""]]);
    for answer in [
        "SELECT 2",
        "SELECT *",
        "ok",
        "SELECT 2 = 1|a / 2|",
        "SELECT 2 = *|a… / 2|*",
    ] {
        assert_eq!(verdict(answer, Simple, &good), Ok(()), "{answer}");
    }
    let extended = reply("12TDCZ", &["SELECT 1"], &[&["r1"]]);
    assert_eq!(verdict("SELECT 1 = {run}", Extended, &extended), Ok(()));

    for (answer, came) in [
        ("SELECT 1", "SELECT 2"),
        ("SELECT 2 + SELECT 2", "SELECT 2"),
        ("SELECT 2 = 1|a", "SELECT 2 = 1|a / 2|"),
        ("SELECT 2 = 1|b / 2|", "SELECT 2 = 1|a / 2|"),
        ("SELECT 2 = 1 / 2", "SELECT 2 = 1|a / 2|"),
        ("!0A000", "SELECT 2"),
        ("closed", "SELECT 2"),
    ] {
        assert_eq!(
            verdict(answer, Simple, &good),
            Err(came.to_owned()),
            "{answer}"
        );
    }
}

#[test]
fn errors() {
    use Protocol::{Extended, Simple};
    let refused = failed("EZ", "0A000", "unsupported statement: Lock");
    for answer in [
        "!0A000",
        "!*",
        "!0A000 unsupported statement: Lock",
        "!* unsupported statement…",
    ] {
        assert_eq!(verdict(answer, Simple, &refused), Ok(()), "{answer}");
    }
    let came = Err("error 0A000 unsupported statement: Lock".to_owned());
    for answer in [
        "!42601",
        "!0A000 unsupported statement: L",
        "!* no…",
        "LOCK TABLE",
        "closed",
    ] {
        assert_eq!(verdict(answer, Simple, &refused), came, "{answer}");
    }
    let fatal = Reply {
        error: refused
            .error
            .clone()
            .map(|error| error.severity(crate::wire::Severity::Fatal)),
        ..refused
    };
    assert_eq!(
        verdict("!0A000", Simple, &fatal),
        Err("severity FATAL".to_owned())
    );

    // Only a conflict may come behind CommandComplete, and only at Sync.
    let late = failed("12nCEZ", "40001", "x");
    assert_eq!(verdict("!40001", Extended, &late), Ok(()));
    let late = failed("12nCEZ", "0A000", "x");
    assert!(verdict("!0A000", Extended, &late).is_err());
}

#[test]
fn orders() {
    use Protocol::{Extended, Simple};
    for (protocol, order, is_good) in [
        (Simple, "CZ", true),
        (Simple, "TCTDCZ", true),
        (Simple, "IZ", true),
        (Simple, "GCZ", true),
        (Simple, "HdcCZ", true),
        (Simple, "1CZ", false),
        (Simple, "CZZ", false),
        (Simple, "C", false),
        (Extended, "12nCZ", true),
        (Extended, "12TDCZ", true),
        (Extended, "21nCZ", false),
    ] {
        let verdict = verdict("ok", protocol, &reply(order, &["X"], &[]));
        assert_eq!(verdict.is_ok(), is_good, "{order}: {verdict:?}");
    }
}

#[test]
fn ids_of_jobs() {
    let of = |id: &str| {
        let reply = reply("TDCZ", &["CREATE INDEX"], &[&[id]]);
        verdict("CREATE INDEX = {job}", Protocol::Simple, &reply).is_ok()
    };
    assert!(of("abcdefghijklmnopqrstuvwx27"));
    assert!(!of("abcdefghijklmnopqrstuvwx21"));
    assert!(!of("ABCDEFGHIJKLMNOPQRSTUVWXYZ"));
    assert!(!of("abc"));
}
