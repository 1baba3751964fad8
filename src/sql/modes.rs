//! The modes of a transaction.

use super::cursor::Cursor;
use super::kind::{self, StatementKind};

/// An isolation level, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isolation {
    /// READ UNCOMMITTED.
    ReadUncommitted,
    /// READ COMMITTED.
    ReadCommitted,
    /// REPEATABLE READ.
    RepeatableRead,
    /// SERIALIZABLE.
    Serializable,
}

impl Isolation {
    /// As `transaction_isolation` shows it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReadUncommitted => "read uncommitted",
            Self::ReadCommitted => "read committed",
            Self::RepeatableRead => "repeatable read",
            Self::Serializable => "serializable",
        }
    }

    /// The level that `transaction_isolation` shows as `text`.
    pub fn from_name(text: &str) -> Option<Self> {
        LEVELS
            .iter()
            .map(|(_, level)| *level)
            .find(|level| level.as_str() == text)
    }
}

/// What a list of modes says. Of a mode that is there twice the last one holds, as in PostgreSQL,
/// which sets one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Modes {
    /// ISOLATION LEVEL.
    pub isolation: Option<Isolation>,
    /// READ ONLY is true, READ WRITE false.
    pub read_only: Option<bool>,
    /// DEFERRABLE is true, NOT DEFERRABLE false.
    pub deferrable: Option<bool>,
}

const LEVELS: &[(&[&str], Isolation)] = &[
    (&["read", "uncommitted"], Isolation::ReadUncommitted),
    (&["read", "committed"], Isolation::ReadCommitted),
    (&["repeatable", "read"], Isolation::RepeatableRead),
    (&["serializable"], Isolation::Serializable),
];

/// Reads the modes behind SET TRANSACTION: `transaction_mode_list` of `gram.y`. `None` for
/// everything else, such as SNAPSHOT.
pub fn transaction_modes(text: &[u8]) -> Option<Modes> {
    let mut cursor = Cursor::new(text);
    if cursor.at_end() {
        return None;
    }
    modes(&mut cursor)
}

/// A BEGIN or START TRANSACTION.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BeginStatement {
    /// What begins it, and the tag of its CommandComplete: `BEGIN` or `START TRANSACTION`.
    pub verb: &'static str,
    /// Its modes.
    pub modes: Modes,
}

/// Reads a text that is one BEGIN or START TRANSACTION and nothing else.
pub fn begin_statement(text: &[u8]) -> Option<BeginStatement> {
    if kind::kind(text) != StatementKind::Begin {
        return None;
    }
    let mut cursor = Cursor::new(kind::single_statement(text)?);
    let verb = if cursor.take_words(&["start", "transaction"]) {
        "START TRANSACTION"
    } else {
        cursor.take_word("begin").then_some(())?;
        if !cursor.take_word("work") {
            cursor.take_word("transaction");
        }
        "BEGIN"
    };
    let modes = modes(&mut cursor)?;
    Some(BeginStatement { verb, modes })
}

/// Modes up to the end, with or without commas between them.
fn modes(cursor: &mut Cursor<'_>) -> Option<Modes> {
    let mut modes = Modes::default();
    while !cursor.at_end() {
        if cursor.take_words(&["isolation", "level"]) {
            let level = LEVELS.iter().find(|(words, _)| cursor.take_words(words))?;
            modes.isolation = Some(level.1);
        } else if cursor.take_words(&["read", "only"]) {
            modes.read_only = Some(true);
        } else if cursor.take_words(&["read", "write"]) {
            modes.read_only = Some(false);
        } else if cursor.take_words(&["not", "deferrable"]) {
            modes.deferrable = Some(false);
        } else if cursor.take_word("deferrable") {
            modes.deferrable = Some(true);
        } else {
            return None;
        }
        if cursor.take_punctuation(b',').is_some() && cursor.at_end() {
            return None;
        }
    }
    Some(modes)
}

#[cfg(test)]
mod tests;
