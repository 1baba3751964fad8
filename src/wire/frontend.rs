//! Messages of the frontend that we look into.

use bytes::BytesMut;

use super::{Cursor, Malformed};

tags! {
    /// Bind
    BIND = b'B';
    /// Close
    CLOSE = b'C';
    /// CopyData
    COPY_DATA = b'd';
    /// CopyDone
    COPY_DONE = b'c';
    /// CopyFail
    COPY_FAIL = b'f';
    /// Describe
    DESCRIBE = b'D';
    /// Execute
    EXECUTE = b'E';
    /// Flush
    FLUSH = b'H';
    /// FunctionCall
    FUNCTION_CALL = b'F';
    /// Parse
    PARSE = b'P';
    /// PasswordMessage and the SASL and GSSAPI responses
    PASSWORD = b'p';
    /// Query
    QUERY = b'Q';
    /// Sync
    SYNC = b'S';
    /// Terminate
    TERMINATE = b'X';
}

/// True for every type byte that a frontend may send once it is logged in.
pub fn is_known(tag: u8) -> bool {
    matches!(
        tag,
        BIND | CLOSE
            | COPY_DATA
            | COPY_DONE
            | COPY_FAIL
            | DESCRIBE
            | EXECUTE
            | FLUSH
            | FUNCTION_CALL
            | PARSE
            | QUERY
            | SYNC
            | TERMINATE
    )
}

/// The text of a Query.
pub fn query(body: &[u8]) -> Result<&[u8], Malformed> {
    let mut cursor = Cursor::new("Query", body);
    let sql = cursor.cstr()?;
    cursor.end()?;
    Ok(sql)
}

/// A Parse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Parse<'a> {
    /// The statement's name; empty for the unnamed one.
    pub name: &'a [u8],
    /// The statement's text.
    pub sql: &'a [u8],
    /// The object ids of the parameter types, four bytes each.
    pub types: &'a [u8],
}

impl<'a> Parse<'a> {
    /// Reads the body of a Parse.
    pub fn read(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut cursor = Cursor::new("Parse", body);
        let name = cursor.cstr()?;
        let sql = cursor.cstr()?;
        let count = count(&mut cursor)?;
        let types = cursor.take(count.saturating_mul(4))?;
        cursor.end()?;
        Ok(Self { name, sql, types })
    }

    /// Appends the parameter types, as they stand at the end of a Parse.
    pub fn put_types(&self, out: &mut BytesMut) {
        let count = u16::try_from(self.types.len() / 4).unwrap_or(u16::MAX);
        out.extend_from_slice(&count.to_be_bytes());
        out.extend_from_slice(self.types);
    }
}

/// What Bind names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bind<'a> {
    /// The portal to make; empty for the unnamed one.
    pub portal: &'a [u8],
    /// The statement it is made from; empty for the unnamed one.
    pub statement: &'a [u8],
    /// Formats and values, as they came.
    pub values: &'a [u8],
}

impl<'a> Bind<'a> {
    /// Reads the body of a Bind and checks it to its end.
    pub fn read(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut cursor = Cursor::new("Bind", body);
        let portal = cursor.cstr()?;
        let statement = cursor.cstr()?;
        let values = cursor.rest();
        let formats = count(&mut cursor)?;
        cursor.take(formats.saturating_mul(2))?;
        for _ in 0..count(&mut cursor)? {
            // -1 is NULL and has no bytes.
            let length = cursor.i32()?;
            if length != -1 {
                let length = usize::try_from(length)
                    .map_err(|_| cursor.malformed("a length is negative"))?;
                cursor.take(length)?;
            }
        }
        let formats = count(&mut cursor)?;
        cursor.take(formats.saturating_mul(2))?;
        cursor.end()?;
        Ok(Self {
            portal,
            statement,
            values,
        })
    }
}

/// Whether a Describe or Close means a statement or a portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// `S`: the prepared statement of this name.
    Statement(&'a [u8]),
    /// `P`: the portal of this name.
    Portal(&'a [u8]),
}

impl<'a> Target<'a> {
    /// Reads the body of a Describe or Close.
    pub fn read(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut cursor = Cursor::new("Describe or Close", body);
        let kind = cursor.u8()?;
        let name = cursor.cstr()?;
        cursor.end()?;
        match kind {
            b'S' => Ok(Self::Statement(name)),
            b'P' => Ok(Self::Portal(name)),
            _ => Err(cursor.malformed("it names neither a statement nor a portal")),
        }
    }
}

/// An Execute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Execute<'a> {
    /// The portal's name; empty for the unnamed one.
    pub portal: &'a [u8],
    /// The most rows to return; 0 or less for all.
    pub max_rows: i32,
}

impl<'a> Execute<'a> {
    /// Reads the body of an Execute.
    pub fn read(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut cursor = Cursor::new("Execute", body);
        let execute = Self {
            portal: cursor.cstr()?,
            max_rows: cursor.i32()?,
        };
        cursor.end()?;
        Ok(execute)
    }
}

/// The password of a PasswordMessage.
pub fn password(body: &[u8]) -> Result<&[u8], Malformed> {
    let mut cursor = Cursor::new("PasswordMessage", body);
    let password = cursor.cstr()?;
    cursor.end()?;
    Ok(password)
}

/// An `Int16` that counts something. PostgreSQL reads it unsigned, so that 65,535 parameters
/// are possible.
fn count(cursor: &mut Cursor<'_>) -> Result<usize, Malformed> {
    cursor.i16().map(|n| usize::from(n.cast_unsigned()))
}
