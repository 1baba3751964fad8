//! Statements that DSQL refuses whatever they go on with.
//!
//! Most answers are `unsupported statement: ` and the name of PostgreSQL's parse node without
//! `Stmt` (`src/include/nodes/parsenodes.h` of PostgreSQL 16). That this holds for every node is
//! inferred from some twenty recorded ones.

use super::fact::{Answer, GUIDE, INFERRED, LINTER, RECORDED};

/// A statement by its first words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// Its first words in upper case, separated by spaces. `OR REPLACE` behind CREATE is left out.
    pub words: &'static str,
    /// What DSQL says.
    pub answer: Answer,
}

const fn recorded(words: &'static str, text: &'static str) -> Refused {
    Refused {
        words,
        answer: Answer::refused(text, RECORDED, "2026-09"),
    }
}

const fn asserted(words: &'static str, text: &'static str) -> Refused {
    Refused {
        words,
        answer: Answer::refused(text, LINTER, "2026-10"),
    }
}

const fn inferred(words: &'static str, text: &'static str) -> Refused {
    Refused {
        words,
        answer: Answer::refused(text, INFERRED, "2026-10"),
    }
}

/// The statements, in no order: of several rows that fit, the one with the most words counts.
pub static REFUSED: &[Refused] = &[
    recorded("CREATE EXTENSION", "unsupported statement: CreateExtension"),
    recorded("CREATE DATABASE", "unsupported statement: Createdb"),
    recorded("CREATE TRIGGER", "CREATE TRIGGER not supported"),
    inferred("CREATE CONSTRAINT TRIGGER", "CREATE TRIGGER not supported"),
    recorded(
        "CREATE MATERIALIZED VIEW",
        "unsupported statement: CreateTableAs",
    ),
    inferred(
        "CREATE UNLOGGED MATERIALIZED VIEW",
        "unsupported statement: CreateTableAs",
    ),
    recorded("CREATE PROCEDURE", "PROCEDURE is not supported"),
    recorded(
        "CREATE TABLESPACE",
        "unsupported statement: CreateTableSpace",
    ),
    recorded(
        "CREATE FOREIGN TABLE",
        "unsupported statement: CreateForeignTable",
    ),
    recorded("CREATE POLICY", "unsupported statement: CreatePolicy"),
    asserted(
        "CREATE SERVER",
        "unsupported statement: CreateForeignServer",
    ),
    inferred(
        "CREATE FOREIGN DATA WRAPPER",
        "unsupported statement: CreateFdw",
    ),
    inferred(
        "CREATE USER MAPPING",
        "unsupported statement: CreateUserMapping",
    ),
    inferred("CREATE RULE", "unsupported statement: Rule"),
    inferred(
        "CREATE EVENT TRIGGER",
        "unsupported statement: CreateEventTrig",
    ),
    inferred(
        "CREATE PUBLICATION",
        "unsupported statement: CreatePublication",
    ),
    inferred(
        "CREATE SUBSCRIPTION",
        "unsupported statement: CreateSubscription",
    ),
    inferred("CREATE AGGREGATE", "unsupported statement: Define"),
    inferred("CREATE OPERATOR", "unsupported statement: Define"),
    inferred(
        "CREATE OPERATOR CLASS",
        "unsupported statement: CreateOpClass",
    ),
    inferred(
        "CREATE OPERATOR FAMILY",
        "unsupported statement: CreateOpFamily",
    ),
    inferred("CREATE COLLATION", "unsupported statement: Define"),
    inferred("CREATE TEXT SEARCH", "unsupported statement: Define"),
    inferred("CREATE CAST", "unsupported statement: CreateCast"),
    inferred(
        "CREATE CONVERSION",
        "unsupported statement: CreateConversion",
    ),
    inferred(
        "CREATE DEFAULT CONVERSION",
        "unsupported statement: CreateConversion",
    ),
    inferred("CREATE TRANSFORM", "unsupported statement: CreateTransform"),
    inferred("CREATE ACCESS METHOD", "unsupported statement: CreateAm"),
    inferred("CREATE LANGUAGE", "unsupported statement: CreatePLang"),
    inferred(
        "CREATE PROCEDURAL LANGUAGE",
        "unsupported statement: CreatePLang",
    ),
    inferred(
        "CREATE TRUSTED LANGUAGE",
        "unsupported statement: CreatePLang",
    ),
    inferred(
        "CREATE TRUSTED PROCEDURAL LANGUAGE",
        "unsupported statement: CreatePLang",
    ),
    recorded("ALTER SYSTEM", "unsupported statement: AlterSystem"),
    recorded(
        "ALTER TEXT SEARCH CONFIGURATION",
        "unsupported statement: AlterTSConfiguration",
    ),
    inferred(
        "ALTER TEXT SEARCH DICTIONARY",
        "unsupported statement: AlterTSDictionary",
    ),
    inferred("ALTER DATABASE", "unsupported statement: AlterDatabase"),
    inferred(
        "ALTER TABLESPACE",
        "unsupported statement: AlterTableSpaceOptions",
    ),
    inferred("ALTER EXTENSION", "unsupported statement: AlterExtension"),
    inferred("ALTER COLLATION", "unsupported statement: AlterCollation"),
    inferred(
        "ALTER FOREIGN DATA WRAPPER",
        "unsupported statement: AlterFdw",
    ),
    inferred("ALTER SERVER", "unsupported statement: AlterForeignServer"),
    inferred(
        "ALTER USER MAPPING",
        "unsupported statement: AlterUserMapping",
    ),
    inferred(
        "ALTER PUBLICATION",
        "unsupported statement: AlterPublication",
    ),
    inferred(
        "ALTER SUBSCRIPTION",
        "unsupported statement: AlterSubscription",
    ),
    inferred(
        "ALTER EVENT TRIGGER",
        "unsupported statement: AlterEventTrig",
    ),
    inferred("ALTER OPERATOR", "unsupported statement: AlterOperator"),
    inferred(
        "ALTER OPERATOR FAMILY",
        "unsupported statement: AlterOpFamily",
    ),
    asserted("ALTER POLICY", "unsupported statement: AlterPolicy"),
    inferred(
        "ALTER TABLE ALL IN TABLESPACE",
        "unsupported statement: AlterTableMoveAll",
    ),
    inferred(
        "ALTER INDEX ALL IN TABLESPACE",
        "unsupported statement: AlterTableMoveAll",
    ),
    inferred("DROP DATABASE", "unsupported statement: Dropdb"),
    inferred("DROP TABLESPACE", "unsupported statement: DropTableSpace"),
    inferred("DROP OWNED", "unsupported statement: DropOwned"),
    inferred(
        "DROP USER MAPPING",
        "unsupported statement: DropUserMapping",
    ),
    inferred(
        "DROP SUBSCRIPTION",
        "unsupported statement: DropSubscription",
    ),
    inferred("REASSIGN OWNED", "unsupported statement: ReassignOwned"),
    inferred("SECURITY LABEL", "unsupported statement: SecLabel"),
    inferred(
        "IMPORT FOREIGN SCHEMA",
        "unsupported statement: ImportForeignSchema",
    ),
    inferred("CHECKPOINT", "unsupported statement: CheckPoint"),
    inferred("CLUSTER", "unsupported statement: Cluster"),
    inferred("REINDEX", "unsupported statement: Reindex"),
    inferred(
        "REFRESH MATERIALIZED VIEW",
        "unsupported statement: RefreshMatView",
    ),
    asserted("LOAD", "unsupported statement: Load"),
    recorded("LISTEN", "unsupported statement: Listen"),
    recorded("NOTIFY", "unsupported statement: Notify"),
    recorded("UNLISTEN", "unsupported statement: Unlisten"),
    recorded("DECLARE", "unsupported statement: DeclareCursor"),
    inferred("FETCH", "unsupported statement: Fetch"),
    inferred("MOVE", "unsupported statement: Fetch"),
    inferred("CLOSE", "unsupported statement: ClosePortal"),
    recorded("LOCK", "unsupported statement: Lock"),
    recorded("TRUNCATE", "unsupported statement: Truncate"),
    recorded("VACUUM", "unsupported VACUUM statement"),
    asserted("DISCARD", "unsupported statement: Discard"),
    asserted("PREPARE", "unsupported statement: Prepare"),
    inferred("EXECUTE", "unsupported statement: Execute"),
    inferred("DO", "unsupported statement: Do"),
    recorded("SAVEPOINT", "unsupported transaction statement: SAVEPOINT"),
    recorded("RELEASE", "unsupported transaction statement: RELEASE"),
];

/// `ROLLBACK TO [SAVEPOINT]`.
pub const ROLLBACK_TO: Answer = Answer::refused(
    "unsupported transaction statement: ROLLBACK TO",
    RECORDED,
    "2026-09",
);

/// `PREPARE TRANSACTION`, `COMMIT PREPARED` and `ROLLBACK PREPARED`, as `{}`.
pub const TWO_PHASE: Answer =
    Answer::refused("unsupported transaction statement: {}", INFERRED, "2026-10");

/// `COMMIT AND CHAIN` and `ROLLBACK AND CHAIN`, as `{}`. DSQL's grammar has AND NO CHAIN only.
pub const AND_CHAIN: Answer = Answer::refused(
    "unsupported transaction statement: {} AND CHAIN",
    INFERRED,
    "2026-10",
);

/// `BEGIN ISOLATION LEVEL` of anything but REPEATABLE READ; `{}` is the level. SERIALIZABLE is
/// recorded, the others are inferred.
pub const ISOLATION_LEVEL: Answer =
    Answer::refused("Unsupported isolation level: {}", RECORDED, "2026-09");

/// `DEALLOCATE name`; `DEALLOCATE ALL` works. The name is not in DSQL's grammar.
pub const DEALLOCATE: Answer =
    Answer::refused("unsupported statement: Deallocate", LINTER, "2026-10");

/// `CREATE TABLE … AS` and `SELECT … INTO`.
pub const CREATE_TABLE_AS: Answer =
    Answer::refused("unsupported statement: CreateTableAs", RECORDED, "2026-09");

/// COPY from or to a file or a program. STDIN and STDOUT work.
pub const COPY_FILE: Answer = Answer::refused("unsupported COPY statement", LINTER, "2026-10");

/// ANALYZE without the name of a relation.
pub const ANALYZE_ALL: Answer = Answer::refused("unsupported ANALYZE statement", GUIDE, "2026-10");

/// More than one statement that changes the catalog in a transaction.
pub const MULTIPLE_DDL: Answer = Answer::refused(
    "multiple ddl statements not supported in a transaction",
    RECORDED,
    "2026-09",
);

/// Changing the catalog and changing rows in one transaction, in either order.
pub const DDL_AND_DML: Answer = Answer::refused(
    "ddl and dml are not supported in the same transaction",
    RECORDED,
    "2026-09",
);

/// GRANT and REVOKE on a schema that is DSQL's own; `public` is one. That ALTER SCHEMA and DROP
/// SCHEMA get the same answer is inferred.
pub const SYSTEM_ENTITY: Answer = Answer::refused(
    "feature not supported on system entity",
    RECORDED,
    "2026-09",
);

/// What `ALTER DATABASE name` goes on with where its parse node is not `AlterDatabase`, and the
/// answer.
pub static ALTER_DATABASE: &[Refused] = &[
    inferred("SET TABLESPACE", "unsupported statement: AlterDatabase"),
    inferred("SET", "unsupported statement: AlterDatabaseSet"),
    inferred("RESET", "unsupported statement: AlterDatabaseSet"),
    inferred("REFRESH", "unsupported statement: AlterDatabaseRefreshColl"),
];

/// Schemas that are system entities. `public` is recorded, the others are inferred.
pub static SYSTEM_SCHEMAS: &[&str] = &["public", "sys", "pg_catalog", "information_schema"];

/// PostgreSQL's own text for what its grammar does not take; `{}` is the token. DSQL has it, too,
/// as for the dot in `CREATE INDEX schema.name`.
pub const SYNTAX_ERROR: Answer = Answer {
    sqlstate: "42601",
    text: "syntax error at or near \"{}\"",
    source: RECORDED,
    date: "2026-09",
};

#[cfg(test)]
mod tests {
    use super::REFUSED;
    use crate::dsql::fact::NOT_SUPPORTED;

    #[test]
    fn statements_are_told_apart() {
        for (i, row) in REFUSED.iter().enumerate() {
            let others = REFUSED.iter().skip(i + 1);
            assert!(
                others.clone().all(|o| o.words != row.words),
                "{}",
                row.words
            );
            assert_eq!(row.words, row.words.to_ascii_uppercase());
            assert_eq!(row.answer.sqlstate, NOT_SUPPORTED);
            assert!(!row.answer.text.contains("{}"), "{}", row.words);
        }
    }
}
