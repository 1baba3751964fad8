//! Errands as those see them who drive them.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::desk::Desk;
use super::extended::{self, Taken};
use super::locks::Locks;
use super::script;
use super::state::{Shared, State};
use crate::compat::Policy;
use crate::compat::parameters::{Emulated, Level, TransactionEnd};
use crate::wire::backend::TransactionStatus;
use crate::wire::{ErrorResponse, FrameError};

/// Makes the errands of one client.
#[derive(Debug)]
pub struct Adapter {
    policy: Rc<Policy>,
    state: Shared,
}

/// What an errand waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The session's replies.
    Replies,
    /// That so much time passes. The session is asked nothing meanwhile.
    Time(Duration),
    /// Nothing: it is done.
    Done,
}

/// What is done for one message of the client's.
pub struct Errand {
    desk: Desk,
    course: Pin<Box<dyn Future<Output = ()>>>,
    stage: Stage,
}

impl Adapter {
    /// For a client with this process id, that has brought these parameters which the server is
    /// not to see. The error is FATAL: one of them has no such value.
    pub fn new(
        policy: Rc<Policy>,
        kept: &[(String, String)],
        locks: &Locks,
        pid: i32,
    ) -> Result<Self, ErrorResponse> {
        let emulated = if policy.keeps_any() {
            Some(Emulated::start((*policy).clone(), kept)?)
        } else {
            None
        };
        let state = State::new(emulated, locks.clone(), pid);
        Ok(Self {
            policy,
            state: Rc::new(RefCell::new(state)),
        })
    }

    /// True if the client's next statements are of interest, whatever they are.
    pub fn watches(&self) -> bool {
        self.state.borrow().watches()
    }

    /// True if it matters how transactions end.
    pub fn minds_transactions(&self) -> bool {
        self.state.borrow().minds_transactions()
    }

    /// A transaction of the session has ended.
    pub fn ended(&self, how: TransactionEnd) {
        self.state.borrow_mut().ended(how);
    }

    /// The session's transaction has failed, and has not ended.
    pub fn failed(&self) {
        self.state.borrow().failed();
    }

    /// Which notices the client gets.
    pub fn level(&self) -> Level {
        self.state.borrow().level()
    }

    /// The BEGIN to send in the place of one that has been held back.
    pub fn begin(&self, held: &[u8]) -> Option<Vec<u8>> {
        let state = self.state.borrow();
        match state.emulated.as_ref()?.begin_text(held) {
            Cow::Borrowed(_) => None,
            Cow::Owned(text) => Some(text),
        }
    }

    /// True if [`Adapter::takes`] has to be asked about messages.
    pub fn is_engaged(&self) -> bool {
        self.state.borrow().own.is_engaged()
    }

    /// Whose a message of the client's is.
    pub fn takes(&mut self, tag: u8, body: &[u8], status: TransactionStatus) -> Taken {
        let idle = status == TransactionStatus::Idle;
        self.state.borrow_mut().own.takes(tag, body, idle)
    }

    /// The errand for a message of the extended protocol, the header included. `settles` says that
    /// messages in front of it have not been answered.
    pub fn message(&mut self, message: &[u8], settles: bool, status: TransactionStatus) -> Errand {
        let desk = Desk::new(status, self.level());
        let course = extended::message(
            desk.clone(),
            Bytes::copy_from_slice(message),
            settles,
            Rc::clone(&self.policy),
            Rc::clone(&self.state),
        );
        Errand::new(desk, course)
    }

    /// The errand for the text of a Query, which comes while the session is in `status` and has
    /// answered everything.
    pub fn query(&mut self, sql: &[u8], status: TransactionStatus) -> Errand {
        let desk = Desk::new(status, self.level());
        let course = script::query(
            desk.clone(),
            Bytes::copy_from_slice(sql),
            Rc::clone(&self.policy),
            Rc::clone(&self.state),
        );
        Errand::new(desk, course)
    }
}

impl Errand {
    fn new(desk: Desk, course: impl Future<Output = ()> + 'static) -> Self {
        Self {
            desk,
            course: Box::pin(course),
            stage: Stage::Replies,
        }
    }

    /// Goes on as far as possible. To be called at first, and whenever it got what it waits for.
    /// `holds_begin` says that the session is in a block whose BEGIN it has not sent.
    pub fn poll(&mut self, holds_begin: bool, cx: &mut Context<'_>) -> Stage {
        self.desk.note(holds_begin);
        if self.stage != Stage::Done {
            self.stage = match self.course.as_mut().poll(cx) {
                Poll::Ready(()) => Stage::Done,
                Poll::Pending => self.desk.sleeps().map_or(Stage::Replies, Stage::Time),
            };
        }
        self.stage
    }

    /// Moves what goes to the session and to the client.
    pub fn deliver(&mut self, to_session: &mut BytesMut, to_client: &mut BytesMut) {
        self.desk.deliver(to_session, to_client);
    }

    /// Takes in what the session has said for the client. An error if that is no message.
    pub fn replies(
        &mut self,
        input: &mut BytesMut,
        to_client: &mut BytesMut,
    ) -> Result<(), FrameError> {
        self.desk.replies(input, to_client)
    }

    /// The time has passed for which it waited.
    pub fn slept(&mut self) {
        self.desk.slept();
    }

    /// Ends what it waits for, with this error. False if it waits for the session, which is to be
    /// asked in that case.
    pub fn cancel(&mut self, error: ErrorResponse) -> bool {
        if self.desk.asks() {
            return false;
        }
        self.desk.cancel(error);
        true
    }

    /// True while a statement has been carried out in part, and would be left so.
    pub fn is_underway(&self) -> bool {
        self.desk.is_underway()
    }

    /// True if a message of ours may go to the client now: not in the middle of another one.
    pub fn is_at_boundary(&self) -> bool {
        self.desk.is_at_boundary()
    }
}

impl fmt::Debug for Errand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Errand")
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}
