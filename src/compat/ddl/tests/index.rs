use super::*;

#[test]
fn becomes_async() {
    for (sql, expected) in [
        ("CREATE INDEX i ON t (a)", "CREATE INDEX ASYNC i ON t (a)"),
        (
            "create unique index on t(a)",
            "create unique index ASYNC on t(a)",
        ),
        (
            "CREATE INDEX CONCURRENTLY i ON t (a);",
            "CREATE INDEX ASYNC i ON t (a);",
        ),
        (
            "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS \"I\" ON ONLY s.\"T\" (a, \"B\")",
            "CREATE UNIQUE INDEX ASYNC IF NOT EXISTS \"I\" ON ONLY s.\"T\" (a, \"B\")",
        ),
        (
            "CREATE INDEX i ON t USING btree (a)",
            "CREATE INDEX ASYNC i ON t (a)",
        ),
        (
            "CREATE INDEX i ON t USING BTREE(a)",
            "CREATE INDEX ASYNC i ON t (a)",
        ),
        (
            "CREATE INDEX i ON t (a ASC, b ASC NULLS FIRST, c NULLS LAST)",
            "CREATE INDEX ASYNC i ON t (a, b NULLS FIRST, c NULLS LAST)",
        ),
        (
            "CREATE INDEX i ON t (a varchar_pattern_ops, b text_pattern_ops ASC, c pg_catalog.int4_ops)",
            "CREATE INDEX ASYNC i ON t (a, b, c)",
        ),
        (
            "CREATE INDEX i ON t (a COLLATE \"C\", (b || 'x') COLLATE pg_catalog.\"POSIX\" text_pattern_ops ASC)",
            "CREATE INDEX ASYNC i ON t (a, (b || 'x'))",
        ),
        (
            "CREATE INDEX i ON t (lower(a), s.f(a, ', b DESC'), (a -> 'DESC'), ((a + 1)))",
            "CREATE INDEX ASYNC i ON t (lower(a), s.f(a, ', b DESC'), (a -> 'DESC'), ((a + 1)))",
        ),
        (
            "CREATE UNIQUE INDEX i ON t (a) INCLUDE (b, c) NULLS NOT DISTINCT WHERE a > 0 AND b IS NOT NULL",
            "CREATE UNIQUE INDEX ASYNC i ON t (a) INCLUDE (b, c) NULLS NOT DISTINCT WHERE a > 0 AND b IS NOT NULL",
        ),
        (
            "-- for the list\nCREATE /* x */ INDEX -- CONCURRENTLY\n  i ON t\n\t(a ASC /* up */,\n\t b) -- all",
            "-- for the list\nCREATE /* x */ INDEX ASYNC -- CONCURRENTLY\n  i ON t\n\t(a /* up */,\n\t b) -- all",
        ),
        (
            "CREATE INDEX i ON t (a)-- USING btree\nWHERE b = 'USING btree (x ASC)' AND c = $$ COLLATE \"C\" $$",
            "CREATE INDEX ASYNC i ON t (a)-- USING btree\nWHERE b = 'USING btree (x ASC)' AND c = $$ COLLATE \"C\" $$",
        ),
        // Key words as quoted names.
        (
            "CREATE INDEX \"ASYNC\" ON \"USING\" (\"ASC\" ASC)",
            "CREATE INDEX ASYNC \"ASYNC\" ON \"USING\" (\"ASC\")",
        ),
    ] {
        assert_eq!(index_plan(sql).sql, expected, "{sql}");
    }
}

#[test]
fn says_what_is_to_be_waited_for() {
    let plan = index_plan(
        "CREATE UNIQUE INDEX IF NOT EXISTS \"I\" ON \"S\".\"a\"\"B\" USING btree (a ASC)",
    );
    assert_eq!(plan.name.as_deref(), Some("\"I\""));
    assert!(plan.unique && plan.if_not_exists);
    assert_eq!(plan.table.sql, "\"S\".\"a\"\"B\"");
    assert_eq!(plan.table.schema.as_deref(), Some("\"S\""));
    assert_eq!(plan.table.name, "a\"B");
    assert_eq!(plan.notices.len(), 3);
    let plan = index_plan("CREATE INDEX ON Tab (a)");
    assert_eq!(plan.name, None);
    assert!(!plan.unique && !plan.if_not_exists);
    assert_eq!(plan.table.name, "tab");
    assert_eq!(plan.notices.len(), 1);
    assert!(plan.notices[0].contains("CREATE INDEX ASYNC"));
}

/// DSQL's own error is about the text that the client wrote.
#[test]
fn what_would_be_another_index_is_left_to_dsql() {
    for sql in [
        "CREATE INDEX i ON t (a DESC)",
        "CREATE INDEX i ON t (a, b DESC NULLS LAST)",
        "CREATE INDEX i ON t USING gin (a)",
        "CREATE INDEX i ON t USING hash (a)",
        "CREATE INDEX i ON t (a gin_trgm_ops)",
        "CREATE INDEX i ON t (a bpchar_pattern_ops)",
        "CREATE INDEX i ON t (a public.text_ops)",
        "CREATE INDEX i ON t (a text_ops(x = 1))",
        "CREATE INDEX i ON t (a COLLATE \"de_DE\")",
        "CREATE INDEX i ON t (a COLLATE c)",
        "CREATE INDEX i ON t (a) WITH (fillfactor = 70)",
        "CREATE INDEX i ON t (a) TABLESPACE x",
        "CREATE INDEX s.i ON t (a)",
        "CREATE INDEX i ON t",
        "CREATE INDEX i ON t (a) garbage",
        "CREATE INDEX i ON t (a) WHERE",
        "CREATE INDEX i ON t. (a)",
    ] {
        passes(sql);
    }
}

/// Who writes ASYNC knows DSQL and waits for the row with the job.
#[test]
fn async_stays_the_clients() {
    passes("CREATE INDEX ASYNC i ON t (a)");
    passes("CREATE INDEX CONCURRENTLY ASYNC ON t (a)");
    assert_eq!(
        rewritten("CREATE INDEX ASYNC i ON t USING btree (a ASC)"),
        "CREATE INDEX ASYNC i ON t (a)"
    );
}

#[test]
fn drop_index_needs_no_concurrently() {
    for (sql, expected) in [
        ("DROP INDEX CONCURRENTLY i", "DROP INDEX i"),
        (
            "DROP INDEX CONCURRENTLY IF EXISTS \"a\", b CASCADE;",
            "DROP INDEX IF EXISTS \"a\", b CASCADE;",
        ),
        ("DROP INDEX \"CONCURRENTLY\"", "DROP INDEX \"CONCURRENTLY\""),
    ] {
        assert_eq!(rewritten(sql), expected);
    }
}
