//! A command that runs while we serve it.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use super::signals::{Signals, Stop};

/// The exit code of a command that is not there, as a shell has it.
const NOT_FOUND: u8 = 127;
/// The exit code of a command that cannot be run, as a shell has it.
const NOT_RUNNABLE: u8 = 126;

/// What becomes of a variable of the environment: a value, or `None` to take it away.
pub type Variable<'a> = (&'a str, Option<OsString>);

/// Runs `command` (the program first) with these changes to the environment, in our process
/// group. Signals are passed on; SIGINT too, which a terminal sends to both of us, but others
/// only to us. A child that stays after one SIGTERM or SIGHUP is killed by the next. SIGINT is
/// never followed by that: at a prompt it means no more than a new line.
///
/// Its exit code, or 128 and the signal that ended it.
pub async fn run(
    command: &[OsString],
    variables: &[Variable<'_>],
    signals: &mut Signals,
) -> io::Result<u8> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "no command"));
    };
    let mut command = Command::new(program);
    command.args(arguments).kill_on_drop(true);
    for (name, value) in variables {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let mut child = command.spawn()?;
    let mut told = false;
    loop {
        tokio::select! {
            status = child.wait() => return Ok(exit_code(status?)),
            stop = signals.next() => {
                let signal = match stop {
                    Stop::Interrupt => Signal::INT,
                    Stop::Terminate | Stop::HangUp if told => Signal::KILL,
                    Stop::Terminate => Signal::TERM,
                    Stop::HangUp => Signal::HUP,
                };
                told |= stop != Stop::Interrupt;
                send(&child, signal);
            }
        }
    }
}

/// The exit code that tells of a command that could not be started.
pub fn exit_code_of_failure(error: &io::Error) -> u8 {
    match error.kind() {
        io::ErrorKind::NotFound => NOT_FOUND,
        _ => NOT_RUNNABLE,
    }
}

fn send(child: &Child, signal: Signal) {
    let pid = child
        .id()
        .and_then(|pid| i32::try_from(pid).ok())
        .and_then(Pid::from_raw);
    if let Some(pid) = pid {
        // A child that is gone already needs no signal.
        kill_process(pid, signal).ok();
    }
}

fn exit_code(status: ExitStatus) -> u8 {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

#[cfg(test)]
mod tests;
