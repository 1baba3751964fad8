//! A proxy: what it needs, binding its ports, running and closing it.

use std::cell::Cell;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::accept;
use super::cancel::CancelRegistry;
use crate::compat::Policy;
use crate::net::listen::{self, ListenError, Listener};
use crate::upstream::Connector;

/// How long clients get to leave when the proxy closes.
const CLOSING: Duration = Duration::from_secs(5);

/// What concerns every cluster.
#[derive(Debug, Clone)]
pub struct ProxyOptions {
    /// The most clients at a time.
    pub max_clients: usize,
    /// How long a client may take for its startup packet.
    pub login_timeout: Duration,
}

/// One cluster and where it is offered.
pub struct ClusterOptions {
    /// Connects to it.
    pub connector: Connector,
    /// What to do about parameters that DSQL does not support.
    pub policy: Policy,
    /// The role of a client that names none.
    pub default_role: String,
    /// The database of a client that names none.
    pub default_database: String,
    /// The `search_path` that a role gets unless the client brings its own.
    pub search_path: SearchPath,
    /// Where to listen: one address, or loopback in both families if `None`.
    pub address: Option<std::net::IpAddr>,
    /// The port; 0 takes a free one.
    pub port: u16,
    /// A directory for a Unix socket.
    pub unix_socket: Option<PathBuf>,
}

/// The `search_path` of a role.
pub type SearchPath = Box<dyn Fn(&str) -> Option<String>>;

/// Why a proxy could not start.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// A port or socket cannot be had.
    #[error(transparent)]
    Listen(#[from] ListenError),
}

/// A proxy whose ports are bound.
pub struct Proxy {
    shared: Rc<Shared>,
    listeners: Vec<(Listener, Rc<ClusterState>)>,
}

pub(super) struct Shared {
    pub(super) options: ProxyOptions,
    pub(super) cancels: Rc<CancelRegistry>,
    pub(super) clients: Rc<Cell<usize>>,
    pub(super) tasks: TaskTracker,
    pub(super) closing: CancellationToken,
}

pub(super) struct ClusterState {
    pub(super) options: ClusterOptions,
}

impl Proxy {
    /// Binds every port and socket, or none.
    pub fn bind(options: ProxyOptions, clusters: Vec<ClusterOptions>) -> Result<Self, ProxyError> {
        let mut listeners = Vec::new();
        for cluster in clusters {
            let cluster = Rc::new(ClusterState { options: cluster });
            let options = &cluster.options;
            let tcp = match options.address {
                None => listen::loopback(options.port)?,
                Some(address) => vec![listen::tcp(SocketAddr::new(address, options.port))?],
            };
            let port = tcp
                .first()
                .and_then(Listener::tcp_address)
                .map_or(0, |a| a.port());
            let unix = match &options.unix_socket {
                Some(directory) => Some(listen::unix(directory, port)?),
                None => None,
            };
            listeners.extend(
                tcp.into_iter()
                    .chain(unix)
                    .map(|l| (l, Rc::clone(&cluster))),
            );
        }
        let shared = Shared {
            options,
            cancels: Rc::default(),
            clients: Rc::default(),
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
        };
        Ok(Self {
            shared: Rc::new(shared),
            listeners,
        })
    }

    /// Where clients can connect: a description of each listener, with its endpoint.
    pub fn listening(&self) -> impl Iterator<Item = (&Listener, &str)> {
        self.listeners
            .iter()
            .map(|(listener, cluster)| (listener, cluster.options.connector.endpoint.as_str()))
    }

    /// Serves until `shutdown` is ready, then tells every client and waits for them to leave.
    /// Must run inside a [`tokio::task::LocalSet`].
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let Self { shared, listeners } = self;
        for (listener, cluster) in listeners {
            tokio::task::spawn_local(accept::run(listener, cluster, Rc::clone(&shared)));
        }
        shutdown.await;
        shared.closing.cancel();
        shared.tasks.close();
        if timeout(CLOSING, shared.tasks.wait()).await.is_err() {
            tracing::warn!(
                clients = shared.clients.get(),
                "clients did not leave in time"
            );
        }
    }
}
