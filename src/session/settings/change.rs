//! What changes a server's parameters, as messages.

use bytes::{BufMut, Bytes, BytesMut};

use super::{CLIENT_ENCODING, TIMEOUTS, value};
use crate::wire::encode;
use crate::wire::frontend;

/// One parameter to be changed on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// To a value that a server has reported.
    Set {
        /// The name in lower case.
        name: Bytes,
        /// The value as `pg_settings` shows it.
        value: Bytes,
    },
    /// To a value as a startup packet has it, which may be written otherwise than the server
    /// would report it.
    Startup {
        /// The name in lower case.
        name: Bytes,
        /// The value as the client wrote it.
        value: Bytes,
    },
    /// To the server's default.
    Reset {
        /// The name in lower case.
        name: Bytes,
    },
}

impl Change {
    /// The parameter's name in lower case.
    pub fn name(&self) -> &Bytes {
        match self {
            Self::Set { name, .. } | Self::Startup { name, .. } | Self::Reset { name } => name,
        }
    }

    /// Its place among others. See [`super::Settings::difference`].
    pub(super) fn rank(&self) -> u8 {
        match self {
            _ if self.name() == CLIENT_ENCODING => 0,
            Self::Reset { .. } => 1,
            Self::Set { name, .. } | Self::Startup { name, .. }
                if TIMEOUTS.iter().any(|timeout| timeout.as_bytes() == name) =>
            {
                3
            }
            Self::Set { .. } | Self::Startup { .. } => 2,
        }
    }

    /// The statement. Values become string constants that mean the same whatever
    /// `standard_conforming_strings` says.
    ///
    /// It is a SET, since whether DSQL has a `set_config()` that takes them is not known. Only for
    /// a list that no SET can have made, such as an empty `search_path`, it is the `set_config()`
    /// that must have made it.
    pub fn sql(&self) -> BytesMut {
        let mut sql = BytesMut::new();
        match self {
            Self::Reset { name } => {
                sql.put_slice(b"RESET ");
                value::put_name(name, &mut sql);
            }
            Self::Set { name, value } if value::is_list(name) => {
                match value::split(value).filter(|_| value::is_made_by_set(value)) {
                    Some(elements) => set(name, &elements, &mut sql),
                    None => set_config(name, value, &mut sql),
                }
            }
            Self::Startup { name, value } if value::is_list(name) => {
                match value::split(value) {
                    Some(elements) if !elements.is_empty() => set(name, &elements, &mut sql),
                    Some(_) => set(name, &[vec![]], &mut sql),
                    // See `startup_settings`: such a value does not come here.
                    None => set_config(name, value, &mut sql),
                }
            }
            Self::Set { name, value } | Self::Startup { name, value } => {
                set(name, std::slice::from_ref(value), &mut sql);
            }
        }
        sql
    }
}

fn set(name: &[u8], values: &[impl AsRef<[u8]>], sql: &mut BytesMut) {
    sql.put_slice(b"SET ");
    value::put_name(name, sql);
    sql.put_slice(b" TO ");
    for (at, value) in values.iter().enumerate() {
        if at > 0 {
            sql.put_slice(b", ");
        }
        value::put_literal(value.as_ref(), sql);
    }
}

fn set_config(name: &[u8], value: &[u8], sql: &mut BytesMut) {
    sql.put_slice(b"SELECT pg_catalog.set_config(");
    value::put_literal(name, sql);
    sql.put_slice(b", ");
    value::put_literal(value, sql);
    sql.put_slice(b", false)");
}

/// Appends Parse, Bind and Execute for each change, and returns how many changes there were. The
/// Sync is the caller's. Each is answered with ParseComplete, BindComplete, perhaps a DataRow, and
/// CommandComplete. The unnamed statement and the unnamed portal are gone after that.
pub fn inject(changes: impl IntoIterator<Item = Change>, out: &mut BytesMut) -> usize {
    let mut count = 0;
    for change in changes {
        let sql = change.sql();
        encode::frame(frontend::PARSE, out, |body| {
            encode::cstr(b"", body);
            encode::cstr(&sql, body);
            body.put_i16(0);
        });
        encode::frame(frontend::BIND, out, |body| {
            encode::cstr(b"", body);
            encode::cstr(b"", body);
            // No formats of values, no values, no formats of columns.
            body.put_bytes(0, 6);
        });
        encode::frame(frontend::EXECUTE, out, |body| {
            encode::cstr(b"", body);
            body.put_i32(0);
        });
        count += 1;
    }
    count
}
