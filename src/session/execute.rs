//! SQL's EXECUTE of a statement that the client has prepared by a message, and its PREPARE of one
//! of the same name, which has to fail.
//!
//! Servers know such a statement under a name of ours. Where the client names it in SQL, it is
//! prepared under the client's own name as well. That name means something else to others, so
//! that the session keeps this server from then on.

use bytes::{Bytes, BytesMut};

use super::detail::Detail;
use super::extended::Found;
use super::lease::{Phase, Step};
use super::machine::{Flow, Session};
use super::pipeline::{Expect, Origin};
use super::statements::Statement;
use crate::sql::{self, PinReason};
use crate::wire::backend::TransactionStatus;
use crate::wire::encode;
use crate::wire::frontend;

impl Session {
    /// A Query that is an EXECUTE or a PREPARE: what has to be done first, if anything has to.
    pub(super) fn name_for_query(&mut self, sql: &[u8], to_server: &mut BytesMut) -> Option<Flow> {
        let name = sql::named_by_sql(sql)?;
        if self.pipeline.owed() > 0 {
            return Some(Flow::Hold);
        }
        if self.pipeline.status() == TransactionStatus::Failed {
            return None;
        }
        if self.pipeline.is_open() {
            // In the client's group: if that fails, the Query is skipped, too.
            self.give_name(&name, to_server);
            return None;
        }
        self.give_name(&name, to_server)?;
        self.await_statements(0, to_server);
        self.phase = Phase::Injecting(Step::Name);
        Some(Flow::Hold)
    }

    /// True if the session has, or may have, statements on its server that SQL has prepared.
    pub(super) fn prepares_in_sql(&self) -> bool {
        let reason = Some(PinReason::SqlPrepare);
        self.pin == reason || self.work.pin == reason
    }

    /// True if the server knows a statement by the client's own name for it.
    pub(super) fn has_own_name(&self, name: &[u8]) -> bool {
        self.work.named.iter().any(|(other, _)| other == name)
    }

    /// Prepares a statement under the client's own name, which fails if SQL has prepared one of
    /// that name.
    pub(super) fn parse_own_name(
        &mut self,
        name: &Bytes,
        statement: &Statement,
        to_server: &mut BytesMut,
    ) {
        statement.parse_as(name, to_server);
        let detail = Some(Detail::Named(name.clone()));
        self.pipeline
            .push(Expect::Parse, Origin::Injected, 0, detail);
        self.work.named.retain(|(other, _)| other != name);
        self.work.named.push((name.clone(), statement.id));
    }

    /// The same in front of a Parse, in whose group it goes: if it fails, so does the Parse.
    pub(super) fn name_for_parse(&mut self, sql: &[u8], to_server: &mut BytesMut) {
        if let Some(name) = sql::named_by_sql(sql) {
            self.give_name(&name, to_server);
        }
    }

    /// The same in front of a Query that ends the client's group.
    pub(super) fn name_in_group(&mut self, name: &[u8], to_server: &mut BytesMut) {
        self.give_name(name, to_server);
    }

    /// Prepares a statement under the client's name. `None` if there is no such statement, or the
    /// server has it.
    fn give_name(&mut self, name: &[u8], to_server: &mut BytesMut) -> Option<()> {
        let Found::Named(statement, _) = self.find(name) else {
            return None;
        };
        let known = |(other, id): &(Bytes, u64)| **other == *name && *id == statement.id;
        if self.work.named.iter().any(known) {
            return None;
        }
        self.pin(PinReason::SqlPrepare);
        // There may be another statement of this name: Close is no error if there is none.
        encode::frame(frontend::CLOSE, to_server, |body| {
            body.extend_from_slice(b"S");
            encode::cstr(name, body);
        });
        self.pipeline.push(Expect::Close, Origin::Injected, 0, None);
        self.parse_own_name(&Bytes::copy_from_slice(name), &statement, to_server);
        Some(())
    }
}
