//! What can be made to go wrong.

use std::time::Duration;

use regex_lite::{Regex, RegexBuilder};

use super::words::Words;
use crate::dsql::limits::{CONNECTION_RATE, CONNECTIONS};
use crate::wire::{ErrorResponse, SqlState};

/// A fault: what goes wrong, for whom, at which statements, how often.
#[derive(Debug, Clone)]
pub struct Fault {
    /// What goes wrong.
    pub action: Action,
    /// For whom.
    pub target: Target,
    /// At which statements. A fault at COMMIT then waits for a transaction in which such a
    /// statement ran.
    pub pattern: Option<Pattern>,
    /// How often; until it is cleared, if there is no number.
    pub times: Option<u32>,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// A login is refused.
    Refuse(Refusal),
    /// Something takes longer.
    Delay(DelayAt, Duration),
    /// A statement fails.
    Statement(StatementFault),
    /// A COMMIT fails, or the end of an autocommit statement.
    Commit(CommitFault),
    /// Sessions that cached an older catalog get OC001, as real clusters sometimes do.
    StaleCatalog,
}

/// What takes longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DelayAt {
    /// A login, after its startup packet.
    Login,
    /// A statement, before it runs.
    Statement,
    /// A COMMIT, before it takes effect.
    Commit,
}

/// Why a login is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Too many connections in too short a time.
    RateExceeded,
    /// Too many connections at once.
    TooManyConnections,
    /// The token is not good.
    AccessDenied {
        /// The HINT, which says what is wrong with it.
        hint: String,
    },
    /// The cluster was idle and wakes up.
    WakingUp,
}

impl Refusal {
    /// What DSQL says (user guide, "Quotas" and "Troubleshooting", 2026-09). The SQLSTATE of
    /// a cluster that wakes up is not known; 57P03 is PostgreSQL's for a server that starts.
    pub fn to_response(&self) -> ErrorResponse {
        let (sqlstate, text) = match self {
            Self::RateExceeded => (SqlState::RATE_EXCEEDED, CONNECTION_RATE.message),
            Self::TooManyConnections => (SqlState::TOO_MANY_CONNECTIONS, CONNECTIONS.message),
            Self::AccessDenied { hint } => {
                let text = "unable to accept connection, access denied";
                return ErrorResponse::fatal(SqlState::INVALID_AUTHORIZATION, text).hint(hint);
            }
            Self::WakingUp => (
                SqlState::CANNOT_CONNECT_NOW,
                "unable to accept connection, waking up cluster, please retry later",
            ),
        };
        ErrorResponse::fatal(sqlstate, text)
    }
}

/// How a statement fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatementFault {
    /// OC000 in place of its result.
    ConflictAtExecute,
    /// OC000 after its CommandComplete, at the Sync; of an autocommit statement only.
    ConflictAtSync,
    /// OC001.
    SchemaChanged,
    /// XX000.
    Unavailable,
    /// The connection ends without a word.
    Cut,
}

/// How a COMMIT fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitFault {
    /// OC000.
    Conflict,
    /// OC001.
    SchemaChanged,
    /// XX000.
    Unavailable(Effect),
    /// The connection ends without a word.
    Cut(Effect),
}

/// Whether a COMMIT that failed has taken effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It has not.
    Before,
    /// It has.
    After,
}

impl StatementFault {
    /// The error; none where the connection just ends.
    pub fn to_response(self) -> Option<ErrorResponse> {
        match self {
            Self::ConflictAtExecute | Self::ConflictAtSync => Some(conflict()),
            Self::SchemaChanged => Some(schema_changed()),
            Self::Unavailable => Some(unavailable()),
            Self::Cut => None,
        }
    }
}

impl CommitFault {
    /// The error; none where the connection just ends.
    pub fn to_response(self) -> Option<ErrorResponse> {
        match self {
            Self::Conflict => Some(conflict()),
            Self::SchemaChanged => Some(schema_changed()),
            Self::Unavailable(_) => Some(unavailable()),
            Self::Cut(_) => None,
        }
    }
}

/// Seen 2026-09.
fn conflict() -> ErrorResponse {
    let text = "change conflicts with another transaction (OC000)";
    ErrorResponse::error(SqlState::SERIALIZATION_FAILURE, text)
}

/// Seen 2026-09.
fn schema_changed() -> ErrorResponse {
    let text = "schema has been updated by another transaction (OC001)";
    ErrorResponse::error(SqlState::SERIALIZATION_FAILURE, text)
}

/// User guide, "Troubleshooting", 2026-09-08.
fn unavailable() -> ErrorResponse {
    ErrorResponse::error(SqlState::INTERNAL_ERROR, "server unavailable")
}

/// Who is meant: everybody, unless something is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Target {
    /// The session with this process id, as its BackendKeyData has it.
    pub process_id: Option<i32>,
    /// Sessions of this role.
    pub role: Option<String>,
    /// Sessions with this `application_name`.
    pub application_name: Option<String>,
}

impl Target {
    /// Whether a session is meant. A login has no process id yet.
    pub(super) fn means(
        &self,
        process_id: Option<i32>,
        role: &str,
        application_name: &str,
    ) -> bool {
        self.process_id.is_none_or(|id| process_id == Some(id))
            && self.role.as_deref().is_none_or(|name| name == role)
            && self
                .application_name
                .as_deref()
                .is_none_or(|name| name == application_name)
    }
}

/// A regular expression that is looked for in the text of a statement. Case does not count.
#[derive(Debug, Clone)]
pub struct Pattern(Regex);

impl Pattern {
    /// The longest, in bytes: one that is longer is no pattern, and matching takes the product of
    /// both lengths.
    const LONGEST: usize = 1000;

    /// Reads the syntax of the crate `regex-lite`.
    pub fn new(text: &str) -> Result<Self, String> {
        if text.len() > Self::LONGEST {
            return Err(format!("a pattern has at most {} bytes", Self::LONGEST));
        }
        RegexBuilder::new(text)
            .case_insensitive(true)
            .build()
            .map(Self)
            .map_err(|error| format!("`{text}` is no regular expression: {error}"))
    }

    /// How much of a statement is looked at, in bytes.
    const LOOKED_AT: usize = 64 * 1024;

    /// Whether it is in `statement`, in its first 64 KiB.
    pub fn is_in(&self, statement: &[u8]) -> bool {
        let beginning = statement.get(..Self::LOOKED_AT).unwrap_or(statement);
        self.0.is_match(&String::from_utf8_lossy(beginning))
    }
}

impl Fault {
    /// The words that ask for it.
    pub(super) fn words(&self) -> Words {
        let mut words = Words {
            kind: self.action.kind().to_owned(),
            ..Words::default()
        };
        let (at, when) = self.action.point();
        match &self.action {
            Action::Refuse(refusal) => {
                let reason = match refusal {
                    Refusal::RateExceeded => "rate",
                    Refusal::TooManyConnections => "connections",
                    Refusal::AccessDenied { .. } => "denied",
                    Refusal::WakingUp => "waking-up",
                };
                words.push("reason", Some(reason));
                if let Refusal::AccessDenied { hint } = refusal {
                    words.push("hint", Some(hint));
                }
            }
            Action::Delay(_, by) => words.push("by", Some(humantime::format_duration(*by))),
            Action::Statement(_) | Action::Commit(_) | Action::StaleCatalog => {}
        }
        words.push("at", at);
        words.push("when", when);
        words.push(
            "match",
            self.pattern.as_ref().map(|pattern| pattern.0.as_str()),
        );
        words.push("session", self.target.process_id);
        words.push("role", self.target.role.as_ref());
        words.push("application-name", self.target.application_name.as_ref());
        let times = self.times.map(|times| times.to_string());
        words.push("times", Some(times.as_deref().unwrap_or("all")));
        words
    }
}

impl Action {
    fn kind(&self) -> &'static str {
        match self {
            Self::Refuse(_) => "refuse",
            Self::Delay(..) => "delay",
            Self::Statement(StatementFault::ConflictAtExecute | StatementFault::ConflictAtSync)
            | Self::Commit(CommitFault::Conflict) => "oc000",
            Self::Statement(StatementFault::SchemaChanged)
            | Self::Commit(CommitFault::SchemaChanged) => "oc001",
            Self::Statement(StatementFault::Unavailable)
            | Self::Commit(CommitFault::Unavailable(_)) => "unavailable",
            Self::Statement(StatementFault::Cut) | Self::Commit(CommitFault::Cut(_)) => "cut",
            Self::StaleCatalog => "stale-catalog",
        }
    }

    /// The words for where it happens, and whether before or after.
    fn point(&self) -> (Option<&'static str>, Option<&'static str>) {
        let at = match self {
            Self::Refuse(_) | Self::StaleCatalog => return (None, None),
            Self::Delay(DelayAt::Login, _) => "login",
            Self::Statement(StatementFault::ConflictAtExecute) => "execute",
            Self::Statement(StatementFault::ConflictAtSync) => "sync",
            Self::Delay(DelayAt::Statement, _) | Self::Statement(_) => "statement",
            Self::Delay(DelayAt::Commit, _) | Self::Commit(_) => "commit",
        };
        let when = match self {
            Self::Commit(CommitFault::Unavailable(effect) | CommitFault::Cut(effect)) => {
                Some(match effect {
                    Effect::Before => "before",
                    Effect::After => "after",
                })
            }
            _ => None,
        };
        (Some(at), when)
    }
}
