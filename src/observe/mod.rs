//! What an operator sees.
//!
//! - **Owns** logs.
//! - **May touch** nothing of the domain.
//! - **Must not** be used to decide anything.
//! - **Invariants** no SQL above debug, no parameter value and no secret ever.

mod logs;

pub use logs::{Format, Level, init_logs};
