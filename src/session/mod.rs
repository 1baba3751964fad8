//! One client's session as a state machine.
//!
//! - **Owns** the pipeline of expected replies, transaction status, what it takes to go on with
//!   another server.
//! - **May touch** `wire`, `sql`, `dsql`, `compat`.
//! - **Must not** know sockets, tokio or the pool.
//! - **Invariants** replies leave in the order in which their requests came; the transaction
//!   status comes from ReadyForQuery only.

mod abandon;
mod client_login;
mod continuity;
mod machine;
mod pipeline;

#[cfg(test)]
mod tests;

pub use abandon::{Abandon, Loss};
pub use client_login::{ClientLogin, Greeting};
pub use continuity::Continuity;
pub use machine::{Flow, Frame, Parameters, Relayed, Session};
