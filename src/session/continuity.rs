//! What it takes to go on with another server.
//!
//! Of a DSQL session only parameters and prepared statements outlive a transaction. They are
//! kept here as the messages that made them, once the server has confirmed them.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};

use super::pipeline::Effect;
use crate::wire::encode;
use crate::wire::frontend::{self, Parse};

/// The most that is kept of one session, in bytes.
const MAX_BYTES: usize = 1024 * 1024;

/// What a session has on its server.
#[derive(Debug, Default)]
pub struct Continuity {
    statements: BTreeMap<Bytes, Bytes>,
    /// The body of the last Parse of the unnamed statement; empty if there was none.
    unnamed: BytesMut,
    settings: Vec<Bytes>,
    bytes: usize,
    /// Why it cannot be rebuilt, if it cannot.
    lost: Option<&'static str>,
}

impl Continuity {
    /// Why the session cannot go on with another server, or `None` if it can.
    pub fn lost(&self) -> Option<&'static str> {
        self.lost
    }

    /// A named statement has been prepared by a Parse with this body.
    pub(super) fn prepared(&mut self, name: Bytes, body: Bytes) {
        if self.has_room(name.len() + body.len()) {
            self.close(&name);
            self.statements.insert(name, body);
        }
    }

    /// The unnamed statement is being prepared. Whether it works or not, the one before is gone.
    pub(super) fn unnamed(&mut self, body: &[u8]) {
        self.unnamed.clear();
        self.unnamed.extend_from_slice(body);
    }

    /// The text of a statement.
    pub(super) fn sql(&self, name: &[u8]) -> Option<&[u8]> {
        let body: &[u8] = if name.is_empty() {
            &self.unnamed
        } else {
            self.statements.get(name)?
        };
        Parse::read(body).ok().map(|parse| parse.sql)
    }

    /// A named statement is closed.
    pub(super) fn close(&mut self, name: &[u8]) {
        if let Some(body) = self.statements.remove(name) {
            self.bytes = self.bytes.saturating_sub(name.len() + body.len());
        }
    }

    /// A statement has succeeded that leaves something behind.
    pub(super) fn apply(&mut self, effect: Effect) {
        match effect {
            Effect::Set(sql) => {
                if self.has_room(sql.len()) {
                    self.settings.push(sql);
                }
            }
            Effect::Deallocate(name) => self.close(&name),
            Effect::DeallocateAll => {
                for name in self.statements.keys().cloned().collect::<Vec<_>>() {
                    self.close(&name);
                }
            }
        }
    }

    /// Something happened that is not understood well enough to be repeated.
    pub(super) fn lose(&mut self, why: &'static str) {
        self.lost.get_or_insert(why);
    }

    fn has_room(&mut self, bytes: usize) -> bool {
        if self.lost.is_some() {
            return false;
        }
        self.bytes += bytes;
        if self.bytes > MAX_BYTES {
            self.lose("its settings and prepared statements take more than 1 MiB");
        }
        self.lost.is_none()
    }

    /// The messages that rebuild the session, each answered by one ReadyForQuery; how many
    /// there are.
    pub fn replay(&self, out: &mut BytesMut) -> usize {
        for sql in &self.settings {
            encode::query(sql, out);
        }
        let unnamed = Some(&self.unnamed[..]).filter(|body| !body.is_empty());
        let statements = self
            .statements
            .values()
            .map(|body| &body[..])
            .chain(unnamed);
        let mut count = self.settings.len();
        for body in statements {
            encode::frame(frontend::PARSE, out, |out| out.extend_from_slice(body));
            encode::sync(out);
            count += 1;
        }
        count
    }
}
