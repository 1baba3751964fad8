//! What an operator sees.
//!
//! - **Owns** logs, metrics, the status, the HTTP endpoints.
//! - **May touch** nothing of the domain.
//! - **Must not** be used to decide anything.
//! - **Invariants** no SQL above debug, no parameter value and no secret ever.

pub mod http;
mod logs;
pub mod metrics;
mod status;

pub use logs::{Format, Level, init_logs};
pub use status::{Clients, ClusterStatus, PinnedSession, PoolStatus, Servers, Status};
