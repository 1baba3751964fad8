//! A reader that cannot leave the bytes it was given.

use super::Malformed;

/// Reads a message body from front to back. Every method fails instead of reading past the end.
#[derive(Debug, Clone, Copy)]
pub struct Cursor<'a> {
    message: &'static str,
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// Reads `body`, the body of a message that the manual calls `message`.
    pub fn new(message: &'static str, body: &'a [u8]) -> Self {
        Self {
            message,
            rest: body,
        }
    }

    /// The bytes that have not been read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// True at the end of the body.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The error for something that is wrong at this place.
    pub fn malformed(&self, why: &'static str) -> Malformed {
        Malformed::new(self.message, why)
    }

    /// The next `n` bytes.
    pub fn take(&mut self, n: usize) -> Result<&'a [u8], Malformed> {
        let (head, tail) = self
            .rest
            .split_at_checked(n)
            .ok_or_else(|| self.malformed("it is too short"))?;
        self.rest = tail;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (head, tail) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or_else(|| self.malformed("it is too short"))?;
        self.rest = tail;
        Ok(*head)
    }

    /// `Byte1`.
    pub fn u8(&mut self) -> Result<u8, Malformed> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// `Int16`.
    pub fn i16(&mut self) -> Result<i16, Malformed> {
        self.array().map(i16::from_be_bytes)
    }

    /// `Int32`.
    pub fn i32(&mut self) -> Result<i32, Malformed> {
        self.array().map(i32::from_be_bytes)
    }

    /// `String`: bytes up to a NUL, without it. Not necessarily UTF-8.
    pub fn cstr(&mut self) -> Result<&'a [u8], Malformed> {
        let end = memchr::memchr(0, self.rest)
            .ok_or_else(|| self.malformed("a string has no terminator"))?;
        let text = self.take(end)?;
        self.take(1)?;
        Ok(text)
    }

    /// Fails unless everything has been read.
    pub fn end(&self) -> Result<(), Malformed> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(self.malformed("bytes are left over at its end"))
        }
    }
}
