use super::*;
use crate::dsql::{alter_table, indexes, objects, statements, tables, types};

fn of(statement: &str, message: &str) -> Option<String> {
    hint(statement.as_bytes(), "0A000", message)
}

#[test]
fn what_to_do_instead() {
    for (statement, message, expected) in [
        (
            "TRUNCATE t",
            "unsupported statement: Truncate",
            "at most 3000 in a transaction",
        ),
        (
            "CREATE DATABASE x",
            "unsupported statement: Createdb",
            "CREATE SCHEMA",
        ),
        (
            "/* x */ CREATE DATABASE \"prisma_migrate_shadow_db_1b2c\"",
            "unsupported statement: Createdb",
            "shadowDatabaseUrl = env(\"SHADOW_DATABASE_URL\")",
        ),
        (
            "CREATE EXTENSION \"uuid-ossp\"",
            "unsupported statement: CreateExtension",
            "gen_random_uuid()",
        ),
        (
            "CREATE TEMP TABLE t (a int)",
            tables::TEMPORARY.text,
            "no temporary tables",
        ),
        (
            "CREATE TABLE t (a int) INHERITS (u)",
            "INHERITS clause not supported for CREATE TABLE",
            "Repeat the parent's columns",
        ),
        (
            "CREATE TABLE t (a int) PARTITION BY RANGE (a)",
            "PARTITION BY clause not supported for CREATE TABLE",
            "no partitions",
        ),
        (
            "CREATE TABLE t AS SELECT 1",
            statements::CREATE_TABLE_AS.text,
            "INSERT … SELECT",
        ),
        (
            "CREATE MATERIALIZED VIEW v AS SELECT 1",
            statements::CREATE_TABLE_AS.text,
            "no materialized views",
        ),
        (
            "CREATE TYPE a AS ENUM ('x')",
            objects::CREATE_ENUM.text,
            "CREATE DOMAIN",
        ),
        (
            "CREATE TABLE t (a text[], id int GENERATED ALWAYS AS IDENTITY)",
            "datatype text[] not supported",
            "Instead of an array",
        ),
        (
            "CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY)",
            "datatype integer not supported, identity column type must be bigint",
            "change the type to bigint",
        ),
        (
            "CREATE INDEX ASYNC i ON t (a)",
            "datatype jsonb is not supported in a key",
            "Index an expression",
        ),
        (
            "CREATE INDEX i ON t (a DESC)",
            indexes::SORT_ORDER.text,
            "leave DESC out",
        ),
        (
            "CREATE INDEX i ON t (a gin_trgm_ops)",
            indexes::NOT_ASYNC.text,
            "Write CREATE INDEX ASYNC",
        ),
        (
            "CREATE INDEX i ON t (a COLLATE \"de_DE\")",
            indexes::NOT_ASYNC.text,
            "Leave COLLATE out",
        ),
        (
            "CREATE INDEX i ON t (a DESC)",
            indexes::NOT_ASYNC.text,
            "leave DESC out",
        ),
        (
            "CREATE INDEX CONCURRENTLY i ON t (a) WITH (fillfactor = 70)",
            indexes::CONCURRENTLY.text,
            "leave the WITH (…) out",
        ),
        (
            "ALTER TABLE t ADD UNIQUE (a) WITH (fillfactor = 70)",
            alter_table::ADD_CONSTRAINT.text,
            "a statement of its own",
        ),
        (
            "ALTER TABLE t ALTER a TYPE text, ADD PRIMARY KEY (b)",
            alter_table::COLUMN[0].answer.text,
            "Put it into CREATE TABLE",
        ),
        (
            "CREATE INDEX i ON t USING gin (a)",
            indexes::USING.text,
            "one kind of index",
        ),
        (
            "ALTER TABLE t ADD PRIMARY KEY (a)",
            alter_table::ADD_CONSTRAINT.text,
            "Put it into CREATE TABLE",
        ),
        (
            "ALTER TABLE t ADD a int PRIMARY KEY",
            alter_table::ADD_COLUMN.text,
            "Put it into CREATE TABLE",
        ),
        (
            "ALTER TABLE t ADD a bigint GENERATED ALWAYS AS IDENTITY",
            alter_table::ADD_COLUMN.text,
            "bigserial",
        ),
        (
            "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS 'x'",
            "CREATE FUNCTION with language plpgsql not supported",
            "LANGUAGE sql only",
        ),
        (
            "DO $$ BEGIN END $$",
            "unsupported statement: Do",
            "no PL/pgSQL",
        ),
        (
            "CREATE TRIGGER x",
            "CREATE TRIGGER not supported",
            "no triggers",
        ),
        (
            "SAVEPOINT a",
            "unsupported transaction statement: SAVEPOINT",
            "no savepoints",
        ),
        (
            "ROLLBACK TO a",
            statements::ROLLBACK_TO.text,
            "no savepoints",
        ),
    ] {
        let found = of(statement, message).unwrap_or_else(|| panic!("none for {statement}"));
        assert!(found.contains(expected), "{statement}: {found}");
    }
    let serial = types::DOES_NOT_EXIST.about("bigserial");
    let found = hint(b"ALTER TABLE t ADD a bigserial[]", "42704", &serial).unwrap();
    assert!(found.contains("no serial types"));
}

#[test]
fn nothing_to_add() {
    assert_eq!(of("SELECT 1", "something else"), None);
    assert_eq!(
        hint(b"TRUNCATE t", "42501", "unsupported statement: Truncate"),
        None
    );
    let unknown = types::DOES_NOT_EXIST.about("mood");
    assert_eq!(hint(b"CREATE TABLE t (a mood)", "42704", &unknown), None);
}

/// Every message in the table begins one that DSQL is known to send: otherwise nobody sees the hint.
#[test]
fn the_messages_are_dsqls() {
    let known: Vec<&str> = statements::REFUSED
        .iter()
        .map(|row| row.answer.text)
        .chain(tables::CLAUSES.iter().map(|row| row.answer.text))
        .chain(alter_table::TABLE.iter().map(|row| row.answer.text))
        .chain([
            tables::TEMPORARY.text,
            tables::UNLOGGED.text,
            tables::COLLATE.text,
            tables::EXCLUDE.text,
            types::DOES_NOT_EXIST.text,
            types::NOT_SUPPORTED.text,
            objects::CREATE_ENUM.text,
            objects::ALTER_TYPE.text,
            objects::CREATE_COMPOSITE.text,
            alter_table::ADD_CONSTRAINT.text,
            alter_table::ADD_COLUMN.text,
            alter_table::DROP_PRIMARY_KEY.text,
            alter_table::DROP_KEY_COLUMN.text,
            alter_table::COLUMN[0].answer.text,
            alter_table::COLUMN[2].answer.text,
            indexes::NOT_ASYNC.text,
            indexes::CONCURRENTLY.text,
            indexes::SORT_ORDER.text,
            indexes::USING.text,
            indexes::OPCLASS.text,
            indexes::WITH.text,
            crate::dsql::functions::LANGUAGE.text,
            statements::ROLLBACK_TO.text,
            statements::SYSTEM_ENTITY.text,
            // July 2026.
            "unsupported statement: CreateEnum",
        ])
        .collect();
    for row in HINTS {
        for message in [row.message].iter().chain(row.or) {
            let is_known = known.iter().any(|text| text.starts_with(message));
            assert!(is_known, "{message}");
        }
    }
}
