//! From PostgreSQL to the client: DSQL's identity, and errors that look like DSQL's.

use bytes::{Buf as _, BufMut as _, BytesMut};

use super::super::bootstrap::OWN;
use crate::wire::backend::{self, ParameterStatus};
use crate::wire::{
    ErrorFields, ErrorResponse, FrameError, FrameScanner, SqlState, Step, encode, frame,
};

/// What DSQL reports as `server_version` (seen 2026-09).
const SERVER_VERSION: &str = "16.15";
/// The name of the first column of the answer to SHOW ALL (see `judge`).
const SHOW_ALL_COLUMN: &[u8] = b"dsql_local.name\0";
/// A message longer than this is not looked into, in bytes.
const MAX_LOOK: usize = 1024 * 1024;

/// Edits what PostgreSQL says.
#[derive(Debug)]
pub(super) struct Replies {
    scanner: FrameScanner,
    /// What the client gets as BackendKeyData. Nothing listens to it: DSQL ignores CancelRequest
    /// (seen 2026-09).
    key: (i32, [u8; 4]),
    /// PostgreSQL has said why it ends the connection.
    said_why: bool,
    /// The rows that come answer SHOW ALL.
    show_all: bool,
}

impl Replies {
    pub(super) fn new(key: (i32, [u8; 4])) -> Self {
        Self {
            scanner: FrameScanner::new(),
            key,
            said_why: false,
            show_all: false,
        }
    }

    /// True if a FATAL error came.
    pub(super) fn said_why(&self) -> bool {
        self.said_why
    }

    /// True between two messages.
    pub(super) fn at_boundary(&self) -> bool {
        self.scanner.rest() == 0
    }

    /// Moves what is complete from `input` to `out`.
    pub(super) fn process(
        &mut self,
        input: &mut BytesMut,
        out: &mut BytesMut,
    ) -> Result<(), FrameError> {
        let want = |tag| match tag {
            backend::ERROR_RESPONSE
            | backend::NOTICE_RESPONSE
            | backend::ROW_DESCRIPTION
            | backend::COMMAND_COMPLETE
            | backend::READY_FOR_QUERY
            | backend::PARAMETER_STATUS
            | backend::BACKEND_KEY_DATA => MAX_LOOK,
            _ => 0,
        };
        loop {
            match self.scanner.step(input, want)? {
                Step::NeedMore => return Ok(()),
                Step::Rest(n) => out.extend_from_slice(&input.split_to(n)),
                Step::Head { tag, body, seen } => {
                    let message = input.split_to(frame::HEADER.saturating_add(seen));
                    if seen < body || self.edit(tag, &message, out).is_none() {
                        out.extend_from_slice(&message);
                    }
                }
            }
        }
    }

    /// `None` if the message can go as it is.
    fn edit(&mut self, tag: u8, message: &[u8], out: &mut BytesMut) -> Option<()> {
        let mut body = message;
        body.advance(frame::HEADER.min(body.len()));
        match tag {
            backend::BACKEND_KEY_DATA => encode::backend_key_data(self.key.0, &self.key.1, out),
            backend::PARAMETER_STATUS => {
                let status = ParameterStatus::read(body).ok()?;
                (status.name == b"server_version").then_some(())?;
                encode::parameter_status("server_version", SERVER_VERSION, out);
            }
            backend::ROW_DESCRIPTION => {
                // After the number of columns.
                self.show_all = body
                    .get(2..)
                    .is_some_and(|b| b.starts_with(SHOW_ALL_COLUMN));
                rename_columns(body, out)?;
            }
            backend::COMMAND_COMPLETE => {
                let show_all = std::mem::take(&mut self.show_all);
                (show_all && body.starts_with(b"SELECT ")).then_some(())?;
                encode::frame(tag, out, |body| encode::cstr(b"SHOW", body));
            }
            backend::READY_FOR_QUERY => {
                // It was described and not executed.
                self.show_all = false;
                return None;
            }
            backend::ERROR_RESPONSE | backend::NOTICE_RESPONSE => {
                let fields = ErrorFields::read(body).ok()?;
                self.said_why |= tag == backend::ERROR_RESPONSE && fields.is_fatal();
                edit_error(tag, fields, out)?;
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
fn edit_error(tag: u8, fields: ErrorFields<'_>, out: &mut BytesMut) -> Option<()> {
    if fields.is_fatal() && fields.sqlstate() == Some(SqlState::TOO_MANY_CONNECTIONS) {
        // User guide, "Quotas", 2026-09.
        let text = "Unable to accept connection, too many open connections.";
        ErrorResponse::fatal(SqlState::TOO_MANY_CONNECTIONS, text).encode(out);
        return Some(());
    }
    let ours = fields.field(b's') == Some(OWN.as_bytes());
    let context = fields.field(b'W').unwrap_or_default();
    if !ours && !context.split(|c| *c == b'\n').any(names_our_function) {
        return None;
    }
    encode::frame(tag, out, |body| {
        for (code, value) in fields.iter() {
            let value = match code {
                b's' | b'W' | b'F' | b'L' | b'R' if ours => continue,
                b'W' => without_our_functions(value),
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

/// How a line of context about one of our functions begins.
const OUR_FUNCTIONS: [&[u8]; 4] = [
    b"PL/pgSQL function set_config(text,text,boolean) ",
    b"SQL function \"set_config\" ",
    b"SQL function \"current_setting\" ",
    b"SQL function \"dsql_local_",
];

fn names_our_function(line: &[u8]) -> bool {
    OUR_FUNCTIONS
        .iter()
        .any(|function| line.starts_with(function))
}

fn without_our_functions(context: &[u8]) -> Vec<u8> {
    let lines: Vec<&[u8]> = context
        .split(|c| *c == b'\n')
        .filter(|line| !names_our_function(line))
        .collect();
    lines.join(&b'\n')
}

#[cfg(test)]
mod tests;
