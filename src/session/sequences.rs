//! Sessions that keep their server because they may ask it for the sequence value that they got
//! last.
//!
//! `currval()` and `lastval()` speak of the connection that they run on. A session that has called
//! nextval() keeps its server, so that it can ask; where somebody has asked before, any session
//! that writes does. So that this cannot take all servers from the others, only half of a pool may
//! be kept for it. Who is beyond that is told that the value is not known, should it ask: never
//! another session's value.

use std::cell::Cell;
use std::rc::Rc;

use super::machine::SessionOptions;
use crate::sql::Traits;

/// How many sessions of a pool keep their server for its sequences.
#[derive(Debug)]
pub struct SequencePins {
    kept: Cell<usize>,
    limit: usize,
    /// Somebody has asked for a value.
    asked: Cell<bool>,
}

/// A session that keeps its server for its sequences, until this is dropped.
#[derive(Debug)]
pub(super) struct SequencePin(Rc<SessionOptions>);

impl SequencePins {
    /// For a pool of so many servers.
    pub fn new(servers: usize) -> Self {
        Self {
            kept: Cell::new(0),
            limit: if servers > 1 { servers.div_ceil(2) } else { 0 },
            asked: Cell::new(false),
        }
    }

    /// True if a session that runs a statement with these traits has to keep its server, and may.
    pub(super) fn wants(&self, traits: Traits) -> bool {
        // In DDL, a call is a default that is yet to be evaluated.
        let calls = traits.contains(Traits::SEQUENCE_CALL) && !traits.contains(Traits::DDL);
        let wanted = calls || (self.asked.get() && traits.contains(Traits::SEQUENCE_WRITE));
        wanted && self.kept.get() < self.limit
    }
}

impl SequencePin {
    /// For a session that runs a statement with these traits, if it has to keep its server and
    /// may.
    pub(super) fn take(options: &Rc<SessionOptions>, traits: Traits) -> Option<Self> {
        let pins = &options.sequences;
        if traits.contains(Traits::SEQUENCE_READ) {
            pins.asked.set(true);
        }
        if !pins.wants(traits) {
            return None;
        }
        pins.kept.set(pins.kept.get() + 1);
        Some(Self(Rc::clone(options)))
    }
}

impl Drop for SequencePin {
    fn drop(&mut self) {
        let kept = &self.0.sequences.kept;
        kept.set(kept.get().saturating_sub(1));
    }
}
