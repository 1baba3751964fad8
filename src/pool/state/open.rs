//! When servers are opened, for whom, and what a failure means.

use tokio::time::Instant;

use super::{Command, Commands, ConnectionId, Facts, Lease, PoolState, Verdict, Wanted};
use crate::pool::Closing;

/// For what the next server would be opened.
enum Reason {
    /// For who waits at this place of the queue, and wants a private one.
    Private(usize),
    /// For somebody who waits.
    Waiter,
    /// To have one ready.
    Reserve,
}

impl<C, W, E: Clone> PoolState<C, W, E> {
    /// Opens what those who wait need, and what is kept ready.
    pub(in crate::pool) fn open_what_is_wanted(
        &mut self,
        now: Instant,
        out: &mut Commands<C, W, E>,
    ) {
        while !self.is_closed
            && let Some(reason) = self.reason()
        {
            if self.connecting + self.connecting_private >= self.options.concurrent_connects.max(1)
            {
                return;
            }
            // Who has just come while there is no server may try at once: those who were there
            // when it failed have been told.
            let pause = match reason {
                Reason::Private(_) => None,
                Reason::Waiter if !self.is_any_alive() => None,
                Reason::Waiter | Reason::Reserve => self.denied.until(now),
            };
            if let Some(until) = self.options.throttle.closed_until(now).max(pause) {
                return self.wake_at(until, out);
            }
            if self.total() >= self.options.size {
                if !matches!(reason, Reason::Private(_)) || self.idle.is_empty() {
                    return;
                }
                self.close_idle(0, Closing::Evicted, out);
            }
            self.options.throttle.take(now);
            match reason {
                Reason::Private(index) => {
                    if let Some(waiting) = self.queue.remove(index) {
                        self.connecting_private += 1;
                        out.push(Command::Permit(waiting.waiter));
                    }
                }
                Reason::Waiter | Reason::Reserve => {
                    self.connecting += 1;
                    out.push(Command::Open);
                }
            }
        }
    }

    /// The first who waits for something that is not being opened already.
    fn reason(&self) -> Option<Reason> {
        let mut covered = self.connecting;
        for (index, waiting) in self.queue.iter().enumerate() {
            match waiting.wanted {
                Wanted::Private => return Some(Reason::Private(index)),
                Wanted::Any if covered == 0 => return Some(Reason::Waiter),
                Wanted::Any => covered -= 1,
            }
        }
        let missing = self.options.min_idle.saturating_sub(self.idle.len());
        (missing + self.renewing.len() > covered).then_some(Reason::Reserve)
    }

    /// Until when nothing is opened, if not now: because of the rate, or because enough are being
    /// opened.
    pub(super) fn closed_until(&self, now: Instant) -> Option<Instant> {
        if self.connecting + self.connecting_private >= self.options.concurrent_connects.max(1) {
            return Some(now);
        }
        self.options.throttle.closed_until(now)
    }

    fn admit(&mut self, connection: C, is_private: bool, now: Instant) -> Lease<C> {
        self.options.throttle.accepted();
        self.denied.reset();
        self.last_failure = None;
        let id = ConnectionId(self.opened);
        self.opened += 1;
        let most = self.options.max_lifetime;
        let cut = (self.options.random)().clamp(0.0, 1.0) / 10.0;
        let due_at = now + most.mul_f64(1.0 - cut);
        Lease {
            connection,
            facts: Facts {
                id,
                renew_at: due_at - most / 20,
                due_at,
                is_private,
            },
        }
    }

    /// A server for anybody is open.
    pub(in crate::pool) fn opened(
        &mut self,
        connection: C,
        now: Instant,
        out: &mut Commands<C, W, E>,
    ) {
        self.connecting -= 1;
        let lease = self.admit(connection, false, now);
        if self.is_closed {
            out.push(Command::Close(lease.connection, Closing::PoolClosed));
            return;
        }
        if !self.queue.iter().any(|w| w.wanted == Wanted::Any) {
            self.succeed(out);
        }
        self.give(lease, now, out);
        self.open_what_is_wanted(now, out);
    }

    /// A new server takes the place of the first one that is to be replaced.
    fn succeed(&mut self, out: &mut Commands<C, W, E>) {
        let Some(old) = self.renewing.pop_front() else {
            return;
        };
        match self.idle.iter().position(|i| i.lease.facts.id == old) {
            Some(index) => self.close_idle(index, Closing::Lifetime, out),
            None => self.succeeded.push(old),
        }
    }

    /// A server for anybody could not be opened.
    pub(in crate::pool) fn open_failed(
        &mut self,
        verdict: Verdict,
        error: E,
        now: Instant,
        out: &mut Commands<C, W, E>,
    ) {
        self.connecting -= 1;
        self.note_failure(verdict, error.clone(), now);
        if verdict == Verdict::Definite && !self.is_any_alive() {
            // As many as servers are still being opened can hope.
            let mut covered = self.connecting;
            let mut index = 0;
            while let Some(waiting) = self.queue.get(index) {
                if waiting.wanted == Wanted::Private || covered > 0 {
                    covered -= usize::from(waiting.wanted == Wanted::Any);
                    index += 1;
                } else if let Some(waiting) = self.queue.remove(index) {
                    out.push(Command::Fail(waiting.waiter, error.clone()));
                }
            }
        }
        self.open_what_is_wanted(now, out);
    }

    fn note_failure(&mut self, verdict: Verdict, error: E, now: Instant) {
        self.failed += 1;
        self.last_failure = Some(error);
        match verdict {
            Verdict::TryLater => self.options.throttle.refused(now),
            Verdict::Definite => self.denied.failed(now),
        }
    }

    /// Opening a server for anybody was abandoned.
    pub(in crate::pool) fn open_abandoned(&mut self, now: Instant, out: &mut Commands<C, W, E>) {
        self.connecting -= 1;
        self.open_what_is_wanted(now, out);
    }

    /// A private server is open; it is lent to who opened it.
    pub(in crate::pool) fn private_opened(
        &mut self,
        connection: C,
        now: Instant,
        out: &mut Commands<C, W, E>,
    ) -> Lease<C> {
        self.connecting_private -= 1;
        self.active += 1;
        self.private += 1;
        let lease = self.admit(connection, true, now);
        self.open_what_is_wanted(now, out);
        lease
    }

    /// A private server could not be opened; who wanted it knows.
    pub(in crate::pool) fn private_failed(
        &mut self,
        verdict: Verdict,
        error: &E,
        now: Instant,
        out: &mut Commands<C, W, E>,
    ) {
        self.failed += 1;
        // What is wrong with its request says nothing about the others.
        if verdict == Verdict::TryLater {
            self.last_failure = Some(error.clone());
            self.options.throttle.refused(now);
        }
        self.private_abandoned(now, out);
    }

    /// A permit was not used.
    pub(in crate::pool) fn private_abandoned(&mut self, now: Instant, out: &mut Commands<C, W, E>) {
        self.connecting_private -= 1;
        self.open_what_is_wanted(now, out);
    }
}
