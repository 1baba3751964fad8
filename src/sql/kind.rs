//! What a statement does, by a glance at its first words.
//!
//! This is on the path of every statement: SELECT, INSERT, UPDATE and DELETE cost a look at
//! their first word and no allocation.

use super::cursor::Cursor;
use super::lexer::{self, Lexer};
use super::split;

/// What a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(
    missing_docs,
    reason = "the names are the statements of the PostgreSQL manual, part VI"
)]
pub enum StatementKind {
    Select,
    Insert,
    Update,
    Delete,
    /// A query, or a data-modifying statement, behind common table expressions.
    With,
    Values,
    Table,
    Merge,
    /// BEGIN and START TRANSACTION.
    Begin,
    /// COMMIT and END.
    Commit,
    /// ROLLBACK and ABORT.
    Rollback,
    Savepoint,
    Release,
    RollbackToSavepoint,
    PrepareTransaction,
    CommitPrepared,
    RollbackPrepared,
    Set,
    Reset,
    Show,
    Prepare,
    Execute,
    Deallocate,
    Discard,
    Declare,
    Fetch,
    Move,
    Close,
    Listen,
    Notify,
    Unlisten,
    Lock,
    Copy,
    Explain,
    Call,
    Do,
    Truncate,
    Vacuum,
    Analyze,
    Checkpoint,
    Cluster,
    Reindex,
    Refresh,
    Create,
    Alter,
    Drop,
    Comment,
    Grant,
    Revoke,
    Reassign,
    Security,
    Import,
    Load,
    /// Whitespace, comments and semicolons only.
    Empty,
    /// What begins with no word that PostgreSQL knows, such as `AWS IAM GRANT`.
    Other,
}

use StatementKind as K;

/// First words, other than the frequent ones, which [`kind`] decides itself.
const WORDS: &[(&[u8], StatementKind)] = &[
    (b"abort", K::Rollback),
    (b"alter", K::Alter),
    (b"analyze", K::Analyze),
    (b"analyse", K::Analyze),
    (b"begin", K::Begin),
    (b"call", K::Call),
    (b"checkpoint", K::Checkpoint),
    (b"close", K::Close),
    (b"cluster", K::Cluster),
    (b"comment", K::Comment),
    (b"copy", K::Copy),
    (b"create", K::Create),
    (b"deallocate", K::Deallocate),
    (b"declare", K::Declare),
    (b"discard", K::Discard),
    (b"do", K::Do),
    (b"drop", K::Drop),
    (b"end", K::Commit),
    (b"execute", K::Execute),
    (b"explain", K::Explain),
    (b"fetch", K::Fetch),
    (b"grant", K::Grant),
    (b"import", K::Import),
    (b"listen", K::Listen),
    (b"load", K::Load),
    (b"lock", K::Lock),
    (b"merge", K::Merge),
    (b"move", K::Move),
    (b"notify", K::Notify),
    (b"reassign", K::Reassign),
    (b"refresh", K::Refresh),
    (b"reindex", K::Reindex),
    (b"release", K::Release),
    (b"reset", K::Reset),
    (b"revoke", K::Revoke),
    (b"savepoint", K::Savepoint),
    (b"security", K::Security),
    (b"set", K::Set),
    (b"show", K::Show),
    (b"table", K::Table),
    (b"truncate", K::Truncate),
    (b"unlisten", K::Unlisten),
    (b"vacuum", K::Vacuum),
    (b"values", K::Values),
    (b"with", K::With),
];

/// What the first statement of `text` that is not empty does.
pub fn kind(text: &[u8]) -> StatementKind {
    if let Some(kind) = frequent(text) {
        return kind;
    }
    let Some(start) = first_significant(text) else {
        return K::Empty;
    };
    let rest = text.get(start..).unwrap_or_default();
    let length = rest
        .iter()
        .position(|&b| !lexer::is_word_part(b))
        .unwrap_or(rest.len());
    let (word, behind) = rest.split_at(length);
    // The next frequent ones are decided by length and one comparison each.
    match length {
        0 if rest.first() == Some(&b'(') => K::Select,
        6 if word.eq_ignore_ascii_case(b"select") => K::Select,
        6 if word.eq_ignore_ascii_case(b"insert") => K::Insert,
        6 if word.eq_ignore_ascii_case(b"update") => K::Update,
        6 if word.eq_ignore_ascii_case(b"delete") => K::Delete,
        6 if word.eq_ignore_ascii_case(b"commit") => commit(behind),
        8 if word.eq_ignore_ascii_case(b"rollback") => rollback(behind),
        7 if word.eq_ignore_ascii_case(b"prepare") => prepare(behind),
        5 if word.eq_ignore_ascii_case(b"start") => start_transaction(behind),
        _ => match WORDS
            .iter()
            .find(|(name, _)| word.eq_ignore_ascii_case(name))
        {
            Some((b"end", _)) => commit(behind),
            Some((b"abort", _)) => rollback(behind),
            Some((_, kind)) => *kind,
            None => K::Other,
        },
    }
}

/// The kind of a text that begins at once with one of the most frequent words.
#[inline]
fn frequent(text: &[u8]) -> Option<StatementKind> {
    let (word, behind) = text.split_first_chunk::<6>()?;
    if behind.first().is_some_and(|&b| lexer::is_word_part(b)) {
        return None;
    }
    // Of two bytes that differ in this bit only, a letter's other one is the other case.
    match &word.map(|b| b | 0x20) {
        b"select" => Some(K::Select),
        b"insert" => Some(K::Insert),
        b"update" => Some(K::Update),
        b"delete" => Some(K::Delete),
        _ => None,
    }
}

/// The only statement of `text` that is not empty; `None` where there is none, or more than one.
pub fn single_statement(text: &[u8]) -> Option<&[u8]> {
    let mut statements = split::statements(text).filter(|statement| !statement.is_empty());
    let first = statements.next()?;
    match statements.next() {
        None => text.get(first.body),
        Some(_) => None,
    }
}

/// Whether `text` holds exactly one statement that is not empty.
pub fn is_single_statement(text: &[u8]) -> bool {
    single_statement(text).is_some()
}

/// The offset of the first byte that is neither whitespace, comment nor semicolon.
fn first_significant(text: &[u8]) -> Option<usize> {
    match text.first() {
        Some(b) if b.is_ascii_alphabetic() => Some(0),
        _ => Lexer::new(text)
            .find(|token| {
                !token.kind.is_trivia() && token.kind != lexer::TokenKind::Punctuation(b';')
            })
            .map(|token| token.start),
    }
}

fn commit(behind: &[u8]) -> StatementKind {
    if Cursor::new(behind).take_word("prepared") {
        K::CommitPrepared
    } else {
        K::Commit
    }
}

fn prepare(behind: &[u8]) -> StatementKind {
    // `PREPARE transaction AS …` prepares a statement of that name.
    let mut cursor = Cursor::new(behind);
    if cursor.take_word("transaction")
        && cursor
            .peek()
            .is_some_and(|token| matches!(token.kind, lexer::TokenKind::String(_)))
    {
        K::PrepareTransaction
    } else {
        K::Prepare
    }
}

fn start_transaction(behind: &[u8]) -> StatementKind {
    if Cursor::new(behind).take_word("transaction") {
        K::Begin
    } else {
        K::Other
    }
}

/// `ROLLBACK [WORK | TRANSACTION] [TO …]` and `ROLLBACK PREPARED`.
fn rollback(behind: &[u8]) -> StatementKind {
    let mut cursor = Cursor::new(behind);
    if cursor.take_word("prepared") {
        return K::RollbackPrepared;
    }
    if !cursor.take_word("work") {
        cursor.take_word("transaction");
    }
    if cursor.take_word("to") {
        K::RollbackToSavepoint
    } else {
        K::Rollback
    }
}
