//! What a client has been told about a prepared statement.

use std::hash::{DefaultHasher, Hasher};

use crate::wire::{Cursor, Malformed, backend};

/// A digest of ParameterDescription and RowDescription, without what differs between servers or
/// says nothing about the rows: object ids of tables, attribute numbers, formats. These are the
/// fields that PostgreSQL compares before it says `cached plan must not change result type`
/// (`equalRowTypes`, `src/backend/access/common/tupdesc.c`).
#[derive(Debug, Default, Clone)]
pub(super) struct Digest {
    hasher: DefaultHasher,
    broken: bool,
}

impl Digest {
    /// Takes one of the messages that answer a Describe.
    pub(super) fn add(&mut self, tag: u8, body: &[u8], complete: bool) {
        self.hasher.write_u8(tag);
        match tag {
            backend::ROW_DESCRIPTION if complete => {
                self.broken |= rows(&mut self.hasher, body).is_err();
            }
            _ if complete => self.hasher.write(body),
            _ => self.broken = true,
        }
    }

    /// The digest, unless a message was too long to be looked into.
    pub(super) fn finish(&self) -> Option<u64> {
        (!self.broken).then(|| self.hasher.finish())
    }
}

fn rows(hasher: &mut DefaultHasher, body: &[u8]) -> Result<(), Malformed> {
    let mut cursor = Cursor::new("RowDescription", body);
    for _ in 0..cursor.i16()?.cast_unsigned() {
        hasher.write(cursor.cstr()?);
        let _table = cursor.take(6)?;
        // Type, its size and modifier.
        hasher.write(cursor.take(10)?);
        let _format = cursor.take(2)?;
    }
    cursor.end()
}
