//! Messages in a short form, so that a conversation reads like one.
//!
//! The server's: the type byte, and behind a colon what matters of the body, with `_` for a
//! space: `1`, `C:SELECT_1`, `D:a=b`, `E:40001`, `F:57P01` (a FATAL error), `S:TimeZone=UTC`,
//! `T:name`, `Z:I`. The client's: `Query select 1`, `Parse s1 select 1`, `Bind p s1`, `Sync`; a
//! name that we gave to a statement on a server is `#1`.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::wire::frame::HEADER;
use crate::wire::frontend::{self, Execute, Parse, Target};
use crate::wire::{Cursor, ErrorFields, ErrorResponse, Severity, SqlState, backend, encode};

/// A message of the server from its short form.
pub(super) fn from_server(token: &str) -> BytesMut {
    let (tag, rest) = (token.as_bytes()[0], token.get(2..).unwrap_or_default());
    let mut out = BytesMut::new();
    match tag {
        b'C' => encode::command_complete(&rest.replace('_', " "), &mut out),
        b'D' => row(&rest.split('=').collect::<Vec<_>>(), &mut out),
        b'E' | b'F' => {
            let error = ErrorResponse::error(SqlState::parse(rest.as_bytes()).unwrap(), "no");
            let severity = if tag == b'E' {
                Severity::Error
            } else {
                Severity::Fatal
            };
            error.severity(severity).encode(&mut out);
        }
        backend::PARAMETER_STATUS => {
            let (name, value) = rest.split_once('=').unwrap();
            encode::parameter_status(name, value, &mut out);
        }
        backend::PARAMETER_DESCRIPTION => encode::frame(tag, &mut out, |body| body.put_i16(0)),
        backend::ROW_DESCRIPTION => columns(&[rest], &mut out),
        _ => encode::frame(tag, &mut out, |body| {
            body.extend_from_slice(rest.as_bytes());
        }),
    }
    out
}

/// A DataRow.
pub(super) fn row(values: &[&str], out: &mut BytesMut) {
    encode::frame(backend::DATA_ROW, out, |body| {
        body.put_i16(i16::try_from(values.len()).unwrap());
        for value in values {
            body.put_i32(i32::try_from(value.len()).unwrap());
            body.extend_from_slice(value.as_bytes());
        }
    });
}

/// A RowDescription of texts.
pub(super) fn columns(names: &[&str], out: &mut BytesMut) {
    encode::frame(backend::ROW_DESCRIPTION, out, |body| {
        body.put_i16(i16::try_from(names.len()).unwrap());
        for name in names {
            encode::cstr(name.as_bytes(), body);
            // Table and attribute, type, its size and modifier, format.
            body.put_i32(0);
            body.put_i16(0);
            body.put_i32(25);
            body.put_i16(-1);
            body.put_i32(-1);
            body.put_i16(0);
        }
    });
}

/// Takes the frame at the front.
pub(super) fn take(bytes: &mut BytesMut) -> Option<(u8, Bytes)> {
    let length = (&bytes.get(1..HEADER)?[..]).get_u32() as usize;
    let mut frame = bytes.split_to(1 + length);
    let tag = frame[0];
    frame.advance(HEADER);
    Some((tag, frame.freeze()))
}

/// What a client is told, and the errors among it.
pub(super) fn show_told(mut bytes: BytesMut, errors: &mut Vec<ErrorResponse>) -> String {
    let mut shown = Vec::new();
    while let Some((tag, body)) = take(&mut bytes) {
        let text = String::from_utf8_lossy(&body).into_owned();
        let name = char::from(tag);
        shown.push(match tag {
            backend::COMMAND_COMPLETE => {
                format!("C:{}", text.trim_end_matches('\0').replace(' ', "_"))
            }
            backend::READY_FOR_QUERY => format!("Z:{text}"),
            backend::ERROR_RESPONSE => {
                let error = ErrorFields::read(&body).unwrap().to_response();
                let shown = format!("E:{}", error.sqlstate);
                errors.push(error);
                shown
            }
            backend::PARAMETER_STATUS => {
                let mut parts = text.split('\0');
                format!("S:{}={}", parts.next().unwrap(), parts.next().unwrap())
            }
            _ => name.to_string(),
        });
    }
    shown.join(" ")
}

/// What a server is sent.
pub(super) fn show_sent(mut bytes: BytesMut) -> String {
    let mut shown = Vec::new();
    while let Some((tag, body)) = take(&mut bytes) {
        shown.push(show_message(tag, &body));
    }
    shown.join(" | ")
}

fn show_message(tag: u8, body: &[u8]) -> String {
    let text = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        match text.strip_prefix("dsql_proxy_") {
            Some(number) => format!("#{number}"),
            None if text.is_empty() => "-".to_owned(),
            None => text,
        }
    };
    let target = || match Target::read(body).unwrap() {
        Target::Statement(name) => text(name),
        Target::Portal(name) => format!("portal {}", text(name)),
    };
    match tag {
        frontend::QUERY => format!("Query {}", text(frontend::query(body).unwrap())),
        frontend::PARSE => {
            let parse = Parse::read(body).unwrap();
            format!("Parse {} {}", text(parse.name), text(parse.sql))
        }
        frontend::BIND => {
            let mut cursor = Cursor::new("Bind", body);
            let portal = cursor.cstr().unwrap();
            let statement = cursor.cstr().unwrap();
            assert_eq!(frontend::Bind::read(body).unwrap().statement, statement);
            format!("Bind {} {}", text(portal), text(statement))
        }
        frontend::DESCRIBE => format!("Describe {}", target()),
        frontend::CLOSE => format!("Close {}", target()),
        frontend::EXECUTE => format!("Execute {}", text(Execute::read(body).unwrap().portal)),
        frontend::SYNC => "Sync".to_owned(),
        frontend::FLUSH => "Flush".to_owned(),
        frontend::COPY_DATA => "CopyData".to_owned(),
        frontend::COPY_DONE => "CopyDone".to_owned(),
        frontend::COPY_FAIL => "CopyFail".to_owned(),
        _ => format!("{}?", char::from(tag)),
    }
}
