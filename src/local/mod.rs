//! The local cluster: a stand-in for DSQL, for development and tests.
//!
//! - **Owns** a real PostgreSQL behind a front that enforces what DSQL enforces.
//! - **May touch** `wire`, `sql`, `dsql`, `net`, `config`.
//! - **Must not** use `compat` or `lint`: a table of rules shared with the proxy would make every test circular.
//! - **Invariants** a token is checked as strictly as the real service checks it.

mod authority;
mod bootstrap;
mod cluster;
mod directory;
mod error;
mod front;
mod identity;
mod jobs;
mod judge;
mod postgres;
pub mod token;

pub use cluster::{Cluster, Faults, LocalOptions};
pub use error::LocalError;
pub use identity::Credentials;
