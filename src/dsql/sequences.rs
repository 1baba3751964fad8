//! Sequences and identity columns: both need a CACHE.

use super::fact::{Answer, RECORDED};

/// The CACHE that is allowed beside 1.
pub const LEAST_CACHE: i64 = 65_536;

/// CREATE SEQUENCE without CACHE.
pub const SEQUENCE_WITHOUT_CACHE: Answer = Answer::refused(
    "CREATE SEQUENCE is not supported without an explicit cache size. please define CACHE greater than or equal to 65536 or equal to 1",
    RECORDED,
    "2026-09",
);

/// An identity column without CACHE.
pub const IDENTITY_WITHOUT_CACHE: Answer = Answer::refused(
    "identity column is not supported without an explicit cache size. please define CACHE greater than or equal to 65536 or equal to 1",
    RECORDED,
    "2026-09",
);

/// Any other CACHE; `{}` is what was written.
pub const CACHE: Answer = Answer::refused(
    "CACHE ({}) must be greater than or equal to 65536 or equal to 1",
    RECORDED,
    "2026-09",
);

/// Whether a sequence may cache that many values.
pub fn is_allowed(cache: i64) -> bool {
    cache == 1 || cache >= LEAST_CACHE
}
