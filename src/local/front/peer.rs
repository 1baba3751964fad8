//! One end of a connection: whole messages in, bytes out.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::wire::{FrameError, FrameScanner, Step, frame};

/// How much is read at once, and how much is written before the rest is thought about, in bytes.
pub(super) const CHUNK: usize = 32 * 1024;

/// A whole message.
#[derive(Debug, Clone)]
pub(super) struct Message {
    bytes: Bytes,
}

impl Message {
    pub(super) fn tag(&self) -> u8 {
        self.bytes.first().copied().unwrap_or_default()
    }

    pub(super) fn body(&self) -> &[u8] {
        self.bytes.get(frame::HEADER..).unwrap_or_default()
    }

    /// With its header.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// A stream with what was read and not looked at, and what is to be written.
#[derive(Debug)]
pub(super) struct Peer<S> {
    stream: S,
    input: BytesMut,
    pub(super) out: BytesMut,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    pub(super) fn new(stream: S, input: BytesMut) -> Self {
        Self {
            stream,
            input,
            out: BytesMut::new(),
        }
    }

    pub(super) fn into_stream(self) -> S {
        self.stream
    }

    /// What was read and not taken.
    pub(super) fn unread(&self) -> &[u8] {
        &self.input
    }

    /// The next message, if all of it is here.
    pub(super) fn take(&mut self) -> Result<Option<Message>, FrameError> {
        match FrameScanner::new().step(&self.input, |_| usize::MAX)? {
            Step::Head { body, .. } => {
                let length = frame::HEADER.saturating_add(body);
                let bytes = self.input.split_to(length).freeze();
                Ok(Some(Message { bytes }))
            }
            Step::NeedMore | Step::Rest(_) => Ok(None),
        }
    }

    /// Reads what is there, at least a byte; 0 at the end of the stream. Cancel-safe.
    pub(super) async fn fill(&mut self) -> io::Result<usize> {
        self.input.reserve(CHUNK);
        match self.stream.read_buf(&mut self.input).await {
            // What rustls makes of a connection that ends without a `close_notify`.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
            result => result,
        }
    }

    /// Writes what is to be written. Not cancel-safe.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        if self.out.is_empty() {
            return Ok(());
        }
        self.stream.write_all(&self.out).await?;
        self.stream.flush().await?;
        self.out.clear();
        Ok(())
    }
}
