//! A client that sees every message.

use std::io::ErrorKind;
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use super::variant::Protocol;
use crate::net::buffered::{Buffered, Read};
use crate::net::dial::dial;
use crate::net::source::Source;
use crate::upstream::{ConnectError, Connector, WhenBusy};
use crate::wire::backend::{self, Authentication, TransactionStatus};
use crate::wire::frame::HEADER;
use crate::wire::startup::{ProtocolVersion, Startup};
use crate::wire::{Cursor, ErrorFields, ErrorResponse, FrameScanner, Step, encode, frontend};

/// The longest message that is read, in bytes. No probe asks for more.
const MAX_MESSAGE: usize = 16 * 1024 * 1024;

/// What the probes run against.
pub enum Target {
    /// A server that wants neither TLS nor a password, such as a proxy.
    Plain {
        /// Its name or address.
        host: String,
        /// Its port.
        port: u16,
        /// The role.
        user: String,
    },
    /// An endpoint of DSQL, with TLS and a token.
    Cluster {
        /// What connects and signs.
        connector: Connector,
        /// The role.
        user: String,
    },
}

trait Io: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Io for T {}
impl Source for Box<dyn Io> {}

/// Why there is no session.
#[derive(Debug)]
pub(super) enum LoginError {
    /// The server said so.
    Refused(ErrorResponse),
    /// Something else, in words.
    Broken(String),
}

impl std::fmt::Display for LoginError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(error) => write!(f, "login refused: {error}"),
            Self::Broken(why) => f.write_str(why),
        }
    }
}

impl Target {
    /// Logs in with these startup parameters besides `user` and `database`.
    pub(super) async fn connect(
        &self,
        parameters: &[(String, String)],
        patience: Duration,
    ) -> Result<Session, LoginError> {
        let connecting = async {
            match self {
                Self::Plain { host, port, user } => {
                    let tcp = dial(host, *port)
                        .await
                        .map_err(|error| LoginError::Broken(error.to_string()))?;
                    let mut session = Session::new(Box::new(tcp), BytesMut::new());
                    session.log_in(startup(user, parameters)).await?;
                    Ok(session)
                }
                Self::Cluster { connector, user } => {
                    let parameters = startup(user, parameters).parameters;
                    let server = connector
                        .connect(user, &parameters, WhenBusy::TryAgain)
                        .await;
                    let (stream, input) = server.map_err(refusal)?.io.into_parts();
                    Ok(Session::new(Box::new(stream), input))
                }
            }
        };
        let connected = timeout(patience, Box::pin(connecting)).await;
        connected.unwrap_or_else(|_| Err(LoginError::Broken(silence("login", patience))))
    }
}

fn refusal(error: ConnectError) -> LoginError {
    match error {
        ConnectError::Refused { error, .. } => LoginError::Refused(*error),
        other => LoginError::Broken(other.to_string()),
    }
}

fn startup(user: &str, parameters: &[(String, String)]) -> Startup {
    let mut all = vec![pair("user", user), pair("database", "postgres")];
    all.extend(parameters.iter().map(|(name, value)| pair(name, value)));
    Startup {
        version: ProtocolVersion::V3_0,
        parameters: all,
    }
}

fn pair(name: &str, value: &str) -> (Vec<u8>, Vec<u8>) {
    (name.into(), value.into())
}

fn silence(what: &str, patience: Duration) -> String {
    format!("{what}: no answer within {} s", patience.as_secs())
}

/// The answer to one statement, up to ReadyForQuery.
#[derive(Debug, Clone, Default)]
pub(super) struct Reply {
    /// The type bytes, runs of DataRow and CopyData put together, notices and parameters left out.
    pub(super) order: String,
    /// The command tags.
    pub(super) tags: Vec<String>,
    /// The rows as text; NULL is empty.
    pub(super) rows: Vec<Vec<String>>,
    /// The error.
    pub(super) error: Option<ErrorResponse>,
    /// The transaction status; none when the connection was closed.
    pub(super) status: Option<TransactionStatus>,
}

/// A session that is logged in.
pub(super) struct Session {
    io: Buffered<Box<dyn Io>>,
    scanner: FrameScanner,
}

impl Session {
    fn new(stream: Box<dyn Io>, input: BytesMut) -> Self {
        Self {
            io: Buffered::with_input(stream, input),
            scanner: FrameScanner::new(),
        }
    }

    /// Sends a statement and reads its answer. After an error the session is of no use.
    pub(super) async fn ask(
        &mut self,
        protocol: Protocol,
        sql: &str,
        data: &[String],
        patience: Duration,
    ) -> Result<Reply, String> {
        match protocol {
            Protocol::Simple => encode::query(sql.as_bytes(), &mut self.io.output),
            Protocol::Extended => put_extended(sql, &mut self.io.output),
        }
        timeout(patience, self.answer(protocol, data))
            .await
            .unwrap_or_else(|_| Err(silence("statement", patience)))
    }

    async fn log_in(&mut self, startup: Startup) -> Result<(), LoginError> {
        startup.encode(&mut self.io.output);
        loop {
            let message = self.message().await.map_err(LoginError::Broken)?;
            let Some((tag, body)) = message else {
                return Err(LoginError::Broken("closed during the login".to_owned()));
            };
            match tag {
                backend::ERROR_RESPONSE => return Err(LoginError::Refused(error(&body))),
                backend::READY_FOR_QUERY => return Ok(()),
                backend::AUTHENTICATION
                    if Authentication::read(&body) != Ok(Authentication::Ok) =>
                {
                    let why = "it wants a password, and there is none for a connection without TLS";
                    return Err(LoginError::Broken(why.to_owned()));
                }
                _ => {}
            }
        }
    }

    async fn answer(&mut self, protocol: Protocol, data: &[String]) -> Result<Reply, String> {
        let mut reply = Reply::default();
        while let Some((tag, body)) = self.message().await? {
            let shown = char::from(tag);
            let is_next = matches!(tag, backend::DATA_ROW | backend::COPY_DATA)
                && reply.order.ends_with(shown);
            if !is_aside(tag) && !is_next {
                reply.order.push(shown);
            }
            match tag {
                backend::COMMAND_COMPLETE => {
                    let tag = backend::command_tag(&body).map_err(|error| error.to_string())?;
                    reply.tags.push(String::from_utf8_lossy(tag).into_owned());
                }
                backend::DATA_ROW => reply.rows.push(row(&body)?),
                backend::COPY_DATA => {
                    let line = String::from_utf8_lossy(&body);
                    reply.rows.push(vec![line.trim_end().to_owned()]);
                }
                backend::COPY_IN_RESPONSE => put_copy(protocol, data, &mut self.io.output),
                backend::ERROR_RESPONSE => reply.error = Some(error(&body)),
                backend::READY_FOR_QUERY => {
                    let status = TransactionStatus::read(&body);
                    reply.status = Some(status.map_err(|error| error.to_string())?);
                    return Ok(reply);
                }
                _ => {}
            }
        }
        Ok(reply)
    }

    /// The next message, or none at the end of the connection.
    async fn message(&mut self) -> Result<Option<(u8, BytesMut)>, String> {
        loop {
            let step = self
                .scanner
                .step(&self.io.input, |_| MAX_MESSAGE)
                .map_err(|error| error.to_string())?;
            match step {
                Step::Head { tag, body, seen } if body == seen => {
                    let mut frame = self.io.input.split_to(HEADER + body);
                    return Ok(Some((tag, frame.split_off(HEADER))));
                }
                Step::Head { .. } | Step::Rest(_) => {
                    return Err("it sent a message of over 16 MiB".to_owned());
                }
                Step::NeedMore => match self.io.exchange().await {
                    Ok(Read::Some) => {}
                    Ok(Read::Eof) => return Ok(None),
                    // Whoever is still writing hears of the end in this way.
                    Err(error) if is_end(error.kind()) => return Ok(None),
                    Err(error) => return Err(format!("the connection broke: {error}")),
                },
            }
        }
    }
}

fn is_end(kind: ErrorKind) -> bool {
    use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    matches!(kind, BrokenPipe | ConnectionAborted | ConnectionReset)
}

/// Messages that may come at any time.
fn is_aside(tag: u8) -> bool {
    matches!(
        tag,
        backend::NOTICE_RESPONSE | backend::PARAMETER_STATUS | backend::NOTIFICATION_RESPONSE
    )
}

fn error(body: &[u8]) -> ErrorResponse {
    ErrorFields::read(body).map_or_else(
        |error| ErrorResponse::error(crate::wire::SqlState::PROTOCOL_VIOLATION, error.to_string()),
        ErrorFields::to_response,
    )
}

fn row(body: &[u8]) -> Result<Vec<String>, String> {
    let mut cursor = Cursor::new("DataRow", body);
    let mut read = || {
        let mut values = Vec::new();
        for _ in 0..cursor.i16()? {
            // -1 is NULL.
            let value = match usize::try_from(cursor.i32()?) {
                Ok(length) => cursor.take(length)?,
                Err(_) => b"",
            };
            values.push(String::from_utf8_lossy(value).into_owned());
        }
        Ok(values)
    };
    read().map_err(|error: crate::wire::Malformed| error.to_string())
}

fn put_extended(sql: &str, out: &mut BytesMut) {
    encode::frame(frontend::PARSE, out, |body| {
        encode::cstr(b"", body);
        encode::cstr(sql.as_bytes(), body);
        body.put_i16(0);
    });
    encode::frame(frontend::BIND, out, |body| {
        encode::cstr(b"", body);
        encode::cstr(b"", body);
        // No formats, no values, all results as text.
        body.put_bytes(0, 6);
    });
    encode::frame(frontend::DESCRIBE, out, |body| {
        body.put_u8(b'P');
        encode::cstr(b"", body);
    });
    encode::frame(frontend::EXECUTE, out, |body| {
        encode::cstr(b"", body);
        body.put_i32(0);
    });
    encode::sync(out);
}

fn put_copy(protocol: Protocol, data: &[String], out: &mut BytesMut) {
    for line in data {
        encode::frame(frontend::COPY_DATA, out, |body| {
            body.extend_from_slice(line.replace("\\t", "\t").as_bytes());
            body.put_u8(b'\n');
        });
    }
    encode::frame(frontend::COPY_DONE, out, |_| {});
    // The first one went by while the server was reading data (manual, "COPY Operations").
    if protocol == Protocol::Extended {
        encode::sync(out);
    }
}
