//! Roles: which attributes DSQL gives them.

use super::fact::{Answer, INFERRED, LINTER};

/// Attributes that CREATE ROLE and ALTER ROLE refuse; each with its negation.
pub static REFUSED: &[&str] = &[
    "SUPERUSER",
    "NOSUPERUSER",
    "CREATEDB",
    "NOCREATEDB",
    "CREATEROLE",
    "NOCREATEROLE",
    "REPLICATION",
    "NOREPLICATION",
    "BYPASSRLS",
    "NOBYPASSRLS",
    "CONNECTION LIMIT",
    "PASSWORD",
    "ENCRYPTED PASSWORD",
    "UNENCRYPTED PASSWORD",
    "VALID UNTIL",
    "SYSID",
];

/// What DSQL says to one: `{}` is the attribute, then the statement. Recorded is only that
/// ALTER ROLE refuses them.
pub const ATTRIBUTE: Answer = Answer::refused("{} not supported for {} ROLE", LINTER, "2026-10");

/// `ALTER ROLE … SET`; RESET works. Its linter's grammar has it, the cluster refused it.
pub const SET: Answer = Answer::refused("unsupported statement: AlterRoleSet", LINTER, "2026-10");

/// `ALTER FUNCTION` and `ALTER ROUTINE` but for RENAME, OWNER TO and SET SCHEMA.
pub const ALTER_FUNCTION: Answer =
    Answer::refused("unsupported statement: AlterFunction", LINTER, "2026-10");

/// `ALTER … DEPENDS ON EXTENSION`.
pub const DEPENDS: Answer = Answer::refused(
    "unsupported statement: AlterObjectDepends",
    INFERRED,
    "2026-10",
);
