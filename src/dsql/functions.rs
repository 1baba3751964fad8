//! Functions, and what they may be written in.

use super::fact::{Answer, INFERRED, RECORDED};

/// Functions of PostgreSQL that DSQL refuses to call. `pg_advisory_lock` and
/// `pg_try_advisory_lock` are recorded (2026), the rest of the family is inferred.
pub static REFUSED: &[&str] = &[
    "pg_advisory_lock",
    "pg_advisory_lock_shared",
    "pg_advisory_unlock",
    "pg_advisory_unlock_all",
    "pg_advisory_unlock_shared",
    "pg_advisory_xact_lock",
    "pg_advisory_xact_lock_shared",
    "pg_try_advisory_lock",
    "pg_try_advisory_lock_shared",
    "pg_try_advisory_xact_lock",
    "pg_try_advisory_xact_lock_shared",
];

/// Functions behind features that DSQL has not: NOTIFY is refused, and so are large objects and
/// snapshots that another session takes over. Inferred: nobody has recorded a call of one.
pub static OF_MISSING_FEATURES: &[&str] = &[
    "pg_notify",
    "lo_creat",
    "lo_create",
    "lo_export",
    "lo_from_bytea",
    "lo_get",
    "lo_import",
    "lo_open",
    "lo_put",
    "lo_unlink",
    "pg_export_snapshot",
];

/// What all of [`REFUSED`] have in common: a text without it calls none.
pub const IN_COMMON: &str = "advisory";

/// A call of one of them.
pub const CALL: Answer = Answer::refused("function {} not supported", RECORDED, "2026-09");

/// CREATE FUNCTION in another language than SQL. Recorded for plpgsql.
pub const LANGUAGE: Answer = Answer::refused(
    "CREATE FUNCTION with language {} not supported",
    RECORDED,
    "2026-09",
);

/// The language that functions may be written in.
pub const SQL: &str = "sql";

/// `ALTER PROCEDURE` and `DROP PROCEDURE`; CREATE PROCEDURE is recorded.
pub const PROCEDURE: Answer = Answer::refused("PROCEDURE is not supported", INFERRED, "2026-10");
