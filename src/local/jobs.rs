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
use super::postgres::Admin;

/// How often to look at jobs that are not old enough, or that something is in the way of.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// The pause after a connection that broke. If PostgreSQL has ended the cluster does too.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// Does the jobs of the cluster behind this socket, each when it is so old. Jobs from before a
/// restart are done too.
pub(super) async fn work(socket: &Path, age: Duration) -> Infallible {
    loop {
        let Err(error) = serve(socket, age).await;
        tracing::debug!(%error, "the worker for background jobs begins anew");
        sleep(RETRY_PAUSE).await;
    }
}

async fn serve(socket: &Path, age: Duration) -> Result<Infallible, LocalError> {
    let mut admin = Admin::connect(socket).await?;
    // A job must see what others have committed, and must not keep them waiting.
    let setup = format!(
        "SET default_transaction_isolation = 'read committed'; SET lock_timeout = '20ms'; \
         SET application_name = '{OWN}_jobs'; LISTEN {OWN}_jobs"
    );
    admin.run(&setup).await?;
    let run = format!(
        "CALL pg_catalog.{OWN}_run_jobs('{} milliseconds', NULL)",
        age.as_millis()
    );
    loop {
        let pending = admin.is_true(&run).await?;
        if pending {
            // Whether a new job has come or not.
            timeout(LOOK_EVERY, admin.notified())
                .await
                .unwrap_or(Ok(()))?;
        } else {
            admin.notified().await?;
        }
    }
}
