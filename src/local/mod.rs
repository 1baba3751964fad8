//! The local cluster: a stand-in for DSQL, for development and tests.
//!
//! - **Owns** a real PostgreSQL behind a front that enforces what DSQL enforces.
//! - **May touch** `wire`, `sql`, `dsql`, `net`, `observe`.
//! - **Must not** use `compat` or `lint`: a table of rules shared with the proxy would make every
//!   test circular.
//! - **Invariants** a token is checked as strictly as the real service checks it; what is committed
//!   is committed by PostgreSQL, and what is aborted is aborted there.
//!
//! `front` serves a connection, `judge` says what DSQL makes of a statement's text, `occ` has
//! transactions conflict as DSQL's do, `bootstrap` is what has to be inside PostgreSQL for all that.

mod authority;
mod bootstrap;
mod clock;
mod cluster;
mod control;
mod directory;
mod error;
pub mod faults;
mod front;
mod identity;
mod jobs;
mod judge;
mod lifetime;
mod limits;
mod occ;
mod postgres;
mod quota;
pub mod token;

pub use cluster::{CONTROL_VARIABLE, Cluster, LocalOptions};
pub use error::LocalError;
pub use faults::Faults;
pub use identity::Credentials;
pub use lifetime::Lifetime;
pub use limits::Limits;
