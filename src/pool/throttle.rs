//! How fast servers may be opened: DSQL's connection rate, and what it refuses.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use super::{Backoff, Random};
use crate::dsql::limits;

/// What the pools of one cluster have in common when they open servers: the cluster's connection
/// rate, and the pause after it refused a connection because it has too many. Clones share it.
#[derive(Clone)]
pub struct Throttle(Rc<RefCell<State>>);

struct State {
    bucket: Bucket,
    backoff: Backoff,
}

impl Throttle {
    /// The rate of DSQL: [`limits::CONNECTION_RATE`], [`limits::CONNECTION_BURST`].
    pub fn dsql(random: Random) -> Self {
        let rate = limits::CONNECTION_RATE.value;
        Self::new(rate, limits::CONNECTION_BURST.value, random)
    }

    /// `rate` servers a second, and `burst` at once after a time without any.
    pub fn new(rate: u64, burst: u64, random: Random) -> Self {
        Self(Rc::new(RefCell::new(State {
            bucket: Bucket::new(rate, burst),
            backoff: Backoff::new(random),
        })))
    }

    /// From when on a server may be opened; nothing if it may be now.
    pub(super) fn closed_until(&self, now: Instant) -> Option<Instant> {
        let mut state = self.0.borrow_mut();
        let rate = state.bucket.empty_until(now);
        rate.max(state.backoff.until(now))
    }

    /// A server is being opened.
    pub(super) fn take(&self, now: Instant) {
        self.0.borrow_mut().bucket.take(now);
    }

    /// The cluster took a connection.
    pub(super) fn accepted(&self) {
        self.0.borrow_mut().backoff.reset();
    }

    /// The cluster has too many connections, or gets them too fast.
    pub(super) fn refused(&self, now: Instant) {
        self.0.borrow_mut().backoff.failed(now);
    }
}

impl fmt::Debug for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Throttle")
            .field(&self.0.borrow().bucket)
            .finish()
    }
}

/// A token bucket that is filled by looking at the clock. It counts in the time that a token
/// takes to come, so that nothing is lost by rounding.
#[derive(Debug)]
struct Bucket {
    /// How long a token takes.
    interval: Duration,
    /// How much it holds.
    capacity: Duration,
    /// When it was full, or will be.
    full_at: Option<Instant>,
}

impl Bucket {
    fn new(rate: u64, burst: u64) -> Self {
        let interval = Duration::from_secs(1) / u32::try_from(rate.max(1)).unwrap_or(u32::MAX);
        Self {
            interval,
            capacity: interval * u32::try_from(burst.max(1)).unwrap_or(u32::MAX),
            full_at: None,
        }
    }

    /// When the next token comes, if there is none.
    fn empty_until(&mut self, now: Instant) -> Option<Instant> {
        let full_at = self.full_at?;
        // With one token missing in `capacity` it is not empty.
        let there_at = (full_at + self.interval).checked_sub(self.capacity)?;
        (there_at > now).then_some(there_at)
    }

    fn take(&mut self, now: Instant) {
        let full_at = self.full_at.map_or(now, |at| at.max(now));
        self.full_at = Some(full_at + self.interval);
    }
}

#[cfg(test)]
mod tests;
