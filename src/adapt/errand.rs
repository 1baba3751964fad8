//! Errands as those see them who drive them.

use std::cell::RefCell;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::desk::Desk;
use super::script;
use super::state::State;
use crate::compat::Policy;
use crate::wire::backend::TransactionStatus;
use crate::wire::{ErrorResponse, FrameError};

/// Makes the errands of one client.
#[derive(Debug)]
pub struct Adapter {
    policy: Rc<Policy>,
    state: Rc<RefCell<State>>,
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
    /// For a client of a cluster about which this is done.
    pub fn new(policy: Rc<Policy>) -> Self {
        Self {
            policy,
            state: Rc::default(),
        }
    }

    /// True if the client's next statements are of interest, whatever they are.
    pub fn watches(&self) -> bool {
        self.state.borrow().watches()
    }

    /// The block of which something was of interest has ended.
    pub fn forget(&mut self) {
        self.state.borrow_mut().clear();
    }

    /// The errand for the text of a Query, which comes while the session is in `status` and has
    /// answered everything.
    pub fn query(&mut self, sql: &[u8], status: TransactionStatus) -> Errand {
        let desk = Desk::new(status);
        let course = script::query(
            desk.clone(),
            Bytes::copy_from_slice(sql),
            Rc::clone(&self.policy),
            Rc::clone(&self.state),
        );
        Errand {
            desk,
            course: Box::pin(course),
            stage: Stage::Replies,
        }
    }
}

impl Errand {
    /// Goes on as far as possible. To be called at first, and whenever it got what it waits for.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Stage {
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
