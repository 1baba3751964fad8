//! Optimistic concurrency: what ends in a conflict is sent once more, while the client has seen
//! nothing of it.
//!
//! A *unit* is what the client sends between two moments at which everything is answered. One that
//! commits itself, or that is the first after BEGIN, can be repeated as a whole: its messages are
//! in the flight recorder, and the replies to it are held back. For a read they are let go with
//! the first row; for a write with ReadyForQuery, since the conflict may come after
//! CommandComplete, at Sync.

use bytes::{Bytes, BytesMut};

use super::effect::{Effect, effect};
use super::flight::Running;
use super::machine::Session;
use super::repeat::Repeat;
use crate::sql::Traits;
use crate::wire::backend::TransactionStatus;
use crate::wire::{ErrorFields, ErrorResponse, SqlState};

/// What is known of the unit in flight.
#[derive(Debug, Default)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "facts that are independent of one another"
)]
pub(super) struct Unit {
    /// Replies are held back.
    hold: bool,
    /// It may write.
    writes: bool,
    /// The BEGIN in front of it, which has to be repeated with it.
    begin: Option<Bytes>,
    /// Names of statements that it has prepared.
    parsed: Vec<Bytes>,
    /// It has met a conflict, and will be repeated after ReadyForQuery.
    pub(super) conflict: bool,
    /// How often it has been repeated.
    repeated: usize,
    /// It has DDL, whose effect may be there in spite of the error.
    ddl: bool,
    /// The conflict that DDL has met first.
    first: Option<Box<ErrorResponse>>,
    /// How to find out whether its effect is there, now that it has failed once more.
    effect: Option<Effect>,
}

/// Which of DSQL's conflicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Conflict {
    /// OC000: another transaction has changed the same rows.
    Data,
    /// OC001: the schema has changed.
    Schema,
}

impl Conflict {
    /// The conflict that an error speaks of (DSQL's texts end with the code in parentheses, seen
    /// 2026-09).
    pub(super) fn of(fields: ErrorFields<'_>) -> Option<Self> {
        if fields.sqlstate() != Some(SqlState::SERIALIZATION_FAILURE) {
            return None;
        }
        let says = |code: &[u8]| memchr::memmem::find(fields.message(), code).is_some();
        if says(b"OC001") {
            Some(Self::Schema)
        } else {
            says(b"OC000").then_some(Self::Data)
        }
    }
}

impl Session {
    /// A message comes while everything is answered.
    pub(super) fn begin_unit(&mut self) {
        let autocommit = self.pipeline.status() == TransactionStatus::Idle;
        let is_repetition = std::mem::take(&mut self.replaying);
        // In place, since it is done for every transaction.
        let Unit {
            hold,
            writes,
            begin,
            parsed,
            conflict,
            repeated,
            ddl,
            effect,
            first,
        } = &mut self.unit;
        *begin = self.next_begin.take();
        *hold = self.options.attempts > 1 && (autocommit || begin.is_some());
        (*writes, *conflict, *ddl) = (false, false, false);
        *effect = None;
        parsed.clear();
        if !is_repetition {
            *repeated = 0;
            *first = None;
        }
    }

    /// A BEGIN that was held back has been sent, and nothing behind it.
    pub(super) fn block_begun(&mut self, begin: Bytes) {
        self.next_begin = Some(begin);
    }

    /// A statement runs in the unit.
    pub(super) fn runs(&mut self, traits: Traits, repeat: Repeat) {
        self.unit.writes |= traits.contains(Traits::SEQUENCE_WRITE);
        self.unit.ddl |= repeat == Repeat::Ddl;
        if repeat == Repeat::No {
            self.let_replies_go();
        }
    }

    /// True between a conflict and the ReadyForQuery behind it.
    pub(super) fn meets_conflict(&self) -> bool {
        self.unit.conflict
    }

    /// True if a conflict has undone what has been held back of replies: the client must not get
    /// them.
    pub fn is_repeating(&self) -> bool {
        self.unit.conflict || self.again.is_some()
    }

    /// A statement has been prepared under this name.
    pub(super) fn parsed(&mut self, name: &Bytes) {
        if self.unit.hold {
            self.unit.parsed.push(name.clone());
        }
    }

    /// True while replies are not to reach the client.
    pub fn holds_replies(&self) -> bool {
        self.unit.hold
    }

    /// Replies go to the client from now on, and the unit is not repeated.
    pub fn let_replies_go(&mut self) {
        self.unit.hold = false;
    }

    /// Rows come.
    pub fn rows_come(&mut self) {
        if self.unit.hold && !self.unit.writes {
            self.let_replies_go();
        }
    }

    /// A conflict has been reported. True if the unit will be repeated and the client is not told.
    pub(super) fn conflicts(&mut self, conflict: Conflict, fields: ErrorFields<'_>) -> bool {
        self.counts.conflicts[usize::from(conflict == Conflict::Schema)] += 1;
        let unit = &mut self.unit;
        let alone = self.pipeline.owed() == 1 && !self.pipeline.is_open();
        if !unit.hold || !alone || self.flight.whole().is_none() {
            return false;
        }
        if unit.repeated + 1 >= self.options.attempts {
            self.counts.exhausted += 1;
            return false;
        }
        unit.conflict = true;
        if unit.ddl && unit.first.is_none() {
            unit.first = Some(Box::new(fields.to_response()));
        }
        true
    }

    /// How to find out whether the effect is there of DDL that fails now that it is repeated.
    pub(super) fn effect(&self, fields: ErrorFields<'_>) -> Option<Effect> {
        self.unit.first.as_ref()?;
        if !self.unit.hold || !self.pipeline.is_last() {
            return None;
        }
        let mut statements = Vec::new();
        self.flight.statements(&self.statements, |running| {
            if let Running::Known(sql) = running {
                statements.push(sql.to_vec());
            }
        });
        match &statements[..] {
            [sql] => effect(sql, fields.sqlstate()?),
            _ => None,
        }
    }

    /// The statement has failed, but that is not the last word on it.
    pub(super) fn will_look(&mut self, effect: Effect) {
        self.unit.effect = Some(effect);
    }

    /// ReadyForQuery has come: what there is to look at, if anything.
    pub(super) fn take_effect(&mut self) -> Option<Effect> {
        self.unit.effect.take()
    }

    /// The error that the client gets in the place of one that repeated DDL has met.
    pub(super) fn first_conflict(&mut self) -> Option<Box<ErrorResponse>> {
        if self.unit.ddl {
            self.unit.first.take()
        } else {
            None
        }
    }

    /// The unit has come to its end. True if it is to be repeated instead.
    pub(super) fn end_unit(&mut self, failed: bool) -> bool {
        if self.unit.conflict {
            self.unit.conflict = false;
            self.unit.repeated += 1;
            return true;
        }
        if self.unit.repeated > 0 && self.unit.hold {
            if failed {
                self.counts.retries_failed += u64::from(!self.unit.conflict);
            } else {
                self.counts.retries_succeeded += 1;
            }
        }
        self.unit.hold = false;
        false
    }

    /// Forgets what the unit has done so far, before it is repeated.
    pub(super) fn rewind(&mut self) -> Option<Bytes> {
        for name in std::mem::take(&mut self.unit.parsed) {
            self.statements.remove(&name);
        }
        let messages = self.flight.whole().map(BytesMut::from).unwrap_or_default();
        self.flight.clear();
        self.again = Some(messages);
        self.replaying = true;
        self.unit.begin.clone()
    }

    /// The client's messages that are to be looked at once more, in front of those that have come
    /// since, and how often that has happened. What has been held back of replies is void.
    pub fn take_again(&mut self) -> Option<(BytesMut, usize)> {
        if !self.phase.may_work() {
            return None;
        }
        self.again
            .take()
            .map(|messages| (messages, self.unit.repeated))
    }
}
