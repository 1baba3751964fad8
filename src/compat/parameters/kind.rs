//! What values a parameter takes, and how it shows them.
//!
//! Source: `parse_and_validate_value` and `ShowGUCOption` of `guc.c`, PostgreSQL 16, with that
//! version's texts.

use super::number;
use super::unit::Unit;
use crate::wire::{ErrorResponse, SqlState};

/// What values a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// On or off.
    Bool,
    /// A whole number.
    Int {
        /// What it counts.
        unit: Unit,
        /// The smallest.
        min: i32,
        /// The largest.
        max: i32,
    },
    /// A number.
    Real {
        /// What it counts.
        unit: Unit,
        /// The smallest.
        min: f64,
        /// The largest.
        max: f64,
    },
    /// One of a few words.
    Enum {
        /// The words, as PostgreSQL lists them.
        shown: &'static [&'static str],
        /// Other words for them, which it does not list.
        aliases: &'static [(&'static str, &'static str)],
    },
    /// Any text.
    Text,
    /// A list of names.
    List {
        /// Whether SET puts them into quotes where they need it (`GUC_LIST_QUOTE`).
        quoted: bool,
    },
}

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// As SHOW has it.
    pub shown: String,
    /// A whole number in the unit of its parameter, 1 and 0 for on and off, the place of a word
    /// among those of its parameter; 0 for everything else.
    pub number: i32,
}

impl Kind {
    /// Reads a value of the parameter `name`; the error is PostgreSQL's.
    pub fn read(&self, name: &str, text: &str) -> Result<Value, ErrorResponse> {
        match *self {
            Self::Bool => boolean(text)
                .map(|on| Value {
                    shown: if on { "on" } else { "off" }.to_owned(),
                    number: i32::from(on),
                })
                .ok_or_else(|| invalid(format!("parameter \"{name}\" requires a Boolean value"))),
            Self::Int { unit, min, max } => int(name, text, unit, min, max),
            Self::Real { unit, min, max } => real(name, text, unit, min, max),
            Self::Enum { shown, aliases } => word(name, text, shown, aliases),
            Self::Text | Self::List { .. } => Ok(Value {
                shown: text.to_owned(),
                number: 0,
            }),
        }
    }
}

fn invalid(message: String) -> ErrorResponse {
    ErrorResponse::error(SqlState::INVALID_PARAMETER_VALUE, message)
}

fn invalid_value(name: &str, text: &str, hint: Option<&str>) -> ErrorResponse {
    let error = invalid(format!(
        "invalid value for parameter \"{name}\": \"{text}\""
    ));
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// A word for on or off, or the beginning of one (`parse_bool` of `bool.c`).
pub(super) fn boolean(text: &str) -> Option<bool> {
    let text = text.to_ascii_lowercase();
    let begins = |word: &str| !text.is_empty() && word.starts_with(text.as_str());
    if begins("true") || begins("yes") || text == "on" || text == "1" {
        Some(true)
    } else if begins("false") || begins("no") || text == "off" || text == "of" || text == "0" {
        Some(false)
    } else {
        None
    }
}

/// A number with a unit, in `base`.
fn quantity(name: &str, text: &str, base: Unit, whole: bool) -> Result<f64, ErrorResponse> {
    let read = if whole {
        number::whole_or_real(text)
    } else {
        number::real(text)
    };
    let Ok((value, rest)) = read else {
        return Err(invalid_value(name, text, None));
    };
    match rest.trim_start_matches(number::is_space) {
        "" => Ok(value),
        unit => base
            .convert(value, unit)
            .ok_or_else(|| invalid_value(name, text, base.hint())),
    }
}

fn int(name: &str, text: &str, unit: Unit, min: i32, max: i32) -> Result<Value, ErrorResponse> {
    let value = quantity(name, text, unit, true)?.round_ties_even();
    let is_int = (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&value);
    if !is_int {
        let hint = Some("Value exceeds integer range.");
        return Err(invalid_value(name, text, hint));
    }
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and in range")]
    let number = value as i32;
    if !(min..=max).contains(&number) {
        return Err(invalid(format!(
            "{} is outside the valid range for parameter \"{name}\" ({min} .. {max})",
            with_unit(&number.to_string(), unit)
        )));
    }
    Ok(Value {
        shown: unit.show_int(number),
        number,
    })
}

fn real(name: &str, text: &str, unit: Unit, min: f64, max: f64) -> Result<Value, ErrorResponse> {
    let value = quantity(name, text, unit, false)?;
    if !(min..=max).contains(&value) {
        return Err(invalid(format!(
            "{} is outside the valid range for parameter \"{name}\" ({} .. {})",
            with_unit(&number::general(value), unit),
            number::general(min),
            number::general(max)
        )));
    }
    Ok(Value {
        shown: unit.show_real(value),
        number: 0,
    })
}

fn with_unit(number: &str, unit: Unit) -> String {
    match unit {
        Unit::None => number.to_owned(),
        unit => format!("{number} {}", unit.name()),
    }
}

fn word(
    name: &str,
    text: &str,
    shown: &[&str],
    aliases: &[(&str, &str)],
) -> Result<Value, ErrorResponse> {
    let word = aliases
        .iter()
        .find(|(alias, _)| alias.eq_ignore_ascii_case(text))
        .map_or(text, |(_, word)| word);
    let place = shown.iter().position(|one| one.eq_ignore_ascii_case(word));
    // A word that is an alias of nothing that is listed, such as `info`, shows itself.
    let found = match place {
        Some(place) => shown.get(place).copied().map(|word| (word, place)),
        None => aliases
            .iter()
            .find(|(alias, _)| alias.eq_ignore_ascii_case(word))
            .map(|(alias, _)| (*alias, shown.len())),
    };
    let Some((word, place)) = found else {
        let hint = format!("Available values: {}.", shown.join(", "));
        return Err(invalid_value(name, text, Some(&hint)));
    };
    Ok(Value {
        shown: word.to_owned(),
        number: i32::try_from(place).unwrap_or(i32::MAX),
    })
}

/// What SET makes of several values of this parameter (`flatten_set_variable_args` of
/// `guc_funcs.c`).
pub(super) fn join(
    name: &str,
    kind: Option<Kind>,
    values: &[String],
) -> Result<String, ErrorResponse> {
    match (values, kind) {
        (values, Some(Kind::List { quoted })) => {
            let values: Vec<String> = values
                .iter()
                .map(|value| {
                    if quoted {
                        identifier(value)
                    } else {
                        value.clone()
                    }
                })
                .collect();
            Ok(values.join(", "))
        }
        ([value], _) => Ok(value.clone()),
        _ => Err(invalid(format!("SET {name} takes only one argument"))),
    }
}

/// A name in quotes, unless it is plain. Key words are quoted by PostgreSQL, too; none of them is
/// the name of a library or of a tablespace.
fn identifier(name: &str) -> String {
    let is_plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if is_plain {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

#[cfg(test)]
mod tests;
