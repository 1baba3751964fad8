//! How long a session lasts.

use tokio::time::{Instant, sleep_until};

use super::Limits;
use super::faults::SessionFaults;
use crate::dsql::limits::{SESSION_AGE, TRANSACTION_AGE};

/// The end of a session: DSQL closes it without a word when it has reached its age, but lets a
/// transaction that began before go on for a transaction's age (user guide, preview era; no
/// warning is known, 2026-09).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// From here on it ends outside of a transaction.
    expires: Instant,
    /// Here it ends in any case.
    ends: Instant,
}

impl Lifetime {
    /// Of a session that begins now.
    pub fn begin(limits: &Limits, now: Instant) -> Self {
        let expires = now + limits.duration(&SESSION_AGE);
        Self {
            expires,
            ends: expires + limits.duration(&TRANSACTION_AGE),
        }
    }

    /// Ready when a session has to end that stays as it is: in a transaction or in none. A fault
    /// makes it expire before its time. Cancel-safe.
    pub async fn over(&self, in_transaction: bool, faults: &SessionFaults) {
        if in_transaction {
            sleep_until(self.ends).await;
            return;
        }
        tokio::select! {
            () = sleep_until(self.expires) => {}
            () = faults.expiry_requested() => {}
        }
    }
}

#[cfg(test)]
mod tests;
