//! `dsql-proxy local`: a local cluster and a proxy in front of it.

use aws_types::sdk_config::SharedTimeSource;
use tokio_util::sync::CancellationToken;

use super::assemble::{self, Origin};
use super::self_test;
use crate::config::LocalSettings;
use crate::dsql::limits::TRANSACTION_AGE;
use crate::iam::CredentialSource;
use crate::local::faults::Order;
use crate::local::{CONTROL_VARIABLE, Cluster, Limits, LocalOptions};
use crate::net::trust;
use crate::platform::child::{self, Variable};
use crate::platform::signals::Signals;
use crate::proxy::Proxy;

/// The faults to begin with. What is wrong with them is wrong with the command line.
pub(super) fn faults(settings: &LocalSettings) -> Result<Vec<Order>, String> {
    let mut orders = vec![];
    if settings.stale_catalog {
        orders.extend(Order::parse("stale-catalog")?);
    }
    for text in &settings.faults {
        let order = Order::parse(text);
        orders.extend(order.map_err(|why| format!("--fault: invalid value `{text}`: {why}"))?);
    }
    Ok(orders)
}

pub(super) async fn run(settings: LocalSettings, faults: Vec<Order>) -> Result<u8, String> {
    let mut signals =
        Signals::new().map_err(|error| format!("cannot listen for signals: {error}"))?;
    if let Some(test) = &settings.self_test
        && let Some(cluster) = &test.against
    {
        return self_test::remote(cluster, test, &mut signals).await;
    }
    let options = LocalOptions {
        data: settings.data.clone(),
        port: settings.cluster_port,
        pg_bin: std::env::var_os("PG_BIN")
            .filter(|dir| !dir.is_empty())
            .map(Into::into),
        region: settings.region().map(str::to_owned),
        limits: settings.limits.iter().copied().collect(),
        faults,
        control_port: settings.control_port,
        ..LocalOptions::default()
    };
    let mut cluster = tokio::select! {
        cluster = Cluster::start(options) => cluster.map_err(|error| error.to_string())?,
        stop = signals.next() => return Ok(stop.exit_code()),
    };
    let result = serve(&settings, &mut cluster, &mut signals).await;
    cluster.stop().await;
    result
}

async fn serve(
    settings: &LocalSettings,
    cluster: &mut Cluster,
    signals: &mut Signals,
) -> Result<u8, String> {
    let proxy = if settings.cluster_only || settings.self_test.is_some() {
        None
    } else {
        Some(proxy(settings, cluster).await?)
    };
    let target = match &settings.self_test {
        Some(_) => Some(self_test::local(settings, cluster, origin(cluster)?).await?),
        None => None,
    };
    let address = proxy.as_ref().map(Address::of);
    let variables = variables(cluster, address.as_ref());
    if settings.once.is_none() && settings.self_test.is_none() {
        super::print(&banner(cluster, address.as_ref()));
    }

    let closing = CancellationToken::new();
    let failed = CancellationToken::new();
    let cluster = async {
        let served = cluster.serve(closing.cancelled()).await;
        failed.cancel();
        served.map_err(|error| error.to_string())
    };
    let proxy = async {
        if let Some(proxy) = proxy {
            proxy.run(closing.cancelled()).await;
        }
    };
    let work = async {
        let work = async {
            match (&settings.self_test, &target) {
                (Some(test), Some(target)) => self_test::run(target, test, signals).await,
                _ => work(settings, &variables, signals).await,
            }
        };
        let code = tokio::select! {
            code = Box::pin(work) => code,
            () = failed.cancelled() => 1,
        };
        closing.cancel();
        code
    };
    let (served, (), code) = tokio::join!(cluster, proxy, work);
    served.map(|()| code)
}

async fn work(settings: &LocalSettings, variables: &[Variable<'_>], signals: &mut Signals) -> u8 {
    match &settings.once {
        None => signals.next().await.exit_code(),
        Some(command) => child::run(command, variables, signals)
            .await
            .unwrap_or_else(|error| {
                let program = command.first().map(|program| program.display());
                let program = program.map_or_else(String::new, |program| program.to_string());
                super::complain(&format!("cannot run {program}: {error}"));
                child::exit_code_of_failure(&error)
            }),
    }
}

async fn proxy(settings: &LocalSettings, cluster: &Cluster) -> Result<Proxy, String> {
    let address = cluster.address().to_string();
    let proxy = settings.proxy_for(cluster.endpoint(), &address, cluster.region());
    let limits: Limits = settings.limits.iter().copied().collect();
    let age = limits.duration(&TRANSACTION_AGE);
    assemble::proxy(proxy, origin(cluster)?, age).await
}

/// The trust and the credentials of a local cluster.
fn origin(cluster: &Cluster) -> Result<Origin, String> {
    let credentials = cluster.credentials();
    Ok(Origin::Given {
        roots: trust::from_file(&cluster.ca_file()).map_err(|error| error.to_string())?,
        credentials: CredentialSource::fixed(
            credentials.access_key_id(),
            credentials.secret_access_key(),
            None,
            SharedTimeSource::default(),
        ),
    })
}

/// Where the proxy is reached.
struct Address {
    host: String,
    port: u16,
}

impl Address {
    fn of(proxy: &Proxy) -> Self {
        let tcp = proxy
            .listening()
            .find_map(|(listener, _)| listener.tcp_address());
        Self {
            host: tcp.map_or_else(|| "127.0.0.1".to_owned(), |tcp| tcp.ip().to_string()),
            port: tcp.map_or(0, |tcp| tcp.port()),
        }
    }

    fn url(&self) -> String {
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        format!("postgresql://admin@{host}:{}/postgres", self.port)
    }
}

/// Variables of libpq (PostgreSQL manual, "Environment Variables") that would lead a command away
/// from the proxy, or ask of it what it does not do, such as TLS.
const NOT_FOR_PROXY: &[&str] = &[
    "PGCHANNELBINDING",
    "PGGSSDELEGATION",
    "PGGSSENCMODE",
    "PGHOSTADDR",
    "PGLOADBALANCEHOSTS",
    "PGMAXPROTOCOLVERSION",
    "PGMINPROTOCOLVERSION",
    "PGOPTIONS",
    "PGPASSFILE",
    "PGPASSWORD",
    "PGREQUIREAUTH",
    "PGREQUIREPEER",
    "PGREQUIRESSL",
    "PGSERVICE",
    "PGSERVICEFILE",
    "PGSSLCERT",
    "PGSSLCERTMODE",
    "PGSSLCOMPRESSION",
    "PGSSLCRL",
    "PGSSLCRLDIR",
    "PGSSLKEY",
    "PGSSLMAXPROTOCOLVERSION",
    "PGSSLMINPROTOCOLVERSION",
    "PGSSLMODE",
    "PGSSLNEGOTIATION",
    "PGSSLROOTCERT",
    "PGSSLSNI",
    "PGTARGETSESSIONATTRS",
];

/// Variables of the AWS SDKs that go with other credentials than the cluster's.
const NOT_FOR_CLUSTER: &[&str] = &["AWS_PROFILE", "AWS_SESSION_TOKEN"];

/// What a command gets to find the proxy; without a proxy, the cluster.
fn variables(cluster: &Cluster, proxy: Option<&Address>) -> Vec<Variable<'static>> {
    let env = cluster.env_file().into_os_string();
    let mut variables: Vec<Variable<'_>> = vec![
        ("DSQL_LOCAL_ENV", Some(env)),
        (CONTROL_VARIABLE, cluster.control_url().map(Into::into)),
    ];
    if let Some(proxy) = proxy {
        variables.extend(NOT_FOR_PROXY.iter().map(|name| (*name, None)));
        variables.extend([
            ("PGHOST", Some(proxy.host.clone().into())),
            ("PGPORT", Some(proxy.port.to_string().into())),
            ("PGUSER", Some("admin".into())),
            ("PGDATABASE", Some("postgres".into())),
            ("DATABASE_URL", Some(proxy.url().into())),
        ]);
    } else {
        variables.extend(NOT_FOR_CLUSTER.iter().map(|name| (*name, None)));
        let own = cluster.variables().into_iter();
        variables.extend(own.map(|(name, value)| (name, Some(value.into()))));
    }
    variables
}

fn banner(cluster: &Cluster, proxy: Option<&Address>) -> String {
    let endpoint = cluster.endpoint();
    let env = cluster.env_file();
    let env = env.display();
    let control = cluster.control_url().map_or_else(String::new, |url| {
        format!("Faults are asked for at {url}/faults\n")
    });
    match proxy {
        Some(proxy) => format!(
            "A local Aurora DSQL cluster and a proxy in front of it are ready.\n\n  \
             {url}\n  psql '{url}'\n\n\
             The cluster itself is {endpoint} at {address};\n\
             {env} has what a DSQL client needs to reach it. Ctrl-C stops both.\n{control}",
            url = proxy.url(),
            address = cluster.address(),
        ),
        None => format!(
            "A local Aurora DSQL cluster is ready: {endpoint} at {address}.\n\
             {env} has what a DSQL client needs to reach it. Ctrl-C stops it.\n{control}",
            address = cluster.address(),
        ),
    }
}
