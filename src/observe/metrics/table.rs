//! The table of metrics.

use super::cells::{Counter, Family, Histogram};
use super::cluster::ClusterMetrics;
use crate::observe::status::{ClusterStatus, PoolStatus, Status};

/// One metric. What it is and which labels it has follows from where its values come from.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Its name: after pgbouncer_exporter where that has such a metric, with the unit at the end
    /// as Prometheus wants it ("Metric and label naming").
    pub name: &'static str,
    /// What it says, in one sentence.
    pub help: &'static str,
    /// The one of pgbouncer_exporter that means the same, without `pgbouncer_`; empty when there
    /// is none.
    pub pgbouncer: &'static str,
    /// Where its values come from.
    pub source: Source,
}

/// Where values come from.
#[derive(Debug, Clone, Copy)]
pub enum Source {
    /// A constant 1 whose label is the version.
    Version,
    /// A gauge of the process.
    Process(fn(&Status) -> f64),
    /// A gauge of each cluster.
    Cluster(fn(&ClusterStatus) -> f64),
    /// A gauge of each role and database of a cluster; nothing where it has no value.
    Pool(fn(&PoolStatus) -> Option<f64>),
    /// A counter of each cluster.
    Count(fn(&ClusterMetrics) -> &Counter),
    /// A counter of each cluster and each value of this label.
    CountBy(&'static str, fn(&ClusterMetrics) -> &Family),
    /// A histogram of each cluster.
    Durations(fn(&ClusterMetrics) -> &Histogram),
}

impl Source {
    /// What Prometheus calls it.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Version | Self::Process(_) | Self::Cluster(_) | Self::Pool(_) => "gauge",
            Self::Count(_) | Self::CountBy(..) => "counter",
            Self::Durations(_) => "histogram",
        }
    }

    /// The names of its labels.
    pub fn labels(self) -> Vec<&'static str> {
        match self {
            Self::Version => vec!["version"],
            Self::Process(_) => vec![],
            Self::Cluster(_) | Self::Count(_) | Self::Durations(_) => vec!["cluster"],
            Self::Pool(_) => vec!["cluster", "role", "database"],
            Self::CountBy(label, _) => vec!["cluster", label],
        }
    }
}

/// Every metric, in the order in which they are shown.
pub static METRICS: &[Metric] = &[
    Metric {
        name: "dsql_proxy_version_info",
        help: "The version of the proxy; always 1.",
        pgbouncer: "version_info",
        source: Source::Version,
    },
    Metric {
        name: "dsql_proxy_uptime_seconds",
        help: "Seconds since the proxy began to serve.",
        pgbouncer: "",
        source: Source::Process(|status| number(status.uptime_seconds)),
    },
    Metric {
        name: "dsql_proxy_max_client_connections",
        help: "The most clients at a time (--max-clients).",
        pgbouncer: "config_max_client_connections",
        source: Source::Process(|status| count(status.max_clients)),
    },
    Metric {
        name: "dsql_proxy_used_client_connections",
        help: "Clients that count against the most clients at a time.",
        pgbouncer: "used_clients",
        source: Source::Process(|status| count(status.clients)),
    },
    // Clients now
    Metric {
        name: "dsql_proxy_client_active_connections",
        help: "Clients that have a server.",
        pgbouncer: "pools_client_active_connections",
        source: Source::Pool(|pool| Some(count(pool.clients.active))),
    },
    Metric {
        name: "dsql_proxy_client_waiting_connections",
        help: "Clients that want a server and have none yet.",
        pgbouncer: "pools_client_waiting_connections",
        source: Source::Pool(|pool| Some(count(pool.clients.waiting))),
    },
    Metric {
        name: "dsql_proxy_client_idle_connections",
        help: "Clients that neither have a server nor want one.",
        pgbouncer: "",
        source: Source::Pool(|pool| Some(count(pool.clients.idle()))),
    },
    Metric {
        name: "dsql_proxy_client_maxwait_seconds",
        help: "How long the client has waited for a server that has waited longest.",
        pgbouncer: "pools_client_maxwait_seconds",
        source: Source::Pool(|pool| Some(pool.longest_wait_seconds)),
    },
    Metric {
        name: "dsql_proxy_client_pinned_connections",
        help: "Clients that keep their server until they leave; GET /status says why.",
        pgbouncer: "",
        source: Source::Cluster(|cluster| count(cluster.pinned.len())),
    },
    // Servers now
    Metric {
        name: "dsql_proxy_server_active_connections",
        help: "Connections to DSQL that a client has.",
        pgbouncer: "pools_server_active_connections",
        source: Source::Pool(|pool| Some(count(pool.servers.active))),
    },
    Metric {
        name: "dsql_proxy_server_idle_connections",
        help: "Connections to DSQL that are free.",
        pgbouncer: "pools_server_idle_connections",
        source: Source::Pool(|pool| Some(count(pool.servers.idle))),
    },
    Metric {
        name: "dsql_proxy_server_connecting_connections",
        help: "Connections to DSQL that are being opened.",
        pgbouncer: "pools_server_login_connections",
        source: Source::Pool(|pool| Some(count(pool.servers.connecting))),
    },
    Metric {
        name: "dsql_proxy_pool_size",
        help: "The most connections to DSQL at a time (--pool-size).",
        pgbouncer: "databases_pool_size",
        source: Source::Pool(|pool| pool.size.map(count)),
    },
    // Work
    Metric {
        name: "dsql_proxy_transactions_total",
        help: "Transactions that ended, statements outside of a block included.",
        pgbouncer: "stats_sql_transactions_pooled_total",
        source: Source::Count(|cluster| &cluster.transactions),
    },
    Metric {
        name: "dsql_proxy_queries_total",
        help: "Statements of clients: Query messages, and Execute messages.",
        pgbouncer: "stats_queries_pooled_total",
        source: Source::Count(|cluster| &cluster.queries),
    },
    Metric {
        name: "dsql_proxy_received_bytes_total",
        help: "Bytes received from clients.",
        pgbouncer: "stats_received_bytes_total",
        source: Source::Count(|cluster| &cluster.received_bytes),
    },
    Metric {
        name: "dsql_proxy_sent_bytes_total",
        help: "Bytes sent to clients.",
        pgbouncer: "stats_sent_bytes_total",
        source: Source::Count(|cluster| &cluster.sent_bytes),
    },
    Metric {
        name: "dsql_proxy_client_wait_seconds",
        help: "How long clients waited for a server, for each time they needed one.",
        pgbouncer: "stats_client_wait_seconds_total",
        source: Source::Durations(|cluster| &cluster.waits),
    },
    // Opening and closing servers
    Metric {
        name: "dsql_proxy_server_opened_total",
        help: "Connections to DSQL that were opened.",
        pgbouncer: "",
        source: Source::Count(|cluster| &cluster.servers_opened),
    },
    Metric {
        name: "dsql_proxy_server_closed_total",
        help: "Connections to DSQL that ended, by reason.",
        pgbouncer: "",
        source: Source::CountBy("reason", |cluster| &cluster.servers_closed),
    },
    Metric {
        name: "dsql_proxy_server_connect_failures_total",
        help: "Connections to DSQL that could not be opened, by the stage that failed.",
        pgbouncer: "",
        source: Source::CountBy("stage", |cluster| &cluster.connect_failures),
    },
    Metric {
        name: "dsql_proxy_server_connect_seconds",
        help: "How long it took to open a connection to DSQL, from dialling to the end of login.",
        pgbouncer: "",
        source: Source::Durations(|cluster| &cluster.connects),
    },
    Metric {
        name: "dsql_proxy_server_tls_handshake_seconds",
        help: "The part of it that the TLS handshake took.",
        pgbouncer: "",
        source: Source::Durations(|cluster| &cluster.tls_handshakes),
    },
    Metric {
        name: "dsql_proxy_token_signing_seconds",
        help: "The part of it that the token took, the loading of credentials included.",
        pgbouncer: "",
        source: Source::Durations(|cluster| &cluster.token_signings),
    },
    // What an operator should know of
    Metric {
        name: "dsql_proxy_occ_conflicts_total",
        help: "OCC conflicts that DSQL reported, by code: OC000 (data), OC001 (schema).",
        pgbouncer: "",
        source: Source::CountBy("code", |cluster| &cluster.occ_conflicts),
    },
    Metric {
        name: "dsql_proxy_occ_retries_total",
        help: "Statements that the proxy repeated after an OCC conflict, by what came of it.",
        pgbouncer: "",
        source: Source::CountBy("outcome", |cluster| &cluster.occ_retries),
    },
    Metric {
        name: "dsql_proxy_pins_total",
        help: "Sessions that were bound to their server until they end, by reason.",
        pgbouncer: "",
        source: Source::CountBy("reason", |cluster| &cluster.pins),
    },
    Metric {
        name: "dsql_proxy_rejections_total",
        help: "Errors that the proxy itself sent to clients, by SQLSTATE.",
        pgbouncer: "",
        source: Source::CountBy("sqlstate", |cluster| &cluster.rejections),
    },
    Metric {
        name: "dsql_proxy_cancel_requests_total",
        help: "Requests of clients to cancel, by what came of it.",
        pgbouncer: "",
        source: Source::CountBy("outcome", |cluster| &cluster.cancels),
    },
];

/// A number as Prometheus has it; numbers of connections are far below 2^52.
#[expect(clippy::cast_precision_loss)]
fn count(number: usize) -> f64 {
    number as f64
}

#[expect(clippy::cast_precision_loss)]
fn number(number: u64) -> f64 {
    number as f64
}
