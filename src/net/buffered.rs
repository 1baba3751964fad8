//! A socket with a buffer each way, driven by polling, so that one task can serve two of them
//! in both directions at once and neither can block the other.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio_util::io::poll_read_buf;

/// Bytes read at a time.
const CHUNK: usize = 16 * 1024;

/// Above this many unsent bytes nothing more should be put into a write buffer, so that a peer
/// that does not read stops the one that writes instead of filling our memory.
pub const HIGH_WATER: usize = 64 * 1024;

/// A socket and its buffers.
#[derive(Debug)]
pub struct Buffered<S> {
    stream: S,
    /// Bytes that have been read and not used yet.
    pub input: BytesMut,
    /// Bytes that wait to be written.
    pub output: BytesMut,
    eof: bool,
    unflushed: bool,
    received: u64,
    sent: u64,
}

/// What reading brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// Bytes.
    Some,
    /// The peer sends no more.
    Eof,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Buffered<S> {
    /// Wraps a socket.
    pub fn new(stream: S) -> Self {
        Self::with_input(stream, BytesMut::new())
    }

    /// Wraps a socket of which some bytes have been read already.
    pub fn with_input(stream: S, input: BytesMut) -> Self {
        let output = BytesMut::new();
        Self {
            stream,
            input,
            output,
            eof: false,
            unflushed: false,
            received: 0,
            sent: 0,
        }
    }

    /// The socket and what was read from it and not used.
    pub fn into_parts(self) -> (S, BytesMut) {
        (self.stream, self.input)
    }

    /// True once the peer has closed its side.
    pub fn eof(&self) -> bool {
        self.eof
    }

    /// Bytes read and written so far.
    pub fn totals(&self) -> (u64, u64) {
        (self.received, self.sent)
    }

    /// True while the peer keeps up with what we send it.
    pub fn accepts_output(&self) -> bool {
        self.output.len() < HIGH_WATER
    }

    /// Reads once into the input buffer.
    pub fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Read>> {
        if self.eof {
            return Poll::Ready(Ok(Read::Eof));
        }
        self.input.reserve(CHUNK);
        match ready!(poll_read_buf(
            Pin::new(&mut self.stream),
            cx,
            &mut self.input
        )) {
            Ok(0) => {
                self.eof = true;
                Poll::Ready(Ok(Read::Eof))
            }
            Ok(n) => {
                self.received += n as u64;
                Poll::Ready(Ok(Read::Some))
            }
            // A TLS peer that vanishes without a close_notify: PostgreSQL servers do.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.eof = true;
                Poll::Ready(Ok(Read::Eof))
            }
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    /// Writes what is buffered. Ready once all of it is out.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.output.is_empty() {
            let n = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.output))?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.output.advance(n);
            self.sent += n as u64;
            self.unflushed = true;
        }
        if self.unflushed {
            ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Waits until something has been read. Dropping the future loses nothing.
    pub async fn fill(&mut self) -> io::Result<Read> {
        std::future::poll_fn(|cx| self.poll_fill(cx)).await
    }

    /// Writes and reads at once, until something has been read. Dropping the future loses
    /// nothing.
    pub async fn exchange(&mut self) -> io::Result<Read> {
        std::future::poll_fn(|cx| match self.poll_flush(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) | Poll::Pending => self.poll_fill(cx),
        })
        .await
    }

    /// Waits until everything is written. Dropping the future loses nothing.
    pub async fn flush(&mut self) -> io::Result<()> {
        std::future::poll_fn(|cx| self.poll_flush(cx)).await
    }

    /// Writes `bytes` without a copy of them in the output buffer, which must be empty: for a
    /// secret that its owner wants to wipe. Not cancel-safe: after a dropped future the stream
    /// is of no use any more.
    pub async fn write_around_buffer(&mut self, bytes: &[u8]) -> io::Result<()> {
        debug_assert!(self.output.is_empty(), "bytes would overtake others");
        self.stream.write_all(bytes).await?;
        self.stream.flush().await?;
        self.sent += bytes.len() as u64;
        Ok(())
    }

    /// Writes what is buffered and closes our side.
    pub async fn close(&mut self) -> io::Result<()> {
        self.flush().await?;
        std::future::poll_fn(|cx| Pin::new(&mut self.stream).poll_shutdown(cx)).await
    }
}
