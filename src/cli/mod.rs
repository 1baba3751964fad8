//! The commands.
//!
//! - **Owns** what is printed, exit codes.
//! - **May touch** every room below.
//! - **Must not** hold logic that a library user would want.
//! - **Invariants** only this room prints; a command that fails says on stderr what happened,
//!   why, and what to do.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this room talks to people"
)]

mod assemble;
mod local;
mod self_test;
mod serve;
mod token;

use std::process::ExitCode;

use tokio::runtime::{Builder, LocalOptions};
use tokio::task::spawn_local;

use crate::config::{self, Command, Environment, LogFormat, LogLevel, LogSettings, Parsed};
use crate::observe;
use crate::platform::limits;

/// What is wrong with how the command was called.
const USAGE: u8 = 2;

/// Runs the command line.
pub fn main() -> ExitCode {
    let environment: Environment = std::env::vars_os().collect();
    let arguments = std::env::args_os().skip(1);
    let parsed = config::parse(arguments, &environment, &|path| {
        std::fs::read_to_string(path)
    });
    match parsed {
        Ok(Parsed::Print(text)) => {
            // A reader that closes early, such as `head`, is no failure of ours.
            print(&text);
            ExitCode::SUCCESS
        }
        Ok(Parsed::Run { command, warnings }) => {
            for warning in warnings {
                eprintln!("warning: {warning}");
            }
            run(*command)
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(USAGE)
        }
    }
}

fn run(command: Command) -> ExitCode {
    let faults = match &command {
        Command::Local(settings) => local::faults(settings),
        Command::Serve(_) | Command::Token(_) => Ok(vec![]),
    };
    let faults = match faults {
        Ok(faults) => faults,
        Err(message) => {
            complain(&message);
            return ExitCode::from(USAGE);
        }
    };
    start_logs(match &command {
        Command::Serve(settings) => settings.logs,
        Command::Local(settings) => settings.logs,
        Command::Token(settings) => settings.logs,
    });
    limits::raise_open_files();
    // One thread: a second one costs a fifth more processor time for little throughput.
    let runtime = match Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())
    {
        Ok(runtime) => runtime,
        Err(error) => return failed(&format!("cannot start: {error}")),
    };
    let command = async {
        match command {
            Command::Serve(settings) => serve::run(settings).await,
            Command::Local(settings) => local::run(settings, faults).await,
            Command::Token(settings) => token::run(settings).await,
        }
    };
    // In a task of its own: what is waited for here is polled whenever any task wakes up.
    let command = async {
        let ended = spawn_local(command).await;
        ended.unwrap_or_else(|error| Err(format!("it broke off: {error}")))
    };
    let result = runtime.block_on(command);
    // Look-ups of names that still run must not hold us up.
    runtime.shutdown_background();
    match result {
        Ok(code) => ExitCode::from(code),
        Err(message) => failed(&message),
    }
}

fn failed(message: &str) -> ExitCode {
    complain(message);
    ExitCode::FAILURE
}

fn complain(message: &str) {
    eprintln!("error: {message}");
}

fn print(text: &str) {
    use std::io::Write;
    std::io::stdout().write_all(text.as_bytes()).ok();
}

fn start_logs(logs: LogSettings) {
    let format = match logs.format {
        LogFormat::Text => observe::Format::Text,
        LogFormat::Json => observe::Format::Json,
    };
    let level = match logs.level {
        LogLevel::Quiet => observe::Level::Quiet,
        LogLevel::Normal => observe::Level::Normal,
        LogLevel::Debug => observe::Level::Debug,
    };
    observe::init_logs(format, level);
}
