//! What happens to each message.

use bytes::BytesMut;

use super::abandon::{Abandon, InFlight, Loss};
use super::continuity::Continuity;
use super::pipeline::Pipeline;
use crate::compat::{self, Plan, Policy, Refusal};
use crate::sql::{self, StatementKind};
use crate::wire::backend::{self, TransactionStatus};
use crate::wire::frontend::{self, Parse, Target};
use crate::wire::{ErrorFields, ErrorResponse, SqlState, encode};

/// Bytes of a statement that we look at. What does not show itself within them is left to the
/// server.
const GLANCE: usize = 16 * 1024;

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
    in_flight: InFlight,
    continuity: Continuity,
    /// The server has said that it will close the connection.
    fatal_seen: bool,
    statements: u64,
}

impl Session {
    /// A session on a server that is ready.
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            pipeline: Pipeline::new(),
            mode: Mode::Normal,
            in_flight: InFlight::default(),
            continuity: Continuity::default(),
            fatal_seen: false,
            statements: 0,
        }
    }

    /// Bytes of a client's message that must be in the buffer before [`Session::frontend`] is
    /// asked.
    pub fn frontend_want(tag: u8) -> usize {
        match tag {
            frontend::QUERY | frontend::PARSE => GLANCE,
            // Two names, at most 63 bytes each in practice, or one of them.
            frontend::BIND | frontend::CLOSE => 256,
            _ => 0,
        }
    }

    /// Bytes of a server's message that must be in the buffer before [`Session::backend`] is
    /// asked.
    pub fn backend_want(tag: u8) -> usize {
        match tag {
            backend::READY_FOR_QUERY => 1,
            backend::ERROR_RESPONSE => GLANCE,
            _ => 0,
        }
    }

    /// True if the server owes nothing.
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
        if self.pipeline.is_empty() {
            self.in_flight.clear();
        }
        match frame.tag {
            frontend::TERMINATE => return Ok(Flow::Terminate),
            frontend::QUERY => return Ok(self.query(frame, replies)),
            frontend::PARSE => return Ok(self.parse(frame, replies)),
            frontend::BIND => {
                self.bind(frame);
                self.pipeline.extended();
            }
            frontend::CLOSE => {
                if let (true, Ok(Target::Statement(name))) =
                    (frame.complete, Target::read(frame.body))
                {
                    self.continuity.close(name);
                }
                self.pipeline.extended();
            }
            frontend::EXECUTE => {
                self.statements += 1;
                self.pipeline.extended();
            }
            frontend::DESCRIBE => self.pipeline.extended(),
            frontend::SYNC => self.pipeline.sync(),
            frontend::FUNCTION_CALL => {
                self.in_flight.unknown();
                self.pipeline.simple();
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
        let sql = frame
            .complete
            .then(|| frontend::query(frame.body).ok())
            .flatten();
        if let Some(sql) = sql {
            if let Plan::Refuse(why) = self.policy.statement(sql) {
                // Only between transactions is our refusal all there is to say: inside a block
                // DSQL has to refuse itself, so that the block really is aborted.
                if !self.pipeline.is_empty() {
                    return Flow::Hold;
                }
                if self.pipeline.status() == TransactionStatus::Idle {
                    refusal(&why).encode(replies);
                    encode::ready_for_query(TransactionStatus::Idle, replies);
                    return Flow::Discard;
                }
            }
            self.note(sql);
            self.in_flight.add(sql);
        } else {
            self.in_flight.unknown();
            self.continuity
                .lose("it sent a statement of more than 16 KiB");
        }
        self.statements += 1;
        self.pipeline.simple();
        Flow::Forward
    }

    fn parse(&mut self, frame: Frame<'_>, replies: &mut BytesMut) -> Flow {
        let parse = frame
            .complete
            .then(|| Parse::read(frame.body).ok())
            .flatten();
        if let Some(parse) = parse {
            if let Plan::Refuse(why) = self.policy.statement(parse.sql) {
                // As for a Query; and replies must not overtake those of the same group.
                let alone = self.pipeline.is_empty();
                if !alone && !self.pipeline.group_open() {
                    return Flow::Hold;
                }
                if alone && self.pipeline.status() == TransactionStatus::Idle {
                    refusal(&why).encode(replies);
                    self.mode = Mode::SkipUntilSync;
                    return Flow::Discard;
                }
            }
            self.note(parse.sql);
            self.in_flight.prepared(parse.name, parse.sql);
            self.continuity.parse(parse.name, frame.body);
        } else {
            self.in_flight.unknown();
            self.continuity
                .lose("it prepared a statement of more than 16 KiB");
        }
        self.pipeline.extended();
        Flow::Forward
    }

    fn bind(&mut self, frame: Frame<'_>) {
        let mut cursor = crate::wire::Cursor::new("Bind", frame.body);
        let name = cursor.cstr().and_then(|_portal| cursor.cstr());
        let sql = name.ok().and_then(|name| {
            if name.is_empty() {
                None
            } else {
                self.continuity.sql(name)
            }
        });
        match (name, sql) {
            (Ok(b""), _) => self.in_flight.add_unnamed(),
            (_, Some(sql)) => self.in_flight.add(&sql),
            _ => self.in_flight.unknown(),
        }
    }

    /// Remembers what a statement leaves behind in its session.
    fn note(&mut self, sql: &[u8]) {
        if memchr::memmem::find(sql, b"set_config").is_some() {
            self.continuity.lose("it called set_config()");
        }
        if !sql[..sql.len().saturating_sub(1)].contains(&b';') {
            return self.note_one(sql);
        }
        for statement in sql::statements(sql).filter(|statement| !statement.is_empty()) {
            self.note_one(statement.bytes(sql));
        }
    }

    fn note_one(&mut self, sql: &[u8]) {
        use StatementKind as K;
        match sql::kind(sql) {
            K::Set | K::Reset => match sql::parse_set(sql) {
                Some(set) if set.scope == sql::Scope::Local => {}
                Some(set) if set.target == sql::Target::Transaction => {}
                Some(set) if set.target == sql::Target::Constraints => {}
                _ if self.pipeline.status() == TransactionStatus::Idle => self.continuity.set(sql),
                _ => self
                    .continuity
                    .lose("it changed parameters inside a transaction block"),
            },
            K::Deallocate => self.continuity.close_all(),
            K::Discard => self.continuity.lose("it used DISCARD"),
            K::Prepare => self.continuity.lose("it used PREPARE"),
            K::Declare => self.continuity.lose("it declared a cursor"),
            K::Listen => self.continuity.lose("it used LISTEN"),
            _ => {}
        }
    }

    /// A message from the server. A changed one goes to `replies`.
    pub fn backend(&mut self, frame: Frame<'_>, replies: &mut BytesMut) -> Relayed {
        match frame.tag {
            backend::READY_FOR_QUERY => {
                if let Ok(status) = TransactionStatus::read(frame.body) {
                    self.pipeline.ready(status);
                }
            }
            backend::COPY_IN_RESPONSE => self.pipeline.copy_in_response(),
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
        if self.pipeline.is_empty() {
            return match self.pipeline.status() {
                TransactionStatus::Idle => Loss::Nothing,
                TransactionStatus::InTransaction | TransactionStatus::Failed => Loss::RolledBack,
            };
        }
        self.in_flight.loss(self.pipeline.status()).0
    }

    /// What a request to cancel can do now. DSQL ignores such requests (seen 2026-09), so that
    /// giving up the connection is the only way to end a wait.
    pub fn abandon(&self) -> Abandon {
        if self.pipeline.is_empty() || self.mode == Mode::SkipUntilSync {
            return Abandon::Nothing;
        }
        let (loss, status) = self.in_flight.loss(self.pipeline.status());
        Abandon::decide(loss, status, self.pipeline.owed(), self.continuity.lost())
    }

    /// The session goes on with a new server, which is in a failed transaction block if `status`
    /// says so. What was in flight is answered with `error`.
    pub fn replaced(
        &mut self,
        error: &ErrorResponse,
        status: TransactionStatus,
        replies: &mut BytesMut,
    ) {
        let owed = self.pipeline.owed();
        self.pipeline.reset(status);
        error.encode(replies);
        if owed == 0 {
            self.mode = Mode::SkipUntilSync;
        } else {
            encode::ready_for_query(status, replies);
        }
    }
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
