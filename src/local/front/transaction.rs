//! What a transaction has done, and what it may therefore not do any more.

use tokio::time::Instant;

use super::super::judge::{Class, Refusal};
use crate::dsql::statements::{DDL_AND_DML, MULTIPLE_DDL};

/// Where a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// In no transaction.
    Idle,
    /// In a transaction that ends with the Query, or with Sync.
    Implicit,
    /// In a transaction block.
    Block,
}

/// The transaction of a session.
#[derive(Debug, Clone)]
pub(super) struct Transaction {
    pub(super) phase: Phase,
    /// The catalog's version when it began.
    pub(super) catalog: u64,
    /// How many jobs had changed it by then.
    pub(super) jobs: u64,
    pub(super) began: Instant,
    ddl: bool,
    dml: bool,
    /// How many statements it has executed.
    statements: u64,
    /// A statement was executed that is more than SET, SHOW and the like.
    uses_catalog: bool,
}

impl Transaction {
    /// None.
    pub(super) fn none(now: Instant) -> Self {
        Self {
            phase: Phase::Idle,
            catalog: 0,
            jobs: 0,
            began: now,
            ddl: false,
            dml: false,
            statements: 0,
            uses_catalog: false,
        }
    }

    /// One that begins.
    pub(super) fn begin(phase: Phase, catalog: u64, now: Instant) -> Self {
        Self {
            phase,
            catalog,
            ..Self::none(now)
        }
    }

    /// Why it cannot execute a statement of this class.
    pub(super) fn refuses(&self, class: Class) -> Option<Refusal> {
        let answer = match class {
            Class::Ddl if self.ddl => MULTIPLE_DDL,
            Class::Ddl if self.dml => DDL_AND_DML,
            Class::Dml if self.ddl => DDL_AND_DML,
            _ => return None,
        };
        Some(Refusal::new(answer.sqlstate, answer.text))
    }

    /// It has executed a statement of this class.
    pub(super) fn executed(&mut self, class: Class) {
        self.statements += 1;
        self.ddl |= class == Class::Ddl;
        self.dml |= class == Class::Dml;
        self.uses_catalog |= class != Class::Session;
    }

    /// Whether another's change of the catalog matters to it: always to a block, and to a statement
    /// on its own unless it is none that DSQL runs on its storage. `CALL sys.wait_for_job` waits for
    /// such a change.
    pub(super) fn uses_catalog(&self) -> bool {
        self.phase == Phase::Block || self.uses_catalog
    }

    /// True while it has executed nothing.
    pub(super) fn is_new(&self) -> bool {
        self.statements == 0
    }

    /// Whether its commit changes the catalog.
    pub(super) fn changes_catalog(&self) -> bool {
        self.ddl
    }
}

#[cfg(test)]
mod tests;
