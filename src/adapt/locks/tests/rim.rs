//! Waiting, with an executor of one's own.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use crate::adapt::locks::{
    Acquire, LockError, LockKey, LockMode, LockScope, Locks, Request, SessionLocks, Unlocked,
};
use crate::wire::SqlState;

const KEY: LockKey = LockKey::One(7);
const OTHER: LockKey = LockKey::One(8);

#[derive(Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Bell {
    fn rung(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

fn exclusive(key: LockKey) -> Request {
    Request {
        key,
        mode: LockMode::Exclusive,
        scope: LockScope::Session,
    }
}

fn poll(acquire: &mut Acquire, bell: &Arc<Bell>) -> Poll<Result<(), LockError>> {
    let waker = Waker::from(Arc::clone(bell));
    Pin::new(acquire).poll(&mut Context::from_waker(&waker))
}

fn take(session: &SessionLocks, key: LockKey) {
    let granted = poll(&mut session.acquire(exclusive(key)), &Arc::default());
    assert_eq!(granted, Poll::Ready(Ok(())));
}

fn release(session: &SessionLocks, key: LockKey) {
    let unlocked = session.unlock(key, LockMode::Exclusive);
    assert_eq!(unlocked, Unlocked::Released);
}

#[test]
fn who_waits_is_woken_once() {
    let locks = Locks::new(10);
    let [a, b] = [1, 2].map(|process| locks.session(process));
    let bell = Arc::default();
    take(&a, KEY);
    let mut wait = b.acquire(exclusive(KEY));
    assert_eq!(poll(&mut wait, &bell), Poll::Pending);
    assert_eq!(poll(&mut wait, &bell), Poll::Pending);
    assert_eq!(b.try_acquire(exclusive(OTHER)), Ok(true));
    // That was another request of the same session.
    assert_eq!(bell.rung(), 1);
    let abandoned = poll(&mut wait, &bell);
    assert_eq!(abandoned, Poll::Ready(Err(LockError::Abandoned)));

    let mut wait = b.acquire(exclusive(KEY));
    assert_eq!(poll(&mut wait, &bell), Poll::Pending);
    release(&a, KEY);
    assert_eq!(bell.rung(), 2);
    assert_eq!(poll(&mut wait, &bell), Poll::Ready(Ok(())));
    assert!(b.holds_any());
    drop(wait);
    assert_eq!(a.try_acquire(exclusive(KEY)), Ok(false));
}

#[test]
fn a_wait_that_is_dropped_leaves_the_queue_at_once() {
    let locks = Locks::new(10);
    let [a, b, c] = [1, 2, 3].map(|process| locks.session(process));
    let bell = Arc::default();
    take(&a, KEY);
    let dropped = b.acquire(exclusive(KEY));
    let mut wait = c.acquire(exclusive(KEY));
    assert_eq!(poll(&mut wait, &bell), Poll::Pending);
    drop(dropped);
    assert_eq!(locks.entries().len(), 2);
    release(&a, KEY);
    assert_eq!(bell.rung(), 1);
    assert_eq!(poll(&mut wait, &bell), Poll::Ready(Ok(())));
}

#[test]
fn what_was_granted_and_never_seen_is_given_back() {
    let locks = Locks::new(10);
    let [a, b] = [1, 2].map(|process| locks.session(process));
    let bell = Arc::default();
    take(&a, KEY);
    let mut wait = b.acquire(exclusive(KEY));
    assert_eq!(poll(&mut wait, &bell), Poll::Pending);
    release(&a, KEY);
    drop(wait);
    assert!(!b.holds_any());
    // The same where nobody waited.
    drop(a.acquire(exclusive(KEY)));
    assert!(locks.entries().is_empty());
    // What was held before stays.
    take(&a, KEY);
    drop(a.acquire(exclusive(KEY)));
    assert!(a.holds_any());
}

#[test]
fn a_session_that_is_dropped_frees_its_locks() {
    let locks = Locks::new(10);
    let [a, b, c] = [1, 2, 3].map(|process| locks.session(process));
    let bell = Arc::default();
    take(&a, KEY);
    let mut second = b.acquire(exclusive(KEY));
    let mut third = c.acquire(exclusive(KEY));
    for wait in [&mut second, &mut third] {
        assert_eq!(poll(wait, &bell), Poll::Pending);
    }
    drop(b);
    assert_eq!(
        poll(&mut second, &bell),
        Poll::Ready(Err(LockError::Abandoned))
    );
    drop(a);
    assert_eq!(poll(&mut third, &bell), Poll::Ready(Ok(())));
    drop((c, third, second));
    assert!(locks.entries().is_empty());
}

#[test]
fn a_deadlock_is_told_to_who_closes_the_circle() {
    let locks = Locks::new(10);
    let [a, b] = [41, 42].map(|process| locks.session(process));
    let bell = Arc::default();
    take(&a, KEY);
    take(&b, OTHER);
    let mut first = a.acquire(exclusive(OTHER));
    assert_eq!(poll(&mut first, &bell), Poll::Pending);
    let Poll::Ready(Err(error)) = poll(&mut b.acquire(exclusive(KEY)), &bell) else {
        panic!("no deadlock");
    };
    let told = error.response();
    assert_eq!(told.sqlstate, SqlState::DEADLOCK_DETECTED);
    assert_eq!(told.message, "deadlock detected");
    let detail = "Process 42 waits for ExclusiveLock on advisory lock [0,7,1]; blocked by \
                  process 41.\nProcess 41 waits for ExclusiveLock on advisory lock [0,8,1]; \
                  blocked by process 42.";
    assert_eq!(told.detail.as_deref(), Some(detail));
    assert!(told.hint.is_some());
    b.unlock_all();
    assert_eq!(poll(&mut first, &bell), Poll::Ready(Ok(())));
}

#[test]
fn the_end_of_a_transaction_wakes() {
    let locks = Locks::new(1);
    let [a, b] = [1, 2].map(|process| locks.session(process));
    let shared = Request {
        mode: LockMode::Shared,
        scope: LockScope::Transaction,
        ..exclusive(KEY)
    };
    assert_eq!(a.try_acquire(shared), Ok(true));
    assert_eq!(b.try_acquire(shared), Err(LockError::Full));
    a.end_transaction();
    assert_eq!(b.try_acquire(shared), Ok(true));
}
