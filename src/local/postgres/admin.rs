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
}

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
        let mut out = BytesMut::new();
        encode::query(sql.as_bytes(), &mut out);
        self.round_trip(&out).await
    }

    /// Sends, and reads up to ReadyForQuery. Not cancel-safe.
    async fn round_trip(&mut self, out: &[u8]) -> Result<(), LocalError> {
        let failed = |e: std::io::Error| LocalError::Prepare(e.to_string());
        self.stream.write_all(out).await.map_err(failed)?;
        let mut error = None;
        loop {
            let step = self
                .scanner
                .step(&self.buffer, |_| usize::MAX)
                .map_err(|e| LocalError::Prepare(e.to_string()))?;
            let Step::Head { tag, body, .. } = step else {
                if self
                    .stream
                    .read_buf(&mut self.buffer)
                    .await
                    .map_err(failed)?
                    == 0
                {
                    return Err(error.unwrap_or_else(|| {
                        LocalError::Prepare("the server closed the connection".to_owned())
                    }));
                }
                continue;
            };
            let message = self
                .buffer
                .split_to(frame::HEADER + body)
                .split_off(frame::HEADER);
            match tag {
                backend::ERROR_RESPONSE => {
                    let text = ErrorFields::read(&message).map(|e| e.to_response().to_string());
                    error = Some(LocalError::Prepare(text.unwrap_or_else(|e| e.to_string())));
                }
                backend::READY_FOR_QUERY => return error.map_or(Ok(()), Err),
                _ => {}
            }
        }
    }
}
