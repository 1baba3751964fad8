//! When and how fast a failed connect is tried again.

use std::time::Duration;

use super::ConnectError;
use crate::net::dial::DialError;
use crate::wire::SqlState;

/// First and longest pause between two attempts.
const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(3);

/// What DSQL says while it wakes an idle cluster (troubleshooting page of the Aurora DSQL user
/// guide, 2026-09). Compared without regard to case, by prefix: AWS does not promise its texts.
const WAKING_UP: &str = "unable to accept connection, waking up cluster";

/// Whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It may: the cluster wakes up or sheds load. All who want a connection should wait, not
    /// each try on its own.
    Busy,
    /// It may: nobody listens, as while something restarts.
    Retry,
    /// It cannot.
    GiveUp,
}

/// Judges a failure. Only what is listed is tried again; access denied never is.
pub(super) fn verdict(error: &ConnectError) -> Verdict {
    match error {
        ConnectError::Refused { error, .. }
            if matches!(
                error.sqlstate,
                SqlState::TOO_MANY_CONNECTIONS | SqlState::RATE_EXCEEDED
            ) || error
                .message
                .get(..WAKING_UP.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(WAKING_UP)) =>
        {
            Verdict::Busy
        }
        ConnectError::Dial {
            source: DialError::Connect { source, .. },
            ..
        } if source.kind() == std::io::ErrorKind::ConnectionRefused => Verdict::Retry,
        _ => Verdict::GiveUp,
    }
}

/// Pauses that double, each cut at random by up to a half, so that many clients do not come
/// back at the same moment.
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
}

impl Backoff {
    pub(super) fn new() -> Self {
        Self { next: FIRST }
    }

    /// The next pause; `random` is uniform in 0..1.
    pub(super) fn pause(&mut self, random: f64) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(LONGEST);
        pause.mul_f64(1.0 - random.clamp(0.0, 1.0) / 2.0)
    }
}
