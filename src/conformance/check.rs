//! Whether an answer is the expected one.

use super::client::Reply;
use super::expand::{Names, expand};
use super::probe::{Cell, Expectation, Message};
use super::variant::Protocol;
use crate::wire::{ErrorResponse, Severity, SqlState};

/// The length of a job's id (recorded, 2026-09: 26 characters of lower-case base 32).
const JOB_LENGTH: usize = 26;

/// Checks everything but the transaction status. Job ids go into `names`. What is wrong, in words.
pub(super) fn check(
    expected: &Expectation,
    reply: &Reply,
    protocol: Protocol,
    names: &mut Names,
) -> Result<(), String> {
    match (expected, &reply.error) {
        (Expectation::Closed, Some(error)) => return Err(shown(error)),
        (Expectation::Closed, None) if reply.status.is_none() => return Ok(()),
        (Expectation::Closed, None) => return Err(success(reply)),
        (Expectation::Success { .. }, Some(error)) => return Err(shown(error)),
        (Expectation::Success { tags, rows }, None) => {
            check_tags(tags, reply)?;
            if let Some(rows) = rows {
                check_rows(rows, reply, names)?;
            }
        }
        (Expectation::Error { .. }, None) => return Err(success(reply)),
        (Expectation::Error { sqlstate, message }, Some(error)) => {
            check_error(*sqlstate, message, error, Severity::Error, names)?;
        }
    }
    check_order(reply, protocol)
}

/// Checks an error, its text as `names` make it.
pub(super) fn check_error(
    sqlstate: Option<SqlState>,
    message: &Message,
    error: &ErrorResponse,
    severity: Severity,
    names: &Names,
) -> Result<(), String> {
    let is_text = match message {
        Message::Any => true,
        Message::Exact(text) => error.message == expand(text, names),
        Message::Prefix(text) => error.message.starts_with(&expand(text, names)),
    };
    if !is_text || sqlstate.is_some_and(|sqlstate| sqlstate != error.sqlstate) {
        return Err(shown(error));
    }
    if error.severity == severity {
        Ok(())
    } else {
        Err(format!("severity {}", error.severity.as_str()))
    }
}

pub(super) fn shown(error: &ErrorResponse) -> String {
    format!("error {} {}", error.sqlstate, error.message)
}

fn success(reply: &Reply) -> String {
    if reply.status.is_none() {
        return "the connection was closed".to_owned();
    }
    reply.tags.join(" + ")
}

fn check_tags(tags: &[String], reply: &Reply) -> Result<(), String> {
    let is_tag = |(expected, tag): (&String, &String)| match expected.strip_suffix('*') {
        Some(start) => tag.starts_with(start),
        None => tag == expected,
    };
    let same = tags.len() == reply.tags.len() && tags.iter().zip(&reply.tags).all(is_tag);
    // No tags are expected of a setup.
    if reply.status.is_some() && (tags.is_empty() || same) {
        Ok(())
    } else {
        Err(success(reply))
    }
}

fn check_rows(rows: &[Vec<Cell>], reply: &Reply, names: &mut Names) -> Result<(), String> {
    let shown = || {
        let rows: Vec<_> = reply.rows.iter().map(|row| row.join("|")).collect();
        format!("{} = {}", success(reply), rows.join(" / "))
    };
    if rows.len() != reply.rows.len() {
        return Err(shown());
    }
    for (cells, values) in rows.iter().zip(&reply.rows) {
        if cells.len() != values.len() {
            return Err(shown());
        }
        for (cell, value) in cells.iter().zip(values) {
            let fits = match cell {
                Cell::Any => true,
                Cell::Exact(text) => *value == expand(text, names),
                Cell::Prefix(text) => value.starts_with(&expand(text, names)),
                Cell::Job(name) => {
                    names.insert(name.clone(), value.clone());
                    is_job_id(value)
                }
            };
            if !fits {
                return Err(shown());
            }
        }
    }
    Ok(())
}

fn is_job_id(value: &str) -> bool {
    let is_digit = |c: char| c.is_ascii_lowercase() || ('2'..='7').contains(&c);
    value.len() == JOB_LENGTH && value.chars().all(is_digit)
}

/// Whether messages came in an order that the protocol allows (manual, "Message Flow").
fn check_order(reply: &Reply, protocol: Protocol) -> Result<(), String> {
    let mut rest = reply.order.as_str();
    let ends = |rest: &str| matches!(rest, "Z" | "EZ");
    if protocol == Protocol::Extended {
        for part in ["1", "2"] {
            rest = rest.strip_prefix(part).unwrap_or(rest);
        }
    }
    // COMMIT can fail after its CommandComplete only at Sync, with a conflict.
    while !ends(rest) {
        let before = rest;
        for part in ["T", "n", "D", "G", "H", "d", "c"] {
            rest = rest.strip_prefix(part).unwrap_or(rest);
        }
        rest = rest.strip_prefix(['C', 'I']).unwrap_or(rest);
        if rest.len() == before.len() {
            return Err(format!("messages in the order {}", reply.order));
        }
    }
    let is_conflict = reply
        .error
        .as_ref()
        .is_some_and(|error| error.sqlstate == SqlState::SERIALIZATION_FAILURE);
    let late = protocol == Protocol::Extended && reply.order.contains("CE") && !is_conflict;
    if late {
        return Err(format!(
            "an error after CommandComplete, messages in the order {}",
            reply.order
        ));
    }
    Ok(())
}
