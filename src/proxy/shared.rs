//! What the tasks of a proxy share.

use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::cancel::CancelRegistry;
use super::place::{Lobby, Places};
use crate::compat::Policy;
use crate::session::ClientLogin;
use crate::upstream::{ConnectError, Connector, Server};

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

pub(super) struct Shared {
    pub(super) options: ProxyOptions,
    pub(super) cancels: Rc<CancelRegistry>,
    pub(super) lobby: Rc<Lobby>,
    pub(super) places: Places,
    pub(super) tasks: TaskTracker,
    pub(super) closing: CancellationToken,
}

pub(super) struct ClusterState {
    pub(super) options: ClusterOptions,
}

impl ClusterState {
    /// A server for a client.
    pub(super) async fn connect(&self, login: &ClientLogin) -> Result<Server, ConnectError> {
        let options = &self.options;
        let mut parameters = vec![
            (b"user".to_vec(), login.role.clone().into_bytes()),
            (
                b"database".to_vec(),
                login
                    .database
                    .as_ref()
                    .unwrap_or(&options.default_database)
                    .clone()
                    .into_bytes(),
            ),
        ];
        if !login.has_search_path
            && let Some(path) = (options.search_path)(&login.role)
        {
            parameters.push((b"search_path".to_vec(), path.into_bytes()));
        }
        parameters.extend(login.parameters.iter().cloned());
        options.connector.connect(&login.role, &parameters).await
    }
}
