//! One client's session as a state machine.
//!
//! - **Owns** the pipeline of expected replies, transaction status, parameters and prepared
//!   statements that travel from server to server.
//! - **May touch** `wire`, `sql`, `dsql`, `compat`.
//! - **Must not** know sockets, tokio or the pool.
//! - **Invariants** replies leave in the order in which their requests came; the transaction
//!   status comes from ReadyForQuery only.

mod abandon;
mod bring;
mod client_login;
mod description;
mod detail;
mod effect;
mod execute;
mod extended;
mod flight;
mod lease;
mod machine;
mod pipeline;
mod processes;
mod query;
mod repeat;
mod replies;
mod retry;
mod sequences;
mod server_state;
pub mod settings;
mod statements;

#[cfg(test)]
mod tests;

pub use abandon::{Abandon, Loss, cancelled};
pub use client_login::{ClientLogin, Greeting};
pub use lease::{AfterLoss, LeaseEnd};
pub use machine::{
    Counts, Flow, Frame, Outputs, Parameters, PoolMode, Profile, Relayed, Session, SessionOptions,
    Want,
};
pub use processes::{Identity, Processes, Signal};
pub use sequences::SequencePins;
pub use server_state::{ServerState, SessionId};
pub use statements::Registry;
