//! What the functions are called with.

use crate::sql::cursor::Cursor;
use crate::sql::lexer::{StringForm, Token, TokenKind};

/// An integer's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntegerType {
    /// `smallint`.
    Int2,
    /// `integer`.
    Int4,
    /// `bigint`.
    Int8,
}

impl IntegerType {
    /// Its object id (`pg_type.dat`).
    pub fn oid(self) -> u32 {
        match self {
            Self::Int2 => 21,
            Self::Int4 => 23,
            Self::Int8 => 20,
        }
    }

    fn named(name: &[u8]) -> Option<Self> {
        let found = TYPES
            .iter()
            .find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes()));
        found.map(|(_, integer)| *integer)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Int2 => "int2",
            Self::Int4 => "int4",
            Self::Int8 => "int8",
        }
    }

    fn holds(self, value: i64) -> bool {
        match self {
            Self::Int2 => i16::try_from(value).is_ok(),
            Self::Int4 => i32::try_from(value).is_ok(),
            Self::Int8 => true,
        }
    }
}

static TYPES: &[(&str, IntegerType)] = &[
    ("int2", IntegerType::Int2),
    ("smallint", IntegerType::Int2),
    ("int", IntegerType::Int4),
    ("int4", IntegerType::Int4),
    ("integer", IntegerType::Int4),
    ("int8", IntegerType::Int8),
    ("bigint", IntegerType::Int8),
];

/// An argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockArgument<'a> {
    /// This number; one of two fits into an `integer`.
    Integer(i64),
    /// A parameter.
    Parameter {
        /// Its number, counted from 1.
        number: u16,
        /// The type that it is cast to. Without one, it has the type of the function's argument:
        /// `int8` where there is one, `int4` where there are two.
        cast: Option<IntegerType>,
    },
    /// Anything else, as it was written. The server has to compute it.
    Expression(&'a [u8]),
}

/// The arguments of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockArguments<'a> {
    /// None: `pg_advisory_unlock_all()`.
    None,
    /// A `bigint`.
    One(LockArgument<'a>),
    /// Two `integer`s.
    Two(LockArgument<'a>, LockArgument<'a>),
}

impl<'a> LockArguments<'a> {
    /// One after another.
    pub fn iter(&self) -> impl Iterator<Item = &LockArgument<'a>> {
        let (first, second) = match self {
            Self::None => (None, None),
            Self::One(only) => (Some(only), None),
            Self::Two(first, second) => (Some(first), Some(second)),
        };
        first.into_iter().chain(second)
    }
}

impl LockArgument<'_> {
    /// Appends it as SQL.
    pub(super) fn write(&self, text: &mut Vec<u8>) {
        match self {
            Self::Integer(value) => text.extend_from_slice(value.to_string().as_bytes()),
            Self::Parameter { number, cast } => {
                text.extend_from_slice(format!("${number}").as_bytes());
                if let Some(cast) = cast {
                    text.extend_from_slice(b"::");
                    text.extend_from_slice(cast.name().as_bytes());
                }
            }
            Self::Expression(expression) => text.extend_from_slice(expression),
        }
    }
}

/// Reads what stands between the parentheses of a call, and the closing one.
pub(super) fn arguments<'a>(cursor: &mut Cursor<'a>, text: &'a [u8]) -> Option<LockArguments<'a>> {
    if cursor.take_punctuation(b')').is_some() {
        return Some(LockArguments::None);
    }
    let (first, end) = written(cursor, text)?;
    if end.kind == TokenKind::Punctuation(b')') {
        let argument = argument(first, IntegerType::Int8);
        return Some(LockArguments::One(argument));
    }
    let (second, end) = written(cursor, text)?;
    let [first, second] = [first, second].map(|text| argument(text, IntegerType::Int4));
    (end.kind == TokenKind::Punctuation(b')')).then_some(LockArguments::Two(first, second))
}

/// An argument as it was written, and the comma or parenthesis behind it.
fn written<'a>(cursor: &mut Cursor<'a>, text: &'a [u8]) -> Option<(&'a [u8], Token)> {
    let start = cursor.peek()?.start;
    let mut end = start;
    let mut depth = 0_usize;
    loop {
        let token = cursor.next()?;
        match token.kind {
            TokenKind::Punctuation(b',' | b')') if depth == 0 => {
                let written = text.get(start..end).filter(|text| !text.is_empty())?;
                return Some((written, token));
            }
            TokenKind::Punctuation(b'(' | b'[') => depth += 1,
            TokenKind::Punctuation(b')' | b']') => depth = depth.checked_sub(1)?,
            TokenKind::Punctuation(b';') | TokenKind::Unterminated(_) | TokenKind::Unknown => {
                return None;
            }
            _ => {}
        }
        end = token.end;
    }
}

/// What an argument is that is to have this type.
fn argument(text: &[u8], wanted: IntegerType) -> LockArgument<'_> {
    simple(text, wanted).unwrap_or(LockArgument::Expression(text))
}

fn simple(text: &[u8], wanted: IntegerType) -> Option<LockArgument<'static>> {
    let mut cursor = Cursor::new(text);
    let mut token = cursor.next()?;
    let sign = cursor.bytes(token);
    let signed = token.kind == TokenKind::Operator && matches!(sign, b"-" | b"+");
    if signed {
        token = cursor.next()?;
    }
    let written = std::str::from_utf8(cursor.bytes(token)).ok()?;
    let cast = match cursor.next() {
        Some(operator) => Some(cast(operator, &mut cursor)?),
        None => None,
    };
    match token.kind {
        TokenKind::Parameter if !signed => Some(LockArgument::Parameter {
            number: written.get(1..)?.parse().ok()?,
            cast,
        }),
        // Other spellings of numbers are for the server, which may know them or not.
        TokenKind::Number if written.bytes().all(|b| b.is_ascii_digit()) => {
            let value = if sign == b"-" {
                format!("-{written}").parse().ok()?
            } else {
                written.parse().ok()?
            };
            integer(value, cast, wanted)
        }
        TokenKind::String(StringForm::Standard) if !signed => {
            let inner = written.strip_prefix('\'')?.strip_suffix('\'')?;
            integer(inner.trim_ascii().parse().ok()?, cast, wanted)
        }
        _ => None,
    }
}

fn integer(
    value: i64,
    cast: Option<IntegerType>,
    wanted: IntegerType,
) -> Option<LockArgument<'static>> {
    let fits = wanted.holds(value) && cast.is_none_or(|cast| cast.holds(value));
    fits.then_some(LockArgument::Integer(value))
}

/// Reads what follows `operator`, if that is `::`: an integer's type, and nothing behind it.
fn cast(operator: Token, cursor: &mut Cursor<'_>) -> Option<IntegerType> {
    if operator.kind != TokenKind::Operator || cursor.bytes(operator) != b"::" {
        return None;
    }
    let name = cursor.next().filter(|name| name.kind == TokenKind::Word)?;
    let integer = IntegerType::named(cursor.bytes(name))?;
    cursor.next().is_none().then_some(integer)
}
