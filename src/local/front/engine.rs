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

use super::super::judge::{Class, Judgement, Refusal};
use super::peer::{CHUNK, Message, Peer};
use super::replies::{Expected, Replies};
use super::transaction::{Phase, Transaction};
use super::{CLOSE_PATIENCE, Front};
use crate::dsql::conflict;
use crate::net::random;
use crate::wire::backend::{self, TransactionStatus};
use crate::wire::{ErrorFields, ErrorResponse, FrameError, SqlState, encode, frame, frontend};

/// The longest message that DSQL reads, in bytes. A longer one ends the connection without an
/// error (seen 2026-09; the user guide says 08P01).
const MAX_MESSAGE: usize = 10 * 1024 * 1024;
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
}

/// Why nothing more is read from a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Violation {
    /// A length that no message can have.
    Length(FrameError),
    /// More than [`MAX_MESSAGE`].
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
    pub(super) judgement: Judgement,
}

/// A portal.
#[derive(Debug)]
pub(super) struct Portal {
    pub(super) prepared: Arc<Prepared>,
    /// It has returned some of its rows.
    pub(super) started: bool,
}

/// What becomes of PostgreSQL's replies to one request.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Shape<'r> {
    pub(super) expected: Expected,
    /// DSQL's error, which the client gets instead of PostgreSQL's.
    pub(super) refusal: Option<&'r Refusal>,
    /// The client gets errors only.
    pub(super) hidden: bool,
    /// The client gets nothing.
    pub(super) mute: bool,
    /// CommandComplete waits in [`Engine::held`].
    pub(super) hold: bool,
}

/// A session.
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
    /// The client will send no more; PostgreSQL has this long to finish what it does.
    lingering: Option<std::pin::Pin<Box<Sleep>>>,
}

/// Serves a client that has logged in to its end.
pub(super) async fn serve<S>(front: &Front, client: S, unread: BytesMut, server: UnixStream)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut engine = Engine {
        front,
        client: Peer::new(client, unread),
        behind: Peer::new(server, BytesMut::new()),
        replies: Replies::new(random_key()),
        status: TransactionStatus::Idle,
        transaction: Transaction::none(Instant::now()),
        prepared: HashMap::new(),
        portals: HashMap::new(),
        skipping: false,
        held: BytesMut::new(),
        lingering: None,
    };
    let Err(end) = engine.run().await;
    let mut client = engine.last_words(&end);
    let say = async {
        client.flush().await?;
        client.into_stream().shutdown().await
    };
    // The client may be gone, or not listen.
    drop(timeout(CLOSE_PATIENCE, say).await);
}

impl<S: AsyncRead + AsyncWrite + Unpin> Engine<'_, S> {
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
                self.fail(&refusal).await?;
                self.say_ready();
                Ok(())
            }
            _ => self.extended(message).await,
        }
    }

    pub(super) fn next_request(&mut self) -> Result<Option<Message>, End> {
        next_request(&mut self.client)
    }

    /// The client's next message.
    async fn request(&mut self) -> Result<Message, End> {
        loop {
            if let Some(message) = self.next_request()? {
                return Ok(message);
            }
            if self.lingering.is_some() {
                return Err(End::Finished);
            }
            self.flush().await?;
            tokio::select! {
                read = self.client.fill() => match read {
                    Ok(0) => return Err(End::Finished),
                    Ok(_) => {}
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
        loop {
            if let Some(message) = self.behind.take().map_err(|_| End::Vanished)? {
                return Ok(message);
            }
            // What the client sends meanwhile waits; that it goes is noticed.
            let listening = self.lingering.is_none() && self.client.unread().len() < CHUNK;
            tokio::select! {
                read = self.behind.fill() => self.check_behind(&read)?,
                read = self.client.fill(), if listening => match read {
                    Ok(0) => self.lingering = Some(Box::pin(sleep(LINGER))),
                    Ok(_) => {}
                    Err(_) => return Err(End::ClientGone),
                },
                () = elapsed(&mut self.lingering) => return Err(End::ClientGone),
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
            backend::ERROR_RESPONSE => {
                let fields = ErrorFields::read(message.body()).map_err(|_| End::Vanished)?;
                let sqlstate = fields.sqlstate().unwrap_or(SqlState::INTERNAL_ERROR);
                failed = Some(sqlstate);
                self.held.clear();
                let refusal = shape
                    .refusal
                    .filter(|_| sqlstate != SqlState::IN_FAILED_TRANSACTION);
                if shape.mute {
                } else if let Some(refusal) = refusal {
                    to_response(refusal).encode(&mut self.client.out);
                } else if is_conflict(sqlstate) && !fields.is_fatal() {
                    to_response(&data_conflict()).encode(&mut self.client.out);
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
                self.replies
                    .pass(message, shape.expected, &mut self.client.out);
            }
            _ if shape.hidden || shape.mute => {}
            _ => self
                .replies
                .pass(message, shape.expected, &mut self.client.out),
        }
        if self.client.out.len() >= CHUNK {
            self.flush().await?;
        }
        Ok(failed)
    }

    pub(super) async fn flush(&mut self) -> Result<(), End> {
        self.client.flush().await.map_err(|_| End::ClientGone)
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

    /// Has PostgreSQL fail, and tells the client DSQL's reason.
    pub(super) async fn fail(&mut self, refusal: &Refusal) -> Result<(), End> {
        let shape = Shape {
            refusal: Some(refusal),
            ..Shape::default()
        };
        self.simple(FAILING, shape).await.map(drop)
    }

    /// Before a statement of this class is executed: why it cannot be.
    pub(super) fn before(&mut self, class: Class) -> Option<Refusal> {
        let version = self.front.catalog.version();
        if self.transaction.phase == Phase::Idle {
            self.transaction = Transaction::begin(Phase::Implicit, version, Instant::now());
            return None;
        }
        if self.status == TransactionStatus::Failed || class == Class::Rollback {
            return None;
        }
        if version != self.transaction.catalog {
            return Some(schema_conflict());
        }
        self.transaction.refuses(class)
    }

    /// A statement of this class was executed.
    pub(super) fn executed(&mut self, class: Class) {
        self.transaction.executed(class);
        if class == Class::Begin {
            self.transaction.phase = Phase::Block;
        }
    }

    /// Why the transaction cannot be committed.
    pub(super) fn before_commit(&self) -> Option<Refusal> {
        (self.front.catalog.version() != self.transaction.catalog).then(schema_conflict)
    }

    /// The transaction was committed.
    pub(super) fn committed(&mut self) {
        if self.transaction.changes_catalog() {
            self.front.catalog.changed();
        }
        self.ended();
    }

    /// The transaction has ended, one way or the other.
    pub(super) fn ended(&mut self) {
        self.transaction = Transaction::none(Instant::now());
        self.portals.clear();
    }

    fn last_words(self, end: &End) -> Peer<S> {
        let mut client = self.client;
        let response = match end {
            End::Vanished => Some(vanished()),
            End::Broke(violation) => response_to(*violation),
            End::Finished | End::Closed => None,
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
) -> Result<Option<Message>, End> {
    if let Some((&[tag, a, b, c, d], _)) = client.unread().split_first_chunk::<{ frame::HEADER }>()
    {
        if !frontend::is_known(tag) {
            return Err(End::Broke(Violation::Malformed(tag)));
        }
        let length = u32::from_be_bytes([a, b, c, d]);
        if !usize::try_from(length).is_ok_and(|n| n <= MAX_MESSAGE) {
            return Err(End::Broke(Violation::TooLong));
        }
    }
    client
        .take()
        .map_err(|error| End::Broke(Violation::Length(error)))
}

/// What PostgreSQL at REPEATABLE READ says where DSQL sees a conflict: the row was changed since,
/// or it is locked.
fn is_conflict(sqlstate: SqlState) -> bool {
    const DEADLOCK_DETECTED: &str = "40P01";
    const LOCK_NOT_AVAILABLE: &str = "55P03";
    let code = sqlstate.as_str();
    [conflict::SQLSTATE, DEADLOCK_DETECTED, LOCK_NOT_AVAILABLE].contains(&code)
}

fn data_conflict() -> Refusal {
    Refusal::new(conflict::SQLSTATE, conflict::DATA)
}

fn schema_conflict() -> Refusal {
    Refusal::new(conflict::SQLSTATE, conflict::SCHEMA)
}

pub(super) fn to_response(refusal: &Refusal) -> ErrorResponse {
    let sqlstate = SqlState::parse(refusal.sqlstate.as_bytes()).unwrap_or(SqlState::INTERNAL_ERROR);
    let mut response = ErrorResponse::error(sqlstate, refusal.message.as_str());
    response.detail.clone_from(&refusal.detail);
    response.hint.clone_from(&refusal.hint);
    response
}

/// A process id and a secret that belong to nobody.
fn random_key() -> (i32, [u8; 4]) {
    let mut bytes = [0; 8];
    // Without randomness it is a key of zeroes, which does as well: nothing listens to it.
    random::fill(&mut bytes).ok();
    let [a, b, c, d, secret @ ..] = bytes;
    (i32::from_be_bytes([a & 0x7f, b, c, d]), secret)
}

fn vanished() -> ErrorResponse {
    ErrorResponse::fatal(
        SqlState::CONNECTION_FAILURE,
        "the local cluster's PostgreSQL closed the connection",
    )
    .hint("Look at postgres.log in the cluster's data directory.")
}

fn response_to(violation: Violation) -> Option<ErrorResponse> {
    let text = match violation {
        // As DSQL does it: without a word.
        Violation::TooLong => return None,
        Violation::Length(error) => error.to_string(),
        Violation::Malformed(tag) => {
            format!("invalid frontend message of type {}", tag.escape_ascii())
        }
    };
    Some(ErrorResponse::fatal(SqlState::PROTOCOL_VIOLATION, text))
}
