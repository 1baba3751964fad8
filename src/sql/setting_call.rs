//! `SELECT set_config(…)` and `SELECT current_setting(…)`: statements about parameters that can
//! be answered by who knows the parameters.

use super::constant::string_constant;
use super::cursor::Cursor;
use super::lexer::TokenKind;

/// A SELECT of calls of `set_config` and `current_setting`, and of nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingCalls {
    /// The calls, in their order.
    pub calls: Vec<SettingCall>,
    /// `FROM pg_settings WHERE name = '…'`: the statement has one row if PostgreSQL knows a
    /// parameter of this name, and none otherwise.
    pub if_known: Option<String>,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingCall {
    /// What is called, with its arguments.
    pub function: SettingFunction,
    /// The name of the column.
    pub column: String,
    /// Where the call stands in the text, from its name to its closing parenthesis.
    pub span: std::ops::Range<usize>,
    /// Whether an alias names the column.
    pub has_alias: bool,
}

/// What is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingFunction {
    /// `set_config(name, value, is_local)`
    Set {
        /// The parameter.
        name: Argument,
        /// What it is set to; NULL resets it.
        value: Argument,
        /// Whether until the transaction ends only.
        is_local: Argument,
    },
    /// `current_setting(name [, missing_ok])`
    Current {
        /// The parameter.
        name: Argument,
        /// Whether a parameter that does not exist is NULL, and not an error.
        missing_ok: Argument,
    },
}

/// An argument of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Argument {
    /// NULL.
    Null,
    /// A constant, as text.
    Text(String),
    /// The value of the parameter with this number, counted from 1.
    Parameter(u16),
}

impl SettingFunction {
    /// The parameter.
    pub fn name(&self) -> &Argument {
        match self {
            Self::Set { name, .. } | Self::Current { name, .. } => name,
        }
    }
}

/// Reads a text that is `SELECT call [[AS] alias] [, …] [FROM pg_settings WHERE name = '…']`.
/// Everything else is `None`, most of it after its second token.
pub fn setting_calls(text: &[u8]) -> Option<SettingCalls> {
    let mut cursor = Cursor::new(text);
    if !cursor.take_word("select") {
        return None;
    }
    let mut calls = vec![call(&mut cursor)?];
    while cursor.take_punctuation(b',').is_some() {
        calls.push(call(&mut cursor)?);
    }
    let mut if_known = None;
    if cursor.take_word("from") {
        if_known = Some(from(&mut cursor)?);
    }
    cursor.at_end().then_some(())?;
    let calls = calls
        .into_iter()
        .map(|call| call.named(if_known.as_deref()))
        .collect::<Option<_>>()?;
    Some(SettingCalls { calls, if_known })
}

/// A call whose parameter may be named by the column `name` of `pg_settings`, as pg_dump has it.
struct Unnamed {
    call: SettingCall,
    by_column: bool,
}

impl Unnamed {
    fn named(self, column: Option<&str>) -> Option<SettingCall> {
        let mut call = self.call;
        if self.by_column {
            let text = Argument::Text(column?.to_owned());
            match &mut call.function {
                SettingFunction::Set { name, .. } | SettingFunction::Current { name, .. } => {
                    *name = text;
                }
            }
        }
        Some(call)
    }
}

/// The first argument: whether it is the column `name`, and otherwise what it is.
fn name_argument(cursor: &mut Cursor<'_>) -> Option<(bool, Argument)> {
    if cursor.take_word("name") {
        return Some((true, Argument::Null));
    }
    argument(cursor).map(|argument| (false, argument))
}

fn call(cursor: &mut Cursor<'_>) -> Option<Unnamed> {
    let start = cursor.peek()?.start;
    if cursor.take_word("pg_catalog") {
        cursor.take_punctuation(b'.')?;
    }
    let by_column;
    let (function, column) = if cursor.take_word("set_config") {
        cursor.take_punctuation(b'(')?;
        let name;
        (by_column, name) = name_argument(cursor)?;
        cursor.take_punctuation(b',')?;
        let value = argument(cursor)?;
        cursor.take_punctuation(b',')?;
        let is_local = argument(cursor)?;
        let function = SettingFunction::Set {
            name,
            value,
            is_local,
        };
        (function, "set_config")
    } else if cursor.take_word("current_setting") {
        cursor.take_punctuation(b'(')?;
        let name;
        (by_column, name) = name_argument(cursor)?;
        let missing_ok = if cursor.take_punctuation(b',').is_some() {
            argument(cursor)?
        } else {
            Argument::Text("false".to_owned())
        };
        (
            SettingFunction::Current { name, missing_ok },
            "current_setting",
        )
    } else {
        return None;
    };
    let end = cursor.take_punctuation(b')')?.end;
    let alias = alias(cursor)?;
    let call = SettingCall {
        function,
        has_alias: alias.is_some(),
        column: alias.unwrap_or_else(|| column.to_owned()),
        span: start..end,
    };
    Some(Unnamed { call, by_column })
}

/// An alias, if there is one; `None` for what cannot stand there.
#[expect(
    clippy::option_option,
    reason = "no alias is not the same as no such text"
)]
fn alias(cursor: &mut Cursor<'_>) -> Option<Option<String>> {
    let explicit = cursor.take_word("as");
    let Some(token) = cursor.peek() else {
        return (!explicit).then_some(None);
    };
    let written = std::str::from_utf8(cursor.bytes(token)).ok()?;
    let name = match token.kind {
        TokenKind::Word if explicit || !cursor.is_word(token, "from") => {
            written.to_ascii_lowercase()
        }
        TokenKind::QuotedIdentifier => written
            .strip_prefix('"')?
            .strip_suffix('"')?
            .replace("\"\"", "\""),
        _ => return (!explicit).then_some(None),
    };
    cursor.next();
    Some(Some(name))
}

/// `[pg_catalog.]pg_settings WHERE name = '…'`, which pgAdmin 4 and pg_dump send.
fn from(cursor: &mut Cursor<'_>) -> Option<String> {
    if cursor.take_word("pg_catalog") {
        cursor.take_punctuation(b'.')?;
    }
    if !cursor.take_words(&["pg_settings", "where", "name"]) {
        return None;
    }
    let equals = cursor.next()?;
    if equals.kind != TokenKind::Operator || cursor.bytes(equals) != b"=" {
        return None;
    }
    match argument(cursor)? {
        Argument::Text(name) => Some(name),
        Argument::Null | Argument::Parameter(_) => None,
    }
}

/// Types that an argument may be cast to without becoming another value.
const CASTS: &[&str] = &["text", "varchar", "bool", "boolean", "unknown"];

fn argument(cursor: &mut Cursor<'_>) -> Option<Argument> {
    let token = cursor.next()?;
    let written = cursor.bytes(token);
    let argument = match token.kind {
        TokenKind::String(form) => Argument::Text(string_constant(written, form)?),
        TokenKind::Parameter => {
            let number = std::str::from_utf8(written).ok()?.get(1..)?.parse().ok()?;
            Argument::Parameter(number)
        }
        TokenKind::Word => match written.to_ascii_lowercase().as_slice() {
            b"true" => Argument::Text("true".to_owned()),
            b"false" => Argument::Text("false".to_owned()),
            b"null" => Argument::Null,
            _ => return None,
        },
        _ => return None,
    };
    let cast = cursor
        .peek()
        .is_some_and(|token| token.kind == TokenKind::Operator && cursor.bytes(token) == b"::");
    if cast {
        cursor.next();
        CASTS
            .iter()
            .any(|name| cursor.take_word(name))
            .then_some(())?;
    }
    Some(argument)
}

#[cfg(test)]
mod tests;
