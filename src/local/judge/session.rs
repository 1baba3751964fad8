//! Session statements: one row of [`RULES`] a kind.
//!
//! A refused statement is not answered here. It is replaced by one that raises DSQL's error in
//! PostgreSQL, so that a transaction block is aborted, the implicit transaction of a Query is
//! rolled back, and the extended protocol skips to Sync, all without a second copy of those
//! semantics.

use super::super::bootstrap::{GONE, OWN, RENAMED};
use super::{Refusal, Verdict};
use crate::dsql::{parameters, statements};
use crate::sql::{self, Lexer, SetStatement, StatementKind, Target, TokenKind, Value, Verb};

/// What judges statements of a kind.
type Rule = fn(&[u8]) -> Verdict;

/// Statements of every other kind are allowed.
const RULES: &[(StatementKind, Rule)] = &[
    (StatementKind::Begin, begin),
    (StatementKind::Set, set),
    (StatementKind::Reset, reset_or_show),
    (StatementKind::Show, reset_or_show),
];

const UNDEFINED_OBJECT: &str = "42704";

/// What SHOW ALL returns, without our own parameters.
const SHOW_ALL: &[u8] =
    b"SELECT name, pg_catalog.current_setting(name) AS setting, short_desc AS description \
    FROM pg_catalog.pg_settings ORDER BY pg_catalog.lower(name)";

fn rewrite(sql: Vec<u8>) -> Verdict {
    Verdict::Rewrite { sql, tag: None }
}

/// Judges one statement.
pub(super) fn judge(statement: &[u8]) -> Verdict {
    let kind = sql::kind(statement);
    RULES
        .iter()
        .find(|(of, _)| *of == kind)
        .map_or(Verdict::Allow, |(_, rule)| rule(statement))
}

/// The name under which the PostgreSQL behind knows a parameter.
pub(in crate::local) fn behind_name(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    if RENAMED.contains(&lower.as_str()) {
        format!("{OWN}.{lower}")
    } else {
        name.to_owned()
    }
}

impl Refusal {
    fn verdict(sqlstate: &'static str, message: impl Into<String>) -> Verdict {
        Verdict::Refuse(Self::new(sqlstate, message))
    }

    fn parameter(name: &str) -> Verdict {
        Self::verdict(parameters::SQLSTATE, parameters::not_supported(name))
    }
}

/// Only REPEATABLE READ can be asked for (SERIALIZABLE seen 2026-09, the others inferred).
fn begin(statement: &[u8]) -> Verdict {
    let words: Vec<String> = Lexer::new(statement)
        .filter(|token| token.kind == TokenKind::Word)
        .map(|token| String::from_utf8_lossy(token.bytes(statement)).to_ascii_uppercase())
        .collect();
    // Of several, PostgreSQL takes the last.
    let asked = words
        .windows(2)
        .rposition(|words| words == ["ISOLATION", "LEVEL"])
        .and_then(|at| words.get(at + 2..))
        .unwrap_or_default();
    let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
    let refused = match asked.as_slice() {
        ["SERIALIZABLE", ..] => "SERIALIZABLE",
        ["READ", "COMMITTED", ..] => "READ COMMITTED",
        ["READ", "UNCOMMITTED", ..] => "READ UNCOMMITTED",
        _ => return Verdict::Allow,
    };
    Verdict::Refuse(Refusal::about(&statements::ISOLATION_LEVEL, refused))
}

/// What is no SET after all is left to PostgreSQL, as a syntax error.
fn set(statement: &[u8]) -> Verdict {
    let Some(set) = sql::parse_set(statement) else {
        return not_read(statement);
    };
    match &set.target {
        Target::Constraints => Verdict::Allow,
        Target::Transaction | Target::SessionCharacteristics => {
            Refusal::parameter(parameters::TRANSACTION)
        }
        Target::SessionAuthorization if set.value == Value::Default => Verdict::Allow,
        Target::Parameter(name) if !parameters::is_supported(name) => Refusal::parameter(name),
        target => match target.parameter() {
            Some(name) if parameters::is_supported(&name) => renamed(&set, &name),
            Some(name) => Refusal::parameter(&name),
            None => Verdict::Allow,
        },
    }
}

/// A name with escapes, `U&"…"`, is the only one that PostgreSQL reads and we do not.
fn not_read(statement: &[u8]) -> Verdict {
    Lexer::new(statement)
        .find(|token| token.kind == TokenKind::UnicodeIdentifier)
        .map_or(Verdict::Allow, |name| {
            Refusal::parameter(&String::from_utf8_lossy(name.bytes(statement)))
        })
}

/// RESET and SHOW work for every parameter (seen 2026-09).
fn reset_or_show(statement: &[u8]) -> Verdict {
    let Some(show) = sql::parse_set(statement) else {
        return not_read(statement);
    };
    match show.target.parameter() {
        None if show.verb == Verb::Show && show.target == Target::All => Verdict::Rewrite {
            sql: SHOW_ALL.to_vec(),
            tag: Some("SHOW"),
        },
        Some(name) if show.verb == Verb::Show && GONE.contains(&name.as_str()) => Refusal::verdict(
            UNDEFINED_OBJECT,
            format!("unrecognized configuration parameter \"{name}\""),
        ),
        // What the front itself keeps there.
        Some(name) if name.starts_with(OWN_PREFIX) => Refusal::verdict(
            UNDEFINED_OBJECT,
            format!("unrecognized configuration parameter \"{name}\""),
        ),
        Some(name) => renamed(&show, &name),
        None => Verdict::Allow,
    }
}

/// How the names of our own parameters begin.
const OWN_PREFIX: &str = "dsql_local.";

/// The same statement about the parameter's name behind.
fn renamed(set: &SetStatement<'_>, name: &str) -> Verdict {
    let behind = behind_name(name);
    if behind == name {
        return Verdict::Allow;
    }
    let verb = match (set.verb, set.scope) {
        (Verb::Set, sql::Scope::Local) => "SET LOCAL",
        (Verb::Set, _) => "SET",
        (Verb::Reset, _) => "RESET",
        (Verb::Show, _) => "SHOW",
    };
    let mut text = format!("{verb} {behind}").into_bytes();
    match set.value {
        Value::None => {}
        Value::Default => text.extend_from_slice(b" TO DEFAULT"),
        Value::Current => text.extend_from_slice(b" FROM CURRENT"),
        Value::Text(value) => {
            text.extend_from_slice(b" TO ");
            text.extend_from_slice(value);
        }
    }
    rewrite(text)
}

#[cfg(test)]
mod tests;
