//! `dsql-proxy local`: a local cluster and a proxy in front of it.

use std::ffi::OsString;

use aws_types::sdk_config::SharedTimeSource;
use tokio_util::sync::CancellationToken;

use super::assemble::{self, Origin};
use crate::config::LocalSettings;
use crate::iam::CredentialSource;
use crate::local::{Cluster, LocalOptions};
use crate::net::trust;
use crate::platform::child;
use crate::platform::signals::Signals;
use crate::proxy::Proxy;

pub(super) async fn run(settings: LocalSettings) -> Result<u8, String> {
    let mut signals =
        Signals::new().map_err(|error| format!("cannot listen for signals: {error}"))?;
    let options = LocalOptions {
        data: settings.data.clone(),
        port: settings.cluster_port,
        pg_bin: std::env::var_os("PG_BIN").map(Into::into),
        region: settings.region().map(str::to_owned),
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
    let proxy = if settings.cluster_only {
        None
    } else {
        Some(proxy(settings, cluster).await?)
    };
    let address = proxy.as_ref().map(Address::of);
    let variables = variables(cluster, address.as_ref());
    if settings.once.is_none() {
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
        let code = tokio::select! {
            code = work(settings, &variables, signals) => code,
            () = failed.cancelled() => Ok(1),
        };
        closing.cancel();
        code
    };
    let (served, (), code) = tokio::join!(cluster, proxy, work);
    served.and(code)
}

async fn work(
    settings: &LocalSettings,
    variables: &[(&str, OsString)],
    signals: &mut Signals,
) -> Result<u8, String> {
    match &settings.once {
        None => Ok(signals.next().await.exit_code()),
        Some(command) => child::run(command, variables, signals)
            .await
            .map_err(|error| format!("cannot run {}: {error}", command[0].display())),
    }
}

async fn proxy(settings: &LocalSettings, cluster: &Cluster) -> Result<Proxy, String> {
    let credentials = cluster.credentials();
    let origin = Origin::Given {
        roots: trust::from_file(&cluster.ca_file()).map_err(|error| error.to_string())?,
        credentials: CredentialSource::fixed(
            credentials.access_key_id(),
            credentials.secret_access_key(),
            None,
            SharedTimeSource::default(),
        ),
    };
    let address = cluster.address().to_string();
    let proxy = settings.proxy_for(cluster.endpoint(), &address, cluster.region());
    assemble::proxy(proxy, origin).await
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

/// What a command gets to find the proxy; without a proxy, the cluster.
fn variables(cluster: &Cluster, proxy: Option<&Address>) -> Vec<(&'static str, OsString)> {
    let mut variables: Vec<(&str, OsString)> =
        vec![("DSQL_LOCAL_ENV", cluster.env_file().into_os_string())];
    match proxy {
        Some(proxy) => variables.extend([
            ("PGHOST", proxy.host.clone().into()),
            ("PGPORT", proxy.port.to_string().into()),
            ("PGUSER", "admin".into()),
            ("PGDATABASE", "postgres".into()),
            ("DATABASE_URL", proxy.url().into()),
        ]),
        None => variables.extend(
            cluster
                .variables()
                .into_iter()
                .map(|(name, value)| (name, value.into())),
        ),
    }
    variables
}

fn banner(cluster: &Cluster, proxy: Option<&Address>) -> String {
    let endpoint = cluster.endpoint();
    let env = cluster.env_file();
    let env = env.display();
    match proxy {
        Some(proxy) => format!(
            "A local Aurora DSQL cluster and a proxy in front of it are ready.\n\n  \
             {url}\n  psql '{url}'\n\n\
             The cluster itself is {endpoint} at {address};\n\
             {env} has what a DSQL client needs to reach it. Ctrl-C stops both.\n",
            url = proxy.url(),
            address = cluster.address(),
        ),
        None => format!(
            "A local Aurora DSQL cluster is ready: {endpoint} at {address}.\n\
             {env} has what a DSQL client needs to reach it. Ctrl-C stops it.\n",
            address = cluster.address(),
        ),
    }
}
