//! One session, one message at a time.
//!
//! Like a backend of PostgreSQL: a message is read, done, answered, and only then is the next one
//! read. So at every moment it is known what PostgreSQL is doing and for which statement, and a
//! statement of our own can go in between.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::time::{Instant, Sleep, sleep, timeout};

use super::super::Lifetime;
use super::super::faults::{Injected, SessionFaults, Statement, StatementFault};
use super::super::judge::{Class, Judgement, Refusal};
use super::super::occ::Block;
use super::block::{self, Attempt};
use super::errors::{conflict_of, response_to, schema_conflict, to_response, vanished};
use super::login::Admitted;
use super::peer::{CHUNK, Message, Peer};
use super::replies::Replies;
use super::shape::{Heard, Shape};
use super::transaction::{Phase, Transaction};
use super::watch::{self, Seat};
use super::{CLOSE_PATIENCE, Front};
use crate::dsql::limits;
use crate::net::random;
use crate::wire::backend::{self, TransactionStatus};
use crate::wire::{ErrorFields, ErrorResponse, FrameError, SqlState, encode, frame, frontend};

/// How long PostgreSQL may go on for a client that has sent its last byte.
const LINGER: Duration = Duration::from_secs(30);

/// Parses and cannot be analysed, so that it fails in both protocols, at Parse, and without a
/// look at it in a block that has failed before.
pub(super) const FAILING: &[u8] = b"SELECT dsql_local";

/// Why a session ends.
#[derive(Debug)]
pub(super) enum End {
    /// The client has said goodbye, or will send no more.
    Finished,
    /// The client is gone.
    ClientGone,
    /// PostgreSQL closed the connection and had said why.
    Closed,
    /// PostgreSQL vanished.
    Vanished,
    /// The client broke the protocol.
    Broke(Violation),
    /// The cluster ends it, without a word.
    Cut,
}

/// Why nothing more is read from a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Violation {
    /// A length that no message can have.
    Length(FrameError),
    /// More than [`limits::MESSAGE_SIZE`].
    TooLong,
    /// A message that no frontend sends, or whose body is not what its type says.
    Malformed(u8),
}

/// How PostgreSQL ended what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// With a message of this type.
    Done(u8),
    /// With an error.
    Failed(SqlState),
}

/// A prepared statement.
#[derive(Debug)]
pub(super) struct Prepared {
    /// What the client sent.
    pub(super) text: Bytes,
    /// The types of parameters that the client gave, as in Parse.
    pub(super) types: Bytes,
    pub(super) judgement: Judgement,
}

/// A portal.
#[derive(Debug)]
pub(super) struct Portal {
    pub(super) prepared: Arc<Prepared>,
    /// The Bind that made it.
    pub(super) bind: Bytes,
    /// [`Block::generation`] then.
    pub(super) generation: u64,
    /// It has returned some of its rows.
    pub(super) started: bool,
    /// It has more of them.
    pub(super) suspended: bool,
}

/// A session.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, in any combination with the others"
)]
pub(super) struct Engine<'f, S> {
    pub(super) front: &'f Front,
    pub(super) client: Peer<S>,
    pub(super) behind: Peer<UnixStream>,
    pub(super) replies: Replies,
    /// As the last ReadyForQuery said.
    pub(super) status: TransactionStatus,
    pub(super) transaction: Transaction,
    pub(super) prepared: HashMap<Vec<u8>, Arc<Prepared>>,
    pub(super) portals: HashMap<Vec<u8>, Portal>,
    /// An error in the extended protocol: everything up to Sync is dropped.
    pub(super) skipping: bool,
    /// A CommandComplete that waits for its transaction to be committed.
    pub(super) held: BytesMut,
    /// The open transaction block, unless it has failed.
    pub(super) block: Option<Block>,
    /// How many savepoints of ours the block has set behind its first. With any, a failure lets go
    /// of only a part.
    pub(super) savepoints: usize,
    /// What has become of its current statement so far.
    pub(super) attempt: Attempt,
    /// The client has sent messages of the extended protocol, and not yet Sync.
    pub(super) grouped: bool,
    /// Among the sessions of the cluster.
    pub(super) seat: Seat<'f>,
    /// What is injected into this session.
    pub(super) faults: SessionFaults,
    /// The version of the catalog that it has seen.
    pub(super) seen_catalog: u64,
    /// OC000 is due at the end of this autocommit statement.
    pub(super) conflict_at_end: bool,
    lifetime: Lifetime,
    /// The client will send no more; PostgreSQL has this long to finish what it does.
    lingering: Option<std::pin::Pin<Box<Sleep>>>,
}

/// Serves a client that has logged in to its end.
pub(super) async fn serve<S>(front: &Front, client: Peer<S>, server: UnixStream, admitted: Admitted)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let now = Instant::now();
    let key = (admitted.faults.process_id(), random_secret());
    let mut engine = Engine {
        front,
        client,
        behind: Peer::new(server, BytesMut::new()),
        replies: Replies::new(key),
        status: TransactionStatus::Idle,
        transaction: Transaction::none(now),
        prepared: HashMap::new(),
        portals: HashMap::new(),
        skipping: false,
        held: BytesMut::new(),
        block: None,
        savepoints: 0,
        attempt: Attempt::default(),
        grouped: false,
        seat: front.watch.seat(),
        faults: admitted.faults,
        seen_catalog: front.catalog.version(),
        conflict_at_end: false,
        lifetime: Lifetime::begin(&front.limits, now),
        lingering: None,
    };
    let Err(end) = engine.run().await;
    if matches!(end, End::Cut) {
        // Not even a word of TLS.
        return;
    }
    let mut client = engine.last_words(&end);
    let say = async {
        client.flush().await?;
        client.into_stream().shutdown().await
    };
    // The client may be gone, or not listen.
    drop(timeout(CLOSE_PATIENCE, say).await);
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Engine<'_, S> {
    async fn run(&mut self) -> Result<std::convert::Infallible, End> {
        self.until_ready(Shape::default()).await?;
        self.say_ready();
        loop {
            let message = self.request().await?;
            self.handle(&message).await?;
        }
    }

    async fn handle(&mut self, message: &Message) -> Result<(), End> {
        let tag = message.tag();
        let malformed = |_| End::Broke(Violation::Malformed(tag));
        match tag {
            frontend::TERMINATE => Err(End::Finished),
            frontend::SYNC => self.sync().await,
            // What follows an error up to Sync, and what a client sends of a COPY before it knows
            // that it has failed.
            _ if self.skipping => Ok(()),
            frontend::COPY_DATA | frontend::COPY_DONE | frontend::COPY_FAIL => Ok(()),
            frontend::FLUSH => self.flush().await,
            frontend::QUERY => {
                let text = frontend::query(message.body()).map_err(malformed)?;
                self.query(text).await
            }
            // It would call what our own functions hide.
            frontend::FUNCTION_CALL => {
                let refusal = Refusal::new("0A000", "function call message not supported");
                self.fail(&to_response(&refusal)).await?;
                self.say_ready();
                Ok(())
            }
            _ => self.extended(message).await,
        }
    }

    pub(super) fn next_request(&mut self) -> Result<Option<Message>, End> {
        next_request(
            &mut self.client,
            self.front.limits.of(&limits::MESSAGE_SIZE),
        )
    }

    /// The client's next message.
    async fn request(&mut self) -> Result<Message, End> {
        loop {
            let in_transaction = self.status != TransactionStatus::Idle;
            tokio::select! {
                biased;
                () = self.lifetime.over(in_transaction, &self.faults) => {
                    // The end of its last transaction was said before.
                    self.flush().await?;
                    return Err(End::Cut);
                }
                // Also a client that is never idle lets go.
                () = self.seat.asked(), if self.could_let_go() => self.let_go().await?,
                () = std::future::ready(()) => {}
            }
            if let Some(message) = self.next_request()? {
                self.seat.is_busy(true);
                return Ok(message);
            }
            if self.lingering.is_some() {
                return Err(End::Finished);
            }
            self.flush().await?;
            self.seat.is_busy(!self.could_let_go());
            tokio::select! {
                () = self.lifetime.over(in_transaction, &self.faults) => return Err(End::Cut),
                () = self.faults.cut_requested() => return Err(End::Cut),
                () = self.seat.asked(), if self.could_let_go() => self.let_go().await?,
                read = self.client.fill() => match read {
                    Ok(1..) => {}
                    Ok(0) => return Err(End::Finished),
                    Err(_) => return Err(End::ClientGone),
                },
                read = self.behind.fill() => {
                    self.check_behind(&read)?;
                    while let Some(message) = self.behind.take().map_err(|_| End::Vanished)? {
                        self.pass(&message, Shape::default()).await?;
                    }
                }
            }
        }
    }

    /// PostgreSQL's next message.
    pub(super) async fn reply(&mut self) -> Result<Message, End> {
        let mut waited = 0;
        loop {
            if let Some(message) = self.behind.take().map_err(|_| End::Vanished)? {
                return Ok(message);
            }
            // What the client sends meanwhile waits; that it goes is noticed.
            let listening = self.lingering.is_none() && self.client.unread().len() < CHUNK;
            tokio::select! {
                read = self.behind.fill() => self.check_behind(&read)?,
                read = self.client.fill(), if listening => match read {
                    Ok(1..) => {}
                    // As PostgreSQL does it: what runs is finished, and committed.
                    Ok(0) | Err(_) => self.linger(),
                },
                () = elapsed(&mut self.lingering) => return Err(End::ClientGone),
                () = self.faults.cut_requested() => return Err(End::Cut),
                () = sleep(watch::PATIENCE) => {
                    waited += 1;
                    self.seat.waits(waited);
                }
            }
        }
    }

    pub(super) fn check_behind(&self, read: &io::Result<usize>) -> Result<(), End> {
        match read {
            Ok(1..) => Ok(()),
            _ if self.replies.said_why() => Err(End::Closed),
            _ => Err(End::Vanished),
        }
    }

    /// Sends PostgreSQL what is in its buffer.
    pub(super) async fn send(&mut self) -> Result<(), End> {
        // Should it be gone, its last words may still be there to read.
        drop(self.behind.flush().await);
        self.behind.out.clear();
        Ok(())
    }

    /// Passes replies on up to ReadyForQuery, and keeps that.
    pub(super) async fn until_ready(&mut self, shape: Shape<'_>) -> Result<Answer, End> {
        let mut answer = Answer::Done(backend::READY_FOR_QUERY);
        loop {
            let message = self.reply().await?;
            match message.tag() {
                backend::READY_FOR_QUERY => {
                    self.status =
                        TransactionStatus::read(message.body()).map_err(|_| End::Vanished)?;
                    return Ok(answer);
                }
                backend::COPY_IN_RESPONSE => self.copy_in(&message, shape).await?,
                _ => {
                    if let Some(sqlstate) = self.pass(&message, shape).await? {
                        answer = Answer::Failed(sqlstate);
                    }
                }
            }
        }
    }

    /// Passes one reply on. Returns the SQLSTATE that PostgreSQL said if it is an error.
    pub(super) async fn pass(
        &mut self,
        message: &Message,
        shape: Shape<'_>,
    ) -> Result<Option<SqlState>, End> {
        let mut failed = None;
        match message.tag() {
            backend::NOTICE_RESPONSE if let Some(change) = block::told(message) => {
                self.attempt.told.push(change);
            }
            backend::BACKEND_KEY_DATA => {
                if let Some((process, _)) = message.body().split_first_chunk() {
                    self.seat.is_process(i32::from_be_bytes(*process));
                }
                self.replies
                    .pass(message, shape.expected, &mut self.client.out);
            }
            backend::ERROR_RESPONSE if shape.catch => {
                let fields = ErrorFields::read(message.body()).map_err(|_| End::Vanished)?;
                failed = Some(fields.sqlstate().unwrap_or(SqlState::INTERNAL_ERROR));
                if fields.is_fatal() {
                    self.replies
                        .pass(message, shape.expected, &mut self.client.out);
                }
                self.attempt.caught = Some(message.clone());
            }
            backend::ERROR_RESPONSE => {
                let fields = ErrorFields::read(message.body()).map_err(|_| End::Vanished)?;
                let sqlstate = fields.sqlstate().unwrap_or(SqlState::INTERNAL_ERROR);
                failed = Some(sqlstate);
                self.held.clear();
                let refusal = shape
                    .refusal
                    .filter(|_| sqlstate != SqlState::IN_FAILED_TRANSACTION);
                if shape.heard == Heard::Nothing {
                    // The caller says something else.
                } else if let Some(refusal) = refusal {
                    refusal.encode(&mut self.client.out);
                } else if let Some(conflict) = conflict_of(&fields) {
                    to_response(&conflict).encode(&mut self.client.out);
                } else {
                    self.replies
                        .pass(message, shape.expected, &mut self.client.out);
                }
            }
            backend::COMMAND_COMPLETE if shape.hold => {
                self.replies.pass(message, shape.expected, &mut self.held);
            }
            // They are about the session and not about the statement.
            backend::PARAMETER_STATUS => {
                self.note_parameter(message);
                self.replies
                    .pass(message, shape.expected, &mut self.client.out);
            }
            _ if shape.heard != Heard::All => {}
            _ => self
                .replies
                .pass(message, shape.expected, &mut self.client.out),
        }
        if self.client.out.len() >= CHUNK && !self.attempt.buffering {
            self.flush().await?;
        }
        Ok(failed)
    }

    pub(super) async fn flush(&mut self) -> Result<(), End> {
        self.attempt.flushed |= !self.client.out.is_empty();
        if self.client.flush().await.is_err() {
            self.linger();
            self.client.out.clear();
        }
        Ok(())
    }

    fn linger(&mut self) {
        self.lingering
            .get_or_insert_with(|| Box::pin(sleep(LINGER)));
    }

    pub(super) fn say_ready(&mut self) {
        encode::ready_for_query(self.status, &mut self.client.out);
    }

    /// Sends one Query and passes its replies on, except ReadyForQuery.
    pub(super) async fn simple(&mut self, sql: &[u8], shape: Shape<'_>) -> Result<Answer, End> {
        // A Query drops the unnamed statement and the unnamed portal (manual, "Message Flow").
        self.prepared.remove(&b""[..]);
        self.portals.remove(&b""[..]);
        encode::query(sql, &mut self.behind.out);
        self.send().await?;
        self.until_ready(shape).await
    }

    fn note_parameter(&self, message: &Message) {
        if let Ok(status) = backend::ParameterStatus::read(message.body())
            && status.name == b"application_name"
        {
            let name = String::from_utf8_lossy(status.value);
            self.faults.set_application_name(&name);
        }
    }

    /// Has PostgreSQL fail, and tells the client DSQL's reason.
    pub(super) async fn fail(&mut self, refusal: &ErrorResponse) -> Result<(), End> {
        let shape = Shape {
            refusal: Some(refusal),
            ..Shape::default()
        };
        self.simple(FAILING, shape).await.map(drop)
    }

    /// Before a statement is executed: why it cannot be.
    pub(super) async fn before(
        &mut self,
        text: &[u8],
        class: Class,
    ) -> Result<Option<ErrorResponse>, End> {
        let jobs = self.front.catalog.jobs();
        let version = self.front.catalog.version();
        if self.transaction.phase == Phase::Idle {
            self.transaction = Transaction::begin(Phase::Implicit, version, Instant::now());
            self.transaction.jobs = jobs;
        }
        // BEGIN does nothing yet that could fail.
        let only_control = matches!(class, Class::Begin | Class::Rollback);
        if self.status == TransactionStatus::Failed || only_control {
            return Ok(None);
        }
        let statement = Statement {
            text,
            in_block: self.transaction.phase == Phase::Block,
        };
        let Injected { delay, fault } = self.faults.at_statement(&statement);
        self.pause(delay).await?;
        match fault {
            None => {}
            Some(StatementFault::Cut) => return Err(End::Cut),
            Some(StatementFault::ConflictAtSync) => self.conflict_at_end = true,
            Some(fault) => return Ok(fault.to_response()),
        }
        let stale = std::mem::replace(&mut self.seen_catalog, version) != version;
        if version != self.transaction.catalog || (stale && self.faults.stale_catalog()) {
            return Ok(Some(to_response(&schema_conflict())));
        }
        Ok(self.transaction.refuses(class).as_ref().map(to_response))
    }

    /// Waits for as long as a fault says.
    pub(super) async fn pause(&self, delay: Duration) -> Result<(), End> {
        if delay.is_zero() {
            return Ok(());
        }
        tokio::select! {
            () = sleep(delay) => Ok(()),
            () = self.faults.cut_requested() => Err(End::Cut),
        }
    }

    /// A statement of this class was executed.
    pub(super) fn executed(&mut self, class: Class) {
        self.transaction.executed(class);
        if class == Class::Begin {
            self.transaction.phase = Phase::Block;
        }
    }

    /// The transaction was committed.
    pub(super) fn committed(&mut self) {
        if self.transaction.changes_catalog() {
            self.seen_catalog = self.front.catalog.changed();
        }
        self.ended();
    }

    /// The transaction has ended, one way or the other.
    pub(super) fn ended(&mut self) {
        self.transaction = Transaction::none(Instant::now());
        self.portals.clear();
        self.block = None;
        self.savepoints = 0;
        self.conflict_at_end = false;
        self.faults.rolled_back();
    }

    fn last_words(self, end: &End) -> Peer<S> {
        let mut client = self.client;
        let response = match end {
            End::Vanished => Some(vanished()),
            End::Broke(violation) => response_to(*violation),
            End::Finished | End::Closed | End::Cut => None,
            End::ClientGone => {
                client.out.clear();
                None
            }
        };
        if let Some(response) = response {
            response.encode(&mut client.out);
        }
        client
    }
}

/// Ready when the time is over, never if there is none.
async fn elapsed(sleep: &mut Option<std::pin::Pin<Box<Sleep>>>) {
    match sleep {
        Some(sleep) => sleep.await,
        None => std::future::pending().await,
    }
}

/// The next message, if all of it is here. Before the length of a message makes us wait for all
/// of it, it is looked at.
fn next_request<S: AsyncRead + AsyncWrite + Unpin>(
    client: &mut Peer<S>,
    longest: u64,
) -> Result<Option<Message>, End> {
    if let Some((&[tag, a, b, c, d], _)) = client.unread().split_first_chunk::<{ frame::HEADER }>()
    {
        if !frontend::is_known(tag) {
            return Err(End::Broke(Violation::Malformed(tag)));
        }
        let length = u32::from_be_bytes([a, b, c, d]);
        if u64::from(length) > longest {
            return Err(End::Broke(Violation::TooLong));
        }
    }
    client
        .take()
        .map_err(|error| End::Broke(Violation::Length(error)))
}

/// The secret of BackendKeyData.
fn random_secret() -> [u8; 4] {
    let mut bytes = [0; 4];
    // Without randomness it is zeroes, which do as well: nothing listens to it.
    random::fill(&mut bytes).ok();
    bytes
}
