//! The server's messages.

use bytes::BytesMut;

use super::abandon;
use super::detail::Detail;
use super::effect::{Effect, Look};
use super::lease::{Phase, Step};
use super::machine::{Frame, Outputs, Relayed, Session, add_hint};
use super::pipeline::{Done, Entry, Expect, Origin};
use super::retry::Conflict;
use super::server_state::ServerState;
use super::statements;
use crate::compat::parameters::{Level, TransactionEnd};
use crate::wire::backend::{self, ParameterStatus, TransactionStatus};
use crate::wire::{ErrorFields, SqlState, encode};

/// What PostgreSQL says to a statement whose result is not what it was when it was prepared
/// (`RevalidateCachedQuery`, `src/backend/utils/cache/plancache.c`).
const CHANGED: &[u8] = b"cached plan must not change result type";

/// The body of CommandComplete of a ROLLBACK, also of a COMMIT of what has failed.
const ROLLBACK: &[u8] = b"ROLLBACK\0";

/// The body of a DataRow whose one column is true.
const TRUE: &[u8] = b"\0\x01\0\0\0\x01t";

impl Session {
    /// A message from the server. What goes to the client in front of it, or in its place, goes
    /// to the output.
    pub fn backend(
        &mut self,
        frame: Frame<'_>,
        server: &mut ServerState,
        out: &mut Outputs<'_>,
    ) -> Relayed {
        if self.pipeline.has_local() {
            self.answer_locals(out.client);
        }
        match frame.tag {
            backend::READY_FOR_QUERY => return self.ready(frame, server, out),
            backend::ERROR_RESPONSE => return self.error(frame, server, out),
            backend::PARAMETER_STATUS => {
                if let Ok(ParameterStatus { name, value }) = ParameterStatus::read(frame.body) {
                    server.report(name, value);
                    self.news = true;
                }
                return Relayed::Swallow;
            }
            backend::NOTICE_RESPONSE if self.level != Level::Debug5 => {
                let fields = ErrorFields::read(frame.body).ok();
                let severity = fields.and_then(|it| it.field(b'V').or_else(|| it.field(b'S')));
                if frame.is_complete() && !self.level.lets_pass(severity.unwrap_or_default()) {
                    return Relayed::Swallow;
                }
            }
            backend::COMMAND_COMPLETE => self.rolled_back = frame.body == ROLLBACK,
            backend::NOTIFICATION_RESPONSE => return self.notification(frame, server, out.client),
            _ => {}
        }
        let Some(&Entry { expect, origin, .. }) = self.pipeline.front() else {
            return Relayed::Forward;
        };
        let answers = match frame.tag {
            backend::PARSE_COMPLETE => expect == Expect::Parse,
            backend::BIND_COMPLETE => expect == Expect::Bind,
            backend::CLOSE_COMPLETE => expect == Expect::Close,
            backend::PARAMETER_DESCRIPTION => {
                self.described(frame);
                false
            }
            backend::ROW_DESCRIPTION | backend::NO_DATA => {
                self.described(frame);
                matches!(expect, Expect::DescribeStatement | Expect::DescribePortal)
            }
            backend::COMMAND_COMPLETE
            | backend::EMPTY_QUERY_RESPONSE
            | backend::PORTAL_SUSPENDED => expect == Expect::Execute,
            backend::COPY_IN_RESPONSE => {
                self.pipeline.copy_in_response();
                false
            }
            backend::DATA_ROW => {
                if let Phase::Injecting(Step::ReadBack { rows, failed, .. }) = &mut self.phase {
                    *failed |= !frame.is_complete() || rows.row(frame.body).is_err();
                }
                if let Phase::Injecting(Step::Effect { is_there, .. }) = &mut self.phase {
                    *is_there = frame.body == TRUE;
                }
                false
            }
            _ => false,
        };
        if frame.tag == backend::EMPTY_QUERY_RESPONSE
            && let Some(Detail::Deallocate(_)) = self.pipeline.front_detail()
        {
            // The server was given nothing to do.
            encode::command_complete("DEALLOCATE", out.client);
            if let Some(done) = self.pipeline.complete() {
                self.succeeded(done, server, out);
            }
            self.answer_locals(out.client);
            return Relayed::Swallow;
        }
        let relayed = if origin == Origin::Injected {
            Relayed::Swallow
        } else {
            Relayed::Forward
        };
        if !answers {
            return relayed;
        }
        if let Some(done) = self.pipeline.complete() {
            self.succeeded(done, server, out);
        }
        self.with_locals(relayed, frame, out.client)
    }

    /// A message that describes what the client, or we, have asked for.
    fn described(&mut self, frame: Frame<'_>) {
        if let Some(Detail::Describe { digest, .. } | Detail::Check { digest, .. }) =
            self.pipeline.front_detail()
        {
            digest.add(frame.tag, frame.body, frame.is_complete());
        }
    }

    /// Answers what is ours to answer behind a message.
    #[inline]
    fn with_locals(
        &mut self,
        relayed: Relayed,
        frame: Frame<'_>,
        to_client: &mut BytesMut,
    ) -> Relayed {
        if !self.pipeline.has_local() || !frame.is_complete() {
            return relayed;
        }
        if relayed == Relayed::Forward {
            to_client.extend_from_slice(frame.raw);
        }
        self.answer_locals(to_client);
        Relayed::Swallow
    }

    /// Answers what is ours to answer now.
    #[inline(never)]
    fn answer_locals(&mut self, to_client: &mut BytesMut) {
        while let Some(done) = self.pipeline.take_local() {
            if let Some(Detail::Close(name)) = done.detail {
                self.statements.remove(&name);
                encode::close_complete(to_client);
            }
        }
    }

    /// A message has been answered without an error.
    #[inline]
    fn succeeded(&mut self, done: Done, server: &mut ServerState, out: &mut Outputs<'_>) {
        self.flight.answered(done.entry.recorded);
        // Most have none, and get by without a call.
        if let Some(detail) = done.detail {
            self.carry_out(detail, server, out);
        }
    }

    /// What was to be done once a message had been answered.
    fn carry_out(&mut self, detail: Detail, server: &mut ServerState, out: &mut Outputs<'_>) {
        match detail {
            Detail::Parse { name, statement } => {
                self.parsed(&name);
                statement.proven.set(true);
                let since = server.prepared.analysed(statement.id);
                self.statements
                    .insert(name, statement, since.unwrap_or_default());
            }
            Detail::Describe { name, id, digest } => {
                let digest = digest.finish();
                server.prepared.describe(id, digest);
                if let Some(named) = self.statements.get_mut(&name) {
                    named.past.told = digest;
                }
            }
            Detail::Check { id, digest } => {
                // What cannot be compared is taken for the same: PostgreSQL compares it, too.
                server.prepared.describe(id, digest.finish());
                self.injected(server, out);
            }
            Detail::Close(name) => {
                self.statements.remove(&name);
            }
            Detail::ForgetStatements => self.statements.clear(),
            Detail::Deallocate(name) => {
                self.statements.remove(&name);
            }
            Detail::Awaited => self.injected(server, out),
            Detail::Signal(signal, pid) => self.signal(signal, pid),
            Detail::Fails(_) => self.work.spoilt = Some("it accepted what it had to refuse"),
            Detail::ParseUnnamed(serial) | Detail::DropUnnamed(serial) => {
                self.statements.unnamed_confirmed(serial);
            }
            Detail::Prepare { .. } | Detail::Named(_) => {}
        }
    }

    /// A message has failed, or will be skipped.
    fn failed(&mut self, done: Done, skipped: bool, server: &mut ServerState) {
        self.flight.answered(done.entry.recorded);
        match done.detail {
            Some(Detail::Parse { statement, .. }) => {
                statement.proven.set(false);
                server.prepared.remove(statement.id);
            }
            Some(Detail::Prepare { id }) => server.prepared.remove(id),
            // What it was for runs first, and finds out.
            Some(Detail::Named(name)) => self.work.ungiven = Some(name),
            Some(Detail::DropUnnamed(serial)) => self.statements.unnamed_skipped(serial),
            Some(Detail::ParseUnnamed(serial)) if done.entry.origin == Origin::Injected => {
                self.statements.unnamed_not_brought(serial);
            }
            Some(Detail::ParseUnnamed(serial)) if skipped => {
                self.statements.unnamed_skipped(serial);
            }
            Some(Detail::ParseUnnamed(serial)) => self.statements.unnamed_failed(serial),
            _ => {}
        }
    }

    /// The message that is being answered has failed, and those behind it are skipped.
    fn give_up_group(&mut self, server: &mut ServerState) {
        let mut dropped = Vec::new();
        self.pipeline.error(|done| dropped.push(done));
        for (place, done) in dropped.into_iter().enumerate() {
            self.failed(done, place > 0, server);
        }
    }

    fn error(
        &mut self,
        frame: Frame<'_>,
        server: &mut ServerState,
        out: &mut Outputs<'_>,
    ) -> Relayed {
        let fields = if frame.is_complete() {
            ErrorFields::read(frame.body).ok()
        } else {
            None
        };
        if let Some(fields) = fields
            && fields.is_fatal()
        {
            // What it means for the client depends on what is in flight.
            self.fatal = Some(Box::new(fields.to_response()));
            return Relayed::Swallow;
        }
        if fields.is_some_and(is_cancellation) {
            server.cancel_seen();
            self.cancellations += 1;
        }
        let conflict = fields.and_then(Conflict::of);
        if let (Some(conflict), Some(fields)) = (conflict, fields)
            && !self.phase.is_injecting()
            && self.conflicts(conflict, fields)
        {
            self.give_up_group(server);
            return Relayed::Swallow;
        }
        if let Phase::Injecting(step) = &mut self.phase
            && step.catch(fields)
        {
            self.give_up_group(server);
            return Relayed::Swallow;
        }
        if let Some(effect) = fields.and_then(|fields| self.effect(fields)) {
            self.pipeline.error(|_| {});
            self.will_look(effect);
            return Relayed::Swallow;
        }
        let refused = match self.pipeline.front_detail() {
            Some(Detail::Fails(error)) => {
                let ours =
                    fields.and_then(|fields| fields.sqlstate()) == Some(SqlState::UNDEFINED_COLUMN);
                ours.then(|| error.clone())
            }
            _ => None,
        };
        if fields.is_some_and(|fields| fields.message() == CHANGED) {
            // Who prepares the same now must not get the old one.
            server.prepared.clear();
        }
        self.work.rejected |= fields.is_some_and(is_rejection);
        let name = fields.and_then(|fields| statements::name_in(fields.message()));
        if name.is_some()
            && fields.and_then(|fields| fields.sqlstate()) == Some(SqlState::INVALID_STATEMENT_NAME)
        {
            // Somebody has dropped it unseen.
            server.prepared.clear();
        }
        self.give_up_group(server);
        if matches!(self.phase, Phase::Injecting(Step::Check)) {
            self.phase = Phase::Working;
        }
        // It is not repeated, and the client may wait for the error before it says more.
        self.let_replies_go();
        self.rejections
            .extend(refused.as_ref().map(|error| error.sqlstate));
        let refused = refused.or_else(|| self.first_conflict());
        self.answers += 1;
        if let Some(error) = refused {
            error.encode(out.client);
            return Relayed::Swallow;
        }
        match fields {
            Some(fields) if self.rename(fields, name.as_deref(), out.client) => Relayed::Swallow,
            Some(fields) if add_hint(fields, out.client) => Relayed::Swallow,
            _ => Relayed::Forward,
        }
    }

    /// An error that speaks of a statement by our name for it is told with the client's. False if
    /// it speaks of none.
    fn rename(
        &self,
        fields: ErrorFields<'_>,
        ours: Option<&[u8]>,
        to_client: &mut BytesMut,
    ) -> bool {
        let Some(ours) = ours else {
            return false;
        };
        let Some(theirs) = self.statements.name_of(ours) else {
            return false;
        };
        let message = fields.message();
        let Some(at) = memchr::memmem::find(message, ours) else {
            return false;
        };
        let behind = message.get(at + ours.len()..).unwrap_or_default();
        encode::frame(backend::ERROR_RESPONSE, to_client, |body| {
            for (code, value) in fields.iter() {
                body.extend_from_slice(&[code]);
                if code == b'M' {
                    body.extend_from_slice(message.get(..at).unwrap_or_default());
                    body.extend_from_slice(&theirs);
                    encode::cstr(behind, body);
                } else {
                    encode::cstr(value, body);
                }
            }
            body.extend_from_slice(&[0]);
        });
        true
    }

    fn ready(
        &mut self,
        frame: Frame<'_>,
        server: &mut ServerState,
        out: &mut Outputs<'_>,
    ) -> Relayed {
        let Ok(status) = TransactionStatus::read(frame.body) else {
            self.work.spoilt = Some("it broke the protocol");
            return Relayed::Swallow;
        };
        let failed = self.pipeline.is_failed();
        let Some(mut done) = self.pipeline.ready(status) else {
            // Nobody asked for it.
            self.work.spoilt = Some("it broke the protocol");
            return Relayed::Swallow;
        };
        if done.entry.origin == Origin::Injected {
            self.succeeded(done, server, out);
            return Relayed::Swallow;
        }
        if let Some(effect) = self.take_effect() {
            return self.look(effect, out);
        }
        self.answers += 1;
        self.work.dirty_in = self.work.dirty_in.saturating_sub(1);
        if let Some(name) = self.work.ungiven.take() {
            self.work.named.retain(|(other, _)| *other != name);
        }
        for id in self.work.soiled.drain(..) {
            server.prepared.remove(id);
        }
        if failed {
            // A Query that fails has dropped the unnamed statement before.
            done.detail = done
                .detail
                .filter(|detail| matches!(detail, Detail::DropUnnamed(_)));
        }
        self.succeeded(done, server, out);
        let last = self.pipeline.is_empty();
        if last && self.end_unit(failed) {
            return self.repeat(status, out);
        }
        if !last {
            // What has been answered cannot be repeated.
            self.let_replies_go();
        }
        self.flight.ended(last);
        if let Some(reason) = self.work.pin {
            if !failed || (last && reason.outlives_rollback() && !self.work.refused()) {
                self.pin(reason);
                self.work.pin = None;
            } else if last {
                self.work.pin = None;
                self.sequence_pin = None;
            }
        }
        if last {
            (self.work.ran, self.work.rejected) = (0, false);
        } else if status == TransactionStatus::Idle && self.work.dirty {
            self.work.unread |= self.work.dirty_in == 0;
        }
        if status == TransactionStatus::Idle {
            let how = if failed || self.rolled_back {
                TransactionEnd::RolledBack
            } else {
                TransactionEnd::Committed
            };
            self.transaction_ended(how);
        }
        if last && self.work.dirty && self.has_to_read_back(status) {
            self.read_back(status, out.server);
            return Relayed::Swallow;
        }
        if last && status == TransactionStatus::Idle {
            self.work.in_flux = false;
        }
        if self.news {
            self.say_ready(Some(server), status, out.client);
            return self.with_locals(Relayed::Swallow, frame, out.client);
        }
        self.with_locals(Relayed::Forward, frame, out.client)
    }

    /// DDL has failed whose effect may be there.
    fn look(&mut self, Effect { tag, look }: Effect, out: &mut Outputs<'_>) -> Relayed {
        match look {
            Look::Seen => self.looked(Some(&tag), out.client),
            Look::Ask { make, compare } => {
                let block = [
                    Some(&b"BEGIN"[..]),
                    make.as_deref(),
                    Some(compare.as_bytes()),
                ];
                for sql in block.into_iter().flatten() {
                    encode::query(sql, out.server);
                    self.pipeline.push(Expect::Query, Origin::Injected, 0, None);
                }
                self.rolls_back(out.server);
                self.phase = Phase::Injecting(Step::Effect {
                    tag,
                    is_there: false,
                });
            }
        }
        Relayed::Swallow
    }

    /// It is known whether the effect is there of DDL that has met a conflict and then another
    /// error: the client gets its tag, or the conflict.
    pub(super) fn looked(&mut self, tag: Option<&str>, to_client: &mut BytesMut) {
        let conflict = self.first_conflict();
        self.end_unit(tag.is_none());
        self.flight.ended(true);
        self.answers += 1;
        let how = match tag {
            Some(_) => TransactionEnd::Committed,
            None => TransactionEnd::RolledBack,
        };
        self.transaction_ended(how);
        match (tag, conflict) {
            (Some(tag), _) => encode::command_complete(tag, to_client),
            (None, Some(conflict)) => conflict.encode(to_client),
            (None, None) => {}
        }
        encode::ready_for_query(TransactionStatus::Idle, to_client);
    }

    /// The unit that has ended is repeated.
    fn repeat(&mut self, status: TransactionStatus, out: &mut Outputs<'_>) -> Relayed {
        let begin = self.rewind();
        if status == TransactionStatus::Idle {
            self.work.dirty = false;
        } else if let Some(begin) = begin {
            self.roll_back(begin, out.server);
        }
        Relayed::Swallow
    }

    /// Whether parameters have to be read back now: at the end of a transaction, and in a block if
    /// they may have gone back to defaults that are not this client's.
    fn has_to_read_back(&self, status: TransactionStatus) -> bool {
        match status {
            TransactionStatus::Idle => true,
            TransactionStatus::InTransaction => self.work.reset && !self.startup.is_empty(),
            TransactionStatus::Failed => false,
        }
    }
}

/// Whether an error says that somebody has asked for it. In other words than these, in another
/// language or after a timeout, it may be another's doing.
fn is_cancellation(fields: ErrorFields<'_>) -> bool {
    fields.sqlstate() == Some(SqlState::QUERY_CANCELED)
        && fields.message() == abandon::CANCELED.as_bytes()
}

/// Whether an error says that its statement has not begun to run: it is wrong, not supported, or
/// comes in a failed block.
fn is_rejection(fields: ErrorFields<'_>) -> bool {
    fields.sqlstate().is_some_and(|code| {
        ["42", "0A", "25"]
            .iter()
            .any(|c| code.as_str().starts_with(c))
    })
}

impl Step {
    /// Takes an error that belongs to what we have injected. False if it is the client's.
    fn catch(&mut self, fields: Option<ErrorFields<'_>>) -> bool {
        let response = fields.map(|fields| Box::new(fields.to_response()));
        match self {
            Self::Settings { error, .. } | Self::Begin { error } | Self::Restore { error, .. } => {
                *error = response;
                true
            }
            Self::ReadBack { failed, error, .. } => {
                (*failed, *error) = (true, response);
                true
            }
            Self::Effect { is_there, .. } => {
                *is_there = false;
                true
            }
            // Then the EXECUTE fails, too, and says so.
            Self::Fail | Self::Rollback | Self::Name => true,
            Self::Check => false,
        }
    }
}
