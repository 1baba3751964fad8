//! What a probe is.

use std::fmt;
use std::rc::Rc;

use crate::wire::SqlState;
use crate::wire::backend::TransactionStatus;

/// A statement, or a script of several, and what DSQL answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// The name of its file.
    pub subject: String,
    /// Its line in the file.
    pub line: usize,
    /// A script's name, or the statement.
    pub title: String,
    /// Who saw or wrote it, and when.
    pub source: Rc<str>,
    /// What is special about it.
    pub marks: Vec<Mark>,
    /// What exists before it runs.
    pub setup: Rc<Setup>,
    /// Whether it is written as a script, which opens its transactions itself.
    pub is_script: bool,
    /// What is sent, never empty.
    pub steps: Vec<Step>,
}

impl Probe {
    /// Whether it is marked so.
    pub fn is(&self, mark: Mark) -> bool {
        self.marks.contains(&mark)
    }

    /// Where it is written.
    pub fn place(&self) -> String {
        format!("{}:{}", self.subject, self.line)
    }
}

/// The statements of a group that run before its probes. Every group has its own, also if two are
/// equal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Setup {
    /// The statements.
    pub steps: Vec<Step>,
}

/// What is special about a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Nobody has recorded it; it follows from a pattern, or a document says so.
    Inferred,
    /// It makes sense on a local cluster only.
    Local,
    /// The local cluster deliberately does not do it.
    Remote,
    /// It is about the connection itself, so a proxy may answer otherwise.
    Direct,
    /// Only as a simple Query.
    Simple,
    /// Only in the extended protocol.
    Extended,
    /// Only outside a transaction block.
    Outside,
    /// Only inside a transaction block.
    Inside,
    /// It takes long, so once is enough: a simple Query outside a block.
    Once,
}

impl Mark {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("inferred", Self::Inferred),
        ("local", Self::Local),
        ("remote", Self::Remote),
        ("direct", Self::Direct),
        ("simple", Self::Simple),
        ("extended", Self::Extended),
        ("outside", Self::Outside),
        ("inside", Self::Inside),
        ("once", Self::Once),
    ];

    /// The mark of this name.
    pub fn named(name: &str) -> Option<Self> {
        let found = Self::NAMES.iter().find(|(known, _)| *known == name);
        found.map(|(_, mark)| *mark)
    }
}

/// One thing that is sent, and the answer to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The session that sends it.
    pub session: char,
    /// The statement, or `\connect` with startup parameters.
    pub text: String,
    /// Lines of data for a COPY FROM STDIN.
    pub data: Vec<String>,
    /// The answer.
    pub expect: Expectation,
    /// The transaction status after it, if it does not follow from the answer.
    pub status: Option<Status>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expectation {
    /// It works.
    Success {
        /// The command tags, one for each statement; `*` at the end stands for any rest. Empty: any.
        tags: Vec<String>,
        /// The rows, if they matter.
        rows: Option<Vec<Vec<Cell>>>,
    },
    /// It fails.
    Error {
        /// With this SQLSTATE, if it is known.
        sqlstate: Option<SqlState>,
        /// And this text.
        message: Message,
    },
    /// The connection is closed without a word.
    Closed,
}

/// The primary message of an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// It is not known, or does not matter.
    Any,
    /// The whole of it.
    Exact(String),
    /// Its beginning.
    Prefix(String),
}

/// A value in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Whatever it is.
    Any,
    /// The whole text; NULL is the empty text.
    Exact(String),
    /// Its beginning.
    Prefix(String),
    /// A job's id, which later statements use under this name.
    Job(String),
}

/// A transaction status, as in ReadyForQuery.
pub type Status = TransactionStatus;

/// The letter of a transaction status.
pub(super) fn letter(status: Status) -> char {
    match status {
        Status::Idle => 'I',
        Status::InTransaction => 'T',
        Status::Failed => 'E',
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Success { tags, rows } => {
                if tags.is_empty() {
                    f.write_str("success")?;
                }
                f.write_str(&tags.join(" + "))?;
                let Some(rows) = rows else { return Ok(()) };
                let rows: Vec<_> = rows.iter().map(|row| joined(row)).collect();
                write!(f, " = {}", rows.join(" / "))
            }
            Self::Error { sqlstate, message } => {
                f.write_str("error")?;
                if let Some(sqlstate) = sqlstate {
                    write!(f, " {sqlstate}")?;
                }
                match message {
                    Message::Any => Ok(()),
                    Message::Exact(text) => write!(f, " {text}"),
                    Message::Prefix(text) => write!(f, " {text}…"),
                }
            }
            Self::Closed => f.write_str("a closed connection"),
        }
    }
}

fn joined(row: &[Cell]) -> String {
    let cells: Vec<_> = row.iter().map(ToString::to_string).collect();
    cells.join("|")
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Exact(text) => f.write_str(text),
            Self::Prefix(text) => write!(f, "{text}…"),
            Self::Job(_) => f.write_str("<job id>"),
        }
    }
}
