//! From the first byte to a startup message for the PostgreSQL behind.
//!
//! The order is that of PostgreSQL: TLS, startup packet, protocol version, password, parameters,
//! database. In which order DSQL looks is not known.

use std::io;

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::server::TlsStream;

use super::super::bootstrap::OWN;
use super::super::faults::{Injected, Refusal, SessionFaults};
use super::super::identity::ARN;
use super::super::postgres::{Admin, SUPERUSER, literal};
use super::super::quota::{ConnectionGuard, QuotaExceeded};
use super::super::token::{self, Action, Expected};
use super::{CLOSE_PATIENCE, Front, options, unreachable};
use crate::dsql::parameters;
use crate::net::tls_server::{Negotiation, TlsRefused};
use crate::wire::startup::{FirstPacket, ProtocolVersion, Startup, StartupError, TLS_HANDSHAKE};
use crate::wire::{ErrorResponse, FrameScanner, SqlState, Step, encode, frame, frontend};

/// The longest password message that is read, in bytes: a token and some room.
const MAX_PASSWORD: usize = 16 * 1024;

/// DSQL has one database (user guide, "Accessing Aurora DSQL", 2026-09).
const DATABASE: &[u8] = b"postgres";

/// How long a statement waits for a lock: never in DSQL. It is the longest that a session in the
/// middle of something is given to let go. A statement that wants a row may wait twice, for its
/// place in the queue and for the row.
const LOCK_PATIENCE: &str = "40ms";

/// The option with which a client behind PrivateLink names its cluster (user guide, 2026-09).
const CLUSTER_ID: &str = "amzn-cluster-id";

/// A client that is in.
pub(super) struct Login {
    pub(super) client: Client,
    /// The startup packet for PostgreSQL.
    pub(super) startup: BytesMut,
    pub(super) admitted: Admitted,
}

/// The place of a connection among all, from its startup packet to its end.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) faults: SessionFaults,
    _connection: ConnectionGuard,
}

/// Why a connection ended before its session began.
#[derive(Debug, thiserror::Error)]
pub(super) enum Closed {
    #[error("the connection was lost: {0}")]
    Io(#[from] io::Error),
    #[error("the client closed the connection")]
    ByClient,
    #[error(transparent)]
    Tls(#[from] TlsRefused),
    #[error("it sent no startup packet: {0}")]
    NoStartup(#[from] StartupError),
    #[error("it was cut")]
    Cut,
    /// DSQL ignores these (seen 2026-09).
    #[error("it was a CancelRequest")]
    Cancel,
    #[error("refused: {0}")]
    Refused(ErrorResponse),
    #[error("cannot reach PostgreSQL: {0}")]
    Postgres(io::Error),
}

/// A client over TLS, and what it has sent that nobody has looked at.
#[derive(Debug)]
pub(super) struct Client {
    stream: TlsStream<TcpStream>,
    buffer: BytesMut,
}

impl Client {
    pub(super) fn into_parts(self) -> (TlsStream<TcpStream>, BytesMut) {
        (self.stream, self.buffer)
    }

    /// The last words to a client.
    pub(super) async fn refuse(&mut self, response: &ErrorResponse) {
        let mut out = BytesMut::new();
        response.encode(&mut out);
        let say = async {
            self.send(&out).await?;
            self.stream.shutdown().await
        };
        // The client may be gone, or not listen.
        drop(timeout(CLOSE_PATIENCE, say).await);
    }

    async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    async fn read_more(&mut self) -> Result<(), Closed> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(Closed::ByClient),
            _ => Ok(()),
        }
    }

    async fn read_packet(&mut self) -> Result<FirstPacket, Closed> {
        loop {
            if let Some((packet, length)) = FirstPacket::read(&self.buffer)? {
                self.buffer.advance(length);
                return Ok(packet);
            }
            self.read_more().await?;
        }
    }

    /// The body of the PasswordMessage; `Err` of the inner result if something else came.
    async fn read_password(&mut self) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>, Closed> {
        loop {
            let length = self
                .buffer
                .get(1..frame::HEADER)
                .and_then(|word| word.try_into().ok());
            let length = length.map_or(0, u32::from_be_bytes);
            if usize::try_from(length).is_ok_and(|n| n > MAX_PASSWORD) {
                return Ok(None);
            }
            match FrameScanner::new().step(&self.buffer, |_| MAX_PASSWORD) {
                Ok(Step::NeedMore) => self.read_more().await?,
                Ok(Step::Head {
                    tag: frontend::PASSWORD,
                    body,
                    ..
                }) => {
                    self.buffer.advance(frame::HEADER);
                    let body = self.buffer.split_to(body);
                    return Ok(frontend::password(&body).ok().map(|p| p.to_vec().into()));
                }
                Ok(Step::Head { .. } | Step::Rest(_)) | Err(_) => return Ok(None),
            }
        }
    }
}

/// Logs a client in. Not cancel-safe.
pub(super) async fn login(front: &Front, stream: TcpStream) -> Result<Login, Closed> {
    let mut client = encrypt(front, stream).await?;
    let outcome = converse(front, &mut client).await;
    if let Err(Closed::Refused(response)) = &outcome {
        client.refuse(response).await;
    }
    let (startup, admitted) = outcome?;
    Ok(Login {
        client,
        startup,
        admitted,
    })
}

/// TLS, however the client wants it.
async fn encrypt(front: &Front, mut stream: TcpStream) -> Result<Client, Closed> {
    let negotiation = loop {
        let mut first = [0];
        if stream.peek(&mut first).await? == 0 {
            return Err(Closed::ByClient);
        }
        if first == [TLS_HANDSHAKE] {
            break Negotiation::Direct;
        }
        match first_packet(&mut stream).await? {
            FirstPacket::SslRequest => {
                stream.write_all(b"S").await?;
                break Negotiation::SslRequest;
            }
            // DSQL is not known to offer GSSAPI.
            FirstPacket::GssEncRequest => stream.write_all(b"N").await?,
            FirstPacket::Cancel(_) => return Err(Closed::Cancel),
            FirstPacket::Startup(_) => {
                let response = plaintext();
                let mut out = BytesMut::new();
                response.encode(&mut out);
                stream.write_all(&out).await?;
                stream.shutdown().await?;
                return Err(Closed::Refused(response));
            }
        }
    };
    Ok(Client {
        stream: front.tls.accept(stream, negotiation).await?,
        buffer: BytesMut::new(),
    })
}

/// Reads a packet and not a byte more: what follows may be TLS.
async fn first_packet(stream: &mut TcpStream) -> Result<FirstPacket, Closed> {
    let mut packet = BytesMut::new();
    loop {
        if let Some((packet, _)) = FirstPacket::read(&packet)? {
            return Ok(packet);
        }
        let byte = stream.read_u8().await.map_err(|e| match e.kind() {
            io::ErrorKind::UnexpectedEof => Closed::ByClient,
            _ => e.into(),
        })?;
        packet.extend_from_slice(&[byte]);
    }
}

/// The startup packet, the password, and what follows from both.
async fn converse(front: &Front, client: &mut Client) -> Result<(BytesMut, Admitted), Closed> {
    let startup = match client.read_packet().await? {
        FirstPacket::Startup(startup) => startup,
        FirstPacket::Cancel(_) => return Err(Closed::Cancel),
        FirstPacket::SslRequest | FirstPacket::GssEncRequest => {
            let text = "received another encryption request after TLS was negotiated";
            return Err(refused(SqlState::PROTOCOL_VIOLATION, text));
        }
    };
    let mut out = BytesMut::new();
    negotiate_version(&startup, &mut out)?;
    let Some(user) = startup.get("user").filter(|user| !user.is_empty()) else {
        let text = "no PostgreSQL user name specified in startup packet";
        return Err(refused(SqlState::INVALID_AUTHORIZATION, text));
    };
    let name = startup.get("application_name").unwrap_or_default();
    let name = String::from_utf8_lossy(name);
    let user = String::from_utf8_lossy(user);
    let exceeded = |exceeded: QuotaExceeded| Closed::Refused(exceeded.to_response());
    let admitted = Admitted {
        _connection: front.quota.admit(Instant::now()).map_err(exceeded)?,
        faults: front.faults.enlist(&user, &name),
    };
    let injected = front.faults.at_login(&user, &name);
    tokio::select! {
        outcome = authenticate(front, client, &user, injected, out) => outcome?,
        () = admitted.faults.cut_requested() => return Err(Closed::Cut),
    }
    Ok((behind(&startup, &front.identity.id)?, admitted))
}

/// Asks for the password, which is said to be wrong if a fault says so. `out` is what goes out
/// before.
async fn authenticate(
    front: &Front,
    client: &mut Client,
    user: &str,
    injected: Injected<Refusal>,
    mut out: BytesMut,
) -> Result<(), Closed> {
    tokio::time::sleep(injected.delay).await;
    let denied = match injected.fault {
        None => None,
        Some(denied @ Refusal::AccessDenied { .. }) => Some(denied.to_response()),
        Some(refusal) => return Err(Closed::Refused(refusal.to_response())),
    };
    encode::authentication_cleartext_password(&mut out);
    client.send(&out).await?;
    let Some(password) = client.read_password().await? else {
        let text = "expected password response";
        return Err(refused(SqlState::PROTOCOL_VIOLATION, text));
    };
    if let Some(denied) = denied {
        return Err(Closed::Refused(denied));
    }
    let expected = Expected {
        endpoint: &front.endpoint,
        region: &front.identity.region,
        credentials: &front.identity.credentials,
        user,
        now: front.faults.now(),
    };
    token::verify(&password, &expected).map_err(|denied| Closed::Refused(denied.to_response()))?;
    if user == SUPERUSER {
        // As PostgreSQL says it of a role that does not exist.
        let text = format!("role \"{SUPERUSER}\" does not exist");
        return Err(refused(SqlState::INVALID_AUTHORIZATION, text));
    }
    if Action::for_user(user) == Action::DbConnect {
        check_mapping(front, user).await?;
    }
    Ok(())
}

/// A role that may log in is open to those to whom it was granted with AWS IAM GRANT. What else
/// may be wrong with a role, PostgreSQL says.
async fn check_mapping(front: &Front, user: &str) -> Result<(), Closed> {
    let ask = async {
        let sql = format!(
            "SELECT pg_catalog.{OWN}_lacks_iam({}, {})",
            literal(user),
            literal(ARN)
        );
        Admin::connect(&front.postgres).await?.value(&sql).await
    };
    match ask.await {
        Ok(Some(lacks)) if lacks == "t" => {
            let denied = ErrorResponse::fatal(SqlState::INVALID_AUTHORIZATION, token::DENIED);
            let role = user.replace('"', "\"\"");
            let hint = format!("As admin: AWS IAM GRANT \"{role}\" TO {};", literal(ARN));
            Err(Closed::Refused(denied.hint(hint)))
        }
        Ok(_) => Ok(()),
        Err(error) => Err(Closed::Refused(unreachable(&error))),
    }
}

/// Agrees on protocol 3.0 without options, as PostgreSQL 16 does (manual, "Message Flow").
fn negotiate_version(startup: &Startup, out: &mut BytesMut) -> Result<(), Closed> {
    let version = startup.version;
    if version.major != ProtocolVersion::V3_0.major {
        let text = format!("unsupported frontend protocol {version}: server supports 3.0 to 3.0");
        return Err(refused(SqlState::FEATURE_NOT_SUPPORTED, text));
    }
    let options: Vec<String> = startup
        .parameters
        .iter()
        .filter(|(name, _)| is_protocol_option(name))
        .map(|(name, _)| String::from_utf8_lossy(name).into_owned())
        .collect();
    if version > ProtocolVersion::V3_0 || !options.is_empty() {
        encode::negotiate_protocol_version(ProtocolVersion::V3_0.number(), &options, out);
    }
    Ok(())
}

/// The startup packet for PostgreSQL: what the client set, where DSQL allows it.
fn behind(startup: &Startup, cluster_id: &str) -> Result<BytesMut, Closed> {
    let mut parameters = vec![];
    let mut settings = vec![];
    let mut database = None;
    for (name, value) in &startup.parameters {
        match name.as_slice() {
            b"user" => parameters.push((name.clone(), value.clone())),
            b"database" => database = Some(value.as_slice()),
            b"options" => {
                let parsed = options::parse(value).map_err(|error| {
                    Closed::Refused(ErrorResponse::fatal(error.sqlstate(), error.to_string()))
                })?;
                // They come before the other parameters, as in PostgreSQL.
                settings.splice(0..0, parsed);
            }
            _ if is_protocol_option(name) => {}
            _ => settings.push((name.clone(), value.clone())),
        }
    }
    for (name, value) in settings {
        let text = String::from_utf8_lossy(&name);
        if text == CLUSTER_ID {
            if value != cluster_id.as_bytes() {
                return Err(Closed::Refused(token::Denied::Mismatch.to_response()));
            }
            continue;
        }
        if !parameters::is_supported(&text) {
            return Err(refused(
                SqlState::FEATURE_NOT_SUPPORTED,
                parameters::not_supported(&text),
            ));
        }
        parameters.push((super::super::judge::behind_name(&text).into_bytes(), value));
    }
    // Without a database PostgreSQL takes that with the user's name.
    let database = database.or_else(|| startup.get("user")).unwrap_or_default();
    if database != DATABASE {
        let text = format!(
            "database \"{}\" does not exist",
            String::from_utf8_lossy(database)
        );
        return Err(refused(SqlState::INVALID_CATALOG_NAME, text));
    }
    parameters.push((b"database".to_vec(), DATABASE.to_vec()));
    parameters.push((b"lock_timeout".to_vec(), LOCK_PATIENCE.into()));
    let mut out = BytesMut::new();
    let version = ProtocolVersion::V3_0;
    Startup {
        version,
        parameters,
    }
    .encode(&mut out);
    Ok(out)
}

fn is_protocol_option(name: &[u8]) -> bool {
    name.starts_with(b"_pq_.")
}

fn refused(sqlstate: SqlState, text: impl Into<String>) -> Closed {
    Closed::Refused(ErrorResponse::fatal(sqlstate, text))
}

/// DSQL's own words for this are not known.
fn plaintext() -> ErrorResponse {
    ErrorResponse::fatal(
        SqlState::INVALID_AUTHORIZATION,
        "unable to accept connection, TLS is required",
    )
    .hint("Use sslmode=require or stronger.")
}

#[cfg(test)]
mod tests;
