//! A clock that tests set.

use aws_types::sdk_config::{SharedTimeSource, TimeSource};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

/// A wall clock that stands still until it is set.
#[derive(Debug, Clone)]
pub(super) struct TestClock(Arc<Mutex<SystemTime>>);

impl TestClock {
    /// A clock at an RFC 3339 time.
    pub(super) fn at(time: &str) -> Self {
        let time = humantime::parse_rfc3339(time).expect("a time");
        Self(Arc::new(Mutex::new(time)))
    }

    pub(super) fn advance(&self, by: Duration) {
        *self.0.lock().expect("not poisoned") += by;
    }

    pub(super) fn set_back(&self, by: Duration) {
        *self.0.lock().expect("not poisoned") -= by;
    }

    pub(super) fn shared(&self) -> SharedTimeSource {
        SharedTimeSource::new(self.clone())
    }
}

impl TimeSource for TestClock {
    fn now(&self) -> SystemTime {
        *self.0.lock().expect("not poisoned")
    }
}
