//! One connection to a DSQL cluster.
//!
//! - **Owns** connecting, authenticating, retrying a connect, closing.
//! - **May touch** `wire`, `net`, `iam`, `config`, `dsql`.
//! - **Must not** know SQL or policy.
//! - **Invariants** every connection is authenticated with a token signed for it; a connection
//!   is handed out only after ReadyForQuery.

mod connect;
mod error;
mod login;
mod retry;

#[cfg(test)]
mod tests;

pub use connect::{Connector, Server, ServerStream, Timings, WhenBusy};
pub use error::{ConnectError, Stage};
