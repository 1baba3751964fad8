//! Last words.

use std::io;
use std::time::Duration;

use tokio::time::timeout;

use super::relay::{End, Relay};
use crate::net::buffered::{Buffered, Read};
use crate::net::listen::ClientStream;
use crate::session::Loss;
use crate::wire::{ErrorResponse, SqlState, encode};

/// How long a client gets to take our last words.
const FAREWELL: Duration = Duration::from_secs(2);

/// How long a server gets to take our goodbye.
const GOODBYE: Duration = Duration::from_millis(500);

/// How a session ends.
pub(super) enum Ended {
    /// Somebody left.
    Left(End),
    /// The proxy shuts down.
    Shutdown,
    /// We end it, with these last words; and why, for the log.
    Said(ErrorResponse, &'static str),
}

/// Says goodbye on both sides. Why the session ended, for the log.
pub(super) async fn finish(mut relay: Relay, ended: Ended) -> &'static str {
    let loss = relay.session.loss();
    let (said, why) = match ended {
        Ended::Shutdown => (Some(at_shutdown(loss)), "shutdown"),
        Ended::Said(error, why) => (Some(error), why),
        Ended::Left(End::ClientDone) => (None, "client closed"),
        Ended::Left(End::ClientLost(error)) => {
            tracing::debug!(%error, "client vanished");
            (None, "client vanished")
        }
        Ended::Left(End::ClientRefused(error)) => (Some(error), "client broke the protocol"),
        Ended::Left(End::ServerClosed(_)) if relay.session.fatal_seen() => (None, "server closed"),
        Ended::Left(End::ServerClosed(source)) => {
            let why = source.map(|error| error.to_string());
            (Some(server_lost(loss, why.as_deref())), "server closed")
        }
        Ended::Left(End::ServerBroken(why)) => {
            let why = format!("the server broke the protocol: {why}");
            (
                Some(server_lost(loss, Some(&why))),
                "server broke the protocol",
            )
        }
    };
    if let Some(error) = said
        && relay.at_boundary()
    {
        error.encode(&mut relay.client.output);
    }
    if relay.at_server_boundary() {
        encode::terminate(&mut relay.server.output);
    }
    let Relay {
        mut server, client, ..
    } = relay;
    let goodbye = async {
        timeout(GOODBYE, server.close()).await.ok();
    };
    tokio::join!(goodbye, farewell(client));
    why
}

/// Delivers what is in the output and closes, without losing it: a socket that is closed while
/// the peer's bytes are unread resets the connection, and the peer may never see our last words.
pub(super) async fn farewell(mut io: Buffered<ClientStream>) {
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

fn server_lost(loss: Loss, source: Option<&str>) -> ErrorResponse {
    let source = source.map(|why| format!(": {why}")).unwrap_or_default();
    match loss {
        Loss::Nothing => ErrorResponse::fatal(
            SqlState::CONNECTION_FAILURE,
            format!("the connection to Aurora DSQL was lost{source}"),
        )
        .detail("No transaction was open.")
        .hint("Connect again. DSQL closes every connection after 60 minutes."),
        Loss::RolledBack => ErrorResponse::fatal(
            SqlState::CONNECTION_FAILURE,
            format!("the connection to Aurora DSQL was lost{source}"),
        )
        .detail("The open transaction was rolled back.")
        .hint("Connect again and repeat the transaction."),
        Loss::Unknown | Loss::Commit => ErrorResponse::fatal(
            SqlState::OUTCOME_UNKNOWN,
            format!("the connection to Aurora DSQL was lost and the outcome is unknown{source}"),
        )
        .detail("What was in flight may or may not have been committed.")
        .hint("Connect again and check whether it took effect before you repeat it."),
    }
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
