mod alter;
mod index;
mod lint;
mod properties;
mod rewrite;
mod serial;

use super::*;

/// The text that takes this one's place, or the same if it passes.
fn rewritten(sql: &str) -> String {
    match plan(sql.as_bytes()) {
        DdlPlan::Pass => sql.to_owned(),
        DdlPlan::Rewrite { sql, .. } => sql,
        DdlPlan::Create(create) => create.at_once.sql,
        other => panic!("{sql}: {other:?}"),
    }
}

fn create_plan(sql: &str) -> CreatePlan {
    match plan(sql.as_bytes()) {
        DdlPlan::Create(create) => create,
        other => panic!("{sql}: {other:?}"),
    }
}

/// The statements of a CREATE TABLE's steps.
fn of_create(create: &CreatePlan) -> Vec<String> {
    let sequences: Vec<_> = create
        .columns
        .iter()
        .map(|column| create.sequence(column, 0))
        .collect();
    let mut all: Vec<_> = sequences.iter().map(|of| of.create.clone()).collect();
    all.push(create.create(&sequences).0);
    all.extend(sequences.iter().map(|of| of.own.clone()));
    all
}

fn index_plan(sql: &str) -> IndexPlan {
    match plan(sql.as_bytes()) {
        DdlPlan::Index(index) => index,
        other => panic!("{sql}: {other:?}"),
    }
}

/// The statements of an ALTER TABLE's steps, and in brackets what else they ask for.
fn steps(sql: &str) -> Vec<String> {
    match plan(sql.as_bytes()) {
        DdlPlan::Alter(alter) => of_steps(&alter.table, &alter.steps),
        other => panic!("{sql}: {other:?}"),
    }
}

fn of_steps(table: &Table, steps: &[AlterStep]) -> Vec<String> {
    let mut all = Vec::new();
    for step in steps {
        match step {
            AlterStep::Run(sql) => all.push(sql.clone()),
            AlterStep::AddColumn(new) => {
                all.extend(new.sequence.iter().map(|of| of.create.clone()));
                all.push(new.add.clone());
                all.extend(new.sequence.iter().map(|of| of.own.clone()));
                if let Some(default) = &new.default {
                    all.push(default.set.clone());
                    let how = if default.each_row { "each row" } else { "once" };
                    all.push(format!("[fill {how}: {}]", default.expression));
                }
                all.extend(of_steps(table, &new.then));
            }
            AlterStep::AddConstraint(constraint) => {
                all.push(constraint.add.clone());
                let name = constraint.name.as_deref().unwrap_or("unnamed");
                all.push(table.validate(name));
            }
            AlterStep::AddUnique(unique) => {
                let name = unique.name(0).unwrap();
                all.push(unique.create_index(&name));
                all.push(unique.add_constraint(&name));
            }
            AlterStep::Validate { constraint } => all.push(table.validate(constraint)),
            AlterStep::SetNotNull { check, .. } => {
                all.push(check.add.clone());
                all.push(table.validate(check.name.as_deref().unwrap()));
            }
            AlterStep::DropNotNull { column, sql } => {
                all.push(sql.clone());
                all.push(format!("[drop the checks for NOT NULL of {column}]"));
            }
            AlterStep::AlterType { column, of, using } => {
                let using = using.as_deref().unwrap_or("assignment");
                all.push(format!("[{column} to {of} by {using}]"));
            }
        }
    }
    all
}

fn passes(sql: &str) {
    assert_eq!(plan(sql.as_bytes()), DdlPlan::Pass, "{sql}");
}

#[test]
fn what_is_no_ddl_or_no_single_statement_passes() {
    for sql in [
        "",
        ";",
        "-- CREATE INDEX i ON t (a)",
        "SELECT 'CREATE INDEX i ON t (a)'",
        "INSERT INTO t VALUES (uuid_generate_v4())",
        "CREATE INDEX i ON t (a); CREATE INDEX j ON t (b)",
        "CREATE INDEX i ON t (a",
        "CREATE INDEX i ON t (a))",
        "CREATE INDEX i ON t (a]",
        "CREATE INDEX i ON t (a) WHERE b = 'x",
        "CREATE INDEX i ON t (a) \\",
        "CREATE VIEW v AS SELECT 1",
        "CREATE FUNCTION uuid_generate_v4() RETURNS uuid LANGUAGE sql AS 'SELECT gen_random_uuid()'",
        "ALTER INDEX i RENAME TO j",
        "DROP INDEX i",
        "DROP TABLE t",
        "GRANT SELECT ON t TO r",
        "EXPLAIN CREATE INDEX i ON t (a)",
    ] {
        passes(sql);
    }
    assert_eq!(plan(b"CREATE INDEX \xff ON t (a)"), DdlPlan::Pass);
}

#[test]
fn which_statements_are_ddl() {
    for (sql, expected) in [
        ("CREATE TABLE t ()", true),
        ("/* x */ alter table t add a int", true),
        ("DROP VIEW v", true),
        ("GRANT SELECT ON t TO r", true),
        ("REVOKE SELECT ON t FROM r", true),
        ("COMMENT ON TABLE t IS 'x'", true),
        ("AWS IAM GRANT r TO 'arn:aws:iam::1:role/x'", true),
        ("AWS", false),
        ("ANALYZE t", false),
        ("TRUNCATE t", false),
        ("SELECT 1", false),
        ("INSERT INTO t VALUES (1)", false),
        ("CALL sys.wait_for_job('x')", false),
        ("BEGIN", false),
        ("SET search_path = a", false),
        ("", false),
    ] {
        assert_eq!(is_ddl(sql.as_bytes()), expected, "{sql}");
    }
}
