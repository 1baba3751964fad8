//! How many connections a cluster takes, and how fast.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use super::Limits;
use crate::dsql::limits::{CONNECTION_BURST, CONNECTION_RATE, CONNECTIONS, Limit};
use crate::wire::{ErrorResponse, SqlState};

/// A token bucket: so many at once, refilled at so many a second.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    rate: f64,
    burst: f64,
    tokens: f64,
    filled: Instant,
}

/// What a bucket gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Drawn {
    /// A token.
    Token,
    /// Nothing: it is empty.
    Nothing,
}

impl Bucket {
    /// A full one. `rate` is tokens a second, `burst` how many it holds.
    pub(super) fn new(rate: u64, burst: u64, now: Instant) -> Self {
        // Nobody sets limits at which a float is not exact.
        let number = |n: u64| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
        Self {
            rate: number(rate),
            burst: number(burst),
            tokens: number(burst),
            filled: now,
        }
    }

    /// Takes one token.
    pub(super) fn draw(&mut self, now: Instant) -> Drawn {
        let since = now.saturating_duration_since(self.filled);
        self.filled = self.filled.max(now);
        self.tokens = (self.tokens + since.as_secs_f64() * self.rate).min(self.burst);
        if self.tokens < 1.0 {
            return Drawn::Nothing;
        }
        self.tokens -= 1.0;
        Drawn::Token
    }
}

/// Why a connection is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum QuotaExceeded {
    /// Too many in too short a time.
    Rate,
    /// Too many at once.
    Connections,
}

impl QuotaExceeded {
    /// What DSQL says (user guide, "Quotas", 2026-09).
    pub(super) fn to_response(self) -> ErrorResponse {
        let limit: &Limit = match self {
            Self::Rate => &CONNECTION_RATE,
            Self::Connections => &CONNECTIONS,
        };
        let sqlstate = SqlState::parse(limit.sqlstate.as_bytes());
        ErrorResponse::fatal(sqlstate.unwrap_or(SqlState::INTERNAL_ERROR), limit.message)
    }
}

/// The connections of a cluster.
#[derive(Debug)]
pub(super) struct Quota {
    most: u64,
    bucket: Mutex<Bucket>,
    /// Its references but one are the open connections.
    open: Arc<()>,
}

/// One open connection, as long as it is kept.
#[derive(Debug)]
pub(super) struct ConnectionGuard {
    _counted: Arc<()>,
}

impl Quota {
    pub(super) fn new(limits: &Limits, now: Instant) -> Self {
        let rate = limits.of(&CONNECTION_RATE);
        let burst = limits.of(&CONNECTION_BURST);
        Self {
            most: limits.of(&CONNECTIONS),
            bucket: Mutex::new(Bucket::new(rate, burst, now)),
            open: Arc::new(()),
        }
    }

    /// Takes one more connection. Which of two quotas DSQL looks at first is not known.
    pub(super) fn admit(&self, now: Instant) -> Result<ConnectionGuard, QuotaExceeded> {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        if bucket.draw(now) == Drawn::Nothing {
            return Err(QuotaExceeded::Rate);
        }
        // Under the lock, so that two at once do not both see the last place.
        let open = Arc::strong_count(&self.open) - 1;
        if u64::try_from(open).is_ok_and(|open| open >= self.most) {
            return Err(QuotaExceeded::Connections);
        }
        Ok(ConnectionGuard {
            _counted: Arc::clone(&self.open),
        })
    }
}

#[cfg(test)]
mod tests;
