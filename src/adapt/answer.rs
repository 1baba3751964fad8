//! Answers of our own, as the server would give them.

use bytes::{BufMut, BytesMut};

use crate::wire::{backend, encode};

/// `text` of `pg_type`.
pub(super) const TEXT: u32 = 25;

/// `bool` of `pg_type`.
pub(super) const BOOL: u32 = 16;

/// `void` of `pg_type`.
pub(super) const VOID: u32 = 2278;

/// A column of an answer: its name and type (an oid of `pg_type`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: Vec<u8>,
    pub(super) of: u32,
}

/// RowDescription, or NoData where there are no columns. `formats` are those of a Bind.
pub(super) fn description(columns: &[Column], formats: &[i16], out: &mut BytesMut) {
    if columns.is_empty() {
        encode::frame(backend::NO_DATA, out, |_| {});
        return;
    }
    encode::frame(backend::ROW_DESCRIPTION, out, |body| {
        body.put_i16(i16::try_from(columns.len()).unwrap_or(i16::MAX));
        for (at, column) in columns.iter().enumerate() {
            encode::cstr(&column.name, body);
            // Neither of a table nor of a column.
            body.put_u32(0);
            body.put_i16(0);
            body.put_u32(column.of);
            body.put_i16(match column.of {
                BOOL => 1,
                VOID => 4,
                _ => -1,
            });
            body.put_i32(-1);
            body.put_i16(format(formats, at));
        }
    });
}

/// A DataRow with these values, in text form; `None` is NULL.
pub(super) fn row(
    columns: &[Column],
    values: &[Option<Vec<u8>>],
    formats: &[i16],
    out: &mut BytesMut,
) {
    encode::frame(backend::DATA_ROW, out, |body| {
        body.put_i16(i16::try_from(values.len()).unwrap_or(i16::MAX));
        for (at, value) in values.iter().enumerate() {
            let Some(value) = value else {
                body.put_i32(-1);
                continue;
            };
            let of = columns.get(at).map(|column| column.of);
            // The binary form of text is the text, and that of void is nothing.
            let binary = [u8::from(&value[..] == b"t")];
            let bytes: &[u8] = match (of, format(formats, at)) {
                (Some(BOOL), 1) => &binary,
                _ => value,
            };
            body.put_i32(i32::try_from(bytes.len()).unwrap_or(i32::MAX));
            body.extend_from_slice(bytes);
        }
    });
}

/// ParameterDescription.
pub(super) fn parameters(types: &[u32], out: &mut BytesMut) {
    encode::frame(backend::PARAMETER_DESCRIPTION, out, |body| {
        body.put_i16(i16::try_from(types.len()).unwrap_or(i16::MAX));
        for of in types {
            body.put_u32(*of);
        }
    });
}

/// The format of a column: none means text, one means all (manual, "Bind").
fn format(formats: &[i16], column: usize) -> i16 {
    match formats {
        [] => 0,
        [all] => *all,
        each => each.get(column).copied().unwrap_or(0),
    }
}
