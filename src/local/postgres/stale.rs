//! A PostgreSQL that a dead predecessor of ours left behind.
//!
//! Whoever holds the lock of a data directory is the only live local cluster on it, so a
//! PostgreSQL that still runs there is nobody's.

use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// How long it may take to shut down, and how often we look.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The names of PostgreSQL's processes.
const NAMES: [&str; 2] = ["postgres", "initdb"];

/// Stops the postmaster that `postmaster.pid` in `data` names, if it runs, and then what an
/// earlier end of it may have left: a backend that is busy goes on without its postmaster, and
/// the shared memory that it has keeps a new one from starting. PostgreSQL itself notices a file
/// that was left behind by a process that is gone.
///
/// Without `/proc` to tell whose a process is, nothing is touched.
pub(super) async fn stop(data: &Path) {
    let Ok(data) = data.canonicalize() else {
        return;
    };
    if let Some(pid) = postmaster(&data) {
        warn(pid);
        for signal in [Signal::INT, Signal::QUIT] {
            if kill_process(pid, signal).is_err() || gone(|| is_of(pid, &data)).await {
                break;
            }
        }
    }
    kill(&data).await;
}

/// Kills all processes that work in `data`, and waits until they are gone.
pub(super) async fn kill(data: &Path) {
    let Ok(data) = data.canonicalize() else {
        return;
    };
    // One may start another before its turn comes.
    gone(|| {
        let mut found = false;
        for pid in processes().filter(|pid| is_of(*pid, &data)) {
            warn(pid);
            // It may just have ended.
            kill_process(pid, Signal::KILL).ok();
            found = true;
        }
        found
    })
    .await;
}

fn warn(pid: Pid) {
    tracing::warn!(
        pid = pid.as_raw_nonzero().get(),
        "stopping a PostgreSQL that was left behind on this data directory"
    );
}

/// Whether `is_there` is false before our patience ends.
async fn gone(mut is_there: impl FnMut() -> bool) -> bool {
    let gone = async {
        while is_there() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.is_ok()
}

/// The process in the file, if it is one of `data`: the number may belong to another by now.
fn postmaster(data: &Path) -> Option<Pid> {
    let file = std::fs::read_to_string(data.join("postmaster.pid")).ok()?;
    let pid = Pid::from_raw(file.lines().next()?.trim().parse().ok()?)?;
    is_of(pid, data).then_some(pid)
}

/// True if it is a process of PostgreSQL that works in `data`, as all of one server's do. One
/// that has ended and that nobody waits for works nowhere.
fn is_of(pid: Pid, data: &Path) -> bool {
    let process = Path::new("/proc").join(pid.as_raw_nonzero().to_string());
    let directory = std::fs::read_link(process.join("cwd"));
    let name = std::fs::read_to_string(process.join("comm"));
    directory.is_ok_and(|at| at == data) && name.is_ok_and(|name| NAMES.contains(&name.trim_end()))
}

/// All of the system's.
fn processes() -> impl Iterator<Item = Pid> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?))
}
