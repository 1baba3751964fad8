//! What is at stake while the server works, and whether a wait can be given up.

use super::pipeline::{Kind, Pipeline};
use crate::sql::{self, StatementKind};
use crate::wire::backend::TransactionStatus;
use crate::wire::{ErrorResponse, Severity, SqlState};

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
    Replace {
        /// The answer to what was in flight.
        error: ErrorResponse,
        /// The state that the session goes on in.
        status: TransactionStatus,
    },
    /// The server connection is given up and the session ends.
    End(ErrorResponse),
}

/// What a broken connection would take with it, and the transaction status in which the client
/// would then be.
pub(super) fn loss(pipeline: &Pipeline) -> (Loss, TransactionStatus) {
    let status = pipeline.status();
    let mut state = State {
        in_block: status != TransactionStatus::Idle,
        failed: status == TransactionStatus::Failed,
        copies_in: pipeline.copies_in(),
        loss: Loss::Nothing,
    };
    for (place, group) in pipeline.groups().iter().enumerate() {
        if place > 0 {
            // Whether what came before works is not known: a BEGIN that the server refuses
            // leaves the next statement to commit itself.
            state.in_block &= status != TransactionStatus::Idle;
            state.copies_in = false;
        }
        // What is not known may be a COMMIT, inside a block too.
        if group.unknown && !group.failed {
            state.loss = Loss::Unknown;
        }
        for statement in sql::statements(&group.text).filter(|statement| !statement.is_empty()) {
            state.run(statement.bytes(&group.text));
            if state.loss == Loss::Commit {
                return (Loss::Commit, TransactionStatus::Idle);
            }
        }
    }
    match (state.loss, state.in_block) {
        (Loss::Nothing, true) => (Loss::RolledBack, TransactionStatus::Failed),
        (loss, true) => (loss, TransactionStatus::Failed),
        (loss, false) => (loss, TransactionStatus::Idle),
    }
}

struct State {
    in_block: bool,
    failed: bool,
    copies_in: bool,
    loss: Loss,
}

impl State {
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
    /// What to do when the client wants to end its wait. `stuck` says why the session cannot go
    /// on with another server.
    pub(super) fn decide(pipeline: &Pipeline, stuck: Option<&'static str>) -> Self {
        let Some(first) = pipeline.groups().front() else {
            return Self::Nothing;
        };
        // Everything in it is answered, or will be skipped.
        let done = first.kind == Kind::Open && (first.running == 0 || first.failed);
        let waiting = pipeline.groups().len() - usize::from(done);
        if waiting == 0 {
            // The client has the floor.
            return Self::Nothing;
        }
        let (loss, status) = loss(pipeline);
        let error = match loss {
            Loss::Commit => return Self::Nothing,
            Loss::Nothing | Loss::RolledBack => ErrorResponse::error(
                SqlState::QUERY_CANCELED,
                "canceling statement due to user request",
            ),
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
        let stuck = stuck
            .or_else(|| (waiting > 1).then_some("more statements were waiting behind this one"));
        match stuck {
            None => Self::Replace { error, status },
            Some(why) => Self::End(
                error
                    .severity(Severity::Fatal)
                    .detail(format!(
                        "Aurora DSQL does not cancel statements, so the connection to it was \
                         given up. The session could not go on with another one: {why}."
                    ))
                    .hint("Connect again."),
            ),
        }
    }
}
