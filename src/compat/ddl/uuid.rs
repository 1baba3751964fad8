//! `uuid_generate_v4()` of the extension uuid-ossp, which is PostgreSQL's own `gen_random_uuid()`
//! (manual §F.49 and §9.14: both make version 4, random UUIDs).

use std::ops::Range;

use super::change::Change;
use super::edits::Edits;
use crate::sql::{self, Lexer, Token, TokenKind};

/// The text with `gen_random_uuid()` for each call of `uuid_generate_v4()`; `None` if it has none.
/// For texts in UTF-8, of any statements but one that makes such a function.
pub fn with_gen_random_uuid(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?;
    let mut edits = Edits::new(text);
    edit(&mut edits).then(|| edits.whole().0)
}

/// Changes every call; true if there is one.
pub(super) fn edit(edits: &mut Edits<'_>) -> bool {
    let calls = calls(edits.text().as_bytes());
    for call in &calls {
        edits.replace(call.clone(), "gen_random_uuid()");
        edits.tell(&Change::Uuid);
    }
    !calls.is_empty()
}

fn calls(text: &[u8]) -> Vec<Range<usize>> {
    let tokens: Vec<Token> = Lexer::new(text)
        .filter(|token| !token.kind.is_trivia())
        .collect();
    let is = |at: Option<usize>, mark: u8| {
        at.and_then(|at| tokens.get(at))
            .is_some_and(|token| token.kind == TokenKind::Punctuation(mark))
    };
    let named = |token: Token, names: &[&str]| {
        sql::plain_name(token, text)
            .is_some_and(|name| names.iter().any(|known| known.as_bytes() == name))
    };
    let mut calls = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if !named(*token, &[FUNCTION]) || !is(Some(at + 1), b'(') || !is(Some(at + 2), b')') {
            continue;
        }
        let Some(end) = tokens.get(at + 2).map(|token| token.end) else {
            continue;
        };
        if !is(at.checked_sub(1), b'.') {
            calls.push(token.start..end);
            continue;
        }
        let schema = at.checked_sub(2).and_then(|at| tokens.get(at));
        if let Some(schema) = schema
            && named(*schema, SCHEMAS)
            && !is(at.checked_sub(3), b'.')
        {
            calls.push(schema.start..end);
        }
    }
    calls
}

const FUNCTION: &str = "uuid_generate_v4";

/// Where the extension is: where CREATE EXTENSION puts it, or where a hosted PostgreSQL has it.
const SCHEMAS: &[&str] = &["public", "extensions"];
