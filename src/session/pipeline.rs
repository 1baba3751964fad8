//! What the server has been sent and has not answered, message by message.
//!
//! Every message that is answered has an entry, in order. Extended messages up to their Sync are
//! one group; a Query or FunctionCall is a group of its own (manual, "Extended Query" and
//! "Pipelining"). Three rules bend the order:
//!
//! - After an error the server skips everything up to the next Sync, a Query included.
//! - A server that reads COPY data ignores Sync, and libpq sends one right after Execute, before
//!   it knows that it is copying (manual, "COPY Operations").
//! - A Query in the middle of a group ends the group with its own ReadyForQuery.

use std::collections::VecDeque;

use super::detail::Detail;
use crate::wire::backend::TransactionStatus;

/// The message that is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expect {
    Parse,
    Bind,
    DescribeStatement,
    DescribePortal,
    Execute,
    Close,
    Sync,
    Query,
    FunctionCall,
    /// CopyDone or CopyFail, which have no answer of their own.
    CopyEnd,
}

impl Expect {
    /// True if ReadyForQuery is the last of its answer.
    pub(super) fn ends_group(self) -> bool {
        matches!(self, Self::Sync | Self::Query | Self::FunctionCall)
    }
}

/// Whose message it is, and so what becomes of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// The client's: the answer is forwarded.
    Client,
    /// Ours: the answer is swallowed.
    Injected,
    /// The client's, and never sent: we answer when its turn comes.
    Local,
}

/// One message that is not answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) expect: Expect,
    pub(super) origin: Origin,
    /// There is a [`Detail`] for it.
    pub(super) detail: bool,
    /// Bytes that the client's message takes in the flight recorder.
    pub(super) recorded: u32,
}

/// What has not been answered, and the state of the transaction.
#[derive(Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "facts that are independent of one another"
)]
pub(super) struct Pipeline {
    entries: VecDeque<Entry>,
    details: VecDeque<Detail>,
    /// Entries that end a group.
    ends: usize,
    status: TransactionStatus,
    /// Extended messages have been sent since the last Sync.
    open: bool,
    /// The server skips what comes until the next Sync, which has not been sent.
    skipping: bool,
    /// The server reads COPY data.
    copy_in: bool,
    /// The group at the front has reported an error.
    failed: bool,
}

/// What became of an entry.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) entry: Entry,
    pub(super) detail: Option<Detail>,
}

impl Pipeline {
    pub(super) fn new() -> Self {
        Self {
            entries: VecDeque::new(),
            details: VecDeque::new(),
            ends: 0,
            status: TransactionStatus::Idle,
            open: false,
            skipping: false,
            copy_in: false,
            failed: false,
        }
    }

    /// Takes queues that have been used before, or gives them back.
    pub(super) fn swap(&mut self, entries: &mut VecDeque<Entry>, details: &mut VecDeque<Detail>) {
        if self.entries.is_empty() && self.details.is_empty() {
            std::mem::swap(&mut self.entries, entries);
            std::mem::swap(&mut self.details, details);
        }
    }

    /// What the last ReadyForQuery said.
    pub(super) fn status(&self) -> TransactionStatus {
        self.status
    }

    /// True if everything is answered; extended messages may still wait for their Sync.
    pub(super) fn is_answered(&self) -> bool {
        self.entries.is_empty()
    }

    /// True if nothing has been sent that has not come to its ReadyForQuery.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty() && !self.open
    }

    /// True if extended messages wait for their Sync.
    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// True if the server skips what comes until the next Sync.
    pub(super) fn is_skipping(&self) -> bool {
        self.skipping
    }

    /// True while the client has to send COPY data.
    pub(super) fn copies_in(&self) -> bool {
        self.copy_in
    }

    /// True if the group that is being answered has failed.
    pub(super) fn is_failed(&self) -> bool {
        self.failed
    }

    /// How many ReadyForQuery the server owes.
    pub(super) fn owed(&self) -> usize {
        debug_assert_eq!(
            self.ends,
            self.entries
                .iter()
                .filter(|entry| entry.expect.ends_group())
                .count()
        );
        self.ends
    }

    /// True if the server will say nothing more until the client does.
    pub(super) fn waits_for_client(&self) -> bool {
        self.copy_in || self.owed() == 0
    }

    /// True if there may be a portal without a name that is still to be executed.
    pub(super) fn has_portal(&self) -> bool {
        let latest = self.entries.iter().rev().find(|entry| {
            entry.expect.ends_group() || matches!(entry.expect, Expect::Bind | Expect::Execute)
        });
        match latest {
            None => self.entries.is_empty() && self.open,
            Some(latest) => latest.expect == Expect::Bind,
        }
    }

    /// True if nothing is in flight behind the statement that is being answered, but for the end
    /// of its group.
    pub(super) fn is_last(&self) -> bool {
        let mut entries = self.entries.iter().map(|entry| entry.expect);
        matches!(
            (entries.next(), entries.next(), entries.next()),
            (Some(Expect::Query), None, _) | (Some(Expect::Execute), Some(Expect::Sync), None)
        )
    }

    /// The message that is being answered.
    pub(super) fn front(&self) -> Option<&Entry> {
        self.entries.front()
    }

    /// What we keep of the message that is being answered.
    pub(super) fn front_detail(&mut self) -> Option<&mut Detail> {
        let detail = self.entries.front()?.detail;
        if detail {
            self.details.front_mut()
        } else {
            None
        }
    }

    /// The details of what is in flight, the latest first.
    pub(super) fn details(&self) -> impl Iterator<Item = &Detail> {
        self.details.iter().rev()
    }

    /// True if an earlier group that is not answered decides what the unnamed statement is, and
    /// may be skipped up to there: then the server has another one, perhaps another session's.
    pub(super) fn is_unnamed_unsettled(&self) -> bool {
        let mut details = self.details();
        let mut earlier = false;
        let mut entries = self.entries.iter().rev();
        while let Some(entry) = entries.next() {
            earlier |= entry.expect.ends_group();
            if entry.detail
                && let Some(Detail::ParseUnnamed(_) | Detail::DropUnnamed(_)) = details.next()
            {
                let before = entries.next();
                return earlier && before.is_some_and(|before| !before.expect.ends_group());
            }
        }
        false
    }

    /// A message has been sent, or will be answered by us in its turn.
    #[inline]
    pub(super) fn push(
        &mut self,
        expect: Expect,
        origin: Origin,
        recorded: u32,
        detail: Option<Detail>,
    ) {
        let ends_group = expect.ends_group();
        self.ends += usize::from(ends_group);
        self.open = !ends_group && (self.open || expect != Expect::CopyEnd);
        self.skipping &= expect != Expect::Sync;
        self.entries.push_back(Entry {
            expect,
            origin,
            detail: detail.is_some(),
            recorded,
        });
        if let Some(detail) = detail {
            self.details.push_back(detail);
        }
    }

    /// A message of an extended group has been answered without the server.
    pub(super) fn open(&mut self) {
        self.open = true;
    }

    /// CopyDone or CopyFail.
    pub(super) fn copy_end(&mut self) {
        if self.copy_in {
            self.copy_in = false;
        } else if !self.entries.is_empty() {
            self.push(Expect::CopyEnd, Origin::Client, 0, None);
        }
    }

    /// CopyInResponse: every Sync that was sent before the end of the data is ignored.
    pub(super) fn copy_in_response(&mut self) {
        self.copy_in = true;
        while let Some(next) = self.entries.get(1).map(|entry| entry.expect) {
            match next {
                Expect::Sync => {
                    self.entries.remove(1);
                    self.ends -= 1;
                    // Unless another Sync is behind the data, the group goes on.
                    self.open = self
                        .entries
                        .back()
                        .is_some_and(|last| !last.expect.ends_group());
                }
                Expect::CopyEnd => {
                    self.entries.remove(1);
                    self.copy_in = false;
                    return;
                }
                _ => return,
            }
        }
    }

    /// ErrorResponse. Every message that will not be answered is handed to `dropped`.
    pub(super) fn error(&mut self, mut dropped: impl FnMut(Done)) {
        self.copy_in = false;
        self.failed = true;
        // One that is answered by ReadyForQuery still is; behind any other all is skipped up to
        // Sync, Queries included.
        if self
            .entries
            .front()
            .is_some_and(|entry| entry.expect.ends_group())
        {
            return;
        }
        while self
            .entries
            .front()
            .is_some_and(|entry| entry.expect != Expect::Sync)
        {
            if let Some(done) = self.pop() {
                dropped(done);
            }
        }
        if self.entries.is_empty() {
            // A Query behind the one that failed has not ended the group: it is skipped, too.
            (self.open, self.skipping) = (true, true);
        }
    }

    /// The message at the front is answered.
    #[inline]
    pub(super) fn complete(&mut self) -> Option<Done> {
        self.pop()
    }

    /// ReadyForQuery: the end of the group at the front. What is in front of it was not answered,
    /// which no server does.
    pub(super) fn ready(&mut self, status: TransactionStatus) -> Option<Done> {
        self.status = status;
        self.copy_in = false;
        self.failed = false;
        self.pop()
    }

    /// True if the next message is ours to answer, or needs no answer.
    pub(super) fn has_local(&self) -> bool {
        let local =
            |entry: &Entry| entry.origin == Origin::Local || entry.expect == Expect::CopyEnd;
        self.entries.front().is_some_and(local)
    }

    /// The next message if it is ours to answer, or needs no answer.
    pub(super) fn take_local(&mut self) -> Option<Done> {
        if self.has_local() { self.pop() } else { None }
    }

    /// The server is gone, and with it everything it owed.
    pub(super) fn reset(&mut self, status: TransactionStatus) {
        self.entries.clear();
        self.details.clear();
        self.ends = 0;
        (self.open, self.skipping, self.copy_in, self.failed) = (false, false, false, false);
        self.status = status;
    }

    /// The status that the client has been told, where no server is asked.
    pub(super) fn set_status(&mut self, status: TransactionStatus) {
        self.status = status;
    }

    #[inline]
    fn pop(&mut self) -> Option<Done> {
        let entry = self.entries.pop_front()?;
        self.ends -= usize::from(entry.expect.ends_group());
        let detail = if entry.detail {
            self.details.pop_front()
        } else {
            None
        };
        Some(Done { entry, detail })
    }
}
