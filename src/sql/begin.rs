//! BEGIN and COMMIT in their plain forms, which can be answered before the server has seen them.

use super::cursor::Cursor;
use super::kind::{StatementKind, kind};
use super::lexer::TokenKind;

/// A plain BEGIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Begin {
    /// The tag of its CommandComplete: `BEGIN` or `START TRANSACTION`.
    pub tag: &'static str,
    /// Whether it has transaction modes, so that a bare BEGIN does not do the same.
    pub modes: bool,
}

/// A plain COMMIT or ROLLBACK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// COMMIT or END. In a failed block its tag is `ROLLBACK`.
    Commit,
    /// ROLLBACK or ABORT.
    Rollback,
}

impl End {
    /// The tag of its CommandComplete, where the block has not failed.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Commit => "COMMIT",
            Self::Rollback => "ROLLBACK",
        }
    }
}

/// Modes that DSQL accepts for sure (seen 2026-09), and so does every PostgreSQL.
const MODES: &[&[&str]] = &[
    &["isolation", "level", "repeatable", "read"],
    &["read", "only"],
    &["read", "write"],
];

/// Reads a text that is one BEGIN or START TRANSACTION and nothing else, without modes, or with
/// modes that the server accepts for sure, each at most once.
pub fn plain_begin(text: &[u8]) -> Option<Begin> {
    if kind(text) != StatementKind::Begin {
        return None;
    }
    let mut cursor = at_first_word(text)?;
    let tag = if cursor.take_word("start") {
        cursor
            .take_word("transaction")
            .then_some("START TRANSACTION")?
    } else {
        cursor.take_word("begin").then_some("BEGIN")?;
        noise(&mut cursor);
        "BEGIN"
    };
    let mut taken = [false; MODES.len()];
    let mut modes = false;
    while !cursor.at_end() {
        let mode = MODES.iter().position(|words| cursor.take_words(words))?;
        let again = std::mem::replace(taken.get_mut(mode)?, true);
        if again {
            return None;
        }
        modes = true;
        let comma = cursor
            .peek()
            .filter(|t| t.kind == TokenKind::Punctuation(b','));
        if comma.is_some() {
            cursor.next();
            if cursor.at_end() {
                return None;
            }
        }
    }
    // One of the two, not both: which one wins is the server's to say.
    let [_, only, write] = taken;
    (!(only && write)).then_some(Begin { tag, modes })
}

/// Reads a text that is one `{COMMIT | END | ROLLBACK | ABORT} [WORK | TRANSACTION] [AND NO
/// CHAIN]` and nothing else.
pub fn plain_end(text: &[u8]) -> Option<End> {
    let end = match kind(text) {
        StatementKind::Commit => End::Commit,
        StatementKind::Rollback => End::Rollback,
        _ => return None,
    };
    let mut cursor = at_first_word(text)?;
    cursor.next();
    noise(&mut cursor);
    cursor.take_words(&["and", "no", "chain"]);
    cursor.at_end().then_some(end)
}

/// Behind empty statements, before the first word.
fn at_first_word(text: &[u8]) -> Option<Cursor<'_>> {
    let mut cursor = Cursor::new(text);
    while cursor.peek()?.kind == TokenKind::Punctuation(b';') {
        cursor.next();
    }
    Some(cursor)
}

fn noise(cursor: &mut Cursor<'_>) {
    if !cursor.take_word("work") {
        cursor.take_word("transaction");
    }
}

#[cfg(test)]
mod tests;
