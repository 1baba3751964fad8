//! A PostgreSQL that a dead predecessor of ours left behind.
//!
//! Whoever holds the lock of a data directory is the only live local cluster on it, so a
//! PostgreSQL that still runs there is nobody's.

use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

/// How long it may take to shut down, and how often we look.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Stops the postmaster that `postmaster.pid` in `data` names, if it runs. PostgreSQL itself
/// notices a file that was left behind by a process that is gone.
pub(super) async fn stop(data: &Path) {
    let Some(pid) = postmaster(data) else {
        return;
    };
    tracing::warn!(
        pid = pid.as_raw_nonzero().get(),
        "stopping a PostgreSQL that was left behind on this data directory"
    );
    for signal in [Signal::INT, Signal::QUIT] {
        if kill_process(pid, signal).is_err() {
            return;
        }
        let gone = tokio::time::timeout(PATIENCE, async {
            while test_kill_process(pid).is_ok() {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        });
        if gone.await.is_ok() {
            return;
        }
    }
}

/// The process, if it lives and its working directory is `data`, as a postmaster's is: the number
/// may belong to another process by now. Without `/proc` to tell, nothing is touched.
fn postmaster(data: &Path) -> Option<Pid> {
    let file = std::fs::read_to_string(data.join("postmaster.pid")).ok()?;
    let pid: i32 = file.lines().next()?.trim().parse().ok()?;
    let directory = std::fs::read_link(format!("/proc/{pid}/cwd")).ok()?;
    (directory == data.canonicalize().ok()?).then_some(())?;
    Pid::from_raw(pid)
}
