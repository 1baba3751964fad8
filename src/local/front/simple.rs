//! The simple protocol.
//!
//! A Query of several statements is run one by one, so that each is judged where it stands. What
//! PostgreSQL makes of them, one implicit transaction, is made of a BEGIN and a COMMIT that the
//! client does not see.

use tokio::io::{AsyncRead, AsyncWrite};

use super::super::judge::{Class, Judgement, Verdict, judge};
use super::commit::Commit;
use super::engine::{Answer, End, Engine, FAILING};
use super::errors::to_response;
use super::replies::{Expected, Position};
use super::shape::{HIDDEN, Heard, Shape};
use super::syntax;
use super::transaction::Phase;
use crate::sql::{self, Statement};
use crate::wire::backend::TransactionStatus;
use crate::wire::{ErrorResponse, Severity, SqlState};

/// How a statement of a script ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Done,
    Failed,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Engine<'_, S> {
    /// A Query, up to ReadyForQuery.
    pub(super) async fn query(&mut self, text: &[u8]) -> Result<(), End> {
        // PostgreSQL takes it for a Sync too.
        self.grouped = false;
        let statements: Vec<Statement> = sql::statements(text)
            .filter(|statement| !statement.is_empty())
            .collect();
        match statements.as_slice() {
            [] => {
                self.simple(text, Shape::default()).await?;
            }
            // What reads has nothing to commit, and what PostgreSQL does not run in a transaction
            // block is among it.
            [only] if self.status != TransactionStatus::Idle || !writes(only.bytes(text)) => {
                let judgement = judge(only.bytes(text));
                self.statement(text, Position::Same, judgement, false)
                    .await?;
                if self.transaction.phase == Phase::Implicit {
                    self.ended();
                }
            }
            several => self.script(text, several).await?,
        }
        self.say_ready();
        Ok(())
    }

    async fn script(&mut self, text: &[u8], statements: &[Statement]) -> Result<(), End> {
        if statements.len() > 1 && !self.check_syntax(text, statements).await? {
            return Ok(());
        }
        // In the transaction that the client does not see.
        let mut within = false;
        let mut failed = false;
        for (number, statement) in statements.iter().enumerate() {
            let judgement = judge(statement.bytes(text));
            let last = number + 1 == statements.len();
            let refused = matches!(judgement.verdict, Verdict::Refuse(_));
            match judgement.class {
                Class::Begin if within && !refused => {
                    if self.make_block(statement.bytes(text), &judgement).await? == Outcome::Failed
                    {
                        failed = true;
                        break;
                    }
                    within = false;
                    continue;
                }
                Class::Commit | Class::Rollback if within && !refused => {
                    within = false;
                    no_transaction().encode(&mut self.client.out);
                }
                Class::Begin | Class::Commit | Class::Rollback => {}
                _ if self.status == TransactionStatus::Idle => {
                    self.hidden(b"BEGIN").await?;
                    within = true;
                }
                _ => {}
            }
            let (sql, position) = if statements.len() == 1 {
                // With its comments, which others see in pg_stat_activity.
                (text, Position::Same)
            } else {
                let before = text.get(..statement.body.start).unwrap_or_default();
                let position = Position::Ahead(characters(before));
                (statement.bytes(text), position)
            };
            let outcome = self
                .statement(sql, position, judgement, last && within)
                .await?;
            if outcome == Outcome::Failed {
                failed = true;
                break;
            }
        }
        match within {
            true if failed => {
                self.hidden(b"ROLLBACK").await?;
                self.ended();
                Ok(())
            }
            true => self.commit_hidden().await,
            false => Ok(()),
        }
    }

    /// A BEGIN that makes a block of the transaction that the client does not see. PostgreSQL
    /// sets its modes, and warns that there is a transaction.
    async fn make_block(&mut self, text: &[u8], judgement: &Judgement) -> Result<Outcome, End> {
        let sql = match &judgement.verdict {
            Verdict::Rewrite { sql, .. } => sql,
            _ => text,
        };
        let shape = Shape {
            hold: true,
            ..HIDDEN
        };
        if let Answer::Failed(_) = self.simple(sql, shape).await? {
            return Ok(Outcome::Failed);
        }
        self.transaction.phase = Phase::Block;
        self.client.out.extend_from_slice(&self.held.split());
        Ok(Outcome::Done)
    }

    /// Whether PostgreSQL can read all of it, which it does before it runs the first statement.
    async fn check_syntax(&mut self, text: &[u8], statements: &[Statement]) -> Result<bool, End> {
        // What PostgreSQL does not get, it does not have to understand. Positions stay.
        let mut readable = Vec::with_capacity(text.len());
        let mut copied = 0;
        for statement in statements {
            let bytes = statement.bytes(text);
            if judge(bytes).verdict != Verdict::Allow {
                let before = text.get(copied..statement.body.start).unwrap_or_default();
                readable.extend_from_slice(before);
                readable.resize(readable.len().saturating_add(characters(bytes)), b' ');
                copied = statement.body.end;
            }
        }
        readable.extend_from_slice(text.get(copied..).unwrap_or_default());
        let Some(error) = self.front.syntax_error(&readable).await else {
            return Ok(true);
        };
        let mute = Shape {
            heard: Heard::Nothing,
            ..Shape::default()
        };
        self.simple(FAILING, mute).await?;
        let expected = Expected {
            tag: None,
            position: syntax::POSITION,
        };
        self.replies.pass(&error, expected, &mut self.client.out);
        self.failed();
        Ok(false)
    }

    /// One statement of the simple protocol. If `hold`, its CommandComplete is held back.
    async fn statement(
        &mut self,
        text: &[u8],
        position: Position,
        judgement: Judgement,
        hold: bool,
    ) -> Result<Outcome, End> {
        let class = judgement.class;
        let (sql, expected) = match &judgement.verdict {
            Verdict::Refuse(refusal) => {
                self.fail(&to_response(refusal)).await?;
                return Ok(self.failed());
            }
            Verdict::Allow => (
                text,
                Expected {
                    tag: None,
                    position,
                },
            ),
            Verdict::Rewrite { sql, tag } => {
                let position = Position::Elsewhere;
                (
                    sql.as_slice(),
                    Expected {
                        tag: *tag,
                        position,
                    },
                )
            }
        };
        if class == Class::Commit {
            return self.commit(sql, expected).await;
        }
        if let Some(refusal) = self.before(text, class).await? {
            self.fail(&refusal).await?;
            return Ok(self.failed());
        }
        let shape = Shape {
            expected,
            hold,
            ..Shape::default()
        };
        let answer = self.attempt(sql, class, shape).await?;
        if matches!(answer, Answer::Failed(_)) {
            return Ok(self.failed());
        }
        self.executed(class);
        if class == Class::Begin {
            self.open_block().await?;
        }
        if self.status == TransactionStatus::Idle {
            if class == Class::Rollback {
                self.ended();
            } else {
                self.committed();
            }
        }
        Ok(Outcome::Done)
    }

    fn failed(&mut self) -> Outcome {
        if self.status == TransactionStatus::Idle {
            self.ended();
        }
        Outcome::Failed
    }

    async fn commit(&mut self, sql: &[u8], expected: Expected) -> Result<Outcome, End> {
        let open = self.status == TransactionStatus::InTransaction;
        let how = if open {
            self.before_commit().await?
        } else {
            Commit::Go
        };
        let shape = match how {
            Commit::Refused(refusal) => {
                self.hidden(b"ROLLBACK").await?;
                refusal.encode(&mut self.client.out);
                return Ok(self.failed());
            }
            Commit::Untold(_) => HIDDEN,
            Commit::Go => Shape {
                expected,
                ..Shape::default()
            },
        };
        if matches!(self.simple(sql, shape).await?, Answer::Failed(_)) {
            return Ok(self.failed());
        }
        if open {
            self.committed();
        } else {
            self.ended();
        }
        if let Commit::Untold(untold) = how {
            self.tell(&untold)?;
            return Ok(Outcome::Failed);
        }
        Ok(Outcome::Done)
    }

    /// Commits what the client takes for one implicit transaction.
    async fn commit_hidden(&mut self) -> Result<(), End> {
        let how = self.before_commit().await?;
        if let Commit::Refused(refusal) = how {
            self.held.clear();
            self.hidden(b"ROLLBACK").await?;
            refusal.encode(&mut self.client.out);
            self.ended();
            return Ok(());
        }
        if let Answer::Failed(_) = self.hidden(b"COMMIT").await? {
            self.ended();
            return Ok(());
        }
        let held = self.held.split();
        self.committed();
        match how {
            Commit::Untold(untold) => self.tell(&untold)?,
            _ => self.client.out.extend_from_slice(&held),
        }
        Ok(())
    }

    /// A statement of our own. The client sees its error, if it fails, and nothing else.
    pub(super) async fn hidden(&mut self, sql: &[u8]) -> Result<Answer, End> {
        self.simple(sql, HIDDEN).await
    }
}

/// Whether a statement, on its own, is a transaction with something to commit.
fn writes(statement: &[u8]) -> bool {
    let judgement = judge(statement);
    matches!(judgement.class, Class::Ddl | Class::Dml | Class::Locking)
        && !matches!(judgement.verdict, Verdict::Refuse(_))
}

/// How many characters these bytes are in UTF-8.
fn characters(text: &[u8]) -> usize {
    text.iter().filter(|byte| (**byte & 0xc0) != 0x80).count()
}

/// As PostgreSQL says it of COMMIT and ROLLBACK in an implicit transaction.
fn no_transaction() -> ErrorResponse {
    ErrorResponse::error(
        SqlState::NO_ACTIVE_TRANSACTION,
        "there is no transaction in progress",
    )
    .severity(Severity::Warning)
}

#[cfg(test)]
mod tests;
