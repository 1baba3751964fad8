//! The front: what a client takes for DSQL.
//!
//! A connection goes through [`login`], which ends with a startup message for the PostgreSQL
//! behind, and then through [`relay`], which carries bytes both ways: [`requests`] on the way in,
//! where statements are judged, and [`replies`] on the way out.

mod login;
mod options;
mod relay;
mod replies;
mod requests;

use std::path::PathBuf;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, timeout};

use self::login::{Admitted, Closed, Login};
use super::Limits;
use super::faults::Faults;
use super::identity::Identity;
use super::quota::Quota;
use crate::net::tls_server::TlsServer;
use crate::wire::{ErrorResponse, SqlState};

/// How long a client may take from connecting to its password (PostgreSQL's
/// `authentication_timeout`; DSQL's is not documented).
const LOGIN_DEADLINE: Duration = Duration::from_mins(1);
/// How long a client may take to read the last words to it.
const CLOSE_PATIENCE: Duration = Duration::from_secs(5);

/// What all connections to a cluster share.
#[derive(Debug)]
pub(super) struct Front {
    tls: TlsServer,
    identity: Identity,
    endpoint: String,
    /// The socket of the PostgreSQL behind.
    postgres: PathBuf,
    faults: Faults,
    quota: Quota,
}

impl Front {
    pub(super) fn new(
        tls: TlsServer,
        identity: Identity,
        postgres: PathBuf,
        limits: &Limits,
        faults: Faults,
    ) -> Self {
        Self {
            tls,
            endpoint: identity.endpoint(),
            identity,
            postgres,
            faults,
            quota: Quota::new(limits, Instant::now()),
        }
    }

    /// Serves one connection to its end.
    pub(super) async fn serve(&self, stream: TcpStream) {
        let login = Box::pin(timeout(LOGIN_DEADLINE, self.login(stream))).await;
        let session = match login {
            Ok(Ok(session)) => session,
            Ok(Err(closed)) => {
                tracing::debug!(%closed, "a client did not log in");
                return;
            }
            Err(_) => {
                tracing::debug!("a client did not log in in time");
                return;
            }
        };
        session.run().await;
    }

    async fn login(&self, stream: TcpStream) -> Result<Session, Closed> {
        stream.set_nodelay(true)?;
        let Login {
            mut client,
            startup,
            admitted,
        } = login::login(self, stream).await?;
        match self.connect(&startup).await {
            Ok(server) => Ok(Session {
                client,
                server,
                admitted,
            }),
            Err(error) => {
                let response = ErrorResponse::fatal(
                    SqlState::CANNOT_CONNECT_NOW,
                    "the local cluster's PostgreSQL does not answer",
                )
                .detail(error.to_string())
                .hint("Look at postgres.log in the cluster's data directory.");
                client.refuse(&response).await;
                Err(Closed::Postgres(error))
            }
        }
    }

    async fn connect(&self, startup: &[u8]) -> std::io::Result<UnixStream> {
        let mut server = UnixStream::connect(&self.postgres).await?;
        server.write_all(startup).await?;
        Ok(server)
    }
}

/// A client and the PostgreSQL session that is its own.
struct Session {
    client: login::Client,
    server: UnixStream,
    admitted: Admitted,
}

impl Session {
    async fn run(self) {
        let (mut client, buffer): (_, BytesMut) = self.client.into_parts();
        tokio::select! {
            () = relay::relay(&mut client, buffer, self.server) => {}
            // Without a word, not even that of TLS.
            () = self.admitted.faults.cut_requested() => return,
        }
        // The client may be gone, or not listen.
        drop(timeout(CLOSE_PATIENCE, client.shutdown()).await);
    }
}

#[cfg(test)]
mod tests;
