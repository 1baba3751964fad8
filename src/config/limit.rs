//! Limits of the local cluster: `NAME=VALUE`.

use crate::dsql::limits::{self, Limit};

use super::{suggest, value};

/// What the local cluster does not enforce, and so nobody can set.
const NOT_ENFORCED: [&str; 1] = [limits::STORAGE.name];

/// The limits that can be set.
pub(super) fn settable() -> impl Iterator<Item = &'static Limit> {
    limits::ALL
        .iter()
        .filter(|limit| !NOT_ENFORCED.contains(&limit.name))
}

/// Reads `NAME=VALUE[;NAME=VALUE…]`, a value in the unit of its limit.
pub(super) fn entries(text: &str) -> Result<Vec<(&'static Limit, u64)>, String> {
    text.split(';').map(str::trim).map(entry).collect()
}

fn entry(text: &str) -> Result<(&'static Limit, u64), String> {
    let Some((name, value)) = text.split_once('=') else {
        return Err("expected NAME=VALUE, such as `transaction-rows=100`".to_owned());
    };
    let limit = named(name.trim())?;
    let number = read(limit, value.trim()).map_err(|expected| format!("{name}: {expected}"))?;
    Ok((limit, number))
}

fn named(name: &str) -> Result<&'static Limit, String> {
    let plain = name.to_ascii_lowercase().replace('-', "_");
    if let Some(limit) = settable().find(|limit| limit.name == plain) {
        return Ok(limit);
    }
    if NOT_ENFORCED.contains(&plain.as_str()) {
        return Err(format!("the local cluster does not enforce `{name}`"));
    }
    let names: Vec<_> = settable()
        .map(|limit| limit.name.replace('_', "-"))
        .collect();
    let hint = suggest::did_you_mean(name, names.iter().map(String::as_str), "");
    if !hint.is_empty() {
        return Err(format!("there is no limit `{name}`{hint}"));
    }
    Err(format!(
        "there is no limit `{name}`; there are {}",
        names.join(", ")
    ))
}

/// A value in the unit of the limit.
fn read(limit: &Limit, text: &str) -> Result<u64, String> {
    let number = match limit.unit {
        "seconds" => seconds(text)?,
        "bytes" => bytes(text)?,
        _ => plain(text)
            .ok_or_else(|| format!("expected a whole number, such as `{}`", limit.value))?,
    };
    if number == 0 {
        return Err("expected more than 0".to_owned());
    }
    Ok(number)
}

fn plain(text: &str) -> Option<u64> {
    text.parse().ok()
}

/// A duration, or a number of seconds, which is how DSQL's own texts count.
fn seconds(text: &str) -> Result<u64, String> {
    if let Some(seconds) = plain(text) {
        return Ok(seconds);
    }
    let duration = value::duration(text)?;
    if duration.subsec_nanos() == 0 {
        Ok(duration.as_secs())
    } else {
        Err("expected whole seconds, such as `5s`".to_owned())
    }
}

/// Multiples of a byte; PostgreSQL's `kB` and `MB` are powers of two as well (manual, "Setting
/// Parameters").
const MULTIPLES: &[(&str, u64)] = &[
    ("", 1),
    ("b", 1),
    ("kib", 1 << 10),
    ("kb", 1 << 10),
    ("mib", 1 << 20),
    ("mb", 1 << 20),
    ("gib", 1 << 30),
    ("gb", 1 << 30),
];

/// A number of bytes, with or without a unit.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = text
        .get(digits.len()..)
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let multiple = MULTIPLES.iter().find(|(name, _)| *name == unit);
    multiple
        .and_then(|(_, multiple)| plain(digits)?.checked_mul(*multiple))
        .ok_or_else(|| "expected a size, such as `4096`, `64KiB` or `1MiB`".to_owned())
}

#[cfg(test)]
mod tests;
