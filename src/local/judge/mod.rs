//! What DSQL says to a statement.
//!
//! Judging looks at the text alone: what depends on the transaction, on other sessions or on the
//! catalog is decided where that is known.

mod session;

pub(super) use session::behind_name;

use crate::sql::{self, StatementKind};

/// What DSQL makes of one statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Judgement {
    pub(super) class: Class,
    pub(super) verdict: Verdict,
}

/// What a statement is to a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// BEGIN and START TRANSACTION.
    Begin,
    /// COMMIT and END.
    Commit,
    /// ROLLBACK and ABORT.
    Rollback,
    /// It changes the catalog; GRANT and REVOKE do too.
    Ddl,
    /// It writes rows.
    Dml,
    /// It reads, and locks what it reads.
    Locking,
    /// It reads.
    Read,
    /// It does neither: SET, SHOW and the like.
    Session,
}

/// What becomes of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// PostgreSQL does what DSQL does.
    Allow,
    /// PostgreSQL does it when told so.
    Rewrite {
        sql: Vec<u8>,
        /// The command tag that DSQL answers with, if PostgreSQL's is another.
        tag: Option<&'static str>,
    },
    /// DSQL refuses it.
    Refuse(Refusal),
}

/// When DSQL raises an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// When the statement is analysed: in the extended protocol, at Parse.
    Analysis,
    /// When it is executed.
    Execution,
}

/// An error of DSQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) stage: Stage,
    pub(super) sqlstate: &'static str,
    pub(super) message: String,
    pub(super) detail: Option<String>,
    pub(super) hint: Option<String>,
}

impl Refusal {
    /// An error of execution with a message and nothing else.
    pub(super) fn new(sqlstate: &'static str, message: impl Into<String>) -> Self {
        Self {
            stage: Stage::Execution,
            sqlstate,
            message: message.into(),
            detail: None,
            hint: None,
        }
    }
}

/// Judges one statement.
pub(super) fn judge(statement: &[u8]) -> Judgement {
    Judgement {
        class: class(sql::kind(statement)),
        verdict: session::judge(statement),
    }
}

fn class(kind: StatementKind) -> Class {
    use StatementKind as K;
    match kind {
        K::Begin => Class::Begin,
        K::Commit => Class::Commit,
        K::Rollback => Class::Rollback,
        K::Insert | K::Update | K::Delete | K::Copy => Class::Dml,
        K::Create | K::Alter | K::Drop | K::Comment | K::Grant | K::Revoke => Class::Ddl,
        K::Select | K::With | K::Values | K::Table | K::Explain => Class::Read,
        _ => Class::Session,
    }
}
