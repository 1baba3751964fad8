//! What makes sure that the server has the statement which the client names, as it was when the
//! client prepared it.
//!
//! PostgreSQL folds constants at Parse, and analyses a statement anew where the `search_path`
//! is another one, or what the statement depends on has changed (`RevalidateCachedQuery`,
//! `src/backend/utils/cache/plancache.c`). Whose parameters it does so under, all would see who
//! share it. So a session uses a shared statement only while its own parameters are those that the
//! statement is folded under.

use std::rc::Rc;

use bytes::BytesMut;

use super::detail::Detail;
use super::lease::{Phase, Step};
use super::machine::{Flow, Frame, Outputs, Session};
use super::pipeline::{Expect, Origin};
use super::server_state::ServerState;
use super::settings::{self, FoldChange, FoldKey};
use super::statements::{self, Past, Statement};
use crate::wire::{ErrorResponse, SqlState, encode, frontend};

impl Session {
    /// What constants are folded under now; `None` while that is not known.
    pub(super) fn fold_key(&self) -> Option<FoldKey> {
        (!self.work.in_flux).then(|| self.settings.fold_key())
    }

    /// Makes room on the server for a statement whose Parse follows.
    pub(super) fn prepare(
        &mut self,
        statement: &Statement,
        server: &mut ServerState,
        to_server: &mut BytesMut,
    ) {
        // An older one may be there under this name, known or not: Close is no error if there is
        // none, and what is prepared anew is analysed anew.
        let now = self.options.registry.tick();
        for id in server
            .prepared
            .insert(statement.id, now)
            .into_iter()
            .chain([statement.id])
        {
            statements::close(id, to_server);
            self.pipeline.push(Expect::Close, Origin::Injected, 0, None);
        }
    }

    /// Prepares the unnamed statement again on a server that does not have it. Where there is
    /// none, the server is made to have none, either: it may have another session's.
    pub(super) fn bring_unnamed(&mut self, to_server: &mut BytesMut) {
        let Some(unnamed) = self.statements.unnamed_mut() else {
            encode::frame(frontend::CLOSE, to_server, |out| {
                out.extend_from_slice(b"S\0");
            });
            self.pipeline.push(Expect::Close, Origin::Injected, 0, None);
            return;
        };
        if !std::mem::replace(&mut unnamed.here, true) {
            encode::frame(frontend::PARSE, to_server, |out| {
                out.extend_from_slice(&unnamed.body);
            });
            let detail = Some(Detail::ParseUnnamed(unnamed.serial));
            self.pipeline
                .push(Expect::Parse, Origin::Injected, 0, detail);
        }
    }

    /// The statement that stands for the client's one of this name under the parameters of now.
    fn fit(
        &mut self,
        name: &[u8],
        statement: Rc<Statement>,
        server: &mut ServerState,
    ) -> Rc<Statement> {
        let change = match (&statement.fold, self.work.in_flux) {
            (Some(fold), false) => self.settings.fold_change(fold),
            (Some(_), true) => FoldChange::Values,
            // Nobody else has it, and this server does with it what a private one does.
            (None, flux) if flux || server.prepared.has(statement.id) => return statement,
            (None, _) => FoldChange::Path,
        };
        match change {
            FoldChange::None => statement,
            FoldChange::Path => {
                let fold = self.fold_key();
                let registry = &self.options.registry;
                let fresh = registry.intern(&statement.sql, &statement.types, fold, statement.may);
                if let Some(named) = self.statements.this(name, &statement) {
                    named.statement = Rc::clone(&fresh);
                    named.own = None;
                }
                fresh
            }
            FoldChange::Values => {
                if let Some(named) = self.statements.this(name, &statement) {
                    let own = || self.options.registry.own(&statement);
                    return Rc::clone(named.own.get_or_insert_with(own));
                }
                // It is being prepared in this very group. The next one has it analysed anew.
                self.work.soiled.push(statement.id);
                statement
            }
        }
    }

    /// Makes sure that the server has a statement, and that it is what the client was told.
    pub(super) fn bring(
        &mut self,
        frame: Frame<'_>,
        name: &[u8],
        statement: Rc<Statement>,
        Past { told, since }: Past,
        server: &mut ServerState,
        out: &mut Outputs<'_>,
    ) -> Result<Rc<Statement>, Flow> {
        let statement = self.fit(name, statement, server);
        // What was analysed before the client prepared it may be of a table that is another one
        // by now, and PostgreSQL would tell the client so.
        let mut here = server.prepared.touch(statement.id)
            && server.prepared.analysed(statement.id) >= Some(since);
        if here && self.is_being_prepared(statement.id) {
            return Err(Flow::Hold);
        }
        let known = told.and_then(|_| server.prepared.description(statement.id));
        let differs = told.is_some() && known.is_some() && told != known;
        if here && differs {
            if self.work.checked == Some(statement.id) {
                return Err(self.fail(frame, changed(), out));
            }
            // It may be this server whose statement is the older one.
            here = false;
        }
        if here && (told.is_none() || known.is_some()) {
            return Ok(statement);
        }
        if !here {
            self.prepare_as_before(&statement, server, out.server);
        }
        if told.is_none() {
            return Ok(statement);
        }
        self.work.checked = Some(statement.id);
        // Nothing that the client sends may run before we know that it is the same.
        statement.target(frontend::DESCRIBE, out.server);
        let detail = Detail::Check {
            id: statement.id,
            digest: Box::default(),
        };
        self.pipeline
            .push(Expect::DescribeStatement, Origin::Injected, 0, Some(detail));
        encode::flush(out.server);
        self.phase = Phase::Injecting(Step::Check);
        Err(Flow::Hold)
    }

    /// Prepares a statement under the parameters that it is folded under.
    fn prepare_as_before(
        &mut self,
        statement: &Statement,
        server: &mut ServerState,
        to_server: &mut BytesMut,
    ) {
        let then = match &statement.fold {
            // A portal without a name that has not been executed would not survive.
            Some(fold) if !self.work.in_flux && !self.pipeline.has_portal() => {
                match self.settings.fold_change(fold) {
                    FoldChange::None => None,
                    FoldChange::Path | FoldChange::Values => Some(self.settings.with(fold)),
                }
            }
            _ => None,
        };
        if let Some(then) = &then {
            self.inject_changes(self.settings.difference(then), to_server);
        }
        self.prepare(statement, server, to_server);
        statement.parse(to_server);
        let detail = Detail::Prepare { id: statement.id };
        self.pipeline
            .push(Expect::Parse, Origin::Injected, 0, Some(detail));
        if let Some(then) = &then {
            self.inject_changes(then.difference(&self.settings), to_server);
        }
    }

    /// Changes parameters in the client's own group: if that fails, so does what follows.
    fn inject_changes(
        &mut self,
        changes: impl Iterator<Item = settings::Change>,
        to_server: &mut BytesMut,
    ) {
        let count = settings::inject(changes, to_server);
        self.expect_statements(count);
    }

    /// True if an earlier group prepares this statement on the server, and is not answered.
    fn is_being_prepared(&self, id: u64) -> bool {
        self.pipeline.details().any(|detail| match detail {
            Detail::Parse { statement, .. } => statement.id == id,
            Detail::Prepare { id: other } => *other == id,
            _ => false,
        }) && !self.pipeline.waits_for_client()
    }
}

/// Drivers that prepare the statement again, and try once more, know it by the routine: pgjdbc and
/// Postgres.js.
fn changed() -> ErrorResponse {
    ErrorResponse::error(
        SqlState::FEATURE_NOT_SUPPORTED,
        "cached plan must not change result type",
    )
    .routine("RevalidateCachedQuery")
}
