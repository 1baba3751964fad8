//! The client's messages that the server has not come to the end of: to know what is at stake
//! when the server goes, and to send them once more after a conflict.

use bytes::{Buf, BytesMut};

use super::statements::Statements;
use crate::wire::frame::HEADER;
use crate::wire::frontend::{self, Bind, Execute, Parse};
use crate::wire::{FrameScanner, Step};

/// A buffer for messages is used again up to this many bytes.
const KEPT: usize = 16 * 1024;

/// The client's messages since the last ReadyForQuery that ended one.
#[derive(Debug, Default)]
pub(super) struct Flight {
    messages: BytesMut,
    /// Bytes at the front whose group has not ended but which are answered.
    answered: usize,
    /// Not everything is here.
    incomplete: bool,
    /// It came with COPY data, which is not here.
    copied: bool,
}

/// One statement in flight.
pub(super) enum Running<'a> {
    /// With this text.
    Known(&'a [u8]),
    /// With a text that is not known.
    Unknown,
    /// A portal that an earlier group has bound.
    EarlierPortal,
    /// None: here a group ends, with its own ReadyForQuery.
    GroupEnd,
}

impl Flight {
    /// A message is sent. Bytes that it takes here.
    pub(super) fn record(&mut self, message: &[u8], complete: bool, limit: usize) -> u32 {
        if self.incomplete || !complete || self.messages.len() + message.len() > limit {
            self.incomplete = true;
            return 0;
        }
        self.messages.extend_from_slice(message);
        u32::try_from(message.len()).unwrap_or_default()
    }

    /// The client sends COPY data.
    pub(super) fn copies(&mut self) {
        self.copied = true;
    }

    /// A message of this many bytes is answered.
    pub(super) fn answered(&mut self, bytes: u32) {
        self.answered += bytes as usize;
    }

    /// True if nothing is in flight.
    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty() && !self.incomplete
    }

    /// A group has come to its end; `empty` if nothing is behind it.
    pub(super) fn ended(&mut self, empty: bool) {
        if empty {
            self.clear();
        } else {
            self.messages
                .advance(self.answered.min(self.messages.len()));
            self.answered = 0;
        }
    }

    pub(super) fn clear(&mut self) {
        self.messages.clear();
        (self.answered, self.incomplete, self.copied) = (0, false, false);
    }

    /// Takes a buffer that has been used before, or gives it back.
    pub(super) fn swap(&mut self, spare: &mut BytesMut) {
        if self.messages.is_empty() && self.messages.capacity() <= KEPT {
            std::mem::swap(&mut self.messages, spare);
        }
    }

    /// Drops the buffer, for a client that rests.
    pub(super) fn rest(&mut self) {
        if self.messages.is_empty() {
            self.messages = BytesMut::new();
        }
    }

    /// Everything that the client has sent, if it can be sent once more.
    pub(super) fn whole(&self) -> Option<&[u8]> {
        (!self.incomplete && !self.copied).then_some(&self.messages)
    }

    /// Calls `each` for every statement that runs, in order.
    pub(super) fn statements(&self, statements: &Statements, mut each: impl FnMut(Running<'_>)) {
        if self.incomplete {
            each(Running::Unknown);
        }
        let mut frames = Frames {
            rest: &self.messages,
        };
        let mut prepared: Vec<(&[u8], &[u8])> = Vec::new();
        let mut portals: Vec<(&[u8], Option<&[u8]>)> = Vec::new();
        while let Some((tag, body)) = frames.next() {
            match tag {
                frontend::QUERY => {
                    each(frontend::query(body).map_or(Running::Unknown, Running::Known));
                    each(Running::GroupEnd);
                }
                frontend::FUNCTION_CALL => {
                    each(Running::Unknown);
                    each(Running::GroupEnd);
                }
                frontend::SYNC => each(Running::GroupEnd),
                frontend::PARSE => {
                    if let Ok(parse) = Parse::read(body) {
                        prepared.push((parse.name, parse.sql));
                    }
                }
                frontend::BIND => {
                    if let Ok(bind) = Bind::read(body) {
                        let here = prepared
                            .iter()
                            .rev()
                            .find(|(name, _)| *name == bind.statement);
                        let sql = here
                            .map(|(_, sql)| *sql)
                            .or_else(|| statements.sql(bind.statement));
                        portals.push((bind.portal, sql));
                    }
                }
                frontend::EXECUTE => {
                    let sql = Execute::read(body).ok().and_then(|execute| {
                        portals
                            .iter()
                            .rev()
                            .find(|(name, _)| *name == execute.portal)?
                            .1
                    });
                    each(sql.map_or(Running::EarlierPortal, Running::Known));
                }
                _ => {}
            }
        }
    }
}

/// Whole frames, one after the other.
struct Frames<'a> {
    rest: &'a [u8],
}

impl<'a> Frames<'a> {
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        match FrameScanner::new().step(self.rest, |_| usize::MAX).ok()? {
            Step::Head { tag, body, seen } if body == seen => {
                let body = self.rest.get(HEADER..HEADER + seen)?;
                self.rest = self.rest.get(HEADER + seen..)?;
                Some((tag, body))
            }
            _ => None,
        }
    }
}
