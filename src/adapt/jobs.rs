//! Jobs: what DSQL does in the background, such as building an index.
//!
//! `sys.jobs` has a row for each until half an hour after its end (documented 2026-10; builds of
//! empty tables have been seen to take 5 to 24 seconds, 2026-10-03).

use std::time::Duration;

use super::desk::Desk;
use super::failure::Failure;
use super::reply::{Reply, Row};
use crate::wire::{ErrorResponse, Severity, SqlState};

/// How long to wait before a job is looked at, at first.
const FIRST: Duration = Duration::from_millis(100);

/// How long in the end.
const LAST: Duration = Duration::from_secs(2);

/// How much time passes between two words on what is going on.
const PROGRESS: Duration = Duration::from_secs(5);

/// How often in a row a job may not be found out about.
const ATTEMPTS: usize = 20;

/// The end of a job.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It is done.
    Completed,
    /// It could not be done, for this reason.
    Failed(String),
    /// It is not known any more, or cannot be found out about.
    Unknown(Failure),
    /// The client does not want to wait. The job goes on.
    Cancelled(Failure),
}

/// A job that has been started.
#[derive(Debug, Clone)]
pub(super) struct Job(String);

impl Job {
    /// The job that a statement has started, out of its one row (`job_id`, text; seen 2026-09).
    pub(super) fn of(reply: &Reply) -> Option<Self> {
        let [row] = &reply.rows[..] else { return None };
        let [Some(id)] = &row[..] else { return None };
        let id = std::str::from_utf8(id).ok()?;
        // It goes into a statement.
        let is_plain = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric());
        is_plain.then(|| Self(id.to_owned()))
    }

    /// Its id.
    pub(super) fn id(&self) -> &str {
        &self.0
    }

    /// Waits for its end, without a server but for the moments of looking. `doing` is told now and
    /// then, as in "building index".
    pub(super) async fn wait(&self, desk: &Desk, doing: &str) -> Outcome {
        let sql = format!(
            "SELECT status, details FROM sys.jobs WHERE job_id = '{}'",
            self.0
        );
        let (mut pause, mut waited, mut told) = (FIRST, Duration::ZERO, Duration::ZERO);
        let mut failures = 0;
        loop {
            let reply = desk.run(sql.as_bytes()).await;
            match (reply.failure, &reply.rows[..]) {
                (Some(failure), _) => {
                    failures += 1;
                    if failure.sqlstate() == Some(SqlState::QUERY_CANCELED) {
                        return Outcome::Cancelled(failure.without_position());
                    }
                    if failures == ATTEMPTS {
                        return Outcome::Unknown(failure.without_position());
                    }
                }
                (None, []) => {
                    return Outcome::Unknown(Failure::from(ErrorResponse::error(
                        SqlState::UNDEFINED_OBJECT,
                        format!("Aurora DSQL knows nothing of job {} any more", self.0),
                    )));
                }
                (None, [row, ..]) => {
                    failures = 0;
                    match text(row, 0).as_str() {
                        "completed" => return Outcome::Completed,
                        "failed" => return Outcome::Failed(text(row, 1)),
                        _ => {}
                    }
                }
            }
            if let Err(error) = desk.sleep(pause).await {
                return Outcome::Cancelled(error.into());
            }
            waited += pause;
            pause = (pause * 2).min(LAST);
            if waited.saturating_sub(told) >= PROGRESS {
                told = waited;
                desk.notice(
                    Severity::Notice,
                    SqlState::SUCCESS,
                    format!("{doing}: {} s, job {}", waited.as_secs(), self.0),
                );
            }
        }
    }
}

/// A column of a row as text; NULL is empty.
pub(super) fn text(row: &Row, column: usize) -> String {
    let value = row.get(column).and_then(Option::as_ref);
    value.map_or_else(String::new, |v| String::from_utf8_lossy(v).into_owned())
}
