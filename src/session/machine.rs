//! What happens to each message.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};

use super::abandon::{self, Abandon, Loss};
use super::continuity::Continuity;
use super::pipeline::{Effect, Pending, Pipeline};
use crate::compat::{self, Plan, Policy, Refusal};
use crate::sql::{self, StatementKind};
use crate::wire::backend::{self, ParameterStatus, TransactionStatus};
use crate::wire::frontend::{self, Execute, Parse, Target};
use crate::wire::{Cursor, ErrorFields, ErrorResponse, SqlState, encode};

/// Bytes of a statement that we look at. What does not show itself within them is left to the
/// server.
const GLANCE: usize = 16 * 1024;

/// Bytes of a message in which names stand: at most two of them, of at most 63 bytes in practice.
const NAMES: usize = 256;

/// Names and values of parameters, as the server reports them.
pub type Parameters = BTreeMap<Bytes, Bytes>;

/// A message, or as much of it as is in the buffer.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Its type byte.
    pub tag: u8,
    /// The beginning of its body.
    pub body: &'a [u8],
    /// True if that is all of it.
    pub complete: bool,
}

/// What to do with a client's message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Send it to the server as it is.
    Forward,
    /// Drop it: it has been answered, or it belongs to what has failed.
    Discard,
    /// Ask again when the server has answered what it owes.
    Hold,
    /// The client says goodbye.
    Terminate,
}

/// What to do with a server's message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relayed {
    /// Send it to the client as it is.
    Forward,
    /// It is in the output already, changed.
    Replaced,
}

/// Whether a client's messages count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Normal,
    /// We have refused a message of an extended group: what follows is dropped up to Sync, which
    /// we answer ourselves (manual, "Extended Query").
    SkipUntilSync,
}

/// One client's session.
#[derive(Debug)]
pub struct Session {
    policy: Policy,
    pipeline: Pipeline,
    mode: Mode,
    continuity: Continuity,
    /// What the client has been told of parameters.
    told: Parameters,
    /// COPY data that comes in belongs to a copy that has been given up.
    stray_copy: bool,
    /// The server has said that it will close the connection.
    fatal_seen: bool,
    statements: u64,
}

impl Session {
    /// A session on a server that is ready; the client has been told these parameters.
    pub fn new(policy: Policy, told: Parameters) -> Self {
        Self {
            policy,
            pipeline: Pipeline::new(),
            mode: Mode::Normal,
            continuity: Continuity::default(),
            told,
            stray_copy: false,
            fatal_seen: false,
            statements: 0,
        }
    }

    /// Bytes of a client's message that must be in the buffer before [`Session::frontend`] is
    /// asked.
    pub fn frontend_want(tag: u8) -> usize {
        match tag {
            frontend::QUERY | frontend::PARSE => GLANCE,
            frontend::BIND | frontend::CLOSE | frontend::EXECUTE => NAMES,
            _ => 0,
        }
    }

    /// Bytes of a server's message that must be in the buffer before [`Session::backend`] is
    /// asked.
    pub fn backend_want(tag: u8) -> usize {
        match tag {
            backend::READY_FOR_QUERY => 1,
            backend::ERROR_RESPONSE | backend::PARAMETER_STATUS => GLANCE,
            _ => 0,
        }
    }

    /// True if everything that has been sent is answered.
    pub fn is_quiet(&self) -> bool {
        self.pipeline.is_empty()
    }

    /// True if the server will say nothing more until the client does: it owes no ReadyForQuery,
    /// or it reads COPY data.
    pub fn waits_for_client(&self) -> bool {
        self.pipeline.waits_for_client()
    }

    /// What the last ReadyForQuery said.
    pub fn status(&self) -> TransactionStatus {
        self.pipeline.status()
    }

    /// True if the server has announced that it closes the connection.
    pub fn fatal_seen(&self) -> bool {
        self.fatal_seen
    }

    /// Queries and Executes so far.
    pub fn statements(&self) -> u64 {
        self.statements
    }

    /// What it takes to go on with another server.
    pub fn continuity(&self) -> &Continuity {
        &self.continuity
    }

    /// A message from the client. Answers of our own go to `replies`. An error ends the session.
    pub fn frontend(
        &mut self,
        frame: Frame<'_>,
        replies: &mut BytesMut,
    ) -> Result<Flow, ErrorResponse> {
        if !frontend::is_known(frame.tag) {
            return Err(ErrorResponse::fatal(
                SqlState::PROTOCOL_VIOLATION,
                format!("invalid frontend message type {}", frame.tag),
            ));
        }
        if self.mode == Mode::SkipUntilSync {
            return Ok(self.skip(frame.tag, replies));
        }
        match frame.tag {
            frontend::COPY_DATA | frontend::COPY_DONE | frontend::COPY_FAIL if self.stray_copy => {
                return Ok(Flow::Discard);
            }
            _ => self.stray_copy = false,
        }
        match frame.tag {
            frontend::TERMINATE => return Ok(Flow::Terminate),
            frontend::QUERY => return Ok(self.query(frame, replies)),
            frontend::PARSE => return Ok(self.parse(frame, replies)),
            frontend::BIND => self.bind(frame),
            frontend::CLOSE => self.close(frame),
            frontend::EXECUTE => {
                self.statements += 1;
                let execute = Execute::read(frame.body).ok().filter(|_| frame.complete);
                let group = self.pipeline.extended();
                match execute {
                    Some(Execute { portal, .. }) => group.execute(portal),
                    None => group.unknown = true,
                }
            }
            frontend::DESCRIBE => {
                self.pipeline.extended();
            }
            frontend::SYNC => self.pipeline.sync(),
            frontend::FUNCTION_CALL => {
                if let Some(group) = self.pipeline.simple() {
                    group.unknown = true;
                }
            }
            frontend::COPY_DONE | frontend::COPY_FAIL => self.pipeline.copy_end(),
            _ => {}
        }
        Ok(Flow::Forward)
    }

    fn skip(&mut self, tag: u8, replies: &mut BytesMut) -> Flow {
        match tag {
            frontend::SYNC => {
                self.mode = Mode::Normal;
                encode::ready_for_query(self.pipeline.status(), replies);
                Flow::Discard
            }
            frontend::TERMINATE => Flow::Terminate,
            _ => Flow::Discard,
        }
    }

    fn query(&mut self, frame: Frame<'_>, replies: &mut BytesMut) -> Flow {
        let sql = frame.text().and_then(|body| frontend::query(body).ok());
        if let Some(sql) = sql
            && let Plan::Refuse(why) = self.policy.statement(sql)
        {
            // Only between transactions is our refusal all there is to say: inside a block
            // DSQL has to refuse itself, so that the block really is aborted.
            if self.pipeline.owed() > 0 {
                return Flow::Hold;
            }
            if self.pipeline.is_empty() && self.pipeline.status() == TransactionStatus::Idle {
                refusal(&why).encode(replies);
                encode::ready_for_query(TransactionStatus::Idle, replies);
                return Flow::Discard;
            }
        }
        self.statements += 1;
        let alone = self.pipeline.is_empty();
        let status = self.pipeline.status();
        // A Query that the server skips is sent all the same, and leaves no trace.
        let Some(group) = self.pipeline.simple() else {
            return Flow::Forward;
        };
        if let Some(sql) = sql {
            group.add(sql);
            let traces = Traces { alone, status };
            traces.of(sql, &mut group.effects, &mut self.continuity);
        } else {
            group.unknown = true;
            self.continuity
                .lose("it sent a statement of more than 16 KiB");
        }
        Flow::Forward
    }

    fn parse(&mut self, frame: Frame<'_>, replies: &mut BytesMut) -> Flow {
        let parse = frame.text().and_then(|body| Parse::read(body).ok());
        if let Some(parse) = parse
            && let Plan::Refuse(why) = self.policy.statement(parse.sql)
        {
            // As for a Query; and replies must not overtake those of the same group.
            let alone = self.pipeline.is_empty();
            if !alone && !self.pipeline.is_open() {
                return Flow::Hold;
            }
            if alone && self.pipeline.status() == TransactionStatus::Idle {
                refusal(&why).encode(replies);
                self.mode = Mode::SkipUntilSync;
                return Flow::Discard;
            }
        }
        let group = self.pipeline.extended();
        match parse {
            Some(parse) if parse.name.is_empty() => {
                self.continuity.unnamed(frame.body);
                group.pending.push_back(Pending::ParseUnnamed);
            }
            Some(parse) => {
                if group
                    .effects
                    .iter()
                    .any(|effect| !matches!(effect, Effect::Set(_)))
                {
                    self.continuity
                        .lose("it prepared statements behind a DEALLOCATE");
                }
                let name = Bytes::copy_from_slice(parse.name);
                let body = Bytes::copy_from_slice(frame.body);
                group.pending.push_back(Pending::Parse(name, body));
            }
            None => {
                group.unknown = true;
                group.pending.push_back(Pending::ParseUnnamed);
                self.continuity
                    .lose("it prepared a statement of more than 16 KiB");
            }
        }
        Flow::Forward
    }

    fn bind(&mut self, frame: Frame<'_>) {
        let alone = self.pipeline.is_empty() || self.pipeline.is_open();
        let status = self.pipeline.status();
        let first = self
            .pipeline
            .groups()
            .front()
            .is_none_or(|group| group.text.is_empty());
        let mut cursor = Cursor::new("Bind", frame.body);
        let changing = self.changes_soon(frame.body);
        let group = self.pipeline.extended();
        let (Ok(portal), Ok(name)) = (cursor.cstr(), cursor.cstr()) else {
            group.unknown = true;
            return;
        };
        group.bind(portal);
        if changing {
            group.unknown = true;
            return;
        }
        // Prepared in this very group, or before.
        let fresh = group
            .pending
            .iter()
            .rev()
            .find_map(|pending| match pending {
                Pending::Parse(parsed, body) if parsed == name => Some(body.clone()),
                _ => None,
            });
        let fresh = fresh
            .as_ref()
            .and_then(|body| Parse::read(body).ok())
            .map(|parse| parse.sql);
        let Some(sql) = fresh.or_else(|| self.continuity.sql(name)) else {
            group.unknown = true;
            return;
        };
        group.add(sql);
        if Traces::possible(sql) {
            let sql = Bytes::copy_from_slice(sql);
            let traces = Traces {
                alone: alone && first,
                status,
            };
            traces.of(&sql, &mut group.bound_effects, &mut self.continuity);
        }
    }

    /// True if an earlier group, which is not answered, prepares or closes the statement that this
    /// Bind names: which text it will have is not known.
    fn changes_soon(&self, bind: &[u8]) -> bool {
        let mut cursor = Cursor::new("Bind", bind);
        let Ok(name) = cursor.cstr().and_then(|_portal| cursor.cstr()) else {
            return false;
        };
        let earlier = self.pipeline.groups().len() - usize::from(self.pipeline.is_open());
        self.pipeline.groups().iter().take(earlier).any(|group| {
            let pending = group.pending.iter().any(|pending| match pending {
                Pending::Parse(other, _) | Pending::CloseStatement(other) => other == name,
                Pending::ParseUnnamed => name.is_empty(),
                Pending::ClosePortal => false,
            });
            pending
                || group
                    .effects
                    .iter()
                    .any(|effect| !matches!(effect, Effect::Set(_)))
        })
    }

    fn close(&mut self, frame: Frame<'_>) {
        let group = self.pipeline.extended();
        let target = Target::read(frame.body).ok().filter(|_| frame.complete);
        group.pending.push_back(match target {
            Some(Target::Statement(name)) => Pending::CloseStatement(Bytes::copy_from_slice(name)),
            Some(Target::Portal(_)) | None => Pending::ClosePortal,
        });
    }

    /// A message from the server. A changed one goes to `replies`.
    pub fn backend(&mut self, frame: Frame<'_>, replies: &mut BytesMut) -> Relayed {
        match frame.tag {
            backend::READY_FOR_QUERY => {
                if let Ok(status) = TransactionStatus::read(frame.body) {
                    let continuity = &mut self.continuity;
                    self.pipeline
                        .ready(status, |effect| continuity.apply(effect));
                }
            }
            backend::PARSE_COMPLETE | backend::CLOSE_COMPLETE => {
                self.pipeline.answered();
                match self.pipeline.confirmed() {
                    Some(Pending::Parse(name, body)) => self.continuity.prepared(name, body),
                    Some(Pending::CloseStatement(name)) => self.continuity.close(&name),
                    Some(Pending::ParseUnnamed | Pending::ClosePortal) | None => {}
                }
            }
            backend::BIND_COMPLETE | backend::ROW_DESCRIPTION | backend::NO_DATA => {
                self.pipeline.answered();
            }
            backend::COMMAND_COMPLETE
            | backend::EMPTY_QUERY_RESPONSE
            | backend::PORTAL_SUSPENDED => self.pipeline.completed(),
            backend::COPY_IN_RESPONSE => self.pipeline.copy_in_response(),
            backend::PARAMETER_STATUS => {
                if let (true, Ok(ParameterStatus { name, value })) =
                    (frame.complete, ParameterStatus::read(frame.body))
                {
                    let (name, value) =
                        (Bytes::copy_from_slice(name), Bytes::copy_from_slice(value));
                    self.told.insert(name, value);
                }
            }
            backend::ERROR_RESPONSE => {
                self.pipeline.error();
                if let (true, Ok(fields)) = (frame.complete, ErrorFields::read(frame.body)) {
                    self.fatal_seen |= fields.is_fatal();
                    return add_hint(fields, replies);
                }
            }
            _ => {}
        }
        Relayed::Forward
    }

    /// What is lost if the connection to the server breaks now.
    pub fn loss(&self) -> Loss {
        abandon::loss(&self.pipeline).0
    }

    /// What a request to cancel can do now. DSQL ignores such requests (seen 2026-09), so that
    /// giving up the connection is the only way to end a wait.
    pub fn abandon(&self) -> Abandon {
        if self.mode == Mode::SkipUntilSync {
            return Abandon::Nothing;
        }
        Abandon::decide(&self.pipeline, self.continuity.lost())
    }

    /// The session goes on with a new server, which has these parameters and is in a failed
    /// transaction block if `status` says so. What was in flight is answered with `error`.
    pub fn replaced(
        &mut self,
        error: &ErrorResponse,
        status: TransactionStatus,
        parameters: Parameters,
        replies: &mut BytesMut,
    ) {
        let owed = self.pipeline.owed();
        self.stray_copy = true;
        self.pipeline.reset(status);
        error.encode(replies);
        for (name, value) in &parameters {
            if self.told.get(name) != Some(value) {
                encode::frame(backend::PARAMETER_STATUS, replies, |body| {
                    encode::cstr(name, body);
                    encode::cstr(value, body);
                });
            }
        }
        self.told = parameters;
        if owed == 0 {
            self.mode = Mode::SkipUntilSync;
        } else {
            encode::ready_for_query(status, replies);
        }
    }
}

impl<'a> Frame<'a> {
    /// The body, if it is short enough to be looked into. Whether it is must not depend on how
    /// the stream was cut.
    fn text(&self) -> Option<&'a [u8]> {
        (self.complete && self.body.len() <= GLANCE).then_some(self.body)
    }
}

/// What statements leave behind in their session.
struct Traces {
    /// Nothing else runs before it in the same transaction.
    alone: bool,
    /// The last transaction status.
    status: TransactionStatus,
}

impl Traces {
    /// A quick look: statements of the common kinds leave nothing behind.
    fn possible(sql: &[u8]) -> bool {
        use StatementKind as K;
        let common = matches!(
            sql::kind(sql),
            K::Select | K::Insert | K::Update | K::Delete
        );
        !common || contains_set_config(sql)
    }

    fn of(&self, sql: &[u8], effects: &mut Vec<Effect>, continuity: &mut Continuity) {
        if contains_set_config(sql) {
            continuity.lose("it called set_config()");
        }
        // Most texts are one statement, and say so by a semicolon at the end or none.
        let several = sql
            .iter()
            .rev()
            .skip_while(|c| c.is_ascii_whitespace())
            .skip(1);
        if !several.into_iter().any(|c| *c == b';') {
            return self.one(sql, true, effects, continuity);
        }
        let count = sql::statements(sql)
            .filter(|statement| !statement.is_empty())
            .count();
        for statement in sql::statements(sql).filter(|statement| !statement.is_empty()) {
            self.one(statement.bytes(sql), count == 1, effects, continuity);
        }
    }

    fn one(&self, sql: &[u8], only: bool, effects: &mut Vec<Effect>, continuity: &mut Continuity) {
        use StatementKind as K;
        match sql::kind(sql) {
            K::Set | K::Reset => match sql::parse_set(sql) {
                Some(set) if set.scope == sql::Scope::Local => {}
                Some(set) if set.target == sql::Target::Transaction => {}
                Some(set) if set.target == sql::Target::Constraints => {}
                _ if self.alone && only && self.status == TransactionStatus::Idle => {
                    effects.push(Effect::Set(Bytes::copy_from_slice(sql)));
                }
                // Whether it lasts depends on how the transaction ends.
                _ => continuity.lose("it changed parameters among other statements"),
            },
            K::Deallocate => match sql::deallocated(sql) {
                Some(sql::Deallocated::All) => effects.push(Effect::DeallocateAll),
                Some(sql::Deallocated::One(name)) => effects.push(Effect::Deallocate(name.into())),
                None => {}
            },
            K::Discard => continuity.lose("it used DISCARD"),
            K::Prepare => continuity.lose("it used PREPARE"),
            K::Declare => continuity.lose("it declared a cursor"),
            K::Listen => continuity.lose("it used LISTEN"),
            K::Do | K::Call => continuity.lose("it ran a block or procedure of its own"),
            _ => {}
        }
    }
}

/// Whether a text may call `set_config`, in any case.
fn contains_set_config(sql: &[u8]) -> bool {
    const NAME: &[u8] = b"set_config";
    memchr::memchr2_iter(b's', b'S', sql).any(|at| {
        sql.get(at..at + NAME.len())
            .is_some_and(|word| word.eq_ignore_ascii_case(NAME))
    })
}

/// A refusal as the server would have sent it, with our hint.
pub(super) fn refusal(refusal: &Refusal) -> ErrorResponse {
    let sqlstate =
        SqlState::parse(refusal.sqlstate.as_bytes()).unwrap_or(SqlState::FEATURE_NOT_SUPPORTED);
    ErrorResponse::error(sqlstate, refusal.message.clone()).hint(refusal.hint.clone())
}

/// Gives an error of DSQL's the hint that it lacks, every other field untouched.
fn add_hint(fields: ErrorFields<'_>, replies: &mut BytesMut) -> Relayed {
    let (None, Some(sqlstate)) = (fields.hint(), fields.sqlstate()) else {
        return Relayed::Forward;
    };
    let message = String::from_utf8_lossy(fields.message());
    let Some(hint) = compat::hint_for(sqlstate.as_str(), &message) else {
        return Relayed::Forward;
    };
    encode::frame(backend::ERROR_RESPONSE, replies, |body| {
        for (code, value) in fields.iter() {
            body.extend_from_slice(&[code]);
            encode::cstr(value, body);
        }
        body.extend_from_slice(b"H");
        encode::cstr(hint.as_bytes(), body);
        body.extend_from_slice(&[0]);
    });
    Relayed::Replaced
}
