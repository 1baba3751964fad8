//! Conflicts of optimistic concurrency control.

/// The SQLSTATE of all: `serialization_failure` (user guide; seen 2026-09).
pub const SQLSTATE: &str = "40001";

/// Another transaction changed the same row and committed first. Seen 2026-09; before, the text
/// ended with `, please retry: (OC000)`. Raised at COMMIT, or at the end of an autocommit
/// statement.
pub const DATA: &str = "change conflicts with another transaction (OC000)";

/// Another transaction changed the catalog. Seen 2026-09; before, the text ended with
/// `, please retry: (OC001)`. Raised at any statement, or at COMMIT.
pub const SCHEMA: &str = "schema has been updated by another transaction (OC001)";
