//! One lock: who holds it and who waits for it.

use super::table::{LockSession, Ticket};
use super::{LockMode, LockScope};

/// How often a session has a lock in one mode.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    /// Given back one by one, or when the session ends.
    session: u64,
    /// Given back together, when the transaction ends.
    transaction: u64,
}

impl Counts {
    fn of(&mut self, scope: LockScope) -> &mut u64 {
        match scope {
            LockScope::Session => &mut self.session,
            LockScope::Transaction => &mut self.transaction,
        }
    }

    fn any(self) -> bool {
        self.session > 0 || self.transaction > 0
    }
}

/// What a session has of a lock.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Held {
    exclusive: Counts,
    shared: Counts,
}

impl Held {
    fn of(&mut self, mode: LockMode) -> &mut Counts {
        match mode {
            LockMode::Exclusive => &mut self.exclusive,
            LockMode::Shared => &mut self.shared,
        }
    }

    pub(super) fn has(self, mode: LockMode) -> bool {
        match mode {
            LockMode::Exclusive => self.exclusive.any(),
            LockMode::Shared => self.shared.any(),
        }
    }

    pub(super) fn any(self) -> bool {
        self.exclusive.any() || self.shared.any()
    }

    /// Whether it keeps others from this mode.
    pub(super) fn conflicts_with(self, mode: LockMode) -> bool {
        [LockMode::Exclusive, LockMode::Shared]
            .into_iter()
            .any(|held| self.has(held) && held.conflicts_with(mode))
    }
}

/// Somebody who waits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waiter {
    pub(super) ticket: Ticket,
    pub(super) session: LockSession,
    pub(super) mode: LockMode,
    pub(super) scope: LockScope,
}

/// Where a request belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It can be granted.
    Holder,
    /// It has to wait, in this place of the queue.
    Queue(usize),
}

/// One lock. The table forgets it when nobody has or wants it.
#[derive(Debug, Default)]
pub(super) struct Lock {
    holders: Vec<(LockSession, Held)>,
    queue: Vec<Waiter>,
}

impl Lock {
    pub(super) fn is_unused(&self) -> bool {
        self.holders.is_empty() && self.queue.is_empty()
    }

    pub(super) fn holders(&self) -> &[(LockSession, Held)] {
        &self.holders
    }

    pub(super) fn queue(&self) -> &[Waiter] {
        &self.queue
    }

    pub(super) fn held_by(&self, session: LockSession) -> Held {
        let found = self.holders.iter().find(|(holder, _)| *holder == session);
        found.map(|(_, held)| *held).unwrap_or_default()
    }

    /// Whether somebody waits whom this session may keep waiting.
    pub(super) fn others_wait(&self, session: LockSession) -> bool {
        self.queue.iter().any(|waiter| waiter.session != session)
    }

    /// Who keeps `session` from having the lock in this mode.
    pub(super) fn blockers(
        &self,
        session: LockSession,
        mode: LockMode,
    ) -> impl Iterator<Item = LockSession> + '_ {
        self.holders
            .iter()
            .filter(move |(holder, held)| *holder != session && held.conflicts_with(mode))
            .map(|(holder, _)| *holder)
    }

    fn is_free_for(&self, session: LockSession, mode: LockMode) -> bool {
        self.blockers(session, mode).next().is_none()
    }

    /// Where a request belongs: behind who waits already and conflicts with it, but a holder goes
    /// before those whom it keeps waiting, as they could never come before it (`JoinWaitQueue` in
    /// `proc.c`).
    pub(super) fn place(&self, session: LockSession, mode: LockMode) -> Place {
        let mine = self.held_by(session);
        if mine.has(mode) {
            return Place::Holder;
        }
        let free = self.is_free_for(session, mode);
        let kept_waiting = |waiter: &Waiter| mine.conflicts_with(waiter.mode);
        let at = self.queue.iter().position(kept_waiting);
        let at = at.unwrap_or(self.queue.len());
        let mut ahead = self.queue.iter().take(at);
        if free && !ahead.any(|waiter| waiter.mode.conflicts_with(mode)) {
            Place::Holder
        } else {
            Place::Queue(at)
        }
    }

    pub(super) fn grant(&mut self, session: LockSession, mode: LockMode, scope: LockScope) {
        let at = self
            .holders
            .iter()
            .position(|(holder, _)| *holder == session);
        if at.is_none() {
            self.holders.push((session, Held::default()));
        }
        let found = match at {
            Some(at) => self.holders.get_mut(at),
            None => self.holders.last_mut(),
        };
        if let Some((_, held)) = found {
            let count = held.of(mode).of(scope);
            *count = count.saturating_add(1);
        }
    }

    pub(super) fn wait(&mut self, at: usize, waiter: Waiter) {
        self.queue.insert(at.min(self.queue.len()), waiter);
    }

    /// Takes somebody out of the queue.
    pub(super) fn leave(&mut self, ticket: Ticket) -> Option<Waiter> {
        let at = self.queue.iter().position(|w| w.ticket == ticket)?;
        Some(self.queue.remove(at))
    }

    pub(super) fn set_order(&mut self, queue: Vec<Waiter>) {
        self.queue = queue;
    }

    /// Gives back one of a session's grants; false if it has none.
    pub(super) fn release(
        &mut self,
        session: LockSession,
        mode: LockMode,
        scope: LockScope,
    ) -> bool {
        self.give_back(session, |held| {
            let count = held.of(mode).of(scope);
            let any = *count > 0;
            *count = count.saturating_sub(1);
            any
        })
    }

    /// Gives back all that a session has in this scope; false if that is nothing.
    pub(super) fn release_scope(&mut self, session: LockSession, scope: LockScope) -> bool {
        self.give_back(session, |held| {
            let exclusive = std::mem::take(held.exclusive.of(scope));
            let shared = std::mem::take(held.shared.of(scope));
            exclusive > 0 || shared > 0
        })
    }

    fn give_back(&mut self, session: LockSession, change: impl FnOnce(&mut Held) -> bool) -> bool {
        let Some(at) = self.holders.iter().position(|(h, _)| *h == session) else {
            return false;
        };
        let Some((_, held)) = self.holders.get_mut(at) else {
            return false;
        };
        let changed = change(held);
        if !held.any() {
            self.holders.remove(at);
        }
        changed
    }

    /// Grants what can be granted, in the order of the queue: what conflicts neither with a holder
    /// nor with who is still before it (`ProcLockWakeup` in `proc.c`).
    pub(super) fn wake(&mut self) -> Vec<Waiter> {
        let mut woken = Vec::new();
        let mut still = Vec::with_capacity(self.queue.len());
        for waiter in std::mem::take(&mut self.queue) {
            let behind = |before: &Waiter| before.mode.conflicts_with(waiter.mode);
            if still.iter().any(behind) || !self.is_free_for(waiter.session, waiter.mode) {
                still.push(waiter);
            } else {
                self.grant(waiter.session, waiter.mode, waiter.scope);
                woken.push(waiter);
            }
        }
        self.queue = still;
        woken
    }
}
