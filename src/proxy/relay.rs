//! Client and server, both directions at once.
//!
//! All state is in [`Relay`], so that the future that drives it can be dropped at any point and
//! made anew.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Buf;
use tokio::time::{Sleep, sleep};

use crate::net::buffered::{Buffered, HIGH_WATER, Read};
use crate::net::listen::ClientStream;
use crate::session::{Flow, Frame, Relayed, Session};
use crate::upstream::ServerStream;
use crate::wire::frame::HEADER;
use crate::wire::{ErrorResponse, FrameScanner, SqlState, Step};

/// How long a client that has closed its side may wait for an answer. It cannot be told from one
/// that is gone, and on whose behalf nothing should run for long.
const GRACE: Duration = Duration::from_secs(30);

/// A client and the server that serves it.
pub(super) struct Relay {
    pub(super) client: Buffered<ClientStream>,
    pub(super) server: Buffered<ServerStream>,
    pub(super) session: Session,
    from_client: FrameScanner,
    from_server: FrameScanner,
    /// What happens to the rest of the client's frame.
    rest: Rest,
    /// The client's next frame waits for the server's replies.
    held: bool,
    /// Why nothing more is taken from the client, if so: it still gets what it is owed.
    leaving: Option<Leaving>,
    /// Runs out when a client that closed its side has waited for an answer long enough.
    grace: Option<Pin<Box<Sleep>>>,
}

/// Why a client that is still there sends nothing more.
#[derive(Debug)]
enum Leaving {
    /// It has said goodbye, and so have we to the server, which will close.
    Terminated,
    /// It has sent something that makes no sense.
    Refused(ErrorResponse),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rest {
    Forward,
    Discard,
}

/// Why relaying stopped.
#[derive(Debug)]
pub(super) enum End {
    /// The client said goodbye, or closed its side and has got every answer.
    ClientDone,
    /// The client vanished.
    ClientLost(io::Error),
    /// The client does not keep to the protocol, or cannot be served any more.
    ClientRefused(ErrorResponse),
    /// The server closed the connection.
    ServerClosed(Option<io::Error>),
    /// The server does not keep to the protocol.
    ServerBroken(String),
}

/// Whether a step got something done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Made,
    None,
}

impl Relay {
    pub(super) fn new(
        client: Buffered<ClientStream>,
        server: Buffered<ServerStream>,
        session: Session,
    ) -> Self {
        Self {
            client,
            server,
            session,
            from_client: FrameScanner::new(),
            from_server: FrameScanner::new(),
            rest: Rest::Forward,
            held: false,
            leaving: None,
            grace: None,
        }
    }

    /// Relays until somebody leaves. Dropping the future loses nothing.
    pub(super) async fn run(&mut self) -> End {
        poll_fn(|cx| self.poll(cx)).await
    }

    /// Relays until the server's current message has passed. Dropping the future loses nothing.
    pub(super) async fn run_to_boundary(&mut self) -> Option<End> {
        poll_fn(|cx| {
            loop {
                if self.at_boundary() {
                    return Poll::Ready(None);
                }
                match self.turn(cx) {
                    Ok(Progress::Made) => {}
                    Ok(Progress::None) => return Poll::Pending,
                    Err(end) => return Poll::Ready(Some(end)),
                }
            }
        })
        .await
    }

    /// True if a message of our own may go to the client now: not in the middle of one of the
    /// server's.
    pub(super) fn at_boundary(&self) -> bool {
        self.from_server.rest() == 0
    }

    /// True if a message of our own may go to the server now: not in the middle of one of the
    /// client's.
    pub(super) fn at_server_boundary(&self) -> bool {
        self.from_client.rest() == 0 || self.rest == Rest::Discard
    }

    /// Puts another server in the place of this one. What the old one had still to say is gone;
    /// the rest of a message that was on its way to it is dropped.
    pub(super) fn replace_server(&mut self, server: Buffered<ServerStream>) {
        self.server = server;
        self.from_server = FrameScanner::new();
        self.rest = Rest::Discard;
        self.held = false;
    }

    /// Reads from the client until it closes its side, so that nobody waits on behalf of one that
    /// is gone. Never ready while there is input that it wants answered. Dropping the future
    /// loses nothing.
    pub(super) async fn client_gone(&mut self) {
        gone(&mut self.client).await;
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        loop {
            match self.turn(cx) {
                Ok(Progress::Made) => {}
                Ok(Progress::None) => return Poll::Pending,
                Err(end) => return Poll::Ready(end),
            }
        }
    }

    /// One round: take frames, write, read. Everything that cannot go on has left its waker.
    fn turn(&mut self, cx: &mut Context<'_>) -> Result<Progress, End> {
        let mut progress = self.server_to_client()?;
        if progress == Progress::Made {
            self.grace = None;
        }
        progress = progress.or(self.client_to_server());
        progress = progress.or(flush(&mut self.client, cx).map_err(End::ClientLost)?);
        // A server that refuses our bytes may have said why before: its input comes first.
        let server_flush = flush(&mut self.server, cx);
        if self.client.accepts_output() && !self.server.eof() {
            let filled = fill(&mut self.server, cx);
            progress = progress.or(filled.map_err(|e| End::ServerClosed(Some(e)))?);
        }
        if self.takes_input() {
            progress = progress.or(fill(&mut self.client, cx).map_err(End::ClientLost)?);
        }
        if progress == Progress::Made {
            return Ok(progress);
        }
        if self.server.eof() {
            // Its last words first, however slowly the client takes them.
            let delivered = self.client.output.is_empty();
            return if delivered {
                Err(self.server_closed())
            } else {
                Ok(Progress::None)
            };
        }
        progress = progress.or(server_flush.map_err(|e| End::ServerClosed(Some(e)))?);
        if progress == Progress::None && self.client.output.is_empty() {
            self.has_client_left(cx)?;
        }
        Ok(progress)
    }

    /// True if more of the client may be read: it has more to say, and both sides keep up.
    fn takes_input(&self) -> bool {
        self.leaving.is_none()
            && !self.held
            && !self.client.eof()
            && self.server.accepts_output()
            && self.client.accepts_output()
    }

    fn server_closed(&mut self) -> End {
        match self.leaving.take() {
            Some(Leaving::Terminated) => End::ClientDone,
            Some(Leaving::Refused(error)) => End::ClientRefused(error),
            None => End::ServerClosed(None),
        }
    }

    /// Ends the session once a client that sends nothing more has got what it is owed.
    fn has_client_left(&mut self, cx: &mut Context<'_>) -> Result<(), End> {
        let sent = self.server.output.is_empty();
        let answered = sent && self.session.waits_for_client();
        match &self.leaving {
            // The server does what it was told before the goodbye, and then closes.
            Some(Leaving::Terminated) if sent && self.session.is_quiet() => Err(End::ClientDone),
            Some(Leaving::Refused(_)) if answered => Err(self.server_closed()),
            Some(_) => Ok(()),
            None if !self.client.eof() => Ok(()),
            // A message that never gets its end is never answered.
            None if answered || self.from_client.rest() > 0 => Err(End::ClientDone),
            None => {
                // It may have closed its side only, and wait for the answer, or it may be gone.
                let grace = self.grace.get_or_insert_with(|| Box::pin(sleep(GRACE)));
                if grace.as_mut().poll(cx).is_ready() {
                    Err(End::ClientDone)
                } else {
                    Ok(())
                }
            }
        }
    }

    fn client_to_server(&mut self) -> Progress {
        let (input, output) = (&mut self.client.input, &mut self.server.output);
        let before = input.len();
        // Bytes at the front of the input that go to the server, in one copy.
        let mut run = 0;
        self.held = false;
        while self.leaving.is_none()
            && output.len() + run < HIGH_WATER
            && self.client.output.len() < HIGH_WATER
        {
            let front = input.get(run..).unwrap_or_default();
            let mut scanner = self.from_client.clone();
            let (length, flow) = match scanner.step(front, Session::frontend_want) {
                Err(error) => {
                    let error =
                        ErrorResponse::fatal(SqlState::PROTOCOL_VIOLATION, error.to_string());
                    self.leaving = Some(Leaving::Refused(error));
                    break;
                }
                Ok(Step::NeedMore) => break,
                Ok(Step::Rest(n)) if self.rest == Rest::Forward => (n, Flow::Forward),
                Ok(Step::Rest(n)) => (n, Flow::Discard),
                Ok(Step::Head { tag, body, seen }) => {
                    let frame = Frame {
                        tag,
                        body: front.get(HEADER..HEADER + seen).unwrap_or_default(),
                        complete: seen == body,
                    };
                    match self.session.frontend(frame, &mut self.client.output) {
                        Ok(flow) => (HEADER + seen, flow),
                        Err(error) => {
                            self.leaving = Some(Leaving::Refused(error));
                            break;
                        }
                    }
                }
            };
            match flow {
                Flow::Forward => {
                    self.rest = Rest::Forward;
                    run += length;
                }
                Flow::Discard => {
                    self.rest = Rest::Discard;
                    output.extend_from_slice(input.get(..run).unwrap_or_default());
                    input.advance(run + length);
                    run = 0;
                }
                Flow::Hold => {
                    self.held = true;
                    break;
                }
                Flow::Terminate => {
                    self.leaving = Some(Leaving::Terminated);
                    run += length;
                }
            }
            self.from_client = scanner;
        }
        output.extend_from_slice(input.get(..run).unwrap_or_default());
        input.advance(run);
        Progress::from(input.len() < before)
    }

    fn server_to_client(&mut self) -> Result<Progress, End> {
        let (input, output) = (&mut self.server.input, &mut self.client.output);
        let before = input.len();
        let mut run = 0;
        while output.len() + run < HIGH_WATER {
            let front = input.get(run..).unwrap_or_default();
            let step = self
                .from_server
                .step(front, Session::backend_want)
                .map_err(|error| End::ServerBroken(error.to_string()))?;
            match step {
                Step::NeedMore => break,
                Step::Rest(n) => run += n,
                Step::Head { tag, body, seen } => {
                    let frame = Frame {
                        tag,
                        body: front.get(HEADER..HEADER + seen).unwrap_or_default(),
                        complete: seen == body,
                    };
                    let length = HEADER + seen;
                    // What has come before must leave before.
                    let kept = output.len();
                    match self.session.backend(frame, output) {
                        Relayed::Forward => run += length,
                        Relayed::Replaced => {
                            let changed = output.split_off(kept);
                            output.extend_from_slice(input.get(..run).unwrap_or_default());
                            output.extend_from_slice(&changed);
                            input.advance(run + length);
                            run = 0;
                        }
                    }
                }
            }
        }
        output.extend_from_slice(input.get(..run).unwrap_or_default());
        input.advance(run);
        Ok(Progress::from(input.len() < before))
    }
}

/// Waits until a client closes its side without anything left to answer.
pub(super) async fn gone(client: &mut Buffered<ClientStream>) {
    while client.input.len() < HIGH_WATER {
        match client.fill().await {
            Ok(Read::Some) => {}
            // It has said all it wants to say, and waits for the answer.
            Ok(Read::Eof) if !client.input.is_empty() => break,
            Ok(Read::Eof) | Err(_) => return,
        }
    }
    std::future::pending::<()>().await;
}

fn flush<S>(io: &mut Buffered<S>, cx: &mut Context<'_>) -> io::Result<Progress>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let before = io.output.len();
    if let Poll::Ready(Err(error)) = io.poll_flush(cx) {
        return Err(error);
    }
    Ok(Progress::from(io.output.len() < before))
}

fn fill<S>(io: &mut Buffered<S>, cx: &mut Context<'_>) -> io::Result<Progress>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    match io.poll_fill(cx) {
        Poll::Ready(Ok(Read::Some | Read::Eof)) => Ok(Progress::Made),
        Poll::Ready(Err(error)) => Err(error),
        Poll::Pending => Ok(Progress::None),
    }
}

impl Progress {
    fn or(self, other: Self) -> Self {
        if self == Self::Made { self } else { other }
    }
}

impl From<bool> for Progress {
    fn from(made: bool) -> Self {
        if made { Self::Made } else { Self::None }
    }
}
