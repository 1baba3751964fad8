//! What the server says of a session's parameters.

use bytes::Bytes;

use super::Settings;
use crate::wire::{Cursor, Malformed};

/// Asks for what is not at the server's own default because the session has set it. What came
/// with the startup packet is of another source (manual, "pg_settings", column `source`).
pub const READ_BACK: &[u8] =
    b"SELECT name, setting FROM pg_catalog.pg_settings WHERE source = 'session'";

/// The most that is kept of one session, in bytes. A session with more keeps its server.
pub const MAX_BYTES: usize = 64 * 1024;

/// Parameters of one transaction. PostgreSQL goes on to call them set by the session.
const OF_TRANSACTION: &[&str] = &[
    "transaction_deferrable",
    "transaction_isolation",
    "transaction_read_only",
];

/// Why an answer cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadBackError {
    /// The rows are not what was asked for.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The session has set more than [`MAX_BYTES`].
    #[error("the session's parameters take more than {MAX_BYTES} bytes")]
    TooLarge,
}

/// Reads the answer to [`READ_BACK`].
#[derive(Debug, Default)]
pub struct ReadBack {
    settings: Settings,
    bytes: usize,
}

impl ReadBack {
    /// Takes the body of a DataRow with its two columns in text format.
    pub fn row(&mut self, body: &[u8]) -> Result<(), ReadBackError> {
        let mut cursor = Cursor::new("DataRow", body);
        if cursor.i16()? != 2 {
            return Err(cursor.malformed("it has not two columns").into());
        }
        let name = column(&mut cursor)?;
        let value = column(&mut cursor)?;
        cursor.end()?;
        self.bytes = self.bytes.saturating_add(name.len() + value.len());
        if self.bytes > MAX_BYTES {
            return Err(ReadBackError::TooLarge);
        }
        let name = name.to_ascii_lowercase();
        if !OF_TRANSACTION.iter().any(|of| of.as_bytes() == name) {
            self.settings.insert(&name, Bytes::copy_from_slice(value));
        }
        Ok(())
    }

    /// The settings, after the last row.
    pub fn finish(self) -> Settings {
        self.settings
    }
}

/// A value; NULL is read as an empty one.
fn column<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], Malformed> {
    match cursor.i32()? {
        -1 => Ok(b""),
        length => {
            let length =
                usize::try_from(length).map_err(|_| cursor.malformed("a length is negative"))?;
            cursor.take(length)
        }
    }
}
