//! A whole local cluster.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use zeroize::Zeroizing;

use super::authority::{Authority, AuthorityFiles};
use super::control::Control;
use super::directory::DataDirectory;
use super::faults::{Faults, Order};
use super::front::Front;
use super::identity::{ARN, Identity, write_private};
use super::postgres::{Admin, Binaries, Launcher, Postgres};
use super::{Credentials, Limits, LocalError, bootstrap, jobs, postgres};
use crate::net::tls_server::{ServerNames, TlsServer};

/// How long sessions may take to tell their clients that the cluster stops.
const DRAIN: Duration = Duration::from_secs(5);
/// The pause after an accept that failed, for example for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The variable with the URL of the control port, for those who test with a local cluster.
pub const CONTROL_VARIABLE: &str = "DSQL_LOCAL_CONTROL";

/// What kind of local cluster is wanted.
#[derive(Debug, Clone, Default)]
pub struct LocalOptions {
    /// The data directory; a temporary one, deleted at the end, if there is none.
    pub data: Option<PathBuf>,
    /// The port on 127.0.0.1; 0 for any free one.
    pub port: u16,
    /// The directory of `initdb` and `postgres`; searched for if there is none.
    pub pg_bin: Option<PathBuf>,
    /// The AWS region in the endpoint; the kept one, or `us-east-1`, if there is none.
    pub region: Option<String>,
    /// How old a background job is at least when it is done, to the millisecond: zero, unless a
    /// test wants to see an index that is being built.
    pub job_delay: Duration,
    /// Its limits; DSQL's own unless set otherwise.
    pub limits: Limits,
    /// The faults to begin with.
    pub faults: Vec<Order>,
    /// The port on 127.0.0.1 that takes faults over HTTP, 0 for any free one; none without it.
    pub control_port: Option<u16>,
}

/// A local cluster: PostgreSQL runs and the port is bound. Clients are served by
/// [`Cluster::serve`].
///
/// Dropping it shuts PostgreSQL down at once; [`Cluster::stop`] does so in order. PostgreSQL is
/// tied to the life of the thread that called [`Cluster::start`].
#[derive(Debug)]
pub struct Cluster {
    // Dropped in this order: PostgreSQL ends before its directory is deleted.
    postgres: Postgres,
    listener: TcpListener,
    control: Option<Control>,
    faults: Faults,
    front: Arc<Front>,
    address: SocketAddr,
    identity: Identity,
    endpoint: String,
    directory: DataDirectory,
    job_delay: Duration,
}

impl Cluster {
    /// Whom the credentials of every local cluster belong to: what to name in
    /// `AWS IAM GRANT app TO '…'`.
    pub const IAM_ARN: &'static str = ARN;

    /// Starts PostgreSQL on a new or a kept data directory, prepares it, binds the port and
    /// writes `DIR/env`.
    pub async fn start(options: LocalOptions) -> Result<Self, LocalError> {
        let launcher = Launcher::new().await?;
        // A missing PostgreSQL is reported before anything is made.
        let path = std::env::var_os("PATH");
        let find = |major| Binaries::find(options.pg_bin.as_deref(), path.as_deref(), major);
        let mut binaries = find(None).await?;
        let directory = DataDirectory::open(options.data.as_deref(), &launcher)?;
        let places = directory.places();
        if let Some(made_by) = postgres::version_of(&places.data) {
            let major = made_by.parse().ok();
            binaries = find(major).await.map_err(|_| LocalError::OtherVersion {
                dir: directory.path().to_owned(),
                made_by,
            })?;
        }

        let now = SystemTime::now();
        let random = rustls::crypto::aws_lc_rs::default_provider().secure_random;
        let identity =
            Identity::load_or_create(&directory.identity(), options.region.as_deref(), random)?;
        let endpoint = identity.endpoint();
        let files = AuthorityFiles {
            certificate: &directory.authority(),
            key: &directory.authority_key(),
        };
        let certificate = Authority::load_or_create(files, now)?.issue(&endpoint, now)?;
        let names = ServerNames::Only(endpoint.clone());
        let tls = TlsServer::new(certificate.chain, certificate.key, names)
            .map_err(|e| LocalError::Certificate(e.to_string()))?;

        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
        let listen = |source| LocalError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;

        let faults = Faults::default();
        for order in options.faults {
            faults
                .obey(order)
                .map_err(|error| LocalError::Fault(error.to_string()))?;
        }
        let control = match options.control_port {
            Some(port) => Some(control(port, &faults).await?),
            None => None,
        };

        postgres::create(&binaries, &launcher, &places).await?;
        let postgres =
            Postgres::start(&binaries, &launcher, &places, directory.durability()).await?;
        let mut admin = Admin::connect(postgres.socket()).await?;
        bootstrap::prepare(&mut admin).await?;
        admin.run(&options.limits.script()).await?;
        drop(admin);

        let socket = postgres.socket().to_owned();
        let front = Front::new(
            tls,
            identity.clone(),
            socket,
            &options.limits,
            faults.clone(),
        );
        let cluster = Self {
            postgres,
            listener,
            control,
            faults,
            front: Arc::new(front),
            address,
            identity,
            endpoint,
            directory,
            job_delay: options.job_delay,
        };
        write_private(&cluster.env_file(), cluster.env().as_bytes())?;
        tracing::info!(endpoint = cluster.endpoint(), %address, "local cluster is up");
        Ok(cluster)
    }

    /// The endpoint: what is signed, sent as SNI and verified.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The certificate authority that its clients must trust (PEM).
    pub fn ca_file(&self) -> PathBuf {
        self.directory.authority()
    }

    /// The only credentials it knows.
    pub fn credentials(&self) -> &Credentials {
        &self.identity.credentials
    }

    /// Its region.
    pub fn region(&self) -> &str {
        &self.identity.region
    }

    /// Its data directory.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The file with the variables of [`Cluster::variables`] and an empty `AWS_SESSION_TOKEN`, one
    /// `KEY=VALUE` a line.
    pub fn env_file(&self) -> PathBuf {
        self.directory.env()
    }

    /// The environment with which a proxy, or any other client of DSQL, reaches this cluster.
    /// One of the values is a secret.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let credentials = self.credentials();
        let mut variables = vec![
            ("CLUSTER_ENDPOINT", self.endpoint.clone()),
            ("DSQL_PROXY_CLUSTER_ENDPOINT", self.endpoint.clone()),
            ("DSQL_PROXY_UPSTREAM_ADDRESS", self.address.to_string()),
            ("SSL_CERT_FILE", self.ca_file().display().to_string()),
            ("AWS_ACCESS_KEY_ID", credentials.access_key_id().to_owned()),
            (
                "AWS_SECRET_ACCESS_KEY",
                credentials.secret_access_key().to_owned(),
            ),
            ("AWS_REGION", self.identity.region.clone()),
        ];
        variables.extend(self.control_url().map(|url| (CONTROL_VARIABLE, url)));
        variables
    }

    /// Where faults are asked for over HTTP: `http://127.0.0.1:PORT`, if there is a control port.
    pub fn control_url(&self) -> Option<String> {
        self.control.as_ref().map(Control::url)
    }

    /// Faults on demand, also while clients are served.
    pub fn faults(&self) -> Faults {
        self.faults.clone()
    }

    /// Serves clients until `shutdown` is ready or PostgreSQL ends, which is an error. At a
    /// shutdown every session is told (FATAL 57P01) before this returns.
    pub async fn serve(&mut self, shutdown: impl Future<Output = ()>) -> Result<(), LocalError> {
        let mut sessions = JoinSet::new();
        let control = self.control.as_ref();
        let control = async {
            match control {
                Some(control) => control.serve().await,
                None => std::future::pending().await,
            }
        };
        let socket = self.postgres.socket().to_owned();
        let worker = jobs::work(&socket, self.job_delay, || self.front.catalog_changed());
        let front = Arc::clone(&self.front);
        let watch = front.watch();
        tokio::pin!(control, shutdown, worker, watch);
        let outcome = loop {
            tokio::select! {
                () = &mut shutdown => break Ok(()),
                never = &mut control => match never {},
                error = self.postgres.ended() => break Err(error),
                never = &mut worker => match never {},
                never = &mut watch => match never {},
                Some(_) = sessions.join_next(), if !sessions.is_empty() => {}
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        let front = Arc::clone(&self.front);
                        sessions.spawn(async move { front.serve(stream).await });
                    }
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept a connection");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        };
        self.postgres.begin_stop();
        let drained = async { while sessions.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN, drained).await.is_err() {
            tracing::warn!(
                sessions = sessions.len(),
                "closing sessions that did not end by themselves"
            );
        }
        outcome
    }

    /// Shuts PostgreSQL down and, if the data directory is temporary, deletes it.
    pub async fn stop(self) {
        self.postgres.stop().await;
    }

    fn env(&self) -> Zeroizing<String> {
        let mut variables = self.variables();
        // Whoever sources the file may have one that belongs to other credentials. The SDKs take
        // an empty one for none.
        variables.push(("AWS_SESSION_TOKEN", String::new()));
        let lines = variables
            .into_iter()
            .map(|(name, value)| format!("{name}={}\n", shell_quoted(&value)));
        let head = "# With these variables a client of DSQL reaches this local cluster:\n\
                    # set -a; . ./env; set +a\n";
        Zeroizing::new(std::iter::once(head.to_owned()).chain(lines).collect())
    }
}

async fn control(port: u16, faults: &Faults) -> Result<Control, LocalError> {
    let bound = Control::bind(port, faults.clone()).await;
    bound.map_err(|source| LocalError::ControlPort { port, source })
}

/// The value as a shell reads it: in quotes where it holds more than plain characters.
fn shell_quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/.:_-+@%".contains(c);
    if value.chars().all(plain) {
        value.to_owned()
    } else {
        format!("'{}'", value.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests;
