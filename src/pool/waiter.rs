//! The place where somebody who waits finds the outcome.

use std::cell::Cell;
use std::task::{Context, Poll, Waker};

use super::Opener;
use super::state::Lease;

/// How a wait ends.
pub(super) enum Outcome<O: Opener> {
    /// Here is a server.
    Lease(Lease<O::Connection>),
    /// A private server may be opened.
    Permit,
    /// None can be opened.
    Failed(O::Error),
    /// The pool is closed.
    Closed,
}

/// A mailbox for one outcome. Whoever drops its reader looks into it, so that what was handed
/// over is never lost.
pub(super) struct Waiter<O: Opener> {
    outcome: Cell<Option<Outcome<O>>>,
    waker: Cell<Option<Waker>>,
}

impl<O: Opener> Waiter<O> {
    pub(super) fn new() -> Self {
        Self {
            outcome: Cell::new(None),
            waker: Cell::new(None),
        }
    }

    pub(super) fn settle(&self, outcome: Outcome<O>) {
        self.outcome.set(Some(outcome));
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    pub(super) fn take(&self) -> Option<Outcome<O>> {
        self.outcome.take()
    }

    pub(super) fn poll(&self, context: &Context<'_>) -> Poll<Outcome<O>> {
        if let Some(outcome) = self.take() {
            return Poll::Ready(outcome);
        }
        self.waker.set(Some(context.waker().clone()));
        Poll::Pending
    }
}
