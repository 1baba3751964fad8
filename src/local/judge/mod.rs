//! What DSQL says to a statement.
//!
//! Judging looks at the text alone: what depends on the transaction, on other sessions or on the
//! catalog is decided where that is known. The facts are in [`crate::dsql`]; here is how to find
//! out which of them a statement meets. What meets none goes to PostgreSQL, whose answer, also a
//! syntax error, is DSQL's.

mod alter_table;
mod column;
mod edits;
mod index;
mod object;
mod query;
mod role;
mod sequence;
mod session;
mod table;
mod utility;
mod waiting;

pub(super) use session::behind_name;

use crate::dsql::{fact::Answer, limits::Limit, statements};
use crate::sql::{self, StatementKind, reader};
use edits::{Edits, literal};
use reader::Reader;

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

    /// What DSQL answers where its answer names `what`.
    fn about(answer: &Answer, what: &str) -> Self {
        Self::new(answer.sqlstate, answer.about(what))
    }

    /// What DSQL says to more than a limit.
    fn limit(limit: &Limit, actual: u64) -> Self {
        Self::new(limit.sqlstate, limit.message(limit.value, actual, ""))
    }

    fn at(mut self, stage: Stage) -> Self {
        self.stage = stage;
        self
    }
}

impl From<&Answer> for Refusal {
    fn from(answer: &Answer) -> Self {
        Self::new(answer.sqlstate, answer.text)
    }
}

/// Judges one statement.
pub(super) fn judge(statement: &[u8]) -> Judgement {
    let kind = sql::kind(statement);
    let (class, judged) = if kind == StatementKind::Explain {
        explain(statement)
    } else {
        judge_kind(kind, statement)
    };
    // Queries have been searched for more than that.
    let judged = match judged {
        Ok(_) if query::hides_a_call(statement) => Err(query::hidden_call()),
        Ok(_) if !is_query(kind) => query::own_call(statement).map_or(judged, Err),
        judged => judged,
    };
    let verdict = judged.unwrap_or_else(Verdict::Refuse);
    // A refused BEGIN begins nothing, and a refused COMMIT commits nothing.
    let class = match (&verdict, class) {
        (Verdict::Refuse(_), Class::Begin | Class::Commit | Class::Rollback) => Class::Session,
        _ => class,
    };
    Judgement { class, verdict }
}

fn is_query(kind: StatementKind) -> bool {
    use StatementKind as K;
    matches!(
        kind,
        K::Select | K::Values | K::Table | K::With | K::Insert | K::Update | K::Delete | K::Merge
    )
}

type Judged = (Class, Result<Verdict, Refusal>);

fn judge_kind(kind: StatementKind, statement: &[u8]) -> Judged {
    use StatementKind as K;
    let mut reader = Reader::new(statement);
    let reader = &mut reader;
    let allow = |result: Result<(), Refusal>| result.map(|()| Verdict::Allow);
    let refuse = |answer: &Answer| Err(Refusal::from(answer));
    match kind {
        K::Select | K::Values | K::Table | K::With => {
            let (class, judged) = query::judge(statement);
            let verdict = match class {
                Class::Locking => judged.map(|()| waiting::without(statement)),
                _ => allow(judged),
            };
            (class, verdict)
        }
        K::Insert | K::Update | K::Delete | K::Merge => {
            let (class, judged) = query::judge(statement);
            (class, allow(judged))
        }
        K::Copy => {
            let (class, judged) = utility::copy(statement, reader);
            (class, allow(judged))
        }
        K::Begin => (Class::Begin, Ok(session::judge(statement))),
        K::Commit => (Class::Commit, allow(utility::end(reader, "COMMIT"))),
        K::Rollback => (Class::Rollback, allow(utility::end(reader, "ROLLBACK"))),
        K::RollbackToSavepoint => (Class::Session, refuse(&statements::ROLLBACK_TO)),
        K::PrepareTransaction => (Class::Session, two_phase("PREPARE TRANSACTION")),
        K::CommitPrepared => (Class::Session, two_phase("COMMIT PREPARED")),
        K::RollbackPrepared => (Class::Session, two_phase("ROLLBACK PREPARED")),
        K::Deallocate => (Class::Session, allow(utility::deallocate(reader))),
        K::Analyze => (Class::Session, allow(utility::analyze(reader))),
        K::Create => (Class::Ddl, object::create(statement, reader)),
        K::Alter => (Class::Ddl, object::alter(statement, reader)),
        K::Drop => (Class::Ddl, allow(object::drop(reader))),
        K::Grant | K::Revoke => (Class::Ddl, allow(role::privileges(reader))),
        K::Comment => (Class::Ddl, Ok(Verdict::Allow)),
        K::Other => match utility::iam(reader) {
            Some(verdict) => (Class::Ddl, Ok(verdict)),
            None => (Class::Session, Ok(Verdict::Allow)),
        },
        K::Set | K::Reset | K::Show => (Class::Session, Ok(session::judge(statement))),
        _ => {
            let class = match kind {
                K::Truncate => Class::Dml,
                K::Refresh | K::Reindex | K::Cluster | K::Reassign | K::Security | K::Import => {
                    Class::Ddl
                }
                _ => Class::Session,
            };
            (class, leading(reader, "").map_or(Ok(Verdict::Allow), Err))
        }
    }
}

fn two_phase(statement: &str) -> Result<Verdict, Refusal> {
    Err(Refusal::about(&statements::TWO_PHASE, statement))
}

/// What PostgreSQL's grammar has behind EXPLAIN (`ExplainableStmt`, `src/backend/parser/gram.y`).
const EXPLAINABLE: &[StatementKind] = &[
    StatementKind::Select,
    StatementKind::Values,
    StatementKind::Table,
    StatementKind::With,
    StatementKind::Insert,
    StatementKind::Update,
    StatementKind::Delete,
    StatementKind::Merge,
    StatementKind::Declare,
    StatementKind::Create,
    StatementKind::Refresh,
    StatementKind::Execute,
];

/// EXPLAIN has the errors of what it explains; unless that is run, it reads.
fn explain(statement: &[u8]) -> Judged {
    let explained = utility::explain(&mut Reader::new(statement));
    let inner = statement.get(explained.at..).unwrap_or_default();
    let kind = sql::kind(inner);
    if !EXPLAINABLE.contains(&kind) {
        // A syntax error.
        return (Class::Session, Ok(Verdict::Allow));
    }
    let (class, judged) = judge_kind(kind, inner);
    let class = if explained.runs { class } else { Class::Read };
    // What would be rewritten, PostgreSQL cannot explain.
    (class, judged.map(|_| Verdict::Allow))
}

/// What DSQL answers to statements that begin like this. The reader stands behind the words
/// `read`, which end in a space, or are empty.
fn leading(reader: &Reader<'_>, read: &str) -> Option<Refusal> {
    statements::REFUSED
        .iter()
        .filter(|refused| {
            let rest = refused.words.strip_prefix(read);
            rest.is_some_and(|rest| reader.sees(rest))
        })
        .max_by_key(|refused| refused.words.split(' ').count())
        .map(|refused| Refusal::from(&refused.answer))
}

#[cfg(test)]
mod tests;
