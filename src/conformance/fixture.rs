//! The schema in which probes work: made, filled, emptied and dropped.

use std::rc::Rc;
use std::time::Duration;

use super::client::{Session, Target};
use super::expand::{Names, expand};
use super::probe::{Cell, Expectation, Setup, Step};
use super::variant::Protocol;
use crate::wire::SqlState;

/// How often a statement of ours is tried again that met another one's catalog change.
const ATTEMPTS: usize = 10;

/// The schema and what a group of probes has put into it.
pub(super) struct Fixture {
    /// The name of the schema.
    run: String,
    patience: Duration,
    session: Option<Session>,
    /// The setup that is in place, with the ids of its jobs.
    filled: Option<(Rc<Setup>, Names)>,
    /// Whether there may be roles and schemas besides our own.
    has_strays: bool,
}

impl Fixture {
    pub(super) fn new(run: &str, patience: Duration) -> Self {
        Self {
            run: run.to_owned(),
            patience,
            session: None,
            filled: None,
            has_strays: false,
        }
    }

    /// Something may have changed; the next probe begins with a fresh schema.
    pub(super) fn spoil(&mut self) {
        self.filled = None;
    }

    /// A statement has named something that does not lie in the schema.
    pub(super) fn expect_strays(&mut self) {
        self.has_strays = true;
    }

    /// Makes the schema what `setup` says. The names that it has learnt.
    pub(super) async fn prepare(
        &mut self,
        target: &Target,
        setup: &Rc<Setup>,
    ) -> Result<Names, String> {
        if let Some((filled, names)) = &self.filled
            && Rc::ptr_eq(filled, setup)
        {
            return Ok(names.clone());
        }
        self.empty(target).await?;
        let run = self.run.clone();
        self.execute(target, &format!("CREATE SCHEMA {run}"))
            .await?;
        let mut names = Names::from([("run".to_owned(), run)]);
        for step in &setup.steps {
            let sql = expand(&step.text, &names);
            let rows = self
                .execute(target, &sql)
                .await
                .map_err(|error| format!("{sql}: {error}"))?;
            learn(step, &rows, &mut names);
        }
        self.filled = Some((Rc::clone(setup), names.clone()));
        Ok(names)
    }

    /// Drops the schema and whatever else bears the run's name.
    pub(super) async fn empty(&mut self, target: &Target) -> Result<(), String> {
        self.filled = None;
        let run = self.run.clone();
        self.execute(target, &format!("DROP SCHEMA IF EXISTS {run} CASCADE"))
            .await?;
        if !std::mem::take(&mut self.has_strays) {
            return Ok(());
        }
        let own = run.replace('_', "\\_");
        for (catalog, column, drop, end) in [
            ("pg_namespace", "nspname", "DROP SCHEMA", " CASCADE"),
            ("pg_roles", "rolname", "DROP ROLE", ""),
        ] {
            let list = format!(
                "SELECT {column} FROM pg_catalog.{catalog} WHERE {column} LIKE '{own}\\_%'"
            );
            for row in self.execute(target, &list).await? {
                let name = row.concat();
                self.execute(target, &format!("{drop} {name}{end}")).await?;
            }
        }
        Ok(())
    }

    /// Runs a statement, again if it met a change of the catalog. Its rows.
    async fn execute(&mut self, target: &Target, sql: &str) -> Result<Vec<Vec<String>>, String> {
        let mut last = String::new();
        for _ in 0..ATTEMPTS {
            let session = match &mut self.session {
                Some(session) => session,
                none => {
                    let path = [("search_path".to_owned(), self.run.clone())];
                    let connected = target.connect(&path, self.patience).await;
                    none.insert(connected.map_err(|error| error.to_string())?)
                }
            };
            let reply = session.ask(Protocol::Simple, sql, &[], self.patience).await;
            let reply = match reply {
                Ok(reply) if reply.status.is_some() => reply,
                Ok(_) => {
                    self.session = None;
                    return Err("the connection was closed".to_owned());
                }
                Err(error) => {
                    self.session = None;
                    return Err(error);
                }
            };
            match reply.error {
                None => return Ok(reply.rows),
                Some(error) if error.sqlstate == SqlState::SERIALIZATION_FAILURE => {
                    last = error.to_string();
                }
                Some(error) => return Err(error.to_string()),
            }
        }
        Err(last)
    }
}

/// Takes the ids of jobs out of an answer.
fn learn(step: &Step, rows: &[Vec<String>], names: &mut Names) {
    let Expectation::Success {
        rows: Some(cells), ..
    } = &step.expect
    else {
        return;
    };
    for (cell, value) in cells.iter().flatten().zip(rows.iter().flatten()) {
        if let Cell::Job(name) = cell {
            names.insert(name.clone(), value.clone());
        }
    }
}
