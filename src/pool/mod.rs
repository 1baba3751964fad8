//! Which servers exist, who has them, and who waits.
//!
//! - **Owns** the life of a server between its users: opening, lending, replacing, closing; the queue
//!   of those who wait.
//! - **May touch** `wire` for the texts of its errors, `dsql` for limits. A server is whatever
//!   implements [`Connection`].
//! - **Must not** know clients, sessions or SQL, or do I/O itself.
//! - **Invariants** a server has one owner; never more servers than the limit; nobody waits while
//!   a server is idle; every loan ends in exactly one return, also when its future is dropped.
//!
//! `state` decides, on values; [`Pool`] does: it runs the opens, keeps the time and wakes those
//! who wait.

mod backoff;
mod checkout;
mod connection;
mod error;
mod keeper;
mod options;
mod rim;
mod snapshot;
mod state;
mod throttle;
mod waiter;

#[cfg(test)]
mod tests;

pub use checkout::Checkout;
pub use connection::{Closing, Connection, ConnectionId, Opener, Verdict};
pub use error::{CheckoutError, QueueTimeout};
pub use options::{PoolOptions, Random};
pub use rim::Pool;
pub use snapshot::PoolSnapshot;
pub use throttle::Throttle;

use backoff::Backoff;
