//! The conformance suite: what is known of Aurora DSQL, as probes that run against any endpoint.
//!
//! - **Owns** the probes, their notation, the runner and its report.
//! - **May touch** `wire`, `sql`, `dsql`, `net`, `config`, `iam`, `upstream`.
//! - **Must not** use `local` or `compat`: it judges them; nor print.
//! - **Invariants** every wait has a deadline; what a run makes has the run's name and is dropped
//!   at its end; nothing else on a cluster is touched.
//!
//! A probe is a statement with what DSQL answers, in a file of [`probes/`](SUITE). The notation is
//! explained in [`parse`](parse()). Every probe runs in both protocols, and outside and inside a
//! transaction block.

mod check;
mod client;
mod expand;
mod fixture;
mod parse;
mod probe;
mod report;
mod run;
mod suite;
mod variant;

#[cfg(test)]
mod tests;

pub use client::Target;
pub use parse::{ProbeError, parse};
pub use probe::{Cell, Expectation, Mark, Message, Probe, Setup, Status, Step};
pub use report::{Failure, Report, Tally};
pub use run::{RunError, RunOptions, clean_up, run};
pub use suite::{SUITE, suite};
pub use variant::{Block, Protocol, Variant};
