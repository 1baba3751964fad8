//! What takes more than one step: scripts, and statements that DSQL has only in pieces.
//!
//! - **Owns** errands: what is done for a client's message, as linear code that speaks to the
//!   session in the client's place; the advisory locks that the proxy keeps between its clients.
//! - **May touch** `wire`, `sql`, `dsql`, `compat`.
//! - **Must not** know sockets, tokio, the pool or the session.
//! - **Invariants** the client gets exactly one answer to each of its messages; what has been
//!   applied is never hidden behind an error; whatever is dropped gives back what it had.
//!
//! While an errand runs, the client's messages wait. Each step goes through the session as if the
//! client had sent it, so that pooling, conflicts, cancel and loss are the session's matter as
//! ever.

mod alter;
mod answer;
mod create;
mod ddl;
mod desk;
mod errand;
mod extended;
mod failure;
mod index;
mod jobs;
mod journal;
mod local;
pub mod locks;
mod reply;
mod script;
mod state;
#[cfg(test)]
mod tests;

pub use errand::{Adapter, Errand, Stage};
pub use extended::Taken;
