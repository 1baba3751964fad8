//! What one errand leaves for the next ones of its client.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use super::extended::Own;
use super::jobs::Job;
use super::locks::{Locks, SessionLocks};
use crate::compat::parameters::{Emulated, Level, Timeout, TransactionEnd};
use crate::wire::{ErrorResponse, Severity, SqlState};

/// Characters of a statement that are told.
const MOST_TOLD: usize = 80;

/// Statements that are told.
const MOST_STATEMENTS: usize = 20;

/// The state, which an errand and those who drive it share.
pub(super) type Shared = Rc<RefCell<State>>;

/// About the transaction block that a client is in.
#[derive(Debug, Default)]
pub(super) struct Block {
    /// The DDL statements of it that have been committed already, with all that stood before them.
    committed: Vec<String>,
    /// How many more there are.
    more: usize,
    /// What is to be waited for once it is committed.
    jobs: Vec<Job>,
}

/// What there is of a client beyond its session.
#[derive(Debug)]
pub(super) struct State {
    /// About the block that it is in.
    block: Block,
    /// The parameters that are kept for it, where some are.
    pub(super) emulated: Option<Emulated>,
    /// Its advisory locks, from the first one on.
    pub(super) locks: Option<SessionLocks>,
    /// Where it gets them, and its process id.
    all_locks: Locks,
    pid: i32,
    told_of_locks: bool,
    /// Its block goes on although transactions end.
    goes_on: bool,
    /// What of the extended protocol is the proxy's.
    pub(super) own: Own,
}

impl State {
    pub(super) fn new(emulated: Option<Emulated>, all_locks: Locks, pid: i32) -> Self {
        Self {
            block: Block::default(),
            emulated,
            locks: None,
            all_locks,
            pid,
            told_of_locks: false,
            goes_on: false,
            own: Own::default(),
        }
    }

    /// True if the next statements of the client's are of interest.
    pub(super) fn watches(&self) -> bool {
        !self.block.committed.is_empty() || !self.block.jobs.is_empty()
    }

    /// The block has come to its end.
    pub(super) fn clear(&mut self) {
        self.block = Block::default();
    }

    /// Whether its block goes on although transactions end.
    pub(super) fn goes_on(&mut self, goes_on: bool) {
        self.goes_on = goes_on;
    }

    /// This is to be waited for once the block is committed.
    pub(super) fn waits_for(&mut self, job: Job) {
        self.block.jobs.push(job);
    }

    /// What is to be waited for once the block is committed.
    pub(super) fn jobs(&self) -> Vec<Job> {
        self.block.jobs.clone()
    }

    /// True if it matters how transactions end.
    pub(super) fn minds_transactions(&self) -> bool {
        self.emulated.is_some() || self.locks.is_some() || self.watches()
    }

    /// A transaction has ended.
    pub(super) fn ended(&mut self, how: TransactionEnd) {
        if self.goes_on {
            return;
        }
        self.clear();
        if let Some(emulated) = &mut self.emulated {
            emulated.ended(how);
        }
        if let Some(locks) = &self.locks {
            locks.end_transaction();
        }
    }

    /// The transaction has failed: its locks go before its end.
    pub(super) fn failed(&self) {
        if let Some(locks) = &self.locks {
            locks.end_transaction();
        }
    }

    /// Its advisory locks.
    pub(super) fn locks(&mut self) -> &SessionLocks {
        let (all, pid) = (&self.all_locks, self.pid);
        self.locks.get_or_insert_with(|| all.session(pid))
    }

    /// True once, when the client is to hear how far its locks reach.
    pub(super) fn tells_of_locks(&mut self) -> bool {
        !std::mem::replace(&mut self.told_of_locks, true)
    }

    /// How long something may take.
    pub(super) fn timeout(&self, which: Timeout) -> Option<Duration> {
        self.emulated.as_ref()?.timeout(which)
    }

    /// Which notices the client gets.
    pub(super) fn level(&self) -> Level {
        let emulated = self.emulated.as_ref();
        emulated.map_or(Level::Debug5, Emulated::message_level)
    }

    /// A DDL statement of the block has been committed.
    pub(super) fn commits(&mut self, statement: &[u8]) {
        if self.block.committed.len() == MOST_STATEMENTS {
            self.block.more += 1;
            return;
        }
        let text = String::from_utf8_lossy(statement);
        let words: Vec<_> = text.split_whitespace().collect();
        let mut told: String = words.join(" ").chars().take(MOST_TOLD).collect();
        if words.join(" ").chars().count() > MOST_TOLD {
            told.push('…');
        }
        self.block.committed.push(told);
    }

    /// What an error or a ROLLBACK does not undo; `None` if there is no such thing.
    pub(super) fn lasting(&self) -> Option<String> {
        if self.block.committed.is_empty() {
            return None;
        }
        let more = match self.block.more {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        Some(format!(
            "Committed already, with all that stood before them, since Aurora DSQL takes one DDL \
             statement in a transaction: {}{more}.",
            self.block.committed.join("; ")
        ))
    }

    /// What the client is told whose ROLLBACK does not undo everything.
    pub(super) fn warning(&self) -> Option<ErrorResponse> {
        let lasting = self.lasting()?;
        let warning = ErrorResponse::error(
            SqlState::WARNING,
            "the transaction is not rolled back as a whole",
        );
        Some(warning.severity(Severity::Warning).detail(lasting))
    }
}
