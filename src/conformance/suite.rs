//! The files of probes.

use super::parse::{ProbeError, parse};
use super::probe::Probe;

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("probes/", $name, ".probes")))),*]
    };
}

/// The files, by subject, in the order in which they run.
pub const SUITE: &[(&str, &str)] = files![
    "identity",
    "parameters",
    "statements",
    "types",
    "create_table",
    "alter_table",
    "indexes",
    "sequences",
    "jobs",
    "roles",
    "transactions",
    "occ",
    "functions",
    "limits",
    "catalog",
    "works",
];

/// All probes.
///
/// # Errors
/// The first line of a file that makes no sense; the tests see to it that there is none.
pub fn suite() -> Result<Vec<Probe>, ProbeError> {
    let mut probes = Vec::new();
    for (subject, text) in SUITE {
        probes.extend(parse(subject, text)?);
    }
    Ok(probes)
}
