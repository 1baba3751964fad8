//! Advisory locks, kept by the proxy between its own clients.
//!
//! DSQL has none: it refuses their functions (recorded 2026-09). So that migration tools can keep
//! each other out all the same, the proxy keeps the locks of one cluster and database in one
//! [`LockTable`], with the semantics of PostgreSQL's: manual §13.3.5 "Advisory Locks" and §9.28.10
//! "Advisory Lock Functions"; where the manual is silent, PostgreSQL 17's `lock.c`, `proc.c` and
//! `deadlock.c`. They differ in one thing: a deadlock is found when somebody begins to wait, not
//! after `deadlock_timeout`, so that the victim is always who closes the circle.
//!
//! DSQL has no savepoints, so that a lock of a transaction is held until the transaction ends.
//!
//! [`LockTable`] decides, on values. [`Locks`] and [`SessionLocks`] put a future around each wait;
//! they need no runtime.

mod deadlock;
mod error;
mod key;
mod lock;
mod rim;
mod table;

pub use crate::sql::{LockMode, LockScope};
pub use error::{Deadlock, LockError, WaitsFor, not_held_warning};
pub use key::LockKey;
pub use rim::{Acquire, Locks, SessionLocks};
pub use table::{Acquired, Entry, LockSession, LockTable, Patience, Request, Ticket, Unlocked};

#[cfg(test)]
mod tests;
