//! Last words.

use std::io;
use std::time::Duration;

use tokio::time::timeout;

use super::pause::End;
use super::relay::Relay;
use crate::net::buffered::{Buffered, Read};
use crate::net::listen::ClientStream;
use crate::session::Loss;
use crate::wire::{ErrorResponse, SqlState};

/// How long a client gets to take our last words.
const FAREWELL: Duration = Duration::from_secs(2);

/// How a session ends.
pub(super) enum Ended {
    /// Somebody left.
    Left(End),
    /// The proxy shuts down.
    Shutdown,
    /// In the middle of a message, so that nothing can be said.
    Cut,
    /// We end it, with these last words; and why, for the log.
    Said(ErrorResponse, &'static str),
}

/// Says goodbye on both sides. Why the session ended, for the log.
pub(super) async fn finish(relay: &mut Relay, ended: Ended) -> &'static str {
    let done = matches!(ended, Ended::Left(End::ClientDone));
    let (said, why) = match ended {
        Ended::Shutdown => (Some(at_shutdown(relay.session.loss())), "shutdown"),
        Ended::Said(error, why) => (Some(error), why),
        Ended::Cut => (None, "server closed in the middle of a message"),
        Ended::Left(End::ClientDone) => (None, "client closed"),
        Ended::Left(End::ClientLost(error)) => {
            tracing::debug!(%error, "client vanished");
            (None, "client vanished")
        }
        Ended::Left(End::ClientRefused(error)) => (Some(error), "client broke the protocol"),
    };
    relay.publish_rejections();
    if let Some(error) = said
        && relay.at_boundary()
    {
        let error = if relay.is_underway() {
            half_done(error)
        } else {
            error
        };
        relay.pool.metrics.rejected(error.sqlstate.as_str());
        error.encode(&mut relay.client.output);
    }
    relay.let_go();
    if !done || !relay.client.is_quiet() {
        Box::pin(farewell(&mut relay.client)).await;
    }
    why
}

/// Delivers what is in the output and closes, without losing it: a socket that is closed while
/// the peer's bytes are unread resets the connection, and the peer may never see our last words.
pub(super) async fn farewell(io: &mut Buffered<ClientStream>) {
    let deliver = async {
        io.close().await?;
        loop {
            io.input.clear();
            if io.fill().await? == Read::Eof {
                return io::Result::Ok(());
            }
        }
    };
    timeout(FAREWELL, deliver).await.ok();
}

/// What a client is told in the middle of a statement that takes several steps.
fn half_done(error: ErrorResponse) -> ErrorResponse {
    let told = "The statement takes several steps on Aurora DSQL. Those that had been done stay: \
                look at the table before you run it again.";
    let detail = match &error.detail {
        Some(detail) => format!("{detail} {told}"),
        None => told.to_owned(),
    };
    error.detail(detail)
}

fn at_shutdown(loss: Loss) -> ErrorResponse {
    match loss {
        Loss::Nothing | Loss::RolledBack => shutting_down(),
        Loss::Unknown | Loss::Commit => ErrorResponse::fatal(
            SqlState::OUTCOME_UNKNOWN,
            "terminating connection because the proxy is shutting down; the outcome is unknown",
        )
        .detail("What was in flight may or may not have been committed.")
        .hint("Connect again and check whether it took effect before you repeat it."),
    }
}

/// What a client is told whose session another one has ended.
pub(super) fn terminated(loss: Loss) -> ErrorResponse {
    // PostgreSQL's words.
    let error = ErrorResponse::fatal(
        SqlState::ADMIN_SHUTDOWN,
        "terminating connection due to administrator command",
    );
    match loss {
        Loss::Nothing | Loss::RolledBack => error,
        Loss::Unknown | Loss::Commit => error
            .detail("What was in flight may or may not have been committed.")
            .hint("Connect again and check whether it took effect before you repeat it."),
    }
}

pub(super) fn shutting_down() -> ErrorResponse {
    ErrorResponse::fatal(
        SqlState::ADMIN_SHUTDOWN,
        "terminating connection because the proxy is shutting down",
    )
    .hint("Connect again once it is back.")
}

pub(super) fn too_slow(limit: Duration) -> ErrorResponse {
    ErrorResponse::fatal(
        SqlState::PROTOCOL_VIOLATION,
        format!(
            "no complete startup packet within {} (--login-timeout)",
            humantime::format_duration(limit)
        ),
    )
}

pub(super) fn too_many(limit: usize) -> ErrorResponse {
    ErrorResponse::fatal(
        SqlState::TOO_MANY_CONNECTIONS,
        "sorry, too many clients already",
    )
    .detail(format!(
        "The proxy serves {limit} clients at a time (--max-clients)."
    ))
    .hint("Close connections that are not used, or raise --max-clients.")
}

pub(super) fn too_crowded() -> ErrorResponse {
    ErrorResponse::fatal(
        SqlState::TOO_MANY_CONNECTIONS,
        "too many clients that have not logged in",
    )
    .hint("Try again. Find out who opens connections without a startup packet.")
}
