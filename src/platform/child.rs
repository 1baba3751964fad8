//! A command that runs while we serve it.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use super::signals::{Signals, Stop};

/// Runs `command` (the program first) with these variables added to the environment, in our
/// process group, so that a terminal's Ctrl-C reaches it as it would without us. SIGTERM is
/// passed on. Its exit code, or 128 and the signal that ended it.
pub async fn run(
    command: &[OsString],
    variables: &[(&str, OsString)],
    signals: &mut Signals,
) -> io::Result<u8> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "no command"));
    };
    let mut child = Command::new(program)
        .args(arguments)
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .kill_on_drop(true)
        .spawn()?;
    loop {
        tokio::select! {
            status = child.wait() => return Ok(exit_code(status?)),
            stop = signals.next() => match stop {
                // The terminal has told the child already.
                Stop::Interrupt => {}
                Stop::Terminate => terminate(&child),
            },
        }
    }
}

fn terminate(child: &Child) {
    let pid = child
        .id()
        .and_then(|pid| i32::try_from(pid).ok())
        .and_then(Pid::from_raw);
    if let Some(pid) = pid {
        // A child that is gone already needs no signal.
        kill_process(pid, Signal::TERM).ok();
    }
}

fn exit_code(status: ExitStatus) -> u8 {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}
