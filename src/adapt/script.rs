//! The statements of a Query, where they cannot all be sent as they are: DSQL takes one DDL
//! statement in a transaction and nothing else with it (documented 2026-10).

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use bytes::Bytes;

use super::ddl;
use super::desk::Desk;
use super::failure::Failure;
use super::index;
use super::state::State;
use crate::compat::ddl::is_ddl;
use crate::compat::{DdlTransactions, Policy};
use crate::sql::{self, StatementKind};
use crate::wire::backend::TransactionStatus;

/// Fails whatever transaction it runs in: raw parsing accepts it, and analysis does not.
const FAILS: &[u8] = b"SELECT \"dsql-proxy refused this\"";

/// Runs the statements of a Query: each DDL statement alone, those between together.
pub(super) async fn query(desk: Desk, text: Bytes, policy: Rc<Policy>, state: Rc<RefCell<State>>) {
    if desk.status() == TransactionStatus::Idle {
        // What there was of a block is over.
        state.borrow_mut().clear();
    }
    let statements: Vec<_> = sql::statements(&text)
        .filter(|statement| !statement.is_empty())
        .collect();
    let mut script = Script {
        desk: &desk,
        text: &text,
        policy: &policy,
        state: &state,
        count: statements.len(),
        run: None,
        seen: 0,
        applied: 0,
    };
    let ended = script.statements(&statements).await;
    if let Err(failure) = ended {
        desk.fail(&script.told(failure));
    }
    desk.ready();
}

struct Script<'a> {
    desk: &'a Desk,
    text: &'a [u8],
    policy: &'a Policy,
    state: &'a RefCell<State>,
    /// How many statements it has.
    count: usize,
    /// Statements that go together, and have not been sent.
    run: Option<Range<usize>>,
    /// How many statements have been looked at.
    seen: usize,
    /// How many statements there are up to the last that is committed.
    applied: usize,
}

impl Script<'_> {
    async fn statements(&mut self, statements: &[sql::Statement]) -> Result<(), Failure> {
        for statement in statements {
            let bytes = statement.bytes(self.text);
            let kind = statement.kind(self.text);
            let ends = matches!(kind, StatementKind::Commit | StatementKind::Rollback);
            if is_ddl(bytes) {
                self.flush().await?;
                self.seen += 1;
                let done = self.ddl(bytes).await;
                done.map_err(|failure| failure.behind(self.characters(statement.body.start)))?;
            } else if ends && self.state.borrow().watches() {
                self.flush().await?;
                self.seen += 1;
                self.end(bytes).await?;
            } else {
                self.seen += 1;
                let start = self.run.take();
                let start = start.map_or(statement.span.start, |run| run.start);
                self.run = Some(start..statement.body.end);
                if ends {
                    // What comes next does not undo it.
                    self.flush().await?;
                }
                continue;
            }
            self.applied_if_idle();
        }
        self.flush().await
    }

    /// Runs what goes together.
    async fn flush(&mut self) -> Result<(), Failure> {
        let Some(run) = self.run.take() else {
            return Ok(());
        };
        let start = run.start;
        let reply = self
            .desk
            .relay(self.text.get(run).unwrap_or_default())
            .await;
        if let Some(failure) = reply.failure {
            return Err(failure.behind(self.characters(start)));
        }
        self.applied_if_idle();
        Ok(())
    }

    async fn ddl(&mut self, statement: &[u8]) -> Result<(), Failure> {
        match (self.desk.status(), self.policy.ddl_transactions) {
            (TransactionStatus::Idle, _) => ddl::alone(self.desk, statement).await,
            (TransactionStatus::InTransaction, DdlTransactions::Autocommit) => {
                self.ddl_between(statement).await
            }
            _ => {
                let job = ddl::in_block(self.desk, statement).await?;
                self.state.borrow_mut().jobs.extend(job);
                Ok(())
            }
        }
    }

    /// A DDL statement in a block, of which what came before is committed and what comes next is
    /// another transaction. The client sees one block.
    async fn ddl_between(&mut self, statement: &[u8]) -> Result<(), Failure> {
        let reply = self.desk.run(b"COMMIT").await;
        let done = match reply.failure {
            Some(failure) => Err(failure.without_position()),
            None => ddl::alone(self.desk, statement).await,
        };
        let begun = self.desk.run(b"BEGIN").await;
        match done {
            Ok(()) => {
                self.state.borrow_mut().commits(statement);
                begun
                    .failure
                    .map_or(Ok(()), |failure| Err(failure.without_position()))
            }
            Err(failure) => {
                // As a block is in which a statement has failed.
                self.desk.run(FAILS).await;
                Err(failure)
            }
        }
    }

    /// The end of a block of which something is committed already, or in which jobs were begun.
    async fn end(&mut self, statement: &[u8]) -> Result<(), Failure> {
        let reply = self.desk.run(statement).await;
        if let Some(failure) = reply.failure {
            return Err(failure.without_position());
        }
        let (jobs, warning) = {
            let state = self.state.borrow();
            (state.jobs.clone(), state.warning())
        };
        if self.desk.status() == TransactionStatus::Idle {
            self.state.borrow_mut().clear();
        }
        if reply.tag != "COMMIT" {
            if let Some(warning) = warning {
                self.desk.say(&warning);
            }
            self.desk.complete(&reply.tag);
            return Ok(());
        }
        for job in &jobs {
            index::finish(self.desk, job).await.map_err(|failure| {
                failure.detail("The transaction has been committed, all the same.")
            })?;
        }
        self.desk.complete(&reply.tag);
        Ok(())
    }

    fn applied_if_idle(&mut self) {
        if self.desk.status() == TransactionStatus::Idle {
            self.applied = self.seen;
        }
    }

    /// Characters in front of a place in the text, in which positions are counted (manual, "Error
    /// and Notice Message Fields").
    fn characters(&self, place: usize) -> usize {
        let front = self.text.get(..place).unwrap_or_default();
        String::from_utf8_lossy(front).chars().count()
    }

    /// An error with what it does not undo.
    fn told(&self, failure: Failure) -> Failure {
        let failure = match self.state.borrow().lasting() {
            Some(lasting) => failure.detail(&lasting),
            None => failure,
        };
        match self.applied {
            0 => failure,
            1 => failure.detail(&format!(
                "The first of {} statements had been applied, and stays so.",
                self.count
            )),
            applied => failure.detail(&format!(
                "The first {applied} of {} statements had been applied, and stay so.",
                self.count
            )),
        }
    }
}
