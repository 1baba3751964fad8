//! Servers and the pools they live in.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::time::timeout;

use super::login::Known;
use super::shared::ClusterOptions;
use crate::net::buffered::Buffered;
use crate::net::buffers::Buffers;
use crate::observe::metrics::ClusterMetrics;
use crate::pool::{Checkout, Closing, Connection, Opener, Pool, Random, Verdict};
use crate::session::{Parameters, ServerState, SessionOptions};
use crate::upstream::{ConnectError, Server, ServerStream, WhenBusy};
use crate::wire::startup::CancelRequest;
use crate::wire::{FrameScanner, backend, encode};

/// How long a server gets to take our goodbye.
const GOODBYE: Duration = Duration::from_millis(500);

/// The longest pause before the first repetition after a conflict; it doubles with each. The actual one
/// is anywhere between nothing and it, so that those who met do not meet again.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// How often the pause doubles at most.
const LONGEST_PAUSE_DOUBLINGS: u32 = 6;

/// Profiles that are remembered for one pool.
const PROFILES: usize = 256;

/// Names and values of a startup packet.
pub(super) type StartupParameters = Vec<(Vec<u8>, Vec<u8>)>;

/// NoticeResponses, one behind the other.
pub(super) type Notices = Bytes;

/// A server that is lent to a session.
pub(super) type ServerCheckout = Checkout<ServerOpener>;

/// A server and what is known of it.
#[derive(Debug)]
pub(super) struct PooledServer {
    pub(super) io: Buffered<ServerStream>,
    pub(super) state: ServerState,
    /// Where in its stream of messages it is.
    pub(super) scanner: FrameScanner,
    /// For who has it: see the relay.
    pub(super) scratch: BytesMut,
    /// What it had to say when it was opened.
    pub(super) notices: Notices,
    /// What cancels its work, if it told that.
    key: Option<Box<CancelRequest>>,
    metrics: Rc<ClusterMetrics>,
    /// It may be in the middle of a message of ours, or of work: nothing more is said to it.
    abandoned: bool,
}

impl PooledServer {
    /// True if nothing is under way in either direction.
    pub(super) fn is_quiet(&self) -> bool {
        self.io.input.is_empty() && self.io.output.is_empty() && self.scanner.rest() == 0
    }

    /// The request that cancels what it does, which is about to be sent. From now on nobody else
    /// may have it, unless it is seen that something was cancelled.
    pub(super) fn cancel_request(&mut self) -> Option<CancelRequest> {
        let key = self.key.as_deref()?;
        self.state.cancel_sent();
        Some(key.clone())
    }

    /// It is dropped without a goodbye.
    pub(super) fn abandon(&mut self) {
        self.abandoned = true;
    }
}

impl Connection for Box<PooledServer> {
    fn is_alive(&mut self) -> bool {
        if !self.io.may_be_readable() {
            return true;
        }
        // What it says while nobody asks is its last word; it is not waited for.
        let mut context = Context::from_waker(Waker::noop());
        matches!(self.io.poll_fill(&mut context), Poll::Pending)
    }

    fn close(mut self, why: Closing) {
        self.metrics.closed(why.label());
        tracing::debug!(%why, "server closed");
        if self.abandoned || !self.is_quiet() {
            return;
        }
        tokio::task::spawn_local(async move {
            encode::terminate(&mut self.io.output);
            timeout(GOODBYE, self.io.close()).await.ok();
        });
    }
}

/// Opens the servers of one pool.
pub(super) struct ServerOpener {
    pub(super) cluster: Rc<ClusterOptions>,
    pub(super) metrics: Rc<ClusterMetrics>,
    pub(super) buffers: Buffers,
    pub(super) role: Rc<str>,
    pub(super) database: Rc<str>,
}

impl ServerOpener {
    fn startup(&self, asked: Option<StartupParameters>) -> StartupParameters {
        let mut parameters = vec![
            (b"user".to_vec(), self.role.as_bytes().to_vec()),
            (b"database".to_vec(), self.database.as_bytes().to_vec()),
        ];
        if let Some(path) = (self.cluster.search_path)(&self.role) {
            parameters.push((b"search_path".to_vec(), path.into_bytes()));
        }
        // A later value wins (PostgreSQL takes the packet's settings in their order).
        parameters.extend(asked.into_iter().flatten());
        parameters
    }
}

impl Opener for ServerOpener {
    type Connection = Box<PooledServer>;
    type Error = Rc<ConnectError>;
    type Request = StartupParameters;

    async fn open(
        &self,
        asked: Option<StartupParameters>,
    ) -> Result<Box<PooledServer>, Rc<ConnectError>> {
        // Who wants a connection of its own waits for that one only; for all others the pool
        // decides when to try again.
        let when_busy = match asked {
            Some(_) => WhenBusy::TryAgain,
            None => WhenBusy::Return,
        };
        let startup = self.startup(asked);
        let connector = &self.cluster.connector;
        let connected = connector.connect(&self.role, &startup, when_busy).await;
        match connected {
            Ok(mut server) => {
                server.io.share(&self.buffers);
                let key = server.welcome.key.take();
                let timings = server.timings;
                self.metrics
                    .opened(timings.whole(), timings.tls, timings.token);
                let state =
                    ServerState::new(reported(&server), self.cluster.max_prepared_statements)
                        .with_pid(key.as_ref().map(|(pid, _)| *pid));
                let notices = notices(&server);
                Ok(Box::new(PooledServer {
                    io: server.io,
                    state,
                    scanner: FrameScanner::new(),
                    scratch: BytesMut::new(),
                    notices,
                    key: key.map(|(pid, secret)| Box::new(CancelRequest { pid, secret })),
                    metrics: Rc::clone(&self.metrics),
                    abandoned: false,
                }))
            }
            Err(error) => {
                self.metrics.connect_failed(error.stage());
                // The pool says so when it will try again.
                if when_busy == WhenBusy::TryAgain || !error.is_busy() {
                    tracing::warn!(
                        cluster = %self.cluster.connector.endpoint,
                        role = %self.role,
                        %error,
                        "cannot connect"
                    );
                }
                Err(Rc::new(error))
            }
        }
    }

    fn verdict(&self, error: &Rc<ConnectError>) -> Verdict {
        if error.is_busy() {
            Verdict::TryLater
        } else {
            Verdict::Definite
        }
    }
}

fn notices(server: &Server) -> Notices {
    let mut notices = BytesMut::new();
    for notice in &server.welcome.notices {
        encode::frame(backend::NOTICE_RESPONSE, &mut notices, |body| {
            body.extend_from_slice(notice);
        });
    }
    notices.freeze()
}

fn reported(server: &Server) -> Parameters {
    let parameters = server.welcome.parameters.iter().cloned();
    parameters
        .map(|(name, value)| (Bytes::from(name), Bytes::from(value)))
        .collect()
}

/// The servers of one role in one database, and what their sessions share.
pub(super) struct RolePool {
    pub(super) role: Rc<str>,
    pub(super) database: Rc<str>,
    pub(super) pool: Pool<ServerOpener>,
    pub(super) sessions: Rc<SessionOptions>,
    pub(super) metrics: Rc<ClusterMetrics>,
    random: Random,
    profiles: RefCell<BTreeMap<StartupParameters, Known>>,
}

impl RolePool {
    pub(super) fn new(opener: ServerOpener, sessions: SessionOptions) -> Self {
        let options = opener.cluster.pool.clone();
        let metrics = Rc::clone(&opener.metrics);
        let random = Rc::clone(&options.random);
        Self {
            role: Rc::clone(&opener.role),
            database: Rc::clone(&opener.database),
            pool: Pool::new(opener, options),
            sessions: Rc::new(sessions),
            random,
            metrics,
            profiles: RefCell::default(),
        }
    }

    /// How long to wait before something that has met a conflict is tried once more.
    pub(super) fn pause_after_conflict(&self, repeated: usize) -> Duration {
        let doublings = u32::try_from(repeated)
            .unwrap_or(u32::MAX)
            .min(LONGEST_PAUSE_DOUBLINGS);
        (FIRST_PAUSE * 2_u32.pow(doublings)).mul_f64((self.random)().clamp(0.0, 1.0))
    }

    /// What a client that brought these parameters got before.
    pub(super) fn known(&self, brought: &StartupParameters) -> Option<Known> {
        self.profiles.borrow().get(brought).cloned()
    }

    /// Remembers what a client got.
    pub(super) fn remember(&self, brought: StartupParameters, known: Known) -> Known {
        let mut profiles = self.profiles.borrow_mut();
        if profiles.len() >= PROFILES {
            // Clients that make up a value for each login should not fill our memory.
            profiles.clear();
        }
        profiles.insert(brought, known.clone());
        known
    }
}
