//! The names in a statement that may mean tables.
//!
//! Which of them do is for PostgreSQL to say. A shadow has its table's name in the schema
//! `pg_temp`, which is searched first; so a statement that names a table without its schema finds
//! the shadow by itself, and from `schema.table` the schema has to be replaced.

use std::ops::Range;

use crate::sql::{Lexer, Token, TokenKind};

/// The schema of shadows.
const SHADOWS: &str = "pg_temp";

/// A name as it stands in a statement, perhaps with a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    /// In quotes, as PostgreSQL's `to_regclass` takes it.
    pub(super) quoted: String,
    /// Where its schema stands, without the dot.
    schema: Option<Range<usize>>,
}

/// The names of a statement, each as often as it stands there; `None` where they cannot be told for
/// certain: a name with UESCAPE, one that begins with the database, one that is not UTF-8.
pub(super) fn names(statement: &[u8]) -> Option<Vec<Name>> {
    let tokens: Vec<Token> = Lexer::new(statement)
        .filter(|token| !token.kind.is_trivia())
        .collect();
    if tokens.iter().any(|token| is_uescape(statement, *token)) {
        return None;
    }
    let mut names = vec![];
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let Some(first) = identifier(statement, *token)? else {
            at += 1;
            continue;
        };
        let mut chain = vec![(first, *token)];
        at += 1;
        while is_dot(tokens.get(at))
            && let Some(next) = tokens.get(at + 1)
            && let Some(part) = identifier(statement, *next)?
        {
            chain.push((part, *next));
            at += 2;
        }
        match chain.as_slice() {
            [(one, _)] => names.push(Name {
                quoted: quote(one),
                schema: None,
            }),
            [(database, _), _, _, ..] if database == "postgres" => return None,
            [(schema, at), (table, _), ..] => {
                // `table.column` and `schema.table` look alike.
                names.push(Name {
                    quoted: quote(schema),
                    schema: None,
                });
                names.push(Name {
                    quoted: format!("{}.{}", quote(schema), quote(table)),
                    schema: Some(at.start..at.end),
                });
            }
            [] => {}
        }
    }
    Some(names)
}

/// The names as a list for SQL, each once.
pub(super) fn array(names: &[Name]) -> String {
    let mut quoted: Vec<&str> = names.iter().map(|name| name.quoted.as_str()).collect();
    quoted.sort_unstable();
    quoted.dedup();
    let literals: Vec<String> = quoted
        .into_iter()
        .map(|name| format!("E'{}'", name.replace('\\', r"\\").replace('\'', "''")))
        .collect();
    format!("ARRAY[{}]::pg_catalog.text[]", literals.join(", "))
}

/// The statement with the shadows' schema in place of that of every name that has a shadow.
pub(super) fn on_shadows(
    statement: &[u8],
    names: &[Name],
    is_shadowed: impl Fn(&str) -> bool,
) -> Vec<u8> {
    let mut text = Vec::with_capacity(statement.len());
    let mut done = 0;
    for name in names {
        if let Some(schema) = &name.schema
            && is_shadowed(&name.quoted)
        {
            text.extend_from_slice(statement.get(done..schema.start).unwrap_or_default());
            text.extend_from_slice(SHADOWS.as_bytes());
            done = schema.end;
        }
    }
    text.extend_from_slice(statement.get(done..).unwrap_or_default());
    text
}

/// Whether a locking statement locks no more than keys.
pub(super) fn locks_keys_only(statement: &[u8]) -> bool {
    has(statement, [b"key", b"share"]) && !has(statement, [b"for", b"update"])
}

/// Whether a statement has ON CONFLICT, and so may leave a row that is taken as it is.
pub(super) fn inserts_or_not(statement: &[u8]) -> bool {
    has(statement, [b"on", b"conflict"])
}

/// Whether these two words follow each other in a statement.
fn has(statement: &[u8], wanted: [&[u8]; 2]) -> bool {
    let words: Vec<Vec<u8>> = Lexer::new(statement)
        .filter(|token| token.kind == TokenKind::Word)
        .map(|token| token.bytes(statement).to_ascii_lowercase())
        .collect();
    words.windows(2).any(|pair| pair == wanted)
}

/// What an identifier means; the inner `None` for other tokens, the outer for what cannot be told.
#[expect(
    clippy::option_option,
    reason = "two kinds of absence, both local to this file"
)]
fn identifier(statement: &[u8], token: Token) -> Option<Option<String>> {
    let text = || std::str::from_utf8(token.bytes(statement)).ok();
    match token.kind {
        // PostgreSQL folds nothing but ASCII in UTF-8.
        TokenKind::Word => Some(Some(text()?.to_ascii_lowercase())),
        TokenKind::QuotedIdentifier => {
            let inner = text()?.strip_prefix('"')?.strip_suffix('"')?;
            Some(Some(inner.replace("\"\"", "\"")))
        }
        TokenKind::UnicodeIdentifier => {
            let inner = text()?.get(3..)?.strip_suffix('"')?;
            Some(Some(unescape(&inner.replace("\"\"", "\""))?))
        }
        _ => Some(None),
    }
}

/// `\XXXX` and `\+XXXXXX` (manual, "Identifiers and Key Words"). Surrogate pairs cannot be told.
fn unescape(text: &str) -> Option<String> {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        plain.push_str(rest.get(..at)?);
        rest = rest.get(at + 1..)?;
        if let Some(after) = rest.strip_prefix('\\') {
            plain.push('\\');
            rest = after;
            continue;
        }
        let (digits, length) = match rest.strip_prefix('+') {
            Some(after) => (after, 6),
            None => (rest, 4),
        };
        let code = u32::from_str_radix(digits.get(..length)?, 16).ok()?;
        plain.push(char::from_u32(code)?);
        rest = digits.get(length..)?;
    }
    plain.push_str(rest);
    Some(plain)
}

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn is_dot(token: Option<&Token>) -> bool {
    token.is_some_and(|token| token.kind == TokenKind::Punctuation(b'.'))
}

fn is_uescape(statement: &[u8], token: Token) -> bool {
    token.kind == TokenKind::Word && token.bytes(statement).eq_ignore_ascii_case(b"uescape")
}

#[cfg(test)]
mod tests;
