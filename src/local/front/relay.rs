//! Bytes both ways, at full duplex.
//!
//! Each direction has one buffer of bounded size and waits for its own reader only, so that a
//! client that does not read stops PostgreSQL and costs no memory, and a pipeline that is longer
//! than all buffers cannot lock itself up.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::replies::Replies;
use super::requests::{Requests, Violation};
use crate::net::random;
use crate::wire::{ErrorResponse, SqlState};

/// How much is read at once, in bytes.
const CHUNK: usize = 32 * 1024;
/// How long PostgreSQL may go on for a client that has sent its last byte.
const LINGER: Duration = Duration::from_secs(30);

/// How the client's side ended.
enum ClientEnd {
    /// It will send no more, and may still read.
    Finished,
    /// It is gone.
    Gone,
    /// PostgreSQL takes no more.
    ServerClosed,
    /// It broke the protocol.
    Broke(Violation),
}

/// How PostgreSQL's side ended.
enum ServerEnd {
    /// It closed the connection and had said why, or had been told to.
    Closed,
    /// It vanished.
    Vanished,
    /// The client is gone.
    ClientGone,
}

/// Relays until one side ends, and tells the client if it would not know why.
pub(super) async fn relay<C>(client: &mut C, buffer: BytesMut, server: UnixStream)
where
    C: AsyncRead + AsyncWrite + Unpin,
{
    let key = random_key();
    // The reply that is being written may be in the middle of a message.
    let boundary = AtomicBool::new(true);
    let last_words = {
        let (mut client_read, mut client_write) = tokio::io::split(&mut *client);
        let (mut server_read, mut server_write) = server.into_split();
        let goodbye = AtomicBool::new(false);
        let requests = async {
            let end = carry_requests(&mut client_read, buffer, &mut server_write, &goodbye).await;
            if matches!(end, ClientEnd::Finished) {
                goodbye.store(true, Ordering::Relaxed);
                // PostgreSQL ends the session when it has done what was sent before. Should it
                // be gone, the other direction notices.
                drop(server_write.shutdown().await);
            }
            end
        };
        let replies = carry_replies(&mut server_read, &mut client_write, key, &boundary);
        tokio::pin!(requests, replies);
        let server_end = tokio::select! {
            end = &mut replies => Ok(end),
            end = &mut requests => match end {
                ClientEnd::Finished | ClientEnd::ServerClosed => {
                    Ok(timeout(LINGER, replies).await.unwrap_or(ServerEnd::ClientGone))
                }
                ClientEnd::Gone => Ok(ServerEnd::ClientGone),
                ClientEnd::Broke(violation) => Err(violation),
            },
        };
        match server_end {
            Ok(ServerEnd::Vanished) if !goodbye.load(Ordering::Relaxed) => Some(vanished()),
            Ok(_) => None,
            Err(violation) => response_to(violation),
        }
    };
    let Some(response) = last_words.filter(|_| boundary.load(Ordering::Relaxed)) else {
        return;
    };
    let mut out = BytesMut::new();
    response.encode(&mut out);
    let say = async {
        client.write_all(&out).await?;
        client.flush().await
    };
    // The client may be gone, or not listen.
    drop(timeout(super::CLOSE_PATIENCE, say).await);
}

async fn carry_requests(
    client: &mut (impl AsyncRead + Unpin),
    mut input: BytesMut,
    server: &mut (impl AsyncWrite + Unpin),
    goodbye: &AtomicBool,
) -> ClientEnd {
    let mut requests = Requests::default();
    let mut out = BytesMut::new();
    loop {
        let violation = requests.process(&mut input, &mut out).err();
        goodbye.store(requests.terminated(), Ordering::Relaxed);
        if server.write_all(&out).await.is_err() {
            return ClientEnd::ServerClosed;
        }
        out.clear();
        if let Some(violation) = violation {
            return ClientEnd::Broke(violation);
        }
        input.reserve(CHUNK);
        match client.read_buf(&mut input).await {
            Ok(0) => return ClientEnd::Finished,
            Ok(_) => {}
            // Also what rustls makes of a connection that ends without a `close_notify`.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return ClientEnd::Finished;
            }
            Err(_) => return ClientEnd::Gone,
        }
    }
}

async fn carry_replies(
    server: &mut (impl AsyncRead + Unpin),
    client: &mut (impl AsyncWrite + Unpin),
    key: (i32, [u8; 4]),
    boundary: &AtomicBool,
) -> ServerEnd {
    let mut replies = Replies::new(key);
    let mut input = BytesMut::new();
    let mut out = BytesMut::new();
    loop {
        input.reserve(CHUNK);
        match server.read_buf(&mut input).await {
            Ok(0) | Err(_) if replies.said_why() => return ServerEnd::Closed,
            Ok(0) | Err(_) => return ServerEnd::Vanished,
            Ok(_) => {}
        }
        if replies.process(&mut input, &mut out).is_err() {
            return ServerEnd::Vanished;
        }
        boundary.store(false, Ordering::Relaxed);
        let written = async {
            client.write_all(&out).await?;
            client.flush().await
        };
        if written.await.is_err() {
            return ServerEnd::ClientGone;
        }
        boundary.store(replies.at_boundary(), Ordering::Relaxed);
        out.clear();
    }
}

/// A process id and a secret that belong to nobody.
fn random_key() -> (i32, [u8; 4]) {
    let mut bytes = [0; 8];
    // Without randomness it is a key of zeroes, which does as well: nothing listens to it.
    random::fill(&mut bytes).ok();
    let [a, b, c, d, secret @ ..] = bytes;
    (i32::from_be_bytes([a & 0x7f, b, c, d]), secret)
}

fn vanished() -> ErrorResponse {
    ErrorResponse::fatal(
        SqlState::CONNECTION_FAILURE,
        "the local cluster's PostgreSQL closed the connection",
    )
    .hint("Look at postgres.log in the cluster's data directory.")
}

fn response_to(violation: Violation) -> Option<ErrorResponse> {
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
