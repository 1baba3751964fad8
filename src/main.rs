//! The `dsql-proxy` binary: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    dsql_proxy::cli::main()
}
