//! Giving up a wait: the session goes on with another server.

use bytes::BytesMut;

use super::farewell::{Ended, shutting_down};
use super::relay::Relay;
use super::shared::{ClusterState, Shared};
use crate::net::buffered::{Buffered, Read};
use crate::session::{Abandon, ClientLogin};
use crate::upstream::ServerStream;
use crate::wire::backend::{self, TransactionStatus};
use crate::wire::frame::HEADER;
use crate::wire::{FrameScanner, Severity, Step, encode};

/// A frame of a server that is being prepared may be this long, in bytes.
const MAX_PREPARE_MESSAGE: usize = 64 * 1024;

/// Gives up the wait that a client wants to end.
pub(super) async fn cancel(
    relay: &mut Relay,
    login: &ClientLogin,
    cluster: &ClusterState,
    shared: &Shared,
) -> Result<(), Ended> {
    // An answer of ours cannot stand in the middle of a message: let that pass first.
    if let Some(end) = relay.run_to_boundary().await {
        return Err(Ended::Left(end));
    }
    let (error, status) = match relay.session.abandon() {
        Abandon::Nothing => return Ok(()),
        Abandon::End(error) => return Err(Ended::Said(error, "cancel")),
        Abandon::Replace { error, status } => (error, status),
    };
    let mut messages = BytesMut::new();
    let replies = relay.session.continuity().replay(&mut messages);
    let renewed = tokio::select! {
        renewed = renew(cluster, login, messages, replies, status) => renewed,
        () = shared.closing.cancelled() => return Err(Ended::Said(shutting_down(), "shutdown")),
    };
    match renewed {
        Ok(server) => {
            relay.replace_server(server);
            relay
                .session
                .replaced(&error, status, &mut relay.client.output);
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

/// A new server in the state that the session needs.
async fn renew(
    cluster: &ClusterState,
    login: &ClientLogin,
    mut messages: BytesMut,
    mut replies: usize,
    status: TransactionStatus,
) -> Result<Buffered<ServerStream>, String> {
    let mut server = cluster
        .connect(login)
        .await
        .map_err(|error| error.to_string())?
        .io;
    if status == TransactionStatus::Failed {
        // The block stays failed until the client ends it, so the new server is brought into a
        // failed block: by a statement that no PostgreSQL accepts.
        encode::query(b"BEGIN", &mut messages);
        encode::query(b"CANCELED BY THE CLIENT", &mut messages);
        replies += 2;
    }
    if replies == 0 {
        return Ok(server);
    }
    server.output = messages;
    let mut reached = TransactionStatus::Idle;
    let mut scanner = FrameScanner::new();
    while replies > 0 {
        server.flush().await.map_err(|error| error.to_string())?;
        match scanner
            .step(&server.input, |_| MAX_PREPARE_MESSAGE)
            .map_err(|e| e.to_string())?
        {
            Step::NeedMore => match server.fill().await {
                Ok(Read::Some) => {}
                Ok(Read::Eof) => return Err("the server closed the connection".into()),
                Err(error) => return Err(error.to_string()),
            },
            Step::Rest(n) => drop(server.input.split_to(n)),
            Step::Head { tag, seen, .. } => {
                let frame = server.input.split_to(HEADER + seen);
                if tag == backend::READY_FOR_QUERY {
                    replies -= 1;
                    reached = TransactionStatus::read(&frame[HEADER..])
                        .map_err(|malformed| malformed.to_string())?;
                }
            }
        }
    }
    if reached == status {
        Ok(server)
    } else {
        Err("its transaction could not be ended".into())
    }
}
