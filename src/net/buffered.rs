//! A socket with a buffer each way, driven by polling, so that one task can serve two of them
//! in both directions at once and neither can block the other.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::AsyncWriteExt;
use tokio::task::coop;

use super::buffers::Buffers;
use super::listen::ClientStream;
use super::source::{CHUNK, Source};

/// Above this many unsent bytes nothing more should be put into a write buffer, so that a peer
/// that does not read stops the one that writes instead of filling our memory. No more are read at
/// a time either, however much room a buffer has.
pub const HIGH_WATER: usize = 64 * 1024;

/// Startup packets are shorter, nearly all of them.
const FIRST: usize = 512;

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
    /// Which waker is registered for what comes next; 0 if none is for sure, since the last read
    /// was not pending.
    waits: usize,
    /// What reading failed with, once what came before has been used.
    error: Option<io::Error>,
    /// Where buffers come from, and go when they are empty.
    buffers: Option<Buffers>,
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

impl Buffered<ClientStream> {
    /// Reads what a client has said before it was accepted.
    pub fn read_at_once(&mut self) {
        let mut bytes = [0; FIRST];
        let read = self.stream.read_at_once(&mut bytes);
        if read == 0 {
            return;
        }
        if let Some(buffers) = &self.buffers {
            self.input = buffers.take();
        }
        self.input
            .extend_from_slice(bytes.get(..read).unwrap_or_default());
        self.received += read as u64;
    }
}

impl<S: Source> Buffered<S> {
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
            waits: 0,
            error: None,
            buffers: None,
            received: 0,
            sent: 0,
        }
    }

    /// From now on buffers come from here.
    pub fn share(&mut self, buffers: &Buffers) {
        self.buffers = Some(buffers.clone());
    }

    /// Gives empty buffers back, while there is nothing to do.
    #[inline]
    pub fn rest(&mut self) {
        if let Some(buffers) = &self.buffers {
            buffers.give_empty(&mut self.input);
            buffers.give_empty(&mut self.output);
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

    /// True if nothing is left in either direction of what has been read or is to be written.
    pub fn is_quiet(&self) -> bool {
        self.input.is_empty() && self.output.is_empty() && !self.unflushed
    }

    /// Bytes read and written so far.
    pub fn totals(&self) -> (u64, u64) {
        (self.received, self.sent)
    }

    /// True while the peer keeps up with what we send it.
    pub fn accepts_output(&self) -> bool {
        self.output.len() < HIGH_WATER
    }

    /// Reads what has come into the input buffer, until it has grown by a good deal or there is
    /// nothing more for now. Pending only if nothing was read.
    #[inline]
    pub fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Read>> {
        let waker = cx.waker().data().addr();
        if waker != 0 && self.waits == waker && !self.stream.may_be_readable() {
            return Poll::Pending;
        }
        self.poll_take(cx)
    }

    fn poll_take(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Read>> {
        if self.eof {
            return Poll::Ready(Ok(Read::Eof));
        }
        self.waits = 0;
        if self.input.capacity() == 0
            && self.stream.may_be_readable()
            && let Some(buffers) = &self.buffers
        {
            self.input = buffers.take();
        }
        let before = self.input.len();
        let taken = match self.error.take() {
            Some(error) => Poll::Ready(Err(error)),
            None => loop {
                match self.stream.poll_take(cx, &mut self.input) {
                    Poll::Ready(Ok(1..)) if self.input.len() < before + CHUNK => {}
                    end => break end,
                }
            },
        };
        let read = self.input.len() - before;
        self.received += read as u64;
        match taken {
            Poll::Pending => {
                // A task that has used up its share of time is woken at once, and nothing has
                // been registered.
                if coop::has_budget_remaining() {
                    self.waits = cx.waker().data().addr();
                }
                if read == 0 {
                    return Poll::Pending;
                }
            }
            // What has been read comes first.
            Poll::Ready(Err(error)) if read > 0 => self.error = Some(error),
            // A TLS peer that vanishes without a close_notify: PostgreSQL servers do.
            Poll::Ready(Err(error)) if error.kind() != io::ErrorKind::UnexpectedEof => {
                return Poll::Ready(Err(error));
            }
            Poll::Ready(_) if read == 0 => {
                self.eof = true;
                return Poll::Ready(Ok(Read::Eof));
            }
            Poll::Ready(_) => {}
        }
        Poll::Ready(Ok(Read::Some))
    }

    /// False if the peer can have said nothing since reading was last pending. Nothing is read.
    pub fn may_be_readable(&self) -> bool {
        self.eof || self.error.is_some() || self.stream.may_be_readable()
    }

    /// Writes what is buffered. Ready once all of it is out.
    #[inline]
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.output.is_empty() && !self.unflushed {
            return Poll::Ready(Ok(()));
        }
        self.poll_write_out(cx)
    }

    fn poll_write_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
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
