//! From the moment when a session gets a server to the moment when it gives it back.
//!
//! What differs between the server and the session is made equal by messages of our own, whose
//! answer is waited for before anything of the client's is sent. What the session has done to its
//! parameters is not guessed: the server is asked when the transaction is over.

use std::rc::Rc;

use bytes::{Bytes, BytesMut};

use super::abandon::{self, Loss};
use super::detail::Detail;
use super::machine::{Mode, Outputs, Session, Work};
use super::pipeline::{Expect, Origin};
use super::server_state::ServerState;
use super::settings::{self, READ_BACK, ReadBack};
use crate::sql::PinReason;
use crate::wire::backend::TransactionStatus;
use crate::wire::{ErrorResponse, Severity, SqlState, encode};

/// How often an injection is tried that fails by a conflict (OC001 can hit any statement).
const ATTEMPTS: u8 = 4;

/// How often in a row a server may be lost before anything of the client's has been sent.
const MAX_LOSSES: u8 = 3;

/// Brings a server into a failed block: no PostgreSQL accepts it.
const BROKEN: &[u8] = b"CANCELED BY THE CLIENT";

/// Why a session ends with its server that has told the client of a change of parameters.
pub(super) const UNREAD: &str = "An earlier transaction is complete, but what it changed of the \
     session's parameters could not be read back.";

/// Where a session stands with its server.
#[derive(Debug)]
pub(super) enum Phase {
    /// It has none.
    Detached,
    /// Messages of ours are on their way, and the client's wait.
    Injecting(Step),
    /// The client's messages pass.
    Working,
}

impl Phase {
    pub(super) fn is_injecting(&self) -> bool {
        matches!(self, Self::Injecting(_))
    }

    /// True if the client's messages may be looked at.
    pub(super) fn may_work(&self) -> bool {
        !self.is_injecting()
    }

    pub(super) fn is_working(&self) -> bool {
        matches!(self, Self::Working)
    }
}

/// What is being injected.
#[derive(Debug)]
pub(super) enum Step {
    /// The session's parameters.
    Settings {
        attempt: u8,
        error: Option<Box<ErrorResponse>>,
    },
    /// The BEGIN that was held back.
    Begin { error: Option<Box<ErrorResponse>> },
    /// A block that fails, like the one that was lost.
    Fail,
    /// The end of a block that is then begun again.
    Rollback,
    /// A statement is described, to see whether it still is what the client was told.
    Check,
    /// A statement is prepared under the client's own name, in a session that keeps its server.
    Name,
    /// The parameters are read back; the client waits for ReadyForQuery with this status.
    ReadBack {
        status: TransactionStatus,
        rows: ReadBack,
        failed: bool,
        attempt: u8,
        error: Option<Box<ErrorResponse>>,
    },
    /// What DDL was to make is made and compared, and rolled back; then the client is told.
    Effect {
        /// What it is told if there is no difference.
        tag: String,
        is_there: bool,
    },
    /// Parameters go back to what the client brought; then ReadyForQuery.
    Restore {
        status: TransactionStatus,
        error: Option<Box<ErrorResponse>>,
    },
}

/// A transaction block that exists for the client only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Block {
    /// None, or the server knows of it.
    None,
    /// It has begun with this text, and nothing has been done in it.
    Held(Bytes),
    /// Its server is gone: it can only be ended.
    Broken,
}

impl Block {
    /// What the client has been told, where its server has not begun a block.
    fn status(&self) -> TransactionStatus {
        match self {
            Self::None => TransactionStatus::Idle,
            Self::Held(_) => TransactionStatus::InTransaction,
            Self::Broken => TransactionStatus::Failed,
        }
    }
}

/// Whether a session still needs its server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseEnd {
    /// It does.
    Keep,
    /// It does not, and another session may have it.
    Release,
    /// It does not, and nobody may have it.
    Discard(&'static str),
}

/// How a session goes on whose server is gone.
#[derive(Debug)]
pub enum AfterLoss {
    /// Without one; what the client was owed is in the output.
    GoesOn,
    /// Not at all: these are its last words.
    Ends(ErrorResponse),
}

impl Session {
    /// The session gets a server, whose default parameters are those of its pool.
    pub fn attach(&mut self, server: &mut ServerState, to_server: &mut BytesMut) {
        self.work = Work::default();
        self.fatal = None;
        self.statements.left_server();
        self.swap(server);
        self.start(0, server, to_server);
    }

    /// The session is about to give this server back: what it has of the server's goes with it.
    pub fn leave(&mut self, server: &mut ServerState) {
        self.flight.clear();
        self.swap(server);
    }

    fn swap(&mut self, server: &mut ServerState) {
        let spare = &mut server.spare;
        self.flight.swap(&mut spare.messages);
        self.pipeline.swap(&mut spare.entries, &mut spare.details);
    }

    /// Does what is to be done before the client's messages may pass.
    fn start(&mut self, attempt: u8, server: &mut ServerState, to_server: &mut BytesMut) {
        if !Rc::ptr_eq(&server.settings, &self.settings) && server.settings != self.settings {
            self.inject_settings(server, to_server);
            self.phase = Phase::Injecting(Step::Settings {
                attempt,
                error: None,
            });
            return;
        }
        match &self.block {
            Block::None => self.ready_to_work(),
            Block::Held(begin) => {
                encode::query(begin, to_server);
                self.await_query();
                self.phase = Phase::Injecting(Step::Begin { error: None });
            }
            Block::Broken => {
                encode::query(b"BEGIN", to_server);
                self.pipeline.push(Expect::Query, Origin::Injected, 0, None);
                encode::query(BROKEN, to_server);
                self.await_query();
                self.phase = Phase::Injecting(Step::Fail);
            }
        }
    }

    /// Brings the server into the block that exists for the client only.
    pub(super) fn enter_block(&mut self, server: &mut ServerState, to_server: &mut BytesMut) {
        self.start(0, server, to_server);
    }

    fn ready_to_work(&mut self) {
        self.phase = Phase::Working;
        self.losses = 0;
    }

    /// Something of ours is sent that takes the place of the unnamed statement.
    fn await_query(&mut self) {
        self.statements.left_server();
        self.pipeline
            .push(Expect::Query, Origin::Injected, 0, Some(Detail::Awaited));
    }

    /// A block of ours comes to its end.
    pub(super) fn rolls_back(&mut self, to_server: &mut BytesMut) {
        encode::query(b"ROLLBACK", to_server);
        self.await_query();
    }

    /// A block is ended that is then begun again with this text.
    pub(super) fn roll_back(&mut self, begin: Bytes, to_server: &mut BytesMut) {
        self.rolls_back(to_server);
        // Should the server be lost before it has begun, another one begins it.
        self.block = Block::Held(begin);
        self.phase = Phase::Injecting(Step::Rollback);
    }

    fn inject_settings(&mut self, server: &ServerState, to_server: &mut BytesMut) {
        let count = settings::inject(server.settings.difference(&self.settings), to_server);
        self.await_statements(count, to_server);
    }

    /// So many statements without a name have been injected.
    pub(super) fn expect_statements(&mut self, count: usize) {
        self.statements.left_server();
        for _ in 0..count {
            for expect in [Expect::Parse, Expect::Bind, Expect::Execute] {
                self.pipeline.push(expect, Origin::Injected, 0, None);
            }
        }
    }

    /// So many injected statements end with a Sync that is waited for.
    pub(super) fn await_statements(&mut self, count: usize, to_server: &mut BytesMut) {
        self.expect_statements(count);
        encode::sync(to_server);
        self.pipeline
            .push(Expect::Sync, Origin::Injected, 0, Some(Detail::Awaited));
    }

    /// Asks the server for the session's parameters before the client gets its ReadyForQuery.
    pub(super) fn read_back(&mut self, status: TransactionStatus, to_server: &mut BytesMut) {
        self.try_read_back(status, 0, to_server);
    }

    fn try_read_back(&mut self, status: TransactionStatus, attempt: u8, to_server: &mut BytesMut) {
        encode::query(READ_BACK, to_server);
        self.await_query();
        let rows = ReadBack::default();
        self.phase = Phase::Injecting(Step::ReadBack {
            status,
            rows,
            failed: false,
            attempt,
            error: None,
        });
    }

    /// What we have injected has been answered to its end.
    pub(super) fn injected(&mut self, server: &mut ServerState, out: &mut Outputs<'_>) {
        let status = self.pipeline.status();
        let Phase::Injecting(step) = std::mem::replace(&mut self.phase, Phase::Working) else {
            return;
        };
        match step {
            Step::Settings { error: None, .. } => {
                server.settings = Rc::clone(&self.settings);
                self.start(0, server, out.server);
            }
            Step::Settings {
                attempt,
                error: Some(error),
            } if error.sqlstate == SqlState::SERIALIZATION_FAILURE && attempt + 1 < ATTEMPTS => {
                self.start(attempt + 1, server, out.server);
            }
            // The server has the timeouts of the session before.
            Step::Settings {
                error: Some(error), ..
            } if error.sqlstate == SqlState::QUERY_CANCELED && self.losses < MAX_LOSSES => {
                self.losses += 1;
                self.pipeline.set_status(self.block.status());
                self.work.spoilt = Some("preparation");
            }
            Step::Settings {
                error: Some(error), ..
            }
            | Step::Begin { error: Some(error) } => {
                self.not_served(*error);
            }
            Step::Begin { error: None } if status == TransactionStatus::InTransaction => {
                if let Block::Held(begin) = std::mem::replace(&mut self.block, Block::None) {
                    self.block_begun(begin);
                }
            }
            Step::Rollback if status == TransactionStatus::Idle => {
                self.start(0, server, out.server);
            }
            Step::Fail if status == TransactionStatus::Failed => self.block = Block::None,
            Step::Begin { .. } | Step::Fail | Step::Rollback => {
                self.not_served(ErrorResponse::error(
                    SqlState::CONNECTION_FAILURE,
                    "Aurora DSQL did not bring the transaction into its state",
                ));
            }
            Step::Check | Step::Name => {}
            Step::Effect { tag, is_there } => {
                self.looked(is_there.then_some(&tag), out.client);
            }
            // It has failed the client's block, which hears of it.
            Step::ReadBack {
                status: TransactionStatus::InTransaction,
                error: Some(error),
                ..
            }
            | Step::Restore {
                status: TransactionStatus::InTransaction,
                error: Some(error),
            } => {
                error.encode(out.client);
                self.say_ready(Some(server), status, out.client);
            }
            Step::ReadBack {
                status,
                attempt,
                error: Some(error),
                ..
            } if error.sqlstate == SqlState::SERIALIZATION_FAILURE && attempt + 1 < ATTEMPTS => {
                self.try_read_back(status, attempt + 1, out.server);
            }
            Step::ReadBack {
                status,
                failed: true,
                ..
            } => {
                self.work.dirty = false;
                self.pin(PinReason::HiddenParameter);
                self.say_ready(Some(server), status, out.client);
            }
            Step::ReadBack {
                status,
                rows,
                failed: false,
                ..
            } => {
                self.found(rows.finish(), status, server, out);
            }
            Step::Restore { status, error } => {
                if error.is_some() {
                    self.work.spoilt = Some("parameters");
                } else if status == TransactionStatus::Idle {
                    server.settings = Rc::clone(&self.settings);
                }
                self.say_ready(Some(server), status, out.client);
            }
        }
    }

    /// The server has said what the session's parameters are.
    fn found(
        &mut self,
        found: settings::Settings,
        status: TransactionStatus,
        server: &mut ServerState,
        out: &mut Outputs<'_>,
    ) {
        self.work.reset = false;
        // What the client brought at its login and is not set any more has been reset: to the
        // server's default, where a private server would have gone back to what it brought.
        let wanted = found.over(&self.startup);
        let idle = status == TransactionStatus::Idle;
        if idle {
            (self.work.dirty, self.work.in_flux, self.work.unread) = (false, false, false);
        }
        if let Some(reason) = found.pin() {
            self.pin(reason);
        }
        let found = Rc::new(found);
        if *found == wanted {
            if idle {
                if *self.settings != wanted {
                    self.settings = found;
                }
                server.settings = Rc::clone(&self.settings);
            }
            self.say_ready(Some(server), status, out.client);
            return;
        }
        let count = settings::inject(found.difference(&wanted), out.server);
        self.await_statements(count, out.server);
        if idle {
            server.settings = found;
            self.settings = if *self.startup == wanted {
                Rc::clone(&self.startup)
            } else {
                Rc::new(wanted)
            };
        }
        self.phase = Phase::Injecting(Step::Restore {
            status,
            error: None,
        });
    }

    /// The message for which the server was wanted cannot be served.
    fn not_served(&mut self, error: ErrorResponse) {
        self.refuse_next(error);
        self.work.spoilt = Some("preparation");
    }

    /// Answers the client's next message with an error.
    pub fn refuse_next(&mut self, error: ErrorResponse) {
        self.refusal = Some(Box::new(error));
        let status = if self.block == Block::None {
            TransactionStatus::Idle
        } else {
            self.block = Block::Broken;
            TransactionStatus::Failed
        };
        self.pipeline.set_status(status);
    }

    /// Whether the session still needs its server; `due` says that the server is to be replaced
    /// as soon as possible.
    pub fn lease_end(&self, due: bool) -> LeaseEnd {
        if let Some(why) = self.work.spoilt {
            return LeaseEnd::Discard(why);
        }
        let idle = self.phase.is_working()
            && self.work.begun
            && self.pipeline.is_empty()
            && (self.pipeline.status() == TransactionStatus::Idle
                || matches!(self.block, Block::Held(_)))
            && !self.work.dirty;
        let keeps = self.pin.is_some()
            || self.work.pin.is_some()
            || (self.options.mode == super::machine::PoolMode::Session && !due);
        if idle && !keeps {
            LeaseEnd::Release
        } else {
            LeaseEnd::Keep
        }
    }

    /// The session has given its server back.
    pub fn detach(&mut self) {
        self.phase = Phase::Detached;
        self.work = Work::default();
        self.seen = None;
        self.statements.left_server();
        self.statements.rest();
        self.flight.clear();
        self.flight.rest();
    }

    /// The server is gone, for this reason. Answers what it owed.
    pub fn lost(&mut self, why: &str, to_client: &mut BytesMut) -> AfterLoss {
        let (loss, status) = abandon::loss(
            &self.pipeline,
            &self.flight,
            &self.statements,
            self.work.unknown_bound,
        );
        match std::mem::replace(&mut self.phase, Phase::Detached) {
            // Nothing of the client's has been sent.
            Phase::Injecting(
                Step::Settings { .. } | Step::Begin { .. } | Step::Fail | Step::Rollback,
            ) => {
                self.pipeline.reset(self.block.status());
                self.detach();
                self.losses += 1;
                if self.losses > MAX_LOSSES {
                    self.refuse_next(lost(Loss::Nothing, why));
                }
                return self.unless_pinned(why, Loss::Nothing);
            }
            // Everything of the client's has been answered but for the last word.
            Phase::Injecting(
                Step::ReadBack {
                    status: TransactionStatus::Idle,
                    ..
                }
                | Step::Restore {
                    status: TransactionStatus::Idle,
                    ..
                },
            ) => {
                self.pipeline.reset(TransactionStatus::Idle);
                encode::ready_for_query(TransactionStatus::Idle, to_client);
                self.detach();
                return AfterLoss::Ends(
                    lost(Loss::Nothing, why)
                        .severity(Severity::Fatal)
                        .detail(UNREAD)
                        .hint("Connect again."),
                );
            }
            // What has been tried is rolled back; the conflict is the last that is known.
            Phase::Injecting(Step::Effect { .. }) => {
                self.pipeline.reset(TransactionStatus::Idle);
                self.looked(None, to_client);
                self.detach();
                return self.unless_pinned(why, Loss::Nothing);
            }
            Phase::Injecting(Step::ReadBack { .. } | Step::Restore { .. }) => {
                self.reject(&lost(Loss::RolledBack, why), to_client);
                self.pipeline.reset(TransactionStatus::Failed);
                self.block = Block::Broken;
                encode::ready_for_query(TransactionStatus::Failed, to_client);
                self.detach();
                return self.unless_pinned(why, Loss::RolledBack);
            }
            Phase::Injecting(Step::Check | Step::Name) | Phase::Working | Phase::Detached => {}
        }
        if self.work.unread {
            let error = lost(loss, why).severity(Severity::Fatal);
            let detail = error.detail.clone().unwrap_or_default();
            return AfterLoss::Ends(error.detail(format!("{detail} {UNREAD}")));
        }
        let idle = self.pipeline.is_empty();
        if idle && status == TransactionStatus::Idle {
            self.pipeline.reset(status);
            self.detach();
            return self.unless_pinned(why, Loss::Nothing);
        }
        let error = lost(loss, why);
        if let AfterLoss::Ends(error) = self.unless_pinned(why, loss) {
            return AfterLoss::Ends(error);
        }
        self.give_up(&error, status, to_client);
        AfterLoss::GoesOn
    }

    fn unless_pinned(&self, why: &str, loss: Loss) -> AfterLoss {
        match self.pin {
            None => AfterLoss::GoesOn,
            Some(reason) => {
                let error = lost(loss, why).severity(Severity::Fatal);
                let detail = error.detail.clone().unwrap_or_default();
                AfterLoss::Ends(
                    error
                        .detail(format!(
                            "{detail} The session could not go on with another connection: {}.",
                            reason.explanation()
                        ))
                        .hint("Connect again."),
                )
            }
        }
    }

    /// The server has been given up, and what it owed is answered with `error`. The session goes
    /// on in `status`.
    pub fn give_up(
        &mut self,
        error: &ErrorResponse,
        status: TransactionStatus,
        to_client: &mut BytesMut,
    ) {
        let owed = self.pipeline.owed();
        let (open, skipping) = (self.pipeline.is_open(), self.pipeline.is_skipping());
        // A conflict that was to be repeated has not been told.
        let untold = std::mem::take(&mut self.unit.conflict);
        let first = if untold { self.first_conflict() } else { None };
        let error = first.as_deref().unwrap_or(error);
        let mut told = self.pipeline.is_failed() && !untold;
        self.stray_copy = self.pipeline.copies_in();
        self.pipeline.reset(status);
        for _ in 0..owed {
            if !std::mem::take(&mut told) {
                self.reject(error, to_client);
            }
            encode::ready_for_query(status, to_client);
        }
        if open || skipping {
            if !told && !skipping {
                self.reject(error, to_client);
            }
            self.mode = Mode::SkipUntilSync;
        } else if owed == 0 && status != TransactionStatus::Idle {
            // It was the client's turn: this is the answer to its next message, unless the block
            // had failed anyway.
            self.refusal = Some(Box::new(error.clone()));
        }
        self.block = if status == TransactionStatus::Idle {
            Block::None
        } else {
            Block::Broken
        };
        self.detach();
    }
}

/// What a client is told whose server is gone.
fn lost(loss: Loss, why: &str) -> ErrorResponse {
    let why = if why.is_empty() {
        String::new()
    } else {
        format!(": {why}")
    };
    match loss {
        Loss::Nothing => ErrorResponse::error(
            SqlState::CONNECTION_FAILURE,
            format!("the connection to Aurora DSQL was lost{why}"),
        )
        .detail("Nothing was changed.")
        .hint("Run the statement again."),
        Loss::RolledBack => ErrorResponse::error(
            SqlState::CONNECTION_FAILURE,
            format!("the connection to Aurora DSQL was lost{why}"),
        )
        .detail("The open transaction was rolled back.")
        .hint("Repeat the transaction. DSQL closes every connection after 60 minutes."),
        Loss::Unknown | Loss::Commit => ErrorResponse::error(
            SqlState::OUTCOME_UNKNOWN,
            format!("the connection to Aurora DSQL was lost and the outcome is unknown{why}"),
        )
        .detail("What was in flight may or may not have been committed.")
        .hint("Check whether it took effect before you repeat it."),
    }
}
