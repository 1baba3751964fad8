//! A DDL statement, in the form that DSQL takes.

use std::time::Duration;

use super::alter::Alter;
use super::create;
use super::desk::Desk;
use super::failure::Failure;
use super::index;
use super::jobs::Job;
use super::reply::Reply;
use crate::compat::ddl::{self, CreatePlan, DdlPlan};
use crate::wire::{Severity, SqlState};

/// How often a step is run that ends in a conflict, beyond what the session does.
const ATTEMPTS: u32 = 5;

/// What to do about a statement in a block that takes several transactions.
const IN_STEPS: &str = "Outside of a transaction block dsql-proxy does this in several steps, since Aurora DSQL does \
     not do it in one. Start it with --ddl-transactions=autocommit to have that inside of a block, \
     too, which is committed bit by bit then.";

/// Runs a statement outside of a transaction block, and tells the client its tag. An error tells
/// the position in the statement itself.
pub(super) async fn alone(desk: &Desk, statement: &[u8]) -> Result<(), Failure> {
    let (done, tag) = match ddl::plan(statement) {
        DdlPlan::Pass => match desk.relay(statement).await.failure {
            Some(failure) => return Err(hinted(failure, statement)),
            None => return Ok(()),
        },
        DdlPlan::Rewrite {
            sql,
            positions,
            notices,
        } => {
            let reply = desk.run(sql.as_bytes()).await;
            if let Some(failure) = reply.failure {
                return Err(hinted(failure.in_original(&positions), statement));
            }
            tell(desk, &notices);
            (Ok(()), reply.tag)
        }
        DdlPlan::Index(plan) => (index::build(desk, &plan).await, "CREATE INDEX".to_owned()),
        DdlPlan::Create(plan) => (create::table(desk, &plan).await, "CREATE TABLE".to_owned()),
        DdlPlan::Alter(plan) => (
            Alter::new(desk, &plan).run().await,
            "ALTER TABLE".to_owned(),
        ),
    };
    match done {
        Ok(()) => {
            desk.complete(&tag);
            Ok(())
        }
        Err(failure) => Err(hinted(failure, statement)),
    }
}

/// Runs a statement inside of a transaction block. What takes several steps is left to DSQL to
/// refuse, so that the block really is aborted. The job that it has begun, if it has.
pub(super) async fn in_block(desk: &Desk, statement: &[u8]) -> Result<Option<Job>, Failure> {
    let (sql, positions, tag, notices) = match ddl::plan(statement) {
        DdlPlan::Rewrite {
            sql,
            positions,
            notices,
        } => (sql, positions, None, notices),
        // The one step that is possible here.
        DdlPlan::Create(CreatePlan { at_once, .. }) => {
            (at_once.sql, at_once.positions, None, at_once.notices)
        }
        DdlPlan::Index(plan) => (plan.sql, plan.positions, Some("CREATE INDEX"), plan.notices),
        plan @ (DdlPlan::Pass | DdlPlan::Alter(_)) => {
            return match desk.relay(statement).await.failure {
                Some(failure) if plan != DdlPlan::Pass => {
                    Err(failure.hint(Some(IN_STEPS.to_owned())))
                }
                Some(failure) => Err(hinted(failure, statement)),
                None => Ok(None),
            };
        }
    };
    let reply = desk.run(sql.as_bytes()).await;
    if let Some(failure) = reply.failure {
        return Err(hinted(failure.in_original(&positions), statement));
    }
    tell(desk, &notices);
    desk.complete(tag.unwrap_or(&reply.tag));
    Ok(tag.and_then(|_| Job::of(&reply)))
}

/// With what to do instead, if there is something.
pub(super) fn hinted(failure: Failure, statement: &[u8]) -> Failure {
    let hint = failure
        .sqlstate()
        .and_then(|sqlstate| ddl::hint(statement, sqlstate.as_str(), &failure.message()));
    failure.hint(hint)
}

/// Tells the client what has been done otherwise than it said.
pub(super) fn tell(desk: &Desk, notices: &[String]) {
    for notice in notices {
        desk.notice(Severity::Notice, SqlState::SUCCESS, notice);
    }
}

/// Runs a step of our own. Errors have no position: the text is none of the client's.
pub(super) async fn step(desk: &Desk, sql: &str) -> Result<Reply, Failure> {
    attempt(desk, sql).await.map_err(Failure::without_position)
}

/// Runs a step, again after conflicts: with each change of the catalog, DSQL fails what others do
/// (OC001).
pub(super) async fn attempt(desk: &Desk, sql: &str) -> Result<Reply, Failure> {
    let mut attempt = 0;
    loop {
        let mut reply = desk.run(sql.as_bytes()).await;
        let Some(failure) = reply.failure.take() else {
            return Ok(reply);
        };
        attempt += 1;
        let conflict = failure.sqlstate() == Some(SqlState::SERIALIZATION_FAILURE);
        if !conflict || attempt == ATTEMPTS {
            return Err(failure);
        }
        let pause = Duration::from_millis(100) * attempt;
        if let Err(error) = desk.sleep(pause).await {
            return Err(error.into());
        }
    }
}
