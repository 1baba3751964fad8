//! An error that ends an errand, on its way to the client.

use bytes::{Bytes, BytesMut};

use crate::compat::ddl::Positions;
use crate::wire::{ErrorFields, ErrorResponse, SqlState, backend, encode};

/// An error, the server's with all its fields or one of ours.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    body: Bytes,
    /// Field P: in which character of the client's text it is, from 1 on.
    position: Option<usize>,
    /// Put behind the detail.
    detail: String,
    /// The hint, where there is none.
    hint: Option<String>,
}

impl Failure {
    /// The error in the body of an ErrorResponse; `None` if it cannot be read.
    pub(super) fn of_body(body: &[u8]) -> Option<Self> {
        let fields = ErrorFields::read(body).ok()?;
        let position = fields
            .field(b'P')
            .and_then(|at| std::str::from_utf8(at).ok());
        Some(Self {
            body: Bytes::copy_from_slice(body),
            position: position.and_then(|at| at.parse().ok()),
            detail: String::new(),
            hint: None,
        })
    }

    /// What is said in the place of an answer that is too long to be understood.
    pub(super) fn unreadable() -> Self {
        Self::from(
            ErrorResponse::error(
                SqlState::LIMIT_EXCEEDED,
                "the server's answer is too long for the proxy to understand",
            )
            .hint("Run the statement on its own."),
        )
    }

    pub(super) fn fields(&self) -> Option<ErrorFields<'_>> {
        ErrorFields::read(&self.body).ok()
    }

    pub(super) fn sqlstate(&self) -> Option<SqlState> {
        self.fields()?.sqlstate()
    }

    /// The primary message.
    pub(super) fn message(&self) -> String {
        let message = self.fields().map(|fields| fields.message());
        String::from_utf8_lossy(message.unwrap_or_default()).into_owned()
    }

    /// The position is told in a text in front of which so many characters of the client's stand.
    pub(super) fn behind(mut self, characters: usize) -> Self {
        self.position = self.position.map(|at| at + characters);
        self
    }

    /// The text in which the position is told is none of the client's: it is left out.
    pub(super) fn without_position(mut self) -> Self {
        self.position = None;
        self
    }

    /// The position is told in a text that has been changed: where is it in the client's?
    pub(super) fn in_original(mut self, positions: &Positions) -> Self {
        self.position = self.position.map(|at| positions.original(at));
        self
    }

    /// Adds a sentence to the detail.
    pub(super) fn detail(mut self, sentence: &str) -> Self {
        if !self.detail.is_empty() {
            self.detail.push(' ');
        }
        self.detail.push_str(sentence);
        self
    }

    /// Says what to do, unless the server has.
    pub(super) fn hint(mut self, hint: Option<String>) -> Self {
        self.hint = self.hint.or(hint);
        self
    }

    /// Appends the ErrorResponse.
    pub(super) fn encode(&self, out: &mut BytesMut) {
        let Some(fields) = self.fields() else {
            return;
        };
        encode::frame(backend::ERROR_RESPONSE, out, |body| {
            let mut field = |code: u8, value: &[u8]| {
                body.extend_from_slice(&[code]);
                encode::cstr(value, body);
            };
            let mut detail = self.detail.clone();
            for (code, value) in fields.iter() {
                match code {
                    b'P' => {}
                    b'D' if !detail.is_empty() => {
                        let told = String::from_utf8_lossy(value);
                        detail = format!("{told}\n{detail}");
                    }
                    _ => field(code, value),
                }
            }
            if let Some(position) = self.position {
                field(b'P', position.to_string().as_bytes());
            }
            if !detail.is_empty() {
                field(b'D', detail.as_bytes());
            }
            if let (None, Some(hint)) = (fields.hint(), &self.hint) {
                field(b'H', hint.as_bytes());
            }
            body.extend_from_slice(&[0]);
        });
    }
}

impl From<ErrorResponse> for Failure {
    fn from(error: ErrorResponse) -> Self {
        let mut out = BytesMut::new();
        error.encode(&mut out);
        let body = out.split_off(crate::wire::frame::HEADER.min(out.len()));
        Self {
            body: body.freeze(),
            position: None,
            detail: String::new(),
            hint: None,
        }
    }
}
