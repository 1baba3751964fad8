//! Reads the statements.

use super::argument::arguments;
use super::{
    Around, LockArgument, LockArguments, LockCall, LockFunction, LockResult, LockStatement,
    mentions_advisory_lock,
};
use crate::sql::cursor::Cursor;
use crate::sql::lexer::{Token, TokenKind};

/// Key words that go on with the statement where an alias could stand (manual, appendix "SQL Key
/// Words": those that "require AS", and two operators).
const NO_ALIAS: &[&str] = &[
    "array",
    "as",
    "char",
    "character",
    "collate",
    "create",
    "day",
    "except",
    "fetch",
    "filter",
    "for",
    "from",
    "grant",
    "group",
    "having",
    "hour",
    "intersect",
    "into",
    "isnull",
    "limit",
    "minute",
    "month",
    "notnull",
    "offset",
    "on",
    "order",
    "over",
    "overlaps",
    "precision",
    "returning",
    "second",
    "to",
    "union",
    "varying",
    "where",
    "window",
    "with",
    "within",
    "without",
    "year",
];

/// PostgreSQL cuts longer names off (`NAMEDATALEN`).
const LONGEST_NAME: usize = 63;

/// Reads a text that is one statement about advisory locks and nothing else: `SELECT call [[AS]
/// alias], …` or `SELECT … FROM call [[AS] alias] [WHERE …]`. A call is `[pg_catalog.]function(…)`.
pub fn lock_statement(text: &[u8]) -> Option<LockStatement<'_>> {
    let mut cursor = Cursor::new(text);
    if !cursor.take_word("select") || !mentions_advisory_lock(text) {
        return None;
    }
    columns(cursor.clone(), text).or_else(|| in_from(cursor, text))
}

/// `call [::type] [[AS] alias], …`
fn columns<'a>(mut cursor: Cursor<'a>, text: &'a [u8]) -> Option<LockStatement<'a>> {
    let mut calls = Vec::new();
    loop {
        let (function, arguments) = call(&mut cursor, text)?;
        let result = cast(&mut cursor, function.result())?;
        let column = column(&mut cursor, function)?;
        calls.push(LockCall {
            function,
            arguments,
            column,
            result,
        });
        if cursor.at_end() {
            return Some(LockStatement {
                calls,
                around: None,
            });
        }
        cursor.take_punctuation(b',')?;
    }
}

/// `… FROM call [[AS] alias] [WHERE …]`
fn in_from<'a>(mut cursor: Cursor<'a>, text: &'a [u8]) -> Option<LockStatement<'a>> {
    let first = cursor.peek()?;
    let from = find_from(&mut cursor)?;
    let selected = text.get(first.start..from.start)?;
    let before = text.get(..from.end)?;
    let (function, arguments) = call(&mut cursor, text)?;
    let column = column(&mut cursor, function)?;
    let behind = if cursor.at_end() {
        &[][..]
    } else {
        let start = cursor.peek()?.start;
        cursor.take_word("where").then_some(())?;
        text.get(start..condition(&mut cursor)?)?
    };
    if calls_another(selected) || calls_another(behind) {
        return None;
    }
    let is_star = selected.trim_ascii() == b"*";
    let call = LockCall {
        function,
        arguments,
        column,
        result: function.result(),
    };
    Some(LockStatement {
        calls: vec![call],
        // All columns of the only row are the call's.
        around: (!is_star || !behind.is_empty()).then_some(Around { before, behind }),
    })
}

/// Goes behind FROM, outside of parentheses.
fn find_from(cursor: &mut Cursor<'_>) -> Option<Token> {
    let mut depth = 0_usize;
    loop {
        let token = cursor.next()?;
        match token.kind {
            TokenKind::Punctuation(b'(' | b'[') => depth += 1,
            TokenKind::Punctuation(b')' | b']') => depth = depth.checked_sub(1)?,
            TokenKind::Punctuation(b';') | TokenKind::Unterminated(_) | TokenKind::Unknown => {
                return None;
            }
            _ if depth == 0 && cursor.is_word(token, "into") => return None,
            _ if depth == 0 && cursor.is_word(token, "from") => return Some(token),
            _ => {}
        }
    }
}

/// Goes to the end of a condition, which must be the end of the statement.
fn condition(cursor: &mut Cursor<'_>) -> Option<usize> {
    let mut end = None;
    let mut depth = 0_usize;
    while !cursor.at_end() {
        let token = cursor.next()?;
        match token.kind {
            TokenKind::Punctuation(b'(') => depth += 1,
            TokenKind::Punctuation(b')') => depth = depth.checked_sub(1)?,
            TokenKind::Punctuation(b';') | TokenKind::Unterminated(_) | TokenKind::Unknown => {
                return None;
            }
            // What follows a condition may keep the server from calling the function.
            _ if depth == 0
                && NO_ALIAS.iter().any(|word| cursor.is_word(token, word))
                && !cursor.is_word(token, "isnull")
                && !cursor.is_word(token, "notnull") =>
            {
                return None;
            }
            _ => {}
        }
        end = Some(token.end);
    }
    end.filter(|_| depth == 0)
}

/// Whether one of the functions' names stands before a parenthesis.
fn calls_another(text: &[u8]) -> bool {
    let mut cursor = Cursor::new(text);
    while let Some(token) = cursor.next() {
        let called = cursor
            .peek()
            .is_some_and(|next| next.kind == TokenKind::Punctuation(b'('));
        if called && mentions_advisory_lock(cursor.bytes(token)) {
            return true;
        }
    }
    false
}

/// `[pg_catalog.]function(…)`
fn call<'a>(cursor: &mut Cursor<'a>, text: &'a [u8]) -> Option<(LockFunction, LockArguments<'a>)> {
    if cursor.take_word("pg_catalog") {
        cursor.take_punctuation(b'.')?;
    }
    let name = cursor.next().filter(|name| name.kind == TokenKind::Word)?;
    let function = LockFunction::named(cursor.bytes(name))?;
    cursor.take_punctuation(b'(')?;
    let arguments = arguments(cursor, text)?;
    let fits = match arguments {
        LockArguments::None => function == LockFunction::UnlockAll,
        LockArguments::One(_) | LockArguments::Two(..) => function != LockFunction::UnlockAll,
    };
    let nested = arguments.iter().any(|argument| match argument {
        LockArgument::Expression(text) => calls_another(text),
        _ => false,
    });
    (fits && !nested).then_some((function, arguments))
}

/// Reads the cast of a call, if there is one; none if it is to something unusual.
fn cast(cursor: &mut Cursor<'_>, result: LockResult) -> Option<LockResult> {
    let is_cast = cursor
        .peek()
        .is_some_and(|token| token.kind == TokenKind::Operator && cursor.bytes(token) == b"::");
    if !is_cast {
        return Some(result);
    }
    cursor.next();
    let name = cursor.next().filter(|name| name.kind == TokenKind::Word)?;
    let is = |words: &[&str]| words.iter().any(|word| cursor.is_word(name, word));
    match result {
        _ if is(&["text"]) => Some(LockResult::Text),
        LockResult::Bool if is(&["bool", "boolean"]) => Some(LockResult::Bool),
        LockResult::Bool if is(&["int", "int4", "integer"]) => Some(LockResult::Int4),
        _ => None,
    }
}

/// Reads `[AS] alias`, if it is there, and otherwise takes the function's name; none if it cannot
/// be read. What it is followed by is the caller's.
fn column(cursor: &mut Cursor<'_>, function: LockFunction) -> Option<Vec<u8>> {
    let explicit = cursor.take_word("as");
    let token = cursor.peek();
    let is_alias = |token: &Token| match token.kind {
        TokenKind::Word => explicit || !NO_ALIAS.iter().any(|word| cursor.is_word(*token, word)),
        kind => kind == TokenKind::QuotedIdentifier,
    };
    let Some(token) = token.filter(is_alias) else {
        return (!explicit).then(|| function.name().into());
    };
    let name = match token.kind {
        TokenKind::Word => cursor.bytes(token).to_ascii_lowercase(),
        _ => unquoted(cursor.bytes(token))?,
    };
    cursor.next();
    (!name.is_empty() && name.len() <= LONGEST_NAME).then_some(name)
}

/// The content of `"…"`.
fn unquoted(identifier: &[u8]) -> Option<Vec<u8>> {
    let inner = identifier.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let mut name = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(&byte) = bytes.next() {
        name.push(byte);
        if byte == b'"' {
            // The second of two.
            bytes.next();
        }
    }
    Some(name)
}
