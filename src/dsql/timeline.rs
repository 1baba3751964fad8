//! Since when DSQL has what it has.
//!
//! What is not in the table, and is not refused by another table of this room, is older than
//! everything here.

use super::fact::RELEASE_NOTES;

const LINTER: &str = "AWS's dsql-lint stopped to object";
const CONNECTORS: &str = "changelog of AWS's connectors";

/// Something that DSQL learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The date: year and month, or a full date.
    pub since: &'static str,
    /// What works since then.
    pub feature: &'static str,
    /// Who says so.
    pub source: &'static str,
}

const fn step(since: &'static str, feature: &'static str) -> Step {
    Step {
        since,
        feature,
        source: RELEASE_NOTES,
    }
}

const fn from(mut step: Step, source: &'static str) -> Step {
    step.source = source;
    step
}

/// What DSQL learned, in order.
pub static TIMELINE: &[Step] = &[
    step("2024-12", "preview"),
    step("2025-05-27", "general availability"),
    step("2025-10-31", "FIPS endpoints"),
    step("2026-02-03", "indexes on numeric"),
    from(step("2026-02-06", "RESET ALL"), CONNECTORS),
    step("2026-02-13", "identity columns and sequences, with CACHE"),
    step("2026-04-24", "ALTER DEFAULT PRIVILEGES"),
    step("2026-04-24", "nested elements of CREATE SCHEMA"),
    step("2026-04-24", "ALTER ROLE, USER and GROUP RENAME"),
    step("2026-04-24", "ALTER ROUTINE, DROP ROUTINE"),
    step("2026-05-04", "json columns"),
    step("2026-06-08", "jsonb columns"),
    step("2026-07-06", "ALTER COLUMN SET DEFAULT, DROP DEFAULT"),
    step("2026-07-06", "ALTER COLUMN DROP NOT NULL, DROP EXPRESSION"),
    step("2026-07-06", "ALTER COLUMN ADD GENERATED AS IDENTITY"),
    step("2026-07-06", "DROP CONSTRAINT"),
    step("2026-07-08", "change data capture"),
    step("2026-08-03", "DROP COLUMN"),
    step("2026-08-03", "ADD CONSTRAINT CHECK NOT VALID"),
    step("2026-08-03", "ALTER TABLE ASYNC VALIDATE CONSTRAINT"),
    from(
        step("2026-08-07", "SET STORAGE, which does nothing"),
        LINTER,
    ),
    from(
        step(
            "2026-08-07",
            "ENABLE TRIGGER and DISABLE TRIGGER ALL or USER, which do nothing",
        ),
        LINTER,
    ),
    from(
        step(
            "2026-08-07",
            "DROP TRIGGER IF EXISTS … ON, which does nothing",
        ),
        LINTER,
    ),
    step("2026-08-13", "expression indexes"),
    step(
        "2026-08-24",
        "FOR UPDATE without equality on the primary key",
    ),
    step("2026-08-24", "FOR KEY SHARE"),
    step("2026-08-25", "numeric precision of 1000, which was 38"),
    step("2026-08-26", "foreign keys, inline and NOT VALID"),
    step("2026-08-26", "SET CONSTRAINTS, DEFERRABLE"),
    step("2026-08-26", "compression of text"),
    step("2026-08-26", "CREATE, ALTER and DROP STATISTICS"),
    step("2026-09-11", "parameter dsql.enable_batched_nestloop"),
    step("2026-09-15", "partial indexes"),
];

#[cfg(test)]
mod tests;
