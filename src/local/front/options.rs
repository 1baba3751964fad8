//! The startup parameter `options`: command-line arguments for the server.

use crate::wire::SqlState;

/// Arguments that PostgreSQL would not take either, or that set no parameter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadOptions {
    /// `-c` and `--` set parameters; the other switches have parameters of their own, none of
    /// which DSQL supports.
    #[error("invalid command-line argument for server process: {0}")]
    Unknown(String),
    #[error("{0} requires a value")]
    NoValue(String),
}

impl BadOptions {
    /// `syntax_error`, as in PostgreSQL.
    #[allow(clippy::unused_self)]
    pub(super) fn sqlstate(&self) -> SqlState {
        SqlState::parse(b"42601").unwrap_or(SqlState::INTERNAL_ERROR)
    }
}

type Setting = (Vec<u8>, Vec<u8>);

/// The parameters that the options set: `-c name=value` and `--name=value` (manual, "Shell
/// Interaction"; `process_postgres_switches`, `src/backend/tcop/postgres.c`).
pub(super) fn parse(options: &[u8]) -> Result<Vec<Setting>, BadOptions> {
    let mut settings = vec![];
    let mut arguments = split(options).into_iter();
    while let Some(argument) = arguments.next() {
        let shown = || String::from_utf8_lossy(&argument).into_owned();
        let assignment = match argument.as_slice() {
            b"-c" => arguments
                .next()
                .ok_or_else(|| BadOptions::NoValue(shown()))?,
            [b'-', b'c' | b'-', rest @ ..] if !rest.is_empty() => rest.to_vec(),
            _ => return Err(BadOptions::Unknown(shown())),
        };
        let Some(equals) = memchr::memchr(b'=', &assignment) else {
            return Err(BadOptions::NoValue(shown()));
        };
        let (name, value) = assignment.split_at(equals);
        settings.push((
            parameter_name(name),
            value.get(1..).unwrap_or_default().to_vec(),
        ));
    }
    Ok(settings)
}

/// A hyphen in a name is an underscore (`ParseLongOption`), but not in DSQL's own option for
/// clients behind PrivateLink.
fn parameter_name(name: &[u8]) -> Vec<u8> {
    if name == b"amzn-cluster-id" {
        return name.to_vec();
    }
    name.iter()
        .map(|&c| if c == b'-' { b'_' } else { c })
        .collect()
}

/// Splits at white space; a backslash keeps the character after it (`pg_split_opts`).
fn split(options: &[u8]) -> Vec<Vec<u8>> {
    let mut arguments = vec![];
    let mut argument: Option<Vec<u8>> = None;
    let mut bytes = options.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte.is_ascii_whitespace() || byte == 0x0b {
            arguments.extend(argument.take());
            continue;
        }
        let argument = argument.get_or_insert_default();
        match byte {
            b'\\' => argument.extend(bytes.next()),
            _ => argument.push(byte),
        }
    }
    arguments.extend(argument);
    arguments
}

#[cfg(test)]
mod tests;
