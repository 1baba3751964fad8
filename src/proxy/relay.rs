//! A client and, while it has one, its server: both directions at once.
//!
//! All state is in [`Relay`], so that the future that drives it can be dropped at any point and
//! made anew.

use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::{Buf, BytesMut};
use tokio::time::{Sleep, sleep};

use super::account::Published;
use super::age::Age;
use super::errand::{Running, take};
use super::parting::Leaving;
use super::pause::{End, Pause};
use super::progress::{Progress, client_lost, fill, flush};
use super::server::{PooledServer, RolePool, ServerCheckout};
use super::transfer::{append, rows, transfer};
use crate::adapt::{Adapter, Taken};
use crate::net::buffered::{Buffered, HIGH_WATER};
use crate::net::buffers::Buffers;
use crate::net::listen::ClientStream;
use crate::pool::ConnectionId;
use crate::session::{Flow, Frame, LeaseEnd, Outputs, PoolMode, Relayed, Session, Want};
use crate::wire::backend;
use crate::wire::frame::HEADER;
use crate::wire::startup::CancelRequest;
use crate::wire::{ErrorResponse, FrameScanner, SqlState, Step};

/// A client and its server.
pub(super) struct Relay {
    pub(super) client: Buffered<ClientStream>,
    pub(super) session: Session,
    pub(super) pool: Rc<RolePool>,
    /// Sees to it that transactions do not get too old, where they may not.
    pub(super) age: Option<Age>,
    pub(super) link: Option<ServerCheckout>,
    pub(super) adapter: Adapter,
    /// What is done for the client's last message; the next ones wait.
    pub(super) errand: Option<Box<Running>>,
    pub(super) presence: Presence,
    pub(super) from_client: FrameScanner,
    /// What happens to the rest of the client's frame.
    pub(super) rest: Rest,
    /// The client's next frame waits for the server's replies.
    pub(super) held: bool,
    /// What is in the client's input, and in the server's, is not a whole frame: only then more
    /// is read, however much of the other's output has just gone out.
    hungry: Hungry,
    /// The server has just been taken, and nobody waits yet for what it says.
    is_new: bool,
    /// The client's next frame waits for a server.
    wants: Option<Want>,
    /// Where this session has advanced sequences last.
    pub(super) sequences: Option<ConnectionId>,
    /// Nothing is sent to the server for now, and it is not given back.
    listens: bool,
    /// Why nothing more is taken from the client, if so: it still gets what it is owed.
    pub(super) leaving: Option<Leaving>,
    /// Runs out when a client that closed its side has waited for an answer long enough.
    pub(super) grace: Option<Pin<Box<Sleep>>>,
    /// Replies that the client gets only if there is no conflict.
    kept: BytesMut,
    /// Runs out when what has met a conflict is tried again.
    pub(super) backoff: Option<Pin<Box<Sleep>>>,
    /// Messages of our own on their way into a buffer.
    pub(super) scratch: BytesMut,
    buffers: Buffers,
    published: Published,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    Forward,
    Discard,
}

/// Whether there is a client to read from and to write to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    There,
    /// It has gone, and its errand is not to be left as it is.
    Gone,
}

/// Who has to say more before anything can go on.
#[derive(Debug, Clone, Copy, Default)]
struct Hungry {
    client: bool,
    server: bool,
}

impl Relay {
    pub(super) fn new(
        client: Buffered<ClientStream>,
        session: Session,
        adapter: Adapter,
        pool: Rc<RolePool>,
        buffers: Buffers,
    ) -> Self {
        Self {
            adapter,
            errand: None,
            presence: Presence::There,
            client,
            session,
            pool,
            age: None,
            link: None,
            from_client: FrameScanner::new(),
            rest: Rest::Forward,
            held: false,
            hungry: Hungry::default(),
            is_new: false,
            listens: false,
            wants: None,
            sequences: None,
            leaving: None,
            grace: None,
            kept: BytesMut::new(),
            backoff: None,
            published: Published::default(),
            scratch: BytesMut::new(),
            buffers,
        }
    }

    /// Relays until the server's current message has passed. Dropping the future loses nothing.
    pub(super) async fn run_to_boundary(&mut self) -> Option<Pause> {
        self.run_until(Self::at_boundary).await
    }

    /// Relays until something is true. Dropping the future loses nothing.
    pub(super) async fn run_until(&mut self, done: impl Fn(&Self) -> bool) -> Option<Pause> {
        poll_fn(|cx| {
            loop {
                if done(self) {
                    return Poll::Ready(None);
                }
                match self.turn(cx) {
                    Ok(Progress::Made) => {}
                    Ok(Progress::None) => return Poll::Pending,
                    Err(pause) => return Poll::Ready(Some(pause)),
                }
            }
        })
        .await
    }

    /// True if a message of our own may go to the client now: not in the middle of one of the
    /// server's.
    pub(super) fn at_boundary(&self) -> bool {
        self.link
            .as_ref()
            .is_none_or(|server| server.scanner.rest() == 0)
            && self.errand.as_ref().is_none_or(|it| it.is_at_boundary())
    }

    /// The session gets a server.
    pub(super) fn attach(&mut self, mut server: ServerCheckout) {
        let PooledServer {
            io, state, scratch, ..
        } = &mut **server;
        std::mem::swap(&mut self.scratch, scratch);
        self.session.attach(state, &mut io.output);
        self.link = Some(server);
        self.wants = None;
        // It has said nothing yet.
        self.hungry.server = true;
    }

    /// The request that cancels what the server does, which is about to be sent.
    pub(super) fn cancel_request(&mut self) -> Option<CancelRequest> {
        self.link.as_mut()?.cancel_request()
    }

    /// Whether from now on the server is told nothing, and nobody gets it.
    pub(super) fn listen_only(&mut self, listens: bool) {
        self.listens = listens;
    }

    /// The request that has cancelled what the server did may do so once more.
    pub(super) fn cancel_still_comes(&mut self) {
        if let Some(server) = &mut self.link {
            server.state.cancel_sent();
        }
    }

    /// True without a server.
    pub(super) fn is_free(&self) -> bool {
        self.link.is_none()
    }

    /// Where sequences were advanced that the session may want to read.
    pub(super) fn sequences(&self) -> Option<ConnectionId> {
        self.sequences
    }

    /// The message that waits for a server will be answered with an error, or by one after all.
    pub(super) fn wait_is_over(&mut self) {
        self.wants = None;
    }

    /// Relays until something has to be decided.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Pause> {
        loop {
            match self.turn(cx) {
                Ok(Progress::Made) => {}
                Ok(Progress::None) => {
                    self.rest();
                    return Poll::Pending;
                }
                Err(pause) => return Poll::Ready(pause),
            }
        }
    }

    /// Who waits holds no buffers.
    fn rest(&mut self) {
        self.client.rest();
        match &mut self.link {
            None => {
                self.buffers.give_empty(&mut self.scratch);
                self.buffers.give_empty(&mut self.kept);
            }
            Some(server) if self.session.mode() == PoolMode::Session => server.io.rest(),
            Some(_) => {}
        }
    }

    /// One round: read, take frames, write. Everything that cannot go on has left its waker.
    fn turn(&mut self, cx: &mut Context<'_>) -> Result<Progress, Pause> {
        let mut progress = Progress::None;
        let (read_client, read_server) = (self.takes_input(), self.takes_replies());
        if read_client {
            progress = fill(&mut self.client, cx).map_err(client_lost)?;
        }
        progress = self.errand_goes_on(cx)?.or(progress);
        let mut errand = self.errand.take();
        if let Some(running) = &mut errand {
            running.swap(&mut self.client);
        }
        let exchanged = self.exchange(read_server, cx);
        if let Some(mut running) = errand {
            running.swap(&mut self.client);
            self.errand = Some(running);
        }
        self.tell_transactions();
        progress = exchanged?.or(progress);
        if self.session.has_rejections() {
            self.publish_rejections();
        }
        if self.presence == Presence::Gone {
            self.client.input.clear();
            self.client.output.clear();
            if !self.is_underway() {
                return Err(Pause::End(End::ClientDone));
            }
        } else {
            progress = flush(&mut self.client, cx)
                .map_err(client_lost)?
                .or(progress);
        }
        self.flush_server(progress, (read_client, read_server), cx)
    }

    /// What the session says and is told.
    fn exchange(&mut self, read_server: bool, cx: &mut Context<'_>) -> Result<Progress, Pause> {
        let mut progress = Progress::None;
        if let Some(server) = &mut self.link {
            if read_server {
                let filled = fill(&mut server.io, cx);
                progress =
                    progress.or(filled.map_err(|error| Pause::ServerLost(error.to_string()))?);
            }
            if !server.io.input.is_empty() && self.server_to_client()? == Progress::Made {
                progress = Progress::Made;
                self.grace = None;
            }
            if let Some(reason) = self.session.take_pin_news() {
                return Err(Pause::Pinned(reason));
            }
            if self.listens {
                return Ok(progress);
            }
            self.settle();
        }
        // Its server may be gone by now.
        self.repeat();
        if self.client.input.is_empty() {
            self.held = false;
        } else if self.may_go_on(cx) {
            progress = self.client_to_server().or(progress);
            // So that its waker is left, whether or not there is something to send.
            if std::mem::take(&mut self.is_new)
                && let Some(server) = &mut self.link
            {
                let filled = fill(&mut server.io, cx);
                let filled = filled.map_err(|error| Pause::ServerLost(error.to_string()))?;
                progress = progress.or(filled);
            }
        }
        Ok(progress)
    }

    /// The end of a round.
    fn flush_server(
        &mut self,
        progress: Progress,
        (read_client, read_server): (bool, bool),
        cx: &mut Context<'_>,
    ) -> Result<Progress, Pause> {
        let mut server_flush = Ok(Progress::None);
        if let Some(server) = &mut self.link
            && !self.listens
        {
            server_flush = flush(&mut server.io, cx);
            if let Ok(Progress::Made) = server_flush {
                return Ok(Progress::Made);
            }
        }
        // What turns out only now not to be a whole frame has not been read on, and left no waker.
        if progress == Progress::None
            && (!read_client && self.takes_input() || !read_server && self.takes_replies())
        {
            return Ok(Progress::Made);
        }
        if progress == Progress::Made {
            // A server that refuses our bytes may have said why: its input comes first.
            return Ok(progress);
        }
        if self.link.as_ref().is_some_and(|server| server.io.eof()) {
            // Its last words first, however slowly the client takes them.
            let delivered = self.client.output.is_empty();
            return if delivered {
                Err(self.server_closed())
            } else {
                Ok(Progress::None)
            };
        }
        server_flush.map_err(|error| Pause::ServerLost(error.to_string()))?;
        if let Some(want) = self.wants {
            return Err(Pause::NeedsServer(want));
        }
        if self.has_expired() {
            return Err(Pause::Expired);
        }
        if self.client.output.is_empty() {
            self.has_client_left(cx).map_err(Pause::End)?;
        }
        Ok(Progress::None)
    }

    /// True if more of the client may be read: it has more to say, and both sides keep up.
    fn takes_input(&self) -> bool {
        if self.errand.is_some() {
            // It waits, and may close its side.
            return self.client.input.len() < HIGH_WATER
                && self.presence == Presence::There
                && self.leaving.is_none()
                && !self.client.eof();
        }
        (self.hungry.client || self.client.input.is_empty())
            && self.leaving.is_none()
            && !self.held
            && self.wants.is_none()
            && !self.client.eof()
            && self
                .link
                .as_ref()
                .is_none_or(|server| server.io.accepts_output())
            && self.client.accepts_output()
    }

    /// True if more of the server may be read: it has more to say, and the client keeps up.
    fn takes_replies(&self) -> bool {
        let Some(server) = &self.link else {
            return false;
        };
        (self.hungry.server || server.io.input.is_empty())
            && self.client.accepts_output()
            && !server.io.eof()
    }

    /// Gives the server back, if the session is done with it.
    fn settle(&mut self) {
        let Some(server) = &self.link else {
            return;
        };
        let due = self.session.mode() == PoolMode::Session && server.is_due();
        match self.session.lease_end(due) {
            LeaseEnd::Keep => {}
            LeaseEnd::Release => {
                if server.is_quiet() && self.from_client.rest() == 0 {
                    self.give_back(None);
                }
            }
            LeaseEnd::Discard(why) => self.give_back(Some(why)),
        }
        if let Some(age) = &self.age {
            let linked = self.link.is_some();
            age.note(self.session.open_block().filter(|_| linked));
        }
    }

    /// True if the transaction is too old in which the client idles.
    fn has_expired(&self) -> bool {
        self.age.as_ref().is_some_and(Age::is_told)
            && self.at_boundary()
            && self.from_client.rest() == 0
            && self.client.input.is_empty()
            && self.link.is_some()
            && self.session.is_idle_in_block()
    }

    /// Puts what has met a conflict in front of the client's messages.
    fn repeat(&mut self) {
        let Some((mut messages, repeated)) = self.session.take_again() else {
            return;
        };
        self.kept.clear();
        messages.extend_from_slice(&self.client.input);
        self.client.input = messages;
        let pause = self.pool.pause_after_conflict(repeated);
        self.backoff = Some(Box::pin(sleep(pause)));
    }

    /// True unless there is a pause before what has met a conflict is tried again.
    fn may_go_on(&mut self, cx: &mut Context<'_>) -> bool {
        if let Some(backoff) = &mut self.backoff {
            if backoff.as_mut().poll(cx).is_pending() {
                return false;
            }
            self.backoff = None;
        }
        true
    }

    /// True if no replies are kept until it is known that there is no conflict.
    pub(super) fn kept_is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// What the client is owed goes out after all; what a conflict has undone does not.
    pub(super) fn let_replies_go(&mut self) {
        if self.session.is_repeating() {
            self.kept.clear();
            return;
        }
        let all = self.kept.len();
        let output = match &mut self.errand {
            Some(running) => running.output(),
            None => &mut self.client.output,
        };
        transfer(&mut self.kept, output, all, &self.buffers);
    }

    /// Tells the metrics which errors of ours the client has got.
    pub(super) fn publish_rejections(&mut self) {
        for sqlstate in self.session.take_rejections() {
            self.pool.metrics.rejected(sqlstate.as_str());
        }
    }

    /// Tells the metrics what has been done since the last time.
    pub(super) fn publish(&mut self) {
        let (counts, bytes) = (self.session.counts(), self.client.totals());
        self.published.publish(counts, bytes, &self.pool.metrics);
    }

    fn client_to_server(&mut self) -> Progress {
        let before = self.client.input.len();
        // Bytes at the front of the input that go to the server, in one copy.
        let mut run = 0;
        self.held = false;
        self.hungry.client = false;
        while self.leaving.is_none()
            && self.wants.is_none()
            && self.client.output.len() < HIGH_WATER
            && self
                .link
                .as_ref()
                .is_none_or(|server| server.io.output.len() + run < HIGH_WATER)
        {
            let front = self.client.input.get(run..).unwrap_or_default();
            let mut scanner = self.from_client.clone();
            let (length, flow) = match scanner.step(front, Session::frontend_want) {
                Err(error) => {
                    let error =
                        ErrorResponse::fatal(SqlState::PROTOCOL_VIOLATION, error.to_string());
                    self.leaving = Some(Leaving::Refused(error));
                    break;
                }
                Ok(Step::NeedMore) => {
                    self.hungry.client = true;
                    break;
                }
                Ok(Step::Rest(n)) if self.rest == Rest::Forward => (n, Flow::Forward),
                Ok(Step::Rest(n)) => (n, Flow::Discard),
                Ok(Step::Head { tag, body, seen }) => {
                    let length = HEADER + seen;
                    let raw = front.get(..length).unwrap_or_default();
                    let frame = Frame {
                        tag,
                        raw,
                        body: raw.get(HEADER..).unwrap_or_default(),
                        length: body,
                    };
                    let mut out = Outputs {
                        server: &mut self.scratch,
                        client: &mut self.client.output,
                    };
                    if self.adapter.is_engaged()
                        && frame.is_complete()
                        && !self.session.is_direct()
                        && !self.session.skips()
                    {
                        let status = self.session.status();
                        let taken = self.adapter.takes(tag, frame.body, status);
                        if taken != Taken::No {
                            self.pass(run);
                            run = 0;
                            self.take_over(length, taken);
                            self.from_client = scanner;
                            if taken == Taken::Yes {
                                break;
                            }
                            continue;
                        }
                    }
                    let state = self.link.as_mut().map(|server| &mut server.state);
                    let told = out.client.len();
                    let asked = self.session.frontend(frame, state, &mut out);
                    if self.client.output.len() > told && !self.kept.is_empty() {
                        // What was kept comes first.
                        self.session.let_replies_go();
                        let behind = self.client.output.split_off(told);
                        self.let_replies_go();
                        self.client.output.extend_from_slice(&behind);
                    }
                    match asked {
                        Ok(flow) => (length, flow),
                        Err(error) => {
                            self.leaving = Some(Leaving::Refused(error));
                            break;
                        }
                    }
                }
            };
            if !self.scratch.is_empty() || !matches!(flow, Flow::Forward) {
                self.pass(run);
                run = 0;
                if let Some(server) = &mut self.link {
                    append(&mut server.io.output, &self.scratch, &self.buffers);
                }
                self.scratch.clear();
            }
            match flow {
                Flow::Forward => {
                    self.rest = Rest::Forward;
                    run += length;
                }
                Flow::Replace(skip) => {
                    self.rest = Rest::Forward;
                    self.client.input.advance(skip);
                    run = length - skip;
                }
                Flow::Discard => {
                    self.rest = Rest::Discard;
                    self.client.input.advance(length);
                }
                Flow::Hold => {
                    self.held = true;
                    break;
                }
                Flow::NeedServer(want) => {
                    // It may have one that will not do.
                    self.give_back(None);
                    if !self.take_server(want) {
                        self.wants = Some(want);
                        break;
                    }
                    self.is_new = true;
                    continue;
                }
                Flow::Adapt => {
                    if !self.kept_is_empty() {
                        self.session.let_replies_go();
                        self.let_replies_go();
                    }
                    let message = take(&mut self.client.input, length);
                    self.from_client = scanner;
                    self.begin_errand(&message, false);
                    break;
                }
                Flow::Terminate => {
                    self.leaving = Some(Leaving::Terminated);
                    self.client.input.advance(length);
                }
            }
            self.from_client = scanner;
        }
        self.pass(run);
        if !self.kept.is_empty() && !self.session.holds_replies() {
            // A message of the client's has seen to that: the server may have nothing to add.
            self.let_replies_go();
        }
        Progress::from(self.client.input.len() < before)
    }

    /// So many bytes of the client's go to the server.
    fn pass(&mut self, run: usize) {
        let Some(server) = &mut self.link else {
            return;
        };
        transfer(
            &mut self.client.input,
            &mut server.io.output,
            run,
            &self.buffers,
        );
    }

    fn server_to_client(&mut self) -> Result<Progress, Pause> {
        let Some(server) = &mut self.link else {
            return Ok(Progress::None);
        };
        let PooledServer {
            io, state, scanner, ..
        } = &mut ***server;
        let output = &mut self.client.output;
        let before = io.input.len();
        let mut run = 0;
        self.hungry.server = false;
        while output.len() + run < HIGH_WATER {
            let front = io.input.get(run..).unwrap_or_default();
            let kept = self.session.holds_replies();
            if !kept && scanner.rest() == 0 && self.session.passes(backend::DATA_ROW) {
                let rows = rows(front, HIGH_WATER - output.len() - run);
                if rows > 0 {
                    run += rows;
                    continue;
                }
            }
            let step = scanner
                .step(front, Session::backend_want)
                .map_err(|error| Pause::ServerLost(format!("it broke the protocol: {error}")))?;
            let (tag, body, seen) = match step {
                Step::NeedMore => {
                    self.hungry.server = true;
                    break;
                }
                Step::Rest(n) => {
                    run += n;
                    continue;
                }
                Step::Head { tag, body, seen } => (tag, body, seen),
            };
            let length = HEADER + seen;
            if self.session.passes(tag) && !kept {
                run += length;
                continue;
            }
            if tag == backend::DATA_ROW {
                self.session.rows_come();
            }
            let raw = front.get(..length).unwrap_or_default();
            let frame = Frame {
                tag,
                raw,
                body: raw.get(HEADER..).unwrap_or_default(),
                length: body,
            };
            let mut out = Outputs {
                server: &mut io.output,
                client: &mut self.scratch,
            };
            let relayed = self.session.backend(frame, state, &mut out);
            if kept
                && !self.session.is_repeating()
                && self.kept.len() + run + length > self.pool.sessions.retry_buffer
            {
                self.session.let_replies_go();
            }
            if kept && !self.session.holds_replies() {
                // Together with what was kept.
                transfer(&mut io.input, &mut self.kept, run, &self.buffers);
                run = 0;
                let all = self.kept.len();
                transfer(&mut self.kept, output, all, &self.buffers);
            }
            let output = if self.session.holds_replies() {
                &mut self.kept
            } else {
                &mut *output
            };
            if self.scratch.is_empty() && relayed == Relayed::Forward {
                run += length;
                continue;
            }
            transfer(&mut io.input, output, run, &self.buffers);
            append(output, &self.scratch, &self.buffers);
            self.scratch.clear();
            run = 0;
            match relayed {
                Relayed::Forward => run = length,
                Relayed::Swallow => io.input.advance(length),
            }
            if self.session.fatal_seen() {
                break;
            }
        }
        let output = if self.session.holds_replies() {
            &mut self.kept
        } else {
            output
        };
        transfer(&mut io.input, output, run, &self.buffers);
        if self.session.fatal_seen() {
            return Err(match self.leaving.take() {
                Some(Leaving::Terminated) => Pause::End(End::ClientDone),
                Some(Leaving::Refused(error)) => Pause::End(End::ClientRefused(error)),
                None => Pause::ServerLost(self.session.take_fatal()),
            });
        }
        Ok(Progress::from(io.input.len() < before))
    }
}
