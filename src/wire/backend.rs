//! Messages of the backend that we look into.

use super::{Cursor, Malformed};

tags! {
    /// Authentication…
    AUTHENTICATION = b'R';
    /// BackendKeyData
    BACKEND_KEY_DATA = b'K';
    /// BindComplete
    BIND_COMPLETE = b'2';
    /// CloseComplete
    CLOSE_COMPLETE = b'3';
    /// CommandComplete
    COMMAND_COMPLETE = b'C';
    /// CopyBothResponse
    COPY_BOTH_RESPONSE = b'W';
    /// CopyData
    COPY_DATA = b'd';
    /// CopyDone
    COPY_DONE = b'c';
    /// CopyInResponse
    COPY_IN_RESPONSE = b'G';
    /// CopyOutResponse
    COPY_OUT_RESPONSE = b'H';
    /// DataRow
    DATA_ROW = b'D';
    /// EmptyQueryResponse
    EMPTY_QUERY_RESPONSE = b'I';
    /// ErrorResponse
    ERROR_RESPONSE = b'E';
    /// FunctionCallResponse
    FUNCTION_CALL_RESPONSE = b'V';
    /// NegotiateProtocolVersion
    NEGOTIATE_PROTOCOL_VERSION = b'v';
    /// NoData
    NO_DATA = b'n';
    /// NoticeResponse
    NOTICE_RESPONSE = b'N';
    /// NotificationResponse
    NOTIFICATION_RESPONSE = b'A';
    /// ParameterDescription
    PARAMETER_DESCRIPTION = b't';
    /// ParameterStatus
    PARAMETER_STATUS = b'S';
    /// ParseComplete
    PARSE_COMPLETE = b'1';
    /// PortalSuspended
    PORTAL_SUSPENDED = b's';
    /// ReadyForQuery
    READY_FOR_QUERY = b'Z';
    /// RowDescription
    ROW_DESCRIPTION = b'T';
}

/// What ReadyForQuery says of the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransactionStatus {
    /// `I`: not in a transaction block.
    Idle,
    /// `T`: in a transaction block.
    InTransaction,
    /// `E`: in a failed transaction block.
    Failed,
}

impl TransactionStatus {
    /// Reads the body of a ReadyForQuery.
    pub fn read(body: &[u8]) -> Result<Self, Malformed> {
        let mut cursor = Cursor::new("ReadyForQuery", body);
        let status = match cursor.u8()? {
            b'I' => Self::Idle,
            b'T' => Self::InTransaction,
            b'E' => Self::Failed,
            _ => return Err(cursor.malformed("its transaction status is unknown")),
        };
        cursor.end()?;
        Ok(status)
    }
}

/// What the server wants of us while we log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authentication {
    /// AuthenticationOk
    Ok,
    /// AuthenticationCleartextPassword
    CleartextPassword,
    /// Any other method, by its code.
    Other(i32),
}

impl Authentication {
    /// Reads the body of an Authentication message.
    pub fn read(body: &[u8]) -> Result<Self, Malformed> {
        Ok(match Cursor::new("Authentication", body).i32()? {
            0 => Self::Ok,
            3 => Self::CleartextPassword,
            other => Self::Other(other),
        })
    }

    /// The method's name, for an error message.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "none",
            Self::CleartextPassword => "clear-text password",
            Self::Other(2) => "Kerberos V5",
            Self::Other(5) => "MD5 password",
            Self::Other(7..=9) => "GSSAPI or SSPI",
            Self::Other(10..=12) => "SASL (SCRAM)",
            Self::Other(_) => "an unknown method",
        }
    }
}

/// A parameter and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParameterStatus<'a> {
    /// The parameter's name.
    pub name: &'a [u8],
    /// Its value now.
    pub value: &'a [u8],
}

impl<'a> ParameterStatus<'a> {
    /// Reads the body of a ParameterStatus.
    pub fn read(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut cursor = Cursor::new("ParameterStatus", body);
        let status = Self {
            name: cursor.cstr()?,
            value: cursor.cstr()?,
        };
        cursor.end()?;
        Ok(status)
    }
}

/// What a CancelRequest has to name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackendKeyData<'a> {
    /// The process id.
    pub pid: i32,
    /// The secret: 4 bytes in protocol 3.0, 4 to 256 in 3.2.
    pub secret: &'a [u8],
}

impl<'a> BackendKeyData<'a> {
    /// Reads the body of a BackendKeyData.
    pub fn read(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut cursor = Cursor::new("BackendKeyData", body);
        let pid = cursor.i32()?;
        let secret = cursor.rest();
        if !(4..=256).contains(&secret.len()) {
            return Err(cursor.malformed("its key does not have 4 to 256 bytes"));
        }
        Ok(Self { pid, secret })
    }
}

/// The command tag of a CommandComplete.
pub fn command_tag(body: &[u8]) -> Result<&[u8], Malformed> {
    let mut cursor = Cursor::new("CommandComplete", body);
    let tag = cursor.cstr()?;
    cursor.end()?;
    Ok(tag)
}
