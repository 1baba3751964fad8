//! What DSQL refuses inside of queries.

use super::fact::{Answer, RECORDED};

/// `FOR SHARE` and `FOR NO KEY UPDATE`.
pub const LOCKING: Answer = Answer::refused(
    "locking clauses other than FOR UPDATE/FOR KEY SHARE are not supported",
    RECORDED,
    "2026-09",
);

/// TABLESAMPLE.
pub const TABLESAMPLE: Answer =
    Answer::refused("TABLESAMPLE clause not supported", RECORDED, "2026-09");

/// MERGE.
pub const MERGE: Answer = Answer::refused("unsupported statement type: MERGE", RECORDED, "2026-09");
