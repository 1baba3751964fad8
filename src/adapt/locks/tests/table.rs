//! Single cases, in the words of the manual and of `lock.c`.

use crate::adapt::locks::LockMode::{Exclusive, Shared};
use crate::adapt::locks::LockScope::{Session, Transaction};
use crate::adapt::locks::{
    Acquired, Entry, LockKey, LockMode, LockScope, LockSession, LockTable, Patience, Request,
    Ticket, Unlocked, not_held_warning,
};

const KEY: LockKey = LockKey::One(7);
const OTHER: LockKey = LockKey::One(8);
const THIRD: LockKey = LockKey::Two(0, 7);

struct Bench {
    table: LockTable,
    granted: Vec<Ticket>,
}

impl Bench {
    fn new<const N: usize>() -> (Self, [LockSession; N]) {
        let mut table = LockTable::new(100);
        let mut process = 0;
        let sessions = [(); N].map(|()| {
            process += 1;
            table.open(process)
        });
        let granted = Vec::new();
        (Self { table, granted }, sessions)
    }

    fn ask(
        &mut self,
        session: LockSession,
        key: LockKey,
        mode: LockMode,
        scope: LockScope,
        patience: Patience,
    ) -> Acquired {
        let request = Request { key, mode, scope };
        self.table
            .acquire(session, request, patience, &mut self.granted)
    }

    fn lock(&mut self, session: LockSession, key: LockKey, mode: LockMode) -> Acquired {
        self.ask(session, key, mode, Session, Patience::Wait)
    }

    fn attempt(&mut self, session: LockSession, key: LockKey, mode: LockMode) -> Acquired {
        self.ask(session, key, mode, Session, Patience::Try)
    }

    fn has(&mut self, session: LockSession, key: LockKey, mode: LockMode) {
        assert_eq!(self.lock(session, key, mode), Acquired::Granted);
    }

    fn queues(&mut self, session: LockSession, key: LockKey, mode: LockMode) -> Ticket {
        match self.lock(session, key, mode) {
            Acquired::Waiting(ticket) => ticket,
            other => panic!("it does not wait: {other:?}"),
        }
    }

    fn unlock(&mut self, session: LockSession, key: LockKey, mode: LockMode) -> Unlocked {
        self.table.unlock(session, key, mode, &mut self.granted)
    }

    fn granted(&mut self) -> Vec<Ticket> {
        std::mem::take(&mut self.granted)
    }
}

#[test]
fn the_two_forms_of_keys_are_two_spaces() {
    let (mut bench, [a, b]) = Bench::new();
    bench.has(a, LockKey::One(7), Exclusive);
    bench.has(b, LockKey::Two(0, 7), Exclusive);
    assert_eq!(
        bench.attempt(b, LockKey::One(7), Exclusive),
        Acquired::Refused
    );
    let tags = [
        LockKey::One(-2),
        LockKey::One((5 << 32) | 6),
        LockKey::Two(-1, 3),
    ]
    .map(LockKey::tag);
    assert_eq!(
        tags,
        [(u32::MAX, u32::MAX - 1, 1), (5, 6, 1), (u32::MAX, 3, 2)]
    );
}

#[test]
fn requests_stack() {
    let (mut bench, [a, b]) = Bench::new();
    for _ in 0..3 {
        bench.has(a, KEY, Exclusive);
    }
    for _ in 0..3 {
        assert_eq!(bench.attempt(b, KEY, Exclusive), Acquired::Refused);
        assert_eq!(bench.unlock(a, KEY, Exclusive), Unlocked::Released);
    }
    assert_eq!(bench.attempt(b, KEY, Exclusive), Acquired::Granted);
    assert_eq!(bench.unlock(a, KEY, Exclusive), Unlocked::NotHeld);
}

#[test]
fn modes_are_counted_apart() {
    let (mut bench, [a, b]) = Bench::new();
    bench.has(a, KEY, Shared);
    assert_eq!(bench.unlock(a, KEY, Exclusive), Unlocked::NotHeld);
    bench.has(a, KEY, Exclusive);
    assert_eq!(bench.unlock(a, KEY, Exclusive), Unlocked::Released);
    assert_eq!(bench.attempt(b, KEY, Exclusive), Acquired::Refused);
    assert_eq!(bench.attempt(b, KEY, Shared), Acquired::Granted);
    for (mode, message) in [
        (Exclusive, "you don't own a lock of type ExclusiveLock"),
        (Shared, "you don't own a lock of type ShareLock"),
    ] {
        assert_eq!(not_held_warning(mode).message, message);
    }
}

#[test]
fn a_lock_of_the_transaction_ends_with_it() {
    let (mut bench, [a, b]) = Bench::new();
    let ask = |bench: &mut Bench| bench.ask(a, KEY, Exclusive, Transaction, Patience::Wait);
    assert_eq!(ask(&mut bench), Acquired::Granted);
    assert_eq!(ask(&mut bench), Acquired::Granted);
    assert_eq!(bench.unlock(a, KEY, Exclusive), Unlocked::NotHeld);
    bench.table.unlock_all(a, &mut bench.granted);
    let ticket = bench.queues(b, KEY, Exclusive);
    bench.table.end_transaction(a, &mut bench.granted);
    assert_eq!(bench.granted(), [ticket]);
}

#[test]
fn the_sessions_own_outlives_the_transaction() {
    let (mut bench, [a, b]) = Bench::new();
    bench.has(a, KEY, Exclusive);
    let second = bench.ask(a, KEY, Exclusive, Transaction, Patience::Wait);
    assert_eq!(second, Acquired::Granted);
    bench.table.end_transaction(a, &mut bench.granted);
    assert_eq!(bench.attempt(b, KEY, Shared), Acquired::Refused);
    bench.has(a, KEY, Exclusive);
    bench.has(a, OTHER, Shared);
    bench.table.unlock_all(a, &mut bench.granted);
    assert!(!bench.table.holds_any(a));
    assert_eq!(bench.attempt(b, KEY, Shared), Acquired::Granted);
}

#[test]
fn a_newcomer_waits_behind_whom_it_conflicts_with() {
    let (mut bench, [a, b, c, d]) = Bench::new();
    bench.has(a, KEY, Shared);
    let second = bench.queues(b, KEY, Exclusive);
    assert_eq!(bench.attempt(c, KEY, Shared), Acquired::Refused);
    let third = bench.queues(c, KEY, Shared);
    let fourth = bench.queues(d, KEY, Shared);
    bench.unlock(a, KEY, Shared);
    assert_eq!(bench.granted(), [second]);
    bench.unlock(b, KEY, Exclusive);
    assert_eq!(bench.granted(), [third, fourth]);
}

#[test]
fn a_holder_goes_before_whom_it_keeps_waiting() {
    let (mut bench, [a, b, c]) = Bench::new();
    bench.has(a, KEY, Shared);
    bench.has(b, KEY, Shared);
    let third = bench.queues(c, KEY, Exclusive);
    // It has it already.
    bench.has(a, KEY, Shared);
    let first = bench.queues(a, KEY, Exclusive);
    bench.unlock(b, KEY, Shared);
    assert_eq!(bench.granted(), [first]);
    for mode in [Shared, Shared, Exclusive] {
        assert_eq!(bench.granted(), []);
        assert_eq!(bench.unlock(a, KEY, mode), Unlocked::Released);
    }
    assert_eq!(bench.granted(), [third]);
}

#[test]
fn an_only_holder_gets_the_other_mode_at_once() {
    let (mut bench, [a, b]) = Bench::new();
    bench.has(a, KEY, Shared);
    bench.queues(b, KEY, Exclusive);
    assert_eq!(bench.attempt(a, KEY, Exclusive), Acquired::Granted);
}

#[test]
fn who_leaves_the_queue_lets_those_behind_through() {
    let (mut bench, [a, b, c]) = Bench::new();
    bench.has(a, KEY, Shared);
    let second = bench.queues(b, KEY, Exclusive);
    let third = bench.queues(c, KEY, Shared);
    bench.table.cancel(second, &mut bench.granted);
    assert_eq!(bench.granted(), [third]);
    bench.table.cancel(second, &mut bench.granted);
    bench.table.cancel(third, &mut bench.granted);
    assert_eq!(bench.granted(), []);
    assert_eq!(bench.attempt(b, KEY, Exclusive), Acquired::Refused);
}

#[test]
fn a_session_that_ends_releases_all_and_waits_no_longer() {
    let (mut bench, [a, b, c]) = Bench::new();
    bench.has(a, KEY, Exclusive);
    bench.has(b, OTHER, Exclusive);
    bench.queues(b, KEY, Exclusive);
    let on_other = bench.queues(c, OTHER, Exclusive);
    bench.table.close(b, &mut bench.granted);
    assert_eq!(bench.granted(), [on_other]);
    bench.table.close(a, &mut bench.granted);
    assert_eq!(bench.granted(), []);
    let left = Entry {
        process: 3,
        key: OTHER,
        mode: Exclusive,
        granted: true,
    };
    assert_eq!(bench.table.entries(), [left]);
}

#[test]
fn two_who_share_and_want_more_are_a_deadlock() {
    let (mut bench, [a, b]) = Bench::new();
    bench.has(a, KEY, Shared);
    bench.has(b, KEY, Shared);
    let first = bench.queues(a, KEY, Exclusive);
    assert_eq!(bench.attempt(b, KEY, Exclusive), Acquired::Refused);
    let Acquired::Deadlock(deadlock) = bench.lock(b, KEY, Exclusive) else {
        panic!("no deadlock");
    };
    assert_eq!(
        deadlock.detail(),
        "Process 2 waits for ExclusiveLock on advisory lock [0,7,1]; blocked by process 1.\n\
         Process 1 waits for ExclusiveLock on advisory lock [0,7,1]; blocked by process 2."
    );
    // The victim keeps what it has, and the other one waits.
    bench.unlock(b, KEY, Shared);
    assert_eq!(bench.granted(), [first]);
}

#[test]
fn a_circle_through_three_keys_is_a_deadlock() {
    let (mut bench, [a, b, c]) = Bench::new();
    for (session, key) in [(a, KEY), (b, OTHER), (c, THIRD)] {
        bench.has(session, key, Exclusive);
    }
    bench.queues(a, OTHER, Shared);
    let second = bench.queues(b, THIRD, Exclusive);
    let Acquired::Deadlock(deadlock) = bench.lock(c, KEY, Exclusive) else {
        panic!("no deadlock");
    };
    let blocked_by: Vec<_> = deadlock.circle.iter().map(|w| w.blocked_by).collect();
    assert_eq!(blocked_by, [1, 2, 3]);
    bench.table.close(c, &mut bench.granted);
    assert_eq!(bench.granted(), [second]);
}

/// C waits only because B is ahead of it. B waits for A, and A for C: with C before B, nobody
/// waits for ever.
#[test]
fn a_queue_in_another_order_avoids_a_deadlock() {
    let (mut bench, [a, b, c]) = Bench::new();
    bench.has(a, KEY, Shared);
    bench.has(c, OTHER, Exclusive);
    let second = bench.queues(b, KEY, Exclusive);
    let third = bench.queues(c, KEY, Shared);
    let first = bench.queues(a, OTHER, Exclusive);
    assert_eq!(bench.granted(), [third]);
    bench.unlock(c, OTHER, Exclusive);
    assert_eq!(bench.granted(), [first]);
    bench.table.close(a, &mut bench.granted);
    bench.table.close(c, &mut bench.granted);
    assert_eq!(bench.granted(), [second]);
}

/// The same, where the last to come is the one that another order helps.
#[test]
fn another_order_may_grant_at_once() {
    let (mut bench, [a, b, c]) = Bench::new();
    bench.has(a, KEY, Shared);
    bench.has(c, OTHER, Exclusive);
    bench.queues(b, KEY, Exclusive);
    let first = bench.queues(a, OTHER, Exclusive);
    bench.has(c, KEY, Shared);
    bench.unlock(c, OTHER, Exclusive);
    assert_eq!(bench.granted(), [first]);
}

#[test]
fn a_full_table_refuses_what_is_new() {
    let mut table = LockTable::new(2);
    let [a, b] = [table.open(1), table.open(2)];
    let mut granted = Vec::new();
    let mut ask = |session, key| {
        let request = Request {
            key,
            mode: Exclusive,
            scope: Session,
        };
        table.acquire(session, request, Patience::Wait, &mut granted)
    };
    assert_eq!(ask(a, KEY), Acquired::Granted);
    assert!(matches!(ask(b, KEY), Acquired::Waiting(_)));
    assert_eq!(ask(a, OTHER), Acquired::Full);
    assert_eq!(ask(a, KEY), Acquired::Granted);
}

#[test]
fn a_session_waits_for_one_lock_at_a_time() {
    let (mut bench, [a, b]) = Bench::new();
    bench.has(a, KEY, Exclusive);
    bench.queues(b, KEY, Exclusive);
    bench.has(b, OTHER, Exclusive);
    assert_eq!(bench.table.waits(b), None);
    bench.unlock(a, KEY, Exclusive);
    assert_eq!(bench.granted(), []);
}
