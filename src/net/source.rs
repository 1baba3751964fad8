//! What a buffered socket reads from: streams that know whether reading could bring anything.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{BufMut, BytesMut};
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, Interest};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_util::io::poll_read_buf;

use super::buffered::HIGH_WATER;
use super::listen::ClientStream;

/// Bytes read at a time.
pub(super) const CHUNK: usize = 16 * 1024;

/// A stream that can be read into a buffer.
pub trait Source: AsyncRead + AsyncWrite + Unpin {
    /// False if nothing can have come since reading was last pending. Costs no system call, and
    /// leaves the waker alone that has been registered.
    fn may_be_readable(&self) -> bool {
        true
    }

    /// Appends what has come to `into`; no bytes mean the end. A buffer is made only if there is
    /// something to put into it, where that can be known.
    fn poll_take(&mut self, cx: &mut Context<'_>, into: &mut BytesMut) -> Poll<io::Result<usize>> {
        into.reserve(CHUNK);
        poll_read_buf(Pin::new(self), cx, &mut into.limit(HIGH_WATER))
    }
}

impl Source for ClientStream {
    fn may_be_readable(&self) -> bool {
        match self {
            Self::Tcp(tcp) => is_signalled(tcp),
            Self::Unix(unix) => unix.try_io(Interest::READABLE, || Ok(())).is_ok(),
        }
    }

    fn poll_take(&mut self, cx: &mut Context<'_>, into: &mut BytesMut) -> Poll<io::Result<usize>> {
        if !self.may_be_readable() {
            ready!(match self {
                Self::Tcp(tcp) => tcp.poll_read_ready(cx),
                Self::Unix(unix) => unix.poll_read_ready(cx),
            })?;
        }
        into.reserve(CHUNK);
        poll_read_buf(Pin::new(self), cx, &mut into.limit(HIGH_WATER))
    }
}

impl Source for TlsStream<TcpStream> {
    fn may_be_readable(&self) -> bool {
        let (tcp, session) = self.get_ref();
        // What is decrypted and not taken comes without a signal.
        is_signalled(tcp) || !session.wants_read()
    }

    fn poll_take(&mut self, cx: &mut Context<'_>, into: &mut BytesMut) -> Poll<io::Result<usize>> {
        let data = ready!(Pin::new(&mut *self).poll_fill_buf(cx))?;
        let length = data.len();
        if length > 0 {
            into.extend_from_slice(data);
            Pin::new(self).consume(length);
        }
        Poll::Ready(Ok(length))
    }
}

/// True if the runtime has been told of something to read since reading was last pending.
fn is_signalled(tcp: &TcpStream) -> bool {
    tcp.try_io(Interest::READABLE, || Ok(())).is_ok()
}
