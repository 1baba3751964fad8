//! Circles of sessions that wait for each other, as PostgreSQL's `deadlock.c` finds them.
//!
//! Who waits, waits for the holders that it conflicts with, which nothing can change, and for those
//! before it in the queue, which another order of the queue can. A circle of which a part is only a
//! queue is no deadlock: the queue is put in an order in which it does not exist.

use std::collections::{BTreeMap, BTreeSet};

use super::lock::{Lock, Waiter};
use super::table::{LockSession, LockTable};
use super::{LockKey, LockMode};

/// One session waits for another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edge {
    pub(super) waiter: LockSession,
    pub(super) blocker: LockSession,
    pub(super) key: LockKey,
    pub(super) mode: LockMode,
    /// The blocker is only ahead in the queue.
    soft: bool,
}

/// What to do about a wait that has just begun.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Nothing.
    None,
    /// Give these queues these orders.
    Reorder(BTreeMap<LockKey, Vec<Waiter>>),
    /// Refuse it. Each waits for the next one, and the last for the first.
    Deadlock(Vec<Edge>),
}

/// How many orders of queues are tried at most. PostgreSQL's limit is as arbitrary; real circles
/// need one or two.
const MOST_ATTEMPTS: usize = 200;

/// Looks for circles through `session`, which has just joined a queue. There was none before, so
/// that each goes through it.
pub(super) fn check(table: &LockTable, session: LockSession) -> Verdict {
    // The usual case: nobody waits for anything of its own.
    let is_waited_for = table
        .keys(session)
        .filter_map(|key| table.lock(key))
        .any(|lock| lock.others_wait(session));
    if !is_waited_for {
        return Verdict::None;
    }
    if let Some(circle) = circle_of_two(table, session) {
        return Verdict::Deadlock(circle);
    }
    let mut search = Search {
        table,
        constraints: Vec::new(),
        orders: BTreeMap::new(),
        attempts: 0,
    };
    let Some(circle) = search.circle(session) else {
        return Verdict::None;
    };
    if search.resolve(session) {
        Verdict::Reorder(search.orders)
    } else {
        Verdict::Deadlock(circle)
    }
}

/// Two who have the same lock and keep each other from having it in another mode
/// (`RememberSimpleDeadLock`).
fn circle_of_two(table: &LockTable, session: LockSession) -> Option<Vec<Edge>> {
    let (key, Waiter { mode, .. }) = table.wanted(session)?;
    let lock = table.lock(key)?;
    let behind = lock.queue().iter().skip_while(|w| w.session != session);
    let next = behind
        .skip(1)
        .find(|w| lock.held_by(session).conflicts_with(w.mode))?;
    let edge = |waiter, mode, blocker| Edge {
        waiter,
        blocker,
        key,
        mode,
        soft: false,
    };
    lock.held_by(next.session).conflicts_with(mode).then(|| {
        vec![
            edge(session, mode, next.session),
            edge(next.session, next.mode, session),
        ]
    })
}

struct Search<'a> {
    table: &'a LockTable,
    /// Edges that are to be turned round: the waiter goes before the blocker.
    constraints: Vec<Edge>,
    /// The queues in the orders that follow from them.
    orders: BTreeMap<LockKey, Vec<Waiter>>,
    attempts: usize,
}

/// What is wrong with an attempt.
enum Flaw {
    /// A circle that no order resolves.
    Hard,
    /// A circle with these edges that another order may resolve.
    Soft(Vec<Edge>),
}

impl Search<'_> {
    /// Finds orders without a circle; false if there are none (`DeadLockCheckRecurse`).
    fn resolve(&mut self, session: LockSession) -> bool {
        self.attempts += 1;
        match self.flaw(session) {
            None => true,
            Some(Flaw::Hard) => false,
            Some(Flaw::Soft(edges)) => edges.into_iter().any(|edge| {
                if self.attempts >= MOST_ATTEMPTS {
                    return false;
                }
                self.constraints.push(edge);
                let resolved = self.resolve(session);
                if !resolved {
                    self.constraints.pop();
                }
                resolved
            }),
        }
    }

    /// What the constraints lead to (`TestConfiguration`).
    fn flaw(&mut self, session: LockSession) -> Option<Flaw> {
        self.orders.clear();
        for edge in &self.constraints {
            if self.orders.contains_key(&edge.key) {
                continue;
            }
            let queue = self.table.lock(edge.key).map_or(&[][..], Lock::queue);
            let Some(order) = ordered(queue, &self.constraints) else {
                return Some(Flaw::Hard);
            };
            self.orders.insert(edge.key, order);
        }
        let moved = self.constraints.iter().flat_map(|e| [e.waiter, e.blocker]);
        let mut flaw = None;
        for start in moved.chain([session]) {
            let Some(circle) = self.circle(start) else {
                continue;
            };
            // Which is tried first decides which order the queues get; PostgreSQL begins at the end.
            let soft: Vec<_> = circle.into_iter().rev().filter(|edge| edge.soft).collect();
            if soft.is_empty() {
                return Some(Flaw::Hard);
            }
            flaw = Some(Flaw::Soft(soft));
        }
        flaw
    }

    /// A circle through `start` (`FindLockCycle`), without recursion: it may be as long as there
    /// are sessions.
    fn circle(&self, start: LockSession) -> Option<Vec<Edge>> {
        let mut visited = BTreeSet::from([start]);
        let mut path = Vec::new();
        let mut levels = vec![self.edges(start).into_iter()];
        while let Some(level) = levels.last_mut() {
            let Some(edge) = level.next() else {
                levels.pop();
                path.pop();
                continue;
            };
            if edge.blocker == start {
                path.push(edge);
                return Some(path);
            }
            if visited.insert(edge.blocker) {
                path.push(edge);
                levels.push(self.edges(edge.blocker).into_iter());
            }
        }
        None
    }

    /// Whom a session waits for.
    fn edges(&self, session: LockSession) -> Vec<Edge> {
        let Some((key, Waiter { mode, .. })) = self.table.wanted(session) else {
            return Vec::new();
        };
        let Some(lock) = self.table.lock(key) else {
            return Vec::new();
        };
        let edge = |blocker, soft| Edge {
            waiter: session,
            blocker,
            key,
            mode,
            soft,
        };
        let hard = lock
            .blockers(session, mode)
            .map(|holder| edge(holder, false));
        let queue = self.orders.get(&key).map_or(lock.queue(), Vec::as_slice);
        let soft = queue
            .iter()
            .take_while(|waiter| waiter.session != session)
            .filter(|waiter| waiter.mode.conflicts_with(mode))
            .map(|waiter| edge(waiter.session, true));
        hard.chain(soft).collect()
    }
}

/// A queue with as few changes as these constraints need; none if they contradict each other
/// (`TopoSort`, which goes from the end to the beginning).
fn ordered(queue: &[Waiter], constraints: &[Edge]) -> Option<Vec<Waiter>> {
    let mut rest = queue.to_vec();
    let mut order = Vec::with_capacity(rest.len());
    while !rest.is_empty() {
        let goes_before_another = |waiter: &Waiter| {
            constraints.iter().any(|edge| {
                edge.waiter == waiter.session && rest.iter().any(|w| w.session == edge.blocker)
            })
        };
        let last = rest
            .iter()
            .rposition(|waiter| !goes_before_another(waiter))?;
        order.push(rest.remove(last));
    }
    order.reverse();
    Some(order)
}
