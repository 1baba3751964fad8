//! What it takes to go on with another server.
//!
//! Of a DSQL session only parameters and prepared statements outlive a transaction. They are
//! kept here as the messages that made them.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};

use crate::wire::encode;
use crate::wire::frontend::{self, Parse};

/// The most that is kept of one session, in bytes.
const MAX_BYTES: usize = 1024 * 1024;

/// What a session has on its server.
#[derive(Debug, Default)]
pub struct Continuity {
    statements: BTreeMap<Bytes, Bytes>,
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

    /// A named statement is being prepared. A second Parse of a name counts instead of the
    /// first: if the first one had worked, the second would be the client's mistake.
    pub(super) fn parse(&mut self, name: &[u8], body: &[u8]) {
        if name.is_empty() || !self.has_room(name.len() + body.len()) {
            return;
        }
        let old = self
            .statements
            .insert(Bytes::copy_from_slice(name), Bytes::copy_from_slice(body));
        self.bytes -= old.map_or(0, |old| old.len() + name.len());
    }

    /// The text of a named statement.
    pub(super) fn sql(&self, name: &[u8]) -> Option<Bytes> {
        let body = self.statements.get(name)?;
        Parse::read(body)
            .ok()
            .map(|parse| body.slice_ref(parse.sql))
    }

    /// A named statement is closed.
    pub(super) fn close(&mut self, name: &[u8]) {
        if let Some(body) = self.statements.remove(name) {
            self.bytes -= name.len() + body.len();
        }
    }

    /// All statements are closed (DEALLOCATE ALL).
    pub(super) fn close_all(&mut self) {
        for (name, body) in std::mem::take(&mut self.statements) {
            self.bytes -= name.len() + body.len();
        }
    }

    /// A parameter is set for the session.
    pub(super) fn set(&mut self, sql: &[u8]) {
        if self.has_room(sql.len()) {
            self.settings.push(Bytes::copy_from_slice(sql));
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
            self.statements.clear();
            self.settings.clear();
            self.lose("its prepared statements take more than 1 MiB");
        }
        self.lost.is_none()
    }

    /// The messages that rebuild the session, each answered by one ReadyForQuery; how many
    /// there are. A statement or setting that failed the first time fails again, alone.
    pub fn replay(&self, out: &mut BytesMut) -> usize {
        for sql in &self.settings {
            encode::query(sql, out);
        }
        for body in self.statements.values() {
            encode::frame(frontend::PARSE, out, |out| out.extend_from_slice(body));
            encode::sync(out);
        }
        self.settings.len() + self.statements.len()
    }
}
