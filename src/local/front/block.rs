//! Transaction blocks under optimistic concurrency: how [`Block`] and PostgreSQL's session are
//! brought together, in both protocols.

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

use super::super::bootstrap::OWN;
use super::super::judge::{Class, Verdict};
use super::super::occ::{
    Behind, Block, Change, Contention, Failed, Ground, LET_GO, MOST_TRIES, OPEN, Retry,
};
use super::engine::{Answer, End, Engine, FAILING, Prepared};
use super::errors::{conflict_of, data_conflict, to_response};
use super::extended::{OWN_NAME, bind_message, close_message, parse_message};
use super::peer::Message;
use super::remember::{remember, resets_all};
use super::replies::Position;
use super::shape::{HIDDEN, Heard, Shape};
use super::transaction::Phase;
use crate::wire::backend::TransactionStatus;
use crate::wire::frontend::Bind;
use crate::wire::{ErrorFields, SqlState, encode};

/// The name of a client's statement that is prepared anew, for shadows.
const SHADOW_NAME: &[u8] = b"dsql_local_shadow";

/// What a trigger told, if this notice is from one of ours.
pub(super) fn told(message: &Message) -> Option<Change> {
    let fields = ErrorFields::read(message.body()).ok()?;
    let ours = fields.field(b's') == Some(OWN.as_bytes()) && fields.field(b'd') == Some(b"delta");
    ours.then(|| Change::parse(fields.field(b'D')?))?
}

/// What has become of a statement so far.
#[derive(Debug, Default)]
pub(super) struct Attempt {
    /// What triggers have told.
    pub(super) told: Vec<Change>,
    /// An error that the client may never see.
    pub(super) caught: Option<Message>,
    /// Replies are kept until the statement is known to have run.
    pub(super) buffering: bool,
    /// Something is on its way to the client, so that it cannot run again.
    pub(super) flushed: bool,
}

/// A statement of the client, as PostgreSQL gets it, in the extended protocol.
pub(super) struct Execution<'m> {
    pub(super) prepared: &'m Prepared,
    /// Of the Bind that made its portal.
    pub(super) bind: Bytes,
    /// [`Block::generation`] then.
    pub(super) generation: u64,
    pub(super) execute: &'m Message,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Engine<'_, S> {
    /// Takes note of a BEGIN that has run.
    pub(super) async fn open_block(&mut self) -> Result<(), End> {
        match self.run(OPEN).await {
            Ok(_) => self.block = Some(Block::new()),
            Err(Failed::Lost(end)) => return Err(end),
            Err(Failed::Statement(sqlstate)) => {
                tracing::warn!(%sqlstate, "cannot prepare a transaction block");
            }
        }
        Ok(())
    }

    /// True if PostgreSQL may hold locks for a client that does nothing.
    pub(super) fn could_let_go(&self) -> bool {
        let holds = match self.status {
            TransactionStatus::Idle => false,
            TransactionStatus::InTransaction => {
                self.block.as_ref().is_some_and(Block::can_park)
                    && !self.portals.values().any(|portal| portal.suspended)
            }
            TransactionStatus::Failed => self.savepoints > 0,
        };
        holds && !self.grouped
    }

    /// Lets go of all locks.
    pub(super) async fn let_go(&mut self) -> Result<(), End> {
        if self.status == TransactionStatus::Failed {
            return self.let_go_failed().await;
        }
        if let Some(mut block) = self.block.take() {
            block.park(self).await?;
            self.block = Some(block);
        }
        Ok(())
    }

    /// Lets go of what a failed block had locked before the savepoint behind which it failed.
    async fn let_go_failed(&mut self) -> Result<(), End> {
        self.savepoints = 0;
        if let Err(Failed::Lost(end)) = self.run(LET_GO).await {
            return Err(end);
        }
        if self.status == TransactionStatus::Failed {
            return Ok(());
        }
        let mute = Shape {
            heard: Heard::Nothing,
            ..Shape::default()
        };
        self.aborted(mute).await
    }

    /// Before the first message of the extended protocol up to Sync.
    pub(super) async fn enter_group(&mut self) -> Result<(), End> {
        if !std::mem::replace(&mut self.grouped, true)
            && self.status == TransactionStatus::InTransaction
            && let Some(mut block) = self.block.take()
        {
            block.wake(self).await?;
            self.block = Some(block);
        }
        Ok(())
    }

    /// Behind Sync.
    pub(super) async fn leave_group(&mut self) -> Result<(), End> {
        if std::mem::take(&mut self.grouped)
            && self.status == TransactionStatus::InTransaction
            && let Some(mut block) = self.block.take()
        {
            block.rest(self).await?;
            self.block = Some(block);
        }
        Ok(())
    }

    /// Runs a statement of the simple protocol. In a block, what others have done meanwhile shows
    /// at COMMIT only.
    pub(super) async fn attempt(
        &mut self,
        sql: &[u8],
        class: Class,
        shape: Shape<'_>,
    ) -> Result<Answer, End> {
        let in_block = self.status == TransactionStatus::InTransaction && class != Class::Rollback;
        let Some(mut block) = self.block.take_if(|_| in_block) else {
            return self.attempt_alone(sql, class, shape).await;
        };
        let mut ground = block.ready(self, sql).await?;
        let mut tries = Tries::from(self.client.out.len());
        loop {
            let (text, shape) = match &ground {
                Ground::Tables => (sql, shape),
                Ground::Shadows(text) => (text.as_slice(), elsewhere(shape)),
                Ground::Nowhere => return self.conflict_now(shape).await,
            };
            self.before_attempt(class).await?;
            let answer = self.simple(text, catching(shape)).await?;
            match self
                .after_attempt(&mut block, text, sql, class, answer, &mut tries)
                .await?
            {
                Next::Again(next) => ground = next,
                Next::Done => {
                    remember(&mut block, sql, class);
                    self.block = Some(block);
                    return Ok(answer);
                }
                Next::Failed(error) => {
                    self.say_error(&error, shape);
                    return Ok(answer);
                }
            }
        }
    }

    /// A statement outside of a block. As the first of its transaction it waits for those who are
    /// about to let go.
    async fn attempt_alone(
        &mut self,
        sql: &[u8],
        class: Class,
        shape: Shape<'_>,
    ) -> Result<Answer, End> {
        if !self.is_alone() {
            return self.simple(sql, shape).await;
        }
        let mark = self.client.out.len();
        let within = self.status == TransactionStatus::InTransaction;
        let mut tries = 0;
        loop {
            self.begin_attempt(class);
            let answer = self.simple(sql, catching(shape)).await?;
            tries += 1;
            match self.alone_again(answer, tries, mark, shape)? {
                Alone::Over => return Ok(answer),
                Alone::Again if within => {
                    self.hidden(b"ROLLBACK").await?;
                    self.hidden(b"BEGIN").await?;
                }
                Alone::Again => {}
            }
        }
    }

    async fn attempt_execute_alone(
        &mut self,
        execution: &Execution<'_>,
        class: Class,
        shape: Shape<'_>,
    ) -> Result<Answer, End> {
        let execute = execution.execute.bytes();
        if !self.is_alone() {
            return self.ask(execute, shape).await;
        }
        let mark = self.client.out.len();
        let mut tries = 0;
        loop {
            self.begin_attempt(class);
            let mut answer = Answer::Done(0);
            if tries > 0 {
                answer = self.rebind(execution, None).await?;
            }
            if let Answer::Done(_) = answer {
                answer = self.ask(execute, catching(shape)).await?;
            }
            tries += 1;
            match self.alone_again(answer, tries, mark, shape)? {
                Alone::Over => return Ok(answer),
                Alone::Again => self.recover().await?,
            }
        }
    }

    /// True if the next statement is the first of its transaction, which is no block.
    fn is_alone(&self) -> bool {
        self.transaction.phase == Phase::Implicit && self.transaction.is_new()
    }

    fn alone_again(
        &mut self,
        answer: Answer,
        tries: u32,
        mark: usize,
        shape: Shape<'_>,
    ) -> Result<Alone, End> {
        self.attempt.buffering = false;
        let Answer::Failed(sqlstate) = answer else {
            return Ok(Alone::Over);
        };
        let Some(error) = self.attempt.caught.take() else {
            return Err(End::Vanished);
        };
        let waits = Contention::of(sqlstate) == Some(Contention::Wait);
        if waits && !self.attempt.flushed && !self.seat.is_stuck() && tries < MOST_TRIES {
            self.client.out.truncate(mark);
            self.held.clear();
            return Ok(Alone::Again);
        }
        self.say_error(&error, shape);
        Ok(Alone::Over)
    }

    fn begin_attempt(&mut self, class: Class) {
        self.seat.begins(class);
        self.attempt = Attempt {
            buffering: class != Class::Read,
            ..Attempt::default()
        };
    }

    /// The same for an Execute.
    pub(super) async fn attempt_execute(
        &mut self,
        execution: &Execution<'_>,
        class: Class,
        shape: Shape<'_>,
    ) -> Result<Answer, End> {
        let execute = execution.execute.bytes();
        let in_block = self.status != TransactionStatus::Failed && class != Class::Rollback;
        let Some(mut block) = self.block.take_if(|_| in_block) else {
            return self.attempt_execute_alone(execution, class, shape).await;
        };
        if class == Class::Commit {
            // However it ends, the block does.
            let mut answer = Answer::Done(0);
            if execution.generation != block.generation() {
                answer = self.rebind(execution, None).await?;
            }
            return match answer {
                Answer::Done(_) => self.ask(execute, shape).await,
                failed @ Answer::Failed(_) => Ok(failed),
            };
        }
        let sql = execution.prepared.behind();
        let mut ground = block.ready(self, sql).await?;
        let mut tries = Tries::from(self.client.out.len());
        loop {
            let (text, shape) = match &ground {
                Ground::Tables => (sql, shape),
                Ground::Shadows(text) => (text.as_slice(), elsewhere(shape)),
                Ground::Nowhere => return self.conflict_now(shape).await,
            };
            self.before_attempt(class).await?;
            let stale = execution.generation != block.generation();
            let mut answer = match &ground {
                Ground::Tables if stale => self.rebind(execution, None).await?,
                Ground::Shadows(text) => self.rebind(execution, Some(text)).await?,
                _ => Answer::Done(0),
            };
            if let Answer::Done(_) = answer {
                answer = self.ask(execute, catching(shape)).await?;
            }
            if let Answer::Failed(_) = answer {
                self.recover().await?;
            }
            match self
                .after_attempt(&mut block, text, sql, class, answer, &mut tries)
                .await?
            {
                Next::Again(next) => ground = next,
                Next::Done => {
                    remember(&mut block, sql, class);
                    self.block = Some(block);
                    return Ok(answer);
                }
                Next::Failed(error) => {
                    self.say_error(&error, shape);
                    self.skipping = true;
                    return Ok(answer);
                }
            }
        }
    }

    async fn before_attempt(&mut self, class: Class) -> Result<(), End> {
        if class == Class::Locking {
            self.savepoints += 1;
            match self.run(Block::BEFORE_LOCKING).await {
                Ok(_) | Err(Failed::Statement(_)) => {}
                Err(Failed::Lost(end)) => return Err(end),
            }
        }
        self.begin_attempt(class);
        Ok(())
    }

    async fn after_attempt(
        &mut self,
        block: &mut Block,
        text: &[u8],
        sql: &[u8],
        class: Class,
        answer: Answer,
        tries: &mut Tries,
    ) -> Result<Next, End> {
        self.attempt.buffering = false;
        let sqlstate = match answer {
            Answer::Done(_) => {
                for change in std::mem::take(&mut self.attempt.told) {
                    block.told(change);
                }
                if class == Class::Locking {
                    match block.locked(self, text).await {
                        Ok(()) => {}
                        Err(Failed::Lost(end)) => return Err(end),
                        // What is locked is not known.
                        Err(Failed::Statement(_)) => {
                            self.client.out.truncate(tries.mark);
                            return Ok(Next::Again(Ground::Nowhere));
                        }
                    }
                }
                if resets_all(sql) {
                    block.tell_again(self).await?;
                }
                block.ran(self).await?;
                return Ok(Next::Done);
            }
            Answer::Failed(sqlstate) => sqlstate,
        };
        let Some(error) = self.attempt.caught.take() else {
            return Err(End::Vanished);
        };
        if self.attempt.flushed {
            return Ok(Next::Failed(error));
        }
        self.client.out.truncate(tries.mark);
        Ok(match block.failed(self, sql, sqlstate).await? {
            Retry::Error => Next::Failed(error),
            Retry::FirstError => Next::Failed(match tries.first.take() {
                Some(first) if !is_of_another_key(&first, &error) => first,
                _ => error,
            }),
            Retry::On(ground) => {
                tries.first.get_or_insert(error);
                Next::Again(ground)
            }
        })
    }

    /// A conflict that cannot wait for COMMIT.
    async fn conflict_now(&mut self, shape: Shape<'_>) -> Result<Answer, End> {
        let conflict = to_response(&data_conflict());
        if self.status != TransactionStatus::Failed {
            let mute = Shape {
                heard: Heard::Nothing,
                ..shape
            };
            self.aborted(mute).await?;
        }
        conflict.encode(&mut self.client.out);
        self.skipping = self.grouped;
        Ok(Answer::Failed(SqlState::SERIALIZATION_FAILURE))
    }

    /// Has the transaction fail.
    async fn aborted(&mut self, shape: Shape<'_>) -> Result<(), End> {
        if self.grouped {
            let parse = parse_message(OWN_NAME, FAILING, &[]);
            self.ask(&parse, shape).await?;
            self.recover().await
        } else {
            self.simple(FAILING, shape).await.map(drop)
        }
    }

    /// Makes a portal again, on the client's statement or on one with another text.
    async fn rebind(
        &mut self,
        execution: &Execution<'_>,
        text: Option<&[u8]>,
    ) -> Result<Answer, End> {
        let Ok(bind) = Bind::read(execution.bind.get(5..).unwrap_or_default()) else {
            return Err(End::Vanished);
        };
        let catch = catching(HIDDEN);
        self.ask(&close_message(b'P', bind.portal), catch).await?;
        let statement = match text {
            None => bind.statement,
            Some(text) => {
                self.ask(&close_message(b'S', SHADOW_NAME), catch).await?;
                let parse = parse_message(SHADOW_NAME, text, &execution.prepared.types);
                if let failed @ Answer::Failed(_) = self.ask(&parse, catch).await? {
                    return Ok(failed);
                }
                SHADOW_NAME
            }
        };
        self.ask(&bind_message(bind.portal, statement, bind.values), catch)
            .await
    }

    /// Has PostgreSQL read on behind an error in the extended protocol.
    pub(super) async fn recover(&mut self) -> Result<(), End> {
        encode::sync(&mut self.behind.out);
        self.send().await?;
        self.until_ready(Shape {
            heard: Heard::Nothing,
            ..HIDDEN
        })
        .await?;
        self.skipping = false;
        Ok(())
    }

    /// An error of PostgreSQL, as DSQL would have it.
    pub(super) fn say_error(&mut self, message: &Message, shape: Shape<'_>) {
        let fields = ErrorFields::read(message.body()).ok();
        if let Some(conflict) = fields.as_ref().and_then(conflict_of) {
            to_response(&conflict).encode(&mut self.client.out);
        } else {
            self.replies
                .pass(message, shape.expected, &mut self.client.out);
        }
    }
}

/// What follows from one try of a statement outside of a block.
enum Alone {
    Over,
    Again,
}

/// What follows from one try of a statement.
enum Next {
    Done,
    Failed(Message),
    Again(Ground),
}

/// All tries of a statement.
struct Tries {
    /// What the client was to get before.
    mark: usize,
    /// The error of the first.
    first: Option<Message>,
}

impl Tries {
    fn from(mark: usize) -> Self {
        Self { mark, first: None }
    }
}

impl Prepared {
    /// The text that PostgreSQL got.
    fn behind(&self) -> &[u8] {
        match &self.judgement.verdict {
            Verdict::Rewrite { sql, .. } => sql,
            _ => &self.text,
        }
    }
}

fn catching(shape: Shape<'_>) -> Shape<'_> {
    Shape {
        catch: true,
        ..shape
    }
}

fn elsewhere(shape: Shape<'_>) -> Shape<'_> {
    let mut shape = shape;
    shape.expected.position = Position::Elsewhere;
    shape
}

/// Whether two errors tell of keys that are taken, and not of the same: the snapshot's is right.
fn is_of_another_key(first: &Message, second: &Message) -> bool {
    const UNIQUE_VIOLATION: &str = "23505";
    let read = |message| {
        let fields = ErrorFields::read(message).ok()?;
        let taken = fields.sqlstate()?.as_str() == UNIQUE_VIOLATION;
        taken.then(|| fields.message().to_vec())
    };
    match (read(first.body()), read(second.body())) {
        (Some(first), Some(second)) => first != second,
        _ => false,
    }
}
