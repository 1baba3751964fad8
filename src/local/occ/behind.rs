//! The PostgreSQL session of a transaction, as far as this module needs it.

use super::Change;
use crate::wire::SqlState;

/// What a text of statements returned.
#[derive(Debug, Default)]
pub(in crate::local) struct Reply {
    /// The rows of all its statements, one after another; `None` is NULL.
    pub(in crate::local) rows: Vec<Vec<Option<String>>>,
    /// What its triggers told.
    pub(in crate::local) changes: Vec<Change>,
}

/// Why a text of statements did not run to its end.
#[derive(Debug)]
pub(in crate::local) enum Failed<L> {
    /// PostgreSQL refused a statement.
    Statement(SqlState),
    /// The session is lost.
    Lost(L),
}

/// A session of PostgreSQL that nobody else uses meanwhile.
pub(in crate::local) trait Behind: Send {
    /// Why a session was lost.
    type Lost: Send;

    /// After a lock was not to be had in time: whether whoever holds it is about to let go.
    fn may_try_again(&self) -> bool;

    /// Runs a text of statements of our own. The client sees nothing of it. Not cancel-safe.
    fn run(&mut self, sql: &str) -> impl Future<Output = Result<Reply, Failed<Self::Lost>>> + Send;
}
