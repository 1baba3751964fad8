//! Errors that the front makes.

use super::super::judge::Refusal;
use super::engine::Violation;
use crate::dsql::conflict;
use crate::wire::{ErrorFields, ErrorResponse, SqlState};

/// What DSQL says where PostgreSQL at REPEATABLE READ says that the row was changed since, or is
/// locked, or that the statement was cancelled, which is how it makes way for a change of the
/// catalog.
pub(super) fn conflict_of(error: &ErrorFields<'_>) -> Option<Refusal> {
    const DEADLOCK_DETECTED: &str = "40P01";
    const LOCK_NOT_AVAILABLE: &str = "55P03";
    /// A COPY that the client ends has the same SQLSTATE.
    const CANCELLED: &[u8] = b"canceling statement due to user request";
    let sqlstate = error.sqlstate().filter(|_| !error.is_fatal())?;
    match sqlstate.as_str() {
        conflict::SQLSTATE | DEADLOCK_DETECTED | LOCK_NOT_AVAILABLE => Some(data_conflict()),
        _ if error.message() == CANCELLED => Some(schema_conflict()),
        _ => None,
    }
}

pub(super) fn data_conflict() -> Refusal {
    Refusal::new(conflict::SQLSTATE, conflict::DATA)
}

pub(super) fn schema_conflict() -> Refusal {
    Refusal::new(conflict::SQLSTATE, conflict::SCHEMA)
}

pub(super) fn to_response(refusal: &Refusal) -> ErrorResponse {
    let sqlstate = SqlState::parse(refusal.sqlstate.as_bytes()).unwrap_or(SqlState::INTERNAL_ERROR);
    let mut response = ErrorResponse::error(sqlstate, refusal.message.as_str());
    response.detail.clone_from(&refusal.detail);
    response.hint.clone_from(&refusal.hint);
    response
}

/// PostgreSQL is gone, and nobody asked it to go.
pub(super) fn vanished() -> ErrorResponse {
    ErrorResponse::fatal(
        SqlState::CONNECTION_FAILURE,
        "the local cluster's PostgreSQL closed the connection",
    )
    .hint("Look at postgres.log in the cluster's data directory.")
}

/// The last words to a client that broke the protocol.
pub(super) fn response_to(violation: Violation) -> Option<ErrorResponse> {
    let text = match violation {
        // As DSQL does it: without a word.
        Violation::TooLong => return None,
        Violation::Length(error) => error.to_string(),
        Violation::Malformed(tag) => {
            format!("invalid frontend message of type {}", tag.escape_ascii())
        }
    };
    Some(ErrorResponse::fatal(SqlState::PROTOCOL_VIOLATION, text))
}
