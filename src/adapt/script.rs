//! The statements of a Query, where they cannot all be sent as they are: DSQL takes one DDL
//! statement in a transaction and nothing else with it (documented 2026-10).

use std::ops::Range;
use std::rc::Rc;

use bytes::Bytes;

use super::ddl;
use super::desk::Desk;
use super::failure::Failure;
use super::index;
use super::journal::{Journal, is_unknown};
use super::local::{self, Bound, Local};
use super::state::Shared;
use crate::compat::ddl::is_ddl;
use crate::compat::{DdlTransactions, Policy};
use crate::sql::{self, Reader, StatementKind, Traits};
use crate::wire::backend::TransactionStatus;
use crate::wire::{Severity, SqlState};

/// Runs the statements of a Query: each DDL statement alone, those between together.
pub(super) async fn query(desk: Desk, text: Bytes, policy: Rc<Policy>, state: Shared) {
    if desk.status() == TransactionStatus::Idle {
        // What there was of a block is over.
        state.borrow_mut().clear();
    }
    let statements: Vec<_> = sql::statements(&text)
        .filter(|statement| !statement.is_empty())
        .collect();
    let mut script = Script {
        desk: &desk,
        text: &text,
        policy: &policy,
        state: &state,
        count: statements.len(),
        run: None,
        seen: 0,
        applied: 0,
        journal: None,
    };
    let ended = if script.is_resumable(&statements) {
        script.resume(&statements).await
    } else if script.has_to_be_one(&statements) {
        script.as_one(&statements).await
    } else {
        script.statements(&statements).await
    };
    if let Err(failure) = ended {
        desk.fail(&script.told(failure));
    }
    if desk.status() == TransactionStatus::Idle {
        state.borrow().failed();
    }
    desk.ready();
}

pub(super) struct Script<'a> {
    desk: &'a Desk,
    text: &'a [u8],
    policy: &'a Policy,
    state: &'a Shared,
    /// How many statements it has.
    count: usize,
    /// Statements that go together, and have not been sent.
    run: Option<Range<usize>>,
    /// How many statements have been looked at.
    seen: usize,
    /// How many statements there are up to the last that is committed.
    applied: usize,
    /// Where its progress is kept, if it is.
    journal: Option<Journal>,
}

impl<'a> Script<'a> {
    /// Runs one statement, of which the client gets the tag or an error.
    pub(super) async fn alone(
        desk: &'a Desk,
        text: &'a [u8],
        policy: &'a Policy,
        state: &'a Shared,
    ) -> Result<(), Failure> {
        if desk.status() == TransactionStatus::Idle {
            state.borrow_mut().clear();
        }
        let statements: Vec<_> = sql::statements(text)
            .filter(|statement| !statement.is_empty())
            .collect();
        let mut script = Script {
            desk,
            text,
            policy,
            state,
            count: statements.len(),
            run: None,
            seen: 0,
            applied: 0,
            journal: None,
        };
        let done = script.statements(&statements).await;
        done.map_err(|failure| script.told(failure))
    }

    async fn statements(&mut self, statements: &[sql::Statement]) -> Result<(), Failure> {
        for statement in statements {
            let bytes = statement.bytes(self.text);
            let kind = statement.kind(self.text);
            let ends = matches!(kind, StatementKind::Commit | StatementKind::Rollback);
            if let Some(journal) = &self.journal
                && self.seen < journal.applied
            {
                self.seen += 1;
                self.desk.complete(&tag(bytes));
                self.applied = self.seen;
                continue;
            }
            if is_ddl(bytes) {
                self.flush().await?;
                self.seen += 1;
                let done = self.ddl(bytes).await;
                done.map_err(|failure| failure.behind(self.characters(statement.body.start)))?;
            } else if ends && self.state.borrow().watches() {
                self.flush().await?;
                self.seen += 1;
                self.end(bytes).await?;
            } else if let Some(local) = self.local(bytes) {
                self.flush().await?;
                self.seen += 1;
                let done =
                    local::answer(self.desk, &local, bytes, &Bound::default(), self.state).await;
                done.map_err(|failure| failure.behind(self.characters(statement.body.start)))?;
            } else if kind == StatementKind::Begin && self.state.borrow().emulated.is_some() {
                self.flush().await?;
                self.seen += 1;
                self.begin(bytes).await?;
            } else {
                self.seen += 1;
                let start = self.run.take();
                let start = start.map_or(statement.span.start, |run| run.start);
                self.run = Some(start..statement.body.end);
                if ends {
                    // What comes next does not undo it.
                    self.flush().await?;
                }
                continue;
            }
            self.applied_if_idle();
        }
        self.flush().await
    }

    /// What the proxy has to say to a statement. In a failed block that is the server's matter.
    fn local(&self, statement: &[u8]) -> Option<Local> {
        if self.desk.status() == TransactionStatus::Failed {
            return None;
        }
        local::local(statement, self.policy)
    }

    /// Whether the statements are one transaction, of which some have been sent to the server when
    /// one comes that the proxy answers, and may have to be undone.
    fn has_to_be_one(&self, statements: &[sql::Statement]) -> bool {
        let mut sent = false;
        let mut answered_behind = false;
        for statement in statements {
            let bytes = statement.bytes(self.text);
            let traits = sql::glance(bytes).traits;
            let controls = matches!(
                statement.kind(self.text),
                StatementKind::Begin | StatementKind::Commit | StatementKind::Rollback
            );
            if controls || traits.contains(Traits::DDL) {
                return false;
            }
            match self.local(bytes) {
                Some(_) => answered_behind |= sent,
                None => sent = true,
            }
        }
        answered_behind && self.desk.status() == TransactionStatus::Idle
    }

    /// Runs them in a block that the client does not see.
    async fn as_one(&mut self, statements: &[sql::Statement]) -> Result<(), Failure> {
        if let Some(failure) = self.desk.run(b"BEGIN").await.failure {
            return Err(failure.without_position());
        }
        let done = self.statements(statements).await;
        let end: &[u8] = if done.is_ok() { b"COMMIT" } else { b"ROLLBACK" };
        let ended = self.desk.run(end).await.failure;
        self.applied = 0;
        match (done, ended) {
            (Ok(()), Some(failure)) => Err(failure.without_position()),
            (done, _) => done,
        }
    }

    /// Begins a block with the modes that the session is to have.
    async fn begin(&mut self, statement: &[u8]) -> Result<(), Failure> {
        let text = {
            let mut state = self.state.borrow_mut();
            let Some(emulated) = &mut state.emulated else {
                return Ok(());
            };
            let text = emulated.begin_text(statement).into_owned();
            emulated.begin(statement);
            text
        };
        let reply = self.desk.relay(&text).await;
        reply
            .failure
            .map_or(Ok(()), |failure| Err(failure.without_position()))
    }

    /// Runs what goes together.
    async fn flush(&mut self) -> Result<(), Failure> {
        let Some(run) = self.run.take() else {
            return Ok(());
        };
        let start = run.start;
        if self.journal.is_some() {
            return self.flush_noted(run).await;
        }
        let reply = self
            .desk
            .relay(self.text.get(run).unwrap_or_default())
            .await;
        if let Some(failure) = reply.failure {
            return Err(failure.behind(self.characters(start)));
        }
        self.applied_if_idle();
        Ok(())
    }

    async fn ddl(&mut self, statement: &[u8]) -> Result<(), Failure> {
        match (self.desk.status(), self.policy.ddl_transactions) {
            (TransactionStatus::Idle, _) if self.journal.is_some() => {
                self.ddl_noted(statement).await
            }
            (TransactionStatus::Idle, _) => ddl::alone(self.desk, statement).await,
            (TransactionStatus::InTransaction, DdlTransactions::Autocommit) => {
                self.ddl_between(statement).await
            }
            _ => {
                let job = ddl::in_block(self.desk, statement).await?;
                if let Some(job) = job {
                    self.state.borrow_mut().waits_for(job);
                }
                Ok(())
            }
        }
    }

    /// Whether the progress of a script is kept: one that may be applied in part, and says nothing
    /// of transactions itself.
    fn is_resumable(&self, statements: &[sql::Statement]) -> bool {
        let controls = |statement: &sql::Statement| {
            matches!(
                statement.kind(self.text),
                StatementKind::Begin | StatementKind::Commit | StatementKind::Rollback
            )
        };
        self.policy.resume_scripts
            && self.desk.status() == TransactionStatus::Idle
            && statements.len() > 1
            && statements
                .iter()
                .any(|statement| is_ddl(statement.bytes(self.text)))
            && !statements.iter().any(controls)
    }

    /// Runs what of a script has not been applied yet.
    async fn resume(&mut self, statements: &[sql::Statement]) -> Result<(), Failure> {
        let journal = Journal::open(self.desk, self.text).await?;
        if journal.applied > 0 {
            self.desk.notice(
                Severity::Notice,
                SqlState::SUCCESS,
                format!(
                    "the first {} of {} statements have been applied before, and are skipped",
                    journal.applied, self.count
                ),
            );
        }
        self.journal = Some(journal);
        self.statements(statements).await?;
        if let Some(journal) = &self.journal {
            journal.close(self.desk).await;
        }
        Ok(())
    }

    /// Runs what goes together, and notes it in the same transaction.
    async fn flush_noted(&mut self, run: Range<usize>) -> Result<(), Failure> {
        let note = self
            .journal
            .as_ref()
            .map(|it| it.note(self.seen, self.seen));
        if let Some(failure) = self.desk.run(b"BEGIN").await.failure {
            return Err(failure.without_position());
        }
        let start = run.start;
        let text = self.text.get(run).unwrap_or_default();
        let mut failure = self.desk.relay(text).await.failure;
        failure = failure.map(|failure| failure.behind(self.characters(start)));
        if failure.is_none() {
            let noted = self.desk.run(note.unwrap_or_default().as_bytes()).await;
            failure = noted.failure.map(Failure::without_position);
        }
        let end: &[u8] = if failure.is_none() {
            b"COMMIT"
        } else {
            b"ROLLBACK"
        };
        let ended = self.desk.run(end).await.failure;
        if let Some(failure) = failure.or(ended.map(Failure::without_position)) {
            return Err(failure);
        }
        self.applied_if_idle();
        Ok(())
    }

    /// Runs a DDL statement that has been noted before.
    async fn ddl_noted(&mut self, statement: &[u8]) -> Result<(), Failure> {
        let applied = self.seen.saturating_sub(1);
        let Some(journal) = &self.journal else {
            return Ok(());
        };
        journal.begins(self.desk, applied).await?;
        let Err(failure) = ddl::alone(self.desk, statement).await else {
            return Ok(());
        };
        if journal.is_done(applied, statement, &failure) {
            self.desk.notice(
                Severity::Notice,
                SqlState::SUCCESS,
                format!("{}: it has been applied before", failure.message()),
            );
            self.desk.complete(&tag(statement));
            return Ok(());
        }
        if !is_unknown(&failure) {
            journal.failed(self.desk, applied).await;
        }
        Err(failure)
    }

    /// A DDL statement in a block, of which what came before is committed and what comes next is
    /// another transaction. The client sees one block.
    async fn ddl_between(&mut self, statement: &[u8]) -> Result<(), Failure> {
        self.state.borrow_mut().goes_on(true);
        let reply = self.desk.run(b"COMMIT").await;
        let done = match reply.failure {
            Some(failure) => Err(failure.without_position()),
            None => ddl::alone(self.desk, statement).await,
        };
        let begun = self.desk.run(b"BEGIN").await;
        self.state.borrow_mut().goes_on(false);
        match done {
            Ok(()) => {
                self.state.borrow_mut().commits(statement);
                begun
                    .failure
                    .map_or(Ok(()), |failure| Err(failure.without_position()))
            }
            Err(failure) => {
                // As a block is in which a statement has failed.
                self.desk.fail_block().await;
                Err(failure)
            }
        }
    }

    /// The end of a block of which something is committed already, or in which jobs were begun.
    async fn end(&mut self, statement: &[u8]) -> Result<(), Failure> {
        // They are forgotten when the transaction ends.
        let (jobs, warning) = {
            let state = self.state.borrow();
            (state.jobs(), state.warning())
        };
        let reply = self.desk.run(statement).await;
        if let Some(failure) = reply.failure {
            return Err(failure.without_position());
        }
        if reply.tag != "COMMIT" {
            if let Some(warning) = warning {
                self.desk.say(&warning);
            }
            self.desk.complete(&reply.tag);
            return Ok(());
        }
        for job in &jobs {
            index::finish(self.desk, job).await.map_err(|failure| {
                failure.detail("The transaction has been committed, all the same.")
            })?;
        }
        self.desk.complete(&reply.tag);
        Ok(())
    }

    fn applied_if_idle(&mut self) {
        if self.desk.status() == TransactionStatus::Idle {
            self.applied = self.seen;
        }
    }

    /// Characters in front of a place in the text, in which positions are counted (manual, "Error
    /// and Notice Message Fields").
    fn characters(&self, place: usize) -> usize {
        let front = self.text.get(..place).unwrap_or_default();
        String::from_utf8_lossy(front).chars().count()
    }

    /// An error with what it does not undo.
    fn told(&self, failure: Failure) -> Failure {
        let failure = match self.state.borrow().lasting() {
            Some(lasting) => failure.detail(&lasting),
            None => failure,
        };
        match self.applied {
            0 => failure,
            1 => failure.detail(&format!(
                "The first of {} statements had been applied, and stays so.",
                self.count
            )),
            applied => failure.detail(&format!(
                "The first {applied} of {} statements had been applied, and stay so.",
                self.count
            )),
        }
    }
}

/// The tag of a statement that is not run again. How many rows it has changed is not known.
fn tag(statement: &[u8]) -> String {
    let mut reader = Reader::new(statement);
    let mut words = Vec::new();
    for known in [
        "CREATE", "ALTER", "DROP", "COMMENT", "GRANT", "REVOKE", "INSERT", "UPDATE", "DELETE",
        "SELECT", "UNIQUE", "TABLE", "INDEX", "SCHEMA", "SEQUENCE", "VIEW", "DOMAIN", "FUNCTION",
        "ROLE",
    ] {
        if known == "UNIQUE" {
            reader.take(known);
        } else if reader.take(known) {
            words.push(known);
        }
    }
    match words.first() {
        Some(&"INSERT") => "INSERT 0 0".to_owned(),
        Some(&word @ ("UPDATE" | "DELETE" | "SELECT")) => format!("{word} 0"),
        _ => words.join(" "),
    }
}
