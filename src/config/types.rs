//! Settings as the other rooms use them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use super::SearchPaths;
use crate::dsql::limits::Limit;

/// What the command line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Run the proxy.
    Serve(ProxySettings),
    /// Run a local cluster and a proxy in front of it.
    Local(LocalSettings),
    /// Print a token.
    Token(TokenSettings),
}

/// What a proxy needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxySettings {
    /// The clusters, each with a port of its own. Never empty after [`parse`](super::parse()).
    pub clusters: Vec<ClusterSettings>,
    /// The addresses to listen on.
    pub address: ListenAddress,
    /// The directory for Unix sockets, if there shall be some.
    pub unix_socket: Option<PathBuf>,
    /// How many clients may be connected at once, over all clusters.
    pub max_clients: usize,
    /// How long a client may take to finish its startup packet.
    pub login_timeout: Duration,
    /// Where HTTP is answered, if it shall be.
    pub http: Option<SocketAddr>,
    /// What is logged.
    pub logs: LogSettings,
}

/// The settings that hold for one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterSettings {
    /// The endpoint or the 26-character id, in lower case; which of them is found out with the
    /// region.
    pub endpoint: String,
    /// The port to listen on; 0 is any free one.
    pub port: u16,
    /// The role of a client that names none.
    pub user: String,
    /// The database of a client that names none.
    pub database: String,
    /// The region, when it was given.
    pub region: Option<String>,
    /// The profile of the AWS configuration.
    pub profile: Option<String>,
    /// The roles to assume, one after the other; the last one signs.
    pub role_arn: Vec<String>,
    /// How long a token is valid; 1 second to 7 days.
    pub token_duration: Duration,
    /// The `host:port` to dial instead of the endpoint.
    pub upstream_address: Option<String>,
    /// How TLS begins.
    pub tls_negotiation: TlsNegotiation,
    /// The `search_path` to begin sessions with.
    pub search_path: SearchPaths,
    /// How long connecting may take, all attempts together.
    pub connect_timeout: Duration,
    /// How clients share servers.
    pub pool: PoolSettings,
    /// How often a statement is run that ends in a conflict, the first time included; with 0 or 1
    /// it is never run again.
    pub occ_retries: usize,
    /// How many bytes of a statement and of its answer are kept so that it can be run again.
    pub retry_buffer: usize,
    /// What happens to session parameters that DSQL does not support.
    pub unsupported_parameters: UnsupportedParameters,
    /// What happens to DDL that DSQL takes in another form, or not together with other statements.
    pub ddl: Ddl,
    /// What happens to DDL among other statements of a transaction block.
    pub ddl_transactions: DdlTransactions,
    /// What happens to advisory locks.
    pub advisory_locks: AdvisoryLocks,
    /// Whether it is kept how far scripts have come.
    pub resume_scripts: bool,
    /// What happens to single ones instead, by their names in lower case.
    pub parameters: BTreeMap<String, UnsupportedParameters>,
}

/// How clients share servers. Every number is for one pool: a cluster, a role and a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolSettings {
    /// For how long a client has a server.
    pub mode: PoolMode,
    /// The most servers; at least 1.
    pub size: usize,
    /// Servers kept ready; at most `size`.
    pub min_idle: usize,
    /// How long a client waits for a server.
    pub queue_timeout: Duration,
    /// How long a server stays unused before it is closed.
    pub idle_timeout: Duration,
    /// How old a server gets at most.
    pub max_lifetime: Duration,
    /// How many prepared statements a server holds.
    pub max_prepared_statements: usize,
}

/// For how long a client has a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolMode {
    /// For one transaction.
    Transaction,
    /// Until it leaves.
    Session,
}

impl PoolMode {
    /// The words for the settings.
    pub const NAMES: &'static [&'static str] = &["transaction", "session"];

    pub(super) fn from_name(name: &str) -> Result<Self, String> {
        match super::value::choice(name, Self::NAMES)? {
            "session" => Ok(Self::Session),
            _ => Ok(Self::Transaction),
        }
    }
}

/// Where the proxy listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListenAddress {
    /// 127.0.0.1 and, where there is IPv6, `::1`.
    LoopbackBoth,
    /// This address only.
    One(IpAddr),
}

/// How TLS with the upstream begins (PostgreSQL manual 55.2.11, `sslnegotiation`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsNegotiation {
    /// With the first byte.
    Direct,
    /// After an `SSLRequest`.
    Postgres,
}

impl TlsNegotiation {
    /// The words for the settings.
    pub const NAMES: &'static [&'static str] = &["direct", "postgres"];

    pub(super) fn from_name(name: &str) -> Result<Self, String> {
        match super::value::choice(name, Self::NAMES)? {
            "postgres" => Ok(Self::Postgres),
            _ => Ok(Self::Direct),
        }
    }
}

/// What happens to session parameters that DSQL does not support.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnsupportedParameters {
    /// The proxy refuses them as DSQL would, with a hint.
    Reject,
    /// The proxy answers in DSQL's place and remembers the values.
    Ignore,
    /// The same, and the proxy sees to what it can see to.
    Emulate,
    /// They go upstream.
    Forward,
}

impl UnsupportedParameters {
    /// The words for the settings.
    pub const NAMES: &'static [&'static str] = &["reject", "ignore", "emulate", "forward"];

    pub(super) fn from_name(name: &str) -> Result<Self, String> {
        match super::value::choice(name, Self::NAMES)? {
            "ignore" => Ok(Self::Ignore),
            "emulate" => Ok(Self::Emulate),
            "forward" => Ok(Self::Forward),
            _ => Ok(Self::Reject),
        }
    }
}

/// What happens to DDL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ddl {
    /// It is run as DSQL takes it.
    Adapt,
    /// It goes upstream as it is.
    Pass,
}

impl Ddl {
    /// The words for the settings.
    pub const NAMES: &'static [&'static str] = &["adapt", "pass"];

    pub(super) fn from_name(name: &str) -> Result<Self, String> {
        match super::value::choice(name, Self::NAMES)? {
            "pass" => Ok(Self::Pass),
            _ => Ok(Self::Adapt),
        }
    }
}

/// What happens to DDL among other statements of a transaction block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DdlTransactions {
    /// DSQL refuses it.
    Reject,
    /// It is run alone, between two transactions.
    Autocommit,
}

impl DdlTransactions {
    /// The words for the settings.
    pub const NAMES: &'static [&'static str] = &["reject", "autocommit"];

    pub(super) fn from_name(name: &str) -> Result<Self, String> {
        match super::value::choice(name, Self::NAMES)? {
            "autocommit" => Ok(Self::Autocommit),
            _ => Ok(Self::Reject),
        }
    }
}

/// What happens to advisory locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdvisoryLocks {
    /// The proxy keeps them between its clients.
    Local,
    /// They go upstream.
    Forward,
    /// The proxy refuses them as DSQL would, with a hint.
    Reject,
}

impl AdvisoryLocks {
    /// The words for the settings.
    pub const NAMES: &'static [&'static str] = &["local", "forward", "reject"];

    pub(super) fn from_name(name: &str) -> Result<Self, String> {
        match super::value::choice(name, Self::NAMES)? {
            "forward" => Ok(Self::Forward),
            "reject" => Ok(Self::Reject),
            _ => Ok(Self::Local),
        }
    }
}

/// What is logged, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogSettings {
    /// What a line looks like.
    pub format: LogFormat,
    /// How much is logged.
    pub level: LogLevel,
}

/// What a line of the log looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Text for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// Warnings and errors.
    Quiet,
    /// What an operator wants to see.
    Normal,
    /// What happens inside.
    Debug,
}

/// What `dsql-proxy token` needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenSettings {
    /// The cluster; the token is for its `user`.
    pub cluster: ClusterSettings,
    /// What is logged.
    pub logs: LogSettings,
}

/// What `dsql-proxy local` needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalSettings {
    /// The port of the local cluster itself; 0 is any free one.
    pub cluster_port: u16,
    /// Where it keeps its data; temporary when absent.
    pub data: Option<PathBuf>,
    /// Its limits that are not DSQL's own, each in its unit; of one that is there twice the last
    /// holds.
    pub limits: Vec<(&'static Limit, u64)>,
    /// The faults to begin with, in the words of the user.
    pub faults: Vec<String>,
    /// Whether sessions with an older catalog in their cache get OC001 once.
    pub stale_catalog: bool,
    /// The port on which faults are asked for while it runs; 0 is any free one.
    pub control_port: Option<u16>,
    /// Whether there is no proxy in front of it.
    pub cluster_only: bool,
    /// The command to run once (program first, never empty); serve until a signal when absent.
    pub once: Option<Vec<OsString>>,
    /// Whether, and how, the conformance suite is run instead.
    pub self_test: Option<SelfTest>,
    /// What is logged.
    pub logs: LogSettings,
    /// The proxy in front: its only cluster is a template without an endpoint.
    pub(super) proxy: ProxySettings,
}

/// A run of the conformance suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelfTest {
    /// The cluster; a local one when absent.
    pub against: Option<Box<ClusterSettings>>,
    /// What the probes to run hold; all when absent.
    pub filter: Option<String>,
}

impl LocalSettings {
    /// The region that `--region` asks the local cluster to be in.
    pub fn region(&self) -> Option<&str> {
        let cluster = self.proxy.clusters.first();
        cluster.and_then(|cluster| cluster.region.as_deref())
    }

    /// The settings of the proxy in front of the local cluster, which is known by `endpoint`, runs
    /// at `upstream_address` (`host:port`) and is in `region`.
    ///
    /// An `--upstream-address` on the command line is kept: something may stand in between. One
    /// from the environment or the file is not.
    pub fn proxy_for(&self, endpoint: &str, upstream_address: &str, region: &str) -> ProxySettings {
        let mut proxy = self.proxy.clone();
        for cluster in &mut proxy.clusters {
            endpoint.clone_into(&mut cluster.endpoint);
            cluster.region = Some(region.to_owned());
            cluster
                .upstream_address
                .get_or_insert_with(|| upstream_address.to_owned());
        }
        proxy
    }
}
