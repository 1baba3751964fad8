//! The front: what a client takes for DSQL.
//!
//! A connection goes through [`login`], which ends with a startup message for the PostgreSQL
//! behind, and then through the [`engine`], which does one message after the other: [`simple`]
//! and [`extended`] are the two protocols, [`copy`] is what interrupts them. [`transaction`] is what
//! DSQL forbids in one, [`catalog`] who has seen which version of the schema, [`block`] and
//! [`watch`] have blocks give way to others, [`commit`] is what stands before a COMMIT.
//! [`behind`] runs statements of our own in between, [`remember`] is what a block has to do again.
//! [`replies`] makes DSQL's answers of PostgreSQL's, as a [`shape`] says; [`errors`] are our own.

mod behind;
mod block;
mod catalog;
mod commit;
mod copy;
mod engine;
mod errors;
mod extended;
mod login;
mod options;
mod peer;
mod remember;
mod replies;
mod shape;
mod simple;
mod syntax;
mod transaction;
mod watch;

use std::path::PathBuf;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, timeout};

use self::login::{Admitted, Closed, Login};
use self::peer::Peer;
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
    catalog: catalog::Catalog,
    syntax: syntax::Syntax,
    faults: Faults,
    quota: Quota,
    limits: Limits,
    watch: watch::Watch,
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
            catalog: catalog::Catalog::default(),
            syntax: syntax::Syntax::default(),
            faults,
            quota: Quota::new(limits, Instant::now()),
            limits: limits.clone(),
            watch: watch::Watch::default(),
        }
    }

    /// The catalog is changed by no session: a job has made an index valid, or validated a
    /// constraint. As far as is known, DSQL has one version for all of it.
    pub(super) fn catalog_changed(&self) {
        self.catalog.changed_by_job();
    }

    /// Has sessions let go of what others wait for.
    pub(super) async fn watch(&self) -> std::convert::Infallible {
        self.watch.look(&self.postgres).await
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
        let (stream, unread) = session.client.into_parts();
        let client = Peer::new(stream, unread);
        engine::serve(self, client, session.server, session.admitted).await;
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
                client.refuse(&unreachable(&error)).await;
                Err(Closed::Postgres(error))
            }
        }
    }

    /// What PostgreSQL's grammar says to a text, if it cannot read it.
    async fn syntax_error(&self, text: &[u8]) -> Option<peer::Message> {
        self.syntax.error(&self.postgres, text).await
    }

    async fn connect(&self, startup: &[u8]) -> std::io::Result<UnixStream> {
        let mut server = UnixStream::connect(&self.postgres).await?;
        server.write_all(startup).await?;
        Ok(server)
    }
}

/// What a client is told whose session PostgreSQL does not begin.
fn unreachable(error: &dyn std::fmt::Display) -> ErrorResponse {
    ErrorResponse::fatal(
        SqlState::CANNOT_CONNECT_NOW,
        "the local cluster's PostgreSQL does not answer",
    )
    .detail(error.to_string())
    .hint("Look at postgres.log in the cluster's data directory.")
}

/// A client and the PostgreSQL session that is its own.
struct Session {
    client: login::Client,
    server: UnixStream,
    admitted: Admitted,
}

#[cfg(test)]
mod tests;
