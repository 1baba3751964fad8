//! A server that is lent.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

use tokio::time::Instant;

use super::connection::{Closing, ConnectionId, Opener};
use super::rim::Shared;
use super::state::{Facts, Lease};

/// A server that is lent. Dropping it drops the server too, without [`Connection::close`]
/// (see [`super::Connection`]): nobody knows what state it is in.
///
/// [`Connection::close`]: super::Connection::close
pub struct Checkout<O: Opener> {
    connection: O::Connection,
    loan: Loan<O>,
}

/// The pool's side of it.
struct Loan<O: Opener> {
    facts: Facts,
    /// Empty once the server has come back.
    pool: Option<Rc<Shared<O>>>,
}

impl<O: Opener> Checkout<O> {
    #[inline]
    pub(super) fn new(pool: &Rc<Shared<O>>, lease: Lease<O::Connection>) -> Self {
        Self {
            connection: lease.connection,
            loan: Loan {
                facts: lease.facts,
                pool: Some(Rc::clone(pool)),
            },
        }
    }

    /// Which server it is.
    pub fn id(&self) -> ConnectionId {
        self.loan.facts.id
    }

    /// Whether it was opened for one client, and is closed when it comes back.
    pub fn is_private(&self) -> bool {
        self.loan.facts.is_private
    }

    /// When it is as old as it may get. Then who has it for long should give it back, and take
    /// another one.
    pub fn due_at(&self) -> Instant {
        self.loan.facts.due_at
    }

    /// Whether it is as old as it may get, so that [`Self::release`] will close it.
    pub fn is_due(&self) -> bool {
        Instant::now() >= self.due_at()
    }

    /// Gives it back. The next one gets it as it is.
    #[inline]
    pub fn release(self) {
        let Self {
            connection,
            mut loan,
        } = self;
        if let Some(pool) = loan.pool.take() {
            let facts = loan.facts;
            let lease = Lease { connection, facts };
            pool.act(|state, now, out| state.release(lease, now, out));
        }
    }

    /// Closes it: nobody may have it any more, because of `why`.
    pub fn discard(self, why: &'static str) {
        let Self {
            connection,
            mut loan,
        } = self;
        if let Some(pool) = loan.pool.take() {
            let facts = loan.facts;
            pool.end(Lease { connection, facts }, Closing::Discarded(why));
        }
    }
}

impl<O: Opener> Drop for Loan<O> {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.take() {
            let facts = self.facts;
            pool.act(|state, now, out| state.discard(facts, now, out));
        }
    }
}

impl<O: Opener> Deref for Checkout<O> {
    type Target = O::Connection;

    #[inline]
    fn deref(&self) -> &O::Connection {
        &self.connection
    }
}

impl<O: Opener> DerefMut for Checkout<O> {
    #[inline]
    fn deref_mut(&mut self) -> &mut O::Connection {
        &mut self.connection
    }
}

impl<O: Opener> fmt::Debug for Checkout<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Checkout").field(&self.id()).finish()
    }
}
