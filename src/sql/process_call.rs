//! `SELECT pg_backend_pid()`, `SELECT pg_cancel_backend(…)` and `SELECT pg_terminate_backend(…)`:
//! statements about server processes that can be answered without knowing any.

use super::cursor::Cursor;
use super::lexer::{StringForm, TokenKind};

/// A process id that a statement names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedProcess {
    /// The one that runs the statement: `pg_backend_pid()`.
    Own,
    /// This one.
    Literal(i32),
    /// The value of the parameter with this number, counted from 1.
    Parameter(u16),
}

/// What is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessFunction {
    /// `pg_backend_pid()`
    BackendPid,
    /// `pg_cancel_backend(pid)`
    Cancel(NamedProcess),
    /// `pg_terminate_backend(pid [, timeout])`
    Terminate(NamedProcess),
}

/// A statement that calls one of these functions and does nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessCall<'a> {
    /// What is called.
    pub function: ProcessFunction,
    /// The call as it was written.
    call: &'a [u8],
    /// What gives the column a name, as it was written; may be empty.
    alias: &'a [u8],
}

impl ProcessFunction {
    fn name(self) -> &'static str {
        match self {
            Self::BackendPid => "pg_backend_pid",
            Self::Cancel(_) => "pg_cancel_backend",
            Self::Terminate(_) => "pg_terminate_backend",
        }
    }
}

impl ProcessCall<'_> {
    /// The statement with `value` in the place of the call.
    pub fn with_value(&self, value: &str) -> Vec<u8> {
        self.with(value.as_bytes())
    }

    /// The statement for a process id that comes with Bind: it says `true` without the call where
    /// the parameter with this number is `marker`.
    pub fn unless(&self, parameter: u16, marker: i16) -> Vec<u8> {
        let mut text =
            format!("CASE WHEN ${parameter}::int4 = {marker} THEN true ELSE ").into_bytes();
        text.extend_from_slice(self.call);
        text.extend_from_slice(b" END");
        self.with(&text)
    }

    fn with(&self, value: &[u8]) -> Vec<u8> {
        let mut text = b"SELECT ".to_vec();
        text.extend_from_slice(value);
        if self.alias.is_empty() {
            text.extend_from_slice(b" AS ");
            text.extend_from_slice(self.function.name().as_bytes());
        } else {
            text.push(b' ');
            text.extend_from_slice(self.alias);
        }
        text
    }
}

/// Reads a text that is `SELECT [pg_catalog.]function(…) [[AS] alias]` and nothing else.
pub fn process_call(text: &[u8]) -> Option<ProcessCall<'_>> {
    let mut cursor = Cursor::new(text);
    if !cursor.take_word("select") {
        return None;
    }
    let start = cursor.peek()?.start;
    let function = function(&mut cursor)?;
    let end = cursor.take_punctuation(b')')?.end;
    let call = text.get(start..end)?;
    let mut alias: &[u8] = b"";
    if !cursor.at_end() {
        let first = cursor.peek()?;
        cursor.take_word("as");
        let last = cursor.next()?;
        if !matches!(last.kind, TokenKind::Word | TokenKind::QuotedIdentifier) {
            return None;
        }
        alias = text.get(first.start..last.end)?;
    }
    cursor.at_end().then_some(ProcessCall {
        function,
        call,
        alias,
    })
}

/// Reads a call up to its closing parenthesis.
fn function(cursor: &mut Cursor<'_>) -> Option<ProcessFunction> {
    if cursor.take_word("pg_catalog") {
        cursor.take_punctuation(b'.')?;
    }
    let name = cursor.next()?;
    let is = |cursor: &Cursor<'_>, word| cursor.is_word(name, word);
    if is(cursor, "pg_backend_pid") {
        cursor.take_punctuation(b'(')?;
        return Some(ProcessFunction::BackendPid);
    }
    if is(cursor, "pg_cancel_backend") {
        cursor.take_punctuation(b'(')?;
        return Some(ProcessFunction::Cancel(process(cursor)?));
    }
    if is(cursor, "pg_terminate_backend") {
        cursor.take_punctuation(b'(')?;
        let process = process(cursor)?;
        if cursor.take_punctuation(b',').is_some() {
            // How long to wait: an answer that is `true` has waited long enough.
            let timeout = cursor.next()?;
            if !matches!(timeout.kind, TokenKind::Number | TokenKind::Parameter) {
                return None;
            }
        }
        return Some(ProcessFunction::Terminate(process));
    }
    None
}

/// Reads a process id.
fn process(cursor: &mut Cursor<'_>) -> Option<NamedProcess> {
    let mut ahead = cursor.clone();
    if function(&mut ahead) == Some(ProcessFunction::BackendPid) {
        ahead.take_punctuation(b')')?;
        *cursor = ahead;
        return Some(NamedProcess::Own);
    }
    let token = cursor.next()?;
    let written = std::str::from_utf8(cursor.bytes(token)).ok()?;
    let process = match token.kind {
        TokenKind::Number => NamedProcess::Literal(written.parse().ok()?),
        TokenKind::String(StringForm::Standard) => {
            NamedProcess::Literal(written.trim_matches('\'').parse().ok()?)
        }
        TokenKind::Parameter => NamedProcess::Parameter(written.get(1..)?.parse().ok()?),
        _ => return None,
    };
    let cast = cursor
        .peek()
        .is_some_and(|token| token.kind == TokenKind::Operator && cursor.bytes(token) == b"::");
    if cast {
        cursor.next();
        if !["int", "int4", "integer"]
            .iter()
            .any(|name| cursor.take_word(name))
        {
            return None;
        }
    }
    Some(process)
}

#[cfg(test)]
mod tests {
    use super::{NamedProcess as P, ProcessFunction as F, process_call};

    #[test]
    fn statements_of_this_kind() {
        for (sql, function) in [
            ("SELECT pg_backend_pid()", F::BackendPid),
            ("select /**/ pg_catalog.PG_backend_pid ( ) ;", F::BackendPid),
            ("select pg_cancel_backend(12)", F::Cancel(P::Literal(12))),
            (
                "select pg_cancel_backend('12'::int)",
                F::Cancel(P::Literal(12)),
            ),
            ("select pg_cancel_backend($1)", F::Cancel(P::Parameter(1))),
            (
                "select pg_terminate_backend($2::int4, $1) as x",
                F::Terminate(P::Parameter(2)),
            ),
            (
                "select pg_terminate_backend(7, 500)",
                F::Terminate(P::Literal(7)),
            ),
            (
                "select pg_terminate_backend(pg_backend_pid())",
                F::Terminate(P::Own),
            ),
        ] {
            let found = process_call(sql.as_bytes()).map(|call| call.function);
            assert_eq!(found, Some(function), "{sql}");
        }
    }

    #[test]
    fn others_are_left_alone() {
        for sql in [
            "select pg_backend_pid() + 1",
            "select pg_backend_pid(), 1",
            "select pg_backend_pid() from t",
            "select pid from pg_stat_activity where pid <> pg_backend_pid()",
            "select x.pg_backend_pid()",
            "select \"pg_backend_pid\"()",
            "select pg_cancel_backend(-1)",
            "select pg_cancel_backend(99999999999)",
            "select pg_cancel_backend(pid) from pg_stat_activity",
            "select pg_cancel_backend($1::bigint)",
            "select pg_backend_pid(); select 1",
            "select pg_backend_pid(",
            "",
        ] {
            assert_eq!(process_call(sql.as_bytes()), None, "{sql}");
        }
    }

    #[test]
    fn rewritten() {
        let call = process_call(b"select pg_backend_pid();").unwrap();
        assert_eq!(
            call.with_value("5::int4"),
            b"SELECT 5::int4 AS pg_backend_pid"
        );
        let call = process_call(b"select pg_backend_pid() \"My Pid\"").unwrap();
        assert_eq!(call.with_value("5::int4"), b"SELECT 5::int4 \"My Pid\"");
        let call = process_call(b"select pg_terminate_backend($2, $1) as x").unwrap();
        let text = String::from_utf8(call.unless(2, -7)).unwrap();
        assert_eq!(
            text,
            "SELECT CASE WHEN $2::int4 = -7 THEN true ELSE pg_terminate_backend($2, $1) END as x"
        );
    }
}
