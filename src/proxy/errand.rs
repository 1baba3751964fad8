//! Errands: what runs them, between the client and its session.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, BytesMut};
use tokio::time::{Sleep, sleep};

use super::pause::{End, Pause};
use super::progress::Progress;
use super::relay::{Presence, Relay};
use crate::adapt::{Errand, Stage, Taken};
use crate::net::buffered::{Buffered, HIGH_WATER};
use crate::net::listen::ClientStream;
use crate::session::cancelled;
use crate::wire::backend::TransactionStatus;
use crate::wire::frame::HEADER;
use crate::wire::{ErrorResponse, FrameScanner, SqlState, Step, frontend};

/// An errand and its end of what is, while it runs, the session's client.
#[derive(Debug)]
pub(super) struct Running {
    errand: Errand,
    stage: Stage,
    /// In the place of the client's input and output.
    input: BytesMut,
    output: BytesMut,
    /// What goes to the session once the client's message has that is on its way there.
    behind: BytesMut,
    /// Over the client's messages that go to a COPY.
    copied: FrameScanner,
    /// The client has sent the end of the COPY that the session reads.
    copy_ends: bool,
    /// Runs out when the time has passed for which it waits.
    timer: Option<Pin<Box<Sleep>>>,
}

/// Whether an errand goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Course {
    /// It has got something done.
    Made,
    /// It waits.
    Waits,
    /// It is done.
    Done,
}

impl Running {
    pub(super) fn new(errand: Errand) -> Self {
        Self {
            errand,
            stage: Stage::Replies,
            input: BytesMut::new(),
            output: BytesMut::new(),
            behind: BytesMut::new(),
            copied: FrameScanner::new(),
            copy_ends: false,
            timer: None,
        }
    }

    /// Puts its buffers in the place of the client's, or back.
    pub(super) fn swap(&mut self, client: &mut Buffered<ClientStream>) {
        std::mem::swap(&mut self.input, &mut client.input);
        std::mem::swap(&mut self.output, &mut client.output);
    }

    /// What the session says for the client.
    pub(super) fn output(&mut self) -> &mut BytesMut {
        &mut self.output
    }

    /// Goes on as far as it can, while the client's own buffers are in place. An error if what the
    /// session has said is no message.
    pub(super) fn turn(
        &mut self,
        to_client: &mut BytesMut,
        holds_begin: bool,
        cx: &mut Context<'_>,
    ) -> Result<Course, String> {
        let before = (self.output.len(), self.input.len(), to_client.len());
        if to_client.len() < HIGH_WATER {
            let taken = self.errand.replies(&mut self.output, to_client);
            taken.map_err(|error| error.to_string())?;
        }
        if let Some(timer) = &mut self.timer
            && timer.as_mut().poll(cx).is_ready()
        {
            self.timer = None;
            self.errand.slept();
        }
        self.stage = self.errand.poll(holds_begin, cx);
        self.errand.deliver(&mut self.behind, to_client);
        if self.copied.rest() == 0 {
            self.input.unsplit(self.behind.split());
        }
        match self.stage {
            Stage::Done => return Ok(Course::Done),
            Stage::Time(duration) => {
                let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(duration)));
                if let Poll::Ready(()) = timer.as_mut().poll(cx) {
                    return Ok(Course::Made);
                }
            }
            Stage::Replies => self.timer = None,
        }
        let after = (self.output.len(), self.input.len(), to_client.len());
        Ok(if before == after {
            Course::Waits
        } else {
            Course::Made
        })
    }

    /// Lets a COPY have the client's messages, up to its end. `copies` is true while the session
    /// reads one. True if something went. An error if that is no message.
    pub(super) fn copy(
        &mut self,
        copies: bool,
        from_client: &mut BytesMut,
    ) -> Result<bool, String> {
        if !copies {
            self.copy_ends = false;
        }
        let mut went = false;
        while self.input.len() < HIGH_WATER && (self.copied.rest() > 0 || copies && !self.copy_ends)
        {
            let length = match self.copied.step(from_client, |_| 0) {
                Err(error) => return Err(error.to_string()),
                Ok(Step::NeedMore) => break,
                Ok(Step::Rest(length)) => length,
                Ok(Step::Head { tag, seen, .. }) => {
                    self.copy_ends = matches!(tag, frontend::COPY_DONE | frontend::COPY_FAIL);
                    HEADER + seen
                }
            };
            let message = from_client.split_to(length.min(from_client.len()));
            self.input.extend_from_slice(&message);
            went = true;
        }
        Ok(went)
    }

    /// What the session has not taken, and what it has said behind the last step.
    fn left(&mut self) -> (BytesMut, BytesMut) {
        (self.input.split(), self.output.split())
    }

    /// True while a statement has been carried out in part, which is not to be left so.
    pub(super) fn is_underway(&self) -> bool {
        self.errand.is_underway()
    }

    /// Ends a wait of its own. False if it waits for the session.
    pub(super) fn cancel(&mut self) -> bool {
        self.timer = None;
        self.errand.cancel(cancelled())
    }

    /// True if a message of ours may go to the client.
    pub(super) fn is_at_boundary(&self) -> bool {
        self.errand.is_at_boundary()
    }
}

/// Drops a message from the front of what the client has sent.
pub(super) fn take(input: &mut BytesMut, length: usize) -> BytesMut {
    let message = BytesMut::from(input.get(..length).unwrap_or_default());
    input.advance(length.min(input.len()));
    message
}

/// Puts bytes in front of others.
fn put_in_front(buffer: &mut BytesMut, mut front: BytesMut) {
    if !front.is_empty() {
        front.extend_from_slice(buffer);
        *buffer = front;
    }
}

impl Relay {
    /// True if what is done for the client goes on although the client has gone: half of it would
    /// be worse than all or nothing. Nobody is told anything any more.
    pub(super) fn goes_on_alone(&mut self) -> bool {
        let underway = self.is_underway();
        if underway && self.presence == Presence::There {
            tracing::info!("client vanished: the statement that is half done is carried on");
            self.presence = Presence::Gone;
        }
        underway
    }

    /// True while a statement has been carried out in part, which is not to be left so.
    pub(super) fn is_underway(&self) -> bool {
        self.errand.as_ref().is_some_and(|it| it.is_underway())
    }

    /// Where the session's answers to its client go.
    pub(super) fn session_output(&mut self) -> &mut BytesMut {
        match &mut self.errand {
            Some(running) => running.output(),
            None => &mut self.client.output,
        }
    }

    /// Ends what an errand waits for by itself. False if there is no such thing.
    pub(super) fn cancel_errand(&mut self) -> bool {
        self.errand.as_mut().is_some_and(|running| running.cancel())
    }

    /// What is done for the client's last message goes on.
    pub(super) fn errand_goes_on(&mut self, cx: &mut Context<'_>) -> Result<Progress, Pause> {
        let Some(running) = &mut self.errand else {
            return Ok(Progress::None);
        };
        let course = running.turn(
            &mut self.client.output,
            self.session.held_begin().is_some(),
            cx,
        );
        let course =
            course.map_err(|why| Pause::ServerLost(format!("it broke the protocol: {why}")))?;
        if course == Course::Done {
            let (untaken, more) = running.left();
            put_in_front(&mut self.client.input, untaken);
            self.client.output.unsplit(more);
            self.errand = None;
            self.session.directly(false);
            self.session.watch(self.adapter.watches());
            self.session.filter_notices(self.adapter.level());
            if let Some(begin) = self.session.held_begin()
                && let Some(other) = self.adapter.begin(begin)
            {
                self.session.hold_begin(&other);
            }
            return Ok(Progress::Made);
        }
        let copied = running.copy(self.session.copies_in(), &mut self.client.input);
        Ok(match (copied, course) {
            (Err(why), _) => {
                let error = ErrorResponse::fatal(SqlState::PROTOCOL_VIOLATION, why);
                return Err(Pause::End(End::ClientRefused(error)));
            }
            (Ok(true), _) | (_, Course::Made) => Progress::Made,
            (Ok(false), _) => Progress::None,
        })
    }

    /// Something is done for a message in more than one step; `taken` says that it is about what
    /// has been prepared here.
    pub(super) fn begin_errand(&mut self, message: &[u8], taken: bool) {
        let status = self.session.status();
        let body = message.get(HEADER..).unwrap_or_default();
        let errand = match (message.first(), frontend::query(body)) {
            (Some(&frontend::QUERY), Ok(sql)) if !taken => self.adapter.query(sql, status),
            _ => {
                let settles = self.session.is_in_group();
                self.adapter.message(message, settles, status)
            }
        };
        self.session.directly(true);
        self.errand = Some(Box::new(Running::new(errand)));
    }

    /// A message that is not the session's leaves the client's input.
    pub(super) fn take_over(&mut self, length: usize, taken: Taken) {
        if !self.kept_is_empty() {
            self.session.let_replies_go();
            self.let_replies_go();
        }
        let message = take(&mut self.client.input, length);
        if taken == Taken::Yes {
            self.begin_errand(&message, true);
        }
    }

    /// Says how transactions have ended, where that matters.
    pub(super) fn tell_transactions(&mut self) {
        let ended = self.session.take_end();
        if !self.adapter.minds_transactions() {
            return;
        }
        if let Some(how) = ended {
            self.adapter.ended(how);
        } else if self.session.status() == TransactionStatus::Failed {
            self.adapter.failed();
        }
    }
}
