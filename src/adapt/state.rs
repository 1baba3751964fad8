//! What one errand leaves for the next ones of its client.

use super::jobs::Job;
use crate::wire::{ErrorResponse, Severity, SqlState};

/// Characters of a statement that are told.
const MOST_TOLD: usize = 80;

/// Statements that are told.
const MOST_STATEMENTS: usize = 20;

/// About the transaction block that the client is in.
#[derive(Debug, Default)]
pub(super) struct State {
    /// The DDL statements of it that have been committed already, with all that stood before them.
    committed: Vec<String>,
    /// How many more there are.
    more: usize,
    /// What is to be waited for once it is committed.
    pub(super) jobs: Vec<Job>,
}

impl State {
    /// True if the next statements of the client's are of interest.
    pub(super) fn watches(&self) -> bool {
        !self.committed.is_empty() || !self.jobs.is_empty()
    }

    /// The block has come to its end.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// A DDL statement of the block has been committed.
    pub(super) fn commits(&mut self, statement: &[u8]) {
        if self.committed.len() == MOST_STATEMENTS {
            self.more += 1;
            return;
        }
        let text = String::from_utf8_lossy(statement);
        let words: Vec<_> = text.split_whitespace().collect();
        let mut told: String = words.join(" ").chars().take(MOST_TOLD).collect();
        if words.join(" ").chars().count() > MOST_TOLD {
            told.push('…');
        }
        self.committed.push(told);
    }

    /// What an error or a ROLLBACK does not undo; `None` if there is no such thing.
    pub(super) fn lasting(&self) -> Option<String> {
        if self.committed.is_empty() {
            return None;
        }
        let more = match self.more {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        Some(format!(
            "Committed already, with all that stood before them, since Aurora DSQL takes one DDL \
             statement in a transaction: {}{more}.",
            self.committed.join("; ")
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
