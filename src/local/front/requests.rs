//! From the client to PostgreSQL.

use bytes::{Buf as _, BufMut as _, BytesMut};

use super::super::bootstrap::OWN;
use super::super::judge::{Refusal, Verdict, judge};
use crate::sql;
use crate::wire::frontend::{self, Parse};
use crate::wire::{FrameError, FrameScanner, Step, encode, frame};

/// The longest message that DSQL reads, in bytes. A longer one ends the connection without an
/// error (seen 2026-09; the user guide says 08P01).
const MAX_MESSAGE: usize = 10 * 1024 * 1024;

/// Why nothing more is read from a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Violation {
    /// A length that no message can have.
    Length(FrameError),
    /// More than [`MAX_MESSAGE`].
    TooLong,
    /// A message that no frontend sends, or whose body is not what its type says.
    Malformed(u8),
}

/// Looks into what carries statements; everything else streams through.
#[derive(Debug, Default)]
pub(super) struct Requests {
    scanner: FrameScanner,
    terminated: bool,
}

impl Requests {
    /// True if the client has said goodbye.
    pub(super) fn terminated(&self) -> bool {
        self.terminated
    }

    /// Moves what is complete from `input` to `out`.
    pub(super) fn process(
        &mut self,
        input: &mut BytesMut,
        out: &mut BytesMut,
    ) -> Result<(), Violation> {
        loop {
            if self.scanner.rest() == 0 {
                check_head(input)?;
            }
            let want = |tag| match tag {
                frontend::QUERY | frontend::PARSE | frontend::FUNCTION_CALL => usize::MAX,
                _ => 0,
            };
            match self.scanner.step(input, want).map_err(Violation::Length)? {
                Step::NeedMore => return Ok(()),
                Step::Rest(n) => out.extend_from_slice(&input.split_to(n)),
                Step::Head { tag, seen, .. } => {
                    let message = input.split_to(frame::HEADER.saturating_add(seen));
                    self.terminated |= tag == frontend::TERMINATE;
                    forward(tag, &message, out).ok_or(Violation::Malformed(tag))?;
                }
            }
        }
    }
}

/// Before the length of a message makes us wait for all of it.
fn check_head(input: &[u8]) -> Result<(), Violation> {
    let Some((&[tag, a, b, c, d], _)) = input.split_first_chunk::<{ frame::HEADER }>() else {
        return Ok(());
    };
    if !frontend::is_known(tag) {
        return Err(Violation::Malformed(tag));
    }
    let length = u32::from_be_bytes([a, b, c, d]);
    if usize::try_from(length).is_ok_and(|n| n <= MAX_MESSAGE) {
        Ok(())
    } else {
        Err(Violation::TooLong)
    }
}

/// `None` if a Query or Parse is malformed.
fn forward(tag: u8, message: &BytesMut, out: &mut BytesMut) -> Option<()> {
    let mut body = message.as_ref();
    body.advance(frame::HEADER.min(body.len()));
    match tag {
        frontend::QUERY => match edit(frontend::query(body).ok()?) {
            Some(sql) => encode::query(&sql, out),
            None => out.extend_from_slice(message),
        },
        frontend::PARSE => {
            let parse = Parse::read(body).ok()?;
            match edit(parse.sql) {
                Some(sql) => encode_parse(&parse, &sql, out),
                None => out.extend_from_slice(message),
            }
        }
        // It would call what our own functions hide. A Query that fails has the same answer.
        frontend::FUNCTION_CALL => {
            let refusal = Refusal::new("0A000", "function call message not supported");
            encode::query(&raising(&refusal), out);
        }
        _ => out.extend_from_slice(message),
    }
    Some(())
}

/// The text with the verdicts carried out, or `None` if all is allowed.
fn edit(text: &[u8]) -> Option<Vec<u8>> {
    let mut edited: Option<Vec<u8>> = None;
    let mut copied = 0;
    for statement in sql::statements(text) {
        let replacement = match judge(statement.bytes(text)).verdict {
            Verdict::Allow => continue,
            Verdict::Rewrite { sql, .. } => sql,
            Verdict::Refuse(refusal) => raising(&refusal),
        };
        let edited = edited.get_or_insert_default();
        edited.extend_from_slice(text.get(copied..statement.body.start).unwrap_or_default());
        edited.extend_from_slice(&replacement);
        copied = statement.body.end;
    }
    let mut edited = edited?;
    edited.extend_from_slice(text.get(copied..).unwrap_or_default());
    Some(edited)
}

/// The statements that replace others have no parameters, but the client may have declared some.
fn encode_parse(parse: &Parse<'_>, sql: &[u8], out: &mut BytesMut) {
    encode::frame(frontend::PARSE, out, |body| {
        encode::cstr(parse.name, body);
        encode::cstr(sql, body);
        // A frame holds the number of types, so it fits.
        body.put_u16(u16::try_from(parse.types.len() / 4).unwrap_or(0));
        body.extend_from_slice(parse.types);
    });
}

/// A statement that raises the error when it is executed and, like SET, returns no rows and can
/// be prepared. The schema's name in the error says that it is one of ours.
fn raising(refusal: &Refusal) -> Vec<u8> {
    let body = format!(
        "BEGIN RAISE EXCEPTION USING ERRCODE = {}, SCHEMA = {}, MESSAGE = {}; END",
        literal(refusal.sqlstate),
        literal(OWN),
        literal(&refusal.message),
    );
    format!("DO {}", literal(&body)).into_bytes()
}

/// A string constant. `standard_conforming_strings` is on and cannot be set off, so a backslash
/// is a character like any other.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests;
