//! From layers of text to typed settings.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::cluster::NamedCluster;
use super::source::{Layer, Raw, Source};
use super::types::{
    AdvisoryLocks, ClusterSettings, Ddl, DdlTransactions, ListenAddress, LogFormat, LogLevel,
    LogSettings, PoolMode, PoolSettings, ProxySettings, TlsNegotiation, UnsupportedParameters,
};
use super::{ConfigError, DefaultValue, SETTINGS, SearchPaths, limit, parameters, value};
use crate::dsql::limits::Limit;

/// The bottom layer: the defaults of the table.
pub(super) fn defaults() -> Layer {
    SETTINGS
        .iter()
        .filter_map(|setting| match setting.default {
            DefaultValue::Value(text) => Some((
                setting.name,
                vec![Raw {
                    text: text.to_owned(),
                    source: Source::Default(setting.name),
                }],
            )),
            DefaultValue::Absent { .. } => None,
        })
        .collect()
}

/// The layers, the one that beats all others first.
#[derive(Debug, Clone)]
pub(super) struct Layers<'a>(Vec<&'a Layer>);

impl<'a> Layers<'a> {
    pub(super) fn new(layers: impl IntoIterator<Item = &'a Layer>) -> Self {
        Self(layers.into_iter().collect())
    }

    /// These, and one that beats them.
    fn under(&self, layer: &'a Layer) -> Self {
        Self(
            std::iter::once(layer)
                .chain(self.0.iter().copied())
                .collect(),
        )
    }

    fn values(&self, name: &str) -> &'a [Raw] {
        let values = self.0.iter().find_map(|layer| layer.get(name));
        values.map_or(&[], Vec::as_slice)
    }

    /// The text of a setting.
    pub(super) fn raw(&self, name: &str) -> Option<&'a Raw> {
        self.values(name).last()
    }

    /// Where a setting was given, for errors.
    fn source(&self, name: &str) -> String {
        self.raw(name)
            .map_or(String::new(), |raw| raw.source.to_string())
    }

    /// Whether somebody said something, so that the default does not hold.
    fn is_given(&self, name: &str) -> bool {
        self.raw(name)
            .is_some_and(|raw| !matches!(raw.source, Source::Default(_)))
    }

    pub(super) fn optional<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, ConfigError> {
        self.raw(name)
            .map(|raw| {
                parse(&raw.text)
                    .map_err(|expected| ConfigError::invalid(&raw.source, &raw.text, &expected))
            })
            .transpose()
    }

    pub(super) fn required<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, ConfigError> {
        self.optional(name, parse)?
            .ok_or_else(|| ConfigError::new(format!("`{name}` has no default; please report this")))
    }

    /// All values of a setting that may be given several times.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        let values = self.values(name).iter();
        values.map(|raw| raw.text.clone()).collect()
    }

    /// The limits of the local cluster; of one given twice, the last holds.
    pub(super) fn limits(&self) -> Result<Vec<(&'static Limit, u64)>, ConfigError> {
        let mut limits = Vec::new();
        for raw in self.values("limit") {
            let entries = limit::entries(&raw.text)
                .map_err(|expected| ConfigError::invalid(&raw.source, &raw.text, &expected))?;
            limits.extend(entries);
        }
        Ok(limits)
    }

    /// What happens to single session parameters; of one given twice, the last holds.
    fn parameters(&self) -> Result<BTreeMap<String, UnsupportedParameters>, ConfigError> {
        let mut all = BTreeMap::new();
        for raw in self.values("parameter") {
            let entries = parameters::entries(&raw.text)
                .map_err(|expected| ConfigError::invalid(&raw.source, &raw.text, &expected))?;
            all.extend(entries);
        }
        Ok(all)
    }

    fn search_paths(&self) -> Result<SearchPaths, ConfigError> {
        let mut paths = SearchPaths::default();
        for raw in self.values("search-path") {
            paths
                .add(&raw.text)
                .map_err(|expected| ConfigError::invalid(&raw.source, &raw.text, &expected))?;
        }
        Ok(paths)
    }
}

/// How many ports are in use when none is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ports {
    /// Those of the table.
    Fixed,
    /// Any free ones: for a run that shall not collide with another.
    Free,
}

/// The settings of the proxy, with the settings of `clusters` in their order.
pub(super) fn proxy(
    layers: &Layers<'_>,
    clusters: &[NamedCluster],
    ports: Ports,
) -> Result<ProxySettings, ConfigError> {
    let first_port = match ports {
        Ports::Free if !layers.is_given("port") => 0,
        _ => layers.required("port", value::port)?,
    };
    let clusters = number(layers, clusters, first_port)?;
    Ok(ProxySettings {
        clusters,
        address: layers
            .optional("address", value::loopback_address)?
            .map_or(ListenAddress::LoopbackBoth, ListenAddress::One),
        unix_socket: path(layers, "unix-socket")?,
        max_clients: count(layers, "max-clients")?,
        login_timeout: duration(layers, "login-timeout")?,
        http: http(layers)?,
        logs: logs(layers)?,
    })
}

/// The settings of the clusters, each with its port.
fn number(
    layers: &Layers<'_>,
    clusters: &[NamedCluster],
    first_port: u16,
) -> Result<Vec<ClusterSettings>, ConfigError> {
    let mut settings: Vec<ClusterSettings> = Vec::new();
    let mut next = Some(first_port);
    for named in clusters {
        let port = if named.layer.contains_key("port") {
            layers.under(&named.layer).required("port", value::port)?
        } else {
            let port = next.ok_or_else(|| {
                ConfigError::at(
                    &named.source,
                    &format!(
                        "no port is left for cluster {}: the ports after {first_port} end at 65535",
                        named.endpoint
                    ),
                )
            })?;
            // Several clusters on free ports: each takes its own.
            next = if port == 0 {
                Some(0)
            } else {
                port.checked_add(1)
            };
            port
        };
        if let Some(other) = settings.iter().find(|s| port != 0 && s.port == port) {
            return Err(ConfigError::at(
                &named.source,
                &format!(
                    "clusters {} and {} would both listen on port {port}; give one of them \
                     another: `{}?port=…`",
                    other.endpoint, named.endpoint, named.endpoint
                ),
            ));
        }
        settings.push(cluster(layers, named, port)?);
    }
    Ok(settings)
}

/// The settings of one cluster.
pub(super) fn cluster(
    layers: &Layers<'_>,
    named: &NamedCluster,
    port: u16,
) -> Result<ClusterSettings, ConfigError> {
    let layers = &layers.under(&named.layer);
    Ok(ClusterSettings {
        endpoint: named.endpoint.clone(),
        port,
        user: layers.required("user", value::text)?,
        database: layers.required("database", value::text)?,
        region: layers.optional("region", value::region)?,
        profile: layers.optional("profile", value::text)?,
        role_arn: layers
            .optional("role-arn", value::role_arns)?
            .unwrap_or_default(),
        token_duration: duration(layers, "token-duration")?,
        upstream_address: layers.optional("upstream-address", value::host_port)?,
        tls_negotiation: layers.required("tls-negotiation", TlsNegotiation::from_name)?,
        search_path: layers.search_paths()?,
        connect_timeout: duration(layers, "connect-timeout")?,
        pool: pool(layers)?,
        occ_retries: count(layers, "occ-retries")?,
        retry_buffer: layers.required("retry-buffer", |text| value::size(text, 0, usize::MAX))?,
        unsupported_parameters: layers
            .required("unsupported-parameters", UnsupportedParameters::from_name)?,
        advisory_locks: layers.required("advisory-locks", AdvisoryLocks::from_name)?,
        resume_scripts: layers.required("resume-scripts", value::boolean)?,
        ddl: layers.required("ddl", Ddl::from_name)?,
        ddl_transactions: layers.required("ddl-transactions", DdlTransactions::from_name)?,
        parameters: layers.parameters()?,
    })
}

/// How clients share servers.
fn pool(layers: &Layers<'_>) -> Result<PoolSettings, ConfigError> {
    let pool = PoolSettings {
        mode: layers.required("pool-mode", PoolMode::from_name)?,
        size: count(layers, "pool-size")?,
        min_idle: count(layers, "min-idle")?,
        queue_timeout: duration(layers, "queue-timeout")?,
        idle_timeout: duration(layers, "idle-timeout")?,
        max_lifetime: layers.required("max-lifetime", value::lifetime)?,
        max_prepared_statements: count(layers, "max-prepared-statements")?,
    };
    if pool.min_idle <= pool.size {
        return Ok(pool);
    }
    Err(ConfigError::new(format!(
        "{} is {}, and {} is {}: there cannot be more idle servers than servers",
        layers.source("min-idle"),
        pool.min_idle,
        layers.source("pool-size"),
        pool.size,
    )))
}

/// Where HTTP is answered, if it shall be.
fn http(layers: &Layers<'_>) -> Result<Option<SocketAddr>, ConfigError> {
    let address = layers.required("http-address", value::address)?;
    let port = layers.optional("http-port", value::port)?;
    Ok(port.map(|port| SocketAddr::new(address, port)))
}

/// What is logged.
pub(super) fn logs(layers: &Layers<'_>) -> Result<LogSettings, ConfigError> {
    let is_on = |name| layers.required(name, value::boolean);
    let level = match (is_on("quiet")?, is_on("debug-logs")?) {
        (false, false) => LogLevel::Normal,
        (true, false) => LogLevel::Quiet,
        (false, true) => LogLevel::Debug,
        (true, true) => {
            return Err(ConfigError::new(format!(
                "{} and {} contradict each other; turn one of them off",
                layers.source("quiet"),
                layers.source("debug-logs")
            )));
        }
    };
    let format = if is_on("structured-logs")? {
        LogFormat::Json
    } else {
        LogFormat::Text
    };
    Ok(LogSettings { format, level })
}

/// An optional path. A relative one is relative to the working directory, from the file too.
pub(super) fn path(layers: &Layers<'_>, name: &str) -> Result<Option<PathBuf>, ConfigError> {
    layers.optional(name, value::path)
}

fn duration(layers: &Layers<'_>, name: &str) -> Result<Duration, ConfigError> {
    layers.required(name, value::duration)
}

/// A whole number. Its range was checked where it was given.
fn count(layers: &Layers<'_>, name: &str) -> Result<usize, ConfigError> {
    layers.required(name, |text| value::count(text, 0, usize::MAX))
}
