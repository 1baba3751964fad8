//! How a pool is doing.

use std::time::Duration;

/// How a pool is doing at one moment, in PgBouncer's terms (`SHOW POOLS`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PoolSnapshot {
    /// The most servers.
    pub size: usize,
    /// Servers in use, private ones included (`sv_active`).
    pub active: usize,
    /// Of these, private ones.
    pub private: usize,
    /// Servers ready for use (`sv_idle`).
    pub idle: usize,
    /// Servers being opened (`sv_login`).
    pub connecting: usize,
    /// Clients that wait for a server (`cl_waiting`).
    pub waiting: usize,
    /// How long the first of them has waited (`maxwait`).
    pub longest_wait: Duration,
    /// Servers opened so far.
    pub opened: u64,
    /// Failed attempts to open one so far.
    pub failed: u64,
}
