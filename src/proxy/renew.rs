//! Giving up a wait: the session goes on with another server.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::time::timeout;

use super::farewell::Ended;
use super::relay::{End, Relay};
use super::shared::{ClusterState, Shared};
use crate::net::buffered::{Buffered, Read};
use crate::session::{Abandon, ClientLogin, Parameters};
use crate::upstream::{Server, ServerStream};
use crate::wire::backend::{self, ParameterStatus, TransactionStatus};
use crate::wire::frame::HEADER;
use crate::wire::{ErrorResponse, FrameScanner, Severity, SqlState, Step, encode};

/// A frame of a server that is being prepared may be this long, in bytes.
const MAX_PREPARE_MESSAGE: usize = 64 * 1024;

/// How long the rest of a message may take that stands between the client and our answer.
const BOUNDARY: Duration = Duration::from_secs(5);

/// Gives up the wait that a client wants to end.
pub(super) async fn cancel(
    relay: &mut Relay,
    login: &ClientLogin,
    cluster: &ClusterState,
    shared: &Shared,
) -> Result<(), Ended> {
    // An answer of ours cannot stand in the middle of a message: let that pass first.
    tokio::select! {
        end = timeout(BOUNDARY, relay.run_to_boundary()) => match end {
            Ok(None) => {}
            Ok(Some(end)) => return Err(Ended::Left(end)),
            // It is the client that does not take the message: it has to do that first.
            Err(_elapsed) if !relay.client.output.is_empty() => return Ok(()),
            Err(_elapsed) => return Err(Ended::Said(stalled(), "cancel")),
        },
        () = shared.closing.cancelled() => return Err(Ended::Shutdown),
    }
    let (error, status) = match relay.session.abandon() {
        Abandon::Nothing => return Ok(()),
        Abandon::End(error) => return Err(Ended::Said(error, "cancel")),
        Abandon::Replace { error, status } => (error, status),
    };
    let mut messages = BytesMut::new();
    let replies = relay.session.continuity().replay(&mut messages);
    let limit = cluster.options.connector.timeout;
    let renewed = tokio::select! {
        renewed = timeout(limit, renew(cluster, login, messages, replies, status)) => renewed,
        () = relay.client_gone() => return Err(Ended::Left(End::ClientDone)),
        () = shared.closing.cancelled() => return Err(Ended::Shutdown),
    };
    match renewed.unwrap_or_else(|_elapsed| Err("the new connection took too long".into())) {
        Ok((server, parameters)) => {
            relay.replace_server(server);
            relay
                .session
                .replaced(&error, status, parameters, &mut relay.client.output);
            Ok(())
        }
        Err(failed) => {
            let error = error.severity(Severity::Fatal).hint(format!(
                "The session could not go on: {failed}. Connect again."
            ));
            Err(Ended::Said(error, "cancel"))
        }
    }
}

/// A new server in the state that the session needs, and its parameters.
async fn renew(
    cluster: &ClusterState,
    login: &ClientLogin,
    mut messages: BytesMut,
    mut replies: usize,
    status: TransactionStatus,
) -> Result<(Buffered<ServerStream>, Parameters), String> {
    let server = cluster
        .connect(login)
        .await
        .map_err(|error| error.to_string())?;
    let mut parameters = parameters(&server);
    let mut io = server.io;
    if status == TransactionStatus::Failed {
        // The block stays failed until the client ends it, so the new server is brought into a
        // failed block: by a statement that no PostgreSQL accepts.
        encode::query(b"BEGIN", &mut messages);
        encode::query(b"CANCELED BY THE CLIENT", &mut messages);
        replies += 2;
    }
    io.output = messages;
    let mut reached = TransactionStatus::Idle;
    let mut scanner = FrameScanner::new();
    while replies > 0 {
        match scanner
            .step(&io.input, |_| MAX_PREPARE_MESSAGE)
            .map_err(|e| e.to_string())?
        {
            Step::NeedMore => match io.exchange().await {
                Ok(Read::Some) => {}
                Ok(Read::Eof) => return Err("the server closed the connection".into()),
                Err(error) => return Err(error.to_string()),
            },
            Step::Rest(n) => drop(io.input.split_to(n)),
            Step::Head { tag, seen, .. } => {
                let frame = io.input.split_to(HEADER + seen).freeze();
                let body = frame.slice(HEADER..);
                match tag {
                    backend::READY_FOR_QUERY => {
                        replies -= 1;
                        reached = TransactionStatus::read(&body).map_err(|e| e.to_string())?;
                    }
                    backend::PARAMETER_STATUS => {
                        if let Ok(ParameterStatus { name, value }) = ParameterStatus::read(&body) {
                            parameters.insert(body.slice_ref(name), body.slice_ref(value));
                        }
                    }
                    _ => {}
                }
            }
        }
    }
    if reached == status {
        Ok((io, parameters))
    } else {
        Err("its transaction could not be ended".into())
    }
}

/// What a server told of its parameters.
pub(super) fn parameters(server: &Server) -> Parameters {
    let parameters = server.welcome.parameters.iter().cloned();
    parameters
        .map(|(name, value)| (Bytes::from(name), Bytes::from(value)))
        .collect()
}

fn stalled() -> ErrorResponse {
    ErrorResponse::fatal(
        SqlState::CONNECTION_FAILURE,
        "the server stopped in the middle of a message",
    )
}
