//! Locks as sessions use them: the table, with a future around each wait.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use super::table::{Acquired, Entry, LockSession, LockTable, Patience, Request, Ticket, Unlocked};
use super::{LockError, LockKey, LockMode};

/// The advisory locks of one cluster and database. Clones are the same table.
#[derive(Clone)]
pub struct Locks(Rc<Shared>);

struct Shared {
    table: RefCell<LockTable>,
    waits: RefCell<BTreeMap<Ticket, Wait>>,
}

/// Somebody who waits, or has not looked yet.
struct Wait {
    outcome: Option<Result<(), LockError>>,
    waker: Option<Waker>,
}

impl fmt::Debug for Locks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Locks").field(&self.entries()).finish()
    }
}

impl Locks {
    /// A table for so many locks, held or waited for.
    pub fn new(limit: usize) -> Self {
        Self(Rc::new(Shared {
            table: RefCell::new(LockTable::new(limit)),
            waits: RefCell::default(),
        }))
    }

    /// A session begins. `process` is the process id that its client was told.
    pub fn session(&self, process: i32) -> SessionLocks {
        let session = self.0.table.borrow_mut().open(process);
        SessionLocks {
            shared: Rc::clone(&self.0),
            session,
        }
    }

    /// Who holds and who waits for what: key by key, holders first, then the queue in its order.
    pub fn entries(&self) -> Vec<Entry> {
        self.0.table.borrow().entries()
    }
}

impl Shared {
    /// Tells the table of an event, then those who were granted something because of it.
    fn act<R>(&self, event: impl FnOnce(&mut LockTable, &mut Vec<Ticket>) -> R) -> R {
        let mut granted = Vec::new();
        let result = event(&mut self.table.borrow_mut(), &mut granted);
        for ticket in granted {
            self.settle(ticket, Ok(()));
        }
        result
    }

    fn settle(&self, ticket: Ticket, outcome: Result<(), LockError>) {
        let mut waits = self.waits.borrow_mut();
        let Some(wait) = waits.get_mut(&ticket) else {
            return;
        };
        wait.outcome = Some(outcome);
        let waker = wait.waker.take();
        // Whoever is woken may look at once.
        drop(waits);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn abandon(&self, session: LockSession) {
        let waiting = self.table.borrow().waits(session);
        if let Some(ticket) = waiting {
            self.act(|table, granted| table.cancel(ticket, granted));
            self.settle(ticket, Err(LockError::Abandoned));
        }
    }
}

/// The locks of one session. Dropping it ends the session: what it waits for is abandoned, and all
/// that it holds is released.
pub struct SessionLocks {
    shared: Rc<Shared>,
    session: LockSession,
}

impl fmt::Debug for SessionLocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SessionLocks").field(&self.session).finish()
    }
}

impl SessionLocks {
    /// Asks for a lock at once, and waits for it when polled. The future owns what it needs; to
    /// drop it is to leave the queue, or to give back what was granted and not yet seen. A session
    /// waits for one lock at a time: an earlier wait ends with [`LockError::Abandoned`].
    pub fn acquire(&self, request: Request) -> Acquire {
        self.shared.abandon(self.session);
        let session = self.session;
        let acquired = self
            .shared
            .act(|table, granted| table.acquire(session, request, Patience::Wait, granted));
        let state = match acquired {
            Acquired::Granted => State::Ready(Ok(())),
            Acquired::Waiting(ticket) => {
                let wait = Wait {
                    outcome: None,
                    waker: None,
                };
                self.shared.waits.borrow_mut().insert(ticket, wait);
                State::Waiting(ticket)
            }
            Acquired::Deadlock(deadlock) => State::Ready(Err(LockError::Deadlock(deadlock))),
            Acquired::Full | Acquired::Refused => State::Ready(Err(LockError::Full)),
        };
        Acquire {
            shared: Rc::clone(&self.shared),
            session,
            request,
            state,
        }
    }

    /// Takes a lock if nobody else has it or comes first; says whether it did.
    pub fn try_acquire(&self, request: Request) -> Result<bool, LockError> {
        self.shared.abandon(self.session);
        let acquired = self
            .shared
            .act(|table, granted| table.acquire(self.session, request, Patience::Try, granted));
        match acquired {
            Acquired::Granted => Ok(true),
            Acquired::Full => Err(LockError::Full),
            Acquired::Refused | Acquired::Waiting(_) | Acquired::Deadlock(_) => Ok(false),
        }
    }

    /// Gives back one grant of the session's own scope.
    pub fn unlock(&self, key: LockKey, mode: LockMode) -> Unlocked {
        self.shared
            .act(|table, granted| table.unlock(self.session, key, mode, granted))
    }

    /// Gives back all locks of the session's own scope.
    pub fn unlock_all(&self) {
        self.shared
            .act(|table, granted| table.unlock_all(self.session, granted));
    }

    /// The transaction has ended, or failed.
    pub fn end_transaction(&self) {
        self.shared
            .act(|table, granted| table.end_transaction(self.session, granted));
    }

    /// True if the session holds any lock.
    pub fn holds_any(&self) -> bool {
        self.shared.table.borrow().holds_any(self.session)
    }
}

impl Drop for SessionLocks {
    fn drop(&mut self) {
        self.shared.abandon(self.session);
        self.shared
            .act(|table, granted| table.close(self.session, granted));
    }
}

enum State {
    /// What is to be told.
    Ready(Result<(), LockError>),
    Waiting(Ticket),
    Told,
}

/// A wait for a lock.
#[must_use = "dropped, it gives back what it was granted"]
pub struct Acquire {
    shared: Rc<Shared>,
    session: LockSession,
    request: Request,
    state: State,
}

impl fmt::Debug for Acquire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waits = matches!(self.state, State::Waiting(_));
        f.debug_struct("Acquire")
            .field("request", &self.request)
            .field("waits", &waits)
            .finish_non_exhaustive()
    }
}

impl Future for Acquire {
    type Output = Result<(), LockError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match std::mem::replace(&mut self.state, State::Told) {
            State::Ready(outcome) => Poll::Ready(outcome),
            State::Waiting(ticket) => {
                let shared = Rc::clone(&self.shared);
                let mut waits = shared.waits.borrow_mut();
                let wait = waits.get_mut(&ticket);
                if let Some(outcome) = wait.and_then(|wait| {
                    wait.waker = Some(context.waker().clone());
                    wait.outcome.take()
                }) {
                    waits.remove(&ticket);
                    return Poll::Ready(outcome);
                }
                self.state = State::Waiting(ticket);
                Poll::Pending
            }
            // As others do: polled again, it never becomes ready.
            State::Told => Poll::Pending,
        }
    }
}

impl Drop for Acquire {
    fn drop(&mut self) {
        let granted = match std::mem::replace(&mut self.state, State::Told) {
            State::Told | State::Ready(Err(_)) => return,
            State::Ready(Ok(())) => true,
            State::Waiting(ticket) => {
                let wait = self.shared.waits.borrow_mut().remove(&ticket);
                if let Some(outcome) = wait.and_then(|wait| wait.outcome) {
                    outcome.is_ok()
                } else {
                    self.shared
                        .act(|table, granted| table.cancel(ticket, granted));
                    false
                }
            }
        };
        if granted {
            let _: bool = self
                .shared
                .act(|table, granted| table.give_back(self.session, self.request, granted));
        }
    }
}
