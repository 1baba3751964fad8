//! What a session has done, for the metrics.

use crate::observe::metrics::{ClusterMetrics, RetryOutcome};
use crate::session::Counts;

/// What the metrics know already.
#[derive(Debug, Default)]
pub(super) struct Published {
    counts: Counts,
    /// Bytes from the client, and to it.
    bytes: (u64, u64),
}

impl Published {
    /// Tells them what has been done since the last time.
    pub(super) fn publish(
        &mut self,
        now: Counts,
        (received, sent): (u64, u64),
        metrics: &ClusterMetrics,
    ) {
        let before = std::mem::replace(&mut self.counts, now);
        let bytes = std::mem::replace(&mut self.bytes, (received, sent));
        metrics
            .transactions
            .add(now.transactions - before.transactions);
        metrics.on_queries(now.statements - before.statements);
        metrics.received(received - bytes.0);
        metrics.sent(sent - bytes.1);
        for (code, which) in [("OC000", 0), ("OC001", 1)] {
            for _ in before.conflicts[which]..now.conflicts[which] {
                metrics.occ_conflict(code);
            }
        }
        for (outcome, before, now) in [
            (
                RetryOutcome::Succeeded,
                before.retries_succeeded,
                now.retries_succeeded,
            ),
            (
                RetryOutcome::Failed,
                before.retries_failed,
                now.retries_failed,
            ),
            (RetryOutcome::Exhausted, before.exhausted, now.exhausted),
        ] {
            for _ in before..now {
                metrics.occ_retry(outcome);
            }
        }
    }
}
