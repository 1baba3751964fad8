//! What PostgreSQL runs in place of a statement.

use super::{Verdict, judge};

#[test]
fn statements_of_dsqls_own() {
    let mut wrong = Vec::new();
    for (statement, sql, tag) in [
        (
            "CREATE INDEX ASYNC i ON t (a)",
            "SELECT pg_catalog.dsql_local_create_index('CREATE INDEX i ON t (a)', false) AS job_id",
            "CREATE INDEX",
        ),
        (
            "create unique index async if not exists \"i\" on s.t (lower(a) NULLS FIRST) include (b) where c = 'x'",
            "SELECT pg_catalog.dsql_local_create_index('create index if not exists \"i\" on s.t (lower(a) NULLS FIRST) include (b) where c = ''x''', true) AS job_id",
            "CREATE INDEX",
        ),
        (
            "CREATE INDEX ASYNC ON t ((a + 1)) -- it's",
            "SELECT pg_catalog.dsql_local_create_index('CREATE INDEX ON t ((a + 1)) -- it''s', false) AS job_id",
            "CREATE INDEX",
        ),
        (
            "CREATE/**/UNIQUE/**/INDEX/**/ASYNC/**/i ON t (a)",
            "SELECT pg_catalog.dsql_local_create_index('CREATE/**//**/INDEX/**//**/i ON t (a)', true) AS job_id",
            "CREATE INDEX",
        ),
        (
            "CREATE UNIQUE INDEX IF NOT EXISTS i ON ONLY s.\"t's\" (lower(a)) WHERE a <> ''",
            "CALL pg_catalog.dsql_local_create_index_sync('CREATE UNIQUE INDEX IF NOT EXISTS i ON ONLY s.\"t''s\" (lower(a)) WHERE a <> ''''', 's.\"t''s\"')",
            "CREATE INDEX",
        ),
        (
            "ALTER TABLE ASYNC s.\"T\" VALIDATE CONSTRAINT \"C's\";",
            "SELECT pg_catalog.dsql_local_validate_constraint('s.\"T\"', 'C''s') AS job_id",
            "ALTER TABLE",
        ),
        (
            "ALTER TABLE ASYNC IF EXISTS ONLY t VALIDATE CONSTRAINT Abc",
            "SELECT pg_catalog.dsql_local_validate_constraint('t', 'abc') AS job_id",
            "ALTER TABLE",
        ),
        (
            "aws iam grant App to 'arn:aws:iam::123456789012:role/x'",
            "CALL pg_catalog.dsql_local_iam_grant('app', 'arn:aws:iam::123456789012:role/x')",
            "AWS IAM GRANT",
        ),
        (
            "AWS IAM REVOKE \"App\" FROM 'it''s'",
            "CALL pg_catalog.dsql_local_iam_revoke('App', 'it''s')",
            "AWS IAM REVOKE",
        ),
    ] {
        let expected = Verdict::Rewrite {
            sql: sql.into(),
            tag: Some(tag),
        };
        let found = judge(statement.as_bytes()).verdict;
        if found != expected {
            wrong.push((statement, found));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_does_nothing_in_dsql() {
    for (statement, sql) in [
        (
            "ALTER TABLE IF EXISTS t DISABLE TRIGGER ALL",
            "ALTER TABLE IF EXISTS t REPLICA IDENTITY DEFAULT",
        ),
        (
            "ALTER TABLE t ENABLE TRIGGER USER, ADD a int STORAGE PLAIN, ADD b int",
            "ALTER TABLE t REPLICA IDENTITY DEFAULT, ADD a int , ADD b int",
        ),
        (
            "CREATE TABLE t (a text STORAGE EXTERNAL NOT NULL, b int)",
            "CREATE TABLE t (a text  NOT NULL, b int)",
        ),
    ] {
        let expected = Verdict::Rewrite {
            sql: sql.into(),
            tag: None,
        };
        assert_eq!(judge(statement.as_bytes()).verdict, expected, "{statement}");
    }
}

#[test]
fn what_is_cut_short_is_a_syntax_error() {
    for statement in [
        "AWS IAM GRANT",
        "AWS IAM GRANT r",
        "AWS IAM GRANT r TO",
        "AWS IAM GRANT r TO 'a' x",
        "AWS IAM GRANT r FROM 'a'",
        "CREATE INDEX ASYNC i",
        "CREATE INDEX ASYNC i ON t",
        "ALTER TABLE ASYNC t VALIDATE CONSTRAINT",
        "ALTER TABLE ASYNC t ADD a int",
    ] {
        let verdict = judge(statement.as_bytes()).verdict;
        assert_eq!(verdict, Verdict::Allow, "{statement}");
    }
}

#[test]
fn bytes_stay_what_they_are() {
    let verdict = judge(b"CREATE INDEX ASYNC \xff ON t (a)").verdict;
    let Verdict::Rewrite { sql, .. } = verdict else {
        panic!("{verdict:?}")
    };
    assert!(sql.windows(3).any(|w| w == b" \xff "));
}

#[test]
fn nobody_is_asked_to_wait() {
    for (statement, expected) in [
        (
            "SELECT * FROM t FOR UPDATE NOWAIT",
            "SELECT * FROM t FOR UPDATE ",
        ),
        (
            "SELECT nowait FROM t, s.u FOR KEY SHARE OF t, \"s\".u SKIP /* */ LOCKED FOR UPDATE nowait -- x",
            "SELECT nowait FROM t, s.u FOR KEY SHARE OF t, \"s\".u  FOR UPDATE  -- x",
        ),
    ] {
        let expected = Verdict::Rewrite {
            sql: expected.into(),
            tag: None,
        };
        assert_eq!(judge(statement.as_bytes()).verdict, expected, "{statement}");
    }
    for statement in [
        "SELECT * FROM t FOR UPDATE",
        "SELECT nowait FROM t FOR UPDATE OF nowait",
        "SELECT 'FOR UPDATE NOWAIT'",
    ] {
        assert_eq!(
            judge(statement.as_bytes()).verdict,
            Verdict::Allow,
            "{statement}"
        );
    }
}
