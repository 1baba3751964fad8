//! The statements of a text.
//!
//! A semicolon ends a statement, except within a token, within parentheses (`CREATE RULE … DO
//! (…; …)`), and within the `BEGIN ATOMIC … END` body of an SQL-standard function. psql splits
//! by the same rules, and PostgreSQL's grammar accepts a semicolon nowhere else.

use std::ops::Range;

use super::cursor::Cursor;
use super::kind::{self, StatementKind};
use super::lexer::{Token, TokenKind};

/// One statement of a text, as byte ranges of that text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Everything from behind the semicolon before to this statement's own semicolon, without
    /// either.
    pub span: Range<usize>,
    /// From the first to the last token that is neither whitespace nor a comment; an empty range
    /// at the end of `span` where there is none.
    pub body: Range<usize>,
    /// Whether a semicolon follows.
    pub ended: bool,
}

impl Statement {
    /// True for a statement of whitespace and comments only, which PostgreSQL drops.
    pub fn is_empty(&self) -> bool {
        self.body.is_empty()
    }

    /// The statement itself, without what surrounds it.
    pub fn bytes<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        text.get(self.body.clone()).unwrap_or_default()
    }

    /// What the statement does.
    pub fn kind(&self, text: &[u8]) -> StatementKind {
        kind::kind(self.bytes(text))
    }
}

/// The statements of `text`, the empty ones too. Their spans and semicolons, put together, are
/// the text. A text without any byte has no statement.
pub fn statements(text: &[u8]) -> Statements<'_> {
    Statements {
        text,
        cursor: Cursor::new(text),
        at: 0,
    }
}

/// See [`statements`].
#[derive(Debug, Clone)]
pub struct Statements<'a> {
    text: &'a [u8],
    cursor: Cursor<'a>,
    at: usize,
}

impl Iterator for Statements<'_> {
    type Item = Statement;

    fn next(&mut self) -> Option<Statement> {
        let start = self.at;
        if start >= self.text.len() {
            return None;
        }
        let mut nesting = Nesting::default();
        let mut body: Option<Range<usize>> = None;
        while let Some(token) = self.cursor.next() {
            if token.kind == TokenKind::Punctuation(b';') && nesting.is_outside() {
                self.at = token.end;
                return Some(statement(start..token.start, body, true));
            }
            nesting.see(&self.cursor, token);
            body = Some(body.map_or(token.start, |b| b.start)..token.end);
        }
        self.at = self.text.len();
        Some(statement(start..self.at, body, false))
    }
}

fn statement(span: Range<usize>, body: Option<Range<usize>>, ended: bool) -> Statement {
    let body = body.unwrap_or(span.end..span.end);
    Statement { span, body, ended }
}

/// Where in a statement we are, as far as semicolons go.
#[derive(Debug, Default)]
struct Nesting {
    parentheses: usize,
    /// The open BEGIN ATOMIC, and every CASE open within it: each ends with END.
    blocks: usize,
    head: Head,
    /// The previous token was `.` or AS: what follows is a name, whatever it spells.
    name_follows: bool,
}

/// How much of `CREATE [OR REPLACE] {FUNCTION|PROCEDURE}` has been seen.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Head {
    #[default]
    Start,
    Create,
    Or,
    OrReplace,
    Routine,
    /// `CREATE FUNCTION … BEGIN`: a body begins if ATOMIC follows.
    RoutineBegin,
    Other,
}

impl Nesting {
    fn is_outside(&self) -> bool {
        self.parentheses == 0 && self.blocks == 0
    }

    fn see(&mut self, cursor: &Cursor<'_>, token: Token) {
        let named = std::mem::replace(
            &mut self.name_follows,
            token.kind == TokenKind::Punctuation(b'.') || cursor.is_word(token, "as"),
        );
        match token.kind {
            TokenKind::Punctuation(b'(') => self.parentheses += 1,
            TokenKind::Punctuation(b')') => {
                self.parentheses = self.parentheses.saturating_sub(1);
            }
            _ => {}
        }
        let word = |name| !named && cursor.is_word(token, name);
        if self.blocks > 0 {
            if word("case") {
                self.blocks += 1;
            } else if word("end") {
                self.blocks -= 1;
            }
            return;
        }
        self.head = match self.head {
            Head::Start if word("create") => Head::Create,
            Head::Create if word("or") => Head::Or,
            Head::Or if word("replace") => Head::OrReplace,
            Head::Create | Head::OrReplace if word("function") || word("procedure") => {
                Head::Routine
            }
            Head::Routine if self.parentheses == 0 && word("begin") => Head::RoutineBegin,
            Head::RoutineBegin if word("atomic") => {
                self.blocks = 1;
                Head::Routine
            }
            Head::Routine | Head::RoutineBegin => Head::Routine,
            _ => Head::Other,
        };
    }
}
