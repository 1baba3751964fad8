//! Which replies the server owes.
//!
//! Only what ends in ReadyForQuery is counted: a simple Query, a FunctionCall, a Sync. COPY FROM
//! STDIN bends the rule (manual, "COPY Operations"): a server that is reading COPY data ignores
//! Sync, and libpq sends one right after Execute, before it knows that it is copying.

use std::collections::VecDeque;

use crate::wire::backend::TransactionStatus;

/// Something that has been sent to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Request {
    /// Query or FunctionCall: answered by one ReadyForQuery of its own.
    Simple,
    /// Sync: ends a group of extended messages, answered by ReadyForQuery.
    Sync,
    /// CopyDone or CopyFail that was sent before the server asked for data.
    CopyEnd,
}

/// The requests that are not answered yet, in order.
#[derive(Debug)]
pub(super) struct Pipeline {
    requests: VecDeque<Request>,
    /// Extended messages have been sent since the last Sync.
    group_open: bool,
    /// The server reads COPY data.
    copy_in: bool,
    status: TransactionStatus,
}

impl Pipeline {
    pub(super) fn new() -> Self {
        Self {
            requests: VecDeque::new(),
            group_open: false,
            copy_in: false,
            status: TransactionStatus::Idle,
        }
    }

    /// What the last ReadyForQuery said.
    pub(super) fn status(&self) -> TransactionStatus {
        self.status
    }

    /// True if the server owes nothing and has nothing half said.
    pub(super) fn is_empty(&self) -> bool {
        self.requests.is_empty() && !self.group_open
    }

    /// True if extended messages are waiting for their Sync.
    pub(super) fn group_open(&self) -> bool {
        self.group_open
    }

    /// How many ReadyForQuery the server owes.
    pub(super) fn owed(&self) -> usize {
        self.requests
            .iter()
            .filter(|r| **r != Request::CopyEnd)
            .count()
    }

    /// True if the server will say nothing more until the client does.
    pub(super) fn waits_for_client(&self) -> bool {
        self.copy_in || self.owed() == 0
    }

    pub(super) fn simple(&mut self) {
        self.requests.push_back(Request::Simple);
    }

    pub(super) fn extended(&mut self) {
        self.group_open = true;
    }

    pub(super) fn sync(&mut self) {
        if !self.copy_in {
            self.requests.push_back(Request::Sync);
            self.group_open = false;
        }
    }

    pub(super) fn copy_end(&mut self) {
        if self.copy_in {
            self.copy_in = false;
        } else if !self.is_empty() {
            self.requests.push_back(Request::CopyEnd);
        }
    }

    /// CopyInResponse: every Sync that is already on its way, up to the end of the data, will be
    /// ignored.
    pub(super) fn copy_in_response(&mut self) {
        let simple = self.requests.front() == Some(&Request::Simple);
        let mut position = usize::from(simple);
        self.copy_in = true;
        while let Some(request) = self.requests.get(position) {
            match request {
                Request::Sync => {
                    self.requests.remove(position);
                    // Its group goes on after the data.
                    self.group_open = !simple;
                }
                Request::CopyEnd => {
                    self.requests.remove(position);
                    self.copy_in = false;
                    // The Sync behind it ends the group.
                    if self.requests.get(position) == Some(&Request::Sync) {
                        self.group_open = false;
                    }
                    return;
                }
                Request::Simple => position += 1,
            }
        }
    }

    /// ErrorResponse: whatever was copied is no longer read.
    pub(super) fn error(&mut self) {
        self.copy_in = false;
    }

    /// ReadyForQuery. One that nobody asked for changes the status only.
    pub(super) fn ready(&mut self, status: TransactionStatus) {
        self.status = status;
        self.copy_in = false;
        while let Some(request) = self.requests.pop_front() {
            if request != Request::CopyEnd {
                break;
            }
        }
        // The server ignores the end of a copy that is over; some clients send one too many.
        while self.requests.front() == Some(&Request::CopyEnd) {
            self.requests.pop_front();
        }
    }

    /// The server is gone, and with it everything it owed; a new one has this status.
    pub(super) fn reset(&mut self, status: TransactionStatus) {
        *self = Self {
            status,
            ..Self::new()
        };
    }
}
