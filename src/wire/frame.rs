//! Frames: a type byte, a length that counts itself, a body.
//!
//! The scanner looks at headers only. A frame that nobody wants to look into is announced as
//! soon as its header is there and then streamed, so that a buffer never has to grow to the
//! size of a message.

/// Bytes of a frame's header: the type byte and the length word.
pub const HEADER: usize = 5;

/// The longest frame body that PostgreSQL accepts, in bytes (`PQ_LARGE_MESSAGE_LIMIT`,
/// `src/include/libpq/libpq.h`: 1 GiB less one, the length word included).
pub const MAX_BODY: usize = 0x3fff_ffff - 4;

/// A length word that no message can have. The stream cannot be read any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid message length {length} in a message of type {}", tag.escape_ascii())]
pub struct FrameError {
    /// The type byte.
    pub tag: u8,
    /// What the length word said.
    pub length: u32,
}

/// What stands at the front of the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Too little to say; read more.
    NeedMore,
    /// This many bytes (at least one) go on with the frame that was announced last.
    Rest(usize),
    /// A frame begins. Its header and `seen` bytes of its body are in the buffer; the other
    /// `body - seen` follow as [`Step::Rest`].
    Head {
        /// The type byte.
        tag: u8,
        /// Bytes of the whole body.
        body: usize,
        /// Bytes of the body that are there now: at least as many as were wanted.
        seen: usize,
    },
}

/// Walks over frames, however the stream is cut into pieces.
#[derive(Debug, Default, Clone)]
pub struct FrameScanner {
    rest: usize,
}

impl FrameScanner {
    /// A scanner at the beginning of a frame.
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes that are still to come of the frame announced last.
    pub fn rest(&self) -> usize {
        self.rest
    }

    /// Looks at the front of `buf`. After `Rest(n)` the caller drops `n` bytes, after a `Head`
    /// its header and the `seen` bytes. `want` says for a type byte how many bytes of the body
    /// must be there before the frame is announced; a shorter body counts as complete.
    pub fn step(&mut self, buf: &[u8], want: impl FnOnce(u8) -> usize) -> Result<Step, FrameError> {
        if self.rest > 0 {
            let n = self.rest.min(buf.len());
            self.rest = self.rest.saturating_sub(n);
            return Ok(if n == 0 {
                Step::NeedMore
            } else {
                Step::Rest(n)
            });
        }
        let Some((&[tag, a, b, c, d], body)) = buf.split_first_chunk::<HEADER>() else {
            return Ok(Step::NeedMore);
        };
        let length = u32::from_be_bytes([a, b, c, d]);
        let total = body_length(length).ok_or(FrameError { tag, length })?;
        let seen = total.min(body.len());
        if seen < total.min(want(tag)) {
            return Ok(Step::NeedMore);
        }
        self.rest = total.saturating_sub(seen);
        Ok(Step::Head {
            tag,
            body: total,
            seen,
        })
    }
}

/// The body's length for a length word, or `None` if no message can have it.
fn body_length(length: u32) -> Option<usize> {
    let body = usize::try_from(length).ok()?.checked_sub(4)?;
    (body <= MAX_BODY).then_some(body)
}
