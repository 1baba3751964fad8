//! A proxy: what it needs, binding its ports, running and closing it.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::accept;
use super::place::{Lobby, Places};
use super::shared::{ClusterOptions, ClusterState, ProxyOptions, Shared};
use crate::net::listen::{self, ListenError, Listener};

/// How long clients get to leave when the proxy closes.
const CLOSING: Duration = Duration::from_secs(5);

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
            lobby: Rc::new(Lobby::new(options.max_clients)),
            places: Places::new(options.max_clients),
            options,
            cancels: Rc::default(),
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
                clients = shared.places.taken(),
                "clients did not leave in time"
            );
        }
    }
}
