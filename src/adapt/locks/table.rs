//! All locks of one cluster and database.

use std::collections::{BTreeMap, BTreeSet};

use super::deadlock::{self, Verdict};
use super::error::Deadlock;
use super::lock::{Lock, Place, Waiter};
use super::{LockKey, LockMode, LockScope};

/// A session that may hold locks, as the table numbers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LockSession(u64);

/// A place in a queue. Each ends once: it is granted, or cancelled, or its session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(u64);

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// What is locked.
    pub key: LockKey,
    /// How.
    pub mode: LockMode,
    /// For how long.
    pub scope: LockScope,
}

/// What to do where a request cannot be granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Wait.
    Wait,
    /// Refuse: the `try` functions.
    Try,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acquired {
    /// The session has the lock, perhaps once more.
    Granted,
    /// It was only tried, and somebody else has it, or comes first.
    Refused,
    /// It is in the queue.
    Waiting(Ticket),
    /// To wait would be to wait for ever: the request is refused (40P01).
    Deadlock(Deadlock),
    /// The table is full (53200).
    Full,
}

/// What became of an unlock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unlocked {
    /// One of the session's grants is given back.
    Released,
    /// There was none of the session's own in this mode: the function returns false and warns with
    /// [`super::not_held_warning`].
    NotHeld,
}

/// A row of what `pg_locks` would show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The process id that the session's client was told.
    pub process: i32,
    /// What is locked.
    pub key: LockKey,
    /// How.
    pub mode: LockMode,
    /// False for somebody who waits.
    pub granted: bool,
}

#[derive(Debug)]
struct Session {
    process: i32,
    keys: BTreeSet<LockKey>,
    waits: Option<(Ticket, LockKey)>,
}

/// The locks, and who waits for them. What may grant something to somebody who waits appends the
/// tickets to `granted`.
#[derive(Debug)]
pub struct LockTable {
    locks: BTreeMap<LockKey, Lock>,
    sessions: BTreeMap<LockSession, Session>,
    tickets: BTreeMap<Ticket, LockSession>,
    last_number: u64,
    /// How many locks all sessions together have, each counted once for a session.
    held: usize,
    limit: usize,
}

impl LockTable {
    /// A table in which all sessions together may hold, or wait for, `limit` locks: it keeps
    /// memory bounded, as `max_locks_per_transaction` does in PostgreSQL.
    pub fn new(limit: usize) -> Self {
        Self {
            locks: BTreeMap::new(),
            sessions: BTreeMap::new(),
            tickets: BTreeMap::new(),
            last_number: 0,
            held: 0,
            limit,
        }
    }

    /// A session begins. `process` is the process id that its client was told; messages name it.
    pub fn open(&mut self, process: i32) -> LockSession {
        let session = LockSession(self.number());
        let state = Session {
            process,
            keys: BTreeSet::new(),
            waits: None,
        };
        self.sessions.insert(session, state);
        session
    }

    /// A session ends: it waits no longer, and all its locks are released.
    pub fn close(&mut self, session: LockSession, granted: &mut Vec<Ticket>) {
        if let Some(ticket) = self.waits(session) {
            self.cancel(ticket, granted);
        }
        self.release_scope(session, LockScope::Transaction, granted);
        self.release_scope(session, LockScope::Session, granted);
        self.sessions.remove(&session);
    }

    /// Asks for a lock. A session waits for one lock at a time: a request that was still waiting is
    /// cancelled. Others may be granted theirs, where the queue was put in another order to avoid a
    /// deadlock.
    pub fn acquire(
        &mut self,
        session: LockSession,
        request: Request,
        patience: Patience,
        granted: &mut Vec<Ticket>,
    ) -> Acquired {
        if let Some(ticket) = self.waits(session) {
            self.cancel(ticket, granted);
        }
        let Request { key, mode, scope } = request;
        let known = self.sessions.get(&session);
        let is_new = known.is_some_and(|state| !state.keys.contains(&key));
        if known.is_none() || (is_new && self.held + self.tickets.len() >= self.limit) {
            return Acquired::Full;
        }
        let lock = self.locks.entry(key).or_default();
        match (lock.place(session, mode), patience) {
            (Place::Holder, _) => {
                lock.grant(session, mode, scope);
                self.hold(session, key);
                Acquired::Granted
            }
            (Place::Queue(_), Patience::Try) => Acquired::Refused,
            (Place::Queue(at), Patience::Wait) => {
                let ticket = Ticket(self.number());
                let waiter = Waiter {
                    ticket,
                    session,
                    mode,
                    scope,
                };
                if let Some(lock) = self.locks.get_mut(&key) {
                    lock.wait(at, waiter);
                }
                self.tickets.insert(ticket, session);
                if let Some(state) = self.sessions.get_mut(&session) {
                    state.waits = Some((ticket, key));
                }
                self.begin_wait(session, ticket, granted)
            }
        }
    }

    /// Somebody has joined a queue: can that end?
    fn begin_wait(
        &mut self,
        session: LockSession,
        ticket: Ticket,
        granted: &mut Vec<Ticket>,
    ) -> Acquired {
        match deadlock::check(self, session) {
            Verdict::None => Acquired::Waiting(ticket),
            Verdict::Reorder(orders) => {
                let mut woken = Vec::new();
                for (key, queue) in orders {
                    if let Some(lock) = self.locks.get_mut(&key) {
                        lock.set_order(queue);
                    }
                    self.wake(key, &mut woken);
                }
                let is_granted = woken.contains(&ticket);
                granted.extend(woken.into_iter().filter(|other| *other != ticket));
                if is_granted {
                    Acquired::Granted
                } else {
                    Acquired::Waiting(ticket)
                }
            }
            Verdict::Deadlock(circle) => {
                let process = |session| self.process(session);
                let deadlock = Deadlock::new(&circle, process);
                self.cancel(ticket, granted);
                Acquired::Deadlock(deadlock)
            }
        }
    }

    /// Somebody waits no longer. Does nothing where the ticket has ended.
    pub fn cancel(&mut self, ticket: Ticket, granted: &mut Vec<Ticket>) {
        let Some(session) = self.tickets.remove(&ticket) else {
            return;
        };
        let state = self.sessions.get_mut(&session);
        let Some((_, key)) = state.and_then(|state| state.waits.take()) else {
            return;
        };
        if let Some(lock) = self.locks.get_mut(&key) {
            lock.leave(ticket);
        }
        self.wake(key, granted);
    }

    /// Gives back one grant of the session's own scope: `pg_advisory_unlock` and
    /// `pg_advisory_unlock_shared`. A lock of the transaction cannot be given back (manual,
    /// §13.3.5).
    pub fn unlock(
        &mut self,
        session: LockSession,
        key: LockKey,
        mode: LockMode,
        granted: &mut Vec<Ticket>,
    ) -> Unlocked {
        let scope = LockScope::Session;
        if self.give_back(session, Request { key, mode, scope }, granted) {
            Unlocked::Released
        } else {
            Unlocked::NotHeld
        }
    }

    /// Gives back one grant of any scope, for who was granted a lock and never told of it; false
    /// where there is none.
    pub fn give_back(
        &mut self,
        session: LockSession,
        request: Request,
        granted: &mut Vec<Ticket>,
    ) -> bool {
        let Request { key, mode, scope } = request;
        let Some(lock) = self.locks.get_mut(&key) else {
            return false;
        };
        let released = lock.release(session, mode, scope);
        self.released(session, key, granted);
        released
    }

    /// Gives back all locks of the session's own scope: `pg_advisory_unlock_all`.
    pub fn unlock_all(&mut self, session: LockSession, granted: &mut Vec<Ticket>) {
        self.release_scope(session, LockScope::Session, granted);
    }

    /// A transaction has ended, or failed: PostgreSQL releases its locks when it fails, before
    /// ROLLBACK.
    pub fn end_transaction(&mut self, session: LockSession, granted: &mut Vec<Ticket>) {
        self.release_scope(session, LockScope::Transaction, granted);
    }

    /// The place in a queue where a session is.
    pub fn waits(&self, session: LockSession) -> Option<Ticket> {
        let (ticket, _) = self.sessions.get(&session)?.waits?;
        Some(ticket)
    }

    /// True if a session holds any lock.
    pub fn holds_any(&self, session: LockSession) -> bool {
        let state = self.sessions.get(&session);
        state.is_some_and(|state| !state.keys.is_empty())
    }

    /// Who holds and who waits for what: key by key, holders first, then the queue in its order.
    pub fn entries(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        for (key, lock) in &self.locks {
            let mut add = |session, mode, granted| {
                entries.push(Entry {
                    process: self.process(session),
                    key: *key,
                    mode,
                    granted,
                });
            };
            for (session, held) in lock.holders() {
                for mode in [LockMode::Shared, LockMode::Exclusive] {
                    if held.has(mode) {
                        add(*session, mode, true);
                    }
                }
            }
            for waiter in lock.queue() {
                add(waiter.session, waiter.mode, false);
            }
        }
        entries
    }

    pub(super) fn lock(&self, key: LockKey) -> Option<&Lock> {
        self.locks.get(&key)
    }

    /// The keys of a session's locks.
    pub(super) fn keys(&self, session: LockSession) -> impl Iterator<Item = LockKey> + '_ {
        let state = self.sessions.get(&session);
        state.into_iter().flat_map(|state| &state.keys).copied()
    }

    /// What a session waits for.
    pub(super) fn wanted(&self, session: LockSession) -> Option<(LockKey, Waiter)> {
        let (ticket, key) = self.sessions.get(&session)?.waits?;
        let mut queue = self.locks.get(&key)?.queue().iter();
        let waiter = queue.find(|waiter| waiter.ticket == ticket)?;
        Some((key, *waiter))
    }

    fn process(&self, session: LockSession) -> i32 {
        self.sessions.get(&session).map_or(0, |state| state.process)
    }

    fn number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    fn hold(&mut self, session: LockSession, key: LockKey) {
        let state = self.sessions.get_mut(&session);
        if state.is_some_and(|state| state.keys.insert(key)) {
            self.held += 1;
        }
    }

    fn release_scope(&mut self, session: LockSession, scope: LockScope, granted: &mut Vec<Ticket>) {
        let keys: Vec<_> = self.keys(session).collect();
        for key in keys {
            let lock = self.locks.get_mut(&key);
            if lock.is_some_and(|lock| lock.release_scope(session, scope)) {
                self.released(session, key, granted);
            }
        }
    }

    /// A session has given something back.
    fn released(&mut self, session: LockSession, key: LockKey, granted: &mut Vec<Ticket>) {
        let lock = self.locks.get(&key);
        if lock.is_none_or(|lock| !lock.held_by(session).any())
            && let Some(state) = self.sessions.get_mut(&session)
            && state.keys.remove(&key)
        {
            self.held -= 1;
        }
        self.wake(key, granted);
    }

    /// Grants what can be granted now, and forgets a lock that nobody has or wants.
    fn wake(&mut self, key: LockKey, granted: &mut Vec<Ticket>) {
        let Some(lock) = self.locks.get_mut(&key) else {
            return;
        };
        let woken = lock.wake();
        if lock.is_unused() {
            self.locks.remove(&key);
        }
        for waiter in woken {
            self.tickets.remove(&waiter.ticket);
            if let Some(state) = self.sessions.get_mut(&waiter.session) {
                state.waits = None;
            }
            self.hold(waiter.session, key);
            granted.push(waiter.ticket);
        }
    }
}
