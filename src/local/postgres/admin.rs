//! A connection to the PostgreSQL behind the front, as its superuser.

use std::path::Path;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use super::super::LocalError;
use crate::wire::startup::{ProtocolVersion, Startup};
use crate::wire::{ErrorFields, FrameScanner, Step, backend, encode, frame};

/// The role that owns the cluster. Nobody can log in as it through the front.
pub(in crate::local) const SUPERUSER: &str = "dsql_local";

/// A superuser's session.
#[derive(Debug)]
pub(in crate::local) struct Admin {
    stream: UnixStream,
    buffer: BytesMut,
    scanner: FrameScanner,
    /// A notification came that nobody has waited for.
    notified: bool,
}

/// The fields of a row; `None` for NULL.
pub(in crate::local) type Row = Vec<Option<String>>;

impl Admin {
    /// Logs in.
    pub(in crate::local) async fn connect(socket: &Path) -> Result<Self, LocalError> {
        let stream = UnixStream::connect(socket)
            .await
            .map_err(LocalError::io("connect to", socket))?;
        let mut admin = Self {
            stream,
            buffer: BytesMut::new(),
            scanner: FrameScanner::new(),
            notified: false,
        };
        let mut out = BytesMut::new();
        Startup {
            version: ProtocolVersion::V3_0,
            parameters: vec![
                (b"user".to_vec(), SUPERUSER.into()),
                (b"database".to_vec(), b"postgres".to_vec()),
            ],
        }
        .encode(&mut out);
        admin.round_trip(&out).await?;
        Ok(admin)
    }

    /// Runs a script as one simple Query. What it returns is not looked at.
    pub(in crate::local) async fn run(&mut self, sql: &str) -> Result<(), LocalError> {
        self.rows(sql).await.map(drop)
    }

    /// Runs a query, and returns the first field of its first row; `None` if there is none or it
    /// is NULL. Not cancel-safe.
    pub(in crate::local) async fn value(
        &mut self,
        sql: &str,
    ) -> Result<Option<String>, LocalError> {
        let rows = self.rows(sql).await?;
        Ok(rows
            .into_iter()
            .next()
            .and_then(|row| row.into_iter().next()?))
    }

    /// Runs a query, and returns its rows. Not cancel-safe.
    pub(in crate::local) async fn rows(&mut self, sql: &str) -> Result<Vec<Row>, LocalError> {
        let mut out = BytesMut::new();
        encode::query(sql.as_bytes(), &mut out);
        self.round_trip(&out).await
    }

    /// Waits for a notification on a channel to which this session listens, or for one that has
    /// come already. Several count as one. Cancel-safe.
    pub(in crate::local) async fn notified(&mut self) -> Result<(), LocalError> {
        while !self.notified {
            // Nothing else comes by itself but parameters and the error before an end.
            self.message().await?;
        }
        self.notified = false;
        Ok(())
    }

    /// Sends, and reads up to ReadyForQuery. Not cancel-safe.
    async fn round_trip(&mut self, out: &[u8]) -> Result<Vec<Row>, LocalError> {
        self.stream.write_all(out).await.map_err(failed)?;
        let mut error = None;
        let mut rows = vec![];
        loop {
            let (tag, body) = match self.message().await {
                Ok(message) => message,
                Err(lost) => return Err(error.unwrap_or(lost)),
            };
            match tag {
                backend::ERROR_RESPONSE => {
                    let text = ErrorFields::read(&body).map(|e| e.to_response().to_string());
                    error = Some(LocalError::Prepare(text.unwrap_or_else(|e| e.to_string())));
                }
                backend::DATA_ROW => rows.extend(fields(&body)),
                backend::READY_FOR_QUERY => return error.map_or(Ok(rows), Err),
                _ => {}
            }
        }
    }

    /// The next message. Cancel-safe.
    async fn message(&mut self) -> Result<(u8, BytesMut), LocalError> {
        loop {
            let step = self
                .scanner
                .step(&self.buffer, |_| usize::MAX)
                .map_err(|e| LocalError::Prepare(e.to_string()))?;
            if let Step::Head { tag, body, .. } = step {
                let mut message = self.buffer.split_to(frame::HEADER + body);
                self.notified |= tag == backend::NOTIFICATION_RESPONSE;
                return Ok((tag, message.split_off(frame::HEADER)));
            }
            let read = self.stream.read_buf(&mut self.buffer).await;
            if read.map_err(failed)? == 0 {
                let text = "the server closed the connection";
                return Err(LocalError::Prepare(text.to_owned()));
            }
        }
    }
}

/// A string constant. `standard_conforming_strings` is on, so a backslash is a character like any
/// other.
pub(in crate::local) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

// By value, for `map_err`.
#[expect(clippy::needless_pass_by_value)]
fn failed(error: std::io::Error) -> LocalError {
    LocalError::Prepare(error.to_string())
}

/// The fields of a DataRow; `None` if it is malformed.
pub(in crate::local) fn fields(body: &[u8]) -> Option<Row> {
    let (count, mut rest) = body.split_first_chunk()?;
    let mut row = vec![];
    for _ in 0..u16::from_be_bytes(*count) {
        let length;
        (length, rest) = rest.split_first_chunk()?;
        let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else {
            row.push(None);
            continue;
        };
        let value;
        (value, rest) = rest.split_at_checked(length)?;
        row.push(Some(String::from_utf8_lossy(value).into_owned()));
    }
    Some(row)
}
