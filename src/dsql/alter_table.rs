//! ALTER TABLE: its actions.
//!
//! DSQL names a refused action as PostgreSQL's `alter_table_type_to_string()` does
//! (`src/backend/commands/tablecmds.c`), which is where the names that are not recorded are from.

use super::fact::{Answer, INFERRED, LINTER, RECORDED, SKILL};

/// A refused action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Action {
    /// The words that it begins with, in upper case; for an action on a column, those behind the
    /// column's name.
    pub words: &'static str,
    /// What DSQL says.
    pub answer: Answer,
}

const fn action(words: &'static str, text: &'static str, source: &'static str) -> Action {
    Action {
        words,
        answer: Answer::refused(text, source, "2026-10"),
    }
}

/// Refused actions of `ALTER [COLUMN] name`. Works: SET and DROP DEFAULT, DROP NOT NULL, DROP
/// EXPRESSION, DROP IDENTITY, ADD GENERATED, SET GENERATED and the options of a sequence, RESTART,
/// SET STORAGE. The first row that fits counts.
pub static COLUMN: &[Action] = &[
    action("TYPE", SET_DATA_TYPE, RECORDED),
    action("SET DATA TYPE", SET_DATA_TYPE, RECORDED),
    action(
        "SET NOT NULL",
        "unsupported ALTER TABLE ALTER COLUMN ... SET NOT NULL statement",
        RECORDED,
    ),
    action(
        "SET STATISTICS",
        "unsupported ALTER TABLE ALTER COLUMN ... SET STATISTICS statement",
        SKILL,
    ),
    action(
        "SET COMPRESSION",
        "unsupported ALTER TABLE ALTER COLUMN ... SET COMPRESSION statement",
        LINTER,
    ),
    action(
        "SET EXPRESSION",
        "unsupported ALTER TABLE ALTER COLUMN ... SET EXPRESSION statement",
        INFERRED,
    ),
    action(
        "OPTIONS",
        "unsupported ALTER TABLE ALTER COLUMN ... OPTIONS statement",
        INFERRED,
    ),
];

const SET_DATA_TYPE: &str = "unsupported ALTER TABLE ALTER COLUMN ... SET DATA TYPE statement";

/// `ALTER COLUMN name SET (…)`.
pub const COLUMN_SET_OPTIONS: Answer = Answer::refused(
    "unsupported ALTER TABLE ALTER COLUMN ... SET statement",
    INFERRED,
    "2026-10",
);

/// `ALTER COLUMN name RESET (…)`.
pub const COLUMN_RESET_OPTIONS: Answer = Answer::refused(
    "unsupported ALTER TABLE ALTER COLUMN ... RESET statement",
    INFERRED,
    "2026-10",
);

/// `ADD COLUMN` with anything behind its type but STORAGE: DEFAULT, NOT NULL, UNIQUE, CHECK, a
/// key, an identity, a generated column.
pub const ADD_COLUMN: Answer = Answer::refused(
    "ALTER TABLE ADD COLUMN with constraint not supported",
    RECORDED,
    "2026-09",
);

/// `ADD CONSTRAINT` other than CHECK and FOREIGN KEY with NOT VALID, and UNIQUE USING INDEX.
pub const ADD_CONSTRAINT: Answer = Answer::refused(
    "unsupported ALTER TABLE ADD CONSTRAINT statement",
    RECORDED,
    "2026-09",
);

/// `DROP CONSTRAINT` of a primary key.
pub const DROP_PRIMARY_KEY: Answer = Answer::refused(
    "unsupported ALTER TABLE DROP CONSTRAINT statement",
    RECORDED,
    "2026-09",
);

/// `DROP COLUMN` of a column of the primary key, `{}`.
pub const DROP_KEY_COLUMN: Answer =
    Answer::refused("cannot drop primary key column {}", RECORDED, "2026-09");

/// Refused actions on the table. Works: DROP COLUMN, DROP CONSTRAINT, ALTER CONSTRAINT, OWNER TO,
/// RENAME, SET SCHEMA, and ENABLE and DISABLE TRIGGER ALL and USER, which do nothing. The first
/// row that fits counts.
pub static TABLE: &[Action] = &[
    action(
        "VALIDATE CONSTRAINT",
        "unsupported ALTER TABLE VALIDATE CONSTRAINT statement",
        RECORDED,
    ),
    action(
        "ENABLE ROW LEVEL SECURITY",
        "unsupported ALTER TABLE ENABLE ROW SECURITY statement",
        RECORDED,
    ),
    action(
        "DISABLE ROW LEVEL SECURITY",
        "unsupported ALTER TABLE DISABLE ROW SECURITY statement",
        LINTER,
    ),
    action(
        "FORCE ROW LEVEL SECURITY",
        "unsupported ALTER TABLE FORCE ROW SECURITY statement",
        LINTER,
    ),
    action(
        "NO FORCE ROW LEVEL SECURITY",
        "unsupported ALTER TABLE NO FORCE ROW SECURITY statement",
        LINTER,
    ),
    action(
        "ENABLE ALWAYS TRIGGER",
        "unsupported ALTER TABLE ENABLE ALWAYS TRIGGER statement",
        INFERRED,
    ),
    action(
        "ENABLE REPLICA TRIGGER",
        "unsupported ALTER TABLE ENABLE REPLICA TRIGGER statement",
        INFERRED,
    ),
    action(
        "ENABLE TRIGGER",
        "unsupported ALTER TABLE ENABLE TRIGGER statement",
        LINTER,
    ),
    action(
        "DISABLE TRIGGER",
        "unsupported ALTER TABLE DISABLE TRIGGER statement",
        LINTER,
    ),
    action(
        "ENABLE ALWAYS RULE",
        "unsupported ALTER TABLE ENABLE ALWAYS RULE statement",
        LINTER,
    ),
    action(
        "ENABLE REPLICA RULE",
        "unsupported ALTER TABLE ENABLE REPLICA RULE statement",
        LINTER,
    ),
    action(
        "ENABLE RULE",
        "unsupported ALTER TABLE ENABLE RULE statement",
        LINTER,
    ),
    action(
        "DISABLE RULE",
        "unsupported ALTER TABLE DISABLE RULE statement",
        LINTER,
    ),
    action(
        "REPLICA IDENTITY",
        "unsupported ALTER TABLE REPLICA IDENTITY statement",
        LINTER,
    ),
    action(
        "CLUSTER ON",
        "unsupported ALTER TABLE CLUSTER ON statement",
        INFERRED,
    ),
    action(
        "SET WITHOUT CLUSTER",
        "unsupported ALTER TABLE SET WITHOUT CLUSTER statement",
        INFERRED,
    ),
    action(
        "SET WITHOUT OIDS",
        "unsupported ALTER TABLE SET WITHOUT OIDS statement",
        INFERRED,
    ),
    action(
        "SET LOGGED",
        "unsupported ALTER TABLE SET LOGGED statement",
        INFERRED,
    ),
    action(
        "SET UNLOGGED",
        "unsupported ALTER TABLE SET UNLOGGED statement",
        INFERRED,
    ),
    action(
        "SET ACCESS METHOD",
        "unsupported ALTER TABLE SET ACCESS METHOD statement",
        INFERRED,
    ),
    action(
        "SET TABLESPACE",
        "unsupported ALTER TABLE SET TABLESPACE statement",
        INFERRED,
    ),
    action(
        "INHERIT",
        "unsupported ALTER TABLE INHERIT statement",
        INFERRED,
    ),
    action(
        "NO INHERIT",
        "unsupported ALTER TABLE NO INHERIT statement",
        INFERRED,
    ),
    action("OF", "unsupported ALTER TABLE OF statement", INFERRED),
    action(
        "NOT OF",
        "unsupported ALTER TABLE NOT OF statement",
        INFERRED,
    ),
    action(
        "ATTACH PARTITION",
        "unsupported ALTER TABLE ATTACH PARTITION statement",
        INFERRED,
    ),
    action(
        "DETACH PARTITION",
        "unsupported ALTER TABLE DETACH PARTITION statement",
        INFERRED,
    ),
    action(
        "OPTIONS",
        "unsupported ALTER TABLE OPTIONS statement",
        INFERRED,
    ),
];

/// `SET (…)`.
pub const SET_OPTIONS: Answer =
    Answer::refused("unsupported ALTER TABLE SET statement", INFERRED, "2026-10");

/// `RESET (…)`.
pub const RESET_OPTIONS: Answer = Answer::refused(
    "unsupported ALTER TABLE RESET statement",
    INFERRED,
    "2026-10",
);

/// `ALTER INDEX`, but for RENAME; `{}` is the action's first word.
pub const ALTER_INDEX: Answer =
    Answer::refused("unsupported ALTER INDEX {} statement", INFERRED, "2026-10");
