//! What the server has been sent and has not answered.
//!
//! A queue of groups, in order. A simple Query or FunctionCall is a group of its own, answered by
//! one ReadyForQuery. Extended messages up to their Sync are another (manual, "Extended Query"
//! and "Pipelining"). Two things bend the rule:
//!
//! - A server that reads COPY data ignores Sync, and libpq sends one right after Execute, before
//!   it knows that it is copying (manual, "COPY Operations").
//! - A Query in the middle of a group ends the group with its own ReadyForQuery, unless the group
//!   has failed: then the server skips it, like everything else up to Sync.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use crate::wire::backend::TransactionStatus;

/// The most text that is kept of one group, in bytes.
const MAX_TEXT: usize = 64 * 1024;

/// Groups that are kept for their buffers.
const SPARE: usize = 2;

/// How a group ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Kind {
    /// Query or FunctionCall.
    #[default]
    Simple,
    /// Extended messages without their Sync.
    Open,
    /// Extended messages with their Sync.
    Synced,
}

/// Something that a statement leaves behind in the session, once it has succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    /// A parameter has this value.
    Set(Bytes),
    /// This prepared statement is gone.
    Deallocate(Bytes),
    /// All prepared statements are gone.
    DeallocateAll,
}

/// A Parse or Close whose answer will say whether it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pending {
    /// The name and body of a Parse of a named statement.
    Parse(Bytes, Bytes),
    /// Of the unnamed statement.
    ParseUnnamed,
    /// The name of a statement to close.
    CloseStatement(Bytes),
    /// A portal.
    ClosePortal,
}

/// Requests that are answered together.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) kind: Kind,
    /// The statements that it runs, each ended by a semicolon.
    pub(super) text: BytesMut,
    /// It runs something whose text is not known.
    pub(super) unknown: bool,
    /// The portal that it bound last; `None` if it bound none.
    bound: bool,
    portal: BytesMut,
    /// Executes that are not answered.
    pub(super) running: usize,
    /// Extended messages that are not answered.
    unanswered: usize,
    /// What the portal that was bound last leaves behind once it is executed.
    pub(super) bound_effects: Vec<Effect>,
    /// What its statements leave behind if all goes well.
    pub(super) effects: Vec<Effect>,
    /// Parses and Closes that are not answered.
    pub(super) pending: VecDeque<Pending>,
    /// The server has reported an error.
    pub(super) failed: bool,
    copy_end: CopyEnd,
}

/// Whether CopyDone or CopyFail has been sent although the server has not asked for data yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum CopyEnd {
    #[default]
    NotSent,
    /// Before the group's Sync, or for a group without one.
    Sent,
    /// After its Sync, which therefore does not count.
    SentAfterSync,
}

impl Group {
    fn clear(&mut self) {
        let Self {
            text,
            portal,
            effects,
            pending,
            ..
        } = self;
        text.clear();
        portal.clear();
        effects.clear();
        pending.clear();
        (self.unknown, self.bound, self.failed) = (false, false, false);
        (self.running, self.unanswered, self.copy_end) = (0, 0, CopyEnd::NotSent);
        self.bound_effects.clear();
    }

    /// It runs a statement with this text.
    pub(super) fn add(&mut self, sql: &[u8]) {
        if self.text.len() + sql.len() > MAX_TEXT {
            self.unknown = true;
            return;
        }
        self.text.extend_from_slice(sql);
        // On a line of its own, should the text end in a comment.
        self.text.extend_from_slice(b"\n;");
    }

    /// It binds a portal.
    pub(super) fn bind(&mut self, portal: &[u8]) {
        self.bound = true;
        self.bound_effects.clear();
        self.portal.clear();
        self.portal.extend_from_slice(portal);
    }

    /// It executes a portal: one that it has just bound, or else one whose statement is not known
    /// any more.
    pub(super) fn execute(&mut self, portal: &[u8]) {
        self.running += 1;
        if self.bound && self.portal == portal {
            self.effects.append(&mut self.bound_effects);
        } else {
            self.unknown = true;
        }
    }
}

/// The groups that are not answered, and the state of the transaction.
#[derive(Debug)]
pub(super) struct Pipeline {
    groups: VecDeque<Group>,
    spare: Vec<Group>,
    /// The server reads COPY data for the first group.
    copy_in: bool,
    status: TransactionStatus,
}

impl Pipeline {
    pub(super) fn new() -> Self {
        Self {
            groups: VecDeque::new(),
            spare: Vec::new(),
            copy_in: false,
            status: TransactionStatus::Idle,
        }
    }

    /// What the last ReadyForQuery said.
    pub(super) fn status(&self) -> TransactionStatus {
        self.status
    }

    /// The groups, the one that the server works on first.
    pub(super) fn groups(&self) -> &VecDeque<Group> {
        &self.groups
    }

    /// True if nothing has been sent that is not answered.
    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// True if extended messages wait for their Sync.
    pub(super) fn is_open(&self) -> bool {
        self.groups
            .back()
            .is_some_and(|group| group.kind == Kind::Open)
    }

    /// How many ReadyForQuery the server owes.
    pub(super) fn owed(&self) -> usize {
        self.groups
            .iter()
            .filter(|group| group.kind != Kind::Open)
            .count()
    }

    /// True while the client has to send COPY data.
    pub(super) fn copies_in(&self) -> bool {
        self.copy_in
    }

    /// True if the server will say nothing more until the client does.
    pub(super) fn waits_for_client(&self) -> bool {
        self.copy_in || self.owed() == 0
    }

    /// Query or FunctionCall. `None` if the server will skip it.
    pub(super) fn simple(&mut self) -> Option<&mut Group> {
        let skipped = |group: &Group| group.kind == Kind::Open && group.failed;
        if self.groups.back().is_some_and(skipped) {
            None
        } else {
            Some(self.push(Kind::Simple))
        }
    }

    /// A message of an extended group.
    pub(super) fn extended(&mut self) -> &mut Group {
        if !self.is_open() {
            self.push(Kind::Open);
        }
        // There is one now.
        let last = self.groups.len() - 1;
        let group = &mut self.groups[last];
        group.unanswered += 1;
        group
    }

    /// Sync.
    pub(super) fn sync(&mut self) {
        if self.copy_in {
            return;
        }
        match self.groups.back_mut() {
            Some(group) if group.kind == Kind::Open => group.kind = Kind::Synced,
            _ => {
                self.push(Kind::Synced);
            }
        }
    }

    /// CopyDone or CopyFail.
    pub(super) fn copy_end(&mut self) {
        if self.copy_in {
            self.copy_in = false;
        } else if let Some(group) = self.groups.back_mut() {
            group.copy_end = match group.kind {
                Kind::Synced => CopyEnd::SentAfterSync,
                Kind::Simple | Kind::Open => CopyEnd::Sent,
            };
        }
    }

    /// CopyInResponse: every Sync that was sent before the end of the data is ignored.
    pub(super) fn copy_in_response(&mut self) {
        let Some(first) = self.groups.front() else {
            return;
        };
        let (kind, end) = (first.kind, first.copy_end);
        self.copy_in = end == CopyEnd::NotSent;
        // A Sync that was sent before the end of the data does not end the group: the one behind
        // the data does, if it is on its way already.
        let goes_on = match (kind, end) {
            (Kind::Synced, CopyEnd::SentAfterSync) if self.remove_sync() => Kind::Synced,
            (Kind::Synced, CopyEnd::SentAfterSync | CopyEnd::NotSent) => Kind::Open,
            (kind, _) => kind,
        };
        if end == CopyEnd::NotSent {
            while self.remove_sync() {}
        }
        if let Some(first) = self.groups.front_mut() {
            first.kind = goes_on;
        }
    }

    /// Removes the second group if it is nothing but a Sync. Whether it was.
    fn remove_sync(&mut self) -> bool {
        let only_sync = |group: &Group| {
            group.kind == Kind::Synced && group.text.is_empty() && group.pending.is_empty()
        };
        let found = self.groups.get(1).is_some_and(only_sync);
        if found {
            self.groups.remove(1);
        }
        found
    }

    /// ErrorResponse.
    pub(super) fn error(&mut self) {
        self.copy_in = false;
        let behind = self.groups.get(1).map(|group| group.kind);
        let Some(first) = self.groups.front_mut() else {
            return;
        };
        first.failed = true;
        if first.kind == Kind::Open && first.unanswered == 0 && behind == Some(Kind::Simple) {
            // It is the Query behind that has failed: it ends the group, and nothing is skipped.
            if let Some(query) = self.groups.get_mut(1) {
                query.failed = true;
            }
            return;
        }
        first.running = 0;
        first.unanswered = 0;
        first.pending.clear();
        if first.kind == Kind::Open {
            // Up to the next Sync everything is skipped, and that Sync is this group's.
            while let Some(next) = self.groups.get(1).map(|group| group.kind) {
                self.groups.remove(1);
                if next == Kind::Synced
                    && let Some(first) = self.groups.front_mut()
                {
                    first.kind = Kind::Synced;
                    break;
                }
            }
        }
    }

    /// CommandComplete, EmptyQueryResponse or PortalSuspended.
    pub(super) fn completed(&mut self) {
        if let Some(group) = self.groups.front_mut() {
            group.running = group.running.saturating_sub(1);
        }
        self.answered();
    }

    /// The last message that answers a message of an extended group.
    pub(super) fn answered(&mut self) {
        if let Some(group) = self.groups.front_mut() {
            group.unanswered = group.unanswered.saturating_sub(1);
        }
    }

    /// ParseComplete or CloseComplete: what it confirms.
    pub(super) fn confirmed(&mut self) -> Option<Pending> {
        self.groups.front_mut()?.pending.pop_front()
    }

    /// ReadyForQuery. What the groups that it ends leave behind, if they did not fail. One that
    /// nobody asked for changes the status only.
    pub(super) fn ready(&mut self, status: TransactionStatus, mut effect: impl FnMut(Effect)) {
        self.status = status;
        self.copy_in = false;
        while let Some(mut group) = self.groups.pop_front() {
            let ended = group.kind != Kind::Open;
            if !group.failed {
                group.effects.drain(..).for_each(&mut effect);
            }
            if self.spare.len() < SPARE {
                group.clear();
                self.spare.push(group);
            }
            if ended {
                break;
            }
        }
    }

    /// The server is gone, and with it everything it owed; a new one has this status.
    pub(super) fn reset(&mut self, status: TransactionStatus) {
        self.groups.clear();
        self.copy_in = false;
        self.status = status;
    }

    fn push(&mut self, kind: Kind) -> &mut Group {
        let mut group = self.spare.pop().unwrap_or_default();
        group.kind = kind;
        self.groups.push_back(group);
        let last = self.groups.len() - 1;
        &mut self.groups[last]
    }
}
