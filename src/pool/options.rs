//! The limits of a pool.

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use super::Throttle;

/// Random numbers, uniform in 0..1.
pub type Random = Rc<dyn Fn() -> f64>;

/// The limits of a pool. Clones share their [`Throttle`]: make one for each cluster, and clone it
/// for the cluster's pools.
#[derive(Clone)]
pub struct PoolOptions {
    /// The most servers, those being opened included; at least 1.
    pub size: usize,
    /// Servers kept ready while nobody uses them; at most `size`.
    pub min_idle: usize,
    /// How long a client waits for a server.
    pub queue_timeout: Duration,
    /// How long a server stays unused before it is closed, unless `min_idle` keeps it.
    pub idle_timeout: Duration,
    /// How old a server gets at most; it is replaced at an age chosen at random from the last
    /// tenth of it, so that servers opened together are not replaced together.
    pub max_lifetime: Duration,
    /// How many servers are opened at a time.
    pub concurrent_connects: usize,
    /// How fast servers may be opened.
    pub throttle: Throttle,
    /// For jitter.
    pub random: Random,
}

impl PoolOptions {
    /// The defaults of the settings (`config::SETTINGS`), and the connection rate of DSQL.
    pub fn new(random: Random) -> Self {
        Self {
            size: 20,
            min_idle: 0,
            queue_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_mins(10),
            max_lifetime: Duration::from_mins(55),
            concurrent_connects: 4,
            throttle: Throttle::dsql(Rc::clone(&random)),
            random,
        }
    }
}

impl fmt::Debug for PoolOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolOptions")
            .field("size", &self.size)
            .field("min_idle", &self.min_idle)
            .field("queue_timeout", &self.queue_timeout)
            .field("idle_timeout", &self.idle_timeout)
            .field("max_lifetime", &self.max_lifetime)
            .field("concurrent_connects", &self.concurrent_connects)
            .finish_non_exhaustive()
    }
}
