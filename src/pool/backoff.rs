//! Pauses after failures.

use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

use super::Random;

/// First and longest pause.
const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);

/// Pauses that double, each cut at random by up to a half, so that many proxies do not come back
/// at the same moment.
pub(super) struct Backoff {
    next: Duration,
    until: Option<Instant>,
    random: Random,
}

impl Backoff {
    pub(super) fn new(random: Random) -> Self {
        Self {
            next: FIRST,
            until: None,
            random,
        }
    }

    /// The end of the pause, if there is one.
    pub(super) fn until(&self, now: Instant) -> Option<Instant> {
        self.until.filter(|until| *until > now)
    }

    /// Something failed. What fails during a pause was begun before it, and is the same failure.
    pub(super) fn failed(&mut self, now: Instant) {
        if self.until(now).is_some() {
            return;
        }
        let cut = (self.random)().clamp(0.0, 1.0) / 2.0;
        self.until = Some(now + self.next.mul_f64(1.0 - cut));
        self.next = (self.next * 2).min(LONGEST);
    }

    /// It works again.
    pub(super) fn reset(&mut self) {
        self.next = FIRST;
        self.until = None;
    }
}

impl fmt::Debug for Backoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backoff")
            .field("next", &self.next)
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
