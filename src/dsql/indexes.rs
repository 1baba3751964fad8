//! CREATE INDEX: its forms.
//!
//! Expressions, INCLUDE, NULLS FIRST, NULLS LAST, NULLS NOT DISTINCT and WHERE work.

use super::fact::{Answer, INFERRED, RECORDED, SKILL};

/// Without ASYNC, even on an empty table, unless the session has set
/// `disable_sync_create_index` off.
pub const NOT_ASYNC: Answer = Answer::refused(
    "unsupported mode. please use CREATE INDEX ASYNC.",
    RECORDED,
    "2026-09",
);

/// CONCURRENTLY.
pub const CONCURRENTLY: Answer = Answer::refused(
    "CONCURRENTLY not supported for CREATE INDEX",
    RECORDED,
    "2026-09",
);

/// USING, also `USING btree`.
pub const USING: Answer =
    Answer::refused("USING not supported for CREATE INDEX", RECORDED, "2026-09");

/// ASC and DESC.
pub const SORT_ORDER: Answer = Answer::refused(
    "specifying sort order not supported for index keys",
    RECORDED,
    "2026-09",
);

/// An operator class.
pub const OPCLASS: Answer =
    Answer::refused("opclass not supported for index keys", SKILL, "2026-10");

/// `WITH (…)`.
pub const WITH: Answer =
    Answer::refused("WITH not supported for CREATE INDEX", INFERRED, "2026-10");

/// TABLESPACE.
pub const TABLESPACE: Answer = Answer::refused(
    "TABLESPACE not supported for CREATE INDEX",
    INFERRED,
    "2026-10",
);
