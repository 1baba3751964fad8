//! From PostgreSQL to the client: DSQL's identity, and errors that look like DSQL's.

use bytes::{BufMut as _, BytesMut};

use super::super::bootstrap::OWN;
use super::peer::Message;
use crate::wire::backend::{self, ParameterStatus};
use crate::wire::{ErrorFields, ErrorResponse, SqlState, encode};

/// What DSQL reports as `server_version` (seen 2026-09).
const SERVER_VERSION: &str = "16.15";
/// A message longer than this is not looked into, in bytes.
const MAX_LOOK: usize = 1024 * 1024;

/// What is known of the statement whose replies come.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Expected {
    /// Its command tag, if PostgreSQL's is another.
    pub(super) tag: Option<&'static str>,
    /// Where positions in its text are in what the client sent.
    pub(super) position: Position,
}

/// Where an error's position is in the text that the client sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Position {
    /// Where PostgreSQL says.
    #[default]
    Same,
    /// This many characters further on.
    Ahead(usize),
    /// This many characters before.
    Behind(usize),
    /// Nowhere: PostgreSQL got another text.
    Elsewhere,
}

/// Edits what PostgreSQL says.
#[derive(Debug)]
pub(super) struct Replies {
    /// What the client gets as BackendKeyData. Nothing listens to it: DSQL ignores CancelRequest
    /// (seen 2026-09).
    key: (i32, [u8; 4]),
    /// PostgreSQL has said why it ends the connection.
    said_why: bool,
}

impl Replies {
    pub(super) fn new(key: (i32, [u8; 4])) -> Self {
        Self {
            key,
            said_why: false,
        }
    }

    /// True if a FATAL error came.
    pub(super) fn said_why(&self) -> bool {
        self.said_why
    }

    /// Appends what the client gets instead of a message of PostgreSQL: mostly the same.
    pub(super) fn pass(&mut self, message: &Message, expected: Expected, out: &mut BytesMut) {
        let bytes = message.bytes();
        if bytes.len() > MAX_LOOK || self.edit(message, expected, out).is_none() {
            out.extend_from_slice(bytes);
        }
    }

    /// `None` if the message can go as it is.
    fn edit(&mut self, message: &Message, expected: Expected, out: &mut BytesMut) -> Option<()> {
        let (tag, body) = (message.tag(), message.body());
        match tag {
            backend::BACKEND_KEY_DATA => encode::backend_key_data(self.key.0, &self.key.1, out),
            backend::PARAMETER_STATUS => {
                let status = ParameterStatus::read(body).ok()?;
                (status.name == b"server_version").then_some(())?;
                encode::parameter_status("server_version", SERVER_VERSION, out);
            }
            backend::ROW_DESCRIPTION => rename_columns(body, out)?,
            backend::COMMAND_COMPLETE => encode::command_complete(expected.tag?, out),
            backend::ERROR_RESPONSE | backend::NOTICE_RESPONSE => {
                let fields = ErrorFields::read(body).ok()?;
                self.said_why |= tag == backend::ERROR_RESPONSE && fields.is_fatal();
                edit_error(tag, fields, expected.position, out)?;
            }
            _ => return None,
        }
        Some(())
    }
}

/// `SHOW server_version` was asked as `SHOW dsql_local.server_version`; its column gets its name
/// back. A column's name ends with a NUL, 18 bytes of other things follow.
fn rename_columns(body: &[u8], out: &mut BytesMut) -> Option<()> {
    let prefix = format!("{OWN}.");
    memchr::memmem::find(body, prefix.as_bytes())?;
    let (count, mut columns) = body.split_at_checked(2)?;
    let mut renamed = BytesMut::from(count);
    while !columns.is_empty() {
        let end = memchr::memchr(0, columns)?;
        let (name, rest) = columns.split_at_checked(end)?;
        let (other, rest) = rest.split_at_checked(1 + 18)?;
        renamed.extend_from_slice(name.strip_prefix(prefix.as_bytes()).unwrap_or(name));
        renamed.extend_from_slice(other);
        columns = rest;
    }
    encode::frame(backend::ROW_DESCRIPTION, out, |body| {
        body.extend_from_slice(&renamed);
    });
    Some(())
}

/// Takes out what would show that PostgreSQL was behind it: everything that says where an error
/// was raised, if we raised it; otherwise the lines of the context that name our functions.
fn edit_error(
    tag: u8,
    fields: ErrorFields<'_>,
    position: Position,
    out: &mut BytesMut,
) -> Option<()> {
    if fields.is_fatal() && fields.sqlstate() == Some(SqlState::TOO_MANY_CONNECTIONS) {
        // User guide, "Quotas", 2026-09.
        let text = "Unable to accept connection, too many open connections.";
        ErrorResponse::fatal(SqlState::TOO_MANY_CONNECTIONS, text).encode(out);
        return Some(());
    }
    let reworded = fields.field(b'M').and_then(reworded);
    let ours = reworded.is_some() || fields.field(b's') == Some(OWN.as_bytes());
    let context = fields.field(b'W').unwrap_or_default();
    let in_ours = context.split(|c| *c == b'\n').any(names_our_function);
    if !ours && !in_ours && position == Position::Same {
        return None;
    }
    let (sqlstate, message) = reworded.unzip();
    let sqlstate = sqlstate.flatten();
    encode::frame(tag, out, |body| {
        for (code, value) in fields.iter() {
            let value = match code {
                b's' | b'W' | b'F' | b'L' | b'R' if ours => continue,
                // A shadow's.
                b's' if value.starts_with(b"pg_temp_") => continue,
                // The statement that our function ran.
                b'p' | b'q' if ours || in_ours => continue,
                // It is about what PostgreSQL said.
                b'D' | b'H' if sqlstate.is_some() => continue,
                b'W' => without_our_functions(value),
                b'M' => message.clone().unwrap_or_else(|| value.to_vec()),
                b'C' => sqlstate.unwrap_or(value).to_vec(),
                b'P' => match moved(value, position) {
                    Some(position) => position,
                    None => continue,
                },
                _ => value.to_vec(),
            };
            if code != b'W' || !value.is_empty() {
                body.put_u8(code);
                encode::cstr(&value, body);
            }
        }
        body.put_u8(0);
    });
    Some(())
}

/// The field `P`, a number of characters in decimal.
fn moved(value: &[u8], position: Position) -> Option<Vec<u8>> {
    match position {
        Position::Same => Some(value.to_vec()),
        Position::Elsewhere => None,
        Position::Ahead(by) => Some(number(value)?.saturating_add(by).to_string().into_bytes()),
        Position::Behind(by) => Some(number(value)?.saturating_sub(by).to_string().into_bytes()),
    }
}

fn number(value: &[u8]) -> Option<usize> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

const LIMIT_EXCEEDED: &[u8] = b"54000";

/// An error that PostgreSQL raises before our SQL could: how the message begins and ends, and how
/// DSQL's does (seen 2026-09). What is between stays.
struct Rewording {
    postgres: (&'static [u8], &'static [u8]),
    /// DSQL's, if it is not PostgreSQL's.
    sqlstate: Option<&'static [u8]>,
    dsql: Dsql,
}

/// What DSQL says.
enum Dsql {
    /// This, around what stays.
    Around(&'static [u8], &'static [u8]),
    /// This and nothing else.
    Only(&'static [u8]),
}

/// Texts and SQLSTATEs that [`crate::dsql`] has are the same there.
const REWORDINGS: [Rewording; 7] = [
    Rewording {
        postgres: (
            b"data type ",
            b" has no default operator class for access method \"btree\"",
        ),
        sqlstate: Some(b"0A000"),
        dsql: Dsql::Around(b"datatype ", b" is not supported in a key"),
    },
    Rewording {
        postgres: (b"sys.wait_for_job(", b"unknown) is a procedure"),
        sqlstate: None,
        dsql: Dsql::Around(b"sys.wait_for_job(", b"text) is a procedure"),
    },
    // A key is longer than a page of PostgreSQL's takes.
    Rewording {
        postgres: (b"index row size ", b"\""),
        sqlstate: Some(LIMIT_EXCEEDED),
        dsql: Dsql::Only(b"key size too large"),
    },
    Rewording {
        postgres: (b"index row requires ", b""),
        sqlstate: Some(LIMIT_EXCEEDED),
        dsql: Dsql::Only(b"key size too large"),
    },
    Rewording {
        postgres: (b"temporary file size exceeds temp_file_limit (", b"kB)"),
        sqlstate: Some(LIMIT_EXCEEDED),
        dsql: Dsql::Around(
            b"query requires more than allowed temp space of ",
            b" KB to execute",
        ),
    },
    // Closed by `bootstrap/functions.sql`.
    Rewording {
        postgres: (b"permission denied for function pg_advisory", b""),
        sqlstate: Some(b"0A000"),
        dsql: Dsql::Around(b"function pg_advisory", b" not supported"),
    },
    Rewording {
        postgres: (b"permission denied for function pg_try_advisory", b""),
        sqlstate: Some(b"0A000"),
        dsql: Dsql::Around(b"function pg_try_advisory", b" not supported"),
    },
];

fn reworded(message: &[u8]) -> Option<(Option<&'static [u8]>, Vec<u8>)> {
    REWORDINGS.iter().find_map(|rewording| {
        let (begin, end) = rewording.postgres;
        let between = message.strip_prefix(begin)?.strip_suffix(end)?;
        let message = match rewording.dsql {
            Dsql::Around(begin, end) => [begin, between, end].concat(),
            Dsql::Only(message) => message.to_vec(),
        };
        Some((rewording.sqlstate, message))
    })
}

/// How a line of context about one of our functions begins.
const OUR_FUNCTIONS: [&[u8]; 6] = [
    b"PL/pgSQL function set_config(text,text,boolean) ",
    b"SQL function \"set_config\" ",
    b"SQL function \"current_setting\" ",
    b"SQL function \"dsql_local_",
    b"PL/pgSQL function dsql_local_",
    b"PL/pgSQL function sys.wait_for_job(",
];

/// How the line begins after which, up to a line about the function, there is the text of a
/// statement that a function ran.
const STATEMENT: &[u8] = b"SQL statement \"";

fn names_our_function(line: &[u8]) -> bool {
    OUR_FUNCTIONS
        .iter()
        .any(|function| line.starts_with(function))
}

/// The context without the lines about our functions and about what they ran.
fn without_our_functions(context: &[u8]) -> Vec<u8> {
    let mut lines: Vec<&[u8]> = vec![];
    // Where the statement begins that the next function ran.
    let mut statement = None;
    for line in context.split(|c| *c == b'\n') {
        if names_our_function(line) {
            lines.truncate(statement.take().unwrap_or(lines.len()));
            continue;
        }
        if line.starts_with(STATEMENT) {
            statement.get_or_insert(lines.len());
        } else if line.starts_with(b"PL/pgSQL function ") || line.starts_with(b"SQL function ") {
            statement = None;
        }
        lines.push(line);
    }
    lines.join(&b'\n')
}

#[cfg(test)]
mod tests;
