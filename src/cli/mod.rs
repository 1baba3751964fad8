//! The commands.
//!
//! - **Owns** what is printed, exit codes.
//! - **May touch** every room below.
//! - **Must not** hold logic that a library user would want.
//! - **Invariants** only this room prints.

use std::process::ExitCode;

/// Runs the command line.
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
