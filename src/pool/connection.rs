//! What a pool holds, and what opens it.

use std::fmt;

/// A server, as far as a pool needs to know it. Pools move it around by value: box what is large.
pub trait Connection {
    /// Whether it can still be used: false if the peer has closed it, or has said something nobody
    /// asked for. Must not wait. Called before an idle one is handed out.
    fn is_alive(&mut self) -> bool;

    /// Ends it. Must not wait: what takes time is given to a task.
    fn close(self, why: Closing);
}

/// Why a pool closes a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// Nobody used it for a while.
    Idle,
    /// It is old.
    Lifetime,
    /// It was dead before it was handed out.
    Dead,
    /// It makes room for a private one.
    Evicted,
    /// It was for one client, who has left.
    Private,
    /// Whoever had it says that nobody else may have it, and why.
    Discarded(&'static str),
    /// The pool closes.
    PoolClosed,
}

impl Closing {
    /// A label for a metric.
    pub fn label(self) -> &'static str {
        match self {
            Self::Idle => "idle_timeout",
            Self::Lifetime => "lifetime",
            Self::Dead => "dead",
            Self::Evicted => "evicted",
            Self::Private => "private",
            Self::Discarded(_) => "discarded",
            Self::PoolClosed => "shutdown",
        }
    }
}

impl fmt::Display for Closing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Idle => "idle timeout",
            Self::Lifetime => "maximum lifetime",
            Self::Dead => "dead while idle",
            Self::Evicted => "makes room for a private one",
            Self::Private => "private",
            Self::Discarded(why) => why,
            Self::PoolClosed => "pool closed",
        })
    }
}

/// Opens servers.
pub trait Opener: 'static {
    /// What it opens.
    type Connection: Connection;
    /// Why it could not. Several who wait may be told, and it may be told again later.
    type Error: Clone + fmt::Display;
    /// What a private server is asked for.
    type Request;

    /// Opens a server; a private one if there is a request. It must give up by itself in the end.
    /// Dropping the future abandons it.
    fn open(
        &self,
        request: Option<Self::Request>,
    ) -> impl Future<Output = Result<Self::Connection, Self::Error>>;

    /// What a failure means for those who wait.
    fn verdict(&self, error: &Self::Error) -> Verdict;
}

/// What a failed open means for those who wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The cluster sheds load or wakes up: they wait on, and the pool tries again after a pause.
    TryLater,
    /// Trying again will not help, such as after access denied: they are told, unless they can
    /// wait for a server that is in use.
    Definite,
}

/// One server of a pool. Never used again for another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub(super) u64);

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
