//! What is going on in a proxy at one moment, as plain data: the answer to GET /status, and
//! where the gauges of the metrics come from.

use serde::Serialize;

/// A proxy.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Status {
    /// The version of the proxy.
    pub version: &'static str,
    /// For how long it has been serving, in seconds.
    pub uptime_seconds: u64,
    /// The most clients at a time, over all clusters (`--max-clients`).
    pub max_clients: usize,
    /// Clients that are logged in or have asked to be, over all clusters.
    pub clients: usize,
    /// The clusters, in the order of the configuration.
    pub clusters: Vec<ClusterStatus>,
}

/// A cluster.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ClusterStatus {
    /// Its endpoint. It is also the label `cluster` of the metrics.
    pub endpoint: String,
    /// Its clients.
    pub clients: Clients,
    /// A row for each role and database in use.
    pub pools: Vec<PoolStatus>,
    /// The sessions that keep their server until they end.
    pub pinned: Vec<PinnedSession>,
}

/// How many clients do what. A client that neither has a server nor wants one is idle.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Clients {
    /// All of them.
    pub connected: usize,
    /// Those that have a server.
    pub active: usize,
    /// Those that want one and have none yet.
    pub waiting: usize,
}

impl Clients {
    /// Those that neither have a server nor want one.
    pub fn idle(self) -> usize {
        self.connected
            .saturating_sub(self.active)
            .saturating_sub(self.waiting)
    }
}

/// How many servers do what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Servers {
    /// Those that a client has.
    pub active: usize,
    /// Those that are free.
    pub idle: usize,
    /// Those that are being opened.
    pub connecting: usize,
}

/// The servers of one role in one database, and who wants them.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct PoolStatus {
    /// The role.
    pub role: String,
    /// The database.
    pub database: String,
    /// The most servers at a time; nothing when there is no limit.
    pub size: Option<usize>,
    /// The clients of that role and database.
    pub clients: Clients,
    /// The servers.
    pub servers: Servers,
    /// For how long the client has waited that has waited longest, in seconds.
    pub longest_wait_seconds: f64,
}

/// A session that keeps its server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PinnedSession {
    /// The process id that its client was told.
    pub pid: i32,
    /// Its role.
    pub role: String,
    /// Why.
    pub reason: &'static str,
    /// Since when (RFC 3339, UTC).
    pub since: String,
}
