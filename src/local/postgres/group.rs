//! A program that starts others, and ends with all of them.

use std::io;
use std::process::{Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::process::Command;

/// How long a drop waits for the processes to be gone.
const PATIENCE: Duration = Duration::from_secs(3);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Runs `command`, which must have a process group of its own, to its end.
///
/// When this is dropped before, the whole group is killed and waited for: what it writes to may
/// be deleted next.
pub(super) async fn output(mut command: Command) -> io::Result<Output> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn()?;
    let mut group = Group(child.id().and_then(|id| Pid::from_raw(id.cast_signed())));
    let output = child.wait_with_output().await;
    group.0 = None;
    output
}

/// The leader of the group, while it may run.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        let Some(group) = self.0 else {
            return;
        };
        if kill_process_group(group, Signal::KILL).is_err() {
            return;
        }
        let rounds = PATIENCE.as_millis() / LOOK_EVERY.as_millis();
        for _ in 0..rounds {
            // The leader is our child: until it is waited for, the group is there.
            rustix::process::waitpid(Some(group), rustix::process::WaitOptions::NOHANG).ok();
            if test_kill_process_group(group).is_err() {
                return;
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

#[cfg(test)]
mod tests;
