//! What is to be done once a message is answered.

use std::rc::Rc;

use bytes::Bytes;

use super::description::Digest;
use super::processes::Signal;
use super::statements::Statement;
use crate::wire::ErrorResponse;

/// What belongs to one message in flight.
#[derive(Debug)]
pub(super) enum Detail {
    /// The client prepares a statement under this name.
    Parse {
        name: Bytes,
        statement: Rc<Statement>,
    },
    /// The unnamed statement is prepared, for the so-many-th time.
    ParseUnnamed(u32),
    /// The client's Query drops the unnamed statement.
    DropUnnamed(u32),
    /// We prepare a statement on this server.
    Prepare { id: u64 },
    /// We prepare a statement under the client's own name for it.
    Named(Bytes),
    /// The client has the statement of this name described.
    Describe {
        name: Bytes,
        id: u64,
        /// Boxed, since it is large and rare.
        digest: Box<Digest>,
    },
    /// We have a statement described, to compare it with what the client was told.
    Check { id: u64, digest: Box<Digest> },
    /// The client closes the statement of this name.
    Close(Bytes),
    /// In the place of the client's message something was sent that has to fail: with this error.
    Fails(Box<ErrorResponse>),
    /// The statement makes the session forget its prepared statements.
    ForgetStatements,
    /// The statement sends another session a signal.
    Signal(Signal, i32),
    /// In the place of DEALLOCATE of the statement of this name, which no server knows by it, nothing
    /// is executed.
    Deallocate(Bytes),
    /// The last message of an injection whose end we wait for.
    Awaited,
}
