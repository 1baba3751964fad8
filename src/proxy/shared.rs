//! What the tasks of a proxy share.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::age::Ages;
use super::cancel::{CancelRegistry, Owner};
use super::place::{Lobby, Places};
use super::roster::{Present, Roster};
use super::server::{RolePool, ServerOpener};
use super::signals::Cancels;
use crate::adapt::locks::Locks;
use crate::compat::Policy;

use crate::net::buffers::Buffers;
use crate::observe::metrics::{ClusterMetrics, Metrics};
use crate::observe::{Clients, ClusterStatus, PoolStatus, Servers};
use crate::pool::PoolOptions;
use crate::session::{ClientLogin, PoolMode, Registry, SequencePins, SessionOptions};
use crate::upstream::Connector;

/// How many advisory locks are kept for a database, and waits for them.
const MOST_LOCKS: usize = 100_000;

/// What concerns every cluster.
#[derive(Debug, Clone)]
pub struct ProxyOptions {
    /// The most clients at a time.
    pub max_clients: usize,
    /// How long a client may take for its startup packet.
    pub login_timeout: Duration,
    /// Where HTTP is answered, if it shall be; port 0 takes a free one.
    pub http: Option<SocketAddr>,
}

/// One cluster and where it is offered.
pub struct ClusterOptions {
    /// Connects to it.
    pub connector: Connector,
    /// What to do about parameters that DSQL does not support.
    pub policy: Rc<Policy>,
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
    /// For how long a client has a server.
    pub pool_mode: PoolMode,
    /// The limits of each pool.
    pub pool: PoolOptions,
    /// How many prepared statements a server holds.
    pub max_prepared_statements: usize,
    /// How often a statement is run that ends in a conflict, the first time included; with 0 or 1
    /// it is never run again.
    pub occ_retries: usize,
    /// How many bytes of a statement and of its answer are kept so that it can be run again.
    pub retry_buffer: usize,
    /// How old a transaction may get in which its client idles, if the cluster has such a limit.
    pub transaction_age: Option<Duration>,
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
    pub(super) metrics: Metrics,
    /// For all clients and servers.
    pub(super) buffers: Buffers,
    pub(super) started: Instant,
}

type Pools = BTreeMap<Rc<str>, BTreeMap<Rc<str>, Rc<RolePool>>>;

pub(super) struct ClusterState {
    pub(super) options: Rc<ClusterOptions>,
    pub(super) metrics: Rc<ClusterMetrics>,
    pub(super) roster: Rc<Roster>,
    endpoint: Rc<str>,
    buffers: Buffers,
    /// Looks after transactions that may not get too old.
    pub(super) ages: Option<Rc<Ages>>,
    /// What became of requests to cancel that were sent to it.
    pub(super) cancels: Cell<Cancels>,
    /// Advisory locks, by database.
    locks: RefCell<BTreeMap<Rc<str>, Locks>>,
    /// By role and database.
    pools: RefCell<Pools>,
}

impl ClusterState {
    pub(super) fn new(
        options: ClusterOptions,
        metrics: Rc<ClusterMetrics>,
        buffers: Buffers,
    ) -> Self {
        Self {
            endpoint: options.connector.endpoint.as_str().into(),
            ages: options.transaction_age.map(Ages::new),
            options: Rc::new(options),
            metrics,
            roster: Rc::default(),
            buffers,
            cancels: Cell::default(),
            locks: RefCell::default(),
            pools: RefCell::default(),
        }
    }

    /// The pool for a client.
    pub(super) fn pool(&self, login: &ClientLogin) -> Rc<RolePool> {
        let options = &self.options;
        let database = login.database.as_ref().unwrap_or(&options.default_database);
        let mut pools = self.pools.borrow_mut();
        let of_role = pools.get(login.role.as_str());
        if let Some(pool) = of_role.and_then(|pools| pools.get(database.as_str())) {
            return Rc::clone(pool);
        }
        let role: Rc<str> = login.role.as_str().into();
        let database: Rc<str> = database.as_str().into();
        let opener = ServerOpener {
            cluster: Rc::clone(options),
            metrics: Rc::clone(&self.metrics),
            buffers: self.buffers.clone(),
            role: Rc::clone(&role),
            database: Rc::clone(&database),
        };
        let sessions = SessionOptions {
            policy: Rc::clone(&options.policy),
            mode: options.pool_mode,
            registry: Registry::default(),
            retry_buffer: options.retry_buffer,
            attempts: options.occ_retries,
            sequences: SequencePins::new(options.pool.size),
        };
        let pool = Rc::new(RolePool::new(opener, sessions));
        pools
            .entry(role)
            .or_default()
            .insert(database, Rc::clone(&pool));
        pool
    }

    /// The advisory locks of a database.
    pub(super) fn locks(&self, database: &Rc<str>) -> Locks {
        let mut all = self.locks.borrow_mut();
        if let Some(locks) = all.get(database) {
            return locks.clone();
        }
        let locks = Locks::new(MOST_LOCKS);
        all.insert(Rc::clone(database), locks.clone());
        locks
    }

    /// Closes the servers that nobody uses; no others are opened.
    pub(super) fn close(&self) {
        for pool in self.pools.borrow().values().flat_map(BTreeMap::values) {
            pool.pool.close();
        }
    }

    /// Puts a client of this pool on the roster.
    pub(super) fn enter(&self, pool: &RolePool) -> Present {
        self.roster.enter(&pool.role, &pool.database)
    }

    /// Whose the sessions of a pool are.
    pub(super) fn owner(&self, pool: &RolePool) -> Owner {
        Owner {
            cluster: Rc::clone(&self.endpoint),
            role: Rc::clone(&pool.role),
        }
    }

    /// What is going on now.
    pub(super) fn status(&self) -> ClusterStatus {
        let pools = self.pools.borrow();
        let pools = pools.values().flat_map(BTreeMap::values).map(|pool| {
            let now = pool.pool.snapshot();
            PoolStatus {
                role: pool.role.to_string(),
                database: pool.database.to_string(),
                size: Some(now.size),
                clients: Clients {
                    connected: 0,
                    active: now.active,
                    waiting: now.waiting,
                },
                servers: Servers {
                    active: now.active,
                    idle: now.idle,
                    connecting: now.connecting,
                },
                longest_wait_seconds: now.longest_wait.as_secs_f64(),
            }
        });
        self.roster
            .status(&self.options.connector.endpoint, pools.collect())
    }
}
