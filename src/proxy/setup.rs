//! A proxy: what it needs, binding its ports, running and closing it.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::spawn_local;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use super::place::{Lobby, Places};
use super::shared::{ClusterOptions, ClusterState, ProxyOptions, Shared};
use super::{accept, endpoints};
use crate::net::buffers::Buffers;
use crate::net::listen::{self, ListenError, Listener};
use crate::observe;
use crate::observe::metrics::Metrics;

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
    clusters: Vec<Rc<ClusterState>>,
    http: Option<TcpListener>,
}

impl Proxy {
    /// Binds every port and socket, or none.
    pub fn bind(options: ProxyOptions, clusters: Vec<ClusterOptions>) -> Result<Self, ProxyError> {
        let metrics = Metrics::new();
        let buffers = Buffers::default();
        let clusters: Vec<_> = clusters
            .into_iter()
            .map(|options| {
                let metrics = metrics.cluster(&options.connector.endpoint);
                Rc::new(ClusterState::new(options, metrics, buffers.clone()))
            })
            .collect();
        let mut listeners = Vec::new();
        for cluster in &clusters {
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
            listeners.extend(tcp.into_iter().chain(unix).map(|l| (l, Rc::clone(cluster))));
        }
        let http = options.http.map(http).transpose()?;
        let shared = Shared {
            lobby: Rc::new(Lobby::new(options.max_clients)),
            places: Places::new(options.max_clients),
            options,
            cancels: Rc::default(),
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
            metrics,
            buffers,
            started: Instant::now(),
        };
        Ok(Self {
            shared: Rc::new(shared),
            listeners,
            clusters,
            http,
        })
    }

    /// Where clients can connect: a description of each listener, with its endpoint.
    pub fn listening(&self) -> impl Iterator<Item = (&Listener, &str)> {
        self.listeners
            .iter()
            .map(|(listener, cluster)| (listener, cluster.options.connector.endpoint.as_str()))
    }

    /// Where HTTP is answered.
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.http.as_ref().and_then(|http| http.local_addr().ok())
    }

    /// Serves until `shutdown` is ready, then tells every client and waits for them to leave.
    /// Must run where tasks can be spawned that stay on their thread.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let Self {
            shared,
            listeners,
            clusters,
            http,
        } = self;
        let closing = clusters.clone();
        // Ends when it is dropped: HTTP is answered until the last client has left.
        let _http = http.map(|http| {
            let routes = endpoints::routes(&shared, clusters);
            AbortOnDropHandle::new(spawn_local(observe::http::serve(http, routes)))
        });
        for (listener, cluster) in listeners {
            spawn_local(accept::run(listener, cluster, Rc::clone(&shared)));
        }
        shutdown.await;
        shared.closing.cancel();
        shared.cancels.close();
        shared.tasks.close();
        for cluster in &closing {
            cluster.close();
        }
        if timeout(CLOSING, shared.tasks.wait()).await.is_err() {
            tracing::warn!(
                clients = shared.places.taken(),
                "clients did not leave in time"
            );
        }
    }
}

/// The port for HTTP.
fn http(address: SocketAddr) -> Result<TcpListener, ListenError> {
    listen::tcp_socket(address).map_err(|error| error.of_flag("--http-port"))
}
