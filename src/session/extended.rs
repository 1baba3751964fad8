//! Parse, Bind, Describe, Execute, Close and Sync: the client's names for statements on one side,
//! ours on the other.

use std::rc::Rc;

use bytes::{Bytes, BytesMut};

use super::detail::Detail;
use super::machine::{Flow, Frame, Mode, Outputs, Session, refusal};
use super::pipeline::{Expect, Origin};
use super::processes::ProcessPlan;
use super::query::{deallocated, sequence_not_known};
use super::repeat::{Repeat, repeat};
use super::server_state::ServerState;
use super::statements::{self, May, Past, Statement};
use crate::compat::{FAILS, Plan};
use crate::sql::{self, PinReason, StatementKind, Traits};
use crate::wire::backend::TransactionStatus;
use crate::wire::frame::HEADER;
use crate::wire::frontend::{self, Parse, Target};
use crate::wire::{Cursor, ErrorResponse, SqlState, encode};

/// The name of the statement that is never prepared.
const NONE: &[u8] = b"dsql_proxy_none";

/// The name of a statement that is prepared for its errors, or for one time, only.
const SCRATCH: &[u8] = b"dsql_proxy_scratch";

/// What a Bind or Describe names.
pub(super) enum Found {
    /// The unnamed statement.
    Unnamed,
    /// A named one that the client has, or is preparing.
    Named(Rc<Statement>, Past),
    /// One that it does not have.
    Unknown,
}

impl Session {
    /// Parse.
    pub(super) fn parse(
        &mut self,
        frame: Frame<'_>,
        server: &mut ServerState,
        out: &mut Outputs<'_>,
    ) -> Flow {
        let parse = frame
            .is_complete()
            .then(|| Parse::read(frame.body).ok())
            .flatten();
        let Some(parse) = parse else {
            return self.parse_unread(frame, server);
        };
        let glance = sql::glance(parse.sql);
        if self.adapts_parse(parse.sql, glance) {
            return Flow::Adapt;
        }
        if glance.first == StatementKind::Set
            && let Plan::Refuse(why) = self.options.policy.statement(parse.sql)
        {
            // As for a Query; and replies must not overtake those of the same group.
            if !self.pipeline.is_empty() && !self.pipeline.is_open() {
                return Flow::Hold;
            }
            if self.pipeline.is_empty() && self.pipeline.status() == TransactionStatus::Idle {
                self.reject(&refusal(&why), out.client);
                self.mode = Mode::SkipUntilSync;
                return Flow::Discard;
            }
        }
        if glance.first == StatementKind::Deallocate
            && parse.name.is_empty()
            && let Some(name) = self.deallocated(parse.sql)
        {
            let start = out.server.len();
            encode::parse(b"", b"", out.server);
            let body = out.server.get(start + HEADER..).unwrap_or_default();
            let sure = self.is_sure();
            let serial = self.statements.set_unnamed(body, May::default(), sure);
            self.statements.set_deallocates(name);
            self.send(Expect::Parse, frame, Some(Detail::ParseUnnamed(serial)));
            return Flow::Discard;
        }
        let mut may = May {
            traits: glance.traits,
            repeat: repeat(parse.sql, glance),
            signal: None,
        };
        if matches!(
            glance.first,
            StatementKind::Execute | StatementKind::Prepare
        ) {
            self.name_for_parse(parse.sql, out.server);
        }
        let text = match self.process_plan(glance.traits, parse.sql, parse.types) {
            None => None,
            Some(ProcessPlan::Refuse(error)) => return self.fail(frame, error, out),
            Some(ProcessPlan::Run { text, signal }) => {
                if signal.is_some() {
                    may.repeat = Repeat::No;
                }
                may.signal = signal;
                Some(text)
            }
        };
        if parse.name.is_empty() {
            let Some(text) = text else {
                let sure = self.is_sure();
                let serial = self.statements.set_unnamed(frame.body, may, sure);
                self.send(Expect::Parse, frame, Some(Detail::ParseUnnamed(serial)));
                return Flow::Forward;
            };
            let start = out.server.len();
            encode::frame(frontend::PARSE, out.server, |body| {
                encode::cstr(b"", body);
                encode::cstr(&text, body);
                parse.put_types(body);
            });
            let body = out.server.get(start + HEADER..).unwrap_or_default();
            let sure = self.is_sure();
            let serial = self.statements.set_unnamed(body, may, sure);
            self.send(Expect::Parse, frame, Some(Detail::ParseUnnamed(serial)));
            return Flow::Discard;
        }
        if self.is_unsettled(parse.name) {
            return Flow::Hold;
        }
        if self.names(parse.name) {
            // PostgreSQL finds out last, when it has analysed the text.
            self.scratch(&parse, out.server);
            let text = format!(
                "prepared statement \"{}\" already exists",
                String::from_utf8_lossy(parse.name)
            );
            return self.fail(
                frame,
                ErrorResponse::error(SqlState::DUPLICATE_STATEMENT, text)
                    .routine("StorePreparedStatement"),
                out,
            );
        }
        let fold = self.fold_key();
        let sql = text.as_deref().unwrap_or(parse.sql);
        let statement = self.options.registry.intern(sql, parse.types, fold, may);
        let name = Bytes::copy_from_slice(parse.name);
        if self.prepares_in_sql() {
            self.parse_own_name(&name, &statement, out.server);
        }
        self.prepare(&statement, server, out.server);
        statement.parse(out.server);
        self.send(
            Expect::Parse,
            frame,
            Some(Detail::Parse { name, statement }),
        );
        Flow::Discard
    }

    /// Parse that is too long, or none: the server's to say. Under its own name it stays here.
    fn parse_unread(&mut self, frame: Frame<'_>, server: &mut ServerState) -> Flow {
        let traits = Traits::PARAMETERS | Traits::SEQUENCE_WRITE;
        self.work.pin.get_or_insert(PinReason::Unread);
        let detail = if frame.body.first() == Some(&0) {
            let may = May {
                traits,
                ..May::default()
            };
            let sure = self.is_sure();
            let serial = self.statements.set_unread(may, sure);
            Some(Detail::ParseUnnamed(serial))
        } else {
            self.may_do(traits, server);
            None
        };
        self.send(Expect::Parse, frame, detail);
        Flow::Forward
    }

    /// The statement that a DEALLOCATE names, if the client has prepared it by a message: no server
    /// knows it by that name. In a failed block the server has to refuse.
    fn deallocated(&self, sql: &[u8]) -> Option<Bytes> {
        if self.pipeline.status() == TransactionStatus::Failed {
            return None;
        }
        deallocated(sql).filter(|name| self.names(name) && !self.has_own_name(name))
    }

    /// Parse of what a server has accepted before: whether it still would shows when it is bound
    /// or described. Clients that prepare one after the other while others hold all servers, as
    /// pgbench does, would wait for ever. False if a server has to be asked.
    pub(super) fn parse_without_server(&mut self, frame: Frame<'_>) -> bool {
        let is_named = frame.body.first().is_some_and(|first| *first != 0);
        if !is_named || !frame.is_complete() {
            return false;
        }
        let Ok(parse) = Parse::read(frame.body) else {
            return false;
        };
        let glance = sql::glance(parse.sql);
        if self.adapts_parse(parse.sql, glance) {
            return false;
        }
        if !glance.traits.without(Traits::SEQUENCE_WRITE).is_empty() || self.names(parse.name) {
            return false;
        }
        let may = May {
            traits: glance.traits,
            repeat: repeat(parse.sql, glance),
            signal: None,
        };
        let fold = self.settings.fold_key();
        let known = self
            .options
            .registry
            .proven(parse.sql, parse.types, fold, may);
        let Some(statement) = known else {
            return false;
        };
        let name = Bytes::copy_from_slice(parse.name);
        // No server has been asked: each has to analyse it anew.
        let since = self.options.registry.tick();
        self.statements.insert(name, statement, since);
        true
    }

    /// True if nothing that is in flight can make the server skip what is sent now: that can only
    /// be an error of the same group.
    pub(super) fn is_sure(&self) -> bool {
        !self.pipeline.is_open() || self.pipeline.is_answered()
    }

    /// Prepares a statement that nobody will ask for, or for this one time only.
    fn scratch(&mut self, parse: &Parse<'_>, to_server: &mut BytesMut) {
        encode::frame(frontend::CLOSE, to_server, |body| {
            body.extend_from_slice(b"S");
            encode::cstr(SCRATCH, body);
        });
        self.pipeline.push(Expect::Close, Origin::Injected, 0, None);
        encode::frame(frontend::PARSE, to_server, |body| {
            encode::cstr(SCRATCH, body);
            encode::cstr(parse.sql, body);
            parse.put_types(body);
        });
        self.pipeline.push(Expect::Parse, Origin::Injected, 0, None);
    }

    /// True if an earlier group decides what the client has under this name, and is not answered:
    /// it may fail, and then this one does not.
    fn is_unsettled(&self, name: &[u8]) -> bool {
        if name.is_empty() {
            return self.pipeline.is_unnamed_unsettled();
        }
        // Details are few, most often none.
        self.pipeline.details().any(|detail| match detail {
            Detail::Parse { name: other, .. }
            | Detail::Close(other)
            | Detail::Deallocate(other) => other == name,
            Detail::ForgetStatements => true,
            _ => false,
        }) && !self.pipeline.waits_for_client()
    }

    /// True if the client has a statement of this name, or will have if all goes well.
    fn names(&self, name: &[u8]) -> bool {
        let latest = self.pipeline.details().find_map(|detail| match detail {
            Detail::Parse { name: other, .. } if other == name => Some(true),
            Detail::Close(other) | Detail::Deallocate(other) if other == name => Some(false),
            Detail::ForgetStatements => Some(false),
            _ => None,
        });
        latest.unwrap_or_else(|| self.statements.get(name).is_some())
    }

    pub(super) fn find(&self, name: &[u8]) -> Found {
        if name.is_empty() {
            return Found::Unnamed;
        }
        for detail in self.pipeline.details() {
            match detail {
                Detail::Parse {
                    name: other,
                    statement,
                } if other == name => {
                    return Found::Named(Rc::clone(statement), Past::default());
                }
                Detail::Close(other) | Detail::Deallocate(other) if other == name => {
                    return Found::Unknown;
                }
                Detail::ForgetStatements => return Found::Unknown,
                _ => {}
            }
        }
        match self.statements.get(name) {
            Some(named) => Found::Named(Rc::clone(&named.statement), named.past),
            None => Found::Unknown,
        }
    }

    /// What the statement that a Bind names may do.
    pub(super) fn bound_traits(&self, body: &[u8]) -> Traits {
        let mut cursor = Cursor::new("Bind", body);
        let Ok(name) = cursor.cstr().and_then(|_portal| cursor.cstr()) else {
            return Traits::NONE;
        };
        match self.find(name) {
            Found::Named(statement, _) => statement.may.traits,
            Found::Unnamed => self
                .statements
                .unnamed()
                .map_or(Traits::NONE, |unnamed| unnamed.may.traits),
            Found::Unknown => Traits::NONE,
        }
    }

    /// Bind.
    pub(super) fn bind(
        &mut self,
        frame: Frame<'_>,
        server: &mut ServerState,
        out: &mut Outputs<'_>,
    ) -> Flow {
        let mut cursor = Cursor::new("Bind", frame.body);
        let (Ok(portal), Ok(name)) = (cursor.cstr(), cursor.cstr()) else {
            self.send(Expect::Bind, frame, None);
            return Flow::Forward;
        };
        if self.is_unsettled(name) {
            return Flow::Hold;
        }
        // What we put in the place of the front of the message.
        let replaced = HEADER + portal.len() + 1 + name.len() + 1;
        let flow = match self.find(name) {
            Found::Unnamed => {
                let unnamed = self.statements.unnamed();
                let may = unnamed.map_or(May::default(), |unnamed| unnamed.may);
                self.work.deallocates = unnamed.and_then(|unnamed| unnamed.deallocates.clone());
                if let Some(flow) = self.binds(frame, may, server, out) {
                    return flow;
                }
                self.bring_unnamed(out.server);
                if let Some(signal) = may.signal {
                    return self.bind_signal(signal, frame, None, out);
                }
                Flow::Forward
            }
            Found::Unknown if statements::is_ours(name) => {
                return self.fail(frame, statements::unknown(name), out);
            }
            Found::Unknown => {
                self.let_replies_go();
                Flow::Forward
            }
            Found::Named(statement, _)
                if statement.may.traits.contains(Traits::DEALLOCATE)
                    && let Some(name) = self.deallocated(&statement.sql) =>
            {
                self.work.deallocates = Some(name);
                self.scratch(&Parse::default(), out.server);
                begin_bind(frame, replaced, portal, SCRATCH, out.server);
                Flow::Replace(replaced)
            }
            Found::Named(statement, past) => {
                if let Some(flow) = self.binds(frame, statement.may, server, out) {
                    return flow;
                }
                let statement = match self.bring(frame, name, statement, past, server, out) {
                    Ok(statement) => statement,
                    Err(flow) => return flow,
                };
                if let Some(signal) = statement.may.signal {
                    return self.bind_signal(signal, frame, Some(&statement), out);
                }
                begin_bind(frame, replaced, portal, statement.name(), out.server);
                Flow::Replace(replaced)
            }
        };
        if self.work.forgets
            && let Some(name) = self.statements.sql(name).and_then(deallocated)
        {
            self.work.forgets = false;
            self.work.deallocates = Some(name);
        }
        self.send(Expect::Bind, frame, None);
        flow
    }

    /// Notes what a statement that is bound may do, or says what has to be done first.
    fn binds(
        &mut self,
        frame: Frame<'_>,
        May { traits, repeat, .. }: May,
        server: &mut ServerState,
        out: &mut Outputs<'_>,
    ) -> Option<Flow> {
        self.runs(traits, repeat);
        self.work.unknown_bound |= repeat == Repeat::No;
        if traits.is_empty() {
            return None;
        }
        if let Some(flow) = self.sequences(traits, server) {
            return Some(flow);
        }
        if traits.contains(Traits::SEQUENCE_READ) && !server.sequences.are_readable_by(self.id) {
            return Some(self.fail(frame, sequence_not_known(), out));
        }
        if self.may_do(traits, server).is_some() {
            self.work.forgets = true;
        }
        None
    }

    /// Describe.
    pub(super) fn describe(
        &mut self,
        frame: Frame<'_>,
        server: &mut ServerState,
        out: &mut Outputs<'_>,
    ) -> Flow {
        let name = match Target::read(frame.body) {
            Ok(Target::Statement(name)) => name,
            Ok(Target::Portal(_)) | Err(_) => {
                self.send(Expect::DescribePortal, frame, None);
                return Flow::Forward;
            }
        };
        if self.is_unsettled(name) {
            return Flow::Hold;
        }
        match self.find(name) {
            Found::Unnamed => {
                self.bring_unnamed(out.server);
                self.send(Expect::DescribeStatement, frame, None);
                Flow::Forward
            }
            Found::Unknown if statements::is_ours(name) => {
                self.fail(frame, statements::unknown(name), out)
            }
            Found::Unknown => {
                self.send(Expect::DescribeStatement, frame, None);
                Flow::Forward
            }
            Found::Named(statement, past) => {
                let statement = match self.bring(frame, name, statement, past, server, out) {
                    Ok(statement) => statement,
                    Err(flow) => return flow,
                };
                statement.target(frontend::DESCRIBE, out.server);
                let detail = Detail::Describe {
                    name: Bytes::copy_from_slice(name),
                    id: statement.id,
                    digest: Box::default(),
                };
                self.send(Expect::DescribeStatement, frame, Some(detail));
                Flow::Discard
            }
        }
    }

    /// Execute.
    pub(super) fn execute(&mut self, frame: Frame<'_>, server: &mut ServerState) -> Flow {
        self.counts.statements += 1;
        self.work.ran += 1;
        let forgets = std::mem::take(&mut self.work.forgets);
        if forgets {
            server.prepared.clear();
        }
        let detail = match self.work.deallocates.take() {
            Some(name) => Some(Detail::Deallocate(name)),
            None => forgets.then_some(Detail::ForgetStatements),
        };
        self.send(Expect::Execute, frame, detail);
        Flow::Forward
    }

    /// Close. A statement stays on the server, for others.
    pub(super) fn close(&mut self, frame: Frame<'_>, to_client: &mut BytesMut) -> Flow {
        match Target::read(frame.body) {
            Ok(Target::Statement(b"")) => {
                let detail = self.drops_unnamed();
                self.send(Expect::Close, frame, detail);
                Flow::Forward
            }
            Ok(Target::Statement(name)) => {
                self.let_replies_go();
                let name = Bytes::copy_from_slice(name);
                if self.prepares_in_sql() {
                    self.send(Expect::Close, frame, Some(Detail::Close(name)));
                    return Flow::Forward;
                }
                if self.pipeline.is_answered() {
                    // The server may have nothing more to say in whose turn this would come.
                    self.statements.remove(&name);
                    self.pipeline.open();
                    encode::close_complete(to_client);
                } else {
                    self.pipeline
                        .push(Expect::Close, Origin::Local, 0, Some(Detail::Close(name)));
                }
                Flow::Discard
            }
            Ok(Target::Portal(_)) | Err(_) => {
                self.send(Expect::Close, frame, None);
                Flow::Forward
            }
        }
    }

    /// Sync.
    pub(super) fn sync(&mut self, frame: Frame<'_>) -> Flow {
        self.work.forgets = false;
        if !self.pipeline.copies_in() {
            self.send(Expect::Sync, frame, None);
        }
        Flow::Forward
    }

    /// Sends something that fails in the place of the client's message, so that what the error
    /// aborts really is aborted.
    pub(super) fn fail(
        &mut self,
        frame: Frame<'_>,
        error: ErrorResponse,
        out: &mut Outputs<'_>,
    ) -> Flow {
        encode::parse(NONE, FAILS, out.server);
        self.send(Expect::Parse, frame, Some(Detail::Fails(Box::new(error))));
        Flow::Discard
    }
}

/// Appends a Bind up to the name of the statement, in whose place the client's name for it stood
/// at the end of the first `replaced` bytes.
fn begin_bind(
    frame: Frame<'_>,
    replaced: usize,
    portal: &[u8],
    name: &[u8],
    to_server: &mut BytesMut,
) {
    let rest = (HEADER + frame.length).saturating_sub(replaced);
    let length = 4 + portal.len() + 1 + name.len() + 1 + rest;
    to_server.extend_from_slice(&[frontend::BIND]);
    to_server.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    encode::cstr(portal, to_server);
    encode::cstr(name, to_server);
}
