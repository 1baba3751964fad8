//! Messages that we make ourselves.
//!
//! All go through the `pgwire` crate, except those whose strings may be any bytes.

use bytes::{BufMut, BytesMut};
use pgwire::messages::Message;
use pgwire::messages::response::{
    CommandComplete, EmptyQueryResponse, ReadyForQuery, TransactionStatus as Status,
};
use pgwire::messages::startup::{
    Authentication, BackendKeyData, NegotiateProtocolVersion, ParameterStatus, SecretKey,
};

use super::backend::TransactionStatus;
use super::frame::HEADER;
use super::{backend, frontend};

/// A string of the protocol ends at its first NUL, so there can be none inside.
fn text(value: &str) -> String {
    value.replace('\0', "\u{fffd}")
}

fn put(message: &impl Message, out: &mut BytesMut) {
    let before = out.len();
    // Encoding into memory cannot fail; should pgwire ever think otherwise, half a frame must
    // not stay behind.
    if message.encode(out).is_err() {
        out.truncate(before);
    }
}

/// Appends a frame whose body is written by `body`.
pub fn frame(tag: u8, out: &mut BytesMut, body: impl FnOnce(&mut BytesMut)) {
    let start = out.len();
    out.put_u8(tag);
    out.put_i32(0);
    body(out);
    let length = out.len().saturating_sub(start).saturating_sub(1);
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    if let Some(word) = out.get_mut(start.saturating_add(1)..start.saturating_add(HEADER)) {
        word.copy_from_slice(&length.to_be_bytes());
    }
}

/// Appends bytes and the NUL that ends a string.
pub fn cstr(value: &[u8], out: &mut BytesMut) {
    out.extend_from_slice(value);
    out.put_u8(0);
}

fn fields(tag: u8, fields: &[(u8, &str)], out: &mut BytesMut) {
    frame(tag, out, |body| {
        for (code, value) in fields {
            body.put_u8(*code);
            cstr(text(value).as_bytes(), body);
        }
        body.put_u8(0);
    });
}

/// ErrorResponse. See [`super::ErrorResponse::encode`].
pub(super) fn error_response(list: &[(u8, &str)], out: &mut BytesMut) {
    fields(backend::ERROR_RESPONSE, list, out);
}

/// NoticeResponse.
pub(super) fn notice_response(list: &[(u8, &str)], out: &mut BytesMut) {
    fields(backend::NOTICE_RESPONSE, list, out);
}

/// AuthenticationOk.
pub fn authentication_ok(out: &mut BytesMut) {
    put(&Authentication::Ok, out);
}

/// AuthenticationCleartextPassword.
pub fn authentication_cleartext_password(out: &mut BytesMut) {
    put(&Authentication::CleartextPassword, out);
}

/// ParameterStatus.
pub fn parameter_status(name: &str, value: &str, out: &mut BytesMut) {
    put(&ParameterStatus::new(text(name), text(value)), out);
}

/// BackendKeyData; `secret` has 4 bytes in protocol 3.0 and up to 256 in 3.2.
pub fn backend_key_data(pid: i32, secret: &[u8], out: &mut BytesMut) {
    put(
        &BackendKeyData::new(pid, SecretKey::Bytes(secret.to_vec().into())),
        out,
    );
}

/// ReadyForQuery.
pub fn ready_for_query(status: TransactionStatus, out: &mut BytesMut) {
    let status = match status {
        TransactionStatus::Idle => Status::Idle,
        TransactionStatus::InTransaction => Status::Transaction,
        TransactionStatus::Failed => Status::Error,
    };
    put(&ReadyForQuery::new(status), out);
}

/// CommandComplete.
pub fn command_complete(tag: &str, out: &mut BytesMut) {
    put(&CommandComplete::new(text(tag)), out);
}

/// EmptyQueryResponse.
pub fn empty_query_response(out: &mut BytesMut) {
    put(&EmptyQueryResponse::new(), out);
}

/// NegotiateProtocolVersion. `version` is the whole version number, as PostgreSQL sends it
/// (`SendNegotiateProtocolVersion`, `src/backend/tcop/backend_startup.c`), although the manual
/// speaks of the minor number only.
pub fn negotiate_protocol_version(version: i32, options: &[String], out: &mut BytesMut) {
    put(
        &NegotiateProtocolVersion::new(version, options.iter().map(|o| text(o)).collect()),
        out,
    );
}

/// PasswordMessage in clear text.
pub fn password(password: &str, out: &mut BytesMut) {
    frame(frontend::PASSWORD, out, |body| {
        cstr(password.as_bytes(), body);
    });
}

/// Query.
pub fn query(sql: &[u8], out: &mut BytesMut) {
    frame(frontend::QUERY, out, |body| cstr(sql, body));
}

/// Parse of a statement without parameter types.
pub fn parse(name: &[u8], sql: &[u8], out: &mut BytesMut) {
    frame(frontend::PARSE, out, |body| {
        cstr(name, body);
        cstr(sql, body);
        body.put_i16(0);
    });
}

/// ParseComplete.
pub fn parse_complete(out: &mut BytesMut) {
    frame(backend::PARSE_COMPLETE, out, |_| {});
}

/// CloseComplete.
pub fn close_complete(out: &mut BytesMut) {
    frame(backend::CLOSE_COMPLETE, out, |_| {});
}

/// Flush.
pub fn flush(out: &mut BytesMut) {
    frame(frontend::FLUSH, out, |_| {});
}

/// Sync.
pub fn sync(out: &mut BytesMut) {
    frame(frontend::SYNC, out, |_| {});
}

/// Terminate.
pub fn terminate(out: &mut BytesMut) {
    frame(frontend::TERMINATE, out, |_| {});
}
