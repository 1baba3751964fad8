//! Error and notice messages: a view of those that pass, a builder for our own.
//!
//! Fields are those of "Error and Notice Message Fields" in the manual. A peer may leave any of
//! them out, the SQLSTATE included.

use bytes::BytesMut;

use super::{Cursor, Malformed, SqlState, encode};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The statement failed.
    Error,
    /// The connection ends.
    Fatal,
    /// Information.
    Notice,
    /// Something the user should look at.
    Warning,
}

impl Severity {
    /// The word in the message.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
            Self::Notice => "NOTICE",
            Self::Warning => "WARNING",
        }
    }
}

/// The fields of an ErrorResponse or NoticeResponse that passes through.
#[derive(Debug, Clone, Copy)]
pub struct ErrorFields<'a> {
    body: &'a [u8],
}

impl<'a> ErrorFields<'a> {
    /// Looks at the body of an ErrorResponse or NoticeResponse.
    pub fn read(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut cursor = Cursor::new("ErrorResponse", body);
        while cursor.u8()? != 0 {
            cursor.cstr()?;
        }
        cursor.end()?;
        Ok(Self { body })
    }

    /// All fields, in the order of the message.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &'a [u8])> + use<'a> {
        let mut cursor = Cursor::new("ErrorResponse", self.body);
        std::iter::from_fn(move || {
            let code = cursor.u8().ok().filter(|code| *code != 0)?;
            Some((code, cursor.cstr().ok()?))
        })
    }

    /// The field with this code.
    pub fn field(&self, code: u8) -> Option<&'a [u8]> {
        self.iter()
            .find(|(c, _)| *c == code)
            .map(|(_, value)| value)
    }

    /// The SQLSTATE, if there is one.
    pub fn sqlstate(&self) -> Option<SqlState> {
        self.field(b'C').and_then(SqlState::parse)
    }

    /// The primary message, which may not be UTF-8.
    pub fn message(&self) -> &'a [u8] {
        self.field(b'M').unwrap_or_default()
    }

    /// The hint.
    pub fn hint(&self) -> Option<&'a [u8]> {
        self.field(b'H')
    }

    /// True if the sender will close the connection.
    pub fn is_fatal(&self) -> bool {
        let severity = self
            .field(b'V')
            .or_else(|| self.field(b'S'))
            .unwrap_or_default();
        severity == b"FATAL" || severity == b"PANIC"
    }

    /// A copy that belongs to us, for an error that travels further than its buffer. Text that
    /// is not UTF-8 is shown with replacement characters.
    pub fn to_response(self) -> ErrorResponse {
        let text = |code| {
            self.field(code)
                .map(|v| String::from_utf8_lossy(v).into_owned())
        };
        ErrorResponse {
            severity: if self.is_fatal() {
                Severity::Fatal
            } else {
                Severity::Error
            },
            sqlstate: self.sqlstate().unwrap_or(SqlState::INTERNAL_ERROR),
            message: text(b'M').unwrap_or_default(),
            detail: text(b'D'),
            hint: text(b'H'),
            routine: text(b'R'),
        }
    }
}

/// An error or notice of our own, or one of DSQL's that we keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorResponse {
    /// Its severity.
    pub severity: Severity,
    /// Its SQLSTATE.
    pub sqlstate: SqlState,
    /// What happened.
    pub message: String,
    /// Why.
    pub detail: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// The function of PostgreSQL's source that says so, which some drivers go by.
    pub routine: Option<String>,
}

impl ErrorResponse {
    /// The statement failed.
    pub fn error(sqlstate: SqlState, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            sqlstate,
            message: message.into(),
            detail: None,
            hint: None,
            routine: None,
        }
    }

    /// The connection ends.
    pub fn fatal(sqlstate: SqlState, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Fatal,
            ..Self::error(sqlstate, message)
        }
    }

    /// Says why.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Names the function of PostgreSQL's source that says so.
    #[must_use]
    pub fn routine(mut self, routine: impl Into<String>) -> Self {
        self.routine = Some(routine.into());
        self
    }

    /// The same with another severity.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// Appends the whole frame. Notices and warnings become a NoticeResponse.
    pub fn encode(&self, out: &mut BytesMut) {
        let severity = self.severity.as_str();
        let mut fields = vec![
            (b'S', severity),
            (b'V', severity),
            (b'C', self.sqlstate.as_str()),
            (b'M', self.message.as_str()),
        ];
        fields.extend(self.detail.as_deref().map(|text| (b'D', text)));
        fields.extend(self.hint.as_deref().map(|text| (b'H', text)));
        fields.extend(self.routine.as_deref().map(|text| (b'R', text)));
        match self.severity {
            Severity::Error | Severity::Fatal => encode::error_response(&fields, out),
            Severity::Notice | Severity::Warning => encode::notice_response(&fields, out),
        }
    }
}

impl std::fmt::Display for ErrorResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.message, self.sqlstate)?;
        if let Some(detail) = &self.detail {
            write!(f, "; {detail}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "; {hint}")?;
        }
        Ok(())
    }
}
