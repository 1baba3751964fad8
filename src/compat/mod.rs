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

#[cfg(test)]
mod tests;
