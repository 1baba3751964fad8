//! What a round of relaying got done.

use std::io;
use std::task::{Context, Poll};

use super::pause::{End, Pause};
use crate::net::buffered::{Buffered, Read};
use crate::net::source::Source;

/// Whether a step got something done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    Made,
    None,
}

/// The client has vanished.
pub(super) fn client_lost(error: io::Error) -> Pause {
    Pause::End(End::ClientLost(error))
}

/// Writes what is to be written.
pub(super) fn flush<S>(io: &mut Buffered<S>, cx: &mut Context<'_>) -> io::Result<Progress>
where
    S: Source,
{
    let before = io.output.len();
    if let Poll::Ready(Err(error)) = io.poll_flush(cx) {
        return Err(error);
    }
    Ok(Progress::from(io.output.len() < before))
}

/// Reads what has come.
pub(super) fn fill<S>(io: &mut Buffered<S>, cx: &mut Context<'_>) -> io::Result<Progress>
where
    S: Source,
{
    match io.poll_fill(cx) {
        Poll::Ready(Ok(Read::Some | Read::Eof)) => Ok(Progress::Made),
        Poll::Ready(Err(error)) => Err(error),
        Poll::Pending => Ok(Progress::None),
    }
}

impl Progress {
    /// Either of two.
    pub(super) fn or(self, other: Self) -> Self {
        if self == Self::Made { self } else { other }
    }
}

impl From<bool> for Progress {
    fn from(made: bool) -> Self {
        if made { Self::Made } else { Self::None }
    }
}
