//! What is at stake while the server works, and whether a wait can be given up.

use bytes::BytesMut;

use crate::sql::{self, StatementKind};
use crate::wire::backend::TransactionStatus;
use crate::wire::{ErrorResponse, SqlState};

/// The most text that is kept of what is in flight, in bytes.
const MAX_TEXT: usize = 64 * 1024;

/// What a connection that breaks takes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Nothing was in flight, or only reads.
    Nothing,
    /// An open transaction, of which nothing can have been committed.
    RolledBack,
    /// A commit, or a statement that commits itself: it may or may not have taken effect.
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

impl Abandon {
    /// `owed` is how many ReadyForQuery are outstanding, `stuck` why the session cannot go on
    /// with another server.
    pub(super) fn decide(
        loss: Loss,
        status: TransactionStatus,
        owed: usize,
        stuck: Option<&'static str>,
    ) -> Self {
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
        let ends = |why: &str| {
            error
                .clone()
                .severity(crate::wire::Severity::Fatal)
                .detail(format!(
                    "Aurora DSQL does not cancel statements, so the connection to it was given \
                     up. The session could not go on with another one: {why}."
                ))
                .hint("Connect again.")
        };
        match stuck {
            Some(why) => Self::End(ends(why)),
            None if owed > 1 => Self::End(ends("more statements were waiting behind this one")),
            None => Self::Replace { error, status },
        }
    }
}

/// The statements that the server is working on, as far as they are known.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    /// Texts, each ended by a semicolon.
    text: BytesMut,
    /// Something is in flight whose text is not known.
    unknown: bool,
    /// The text of the unnamed prepared statement.
    unnamed: BytesMut,
}

impl InFlight {
    /// Nothing is in flight any more.
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.unknown = false;
    }

    /// A statement goes out.
    pub(super) fn add(&mut self, sql: &[u8]) {
        if self.text.len() + sql.len() > MAX_TEXT {
            self.unknown = true;
            return;
        }
        self.text.extend_from_slice(sql);
        // On a line of its own, should the text end in a comment.
        self.text.extend_from_slice(b"\n;");
    }

    /// A statement goes out of which nothing is known.
    pub(super) fn unknown(&mut self) {
        self.unknown = true;
    }

    /// A statement is prepared.
    pub(super) fn prepared(&mut self, name: &[u8], sql: &[u8]) {
        if name.is_empty() {
            self.unnamed.clear();
            self.unnamed.extend_from_slice(sql);
        }
    }

    /// The unnamed prepared statement is bound.
    pub(super) fn add_unnamed(&mut self) {
        let sql = std::mem::take(&mut self.unnamed);
        self.add(&sql);
        self.unnamed = sql;
    }

    /// What is at stake if the wait for the answer ends now, and the transaction status in which
    /// the client would then be. `status` is that of the last ReadyForQuery.
    pub(super) fn loss(&self, status: TransactionStatus) -> (Loss, TransactionStatus) {
        use StatementKind as K;
        let mut in_block = status != TransactionStatus::Idle;
        let mut failed = status == TransactionStatus::Failed;
        // What is not known may be a COMMIT, inside a block too.
        let mut loss = if self.unknown {
            Loss::Unknown
        } else {
            Loss::Nothing
        };
        for statement in sql::statements(&self.text).filter(|s| !s.is_empty()) {
            let sql = statement.bytes(&self.text);
            match sql::kind(sql) {
                K::Begin => in_block = true,
                K::Commit | K::CommitPrepared | K::PrepareTransaction => {
                    if !failed {
                        return (Loss::Commit, TransactionStatus::Idle);
                    }
                    (in_block, failed) = (false, false);
                }
                K::Rollback => (in_block, failed) = (false, false),
                _ if in_block || sql::surely_read_only(sql) => {}
                _ => loss = Loss::Unknown,
            }
        }
        match (loss, in_block) {
            (Loss::Nothing, true) => (Loss::RolledBack, TransactionStatus::Failed),
            (loss, true) => (loss, TransactionStatus::Failed),
            (loss, false) => (loss, TransactionStatus::Idle),
        }
    }
}
