//! What stands between a transaction and its commit.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

use super::super::faults::{CommitFault, Effect, Injected};
use super::super::judge::Refusal;
use super::super::occ;
use super::engine::{End, Engine};
use super::errors::{data_conflict, schema_conflict, to_response};
use super::transaction::Phase;
use crate::dsql::limits::{TRANSACTION_AGE, TRANSACTION_SIZE};
use crate::wire::ErrorResponse;

/// How a commit goes.
#[derive(Debug)]
pub(super) enum Commit {
    /// As PostgreSQL does it.
    Go,
    /// The transaction is rolled back, for this reason.
    Refused(ErrorResponse),
    /// It is committed, and the client is not told.
    Untold(Untold),
}

/// What the client gets instead of the good news.
#[derive(Debug)]
pub(super) enum Untold {
    Error(ErrorResponse),
    Cut,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Engine<'_, S> {
    /// Before a commit: how it goes.
    pub(super) async fn before_commit(&mut self) -> Result<Commit, End> {
        let Injected { delay, fault } = self.faults.at_commit();
        self.pause(delay).await?;
        let after = match fault {
            None => None,
            Some(CommitFault::Cut(Effect::Before)) => return Err(End::Cut),
            Some(CommitFault::Cut(Effect::After)) => Some(Untold::Cut),
            Some(fault @ CommitFault::Unavailable(Effect::After)) => {
                fault.to_response().map(Untold::Error)
            }
            Some(fault) => {
                let response = fault.to_response();
                return Ok(response.map_or(Commit::Go, Commit::Refused));
            }
        };
        if self.conflict_at_end {
            return Ok(Commit::Refused(to_response(&data_conflict())));
        }
        let version = self.front.catalog.version();
        // A job ends whenever it does: one that a statement on its own runs into is no reason to fail.
        let by_jobs = match self.transaction.phase {
            Phase::Block => 0,
            _ => self
                .front
                .catalog
                .jobs()
                .saturating_sub(self.transaction.jobs),
        };
        let expected = self.transaction.catalog.saturating_add(by_jobs);
        if version > expected && self.transaction.uses_catalog() {
            self.seen_catalog = version;
            return Ok(Commit::Refused(to_response(&schema_conflict())));
        }
        if let Some(refusal) = self.too_old() {
            return Ok(Commit::Refused(to_response(&refusal)));
        }
        if let Some(refusal) = self.too_large() {
            return Ok(Commit::Refused(to_response(&refusal)));
        }
        if let Some(mut block) = self.block.take() {
            match block.commit(self).await? {
                occ::Commit::Go => self.block = Some(block),
                occ::Commit::Conflict => {
                    return Ok(Commit::Refused(to_response(&data_conflict())));
                }
            }
        }
        Ok(after.map_or(Commit::Go, Commit::Untold))
    }

    /// In a block DSQL raises it at COMMIT (seen 2026-10).
    fn too_large(&self) -> Option<Refusal> {
        let limit = self.front.limits.of(&TRANSACTION_SIZE);
        let size = self.block.as_ref()?.bytes();
        (size > limit).then(|| Refusal {
            detail: TRANSACTION_SIZE.detail(limit, size),
            ..Refusal::new(
                TRANSACTION_SIZE.sqlstate,
                TRANSACTION_SIZE.message(limit, size, ""),
            )
        })
    }

    /// Seen 2026-10: a transaction of 310 seconds failed at COMMIT and not before.
    fn too_old(&self) -> Option<Refusal> {
        let limit = self.front.limits.of(&TRANSACTION_AGE);
        let age = self.transaction.began.elapsed();
        if age <= Duration::from_secs(limit) {
            return None;
        }
        let message = TRANSACTION_AGE.message(limit, age.as_secs(), "");
        Some(Refusal {
            detail: TRANSACTION_AGE.detail(limit, age.as_secs()),
            ..Refusal::new(TRANSACTION_AGE.sqlstate, message)
        })
    }

    /// Tells the client something else than that its transaction was committed.
    pub(super) fn tell(&mut self, untold: &Untold) -> Result<(), End> {
        match untold {
            Untold::Cut => Err(End::Cut),
            Untold::Error(response) => {
                response.encode(&mut self.client.out);
                Ok(())
            }
        }
    }
}
