//! Kinds of objects: which ones DSQL drops, renames and alters.

use super::fact::{Answer, CAPABILITIES, INFERRED, LINTER, RECORDED};

/// What DROP works on, by the words behind it. `DROP TRIGGER IF EXISTS x ON t` parses, too, and
/// does nothing (2026-08-07); what has rows of its own in [`super::statements`] is left out.
pub static DROPPED: &[&str] = &[
    "TABLE",
    "VIEW",
    "SEQUENCE",
    "INDEX",
    "SCHEMA",
    "DOMAIN",
    "FUNCTION",
    "ROUTINE",
    "ROLE",
    "USER",
    "GROUP",
    "STATISTICS",
];

/// What DROP does not work on, by the first word behind it.
pub static NOT_DROPPED: &[&str] = &[
    "TYPE",
    "MATERIALIZED",
    "POLICY",
    "TRIGGER",
    "RULE",
    "EXTENSION",
    "AGGREGATE",
    "CAST",
    "COLLATION",
    "CONVERSION",
    "FOREIGN",
    "SERVER",
    "LANGUAGE",
    "PROCEDURAL",
    "PROCEDURE",
    "OPERATOR",
    "PUBLICATION",
    "TEXT",
    "TRANSFORM",
    "ACCESS",
    "EVENT",
];

/// What `ALTER … RENAME` works on.
pub static RENAMED: &[&str] = &[
    "TABLE",
    "VIEW",
    "SEQUENCE",
    "INDEX",
    "SCHEMA",
    "DOMAIN",
    "FUNCTION",
    "ROUTINE",
    "ROLE",
    "USER",
    "GROUP",
    "STATISTICS",
];

/// DROP of anything else.
pub const DROP: Answer =
    Answer::refused("unsupported object in DROP statement", RECORDED, "2026-09");

/// RENAME of anything else.
pub const RENAME: Answer = Answer::refused(
    "unsupported object in RENAME statement",
    RECORDED,
    "2026-09",
);

/// OWNER TO of anything else.
pub const OWNER: Answer = Answer::refused(
    "unsupported object in ALTER OWNER statement",
    INFERRED,
    "2026-10",
);

/// SET SCHEMA of anything else.
pub const SCHEMA: Answer = Answer::refused(
    "unsupported object in ALTER SCHEMA statement",
    INFERRED,
    "2026-10",
);

/// `DROP INDEX CONCURRENTLY`.
pub const DROP_INDEX_CONCURRENTLY: Answer = Answer::refused(
    "CONCURRENTLY not supported for DROP INDEX",
    INFERRED,
    "2026-10",
);

/// `DROP DOMAIN … CASCADE`.
pub const DROP_DOMAIN_CASCADE: Answer = Answer::refused(
    "DROP DOMAIN with CASCADE unsupported",
    CAPABILITIES,
    "2026-10-03",
);

/// `ALTER TYPE`, but for RENAME.
pub const ALTER_TYPE: Answer = Answer::refused("ALTER TYPE not supported", RECORDED, "2026-09");

/// `CREATE TYPE … AS ENUM`. In July 2026 it was `unsupported statement: CreateEnum`.
pub const CREATE_ENUM: Answer = Answer::refused("CREATE TYPE not supported", RECORDED, "2026-09");

/// `CREATE TYPE … AS (…)`.
pub const CREATE_COMPOSITE: Answer =
    Answer::refused("unsupported statement: CompositeType", RECORDED, "2026-09");

/// `CREATE TYPE … AS RANGE`.
pub const CREATE_RANGE: Answer =
    Answer::refused("unsupported statement: CreateRange", RECORDED, "2026-09");

/// `CREATE TYPE name` and `CREATE TYPE name (INPUT = …)`.
pub const CREATE_BASE_TYPE: Answer =
    Answer::refused("unsupported statement: Define", RECORDED, "2026-09");

/// What of ALTER DOMAIN is refused, by its words; `{}` is such a row's words. That SET NOT NULL
/// and ADD are refused was observed, their text was not recorded.
pub static ALTER_DOMAIN: &[&str] = &["SET NOT NULL", "ADD", "VALIDATE CONSTRAINT"];

/// See [`ALTER_DOMAIN`].
pub const ALTER_DOMAIN_TEXT: Answer = Answer::refused(
    "unsupported ALTER DOMAIN {} statement",
    CAPABILITIES,
    "2026-10-03",
);

/// `CREATE UNLOGGED SEQUENCE`, like tables.
pub const UNLOGGED_SEQUENCE: Answer = Answer::refused(
    "UNLOGGED sequence not supported for CREATE SEQUENCE",
    INFERRED,
    "2026-10",
);

/// A temporary view or sequence: `{}` is VIEW or SEQUENCE. Tables have a text of their own.
pub const TEMPORARY: Answer = Answer::refused(
    "TEMPORARY or TEMP {} not supported for CREATE {}",
    LINTER,
    "2026-10",
);
