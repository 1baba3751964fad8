//! What a session is told.

use super::deadlock::Edge;
use super::table::LockSession;
use super::{LockKey, LockMode};
use crate::wire::{ErrorResponse, Severity, SqlState};

/// Somebody in a deadlock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitsFor {
    /// The process id of who waits.
    pub process: i32,
    /// In which mode.
    pub mode: LockMode,
    /// For what.
    pub key: LockKey,
    /// The process id of who has it, or comes first.
    pub blocked_by: i32,
}

/// A circle of sessions that wait for each other. The first is the one whose request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadlock {
    /// Each waits for the next, the last for the first.
    pub circle: Vec<WaitsFor>,
}

impl Deadlock {
    pub(super) fn new(circle: &[Edge], process: impl Fn(LockSession) -> i32) -> Self {
        let waits = |edge: &Edge| WaitsFor {
            process: process(edge.waiter),
            mode: edge.mode,
            key: edge.key,
            blocked_by: process(edge.blocker),
        };
        Self {
            circle: circle.iter().map(waits).collect(),
        }
    }

    /// The DETAIL, in PostgreSQL's words (`DeadLockReport` in `deadlock.c`).
    pub fn detail(&self) -> String {
        let line = |waits: &WaitsFor| {
            format!(
                "Process {} waits for {} on {}; blocked by process {}.",
                waits.process,
                waits.mode.lock_type(),
                waits.key,
                waits.blocked_by
            )
        };
        let lines: Vec<_> = self.circle.iter().map(line).collect();
        lines.join("\n")
    }
}

/// Why a lock that was waited for is not granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockError {
    /// 40P01.
    Deadlock(Deadlock),
    /// 53200: the table is full.
    Full,
    /// 57014: the session has ended, or has asked for another lock.
    Abandoned,
}

impl LockError {
    /// The error that the client gets.
    pub fn response(&self) -> ErrorResponse {
        match self {
            Self::Deadlock(deadlock) => {
                ErrorResponse::error(SqlState::DEADLOCK_DETECTED, "deadlock detected")
                    .detail(deadlock.detail())
                    .hint(
                        "Let all sessions take advisory locks in the same order, and run the \
                         transaction again.",
                    )
                    .routine("DeadLockReport")
            }
            Self::Full => ErrorResponse::error(
                SqlState::OUT_OF_MEMORY,
                "too many advisory locks are held or waited for",
            )
            .detail(
                "dsql-proxy keeps advisory locks for its own clients, and has no room for another \
                 one.",
            )
            .hint("Release locks that are not needed any more, for example with pg_advisory_unlock_all()."),
            Self::Abandoned => ErrorResponse::error(
                SqlState::QUERY_CANCELED,
                "canceling statement because its wait for an advisory lock was abandoned",
            )
            .hint("Ask for the lock again."),
        }
    }
}

/// The warning of an unlock that finds nothing (`LockRelease` in `lock.c`; the function returns
/// false).
pub fn not_held_warning(mode: LockMode) -> ErrorResponse {
    let message = format!("you don't own a lock of type {}", mode.lock_type());
    ErrorResponse::error(SqlState::WARNING, message)
        .severity(Severity::Warning)
        .routine("LockRelease")
}
