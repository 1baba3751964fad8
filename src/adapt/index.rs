//! CREATE INDEX: built in the background, and waited for.

use super::ddl::{attempt, step, tell};
use super::desk::Desk;
use super::failure::Failure;
use super::jobs::{Job, Outcome, text};
use crate::compat::ddl::IndexPlan;
use crate::wire::{ErrorResponse, SqlState};

/// Builds an index. If that fails, it is dropped again: it would go on to refuse duplicates.
pub(super) async fn build(desk: &Desk, plan: &IndexPlan) -> Result<(), Failure> {
    let reply = attempt(desk, &plan.sql).await;
    let reply = reply.map_err(|failure| failure.in_original(&plan.positions))?;
    let Some(job) = Job::of(&reply) else {
        // It was there already, and the client has been told so.
        return Ok(());
    };
    tell(desk, &plan.notices);
    finish(desk, &job).await
}

/// Waits for the index that a job builds.
pub(super) async fn finish(desk: &Desk, job: &Job) -> Result<(), Failure> {
    let _underway = desk.underway();
    match job.wait(desk, "building the index").await {
        Outcome::Completed => Ok(()),
        Outcome::Failed(details) => {
            let name = drop_of(desk, job, "AND NOT i.indisvalid").await;
            Err(failed(&name, &details))
        }
        Outcome::Cancelled(failure) => {
            // As after a CREATE INDEX that PostgreSQL cancels. To drop it ends the build.
            // It may be built by now.
            drop_of(desk, job, "").await;
            Err(failure)
        }
        Outcome::Unknown(failure) => Err(failure.detail(&format!(
            "The index is being built by job {}, of which the end was not seen. SELECT * FROM \
             sys.jobs shows it.",
            job.id()
        ))),
    }
}

/// Drops the index that a job was to build, on a condition; its name.
async fn drop_of(desk: &Desk, job: &Job, condition: &str) -> String {
    // Under its object id: another one may have got the name.
    let find = format!(
        "SELECT c.relname, quote_ident(n.nspname) || '.' || quote_ident(c.relname) \
         FROM sys.jobs j JOIN pg_class c ON c.oid = j.object_id \
         JOIN pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_index i ON i.indexrelid = c.oid \
         WHERE j.job_id = '{}' {condition}",
        job.id()
    );
    let Ok(reply) = step(desk, &find).await else {
        return String::new();
    };
    let Some(row) = reply.rows.first() else {
        return String::new();
    };
    step(desk, &format!("DROP INDEX {}", text(row, 1)))
        .await
        .ok();
    text(row, 0)
}

/// A build that has failed, as PostgreSQL says it.
pub(super) fn failed(name: &str, details: &str) -> Failure {
    let duplicates = details.to_ascii_lowercase().contains("duplicate");
    let error = if duplicates {
        ErrorResponse::error(
            SqlState::UNIQUE_VIOLATION,
            format!("could not create unique index \"{name}\""),
        )
    } else {
        ErrorResponse::error(
            SqlState::INTERNAL_ERROR,
            format!("could not create index \"{name}\""),
        )
    };
    error
        .detail(format!(
            "Aurora DSQL says: {details}. The index is dropped."
        ))
        .into()
}
