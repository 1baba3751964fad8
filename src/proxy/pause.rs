//! Why relaying stopped.

use std::io;

use crate::session::Want;
use crate::sql::PinReason;
use crate::wire::ErrorResponse;

/// Why relaying stopped.
#[derive(Debug)]
pub(super) enum Pause {
    /// The client needs a server, and none is free.
    NeedsServer(Want),
    /// The server is gone, for this reason.
    ServerLost(String),
    /// From now on the session keeps its server, for this reason.
    Pinned(PinReason),
    /// The client idles in a transaction that is too old.
    Expired,
    /// The session is over.
    End(End),
}

/// How a session ends.
#[derive(Debug)]
#[allow(
    clippy::enum_variant_names,
    reason = "it is the client each time by which it ends"
)]
pub(super) enum End {
    /// The client said goodbye, or closed its side and has got every answer.
    ClientDone,
    /// The client vanished.
    ClientLost(io::Error),
    /// The client does not keep to the protocol, or cannot be served any more.
    ClientRefused(ErrorResponse),
}
