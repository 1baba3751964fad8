//! Query and FunctionCall, and what can be answered without a server.

use bytes::{Bytes, BytesMut};

use super::detail::Detail;
use super::lease::Block;
use super::machine::{Flow, Frame, Mode, Outputs, Session, Want, refusal};
use super::pipeline::Expect;
use super::repeat::repeat;
use super::sequences::SequencePin;
use super::server_state::ServerState;
use crate::compat::parameters::TransactionEnd;
use crate::compat::{AdvisoryLocks, Ddl, FAILS, Plan};
use crate::sql::{self, Count, Deallocated, Glance, PinReason, StatementKind, Traits};
use crate::wire::backend::TransactionStatus;
use crate::wire::frontend::{self, Target};
use crate::wire::{ErrorResponse, SqlState, encode};

impl Session {
    /// A message while the session has no server: answered here if it can be.
    pub(super) fn without_server(&mut self, frame: Frame<'_>, replies: &mut BytesMut) -> Flow {
        self.seen = None;
        if self.watched
            && !self.direct
            && frame.tag == frontend::QUERY
            && query_text(frame).is_some()
        {
            // They add to whatever it comes to.
            return Flow::Adapt;
        }
        if let Some(error) = self.refusal.take() {
            return self.refuse(frame.tag, error, replies);
        }
        match frame.tag {
            frontend::QUERY => self.query_without_server(frame, replies),
            frontend::SYNC => {
                encode::ready_for_query(self.pipeline.status(), replies);
                Flow::Discard
            }
            // Nothing is copied, and there is nothing to flush. PostgreSQL ignores both.
            frontend::FLUSH | frontend::COPY_DATA | frontend::COPY_DONE | frontend::COPY_FAIL => {
                Flow::Discard
            }
            // The server may know it by the same name.
            frontend::CLOSE if self.prepares_in_sql() => Flow::NeedServer(Want::Any),
            frontend::CLOSE => match Target::read(frame.body) {
                Ok(target) => {
                    match target {
                        Target::Statement(b"") => self.statements.drop_unnamed(),
                        Target::Statement(name) => {
                            self.statements.remove(name);
                        }
                        // Portals end with their transaction.
                        Target::Portal(_) => {}
                    }
                    encode::close_complete(replies);
                    Flow::Discard
                }
                Err(_) => Flow::NeedServer(Want::Any),
            },
            frontend::BIND => {
                let traits = self.bound_traits(frame.body);
                Flow::NeedServer(self.want(traits))
            }
            frontend::PARSE if self.is_adapted_parse(frame) => Flow::Adapt,
            frontend::PARSE if self.block != Block::Broken && self.parse_without_server(frame) => {
                encode::parse_complete(replies);
                Flow::Discard
            }
            _ => Flow::NeedServer(Want::Any),
        }
    }

    /// The answer to a message that cannot be served.
    fn refuse(&mut self, tag: u8, error: Box<ErrorResponse>, replies: &mut BytesMut) -> Flow {
        match tag {
            // They ask for nothing.
            frontend::FLUSH | frontend::COPY_DATA | frontend::COPY_DONE | frontend::COPY_FAIL => {
                self.refusal = Some(error);
                return Flow::Discard;
            }
            frontend::QUERY | frontend::FUNCTION_CALL | frontend::SYNC => {
                self.reject(&error, replies);
                encode::ready_for_query(self.pipeline.status(), replies);
            }
            _ => {
                self.reject(&error, replies);
                self.mode = Mode::SkipUntilSync;
            }
        }
        Flow::Discard
    }

    fn query_without_server(&mut self, frame: Frame<'_>, replies: &mut BytesMut) -> Flow {
        let Some(sql) = query_text(frame) else {
            return Flow::NeedServer(Want::Any);
        };
        if !self.direct && (self.watched || self.options.policy.keeps_any()) {
            let glance = sql::glance(sql);
            if self.adapts(sql, glance) {
                return Flow::Adapt;
            }
        }
        let status = self.pipeline.status();
        match (&self.block, status) {
            (Block::None, TransactionStatus::Idle) => {
                if let Some(begin) = sql::plain_begin(sql) {
                    self.begun(frame);
                    self.block = Block::Held(Bytes::copy_from_slice(sql));
                    encode::command_complete(begin.tag, replies);
                    self.answer(TransactionStatus::InTransaction, replies);
                    return Flow::Discard;
                }
                if let Plan::Refuse(why) = self.options.policy.statement(sql) {
                    self.begun(frame);
                    self.reject(&refusal(&why), replies);
                    self.answer(TransactionStatus::Idle, replies);
                    return Flow::Discard;
                }
            }
            (Block::Held(_), _) => {
                if let Some(end) = sql::plain_end(sql) {
                    self.begun(frame);
                    self.block = Block::None;
                    encode::command_complete(end.tag(), replies);
                    self.transaction_ended(if end.tag() == "ROLLBACK" {
                        TransactionEnd::RolledBack
                    } else {
                        TransactionEnd::Committed
                    });
                    self.answer(TransactionStatus::Idle, replies);
                    return Flow::Discard;
                }
            }
            (Block::Broken, _) => {
                if sql::plain_end(sql).is_some() {
                    self.begun(frame);
                    self.block = Block::None;
                    // PostgreSQL answers COMMIT with this, too.
                    encode::command_complete("ROLLBACK", replies);
                    self.transaction_ended(TransactionEnd::RolledBack);
                    self.answer(TransactionStatus::Idle, replies);
                    return Flow::Discard;
                }
            }
            (Block::None, _) => {}
        }
        if status != TransactionStatus::Failed && self.deallocate(sql, replies) {
            self.begun(frame);
            return Flow::Discard;
        }
        let glance = sql::glance(sql);
        if self.adapts(sql, glance) {
            return Flow::Adapt;
        }
        self.seen = Some(glance);
        Flow::NeedServer(self.want(glance.traits))
    }

    /// True if a text takes more than one step, or another form, or the proxy has to say to it.
    pub(super) fn adapts(&self, sql: &[u8], glance: Glance) -> bool {
        let policy = &self.options.policy;
        !self.direct
            && (self.watched
                || (glance
                    .traits
                    .intersects(Traits::DDL | Traits::TIDY | Traits::DISCARD)
                    && policy.ddl == Ddl::Adapt)
                || (glance.traits.contains(Traits::ADVISORY_CALL)
                    && policy.advisory_locks != AdvisoryLocks::Forward)
                || (policy.keeps_any()
                    && (glance.first == StatementKind::Begin || policy.concerns(sql))))
    }

    fn is_adapted_parse(&self, frame: Frame<'_>) -> bool {
        if !frame.is_complete() {
            return false;
        }
        let Ok(parse) = frontend::Parse::read(frame.body) else {
            return false;
        };
        self.adapts_parse(parse.sql, sql::glance(parse.sql))
    }

    /// The same of a statement that is prepared.
    pub(super) fn adapts_parse(&self, sql: &[u8], glance: Glance) -> bool {
        let is_end = matches!(
            glance.first,
            StatementKind::Commit | StatementKind::Rollback
        );
        glance.count == Count::One
            && !(glance.traits.contains(Traits::DDL) && sql::is_asynchronous(sql))
            && (is_end || !self.watched || glance.traits.contains(Traits::DDL))
            && self.adapts(sql, glance)
    }

    /// True if messages have been sent of which not all is answered, or whose group is open.
    pub fn is_in_group(&self) -> bool {
        !self.pipeline.is_empty() || self.pipeline.is_open()
    }

    /// True if what comes is dropped up to Sync.
    pub fn skips(&self) -> bool {
        self.mode == Mode::SkipUntilSync || self.pipeline.is_skipping()
    }

    /// A Query that is answered here.
    fn begun(&mut self, _frame: Frame<'_>) {
        self.counts.statements += 1;
        self.statements.drop_unnamed();
    }

    fn answer(&mut self, status: TransactionStatus, replies: &mut BytesMut) {
        self.pipeline.set_status(status);
        encode::ready_for_query(status, replies);
    }

    /// DEALLOCATE of what the client has prepared by messages, which no server knows by that
    /// name. False if it is something else.
    fn deallocate(&mut self, sql: &[u8], replies: &mut BytesMut) -> bool {
        if sql::kind(sql) != StatementKind::Deallocate {
            return false;
        }
        let tag = match sql::single_statement(sql).and_then(sql::deallocated) {
            Some(Deallocated::All) if !self.prepares_in_sql() => {
                self.statements.clear();
                "DEALLOCATE ALL"
            }
            Some(Deallocated::All) => return false,
            Some(Deallocated::One(name)) if self.has_own_name(&name) => return false,
            Some(Deallocated::One(name)) if self.statements.remove(&name) => "DEALLOCATE",
            Some(Deallocated::One(_)) | None => return false,
        };
        encode::command_complete(tag, replies);
        encode::ready_for_query(self.pipeline.status(), replies);
        true
    }

    /// Query.
    pub(super) fn query(
        &mut self,
        frame: Frame<'_>,
        server: &mut ServerState,
        out: &mut Outputs<'_>,
    ) -> Flow {
        let Some(sql) = query_text(frame) else {
            self.work.pin = Some(PinReason::Unread);
            self.counts.statements += 1;
            self.statements.drop_unnamed();
            self.may_do(Traits::PARAMETERS | Traits::SEQUENCE_WRITE, server);
            self.let_replies_go();
            self.send(Expect::Query, frame, None);
            return Flow::Forward;
        };
        let glance = self.seen.take().unwrap_or_else(|| sql::glance(sql));
        if self.adapts(sql, glance) && !self.pipeline.is_open() {
            return if self.pipeline.is_empty() {
                Flow::Adapt
            } else {
                Flow::Hold
            };
        }
        if glance.first == StatementKind::Begin
            && self.pipeline.is_empty()
            && self.pipeline.status() == TransactionStatus::Idle
            && sql::plain_begin(sql).is_some()
        {
            return self.query_without_server(frame, out.client);
        }
        if glance.first == StatementKind::Set
            && let Plan::Refuse(why) = self.options.policy.statement(sql)
        {
            // Only between transactions is our refusal all there is to say: inside a block
            // DSQL has to refuse itself, so that the block really is aborted.
            if self.pipeline.owed() > 0 {
                return Flow::Hold;
            }
            if self.pipeline.is_empty() && self.pipeline.status() == TransactionStatus::Idle {
                self.begun(frame);
                self.reject(&refusal(&why), out.client);
                encode::ready_for_query(TransactionStatus::Idle, out.client);
                return Flow::Discard;
            }
        }
        if glance.first == StatementKind::Deallocate && glance.count == Count::One {
            if self.pipeline.owed() > 0 {
                return Flow::Hold;
            }
            if self.pipeline.is_empty()
                && self.pipeline.status() != TransactionStatus::Failed
                && self.deallocate(sql, out.client)
            {
                self.begun(frame);
                return Flow::Discard;
            }
            if self.pipeline.is_open()
                && let Some(name) = deallocated(sql)
            {
                self.name_in_group(&name, out.server);
            }
        }
        if let Some(flow) = self.sequences(glance.traits, server) {
            return flow;
        }
        if matches!(
            glance.first,
            StatementKind::Execute | StatementKind::Prepare
        ) && let Some(flow) = self.name_for_query(sql, out.server)
        {
            return flow;
        }
        if matches!(
            glance.first,
            StatementKind::Commit | StatementKind::Rollback
        ) || glance.traits.contains(Traits::TRANSACTION_CONTROL)
        {
            // COMMIT AND CHAIN, or another BEGIN behind it.
            self.chained += 1;
        }
        if let Some(plan) = self.process_plan(glance.traits, sql, b"") {
            return self.process_query(plan, frame, out);
        }
        if glance.traits.contains(Traits::SEQUENCE_READ)
            && !server.sequences.are_readable_by(self.id)
        {
            encode::query(FAILS, out.server);
            let error = Box::new(sequence_not_known());
            self.send(Expect::Query, frame, Some(Detail::Fails(error)));
            return Flow::Discard;
        }
        self.counts.statements += 1;
        self.work.ran += if glance.count == Count::Several { 2 } else { 1 };
        let dropped = self.drops_unnamed();
        let mut forgets = self.may_do(glance.traits, server);
        if forgets.is_some() {
            match one_deallocated(sql) {
                Some(name) => forgets = Some(Detail::Deallocate(name)),
                None => server.prepared.clear(),
            }
        }
        let detail = forgets.or(dropped);
        self.runs(glance.traits, repeat(sql, glance));
        self.send(Expect::Query, frame, detail);
        Flow::Forward
    }

    /// A Query drops the unnamed statement, or a Close of it, unless it is skipped.
    pub(super) fn drops_unnamed(&mut self) -> Option<Detail> {
        if self.is_sure() || self.statements.unnamed().is_none() {
            self.statements.drop_unnamed();
            return None;
        }
        Some(Detail::DropUnnamed(self.statements.may_drop_unnamed()))
    }

    /// FunctionCall.
    pub(super) fn function_call(&mut self, frame: Frame<'_>, server: &mut ServerState) -> Flow {
        self.may_do(Traits::UNKNOWN_FUNCTION | Traits::SEQUENCE_WRITE, server);
        self.let_replies_go();
        self.send(Expect::FunctionCall, frame, None);
        Flow::Forward
    }

    /// Notes what a statement that is about to run may do to the session and its server.
    pub(super) fn may_do(&mut self, traits: Traits, server: &mut ServerState) -> Option<Detail> {
        if traits.is_empty() {
            return None;
        }
        if traits.contains(Traits::SEQUENCE_WRITE) {
            server.sequences.touch(self.id);
        }
        if self.pin.is_none()
            && self.sequence_pin.is_none()
            && traits.intersects(Traits::SEQUENCE_WRITE | Traits::SEQUENCE_READ)
        {
            self.sequence_pin = SequencePin::take(&self.options, traits);
            if self.sequence_pin.is_some() {
                self.work.pin.get_or_insert(PinReason::SequenceWrite);
            }
        }
        if traits == Traits::SEQUENCE_WRITE {
            return None;
        }
        if let Some(reason) = traits.pin() {
            self.work.pin.get_or_insert(reason);
        }
        if !self.work.dirty {
            self.work.dirty_in = self.pipeline.owed() + 1;
        }
        if traits.intersects(Traits::NOTIFY | Traits::CODE) {
            self.notifies(server);
        }
        self.work.dirty |= traits.may_change_parameters();
        self.work.reset |= traits.contains(Traits::PARAMETERS);
        self.work.in_flux |=
            traits.may_change_parameters() || traits.contains(Traits::LOCAL_PARAMETERS);
        if traits.contains(Traits::DEALLOCATE) {
            return Some(Detail::ForgetStatements);
        }
        None
    }

    /// What to do first with a statement that asks for sequence values of its own session, or
    /// whose session may ask for them later, if the server that it would run on has another's.
    pub(super) fn sequences(&mut self, traits: Traits, server: &ServerState) -> Option<Flow> {
        let matters = self.want(traits) == Want::Sequences;
        if !matters || server.sequences.are_readable_by(self.id) || self.pin.is_some() {
            return None;
        }
        if self.pipeline.owed() > 0 {
            return Some(Flow::Hold);
        }
        let between = self.pipeline.is_empty() && self.pipeline.status() == TransactionStatus::Idle;
        between.then_some(Flow::NeedServer(Want::Sequences))
    }

    /// Which server a statement needs.
    pub(super) fn want(&self, traits: Traits) -> Want {
        let keeps = self.sequence_pin.is_none() && self.options.sequences.wants(traits);
        if keeps || traits.contains(Traits::SEQUENCE_READ) {
            Want::Sequences
        } else {
            Want::Any
        }
    }
}

/// The one statement that a DEALLOCATE names.
pub(super) fn deallocated(sql: &[u8]) -> Option<Bytes> {
    match sql::single_statement(sql).and_then(sql::deallocated)? {
        Deallocated::One(name) => Some(Bytes::from(name)),
        Deallocated::All => None,
    }
}

/// The statement that is dropped by a text of several statements, if it is one and not all.
fn one_deallocated(sql: &[u8]) -> Option<Bytes> {
    let mut one = None;
    for statement in sql::statements(sql) {
        let text = statement.bytes(sql);
        match (sql::kind(text), sql::deallocated(text)) {
            (StatementKind::Discard, _) | (_, Some(Deallocated::All)) => return None,
            (_, Some(Deallocated::One(name))) => one = Some(Bytes::from(name)),
            _ => {}
        }
    }
    one
}

fn query_text(frame: Frame<'_>) -> Option<&[u8]> {
    frame
        .is_complete()
        .then(|| frontend::query(frame.body).ok())?
}

/// What is said in the place of a value that belongs to another session.
pub(super) fn sequence_not_known() -> ErrorResponse {
    ErrorResponse::error(
        SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
        "the sequence value that this session got last is not known",
    )
    .detail("The session's transactions ran on several connections to Aurora DSQL.")
    .hint(
        "Use INSERT … RETURNING or nextval() for the value itself. From now on this session keeps one \
         connection; with --pool-mode=session every session does.",
    )
}
