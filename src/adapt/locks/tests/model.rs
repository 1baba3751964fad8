//! Random histories, against a model that knows nothing but the rules.

use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::adapt::locks::{
    Acquired, LockKey, LockMode, LockScope, LockSession, LockTable, Patience, Request, Ticket,
    Unlocked,
};

const SESSIONS: usize = 5;

#[derive(Debug, Clone, Copy)]
enum Step {
    Acquire(usize, Request, Patience),
    Unlock(usize, LockKey, LockMode),
    UnlockAll(usize),
    EndTransaction(usize),
    Cancel(usize),
    Reopen(usize),
}

fn a_key() -> impl Strategy<Value = LockKey> {
    prop::sample::select(vec![
        LockKey::One(1),
        LockKey::One(2),
        LockKey::Two(0, 1),
        LockKey::Two(-1, 1),
    ])
}

fn a_step() -> impl Strategy<Value = Step> {
    let mode = prop::sample::select(vec![LockMode::Exclusive, LockMode::Shared]);
    let scope = prop::sample::select(vec![LockScope::Session, LockScope::Transaction]);
    let patience = prop::sample::select(vec![Patience::Wait, Patience::Wait, Patience::Try]);
    let session = 0..SESSIONS;
    let request = (a_key(), mode.clone(), scope);
    let request = request.prop_map(|(key, mode, scope)| Request { key, mode, scope });
    prop_oneof![
        8 => (session.clone(), request, patience).prop_map(|(s, r, p)| Step::Acquire(s, r, p)),
        4 => (session.clone(), a_key(), mode).prop_map(|(s, k, m)| Step::Unlock(s, k, m)),
        1 => session.clone().prop_map(Step::UnlockAll),
        1 => session.clone().prop_map(Step::EndTransaction),
        1 => session.clone().prop_map(Step::Cancel),
        1 => session.prop_map(Step::Reopen),
    ]
}

/// Every grant there is, one by one, and every queue.
#[derive(Default)]
struct Model {
    grants: Vec<(usize, Request)>,
    /// In the order of the queues.
    waits: Vec<(usize, Request, Ticket)>,
}

impl Model {
    fn has(&self, session: usize, key: LockKey, mode: LockMode) -> bool {
        let mut grants = self.grants.iter();
        grants.any(|(s, r)| *s == session && r.key == key && r.mode == mode)
    }

    /// Whether another session holds what this one cannot have it with.
    fn is_blocked(&self, session: usize, key: LockKey, mode: LockMode) -> bool {
        self.grants
            .iter()
            .any(|(s, r)| *s != session && r.key == key && r.mode.conflicts_with(mode))
    }

    fn blocks(&self, session: usize, waiter: Request) -> bool {
        self.grants.iter().any(|(s, r)| {
            *s == session && r.key == waiter.key && r.mode.conflicts_with(waiter.mode)
        })
    }

    /// Where it would stand among those who wait; none if it is granted.
    fn place(&self, session: usize, request: Request) -> Option<usize> {
        let Request { key, mode, .. } = request;
        if self.has(session, key, mode) {
            return None;
        }
        let here = |(_, (_, r, _)): &(usize, &(usize, Request, Ticket))| r.key == key;
        let mut waiters = self.waits.iter().enumerate().filter(here);
        let first = waiters.find(|(_, (_, r, _))| self.blocks(session, *r));
        let at = first.map_or(self.waits.len(), |(at, _)| at);
        let mut ahead = self.waits.iter().take(at);
        let behind = ahead.any(|(_, r, _)| r.key == key && r.mode.conflicts_with(mode));
        (behind || self.is_blocked(session, key, mode)).then_some(at)
    }

    /// Who can go on, all at once.
    fn wake(&mut self) -> Vec<Ticket> {
        let mut woken = Vec::new();
        let mut at = 0;
        while let Some(&(session, request, ticket)) = self.waits.get(at) {
            let mut ahead = self.waits.iter().take(at);
            let Request { key, mode, .. } = request;
            if ahead.any(|(_, r, _)| r.key == key && r.mode.conflicts_with(mode))
                || self.is_blocked(session, key, mode)
            {
                at += 1;
            } else {
                self.waits.remove(at);
                self.grants.push((session, request));
                woken.push(ticket);
            }
        }
        woken
    }

    fn release(&mut self, gone: impl Fn(usize, Request) -> bool) {
        self.grants.retain(|(s, r)| !gone(*s, *r));
    }

    fn leave(&mut self, session: usize) {
        self.waits.retain(|(s, ..)| *s != session);
    }

    /// Whether a session waits for itself.
    fn is_circle(&self, start: usize) -> bool {
        let mut reached = BTreeSet::new();
        let mut todo = vec![start];
        while let Some(session) = todo.pop() {
            let Some(at) = self.waits.iter().position(|(s, ..)| *s == session) else {
                continue;
            };
            let (_, wanted, _) = self.waits[at];
            let conflicts = |r: &Request| r.key == wanted.key && r.mode.conflicts_with(wanted.mode);
            let holders = self
                .grants
                .iter()
                .filter(|(s, r)| *s != session && conflicts(r));
            let ahead = self.waits.iter().take(at);
            let ahead = ahead.filter(|(_, r, _)| conflicts(r)).map(|(s, ..)| *s);
            for next in holders.map(|(s, _)| *s).chain(ahead) {
                if next == start {
                    return true;
                }
                if reached.insert(next) {
                    todo.push(next);
                }
            }
        }
        false
    }
}

struct History {
    table: LockTable,
    sessions: Vec<LockSession>,
    model: Model,
    /// Tickets that have not ended.
    open: BTreeSet<Ticket>,
}

impl History {
    fn new() -> Self {
        let mut table = LockTable::new(1000);
        let sessions = (0..SESSIONS).map(|_| table.open(0)).collect();
        Self {
            table,
            sessions,
            model: Model::default(),
            open: BTreeSet::new(),
        }
    }

    fn run(&mut self, step: Step) {
        let mut granted = Vec::new();
        match step {
            Step::Acquire(s, request, patience) => self.acquire(s, request, patience),
            Step::Unlock(s, key, mode) => {
                let wanted = |(session, request): &(usize, Request)| {
                    let scope = LockScope::Session;
                    *session == s && *request == Request { key, mode, scope }
                };
                let found = self.model.grants.iter().position(wanted);
                let unlocked = self.table.unlock(self.sessions[s], key, mode, &mut granted);
                assert_eq!(found.is_some(), unlocked == Unlocked::Released);
                if let Some(at) = found {
                    self.model.grants.remove(at);
                }
            }
            Step::UnlockAll(s) => {
                self.table.unlock_all(self.sessions[s], &mut granted);
                self.model
                    .release(|session, r| session == s && r.scope == LockScope::Session);
            }
            Step::EndTransaction(s) => {
                self.table.end_transaction(self.sessions[s], &mut granted);
                self.model
                    .release(|session, r| session == s && r.scope == LockScope::Transaction);
            }
            Step::Cancel(s) => {
                if let Some(ticket) = self.table.waits(self.sessions[s]) {
                    self.table.cancel(ticket, &mut granted);
                    assert!(self.open.remove(&ticket), "ended twice");
                }
                self.model.leave(s);
            }
            Step::Reopen(s) => {
                if let Some(ticket) = self.table.waits(self.sessions[s]) {
                    assert!(self.open.remove(&ticket), "ended twice");
                }
                self.table.close(self.sessions[s], &mut granted);
                self.sessions[s] = self.table.open(0);
                self.model.leave(s);
                self.model.release(|session, _| session == s);
            }
        }
        if !matches!(step, Step::Acquire(..)) {
            self.check_granted(granted);
        }
        self.check();
    }

    fn check_granted(&mut self, granted: Vec<Ticket>) {
        for ticket in &granted {
            assert!(self.open.remove(ticket), "ended twice");
        }
        let granted: BTreeSet<_> = granted.into_iter().collect();
        let expected: BTreeSet<_> = self.model.wake().into_iter().collect();
        assert_eq!(granted, expected);
    }

    fn acquire(&mut self, s: usize, request: Request, patience: Patience) {
        // A session that waits asks for nothing else.
        if self.table.waits(self.sessions[s]).is_some() {
            return;
        }
        let mut granted = Vec::new();
        let acquired = self
            .table
            .acquire(self.sessions[s], request, patience, &mut granted);
        let place = self.model.place(s, request);
        match (place, &acquired) {
            (None, Acquired::Granted) => self.model.grants.push((s, request)),
            (Some(_), Acquired::Refused) => assert_eq!(patience, Patience::Try),
            (Some(at), Acquired::Waiting(ticket)) => {
                self.open.insert(*ticket);
                self.model.waits.insert(at, (s, request, *ticket));
                if self.model.is_circle(s) {
                    self.reorder(granted);
                    return;
                }
            }
            (Some(at), Acquired::Granted) => {
                // Another order of the queues has let it through.
                let ticket = unused_ticket();
                self.open.insert(ticket);
                self.model.waits.insert(at, (s, request, ticket));
                assert!(self.model.is_circle(s));
                granted.push(ticket);
                self.reorder(granted);
                return;
            }
            (Some(at), Acquired::Deadlock(deadlock)) => {
                let ticket = unused_ticket();
                self.model.waits.insert(at, (s, request, ticket));
                assert!(self.model.is_circle(s), "{deadlock:?}");
                self.model.waits.remove(at);
                // As if it had never asked.
                assert_eq!(granted, []);
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(granted, []);
    }

    /// The queues have another order now, which is the table's own business: what must hold is
    /// that there is no circle, and that nobody waits without need.
    fn reorder(&mut self, granted: Vec<Ticket>) {
        for ticket in granted {
            assert!(self.open.remove(&ticket), "ended twice");
            let at = self.model.waits.iter().position(|(.., t)| *t == ticket);
            let (session, request, _) = self.model.waits.remove(at.unwrap());
            self.model.grants.push((session, request));
        }
        let order: Vec<Ticket> = self.order();
        self.model
            .waits
            .sort_by_key(|(.., ticket)| order.iter().position(|t| t == ticket));
        assert!((0..SESSIONS).all(|s| !self.model.is_circle(s)));
        assert_eq!(self.model.wake(), []);
    }

    /// Who waits, in the order of the table's queues.
    fn order(&self) -> Vec<Ticket> {
        let keys: BTreeSet<_> = self.model.waits.iter().map(|(_, r, _)| r.key).collect();
        keys.into_iter()
            .filter_map(|key| self.table.lock(key))
            .flat_map(|lock| lock.queue().iter().map(|waiter| waiter.ticket))
            .collect()
    }

    fn check(&self) {
        // Never two who exclude each other.
        for (session, request) in &self.model.grants {
            assert!(!self.model.is_blocked(*session, request.key, request.mode));
        }
        // The table holds what the model holds.
        for (s, session) in self.sessions.iter().enumerate() {
            let grants = self.model.grants.iter().filter(|(owner, _)| *owner == s);
            let keys: BTreeSet<_> = grants.map(|(_, request)| request.key).collect();
            assert_eq!(self.table.keys(*session).collect::<BTreeSet<_>>(), keys);
            for key in keys {
                let held = self.table.lock(key).unwrap().held_by(*session);
                for mode in [LockMode::Exclusive, LockMode::Shared] {
                    assert_eq!(held.has(mode), self.model.has(s, key, mode));
                }
            }
        }
        let waiting: BTreeSet<_> = self.model.waits.iter().map(|(.., t)| *t).collect();
        assert_eq!(waiting, self.open);
        let order: BTreeSet<_> = self.order().into_iter().collect();
        assert_eq!(order, waiting);
        // Nobody waits for itself.
        assert!((0..SESSIONS).all(|s| !self.model.is_circle(s)));
    }
}

/// A ticket for the model alone.
fn unused_ticket() -> Ticket {
    let mut other = LockTable::new(2);
    let [a, b] = [other.open(0), other.open(0)];
    let request = Request {
        key: LockKey::One(0),
        mode: LockMode::Exclusive,
        scope: LockScope::Session,
    };
    let mut granted = Vec::new();
    other.acquire(a, request, Patience::Wait, &mut granted);
    match other.acquire(b, request, Patience::Wait, &mut granted) {
        Acquired::Waiting(ticket) => ticket,
        other => panic!("{other:?}"),
    }
}

proptest! {
    #[test]
    fn as_the_rules_say(steps in prop::collection::vec(a_step(), 1..80)) {
        let mut history = History::new();
        for step in steps {
            history.run(step);
        }
        // At the end, nothing is left.
        for s in 0..SESSIONS {
            history.run(Step::Reopen(s));
        }
        prop_assert!(history.open.is_empty());
        prop_assert!(history.table.entries().is_empty());
    }
}
