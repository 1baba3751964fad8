//! CREATE TABLE: its options, and the clauses of its columns.

use super::fact::{Answer, INFERRED, LINTER, RECORDED};

/// TEMP and TEMPORARY, with LOCAL and GLOBAL.
pub const TEMPORARY: Answer = Answer::refused(
    "TEMPORARY or TEMP table not supported for CREATE TABLE",
    RECORDED,
    "2026-09",
);

/// UNLOGGED.
pub const UNLOGGED: Answer = Answer::refused(
    "UNLOGGED table not supported for CREATE TABLE",
    RECORDED,
    "2026-09",
);

/// `PARTITION OF`.
pub const PARTITION_OF: Answer = Answer::refused(
    "PARTITION OF clause not supported for CREATE TABLE",
    RECORDED,
    "2026-09",
);

/// A clause behind the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clause {
    /// Its first words.
    pub words: &'static str,
    /// What DSQL says.
    pub answer: Answer,
}

/// The clauses behind the columns that are refused. That all are is asserted by AWS's linter; the
/// text is recorded for `PARTITION BY`.
pub static CLAUSES: &[Clause] = &[
    Clause {
        words: "INHERITS",
        answer: Answer::refused(
            "INHERITS clause not supported for CREATE TABLE",
            LINTER,
            "2026-10",
        ),
    },
    Clause {
        words: "PARTITION BY",
        answer: Answer::refused(
            "PARTITION BY clause not supported for CREATE TABLE",
            RECORDED,
            "2026-09",
        ),
    },
    Clause {
        words: "USING",
        answer: Answer::refused(
            "USING clause not supported for CREATE TABLE",
            LINTER,
            "2026-10",
        ),
    },
    Clause {
        words: "WITH",
        answer: Answer::refused(
            "WITH clause not supported for CREATE TABLE",
            LINTER,
            "2026-10",
        ),
    },
    Clause {
        words: "ON COMMIT",
        answer: Answer::refused(
            "ON COMMIT clause not supported for CREATE TABLE",
            LINTER,
            "2026-10",
        ),
    },
    Clause {
        words: "TABLESPACE",
        answer: Answer::refused(
            "TABLESPACE clause not supported for CREATE TABLE",
            LINTER,
            "2026-10",
        ),
    },
];

/// COLLATE on a column or an index key, whatever the collation: the database has C.
pub const COLLATE: Answer = Answer::refused("COLLATE clause not supported", RECORDED, "2026-09");

/// An EXCLUDE constraint, which is not in DSQL's grammar.
pub const EXCLUDE: Answer =
    Answer::refused("EXCLUDE constraint not supported", INFERRED, "2026-10");
