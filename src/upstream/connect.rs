//! Connecting: token, TCP, TLS, login.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_rustls::client::TlsStream;
use zeroize::Zeroize;

use super::login::{Login, Next, Welcome};
use super::retry::{Backoff, Verdict, verdict};
use super::{ConnectError, Stage};
use crate::iam::{Signer, Token};
use crate::net::buffered::{Buffered, Read};
use crate::net::dial::dial;
use crate::net::tls_client::{self, Negotiation};
use crate::wire::frame::HEADER;
use crate::wire::startup::{CancelRequest, ProtocolVersion, Startup};
use crate::wire::{FrameScanner, Step, encode};

/// The longest message a server may send before it is ready, in bytes.
const MAX_LOGIN_MESSAGE: usize = 64 * 1024;

/// A socket to a server.
pub type ServerStream = TlsStream<TcpStream>;

/// A server that is ready for its first statement.
#[derive(Debug)]
pub struct Server {
    /// The socket.
    pub io: Buffered<ServerStream>,
    /// What it told about itself.
    pub welcome: Welcome,
    /// How long it took.
    pub timings: Timings,
}

/// How long the attempt that succeeded took, by stage. Earlier attempts and the pauses between
/// them do not count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timings {
    /// The look-up of the name, and TCP.
    pub dial: Duration,
    /// The TLS handshake.
    pub tls: Duration,
    /// The token, the loading of credentials included.
    pub token: Duration,
    /// The rest: from the startup packet to ReadyForQuery.
    pub login: Duration,
}

impl Timings {
    /// All stages together.
    pub fn whole(&self) -> Duration {
        self.dial + self.tls + self.token + self.login
    }
}

/// What to do about a cluster that wakes up or sheds load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenBusy {
    /// Try again until the time is over.
    TryAgain,
    /// Say so at once ([`ConnectError::is_busy`]): the caller knows who else waits.
    Return,
}

/// Connects to one cluster.
pub struct Connector {
    /// The name that is signed, sent as SNI and verified.
    pub endpoint: String,
    /// Where to dial, if not at the endpoint: host and port.
    pub address: Option<(String, u16)>,
    /// How TLS begins.
    pub negotiation: Negotiation,
    /// How long to go on trying.
    pub timeout: Duration,
    /// Makes tokens.
    pub signer: Signer,
    /// Makes TLS sessions.
    pub tls: tls_client::Connector,
    /// Random numbers in 0..1 for the pauses between attempts.
    pub random: Rc<dyn Fn() -> f64>,
}

impl Connector {
    /// Opens a connection and logs in as `role` with these startup parameters (`user` and
    /// `database` among them). Tries again while nobody listens, and if `when_busy` says so,
    /// while the cluster wakes up or sheds load. Dropping the future closes what is open.
    pub async fn connect(
        &self,
        role: &str,
        parameters: &[(Vec<u8>, Vec<u8>)],
        when_busy: WhenBusy,
    ) -> Result<Server, ConnectError> {
        let deadline = Instant::now() + self.timeout;
        let stage = Cell::new(Stage::Token);
        let mut last = None;
        let mut backoff = Backoff::new();
        loop {
            let attempt = self.attempt(role, parameters, &stage);
            let Ok(result) = timeout_at(deadline, attempt).await else {
                return Err(self.timed_out(stage.get(), last));
            };
            let error = match result {
                Ok(server) => return Ok(server),
                Err(error) if error.is_denied() => {
                    // They may have been revoked: the next connection loads them anew.
                    self.signer.credentials().forget();
                    return Err(error);
                }
                Err(error) => error,
            };
            match (verdict(&error), when_busy) {
                (Verdict::GiveUp, _) | (Verdict::Busy, WhenBusy::Return) => return Err(error),
                (Verdict::Retry, _) | (Verdict::Busy, WhenBusy::TryAgain) => {}
            }
            let pause = backoff.pause((self.random)());
            if Instant::now() + pause >= deadline {
                return Err(self.timed_out(Stage::Pause, Some(error)));
            }
            tracing::info!(endpoint = %self.endpoint, %error, ?pause, "connect failed, trying again");
            last = Some(error);
            sleep(pause).await;
        }
    }

    fn timed_out(&self, stage: Stage, last: Option<ConnectError>) -> ConnectError {
        ConnectError::Timeout {
            endpoint: self.endpoint.clone(),
            after: self.timeout,
            stage,
            last: last.map(Box::new),
        }
    }

    async fn attempt(
        &self,
        role: &str,
        parameters: &[(Vec<u8>, Vec<u8>)],
        stage: &Cell<Stage>,
    ) -> Result<Server, ConnectError> {
        let mut timings = Timings::default();
        let mut lap = Lap::start();
        stage.set(Stage::Dial);
        let tcp = self.dial().await?;

        timings.dial = lap.next();
        stage.set(Stage::Tls);
        let tls = self.start_tls(tcp).await?;

        timings.tls = lap.next();
        let mut server = self
            .log_in(Buffered::new(tls), role, parameters, stage)
            .await?;
        let token = server.timings.token;
        server.timings = Timings {
            token,
            login: lap.next().saturating_sub(token),
            ..timings
        };
        Ok(server)
    }

    /// Asks the cluster to cancel what one of its servers does, by the key that this server told.
    /// Tries once. It says nothing of what came of it: when this is done, the request has been
    /// read, and the server will hear of it soon. Dropping the future closes what is open.
    pub async fn cancel(&self, request: &CancelRequest) -> Result<(), ConnectError> {
        let tcp = self.dial().await?;
        let mut io = Buffered::new(self.start_tls(tcp).await?);
        request.encode(&mut io.output);
        io.flush().await.map_err(|e| self.closed(Some(e)))?;
        // The server closes without an answer (manual, "Canceling Requests in Progress").
        while let Ok(Read::Some) = io.fill().await {
            io.input.clear();
        }
        Ok(())
    }

    async fn dial(&self) -> Result<TcpStream, ConnectError> {
        let (host, port) = match &self.address {
            Some((host, port)) => (host.as_str(), *port),
            None => (self.endpoint.as_str(), 5432),
        };
        dial(host, port).await.map_err(|source| ConnectError::Dial {
            endpoint: self.endpoint.clone(),
            source,
        })
    }

    async fn start_tls(&self, tcp: TcpStream) -> Result<ServerStream, ConnectError> {
        self.tls
            .connect(tcp, &self.endpoint, self.negotiation)
            .await
            .map_err(|source| ConnectError::Tls {
                endpoint: self.endpoint.clone(),
                source,
            })
    }

    async fn log_in(
        &self,
        mut io: Buffered<ServerStream>,
        role: &str,
        parameters: &[(Vec<u8>, Vec<u8>)],
        stage: &Cell<Stage>,
    ) -> Result<Server, ConnectError> {
        stage.set(Stage::Login);
        let startup = Startup {
            version: ProtocolVersion::V3_0,
            parameters: parameters.to_vec(),
        };
        startup.encode(&mut io.output);
        io.flush().await.map_err(|e| self.closed(Some(e)))?;

        let mut scanner = FrameScanner::new();
        let mut login = Login::new();
        let mut timings = Timings::default();
        loop {
            let step = scanner
                .step(&io.input, |_| MAX_LOGIN_MESSAGE)
                .map_err(|e| ConnectError::from_frame(&self.endpoint, e))?;
            let (tag, body) = match step {
                Step::Head { tag, body, seen } if body == seen => {
                    (tag, io.input.split_to(HEADER + body))
                }
                Step::Head { .. } | Step::Rest(_) => {
                    let why = "it sent a message of over 64 KiB during login".to_owned();
                    return Err(ConnectError::Protocol {
                        endpoint: self.endpoint.clone(),
                        why,
                    });
                }
                Step::NeedMore => match io.fill().await {
                    Ok(Read::Some) => continue,
                    Ok(Read::Eof) => return Err(self.closed(None)),
                    Err(error) => return Err(self.closed(Some(error))),
                },
            };
            let next = login
                .on_message(tag, body.get(HEADER..).unwrap_or_default())
                .map_err(|e| ConnectError::from_login(&self.endpoint, role, e))?;
            match next {
                Next::Read => {}
                Next::Ready => {
                    return Ok(Server {
                        io,
                        welcome: login.into_welcome(),
                        timings,
                    });
                }
                Next::SendPassword => {
                    stage.set(Stage::Token);
                    let mut lap = Lap::start();
                    // Signed for this very connection, at the last moment.
                    let token: Token =
                        self.signer.token(role).await.map_err(ConnectError::Token)?;
                    timings.token = lap.next();
                    stage.set(Stage::Login);
                    let mut message = BytesMut::with_capacity(token.expose().len() + HEADER + 1);
                    encode::password(token.expose(), &mut message);
                    let sent = io.write_around_buffer(&message).await;
                    message.as_mut().zeroize();
                    sent.map_err(|e| self.closed(Some(e)))?;
                }
            }
        }
    }

    fn closed(&self, source: Option<std::io::Error>) -> ConnectError {
        ConnectError::Closed {
            endpoint: self.endpoint.clone(),
            source,
        }
    }
}

/// Measures one stage after the other.
struct Lap(Instant);

impl Lap {
    fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since the start, or since the last call.
    fn next(&mut self) -> Duration {
        let now = Instant::now();
        now - std::mem::replace(&mut self.0, now)
    }
}
