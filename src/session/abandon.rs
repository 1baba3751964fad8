//! What is at stake while the server works, and whether a wait can be given up.

use super::flight::{Flight, Running};
use super::lease::{Phase, Step, UNREAD};
use super::machine::Session;
use super::pipeline::Pipeline;
use super::statements::Statements;
use crate::sql::{self, StatementKind};
use crate::wire::backend::TransactionStatus;
use crate::wire::{ErrorResponse, Severity, SqlState};

/// PostgreSQL's words for what a client has cancelled.
pub(super) const CANCELED: &str = "canceling statement due to user request";

/// What a connection that breaks takes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Nothing was in flight, or only reads.
    Nothing,
    /// An open transaction, of which nothing can have been committed.
    RolledBack,
    /// A statement that commits itself, or one that is not known: it may or may not have taken
    /// effect.
    Unknown,
    /// A COMMIT: must not be interrupted.
    Commit,
}

/// What a request to cancel does.
#[derive(Debug)]
pub enum Abandon {
    /// Nothing: there is nothing to cancel, or it is a COMMIT.
    Nothing,
    /// The server connection is given up and the session goes on with another one.
    GiveUp {
        /// The answer to what was in flight.
        error: ErrorResponse,
        /// The state that the session goes on in; `None` if nothing was in flight, and the error
        /// answers the message that waits.
        status: Option<TransactionStatus>,
    },
    /// The server connection is given up and the session ends.
    End(ErrorResponse),
}

/// What a broken connection would take with it, and the transaction status in which the client
/// would then be.
pub(super) fn loss(
    pipeline: &Pipeline,
    flight: &Flight,
    statements: &Statements,
    unknown_bound: bool,
) -> (Loss, TransactionStatus) {
    let status = pipeline.status();
    let mut state = State {
        in_block: status != TransactionStatus::Idle,
        failed: status == TransactionStatus::Failed,
        copies_in: pipeline.copies_in(),
        loss: Loss::Nothing,
    };
    if pipeline.is_empty() {
        return state.end();
    }
    // What a group did that has failed is undone.
    let mut undone = pipeline.is_failed();
    let mut behind_group = false;
    flight.statements(statements, |running| {
        if behind_group {
            // Whether what came before works is not known: a BEGIN that the server refuses
            // leaves the next statement to commit itself.
            state.in_block &= status != TransactionStatus::Idle;
            (state.copies_in, undone) = (false, false);
        }
        behind_group = matches!(running, Running::GroupEnd);
        match running {
            Running::GroupEnd => {}
            _ if undone || state.loss == Loss::Commit => {}
            // It may be a COMMIT, inside a block too.
            Running::EarlierPortal if state.in_block && !unknown_bound => {}
            Running::Unknown | Running::EarlierPortal => state.loss = Loss::Unknown,
            Running::Known(sql) => {
                for statement in sql::statements(sql).filter(|statement| !statement.is_empty()) {
                    state.run(statement.bytes(sql));
                    if state.loss == Loss::Commit {
                        return;
                    }
                }
            }
        }
    });
    state.end()
}

struct State {
    in_block: bool,
    failed: bool,
    copies_in: bool,
    loss: Loss,
}

impl State {
    fn end(&self) -> (Loss, TransactionStatus) {
        match (self.loss, self.in_block) {
            (Loss::Commit, _) => (Loss::Commit, TransactionStatus::Idle),
            (Loss::Nothing, true) => (Loss::RolledBack, TransactionStatus::Failed),
            (loss, true) => (loss, TransactionStatus::Failed),
            (loss, false) => (loss, TransactionStatus::Idle),
        }
    }

    fn run(&mut self, sql: &[u8]) {
        use StatementKind as K;
        match sql::kind(sql) {
            K::Begin => self.in_block = true,
            K::Commit | K::CommitPrepared | K::PrepareTransaction if self.failed => {
                (self.in_block, self.failed) = (false, false);
            }
            // Without a block it changes nothing.
            K::Commit if !self.in_block && self.loss == Loss::Nothing => {}
            K::Commit | K::CommitPrepared | K::PrepareTransaction => self.loss = Loss::Commit,
            K::Rollback => (self.in_block, self.failed) = (false, false),
            K::RollbackToSavepoint => self.failed = false,
            // Nothing is written before the client says that it has sent everything.
            K::Copy if self.copies_in => {}
            _ if self.in_block || sql::surely_read_only(sql) => {}
            _ => self.loss = Loss::Unknown,
        }
    }
}

impl Abandon {
    /// What to do when the client wants to end its wait.
    pub(super) fn decide(session: &Session) -> Self {
        let pipeline = &session.pipeline;
        match session.phase {
            Phase::Detached => return Self::Nothing,
            // Nothing of the client's has been sent, and its message waits.
            Phase::Injecting(
                Step::Settings { .. } | Step::Begin { .. } | Step::Fail | Step::Rollback,
            ) => {
                return Self::GiveUp {
                    error: cancelled(),
                    status: None,
                };
            }
            Phase::Injecting(
                Step::ReadBack { .. } | Step::Restore { .. } | Step::Effect { .. } | Step::Name,
            ) => {
                return Self::Nothing;
            }
            Phase::Injecting(Step::Check) | Phase::Working => {}
        }
        // All that is left may be a group without its Sync that is answered or will be skipped:
        // then the client has the floor.
        if pipeline.is_answered() || pipeline.is_skipping() {
            return Self::Nothing;
        }
        let (loss, status) = loss(
            pipeline,
            &session.flight,
            &session.statements,
            session.work.unknown_bound,
        );
        let error = match loss {
            Loss::Commit => return Self::Nothing,
            Loss::Nothing | Loss::RolledBack => cancelled(),
            Loss::Unknown => ErrorResponse::error(
                SqlState::OUTCOME_UNKNOWN,
                "canceling statement due to user request; its outcome is unknown",
            )
            .detail(
                "Aurora DSQL does not cancel statements, so the wait was given up. The \
                 statement may still be committed.",
            )
            .hint("Check whether it took effect before you run it again."),
        };
        let ends = |why: &str| {
            Self::End(
                error
                    .clone()
                    .severity(Severity::Fatal)
                    .detail(format!(
                        "Aurora DSQL does not cancel statements, so the connection to it was \
                         given up. {why}",
                    ))
                    .hint("Connect again."),
            )
        };
        match session.pin {
            Some(why) => ends(&format!(
                "The session could not go on with another one: {}.",
                why.explanation()
            )),
            None if session.work.unread => ends(UNREAD),
            None => Self::GiveUp {
                error,
                status: Some(status),
            },
        }
    }
}

/// The answer to what a client has cancelled.
pub fn cancelled() -> ErrorResponse {
    ErrorResponse::error(SqlState::QUERY_CANCELED, CANCELED)
}
