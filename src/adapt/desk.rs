//! Where an errand asks for what it needs, and those who drive it find out.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use bytes::{BufMut, BytesMut};

use super::failure::Failure;
use super::local::Bound;
use super::reply::{Intake, Reply, Show};
use crate::compat::FAILS;
use crate::compat::parameters::Level;
use crate::wire::backend::TransactionStatus;
use crate::wire::{ErrorResponse, FrameError, Severity, SqlState, encode, frontend};

/// What an errand sends, and what comes back. Shared by the errand and those who drive it.
#[derive(Debug, Clone)]
pub(super) struct Desk(Rc<RefCell<Inner>>);

#[derive(Debug)]
struct Inner {
    to_session: BytesMut,
    to_client: BytesMut,
    task: Task,
    status: TransactionStatus,
    /// Somebody wants the errand to end, and it has not noticed.
    cancelled: Option<ErrorResponse>,
    /// The session is in a block whose BEGIN it has not sent.
    holds_begin: bool,
    /// Which notices the client gets.
    level: Level,
    /// How many statements, one for the sake of the other, are carried out in part.
    underway: usize,
}

/// A statement is carried out in part, as long as this lives.
#[derive(Debug)]
pub(super) struct Underway(Desk);

impl Drop for Underway {
    fn drop(&mut self) {
        self.0.0.borrow_mut().underway -= 1;
    }
}

#[derive(Debug)]
enum Task {
    /// Nothing is asked.
    None,
    /// The session has been sent messages.
    Asks(Intake),
    /// It has answered.
    Answered(Reply),
    /// Nothing happens for so long.
    Sleeps(Duration),
    /// That has gone by.
    Slept,
}

impl Desk {
    pub(super) fn new(status: TransactionStatus, level: Level) -> Self {
        Self(Rc::new(RefCell::new(Inner {
            to_session: BytesMut::new(),
            to_client: BytesMut::new(),
            task: Task::None,
            status,
            cancelled: None,
            holds_begin: false,
            level,
            underway: 0,
        })))
    }

    // What an errand does.

    /// The transaction status after the last step.
    pub(super) fn status(&self) -> TransactionStatus {
        self.0.borrow().status
    }

    /// Runs statements in one Query, whose rows and tags the client gets.
    pub(super) async fn relay(&self, sql: &[u8]) -> Reply {
        self.query(sql, Show::All).await
    }

    /// Runs statements in one Query, of which the client gets notices only.
    pub(super) async fn run(&self, sql: &[u8]) -> Reply {
        self.query(sql, Show::Nothing).await
    }

    /// Runs a statement with what a client has bound, whose rows and tag it gets.
    pub(super) async fn relay_bound(&self, sql: &[u8], bound: &Bound) -> Reply {
        let show = if bound.described {
            Show::Rows
        } else {
            Show::All
        };
        self.ask(show, |out| bound_query(sql, bound, &bound.formats, out))
            .await
    }

    /// The same, of which the client gets notices only. Values come as text.
    pub(super) async fn run_bound(&self, sql: &[u8], bound: &Bound) -> Reply {
        self.ask(Show::Nothing, |out| bound_query(sql, bound, &[], out))
            .await
    }

    /// Makes the block that the session is in a failed one.
    pub(super) async fn fail_block(&self) {
        self.run(FAILS).await;
    }

    async fn query(&self, sql: &[u8], show: Show) -> Reply {
        self.ask(show, |out| encode::query(sql, out)).await
    }

    /// Sends messages, the last of which is answered with ReadyForQuery.
    pub(super) async fn ask(&self, show: Show, messages: impl FnOnce(&mut BytesMut)) -> Reply {
        {
            let mut inner = self.0.borrow_mut();
            messages(&mut inner.to_session);
            inner.task = Task::Asks(Intake::new(show));
        }
        poll_fn(|_| {
            let mut inner = self.0.borrow_mut();
            match std::mem::replace(&mut inner.task, Task::None) {
                Task::Answered(reply) => Poll::Ready(reply),
                task => {
                    inner.task = task;
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// Lets time pass, without a server. An error if somebody ends the wait.
    pub(super) async fn sleep(&self, duration: Duration) -> Result<(), ErrorResponse> {
        self.0.borrow_mut().task = Task::Sleeps(duration);
        poll_fn(|_| {
            let mut inner = self.0.borrow_mut();
            if let Some(error) = inner.cancelled.take() {
                inner.task = Task::None;
                return Poll::Ready(Err(error));
            }
            match inner.task {
                Task::Slept => {
                    inner.task = Task::None;
                    Poll::Ready(Ok(()))
                }
                _ => Poll::Pending,
            }
        })
        .await
    }

    /// Waits for something, without a server. An error if somebody ends the wait, or it takes
    /// longer than the limit.
    pub(super) async fn wait<T>(
        &self,
        waited: impl Future<Output = T>,
        limit: Option<Duration>,
    ) -> Result<T, ErrorResponse> {
        self.0.borrow_mut().task = limit.map_or(Task::None, Task::Sleeps);
        let mut waited = pin!(waited);
        poll_fn(|cx| {
            if let Poll::Ready(value) = waited.as_mut().poll(cx) {
                self.0.borrow_mut().task = Task::None;
                return Poll::Ready(Ok(value));
            }
            let mut inner = self.0.borrow_mut();
            let late = matches!(inner.task, Task::Slept).then(lock_timeout);
            match inner.cancelled.take().or(late) {
                Some(error) => {
                    inner.task = Task::None;
                    Poll::Ready(Err(error))
                }
                None => Poll::Pending,
            }
        })
        .await
    }

    /// True if the session is in a block whose BEGIN it has not sent.
    pub(super) fn holds_begin(&self) -> bool {
        self.0.borrow().holds_begin
    }

    /// From now on the client gets these notices of ours.
    pub(super) fn filter(&self, level: Level) {
        self.0.borrow_mut().level = level;
    }

    /// Tells the client messages of ours.
    pub(super) fn tell(&self, messages: &[u8]) {
        self.0.borrow_mut().to_client.extend_from_slice(messages);
    }

    /// From now on a statement is carried out in part, which should not be left so.
    pub(super) fn underway(&self) -> Underway {
        self.0.borrow_mut().underway += 1;
        Underway(self.clone())
    }

    /// Tells the client something that is no error.
    pub(super) fn notice(&self, severity: Severity, sqlstate: SqlState, text: impl Into<String>) {
        self.say(&ErrorResponse::error(sqlstate, text).severity(severity));
    }

    /// The same.
    pub(super) fn say(&self, notice: &ErrorResponse) {
        let mut inner = self.0.borrow_mut();
        if inner.level.lets_pass(notice.severity.as_str().as_bytes()) {
            notice.encode(&mut inner.to_client);
        }
    }

    /// Tells the client that a statement is done.
    pub(super) fn complete(&self, tag: &str) {
        encode::command_complete(tag, &mut self.0.borrow_mut().to_client);
    }

    /// Tells the client of an error.
    pub(super) fn fail(&self, failure: &Failure) {
        failure.encode(&mut self.0.borrow_mut().to_client);
    }

    /// Tells the client that its Query is answered.
    pub(super) fn ready(&self) {
        let mut inner = self.0.borrow_mut();
        let status = inner.status;
        encode::ready_for_query(status, &mut inner.to_client);
    }

    // What those do who drive it.

    /// How long the errand wants nothing to happen, if it does.
    pub(super) fn sleeps(&self) -> Option<Duration> {
        match self.0.borrow().task {
            Task::Sleeps(duration) => Some(duration),
            _ => None,
        }
    }

    /// Time has passed.
    pub(super) fn slept(&self) {
        let mut inner = self.0.borrow_mut();
        if let Task::Sleeps(_) = inner.task {
            inner.task = Task::Slept;
        }
    }

    /// Whether the session is in a block whose BEGIN it has not sent.
    pub(super) fn note(&self, holds_begin: bool) {
        self.0.borrow_mut().holds_begin = holds_begin;
    }

    /// True while a statement is carried out in part.
    pub(super) fn is_underway(&self) -> bool {
        self.0.borrow().underway > 0
    }

    /// True while the session is asked.
    pub(super) fn asks(&self) -> bool {
        matches!(self.0.borrow().task, Task::Asks(_))
    }

    /// Ends a wait that is not the session's.
    pub(super) fn cancel(&self, error: ErrorResponse) {
        self.0.borrow_mut().cancelled = Some(error);
    }

    /// True if a message may go to the client now.
    pub(super) fn is_at_boundary(&self) -> bool {
        match &self.0.borrow().task {
            Task::Asks(intake) => intake.is_at_boundary(),
            _ => true,
        }
    }

    /// Moves what goes to the session, and to the client.
    pub(super) fn deliver(&self, to_session: &mut BytesMut, to_client: &mut BytesMut) {
        let mut inner = self.0.borrow_mut();
        to_session.extend_from_slice(&inner.to_session);
        to_client.extend_from_slice(&inner.to_client);
        inner.to_session.clear();
        inner.to_client.clear();
    }

    /// Takes in what the session has said.
    pub(super) fn replies(
        &self,
        input: &mut BytesMut,
        to_client: &mut BytesMut,
    ) -> Result<(), FrameError> {
        let mut inner = self.0.borrow_mut();
        let Task::Asks(intake) = &mut inner.task else {
            return Ok(());
        };
        if let Some(reply) = intake.take(input, to_client)? {
            inner.status = reply.status;
            inner.task = Task::Answered(reply);
        }
        Ok(())
    }
}

/// PostgreSQL's words for a lock that is not to be had in time.
fn lock_timeout() -> ErrorResponse {
    ErrorResponse::error(
        SqlState::LOCK_NOT_AVAILABLE,
        "canceling statement due to lock timeout",
    )
}

/// A statement with bound values, up to Sync.
fn bound_query(sql: &[u8], bound: &Bound, formats: &[i16], out: &mut BytesMut) {
    encode::parse(b"", sql, out);
    encode::frame(frontend::BIND, out, |body| {
        body.extend_from_slice(b"\0\0");
        put_count(bound.values.len(), body);
        for (format, _) in &bound.values {
            body.put_i16(*format);
        }
        put_count(bound.values.len(), body);
        for (_, value) in &bound.values {
            match value {
                None => body.put_i32(-1),
                Some(value) => {
                    body.put_i32(i32::try_from(value.len()).unwrap_or(i32::MAX));
                    body.extend_from_slice(value);
                }
            }
        }
        put_count(formats.len(), body);
        for format in formats {
            body.put_i16(*format);
        }
    });
    encode::frame(frontend::DESCRIBE, out, |body| {
        body.extend_from_slice(b"P\0");
    });
    encode::frame(frontend::EXECUTE, out, |body| {
        body.extend_from_slice(b"\0");
        body.put_i32(0);
    });
    encode::sync(out);
}

fn put_count(count: usize, body: &mut BytesMut) {
    body.put_u16(u16::try_from(count).unwrap_or(u16::MAX));
}
