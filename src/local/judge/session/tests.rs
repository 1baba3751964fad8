use super::*;

fn refusal(statement: &str) -> (&'static str, String) {
    match judge(statement.as_bytes()) {
        Verdict::Refuse(refusal) => (refusal.sqlstate, refusal.message),
        other => panic!("{statement}: {other:?}"),
    }
}

fn rewritten(statement: &str) -> String {
    match judge(statement.as_bytes()) {
        Verdict::Rewrite { sql, .. } => String::from_utf8(sql).unwrap(),
        other => panic!("{statement}: {other:?}"),
    }
}

#[test]
fn every_rule_has_a_kind_of_its_own() {
    for (i, (kind, _)) in RULES.iter().enumerate() {
        assert!(
            RULES.iter().skip(i + 1).all(|(other, _)| other != kind),
            "{kind:?}"
        );
    }
}

#[test]
fn allowed() {
    for statement in [
        "",
        "SELECT 1",
        "BEGIN",
        "START TRANSACTION READ WRITE",
        "BEGIN ISOLATION LEVEL REPEATABLE READ",
        "BEGIN ISOLATION /* SERIALIZABLE */ LEVEL repeatable read -- SERIALIZABLE",
        "SET search_path = a, b",
        "SET LOCAL \"TimeZone\" TO 'UTC'",
        "SET TIME ZONE LOCAL",
        "SET NAMES 'UTF8'",
        "SET SCHEMA 'a'",
        "SET CONSTRAINTS ALL IMMEDIATE",
        "SET SESSION AUTHORIZATION DEFAULT",
        "RESET ALL",
        "RESET work_mem",
        "RESET ROLE",
        "SHOW work_mem",
        "SET nonsense",
        "UPDATE t SET work_mem = 1",
    ] {
        assert_eq!(judge(statement.as_bytes()), Verdict::Allow, "{statement}");
    }
}

#[test]
fn refused() {
    let parameter = |name: &str| {
        (
            "0A000",
            format!("setting configuration parameter \"{name}\" not supported"),
        )
    };
    assert_eq!(refusal("SET Work_Mem = 1"), parameter("work_mem"));
    assert_eq!(refusal("SET \"Work_Mem\" = 1"), parameter("Work_Mem"));
    assert_eq!(refusal("SET a.b TO 1"), parameter("a.b"));
    assert_eq!(
        refusal("SET dsql_local.server_version = '1'"),
        parameter("dsql_local.server_version")
    );
    assert_eq!(refusal("SET LOCAL ROLE x"), parameter("role"));
    assert_eq!(
        refusal("SET SESSION AUTHORIZATION x"),
        parameter("session_authorization")
    );
    assert_eq!(
        refusal("SET TRANSACTION READ ONLY"),
        parameter("TRANSACTION")
    );
    let level = |name: &str| ("0A000", format!("Unsupported isolation level: {name}"));
    assert_eq!(
        refusal("begin isolation level serializable"),
        level("SERIALIZABLE")
    );
    assert_eq!(
        refusal("BEGIN READ ONLY, ISOLATION LEVEL READ COMMITTED"),
        level("READ COMMITTED")
    );
    for statement in [
        "SET U&\"jit\" = 1",
        "SET LOCAL U&\"!006ait\" UESCAPE '!' TO 1",
        "SHOW U&\"server_version\"",
    ] {
        let (state, message) = refusal(statement);
        assert_eq!(state, "0A000", "{statement}");
        assert!(message.contains("U&\""), "{message}");
    }
    assert_eq!(
        refusal("SHOW LC_CTYPE"),
        (
            "42704",
            "unrecognized configuration parameter \"lc_ctype\"".to_owned()
        )
    );
}

#[test]
fn renamed_parameters() {
    assert_eq!(
        rewritten("SHOW Server_Version;"),
        "SHOW dsql_local.server_version"
    );
    assert!(rewritten("show all;").starts_with("SELECT name, "));
    assert_eq!(
        rewritten("RESET max_connections"),
        "RESET dsql_local.max_connections"
    );
    assert_eq!(
        rewritten("SET LOCAL disable_sync_create_index = 'on'"),
        "SET LOCAL dsql_local.disable_sync_create_index TO 'on'"
    );
    assert_eq!(
        rewritten("SET disable_sync_create_index TO DEFAULT"),
        "SET dsql_local.disable_sync_create_index TO DEFAULT"
    );
}
