//! The extended protocol: every message is followed by a Flush and its answer awaited.

use std::sync::Arc;

use bytes::{BufMut as _, Bytes};
use tokio::io::{AsyncRead, AsyncWrite};

use super::super::judge::{Class, Stage, Verdict, judge};
use super::super::occ::Block;
use super::block::Execution;
use super::commit::Commit;
use super::engine::{Answer, End, Engine, FAILING, Portal, Prepared, Violation};
use super::errors::to_response;
use super::peer::Message;
use super::replies::{Expected, Position};
use super::shape::{HIDDEN, Shape};
use super::transaction::Phase;
use crate::sql;
use crate::wire::backend::{self, TransactionStatus};
use crate::wire::frontend::{self, Bind, Execute, Parse, Target};
use crate::wire::{ErrorResponse, encode};

/// The name of our own statements and portals.
pub(super) const OWN_NAME: &[u8] = b"dsql_local";

/// What is prepared in place of a statement that DSQL refuses when it is executed. Like most of
/// those, it returns no rows. It is never executed.
const NEVER: &[u8] = b"DO ''";

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Engine<'_, S> {
    /// Any message of the extended protocol but Flush and Sync.
    pub(super) async fn extended(&mut self, message: &Message) -> Result<(), End> {
        self.enter_group().await?;
        match message.tag() {
            frontend::PARSE => self.parse(message).await,
            frontend::BIND => self.bind(message).await,
            frontend::EXECUTE => self.execute(message).await,
            frontend::CLOSE => self.close(message).await,
            _ => self.ask(message.bytes(), Shape::default()).await.map(drop),
        }
    }

    async fn parse(&mut self, message: &Message) -> Result<(), End> {
        let parse = Parse::read(message.body())
            .map_err(|_| End::Broke(Violation::Malformed(message.tag())))?;
        // Of several, PostgreSQL says that there cannot be several.
        let judgement = judge(sql::single_statement(parse.sql).unwrap_or_default());
        let (sql, expected) = match &judgement.verdict {
            Verdict::Refuse(refusal) if refusal.stage == Stage::Analysis => {
                return self.refuse(&to_response(refusal)).await;
            }
            Verdict::Refuse(_) => (Some(NEVER), Position::Elsewhere),
            Verdict::Rewrite { sql, .. } => (Some(sql.as_slice()), Position::Elsewhere),
            Verdict::Allow => (None, Position::Same),
        };
        let bytes = match sql {
            Some(sql) => Bytes::from(parse_message(parse.name, sql, parse.types)),
            None => Bytes::copy_from_slice(message.bytes()),
        };
        if parse.name.is_empty() {
            self.prepared.remove(parse.name);
        }
        let expected = Expected {
            tag: None,
            position: expected,
        };
        let shape = Shape {
            expected,
            ..Shape::default()
        };
        if let Answer::Done(_) = self.ask(&bytes, shape).await? {
            let prepared = Prepared {
                text: Bytes::copy_from_slice(parse.sql),
                types: Bytes::copy_from_slice(parse.types),
                judgement,
            };
            self.prepared
                .insert(parse.name.to_vec(), Arc::new(prepared));
        }
        Ok(())
    }

    async fn bind(&mut self, message: &Message) -> Result<(), End> {
        let answer = self.ask(message.bytes(), Shape::default()).await?;
        // What is malformed fails.
        let Ok(bind) = Bind::read(message.body()) else {
            return Ok(());
        };
        if let (Answer::Done(_), Some(prepared)) = (answer, self.prepared.get(bind.statement)) {
            let portal = Portal {
                prepared: Arc::clone(prepared),
                bind: Bytes::copy_from_slice(message.bytes()),
                generation: self.block.as_ref().map_or(0, Block::generation),
                started: false,
                suspended: false,
            };
            self.portals.insert(bind.portal.to_vec(), portal);
        }
        Ok(())
    }

    async fn close(&mut self, message: &Message) -> Result<(), End> {
        match Target::read(message.body()) {
            Ok(Target::Statement(name)) => drop(self.prepared.remove(name)),
            Ok(Target::Portal(name)) => drop(self.portals.remove(name)),
            // It fails.
            Err(_) => {}
        }
        self.ask(message.bytes(), Shape::default()).await.map(drop)
    }

    async fn execute(&mut self, message: &Message) -> Result<(), End> {
        let execute = Execute::read(message.body());
        let portal = execute.ok().and_then(|e| self.portals.get_mut(e.portal));
        // PostgreSQL says what is wrong with it; and what goes on has begun already.
        let Some(portal) = portal.filter(|portal| !portal.started) else {
            let answer = self.ask(message.bytes(), Shape::default()).await?;
            self.executed_portal(message, answer);
            return Ok(());
        };
        portal.started = true;
        let prepared = Arc::clone(&portal.prepared);
        let (bind, generation) = (portal.bind.clone(), portal.generation);
        let class = prepared.judgement.class;
        let tag = match &prepared.judgement.verdict {
            Verdict::Refuse(refusal) => return self.refuse(&to_response(refusal)).await,
            Verdict::Rewrite { tag, .. } => *tag,
            Verdict::Allow => None,
        };
        if class == Class::Commit && self.in_open_block() {
            match self.before_commit().await? {
                Commit::Go => {}
                Commit::Refused(refusal) => {
                    self.hidden_extended(b"ROLLBACK").await?;
                    self.ended();
                    return self.refuse(&refusal).await;
                }
                Commit::Untold(untold) => {
                    self.ask(message.bytes(), HIDDEN).await?;
                    self.committed();
                    self.skipping = true;
                    return self.tell(&untold);
                }
            }
        } else if let Some(refusal) = self.before(&prepared.text, class).await? {
            return self.refuse(&refusal).await;
        }
        let open = self.in_open_block();
        let position = match prepared.judgement.verdict {
            Verdict::Allow => Position::Same,
            _ => Position::Elsewhere,
        };
        let shape = Shape {
            expected: Expected { tag, position },
            ..Shape::default()
        };
        let execution = Execution {
            prepared: &prepared,
            bind,
            generation,
            execute: message,
        };
        let answer = self.attempt_execute(&execution, class, shape).await?;
        self.executed_portal(message, answer);
        if let Answer::Failed(_) = answer {
            if class == Class::Commit {
                self.ended();
            }
        } else {
            self.executed(class);
            match class {
                Class::Begin => self.open_block().await?,
                Class::Commit if open => self.committed(),
                Class::Commit | Class::Rollback => self.ended(),
                _ => {}
            }
        }
        Ok(())
    }

    /// Notes whether a portal has more rows.
    fn executed_portal(&mut self, message: &Message, answer: Answer) {
        let execute = Execute::read(message.body());
        if let Some(portal) = execute.ok().and_then(|e| self.portals.get_mut(e.portal)) {
            portal.suspended = answer == Answer::Done(backend::PORTAL_SUSPENDED);
        }
    }

    fn in_open_block(&self) -> bool {
        self.transaction.phase == Phase::Block && self.status != TransactionStatus::Failed
    }

    pub(super) async fn sync(&mut self) -> Result<(), End> {
        let mut how = Commit::Go;
        if self.transaction.phase == Phase::Implicit && !self.skipping {
            how = self.before_commit().await?;
            if let Commit::Refused(refusal) = &how {
                self.refuse(refusal).await?;
            }
        }
        encode::sync(&mut self.behind.out);
        self.send().await?;
        let answer = self.until_ready(Shape::default()).await?;
        if self.status == TransactionStatus::Idle && self.transaction.phase != Phase::Idle {
            let committed = self.transaction.phase == Phase::Implicit
                && !self.skipping
                && matches!(answer, Answer::Done(_));
            if committed {
                self.committed();
            } else {
                self.ended();
            }
        }
        self.skipping = false;
        self.leave_group().await?;
        if let Commit::Untold(untold) = how {
            self.tell(&untold)?;
        }
        self.say_ready();
        Ok(())
    }

    /// Has PostgreSQL fail up to the next Sync, and tells the client DSQL's reason.
    async fn refuse(&mut self, refusal: &ErrorResponse) -> Result<(), End> {
        let shape = Shape {
            refusal: Some(refusal),
            ..Shape::default()
        };
        let parse = parse_message(OWN_NAME, FAILING, &[]);
        self.ask(&parse, shape).await.map(drop)
    }

    /// A statement of our own, in the client's transaction. The client sees its error, if it
    /// fails, and nothing else.
    async fn hidden_extended(&mut self, sql: &[u8]) -> Result<Answer, End> {
        let out = &mut self.behind.out;
        out.extend_from_slice(&parse_message(OWN_NAME, sql, &[]));
        out.extend_from_slice(&bind_message(OWN_NAME, OWN_NAME, &[0; 6]));
        encode::frame(frontend::EXECUTE, out, |body| {
            encode::cstr(OWN_NAME, body);
            body.put_i32(0);
        });
        encode::frame(frontend::FLUSH, out, |_| {});
        self.send().await?;
        let answer = self.until_answered(HIDDEN).await?;
        if let Answer::Done(_) = answer {
            self.ask(&close_message(b'S', OWN_NAME), HIDDEN).await?;
        }
        Ok(answer)
    }

    /// Sends a message and passes on what PostgreSQL answers.
    pub(super) async fn ask(&mut self, message: &[u8], shape: Shape<'_>) -> Result<Answer, End> {
        self.behind.out.extend_from_slice(message);
        encode::frame(frontend::FLUSH, &mut self.behind.out, |_| {});
        self.send().await?;
        self.until_answered_by(message.first().copied().unwrap_or_default(), shape)
            .await
    }

    async fn until_answered(&mut self, shape: Shape<'_>) -> Result<Answer, End> {
        self.until_answered_by(frontend::EXECUTE, shape).await
    }

    /// Passes replies on up to the last one to a message of this type.
    async fn until_answered_by(&mut self, asked: u8, shape: Shape<'_>) -> Result<Answer, End> {
        loop {
            let message = self.reply().await?;
            let tag = message.tag();
            if tag == backend::COPY_IN_RESPONSE {
                self.copy_in(&message, shape).await?;
                continue;
            }
            if let Some(sqlstate) = self.pass(&message, shape).await? {
                self.skipping = true;
                return Ok(Answer::Failed(sqlstate));
            }
            let last = match asked {
                frontend::PARSE => tag == backend::PARSE_COMPLETE,
                frontend::BIND => tag == backend::BIND_COMPLETE,
                frontend::CLOSE => tag == backend::CLOSE_COMPLETE,
                frontend::DESCRIBE => {
                    matches!(tag, backend::ROW_DESCRIPTION | backend::NO_DATA)
                }
                _ => matches!(
                    tag,
                    backend::COMMAND_COMPLETE
                        | backend::EMPTY_QUERY_RESPONSE
                        | backend::PORTAL_SUSPENDED
                ),
            };
            if last {
                return Ok(Answer::Done(tag));
            }
        }
    }
}

/// A Bind. `values` are formats and values, as the protocol has them.
pub(super) fn bind_message(portal: &[u8], statement: &[u8], values: &[u8]) -> bytes::BytesMut {
    let mut out = bytes::BytesMut::new();
    encode::frame(frontend::BIND, &mut out, |body| {
        encode::cstr(portal, body);
        encode::cstr(statement, body);
        body.extend_from_slice(values);
    });
    out
}

/// A Close of a statement (`S`) or a portal (`P`).
pub(super) fn close_message(kind: u8, name: &[u8]) -> bytes::BytesMut {
    let mut out = bytes::BytesMut::new();
    encode::frame(frontend::CLOSE, &mut out, |body| {
        body.put_u8(kind);
        encode::cstr(name, body);
    });
    out
}

/// A Parse.
pub(super) fn parse_message(name: &[u8], sql: &[u8], types: &[u8]) -> bytes::BytesMut {
    let mut out = bytes::BytesMut::new();
    encode::frame(frontend::PARSE, &mut out, |body| {
        encode::cstr(name, body);
        encode::cstr(sql, body);
        // A frame holds the number of types, so it fits.
        body.put_u16(u16::try_from(types.len() / 4).unwrap_or(0));
        body.extend_from_slice(types);
    });
    out
}
