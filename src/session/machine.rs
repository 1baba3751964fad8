//! One client's session.

use std::rc::Rc;

use bytes::{Bytes, BytesMut};

use super::abandon::{self, Abandon, Loss};
use super::flight::Flight;
use super::lease::{Block, Phase};
use super::pipeline::{Expect, Origin, Pipeline};
use super::processes::Identity;
use super::retry::Unit;
use super::sequences::{SequencePin, SequencePins};
use super::server_state::{ServerState, SessionId};
use super::settings::Settings;
use super::statements::{Registry, Statements};
use crate::compat::parameters::{Level, TransactionEnd};
use crate::compat::{self, Policy, Refusal};
use crate::sql::{Glance, PinReason};
use crate::wire::backend::{self, TransactionStatus};
use crate::wire::{ErrorFields, ErrorResponse, SqlState, encode, frontend};

/// Statements longer than this many bytes are not looked into.
const MAX_STATEMENT: usize = 1024 * 1024;

/// Other messages are looked into as a whole up to this many bytes; longer ones stream through.
/// Their names stand in front.
pub(super) const MAX_WHOLE: usize = 64 * 1024;

/// Names and values of parameters, in the order in which the server has reported them first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters(Vec<(Bytes, Bytes)>);

impl Parameters {
    /// The value of a parameter.
    pub fn get(&self, name: &[u8]) -> Option<&Bytes> {
        self.iter()
            .find(|(other, _)| **other == *name)
            .map(|(_, value)| value)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&Bytes, &Bytes)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    /// A parameter has this value now.
    pub fn set(&mut self, name: &[u8], value: &[u8]) {
        match self.0.iter_mut().find(|(other, _)| other == name) {
            Some((_, known)) if known == value => {}
            Some((_, known)) => *known = Bytes::copy_from_slice(value),
            None => self
                .0
                .push((Bytes::copy_from_slice(name), Bytes::copy_from_slice(value))),
        }
    }
}

impl IntoIterator for Parameters {
    type Item = (Bytes, Bytes);
    type IntoIter = std::vec::IntoIter<(Bytes, Bytes)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl FromIterator<(Bytes, Bytes)> for Parameters {
    fn from_iter<I: IntoIterator<Item = (Bytes, Bytes)>>(all: I) -> Self {
        Self(all.into_iter().collect())
    }
}

/// A message, or as much of it as is in the buffer.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Its type byte.
    pub tag: u8,
    /// All that is in the buffer, the header included.
    pub raw: &'a [u8],
    /// The beginning of its body.
    pub body: &'a [u8],
    /// Bytes of its whole body.
    pub length: usize,
}

impl Frame<'_> {
    /// True if all of it is in the buffer.
    pub fn is_complete(&self) -> bool {
        self.body.len() == self.length
    }
}

/// What to do with a client's message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Send it to the server as it is, behind what has been injected.
    Forward,
    /// What has been injected takes the place of this many bytes at its front.
    Replace(usize),
    /// Drop it: it has been answered or replaced, or it belongs to what has failed.
    Discard,
    /// Ask again when the server has answered.
    Hold,
    /// Ask again when there is a server.
    NeedServer(Want),
    /// It takes more than one step. Whoever sees to that speaks to the session in the client's
    /// place until it is answered, between [`Session::directly`] `true` and `false`.
    Adapt,
    /// The client says goodbye.
    Terminate,
}

/// Which server a session needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// Any.
    Any,
    /// The one on which this session alone has advanced sequences, or a fresh one.
    Sequences,
}

/// What to do with a server's message, behind what has been put into the output for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relayed {
    /// Send it to the client as it is.
    Forward,
    /// Drop it.
    Swallow,
}

/// Where messages of our own go.
pub struct Outputs<'a> {
    /// To the server, in front of the message that is being looked at.
    pub server: &'a mut BytesMut,
    /// To the client.
    pub client: &'a mut BytesMut,
}

/// How long a session keeps a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PoolMode {
    /// Until its transaction ends.
    #[default]
    Transaction,
    /// Until it ends itself.
    Session,
}

/// Whether a client's messages count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Normal,
    /// We have refused a message of an extended group: what follows is dropped up to Sync, which
    /// we answer ourselves (manual, "Extended Query").
    SkipUntilSync,
}

/// What is the same for all sessions of a pool.
#[derive(Debug)]
pub struct SessionOptions {
    /// What is refused before it reaches a server.
    pub policy: Rc<Policy>,
    /// How long a session keeps a server.
    pub mode: PoolMode,
    /// The prepared statements of all of them.
    pub registry: Registry,
    /// Bytes of a client's messages, and of the replies to them, that are kept to repeat an
    /// autocommit statement after a conflict.
    pub retry_buffer: usize,
    /// How often a statement is run that ends in a conflict, the first time included.
    pub attempts: usize,
    /// Who keeps its server for sequences.
    pub sequences: SequencePins,
}

/// What a client got at its login.
#[derive(Debug, Clone)]
pub struct Profile {
    /// The parameters that it brought, as the server understood them.
    pub settings: Rc<Settings>,
    /// What it was told of parameters.
    pub told: Rc<Parameters>,
}

/// One client's session.
#[derive(Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "facts that are independent of one another"
)]
pub struct Session {
    pub(super) id: SessionId,
    pub(super) options: Rc<SessionOptions>,
    pub(super) pipeline: Pipeline,
    pub(super) mode: Mode,
    pub(super) phase: Phase,
    pub(super) block: Block,
    /// What RESET goes back to.
    pub(super) startup: Rc<Settings>,
    /// The parameters that the session is to have.
    pub(super) settings: Rc<Settings>,
    /// What the client has been told of parameters.
    pub(super) told: Rc<Parameters>,
    /// The server has reported something of which the client may not know.
    pub(super) news: bool,
    pub(super) statements: Statements,
    pub(super) flight: Flight,
    pub(super) work: Work,
    pub(super) unit: Unit,
    /// The BEGIN that has been sent in front of the unit that begins next.
    pub(super) next_begin: Option<Bytes>,
    /// What is to be looked at once more.
    pub(super) again: Option<BytesMut>,
    /// The unit that begins next is a repetition.
    pub(super) replaying: bool,
    pub(super) pin: Option<PinReason>,
    pub(super) pin_news: bool,
    /// The session keeps its server, or will if all goes well, to ask for sequence values.
    pub(super) sequence_pin: Option<SequencePin>,
    /// The answer to the client's next message.
    pub(super) refusal: Option<Box<ErrorResponse>>,
    /// What the Query is for which the session has asked for a server.
    pub(super) seen: Option<Glance>,
    /// What comes has been adapted already.
    pub(super) direct: bool,
    /// Every text is of interest to whoever adapts them.
    pub(super) watched: bool,
    /// The first transaction since [`Session::take_end`] has ended so.
    pub(super) end: Option<TransactionEnd>,
    /// The statement that was completed last was a ROLLBACK.
    pub(super) rolled_back: bool,
    /// Which notices the client gets.
    pub(super) level: Level,
    /// COPY data that comes in belongs to a copy that has been given up.
    pub(super) stray_copy: bool,
    /// What the server said when it said that it will close the connection.
    pub(super) fatal: Option<Box<ErrorResponse>>,
    pub(super) counts: Counts,
    /// How often in a row a server was lost before anything of the client's was sent.
    pub(super) losses: u8,
    /// How many errors and ends of the client's groups there have been.
    pub(super) answers: u64,
    /// Blocks that began in the same breath as another one ended.
    pub(super) chained: u64,
    /// How many of the errors say that somebody has asked for them.
    pub(super) cancellations: u64,
    /// The SQLSTATEs of the errors that the client has got from us since they were asked for.
    pub(super) rejections: Vec<SqlState>,
    /// Who it is among the others.
    pub(super) identity: Option<Identity>,
}

/// What has been done on the server that the session has now.
#[derive(Debug, Default)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "facts that are independent of one another"
)]
pub(super) struct Work {
    /// Parameters may have been changed.
    pub(super) dirty: bool,
    /// How many ReadyForQuery are still owed up to that of the statement which may have done so.
    pub(super) dirty_in: usize,
    /// Parameters may have gone back to the server's own defaults instead of this client's.
    pub(super) reset: bool,
    /// Parameters are not known until the transaction ends.
    pub(super) in_flux: bool,
    /// What has been bound drops prepared statements when it is executed.
    pub(super) forgets: bool,
    /// What will pin the session if it succeeds.
    pub(super) pin: Option<PinReason>,
    /// Statements that have been sent since everything was answered last: one, or more.
    pub(super) ran: usize,
    /// One of them has been rejected before it ran.
    pub(super) rejected: bool,
    /// Parameters may have been changed by a transaction that the client knows to be complete,
    /// and have not been read back.
    pub(super) unread: bool,
    /// The statement whose description has been compared last.
    pub(super) checked: Option<u64>,
    /// What could not be prepared under the client's own name.
    pub(super) ungiven: Option<Bytes>,
    /// The statement that was bound last deallocates this one.
    pub(super) deallocates: Option<Bytes>,
    /// Shared statements that this session has used under other parameters than theirs.
    pub(super) soiled: Vec<u64>,
    /// Statements that the server has under the client's own names, and their ids.
    pub(super) named: Vec<(Bytes, u64)>,
    /// Something has been bound that may end the transaction, or of which it is not known.
    pub(super) unknown_bound: bool,
    /// The message for which there is a server has come.
    pub(super) begun: bool,
    /// Why the server cannot be used any more.
    pub(super) spoilt: Option<&'static str>,
}

/// What a session has done so far.
#[derive(Debug, Default, Clone, Copy)]
pub struct Counts {
    /// Queries and Executes.
    pub statements: u64,
    /// Transactions that have come to their end.
    pub transactions: u64,
    /// Conflicts: OC000 and OC001.
    pub conflicts: [u64; 2],
    /// Repetitions that went through.
    pub retries_succeeded: u64,
    /// Repetitions that failed otherwise.
    pub retries_failed: u64,
    /// Conflicts at the last attempt.
    pub exhausted: u64,
}

impl Work {
    /// True if what has failed was a statement alone that did not begin to run.
    pub(super) fn refused(&self) -> bool {
        self.ran <= 1 && self.rejected
    }
}

impl Session {
    /// A session without a server.
    pub fn new(id: SessionId, options: Rc<SessionOptions>, profile: Profile) -> Self {
        Self {
            id,
            options,
            pipeline: Pipeline::new(),
            mode: Mode::Normal,
            phase: Phase::Detached,
            block: Block::None,
            startup: Rc::clone(&profile.settings),
            settings: profile.settings,
            told: profile.told,
            news: false,
            statements: Statements::default(),
            flight: Flight::default(),
            work: Work::default(),
            unit: Unit::default(),
            next_begin: None,
            again: None,
            replaying: false,
            pin: None,
            pin_news: false,
            sequence_pin: None,
            refusal: None,
            seen: None,
            direct: false,
            watched: false,
            end: None,
            rolled_back: false,
            level: Level::Debug5,
            stray_copy: false,
            fatal: None,
            counts: Counts::default(),
            losses: 0,
            answers: 0,
            cancellations: 0,
            chained: 0,
            rejections: Vec::new(),
            identity: None,
        }
    }

    /// Says who the session is among the others.
    pub fn introduce(&mut self, identity: Identity) {
        self.identity = Some(identity);
    }

    /// Whether what comes from now on has been adapted already, and is to be taken as it is.
    pub fn directly(&mut self, direct: bool) {
        self.direct = direct;
    }

    /// True if what comes has been adapted already.
    pub fn is_direct(&self) -> bool {
        self.direct
    }

    /// Whether every text is of interest to whoever adapts them.
    pub fn watch(&mut self, watched: bool) {
        self.watched = watched;
    }

    /// How the first transaction has ended that has done so since this was asked last.
    pub fn take_end(&mut self) -> Option<TransactionEnd> {
        self.end.take()
    }

    /// A transaction has ended.
    pub(super) fn transaction_ended(&mut self, how: TransactionEnd) {
        self.counts.transactions += 1;
        self.end.get_or_insert(how);
    }

    /// From now on the client gets these notices.
    pub fn filter_notices(&mut self, level: Level) {
        self.level = level;
    }

    /// The BEGIN that is held back until something needs a server.
    pub fn held_begin(&self) -> Option<&[u8]> {
        match &self.block {
            Block::Held(begin) => Some(begin),
            Block::None | Block::Broken => None,
        }
    }

    /// Holds back another BEGIN in the place of that one.
    pub fn hold_begin(&mut self, begin: &[u8]) {
        if let Block::Held(held) = &mut self.block {
            *held = Bytes::copy_from_slice(begin);
        }
    }

    /// Its number.
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// How long it keeps a server.
    pub fn mode(&self) -> PoolMode {
        self.options.mode
    }

    /// What the server said when it said that it will close the connection.
    pub fn take_fatal(&mut self) -> String {
        self.fatal
            .take()
            .map(|error| error.message)
            .unwrap_or_default()
    }

    /// The session keeps its server for good, for this reason.
    pub fn pin(&mut self, reason: PinReason) {
        if self.pin.is_none() {
            self.pin = Some(reason);
            self.pin_news = true;
        }
    }

    /// Why the session has been pinned, once.
    pub fn take_pin_news(&mut self) -> Option<PinReason> {
        if std::mem::take(&mut self.pin_news) {
            self.pin
        } else {
            None
        }
    }

    /// Why the session keeps its server until it ends, if it does.
    pub fn pinned(&self) -> Option<PinReason> {
        self.pin
    }

    /// Bytes of a client's message that must be in the buffer before [`Session::frontend`] is
    /// asked.
    pub fn frontend_want(tag: u8) -> usize {
        match tag {
            frontend::QUERY | frontend::PARSE => MAX_STATEMENT,
            frontend::COPY_DATA => 0,
            _ => MAX_WHOLE,
        }
    }

    /// Bytes of a server's message that must be in the buffer before it is forwarded, so that
    /// a connection that breaks does not leave half a message behind; and before
    /// [`Session::backend`] is asked.
    pub fn backend_want(_tag: u8) -> usize {
        MAX_WHOLE
    }

    /// True if a message of the server is of no interest to [`Session::backend`] while it works.
    pub fn passes(&self, tag: u8) -> bool {
        matches!(tag, backend::DATA_ROW | backend::COPY_DATA) && self.phase.is_working()
    }

    /// True if everything that has been sent is answered, and no group is open.
    pub fn is_quiet(&self) -> bool {
        self.pipeline.is_empty() && !self.phase.is_injecting()
    }

    /// True if the server will say nothing more until the client does: it owes no ReadyForQuery,
    /// or it reads COPY data.
    pub fn waits_for_client(&self) -> bool {
        self.pipeline.waits_for_client() && !self.phase.is_injecting()
    }

    /// What the last ReadyForQuery said.
    pub fn status(&self) -> TransactionStatus {
        self.pipeline.status()
    }

    /// True if the server has announced that it closes the connection.
    pub fn fatal_seen(&self) -> bool {
        self.fatal.is_some()
    }

    /// What has been done so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// What is lost if the connection to the server breaks now.
    pub fn loss(&self) -> Loss {
        abandon::loss(
            &self.pipeline,
            &self.flight,
            &self.statements,
            self.work.unknown_bound,
        )
        .0
    }

    /// The SQLSTATEs of the errors that the client has got from us, not from a server, each once.
    pub fn take_rejections(&mut self) -> Vec<SqlState> {
        std::mem::take(&mut self.rejections)
    }

    /// True if [`Session::take_rejections`] has something to say.
    pub fn has_rejections(&self) -> bool {
        !self.rejections.is_empty()
    }

    /// Sends the client an error of ours.
    pub(super) fn reject(&mut self, error: &ErrorResponse, to_client: &mut BytesMut) {
        self.rejections.push(error.sqlstate);
        error.encode(to_client);
    }

    /// How many errors and ends of its groups the client has got from servers.
    pub fn answers(&self) -> u64 {
        self.answers
    }

    /// How many of the errors were said to be cancellations.
    pub fn cancellations(&self) -> u64 {
        self.cancellations
    }

    /// True if the server owes no answer.
    pub fn is_answered(&self) -> bool {
        self.pipeline.is_answered()
    }

    /// True while the server reads COPY data: then it listens to nothing else.
    pub fn copies_in(&self) -> bool {
        self.pipeline.copies_in()
    }

    /// What a request to cancel can do now if the server ignores it, as DSQL does (seen 2026-09):
    /// then giving up the connection is the only way to end a wait.
    pub fn abandon(&self) -> Abandon {
        Abandon::decide(self)
    }

    /// The server has been given up after [`Session::abandon`] said so.
    pub fn abandoned(
        &mut self,
        error: ErrorResponse,
        status: Option<TransactionStatus>,
        to_client: &mut BytesMut,
    ) {
        if let Some(status) = status {
            self.give_up(&error, status, to_client);
        } else {
            self.pipeline.reset(TransactionStatus::Idle);
            self.detach();
            self.refuse_next(error);
        }
    }

    /// The number of the transaction block that the server is in for the session, among all that
    /// the session has been in; `None` outside, and where the session keeps its server anyway.
    pub fn open_block(&self) -> Option<u64> {
        let open = self.status() != TransactionStatus::Idle
            && self.block == Block::None
            && self.pin.is_none();
        open.then_some(self.counts.transactions + self.chained)
    }

    /// True if its transaction can be taken away: the session idles in a block, and can go on with
    /// another server.
    pub fn is_idle_in_block(&self) -> bool {
        self.is_quiet() && self.open_block().is_some()
    }

    /// The block has been given up in which the session idles. `error` is the answer to the
    /// client's next message, unless the block had failed anyway.
    pub fn expired(&mut self, error: &ErrorResponse, to_client: &mut BytesMut) {
        let failed = self.status() == TransactionStatus::Failed;
        self.give_up(error, TransactionStatus::Failed, to_client);
        if failed {
            self.refusal = None;
        }
    }

    /// A message from the client. An error ends the session.
    pub fn frontend(
        &mut self,
        frame: Frame<'_>,
        server: Option<&mut ServerState>,
        out: &mut Outputs<'_>,
    ) -> Result<Flow, ErrorResponse> {
        if !frontend::is_known(frame.tag) {
            return Err(ErrorResponse::fatal(
                SqlState::PROTOCOL_VIOLATION,
                format!("invalid frontend message type {}", frame.tag),
            ));
        }
        if self.phase.is_injecting() || self.meets_conflict() {
            return Ok(Flow::Hold);
        }
        if self.mode == Mode::SkipUntilSync {
            return Ok(self.skip(frame.tag, out.client));
        }
        match frame.tag {
            frontend::COPY_DATA | frontend::COPY_DONE | frontend::COPY_FAIL if self.stray_copy => {
                return Ok(Flow::Discard);
            }
            frontend::TERMINATE => return Ok(Flow::Terminate),
            _ => self.stray_copy = false,
        }
        let Some(server) = server else {
            return Ok(self.without_server(frame, out.client));
        };
        self.work.begun = true;
        if self.block != Block::None {
            let flow = self.without_server(frame, out.client);
            if matches!(flow, Flow::NeedServer(_)) {
                self.enter_block(server, out.server);
                return Ok(Flow::Hold);
            }
            return Ok(flow);
        }
        if self.pipeline.is_empty() && self.flight.is_empty() {
            self.begin_unit();
        }
        if self.pipeline.is_skipping() && frame.tag != frontend::SYNC {
            return Ok(Flow::Discard);
        }
        if self.work.reset && !self.startup.is_empty() && !self.pipeline.waits_for_client() {
            // What comes next must not run before parameters are back at what the client brought.
            return Ok(Flow::Hold);
        }
        Ok(match frame.tag {
            frontend::QUERY => self.query(frame, server, out),
            frontend::PARSE => self.parse(frame, server, out),
            frontend::BIND => self.bind(frame, server, out),
            frontend::DESCRIBE => self.describe(frame, server, out),
            frontend::EXECUTE => self.execute(frame, server),
            frontend::CLOSE => self.close(frame, out.client),
            frontend::SYNC => self.sync(frame),
            frontend::FUNCTION_CALL => self.function_call(frame, server),
            frontend::COPY_DONE | frontend::COPY_FAIL => {
                self.pipeline.copy_end();
                Flow::Forward
            }
            frontend::COPY_DATA => {
                self.flight.copies();
                self.let_replies_go();
                Flow::Forward
            }
            _ => {
                // Flush: the client wants to see what there is.
                self.let_replies_go();
                Flow::Forward
            }
        })
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

    /// A message goes to the server for the client.
    #[inline]
    pub(super) fn send(
        &mut self,
        expect: Expect,
        frame: Frame<'_>,
        detail: Option<super::detail::Detail>,
    ) {
        let limit = self.options.retry_buffer.max(MAX_WHOLE);
        let recorded = self.flight.record(frame.raw, frame.is_complete(), limit);
        self.pipeline.push(expect, Origin::Client, recorded, detail);
    }

    /// ReadyForQuery for the client, behind what changed of its parameters.
    pub(super) fn say_ready(
        &mut self,
        server: Option<&ServerState>,
        status: TransactionStatus,
        to_client: &mut BytesMut,
    ) {
        if let Some(server) = server
            && self.news
        {
            self.tell_parameters(server, to_client);
        }
        encode::ready_for_query(status, to_client);
    }

    /// Tells the client what the server has reported and it does not know. PostgreSQL reports
    /// each parameter that differs from its last report in front of ReadyForQuery
    /// (`ReportChangedGUCOptions`, `src/backend/utils/misc/guc.c`).
    pub(super) fn tell_parameters(&mut self, server: &ServerState, to_client: &mut BytesMut) {
        self.news = false;
        if *self.told == server.reported {
            return;
        }
        for (name, value) in server.reported.iter() {
            if self.told.get(name) != Some(value) {
                encode::frame(backend::PARAMETER_STATUS, to_client, |body| {
                    encode::cstr(name, body);
                    encode::cstr(value, body);
                });
            }
        }
        self.told = Rc::new(server.reported.clone());
    }
}

/// A refusal as the server would have sent it, with our hint.
pub(super) fn refusal(refusal: &Refusal) -> ErrorResponse {
    let sqlstate =
        SqlState::parse(refusal.sqlstate.as_bytes()).unwrap_or(SqlState::FEATURE_NOT_SUPPORTED);
    ErrorResponse::error(sqlstate, refusal.message.clone()).hint(refusal.hint.clone())
}

/// Gives an error of DSQL's the hint that it lacks, every other field untouched. False if there
/// is nothing to add.
pub(super) fn add_hint(fields: ErrorFields<'_>, replies: &mut BytesMut) -> bool {
    let (None, Some(sqlstate)) = (fields.hint(), fields.sqlstate()) else {
        return false;
    };
    let message = String::from_utf8_lossy(fields.message());
    let Some(hint) = compat::hint_for(sqlstate.as_str(), &message) else {
        return false;
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
    true
}
