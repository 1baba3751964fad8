//! Optimistic concurrency on a PostgreSQL that locks.
//!
//! DSQL lets every transaction work on its own snapshot and asks at COMMIT whether somebody was
//! faster: the first committer wins, also if it wrote second. PostgreSQL makes the second writer of
//! a row wait for the first. Three things turn the one into the other:
//!
//! - **What a transaction changed is known here.** Triggers tell it ([`Change`]), and a
//!   [`journal`] keeps it.
//! - **A transaction can let go of its locks and keep its snapshot.** A savepoint is set before its
//!   first statement; ROLLBACK TO it undoes every change and releases every lock at once (manual,
//!   "Row-Level Locks"), while the snapshot of REPEATABLE READ stays. A transaction that somebody
//!   waits for is *parked* so. Before its next statement the journal is applied again.
//! - **What cannot be applied any more runs on shadows.** A transaction whose row another one has
//!   committed since has lost, and is to hear so at COMMIT. Until then its statements run on
//!   temporary copies of the tables as its snapshot sees them, so that counts and RETURNING are
//!   right.
//!
//! [`Block`] is what an explicit transaction block is to all this. An autocommit statement needs
//! none: it runs on the tables, and a conflict is its error.

mod behind;
mod block;
mod change;
mod journal;
mod names;

#[cfg(test)]
mod tests;

pub(in crate::local) use behind::{Behind, Failed, Reply};
pub(in crate::local) use block::{Block, Commit, Ground, LET_GO, MOST_TRIES, OPEN, Retry};
pub(in crate::local) use change::Change;

use crate::wire::SqlState;

/// What an SQLSTATE of PostgreSQL means where two transactions may have met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::local) enum Contention {
    /// Another transaction has committed what this one wrote.
    Conflict,
    /// Another transaction may yet commit or not: a lock was not to be had in time.
    Wait,
    /// A key or a reference that only the transaction's own snapshot can judge.
    Doubt,
}

impl Contention {
    /// What it means, if it means anything.
    pub(in crate::local) fn of(sqlstate: SqlState) -> Option<Self> {
        match sqlstate.as_str() {
            "40001" => Some(Self::Conflict),
            // deadlock_detected, lock_not_available
            "40P01" | "55P03" => Some(Self::Wait),
            // unique_violation, exclusion_violation, foreign_key_violation
            "23505" | "23P01" | "23503" => Some(Self::Doubt),
            _ => None,
        }
    }
}
