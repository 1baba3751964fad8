//! The pool as others use it: the state, and what carries out its commands.

use std::cell::RefCell;
use std::fmt;
use std::future::poll_fn;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::checkout::Checkout;
use super::connection::{Closing, Connection, ConnectionId, Opener};
use super::error::{CheckoutError, QueueTimeout};
use super::keeper::Keeper;
use super::state::{Command, Commands, Lease, PoolState, Ticket, Wanted};
use super::waiter::{Outcome, Waiter};
use super::{PoolOptions, PoolSnapshot};

/// An attempt to connect that gives up at the same moment as who waits for it may still tell why.
const GRACE: Duration = Duration::from_secs(1);

/// Servers of one kind (one cluster, role and database), lent to one client at a time. Clones are
/// the same pool. All but `new` must be called inside a [`tokio::task::LocalSet`].
pub struct Pool<O: Opener>(Rc<Shared<O>>);

type State<O> = PoolState<<O as Opener>::Connection, Rc<Waiter<O>>, <O as Opener>::Error>;
type Out<O> = Commands<<O as Opener>::Connection, Rc<Waiter<O>>, <O as Opener>::Error>;

pub(super) struct Shared<O: Opener> {
    pub(super) opener: O,
    state: RefCell<State<O>>,
    keeper: Rc<Keeper>,
}

impl<O: Opener> Clone for Pool<O> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<O: Opener> fmt::Debug for Pool<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pool").field(&self.snapshot()).finish()
    }
}

impl<O: Opener> Pool<O> {
    /// A pool without servers. The first checkout opens one, and those that are kept ready.
    pub fn new(opener: O, options: PoolOptions) -> Self {
        Self(Rc::new(Shared {
            opener,
            state: RefCell::new(PoolState::new(options)),
            keeper: Rc::default(),
        }))
    }

    /// An idle server, the one that was used last. Does not wait, and allocates nothing.
    #[inline]
    pub fn try_checkout(&self) -> Option<Checkout<O>> {
        loop {
            let (lease, is_short) = {
                let mut state = self.0.state.borrow_mut();
                (state.take_idle()?, state.is_short_of_idle())
            };
            if is_short {
                self.0.act(PoolState::open_what_is_wanted);
            }
            if let Some(checkout) = self.lend(lease) {
                return Some(checkout);
            }
        }
    }

    /// This very server, if it is idle.
    pub fn checkout_this(&self, id: ConnectionId) -> Option<Checkout<O>> {
        let lease = self.0.state.borrow_mut().take_this(id)?;
        self.0.act(PoolState::open_what_is_wanted);
        self.lend(lease)
    }

    /// Any server: an idle one, else the first that comes back or is opened. Who asked first gets
    /// it. Dropping the future gives up the place in the queue, or gives back what was handed
    /// over.
    pub async fn checkout(&self) -> Result<Checkout<O>, CheckoutError<O::Error>> {
        if let Some(checkout) = self.try_checkout() {
            return Ok(checkout);
        }
        match self.wait(Wanted::Any).await? {
            Granted::Lease(lease) => Ok(Checkout::new(&self.0, lease)),
            Granted::Permit(_) => Err(CheckoutError::Closed),
        }
    }

    /// A new server of one's own, which counts as any other and is closed when it comes back. An
    /// idle one makes room for it if need be. Dropping the future abandons it.
    pub async fn checkout_private(
        &self,
        request: O::Request,
    ) -> Result<Checkout<O>, CheckoutError<O::Error>> {
        let Granted::Permit(permit) = self.wait(Wanted::Private).await? else {
            return Err(CheckoutError::Closed);
        };
        match self.0.opener.open(Some(request)).await {
            Ok(connection) => {
                permit.spend();
                let lease = self
                    .0
                    .act(|state, now, out| state.private_opened(connection, now, out));
                Ok(Checkout::new(&self.0, lease))
            }
            Err(error) => {
                permit.spend();
                let verdict = self.0.opener.verdict(&error);
                self.0
                    .act(|state, now, out| state.private_failed(verdict, &error, now, out));
                Err(CheckoutError::Open(error))
            }
        }
    }

    /// How it is doing.
    pub fn snapshot(&self) -> PoolSnapshot {
        self.0.state.borrow().snapshot(Instant::now())
    }

    /// Closes the idle servers, dismisses who waits, and lends nothing any more. Servers that are
    /// lent are closed when they come back.
    pub fn close(&self) {
        self.0.keeper.stop();
        self.0.act(|state, _, out| state.close(out));
    }

    fn lend(&self, mut lease: Lease<O::Connection>) -> Option<Checkout<O>> {
        if lease.connection.is_alive() {
            return Some(Checkout::new(&self.0, lease));
        }
        self.0.end(lease, Closing::Dead);
        None
    }

    async fn wait(&self, wanted: Wanted) -> Result<Granted<O>, CheckoutError<O::Error>> {
        self.0.keeper.start(&self.0);
        let limit = self.0.state.borrow().options().queue_timeout;
        let start = Instant::now();
        let wait = Wait::new(&self.0, wanted);
        let outcome = || poll_fn(|context| wait.waiter.poll(context));
        let mut outcome_in_time = timeout_at(start + limit, outcome()).await;
        if outcome_in_time.is_err() && self.0.state.borrow().depends_on_open() {
            outcome_in_time = timeout_at(start + limit + GRACE, outcome()).await;
        }
        match outcome_in_time {
            Ok(Outcome::Lease(lease)) => Ok(Granted::Lease(lease)),
            Ok(Outcome::Permit) => Ok(Granted::Permit(Permit(Some(Rc::clone(&self.0))))),
            Ok(Outcome::Failed(error)) => Err(CheckoutError::Open(error)),
            Ok(Outcome::Closed) => Err(CheckoutError::Closed),
            Err(_) => {
                drop(wait);
                let state = self.0.state.borrow();
                Err(CheckoutError::Timeout(Box::new(QueueTimeout {
                    limit,
                    pool: state.snapshot(Instant::now()),
                    last_failure: state.last_failure().cloned(),
                })))
            }
        }
    }
}

/// What a wait was good for.
enum Granted<O: Opener> {
    Lease(Lease<O::Connection>),
    Permit(Permit<O>),
}

impl<O: Opener> Shared<O> {
    pub(super) fn keeper(&self) -> &Rc<Keeper> {
        &self.keeper
    }

    /// Tells the state of an event, and carries out what it decides. Without commands nothing is
    /// allocated.
    #[inline]
    pub(super) fn act<R>(
        self: &Rc<Self>,
        event: impl FnOnce(&mut State<O>, Instant, &mut Out<O>) -> R,
    ) -> R {
        let mut commands = Vec::new();
        let result = event(&mut self.state.borrow_mut(), Instant::now(), &mut commands);
        // Here the state can be told of the next event: a command may bring one about.
        for command in commands {
            self.carry_out(command);
        }
        result
    }

    fn carry_out(&self, command: Command<O::Connection, Rc<Waiter<O>>, O::Error>) {
        match command {
            Command::Open => self.keeper.open(),
            Command::WakeAt(at) => self.keeper.wake_at(at),
            Command::HandOver(waiter, lease) => waiter.settle(Outcome::Lease(lease)),
            Command::Permit(waiter) => waiter.settle(Outcome::Permit),
            Command::Fail(waiter, error) => waiter.settle(Outcome::Failed(error)),
            Command::Dismiss(waiter) => waiter.settle(Outcome::Closed),
            Command::Close(connection, why) => {
                tracing::debug!(%why, "closing a server");
                connection.close(why);
            }
        }
    }

    /// Closes a server that was lent.
    pub(super) fn end(self: &Rc<Self>, lease: Lease<O::Connection>, why: Closing) {
        let Lease { connection, facts } = lease;
        self.carry_out(Command::Close(connection, why));
        self.act(|state, now, out| state.discard(facts, now, out));
    }
}

impl<O: Opener> Drop for Shared<O> {
    fn drop(&mut self) {
        self.keeper.stop();
        let mut commands = Vec::new();
        self.state.get_mut().close(&mut commands);
        for command in commands {
            self.carry_out(command);
        }
    }
}

/// A place in the queue.
struct Wait<O: Opener> {
    pool: Rc<Shared<O>>,
    waiter: Rc<Waiter<O>>,
    ticket: Ticket,
}

impl<O: Opener> Wait<O> {
    fn new(pool: &Rc<Shared<O>>, wanted: Wanted) -> Self {
        let waiter = Rc::new(Waiter::new());
        let handle = Rc::clone(&waiter);
        Self {
            ticket: pool.act(|state, now, out| state.wait(wanted, handle, now, out)),
            pool: Rc::clone(pool),
            waiter,
        }
    }
}

impl<O: Opener> Drop for Wait<O> {
    fn drop(&mut self) {
        match self.waiter.take() {
            Some(Outcome::Lease(lease)) => {
                let pool = &self.pool;
                pool.act(|state, now, out| state.release(lease, now, out));
            }
            Some(Outcome::Permit) => drop(Permit(Some(Rc::clone(&self.pool)))),
            Some(Outcome::Failed(_) | Outcome::Closed) => {}
            None => self.pool.state.borrow_mut().leave(self.ticket),
        }
    }
}

/// The permission to open a private server.
struct Permit<O: Opener>(Option<Rc<Shared<O>>>);

impl<O: Opener> Permit<O> {
    /// The state is told by who calls.
    fn spend(mut self) {
        self.0 = None;
    }
}

impl<O: Opener> Drop for Permit<O> {
    fn drop(&mut self) {
        if let Some(pool) = self.0.take() {
            pool.act(PoolState::private_abandoned);
        }
    }
}
