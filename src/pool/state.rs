//! What a pool decides, on values: events in, commands out. No clock, no tasks, no I/O.
//!
//! A server is in exactly one place: idle in here, or lent. Those lent are counted, as are those
//! being opened.

mod open;

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::{Backoff, Closing, ConnectionId, PoolOptions, PoolSnapshot, Verdict};

/// A server that is lent, or about to be.
#[derive(Debug)]
pub(super) struct Lease<C> {
    pub(super) connection: C,
    pub(super) facts: Facts,
}

/// What a pool knows of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) id: ConnectionId,
    /// From then on a successor is opened when it comes back.
    renew_at: Instant,
    /// From then on it is not lent any more.
    pub(super) due_at: Instant,
    pub(super) is_private: bool,
}

/// An idle server. They are in the order of `since`.
struct Idle<C> {
    lease: Lease<C>,
    since: Instant,
}

/// What somebody waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Any server.
    Any,
    /// The permission to open a private one.
    Private,
}

/// A place in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket(u64);

struct Waiting<W> {
    ticket: Ticket,
    wanted: Wanted,
    waiter: W,
    since: Instant,
}

/// What is to be done.
#[derive(Debug)]
pub(super) enum Command<C, W, E> {
    /// Open a server and tell of the result.
    Open,
    /// Give the server to this one, who has left the queue.
    HandOver(W, Lease<C>),
    /// Let this one open a private server, and tell of the result.
    Permit(W),
    /// Tell this one that no server can be opened.
    Fail(W, E),
    /// Tell this one that the pool is closed.
    Dismiss(W),
    /// Close the server.
    Close(C, Closing),
    /// Call [`PoolState::tick`] then, and not at the time asked for before.
    WakeAt(Instant),
}

pub(super) type Commands<C, W, E> = Vec<Command<C, W, E>>;

/// The state of a pool of servers `C`, for which `W` wait, and which fail to open with `E`.
pub(super) struct PoolState<C, W, E> {
    options: PoolOptions,
    idle: VecDeque<Idle<C>>,
    queue: VecDeque<Waiting<W>>,
    /// Lent, private ones included.
    active: usize,
    /// Of these, private ones.
    private: usize,
    /// Being opened for anybody.
    connecting: usize,
    /// Being opened by who has a permit.
    connecting_private: usize,
    /// For these a successor is to be opened.
    renewing: VecDeque<ConnectionId>,
    /// These are lent and have a successor: they are closed when they come back.
    succeeded: Vec<ConnectionId>,
    /// The pause after a definite failure.
    denied: Backoff,
    last_failure: Option<E>,
    wake_at: Option<Instant>,
    is_closed: bool,
    next_ticket: u64,
    opened: u64,
    failed: u64,
}

impl<C, W, E: Clone> PoolState<C, W, E> {
    pub(super) fn new(options: PoolOptions) -> Self {
        Self {
            denied: Backoff::new(options.random.clone()),
            options,
            idle: VecDeque::new(),
            queue: VecDeque::new(),
            active: 0,
            private: 0,
            connecting: 0,
            connecting_private: 0,
            renewing: VecDeque::new(),
            succeeded: Vec::new(),
            last_failure: None,
            wake_at: None,
            is_closed: false,
            next_ticket: 0,
            opened: 0,
            failed: 0,
        }
    }

    pub(super) fn options(&self) -> &PoolOptions {
        &self.options
    }

    pub(super) fn last_failure(&self) -> Option<&E> {
        self.last_failure.as_ref()
    }

    pub(super) fn snapshot(&self, now: Instant) -> PoolSnapshot {
        PoolSnapshot {
            size: self.options.size,
            active: self.active,
            private: self.private,
            idle: self.idle.len(),
            connecting: self.connecting + self.connecting_private,
            waiting: self.queue.len(),
            longest_wait: self
                .queue
                .front()
                .map_or(Duration::ZERO, |first| now.duration_since(first.since)),
            opened: self.opened,
            failed: self.failed,
        }
    }

    /// Servers that exist or will.
    fn total(&self) -> usize {
        self.active + self.idle.len() + self.connecting + self.connecting_private
    }

    /// Whether a server exists that can be waited for.
    fn is_any_alive(&self) -> bool {
        self.active - self.private + self.idle.len() > 0
    }

    /// Whether the only hope is a server that is being opened.
    pub(super) fn depends_on_open(&self) -> bool {
        !self.is_any_alive() && self.connecting > 0
    }

    /// Lends the server that was used last.
    #[inline]
    pub(super) fn take_idle(&mut self) -> Option<Lease<C>> {
        let idle = self.idle.pop_back()?;
        self.active += 1;
        Some(idle.lease)
    }

    /// Whether fewer are idle than shall be: then [`Self::open_what_is_wanted`] is to be called.
    #[inline]
    pub(super) fn is_short_of_idle(&self) -> bool {
        self.idle.len() < self.options.min_idle
    }

    /// Lends this one, if it is idle.
    pub(super) fn take_this(&mut self, id: ConnectionId) -> Option<Lease<C>> {
        let index = self.idle.iter().rposition(|i| i.lease.facts.id == id)?;
        let idle = self.idle.remove(index)?;
        self.active += 1;
        Some(idle.lease)
    }

    /// Somebody begins to wait. Who wants any server has found none idle.
    pub(super) fn wait(
        &mut self,
        wanted: Wanted,
        waiter: W,
        now: Instant,
        out: &mut Commands<C, W, E>,
    ) -> Ticket {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        if self.is_closed {
            out.push(Command::Dismiss(waiter));
            return ticket;
        }
        self.queue.push_back(Waiting {
            ticket,
            wanted,
            waiter,
            since: now,
        });
        self.open_what_is_wanted(now, out);
        ticket
    }

    /// Somebody does not wait any more.
    pub(super) fn leave(&mut self, ticket: Ticket) {
        if let Ok(index) = self.queue.binary_search_by_key(&ticket, |w| w.ticket) {
            self.queue.remove(index);
        }
    }

    /// A server that was lent comes back.
    #[inline]
    pub(super) fn release(&mut self, lease: Lease<C>, now: Instant, out: &mut Commands<C, W, E>) {
        let facts = lease.facts;
        let is_plain = !facts.is_private && !self.is_closed && now < facts.renew_at;
        if is_plain && self.queue.is_empty() {
            self.active -= 1;
            self.keep(lease, now, out);
        } else {
            self.release_slowly(lease, now, out);
        }
    }

    fn release_slowly(&mut self, lease: Lease<C>, now: Instant, out: &mut Commands<C, W, E>) {
        let Facts {
            id,
            renew_at,
            due_at,
            is_private,
        } = lease.facts;
        let closing = if is_private {
            Some(Closing::Private)
        } else if self.is_closed {
            Some(Closing::PoolClosed)
        } else if now >= due_at || self.succeeded.contains(&id) {
            Some(Closing::Lifetime)
        } else {
            None
        };
        if let Some(why) = closing {
            out.push(Command::Close(lease.connection, why));
            return self.discard(lease.facts, now, out);
        }
        if now >= renew_at && !self.renewing.contains(&id) {
            self.renewing.push_back(id);
        }
        self.active -= 1;
        self.give(lease, now, out);
        self.open_what_is_wanted(now, out);
    }

    /// A server that was lent does not come back.
    pub(super) fn discard(&mut self, facts: Facts, now: Instant, out: &mut Commands<C, W, E>) {
        self.active -= 1;
        if facts.is_private {
            self.private -= 1;
        }
        self.forget(facts.id);
        self.open_what_is_wanted(now, out);
    }

    /// Gives a free server to who waits first, or keeps it.
    fn give(&mut self, lease: Lease<C>, now: Instant, out: &mut Commands<C, W, E>) {
        let is_private_first = self
            .queue
            .front()
            .is_some_and(|w| w.wanted == Wanted::Private);
        if is_private_first
            && self.total() + 1 >= self.options.size
            && self.closed_until(now).is_none()
        {
            // It makes room; opening what is wanted begins with who waits first.
            self.forget(lease.facts.id);
            out.push(Command::Close(lease.connection, Closing::Evicted));
            return;
        }
        // Who wants a private one cannot use it: nobody behind waits because of that.
        let index = self.queue.iter().position(|w| w.wanted == Wanted::Any);
        match index.and_then(|index| self.queue.remove(index)) {
            Some(first) => {
                self.active += 1;
                out.push(Command::HandOver(first.waiter, lease));
            }
            None => self.keep(lease, now, out),
        }
    }

    #[inline]
    fn keep(&mut self, lease: Lease<C>, now: Instant, out: &mut Commands<C, W, E>) {
        let Facts {
            renew_at, due_at, ..
        } = lease.facts;
        self.idle.push_back(Idle { lease, since: now });
        // Another one was kept ready for long, and is not needed for that any more.
        while self.idle_until().is_some_and(|at| at <= now) {
            self.close_idle(0, Closing::Idle, out);
        }
        let at = match self.idle_until() {
            Some(at) => at.min(due_at),
            None if renew_at > now => renew_at,
            None => due_at,
        };
        self.wake_at(at, out);
    }

    /// When the first idle server has been idle for too long.
    #[inline]
    fn idle_until(&self) -> Option<Instant> {
        let first = self.idle.front()?;
        let is_too_many = self.idle.len() > self.options.min_idle;
        is_too_many.then(|| first.since + self.options.idle_timeout)
    }

    #[inline]
    fn wake_at(&mut self, at: Instant, out: &mut Commands<C, W, E>) {
        if self.wake_at.is_none_or(|earlier| at < earlier) {
            self.wake_at = Some(at);
            out.push(Command::WakeAt(at));
        }
    }

    /// The server does not exist any more.
    fn forget(&mut self, id: ConnectionId) {
        self.renewing.retain(|other| *other != id);
        self.succeeded.retain(|other| *other != id);
    }

    /// It is the time of the last [`Command::WakeAt`].
    pub(super) fn tick(&mut self, now: Instant, out: &mut Commands<C, W, E>) {
        self.wake_at = None;
        while let Some(index) = self.idle.iter().position(|i| i.lease.facts.due_at <= now) {
            self.close_idle(index, Closing::Lifetime, out);
        }
        while self.idle_until().is_some_and(|at| at <= now) {
            self.close_idle(0, Closing::Idle, out);
        }
        // Those that are kept ready although nobody uses them are replaced ahead of time, too.
        let is_kept = self.idle.len() <= self.options.min_idle;
        for Idle { lease, .. } in self.idle.iter().filter(|_| is_kept) {
            let Facts { id, renew_at, .. } = lease.facts;
            if renew_at <= now && !self.renewing.contains(&id) {
                self.renewing.push_back(id);
            }
        }
        self.open_what_is_wanted(now, out);

        let is_kept = self.idle.len() <= self.options.min_idle;
        let next = self.idle.iter().map(|Idle { lease, .. }| {
            let Facts {
                renew_at, due_at, ..
            } = lease.facts;
            if is_kept && renew_at > now {
                renew_at
            } else {
                due_at
            }
        });
        if let Some(at) = next.chain(self.idle_until()).min() {
            self.wake_at(at, out);
        }
    }

    fn close_idle(&mut self, index: usize, why: Closing, out: &mut Commands<C, W, E>) {
        if let Some(idle) = self.idle.remove(index) {
            self.forget(idle.lease.facts.id);
            out.push(Command::Close(idle.lease.connection, why));
        }
    }

    /// Lends nothing any more.
    pub(super) fn close(&mut self, out: &mut Commands<C, W, E>) {
        self.is_closed = true;
        while !self.idle.is_empty() {
            self.close_idle(0, Closing::PoolClosed, out);
        }
        let waiters = self.queue.drain(..);
        out.extend(waiters.map(|waiting| Command::Dismiss(waiting.waiter)));
    }
}

#[cfg(test)]
mod tests;
