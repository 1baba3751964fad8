//! The session's replies to one step.

use bytes::{Bytes, BytesMut};

use super::failure::Failure;
use crate::wire::backend::{self, TransactionStatus};
use crate::wire::frame::HEADER;
use crate::wire::{Cursor, FrameError, FrameScanner, Step};

/// Most bytes of rows that are kept for a step of our own.
const MOST_KEPT: usize = 1024 * 1024;

/// Messages that are looked into are read as a whole up to this many bytes.
const MAX_WHOLE: usize = 64 * 1024;

/// Who gets the rows and the tags of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Show {
    /// The client, as they come.
    All,
    /// The client, all that there is.
    Verbatim,
    /// The client, but what describes the rows.
    Rows,
    /// The client, descriptions of these.
    Described { parameters: bool, rows: bool },
    /// The errand.
    Nothing,
}

/// A row as text; `None` is NULL.
pub(super) type Row = Vec<Option<Bytes>>;

/// What a step came to.
#[derive(Debug)]
pub(super) struct Reply {
    /// Rows, unless the client got them.
    pub(super) rows: Vec<Row>,
    /// The tag of the last statement that was completed.
    pub(super) tag: String,
    /// The error that ended it, which the client has not got.
    pub(super) failure: Option<Failure>,
    /// What ReadyForQuery said.
    pub(super) status: TransactionStatus,
}

/// Takes the replies to one step in.
#[derive(Debug)]
pub(super) struct Intake {
    show: Show,
    scanner: FrameScanner,
    /// What happens to the rest of the frame that is being read.
    drops: bool,
    rows: Vec<Row>,
    /// Bytes of them.
    kept: usize,
    tag: String,
    failure: Option<Failure>,
}

impl Intake {
    pub(super) fn new(show: Show) -> Self {
        Self {
            show,
            scanner: FrameScanner::new(),
            drops: false,
            rows: Vec::new(),
            kept: 0,
            tag: String::new(),
            failure: None,
        }
    }

    /// True if a message of another's may go to the client now.
    pub(super) fn is_at_boundary(&self) -> bool {
        self.drops || self.scanner.rest() == 0
    }

    /// Takes in what there is. Ready at ReadyForQuery.
    pub(super) fn take(
        &mut self,
        input: &mut BytesMut,
        to_client: &mut BytesMut,
    ) -> Result<Option<Reply>, FrameError> {
        loop {
            let (tag, body, seen) = match self.scanner.step(input, |_| MAX_WHOLE)? {
                Step::NeedMore => return Ok(None),
                Step::Rest(n) => {
                    let rest = input.split_to(n.min(input.len()));
                    if !self.drops {
                        to_client.extend_from_slice(&rest);
                    }
                    continue;
                }
                Step::Head { tag, body, seen } => (tag, body, seen),
            };
            let frame = input.split_to((HEADER + seen).min(input.len()));
            let content = frame.get(HEADER..).unwrap_or_default();
            if tag == backend::READY_FOR_QUERY {
                let status = TransactionStatus::read(content).unwrap_or(TransactionStatus::Failed);
                return Ok(Some(Reply {
                    rows: std::mem::take(&mut self.rows),
                    tag: std::mem::take(&mut self.tag),
                    failure: self.failure.take(),
                    status,
                }));
            }
            self.drops = !self.passes(tag, content, seen == body);
            if !self.drops {
                to_client.extend_from_slice(&frame);
            }
        }
    }

    /// True if the client gets a message.
    fn passes(&mut self, tag: u8, content: &[u8], whole: bool) -> bool {
        match tag {
            backend::ERROR_RESPONSE => {
                if whole {
                    self.failure = Failure::of_body(content);
                }
                self.failure.get_or_insert_with(Failure::unreadable);
                return false;
            }
            backend::COMMAND_COMPLETE => {
                let tag = backend::command_tag(content).unwrap_or_default();
                self.tag = String::from_utf8_lossy(tag).into_owned();
            }
            backend::DATA_ROW if self.show == Show::Nothing => {
                self.kept += content.len();
                match row(content).filter(|_| whole && self.kept <= MOST_KEPT) {
                    Some(row) => self.rows.push(row),
                    None => {
                        self.failure.get_or_insert_with(Failure::unreadable);
                    }
                }
            }
            // They concern the client whoever has caused them.
            backend::NOTICE_RESPONSE
            | backend::PARAMETER_STATUS
            | backend::NOTIFICATION_RESPONSE => return true,
            _ => {}
        }
        match self.show {
            Show::Verbatim => true,
            Show::Described { parameters, rows } => match tag {
                backend::PARAMETER_DESCRIPTION => parameters,
                backend::ROW_DESCRIPTION | backend::NO_DATA => rows,
                _ => false,
            },
            Show::All => !is_of_extended(tag),
            Show::Rows => {
                !is_of_extended(tag) && !matches!(tag, backend::ROW_DESCRIPTION | backend::NO_DATA)
            }
            Show::Nothing => false,
        }
    }
}

/// What answers Parse and Bind, which are ours where the client has sent others.
fn is_of_extended(tag: u8) -> bool {
    matches!(
        tag,
        backend::PARSE_COMPLETE | backend::BIND_COMPLETE | backend::PARAMETER_DESCRIPTION
    )
}

fn row(body: &[u8]) -> Option<Row> {
    let mut cursor = Cursor::new("DataRow", body);
    let columns = usize::try_from(cursor.i16().ok()?).ok()?;
    let mut row = Vec::with_capacity(columns.min(body.len()));
    for _ in 0..columns {
        row.push(match usize::try_from(cursor.i32().ok()?) {
            Ok(length) => Some(Bytes::copy_from_slice(cursor.take(length).ok()?)),
            Err(_) => None,
        });
    }
    Some(row)
}
