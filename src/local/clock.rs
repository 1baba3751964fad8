//! The clock of a cluster.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

/// The system's clock, or one that is ahead of it.
#[derive(Debug, Default)]
pub(super) struct Clock {
    ahead: AtomicI64,
}

impl Clock {
    /// Goes this many seconds ahead of the system's clock, or behind it.
    pub(super) fn shift(&self, seconds: i64) {
        self.ahead.store(seconds, Ordering::Relaxed);
    }

    /// What time it is.
    pub(super) fn now(&self) -> SystemTime {
        let seconds = self.ahead.load(Ordering::Relaxed);
        let by = Duration::from_secs(seconds.unsigned_abs());
        let now = SystemTime::now();
        let shifted = if seconds < 0 {
            now.checked_sub(by)
        } else {
            now.checked_add(by)
        };
        shifted.unwrap_or(now)
    }
}
