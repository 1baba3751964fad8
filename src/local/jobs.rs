//! The worker: what DSQL does in the background.
//!
//! The jobs are rows of a table, and what is to be done is SQL (`bootstrap/run_jobs.sql`); this is
//! when. A session that has submitted a job notifies the worker at its COMMIT, so that an idle
//! cluster costs nothing.

use std::convert::Infallible;
use std::path::Path;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::LocalError;
use super::bootstrap::OWN;
use super::postgres::{Admin, literal};

/// How often to look at jobs that are not old enough, or that something is in the way of.
const LOOK_EVERY: Duration = Duration::from_millis(30);
/// How long a job waits for a lock before it makes way; nobody waits longer behind it.
const LOCK_PATIENCE: Duration = Duration::from_millis(20);
/// The pause after a connection that broke. If PostgreSQL has ended, the cluster does too.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// Does the jobs of the cluster behind this socket, each when it is so old. Jobs from before a
/// restart are done too. `changed` is called for each that changes the catalog.
pub(super) async fn work(socket: &Path, age: Duration, changed: impl Fn()) -> Infallible {
    loop {
        if let Err(error) = one_job(socket, age, &changed).await {
            tracing::debug!(%error, "the worker for background jobs begins anew");
            sleep(RETRY_PAUSE).await;
        }
    }
}

/// Waits for a job and does it. It runs what users wrote, so its session is not used again.
async fn one_job(socket: &Path, age: Duration, changed: impl Fn()) -> Result<(), LocalError> {
    let mut admin = Admin::connect(socket).await?;
    // A job must see what others have committed, and must not keep them waiting.
    let setup = format!(
        "SET default_transaction_isolation = 'read committed'; SET lock_timeout = {}; \
         LISTEN {OWN}_jobs",
        LOCK_PATIENCE.as_millis()
    );
    admin.run(&setup).await?;
    let next = format!(
        "SELECT pg_catalog.{OWN}_next_job('{} milliseconds')",
        age.as_millis()
    );
    loop {
        match admin.value(&next).await? {
            None => admin.notified().await?,
            // Whether a new job has come or not.
            Some(none) if none.is_empty() => timeout(LOOK_EVERY, admin.notified())
                .await
                .unwrap_or(Ok(()))?,
            Some(job) => {
                let job = literal(&job);
                admin.run("BEGIN").await?;
                let run = format!("SELECT pg_catalog.{OWN}_run_job({job})");
                let done = admin.value(&run).await?.as_deref() == Some("t");
                let status =
                    format!("SELECT status FROM pg_catalog.{OWN}_jobs WHERE job_id = {job}");
                if admin.value(&status).await?.as_deref() == Some("completed") {
                    // Whoever knows that it is done has seen the change: their next transaction
                    // is not to fail for it.
                    changed();
                }
                admin.run("COMMIT").await?;
                if !done {
                    sleep(LOOK_EVERY).await;
                }
                return Ok(());
            }
        }
    }
}
