//! The notation, and what is made of it.

use crate::conformance::expand::{Names, expand};
use crate::conformance::{
    Block, Expectation, Mark, Message, Probe, Protocol, Status, Variant, parse,
};

const HEAD: &str = "## Group\n@source somewhere\n";

fn one(line: &str) -> Probe {
    let mut probes = parse("test", &format!("{HEAD}{line}")).unwrap();
    assert_eq!(probes.len(), 1);
    probes.remove(0)
}

#[test]
fn a_line_is_a_probe() {
    let probe = one("TRUNCATE t   => !0A000 unsupported statement: Truncate");
    assert_eq!(probe.place(), "test:3");
    assert_eq!(probe.steps[0].text, "TRUNCATE t");
    assert_eq!(probe.steps[0].session, 'a');
    assert_eq!(
        probe.steps[0].expect.to_string(),
        "error 0A000 unsupported statement: Truncate"
    );
}

#[test]
fn answers() {
    for (text, shown) in [
        ("!25P02", "error 25P02"),
        ("!* whatever the state", "error whatever the state"),
        ("!22P02 the beginning…", "error 22P02 the beginning…"),
        ("SELECT *", "SELECT *"),
        ("SELECT 2 = 1|a / |*", "SELECT 2 = 1|a / |*"),
        (
            "BEGIN + CREATE INDEX = {job}",
            "BEGIN + CREATE INDEX = <job id>",
        ),
        ("ok", "success"),
        ("closed", "a closed connection"),
    ] {
        let probe = one(&format!("SELECT f(a => 1) => {text}"));
        assert_eq!(probe.steps[0].text, "SELECT f(a => 1)");
        assert_eq!(probe.steps[0].expect.to_string(), shown, "{text}");
    }
    let prefix = one("x => !22P02 the beginning…");
    let Expectation::Error { message, .. } = &prefix.steps[0].expect else {
        panic!("{prefix:?}");
    };
    assert_eq!(*message, Message::Prefix("the beginning".to_owned()));
}

#[test]
fn marks_statuses_sessions_and_data() {
    let probe = one("[inferred simple] BEGIN; SELECT 1 => BEGIN + SELECT 1 [T]");
    assert_eq!(probe.marks, [Mark::Inferred, Mark::Simple]);
    assert_eq!(probe.steps[0].status, Some(Status::InTransaction));

    let script = one(
        "probe two \\\n  sessions\n    a: BEGIN => BEGIN\n    b: COPY t FROM STDIN => COPY 2\n    < 1\n    < 2\n",
    );
    assert!(script.is_script);
    assert_eq!(script.title, "two sessions");
    assert_eq!(script.steps[1].session, 'b');
    assert_eq!(script.steps[1].data, ["1", "2"]);
}

#[test]
fn a_setup_and_marks_hold_for_their_group() {
    let text = "## One\n@source s\n@setup CREATE TABLE t (i int)\n@marks inferred\nTABLE t => SELECT 0\n\
                ## Two\n@source s\nSELECT 1 => SELECT 1\n";
    let probes = parse("test", text).unwrap();
    assert_eq!(probes[0].setup.steps.len(), 1);
    assert!(probes[0].is(Mark::Inferred));
    assert!(probes[1].setup.steps.is_empty());
    assert!(!probes[1].is(Mark::Inferred));
}

#[test]
fn what_makes_no_sense_is_said_with_its_line() {
    for (text, line, why) in [
        (
            "SELECT 1 => SELECT 1",
            1,
            "a file begins with a group: `## title`",
        ),
        (
            "## G\n\n# c\nSELECT 1 => SELECT 1",
            4,
            "its group has no `@source`",
        ),
        (
            "## G\n@source s\nSELECT 1",
            3,
            "expected `STATEMENT => ANSWER`",
        ),
        (
            "## G\n@source s\nx => !0A0 y",
            3,
            "`0A0` is no SQLSTATE: five digits or capital letters",
        ),
        (
            "## G\n@source s\nx => select",
            3,
            "`select` is no command tag; an error begins with `!`",
        ),
        (
            "## G\n@source s\n[slow] x => Y",
            3,
            "there is no mark `slow`",
        ),
        (
            "## G\n@source s\n[simple x => Y",
            3,
            "the bracket around the marks is not closed",
        ),
        (
            "## G\n@sauce s",
            2,
            "there is no `@sauce`: source, setup or marks",
        ),
        (
            "## G\n@source s\nprobe p\nx => Y",
            3,
            "the probe has no statements: indent them below it",
        ),
        (
            "## G\n@source s\n  x => Y",
            3,
            "an indented line belongs to a `probe`, and none is open",
        ),
    ] {
        let error = parse("test", text).unwrap_err();
        assert_eq!((error.line, error.why.as_str()), (line, why), "{text}");
    }
    let error = parse("test", "x => Y").unwrap_err().to_string();
    assert_eq!(
        error,
        "test.probes, line 1: a file begins with a group: `## title`"
    );
}

#[test]
fn names_and_lists() {
    let names = Names::from([("run".to_owned(), "r1".to_owned())]);
    for (text, expanded) in [
        ("CREATE SCHEMA {run}_s", "CREATE SCHEMA r1_s"),
        ("({1..3:c# int})", "(c1 int, c2 int, c3 int)"),
        ("'{1,2}', '{\"a\": {}}', {", "'{1,2}', '{\"a\": {}}', {"),
        ("{nobody}", "{nobody}"),
    ] {
        assert_eq!(expand(text, &names), expanded);
    }
}

#[test]
fn a_statement_runs_in_four_ways() {
    let ways = |line: &str| -> Vec<String> {
        let variants = Variant::of(&one(line));
        variants.iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        ways("SELECT 1 => SELECT 1"),
        [
            "simple",
            "extended",
            "simple in a block",
            "extended in a block"
        ]
    );
    assert_eq!(ways("[outside] VACUUM => !0A000"), ["simple", "extended"]);
    assert_eq!(ways("[once] SELECT 1 => SELECT 1"), ["simple"]);
    assert_eq!(ways("probe p\n    BEGIN => BEGIN"), ["simple", "extended"]);
    assert_eq!(
        ways("SELECT 1; SELECT 2 => SELECT 1 + SELECT 1"),
        ["simple", "simple in a block"]
    );
}

#[test]
fn answers_in_a_block_follow() {
    let inside = Variant {
        protocol: Protocol::Simple,
        block: Block::Inside,
    };
    let shown = |line: &str| -> Vec<String> {
        let steps = inside.steps(&one(line));
        let show = |step: &crate::conformance::Step| format!("{}: {}", step.text, step.expect);
        steps.iter().map(show).collect()
    };
    assert_eq!(
        shown("SELECT 1 => SELECT 1"),
        ["BEGIN: BEGIN", "SELECT 1: SELECT 1", "ROLLBACK: ROLLBACK"]
    );
    assert_eq!(
        shown("VACUUM => !0A000 no"),
        [
            "BEGIN: BEGIN",
            "VACUUM: error 0A000 no",
            "SELECT 1: error 25P02 current transaction is aborted, commands ignored until end of \
             transaction block",
            "COMMIT: ROLLBACK",
        ]
    );
}
