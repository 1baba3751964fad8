//! ALTER TABLE in steps.
//!
//! PostgreSQL does all of it or nothing. Here each step is committed by itself; where one fails,
//! what was begun for the same action is undone, so that the statement can be run again.

mod catalog;
mod column;
mod constraint;
mod fill;
mod retype;

use super::ddl::{step, tell};
use super::desk::Desk;
use super::failure::Failure;
use crate::compat::ddl::{AlterPlan, AlterStep};
use crate::wire::{Severity, SqlState};

/// An ALTER TABLE that is being carried out.
pub(super) struct Alter<'a> {
    desk: &'a Desk,
    plan: &'a AlterPlan,
}

impl<'a> Alter<'a> {
    pub(super) fn new(desk: &'a Desk, plan: &'a AlterPlan) -> Self {
        Self { desk, plan }
    }

    /// Carries it out.
    pub(super) async fn run(&self) -> Result<(), Failure> {
        if self.plan.if_exists && !self.exists().await? {
            self.notice(&format!(
                "relation \"{}\" does not exist, skipping",
                self.plan.table.name
            ));
            return Ok(());
        }
        let _underway = self.desk.underway();
        for (done, each) in self.plan.steps.iter().enumerate() {
            if let Err(failure) = self.step(each).await {
                return Err(match done {
                    0 => failure,
                    _ => failure.detail(
                        "The actions in front of this one have been carried out, and stay so.",
                    ),
                });
            }
        }
        tell(self.desk, &self.plan.notices);
        Ok(())
    }

    async fn step(&self, each: &AlterStep) -> Result<(), Failure> {
        match each {
            AlterStep::Run(sql) => step(self.desk, sql).await.map(drop),
            AlterStep::AddColumn(add) => self.add_column(add).await,
            AlterStep::AddConstraint(add) => self.add_constraint(add).await,
            AlterStep::AddUnique(add) => self.add_unique(add).await,
            AlterStep::Validate { constraint } => self.validate(constraint).await,
            AlterStep::SetNotNull { column, check } => self.set_not_null(column, check).await,
            AlterStep::DropNotNull { column, sql } => self.drop_not_null(column, sql).await,
            AlterStep::AlterType { column, of, using } => {
                self.alter_type(column, of, using.as_deref()).await
            }
        }
    }

    fn notice(&self, text: &str) {
        self.desk.notice(Severity::Notice, SqlState::SUCCESS, text);
    }
}
