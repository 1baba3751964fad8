//! What we do about the ways DSQL differs.
//!
//! - **Owns** statement in, plan out.
//! - **May touch** `wire`, `sql`, `dsql`, `config`.
//! - **Must not** know sockets or tokio.
//! - **Invariants** what DSQL might accept is never refused, session parameters excepted.

pub mod ddl;
mod hint;
pub mod options;
pub mod parameters;
pub mod policy;

pub use hint::hint_for;
pub use policy::{
    AdvisoryLocks, Ddl, DdlTransactions, Options, Plan, Policy, Refusal, Unsupported, Verdict,
};

/// Sent in the place of a client's message that has to fail, or to make a block a failed one: raw
/// parsing accepts it, so that a failed block answers it with its own error, and analysis does not.
pub const FAILS: &[u8] = b"SELECT \"dsql-proxy refused this\"";

#[cfg(test)]
mod tests;
