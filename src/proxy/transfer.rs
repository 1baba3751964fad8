//! Moving bytes between buffers.

use bytes::{Buf, BytesMut};

use crate::net::buffers::Buffers;
use crate::wire::backend;
use crate::wire::frame::HEADER;

/// Moves bytes from the front of one buffer to the end of another. Into an empty one all goes but
/// what is to stay, if that is less: no more than that is copied.
pub(super) fn transfer(from: &mut BytesMut, to: &mut BytesMut, bytes: usize, buffers: &Buffers) {
    if bytes == 0 {
        return;
    }
    let stays = from.len() - bytes.min(from.len());
    if !to.is_empty() || stays > bytes {
        append(to, from.get(..bytes).unwrap_or_default(), buffers);
        from.advance(bytes);
        return;
    }
    std::mem::swap(from, to);
    from.clear();
    if stays > 0 {
        append(from, to.get(bytes..).unwrap_or_default(), buffers);
        to.truncate(bytes);
    }
}

/// Puts bytes at the end of a buffer, or of a new one if there is none.
#[inline]
pub(super) fn append(to: &mut BytesMut, bytes: &[u8], buffers: &Buffers) {
    if bytes.is_empty() {
        return;
    }
    if to.capacity() == 0 {
        *to = buffers.take();
    }
    to.extend_from_slice(bytes);
}

/// Bytes of the whole DataRows at the front, up to the first that ends beyond `most`.
pub(super) fn rows(front: &[u8], most: usize) -> usize {
    let mut at = 0;
    while at < most {
        let header = front.get(at..).and_then(<[u8]>::first_chunk::<HEADER>);
        let Some(&[backend::DATA_ROW, a, b, c, d]) = header else {
            break;
        };
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        let end = at + 1 + length;
        // A length that no message can have is for the scanner to complain of.
        if length < HEADER - 1 || end > front.len() {
            break;
        }
        at = end;
    }
    at
}
