//! SET, RESET and SHOW: which parameter a statement concerns, and for how long.
//!
//! Source: `PostgreSQL` manual, reference pages SET, SET CONSTRAINTS, SET ROLE, SET SESSION
//! AUTHORIZATION, SET TRANSACTION, RESET, SHOW, and the productions `VariableSetStmt`,
//! `VariableResetStmt` and `VariableShowStmt` of PostgreSQL 16's `gram.y`.

use super::cursor::Cursor;
use super::kind::{self, StatementKind};
use super::lexer::{Token, TokenKind};

/// A statement that sets, resets or shows something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetStatement<'a> {
    /// What it does.
    pub verb: Verb,
    /// For how long; [`Scope::Unstated`] for RESET and SHOW.
    pub scope: Scope,
    /// What it concerns.
    pub target: Target,
    /// What it is set to; [`Value::None`] for RESET and SHOW.
    pub value: Value<'a>,
}

/// What the statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// SET.
    Set,
    /// RESET.
    Reset,
    /// SHOW.
    Show,
}

/// How long the value lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Not said: for the session.
    Unstated,
    /// SESSION.
    Session,
    /// LOCAL: until the transaction ends.
    Local,
}

/// What the statement concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A parameter by its name, as PostgreSQL's lexer hands it on: lower-cased, unless quoted.
    /// A dotted name keeps its dots.
    Parameter(String),
    /// TIME ZONE, another name for `timezone`.
    TimeZone,
    /// NAMES, another name for `client_encoding`.
    Names,
    /// SCHEMA, another name for `search_path`.
    Schema,
    /// XML OPTION, another name for `xmloption`.
    XmlOption,
    /// ROLE.
    Role,
    /// SESSION AUTHORIZATION.
    SessionAuthorization,
    /// SET TRANSACTION, and SHOW or RESET of TRANSACTION ISOLATION LEVEL.
    Transaction,
    /// SET SESSION CHARACTERISTICS AS TRANSACTION.
    SessionCharacteristics,
    /// SET CONSTRAINTS, which is about constraints and no parameter.
    Constraints,
    /// RESET ALL and SHOW ALL.
    All,
}

impl Target {
    /// The parameter's name as PostgreSQL compares names: in lower case. `None` where no single
    /// parameter is concerned.
    pub fn parameter(&self) -> Option<String> {
        let name = match self {
            Self::Parameter(name) => return Some(name.to_ascii_lowercase()),
            Self::TimeZone => "timezone",
            Self::Names => "client_encoding",
            Self::Schema => "search_path",
            Self::XmlOption => "xmloption",
            Self::Role => "role",
            Self::SessionAuthorization => "session_authorization",
            Self::Transaction | Self::SessionCharacteristics | Self::Constraints | Self::All => {
                return None;
            }
        };
        Some(name.to_owned())
    }
}

/// What the parameter is set to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// RESET and SHOW have none.
    None,
    /// DEFAULT; for TIME ZONE also LOCAL, for NAMES also nothing.
    Default,
    /// FROM CURRENT.
    Current,
    /// The source text of the value, of transaction modes, or of constraints.
    Text(&'a [u8]),
}

/// Parses a text that is one SET, RESET or SHOW. `None` for everything else, and for what
/// PostgreSQL would call a syntax error in front of the value. The value is not looked into.
pub fn parse_set(text: &[u8]) -> Option<SetStatement<'_>> {
    let verb = match kind::kind(text) {
        StatementKind::Set => Verb::Set,
        StatementKind::Reset => Verb::Reset,
        StatementKind::Show => Verb::Show,
        _ => return None,
    };
    let text = kind::single_statement(text)?;
    let mut cursor = Cursor::new(text);
    cursor.next();
    if verb != Verb::Set {
        let target = multi_word_name(&mut cursor).or_else(|| name(&mut cursor))?;
        let target = match target {
            Target::Parameter(name) if name == "all" => Target::All,
            target => target,
        };
        let whole = cursor.at_end();
        return whole.then_some(SetStatement {
            verb,
            scope: Scope::Unstated,
            target,
            value: Value::None,
        });
    }
    let scope = scope(&mut cursor);
    let (target, value) = match generic(&mut cursor) {
        Generic::Parameter(target, value) => (target, value),
        Generic::Broken => return None,
        Generic::No => special(&mut cursor, scope)?,
    };
    Some(SetStatement {
        verb,
        scope,
        target,
        value,
    })
}

/// SESSION or LOCAL. `SET session = 1` and `SET local.a = 1` name a parameter; `SET SESSION
/// AUTHORIZATION` and `SET SESSION CHARACTERISTICS` are words of their own.
fn scope(cursor: &mut Cursor<'_>) -> Scope {
    for (word, scope) in [("session", Scope::Session), ("local", Scope::Local)] {
        let mut ahead = cursor.clone();
        if ahead.take_word(word) {
            let own = word == "session"
                && (ahead.clone().take_word("authorization")
                    || ahead
                        .clone()
                        .take_words(&["characteristics", "as", "transaction"]));
            if own || assignment(&ahead) != Assignment::None {
                return Scope::Unstated;
            }
            *cursor = ahead;
            return scope;
        }
    }
    Scope::Unstated
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Assignment {
    None,
    /// `=` or TO.
    Value,
    /// FROM CURRENT.
    Current,
    /// `.`: the name goes on.
    Dot,
}

/// What follows a name.
fn assignment(cursor: &Cursor<'_>) -> Assignment {
    match cursor.peek() {
        Some(token) if token.kind == TokenKind::Punctuation(b'.') => Assignment::Dot,
        Some(token) if token.kind == TokenKind::Operator && cursor.bytes(token) == b"=" => {
            Assignment::Value
        }
        Some(token) if cursor.is_word(token, "to") => Assignment::Value,
        _ if cursor.clone().take_words(&["from", "current"]) => Assignment::Current,
        _ => Assignment::None,
    }
}

enum Generic<'a> {
    Parameter(Target, Value<'a>),
    /// A name and `=`, and nothing behind it.
    Broken,
    /// Not of this form.
    No,
}

/// `name {TO | =} value` and `name FROM CURRENT`. Key words such as ROLE and TIME are names here.
fn generic<'a>(cursor: &mut Cursor<'a>) -> Generic<'a> {
    let mut ahead = cursor.clone();
    let Some(target) = name(&mut ahead) else {
        return Generic::No;
    };
    match assignment(&ahead) {
        Assignment::Value => {
            ahead.next();
            match value(&ahead) {
                Some(value) => Generic::Parameter(target, value),
                None => Generic::Broken,
            }
        }
        Assignment::Current => Generic::Parameter(target, Value::Current),
        Assignment::Dot | Assignment::None => Generic::No,
    }
}

/// The forms that spell a parameter in key words.
fn special<'a>(cursor: &mut Cursor<'a>, scope: Scope) -> Option<(Target, Value<'a>)> {
    if cursor.take_word("constraints") {
        let unscoped = scope == Scope::Unstated;
        return Some((Target::Constraints, value(cursor).filter(|_| unscoped)?));
    }
    if cursor.take_words(&["session", "characteristics", "as", "transaction"]) {
        return Some((Target::SessionCharacteristics, value(cursor)?));
    }
    if cursor.take_word("transaction") {
        return Some((Target::Transaction, value(cursor)?));
    }
    let target = multi_word_name(cursor).or_else(|| {
        [
            ("names", Target::Names),
            ("schema", Target::Schema),
            ("role", Target::Role),
        ]
        .into_iter()
        .find_map(|(word, target)| cursor.take_word(word).then_some(target))
    })?;
    let value = match (&target, value(cursor)) {
        (Target::Names, None) => Value::Default,
        (Target::TimeZone, Some(Value::Text(text))) if text.eq_ignore_ascii_case(b"local") => {
            Value::Default
        }
        // What RESET and SHOW accept and SET does not.
        (Target::Transaction, _) => return None,
        (_, value) => value?,
    };
    Some((target, value))
}

/// The names of more than one word.
fn multi_word_name(cursor: &mut Cursor<'_>) -> Option<Target> {
    const NAMES: &[(&[&str], Target)] = &[
        (&["time", "zone"], Target::TimeZone),
        (&["session", "authorization"], Target::SessionAuthorization),
        (&["transaction", "isolation", "level"], Target::Transaction),
        (&["xml", "option"], Target::XmlOption),
    ];
    NAMES
        .iter()
        .find_map(|(words, target)| cursor.take_words(words).then(|| target.clone()))
}

/// `a`, `a.b`, `"A"."b"`: a parameter's name.
fn name(cursor: &mut Cursor<'_>) -> Option<Target> {
    let mut name = String::new();
    loop {
        let token = cursor.next()?;
        name.push_str(&identifier(cursor, token)?);
        if assignment(cursor) != Assignment::Dot {
            return Some(Target::Parameter(name));
        }
        cursor.next();
        name.push('.');
    }
}

/// An identifier as PostgreSQL's lexer hands it on. `U&"…"` is left to the server: nobody writes
/// a parameter's name in it.
fn identifier(cursor: &Cursor<'_>, token: Token) -> Option<String> {
    let text = std::str::from_utf8(cursor.bytes(token)).ok()?;
    match token.kind {
        TokenKind::Word => Some(text.to_ascii_lowercase()),
        TokenKind::QuotedIdentifier => {
            let inner = text.strip_prefix('"')?.strip_suffix('"')?;
            Some(inner.replace("\"\"", "\""))
        }
        _ => None,
    }
}

/// Everything that is left, without the trivia around it; `None` where nothing is.
fn value<'a>(cursor: &Cursor<'a>) -> Option<Value<'a>> {
    let mut ahead = cursor.clone();
    let first = ahead.next()?;
    let mut last = first;
    while let Some(token) = ahead.next() {
        last = token;
    }
    let whole = Token {
        start: first.start,
        end: last.end,
        ..first
    };
    let text = cursor.bytes(whole);
    if text.eq_ignore_ascii_case(b"default") {
        Some(Value::Default)
    } else {
        Some(Value::Text(text))
    }
}
