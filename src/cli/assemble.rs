//! From settings to the parts of a proxy.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use aws_types::sdk_config::SharedTimeSource;
use rustls::RootCertStore;

use crate::compat::{AdvisoryLocks, Ddl, DdlTransactions, Policy, Unsupported};
use crate::config::{
    self, ClusterSettings, ListenAddress, PoolSettings, ProxySettings, TlsNegotiation,
    UnsupportedParameters,
};
use crate::dsql::endpoint::{Cluster, Endpoint, EndpointError};
use crate::iam::region::{self, Region};
use crate::iam::{CredentialOptions, CredentialSource, Signer};
use crate::net::tls_client::{self, Negotiation};
use crate::net::trust::{self, TrustSource};
use crate::net::{address, random};
use crate::pool::PoolOptions;
use crate::proxy::{ClusterOptions, Proxy, ProxyOptions};
use crate::session::PoolMode;
use crate::upstream::Connector;

/// Where trust and credentials come from.
pub(super) enum Origin {
    /// The system's trust store, and the chain of the AWS SDK.
    Environment,
    /// A local cluster's own.
    Given {
        /// Its certificate authority.
        roots: RootCertStore,
        /// Its credentials.
        credentials: CredentialSource,
    },
}

impl Origin {
    fn into_parts(self) -> Result<(RootCertStore, Option<CredentialSource>), String> {
        match self {
            Self::Environment => Ok((system_trust()?, None)),
            Self::Given { roots, credentials } => Ok((roots, Some(credentials))),
        }
    }
}

/// What connects to a cluster.
pub(super) async fn connects_to(
    settings: &ClusterSettings,
    origin: Origin,
) -> Result<Connector, String> {
    let (roots, credentials) = origin.into_parts()?;
    let (signer, endpoint) = signer(settings, credentials).await?;
    connector(settings, &endpoint, signer, tls(roots)?)
}

fn tls(roots: RootCertStore) -> Result<tls_client::Connector, String> {
    tls_client::Connector::new(roots).map_err(|error| format!("cannot set up TLS: {error}"))
}

/// Binds a proxy. What fails here fails before anybody can connect.
/// `transaction_age` is how old a transaction may get on a cluster that is DSQL.
pub(super) async fn proxy(
    settings: ProxySettings,
    origin: Origin,
    transaction_age: Duration,
) -> Result<Proxy, String> {
    let (roots, given) = origin.into_parts()?;
    let tls = tls(roots)?;
    let mut clusters = Vec::new();
    for cluster in &settings.clusters {
        let (signer, endpoint) = signer(cluster, given.clone()).await?;
        let connector = connector(cluster, &endpoint, signer, tls.clone())?;
        clusters.push(self::cluster(
            cluster,
            &settings,
            connector,
            transaction_age,
        ));
    }
    let options = ProxyOptions {
        max_clients: settings.max_clients,
        login_timeout: settings.login_timeout,
        http: settings.http,
    };
    let proxy = Proxy::bind(options, clusters).map_err(|error| error.to_string())?;
    if let Some(http) = proxy.http_address() {
        tracing::info!(%http, "answering GET /metrics and GET /status");
    }
    Ok(proxy)
}

fn system_trust() -> Result<RootCertStore, String> {
    let configured = ["SSL_CERT_FILE", "SSL_CERT_DIR"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let (roots, source) = trust::load(configured).map_err(|error| error.to_string())?;
    match source {
        TrustSource::System { roots } => tracing::debug!(roots, "using the system's trust store"),
        TrustSource::BuiltIn => {
            tracing::info!("no system trust store found: using the built-in Amazon roots");
        }
    }
    Ok(roots)
}

fn connector(
    settings: &ClusterSettings,
    endpoint: &Endpoint,
    signer: Signer,
    tls: tls_client::Connector,
) -> Result<Connector, String> {
    Ok(Connector {
        endpoint: endpoint.host().to_owned(),
        address: settings
            .upstream_address
            .as_deref()
            .map(address::split)
            .transpose()?,
        negotiation: match settings.tls_negotiation {
            TlsNegotiation::Direct => Negotiation::Direct,
            TlsNegotiation::Postgres => Negotiation::Postgres,
        },
        timeout: settings.connect_timeout,
        signer,
        tls,
        random: Rc::new(random::fraction),
    })
}

fn cluster(
    settings: &ClusterSettings,
    all: &ProxySettings,
    connector: Connector,
    transaction_age: Duration,
) -> ClusterOptions {
    let paths = settings.search_path.clone();
    ClusterOptions {
        connector,
        policy: Rc::new(Policy {
            unsupported: action(settings.unsupported_parameters),
            parameters: Arc::new(
                settings
                    .parameters
                    .iter()
                    .map(|(name, given)| (name.clone(), action(*given)))
                    .collect(),
            ),
            advisory_locks: match settings.advisory_locks {
                config::AdvisoryLocks::Local => AdvisoryLocks::Local,
                config::AdvisoryLocks::Forward => AdvisoryLocks::Forward,
                config::AdvisoryLocks::Reject => AdvisoryLocks::Reject,
            },
            resume_scripts: settings.resume_scripts,
            ddl: match settings.ddl {
                config::Ddl::Adapt => Ddl::Adapt,
                config::Ddl::Pass => Ddl::Pass,
            },
            ddl_transactions: match settings.ddl_transactions {
                config::DdlTransactions::Reject => DdlTransactions::Reject,
                config::DdlTransactions::Autocommit => DdlTransactions::Autocommit,
            },
        }),
        default_role: settings.user.clone(),
        default_database: settings.database.clone(),
        search_path: Box::new(move |role| paths.for_role(role).map(str::to_owned)),
        address: match all.address {
            ListenAddress::LoopbackBoth => None,
            ListenAddress::One(address) => Some(address),
        },
        port: settings.port,
        unix_socket: all.unix_socket.clone(),
        pool_mode: match settings.pool.mode {
            config::PoolMode::Transaction => PoolMode::Transaction,
            config::PoolMode::Session => PoolMode::Session,
        },
        pool: pool(&settings.pool),
        max_prepared_statements: settings.pool.max_prepared_statements,
        occ_retries: settings.occ_retries,
        retry_buffer: settings.retry_buffer,
        // Who lets everything pass has something else than DSQL behind the proxy.
        transaction_age: match settings.unsupported_parameters {
            UnsupportedParameters::Forward => None,
            _ => Some(transaction_age),
        },
    }
}

fn action(given: UnsupportedParameters) -> Unsupported {
    match given {
        UnsupportedParameters::Reject => Unsupported::Reject,
        UnsupportedParameters::Ignore => Unsupported::Ignore,
        UnsupportedParameters::Emulate => Unsupported::Emulate,
        UnsupportedParameters::Forward => Unsupported::Forward,
    }
}

fn pool(settings: &PoolSettings) -> PoolOptions {
    PoolOptions {
        size: settings.size,
        min_idle: settings.min_idle,
        queue_timeout: settings.queue_timeout,
        idle_timeout: settings.idle_timeout,
        max_lifetime: settings.max_lifetime,
        ..PoolOptions::new(Rc::new(random::fraction))
    }
}

/// What signs for a cluster, and the endpoint that it signs. Asks for no credentials yet.
pub(super) async fn signer(
    settings: &ClusterSettings,
    credentials: Option<CredentialSource>,
) -> Result<(Signer, Endpoint), String> {
    let cluster: Cluster = settings
        .endpoint
        .parse()
        .map_err(|error: EndpointError| error.to_string())?;
    let region = region(settings, &cluster).await?;
    let endpoint = cluster
        .endpoint(Some(region.as_str()))
        .map_err(|error: EndpointError| error.to_string())?;
    let options = CredentialOptions {
        profile: settings.profile.clone(),
        role_arns: settings.role_arn.clone(),
        region: Some(region.as_str().to_owned()),
    };
    let credentials =
        credentials.unwrap_or_else(|| CredentialSource::aws(options, SharedTimeSource::default()));
    let signer = Signer::new(&endpoint, region, credentials, settings.token_duration)
        .map_err(|error| format!("{}. {}", error.message(), error.hint()))?;
    Ok((signer, endpoint))
}

async fn region(settings: &ClusterSettings, cluster: &Cluster) -> Result<Region, String> {
    let chain = region::aws_chain(settings.profile.as_deref());
    region::resolve(cluster, settings.region.as_deref(), chain)
        .await
        .map_err(|error| format!("{error}. {}", error.hint()))
}
