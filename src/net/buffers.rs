//! Buffers for whoever reads or writes next, so that who rests has none.

use std::cell::RefCell;
use std::rc::Rc;

use bytes::BytesMut;

/// Bytes that fit into a buffer before it has to grow.
const SIZE: usize = 32 * 1024;

/// A buffer that has grown beyond this many bytes is not kept.
const MOST: usize = 4 * SIZE;

/// Buffers that are kept. One thread has few in use at a time.
const KEPT: usize = 8;

/// Buffers that nobody uses. Clones are the same ones.
#[derive(Debug, Clone, Default)]
pub struct Buffers(Rc<RefCell<Vec<BytesMut>>>);

impl Buffers {
    /// An empty buffer.
    pub fn take(&self) -> BytesMut {
        let spare = self.0.borrow_mut().pop();
        spare.unwrap_or_else(|| BytesMut::with_capacity(SIZE))
    }

    /// Gives a buffer back, whatever is in it.
    pub fn give(&self, mut buffer: BytesMut) {
        buffer.clear();
        let mut spare = self.0.borrow_mut();
        if spare.len() < KEPT && buffer.try_reclaim(SIZE) && buffer.capacity() <= MOST {
            spare.push(buffer);
        }
    }

    /// Gives the buffer back that stands here, if it is one and nothing is in it.
    #[inline]
    pub fn give_empty(&self, buffer: &mut BytesMut) {
        if !buffer.is_empty() {
            return;
        }
        if buffer.capacity() > 0 {
            self.give(std::mem::take(buffer));
        } else {
            // One that has been used up to its last byte says that it has no room at all.
            *buffer = BytesMut::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_is_used_again() {
        let buffers = Buffers::default();
        let mut first = buffers.take();
        first.extend_from_slice(b"secret of another client");
        let at = first.as_ptr();
        buffers.give(first);
        let again = buffers.take();
        assert!(again.is_empty());
        assert_eq!(again.as_ptr(), at);
        assert_ne!(buffers.take().as_ptr(), at);
    }

    #[test]
    fn neither_many_nor_large_ones_are_kept() {
        let buffers = Buffers::default();
        buffers.give(BytesMut::with_capacity(MOST + 1));
        buffers.give(BytesMut::with_capacity(SIZE - 1));
        assert!(buffers.0.borrow().is_empty());
        let all: Vec<_> = (0..=KEPT).map(|_| buffers.take()).collect();
        for buffer in all {
            buffers.give(buffer);
        }
        assert_eq!(buffers.0.borrow().len(), KEPT);
    }

    #[test]
    fn a_buffer_that_is_in_use_stays() {
        let buffers = Buffers::default();
        let mut used = BytesMut::from(&b"x"[..]);
        buffers.give_empty(&mut used);
        assert_eq!(&used[..], b"x");
        used = buffers.take();
        buffers.give_empty(&mut used);
        assert_eq!((used.capacity(), buffers.0.borrow().len()), (0, 1));
    }
}
