//! Constraints: added first, and then checked against the rows that are there.

use super::super::ddl::step;
use super::super::failure::Failure;
use super::super::index;
use super::super::jobs::{Job, Outcome, text};
use super::Alter;
use super::catalog::{literal, plain, quoted};
use crate::compat::ddl::{AddConstraint, AddUnique};
use crate::wire::{ErrorResponse, SqlState};

/// The definition of a CHECK that stands for NOT NULL, as PostgreSQL writes it.
fn not_null_definition(column: &str) -> String {
    format!("CHECK (({column} IS NOT NULL))")
}

/// How often it is tried to undo something.
const UNDO_ATTEMPTS: usize = 5;

/// True if an error says that there is no such thing.
fn is_missing(sqlstate: SqlState) -> bool {
    // Column, index or constraint, sequence.
    matches!(sqlstate.as_str(), "42703" | "42704" | "42P01")
}

fn not_undone(failure: Failure, other: &Failure, sql: &str) -> Failure {
    failure.detail(&format!(
        "What had been begun could not be undone ({}). Run it yourself: {sql}",
        other.message()
    ))
}

impl Alter<'_> {
    /// Adds a CHECK or a foreign key. If the rows violate it, it is dropped again.
    pub(super) async fn add_constraint(&self, add: &AddConstraint) -> Result<(), Failure> {
        step(self.desk, &add.add).await?;
        let name = match &add.name {
            Some(name) => name.clone(),
            None => self.newest().await?,
        };
        let Err(failure) = self.validate(&name).await else {
            return Ok(());
        };
        let undo = format!("DROP CONSTRAINT {name}");
        Err(self.undo(failure, &self.plan.table.alter(&undo)).await)
    }

    /// Undoes what had been begun.
    pub(super) async fn undo(&self, failure: Failure, sql: &str) -> Failure {
        let mut last = None;
        let mut unsure = false;
        for _ in 0..UNDO_ATTEMPTS {
            let Err(other) = step(self.desk, sql).await else {
                return failure;
            };
            let sqlstate = other.sqlstate();
            if unsure && sqlstate.is_some_and(is_missing) {
                // The attempt of which the end was not seen has done it.
                return failure;
            }
            // The connection is lost, or whoever cancels does so once more.
            let again = sqlstate
                .is_some_and(|it| it.as_str().starts_with("08") || it == SqlState::QUERY_CANCELED);
            if !again {
                return not_undone(failure, &other, sql);
            }
            unsure = true;
            last = Some(other);
        }
        match last {
            Some(other) => not_undone(failure, &other, sql),
            None => failure,
        }
    }

    /// The name of the constraint that has been added last and is not valid yet.
    async fn newest(&self) -> Result<String, Failure> {
        let sql = format!(
            "SELECT quote_ident(conname) FROM pg_constraint WHERE conrelid = {} \
             AND NOT convalidated ORDER BY oid DESC LIMIT 1",
            self.oid()
        );
        let reply = step(self.desk, &sql).await?;
        match reply.rows.first() {
            Some(row) => Ok(text(row, 0)),
            None => Err(ErrorResponse::error(
                SqlState::UNDEFINED_OBJECT,
                "the constraint that has just been added is gone",
            )
            .into()),
        }
    }

    /// Checks all rows against a constraint.
    pub(super) async fn validate(&self, constraint: &str) -> Result<(), Failure> {
        let reply = step(self.desk, &self.plan.table.validate(constraint)).await?;
        let Some(job) = Job::of(&reply) else {
            return Ok(());
        };
        match job.wait(self.desk, "validating the constraint").await {
            Outcome::Completed => Ok(()),
            Outcome::Failed(details) => Err(self.violated(constraint, &details).await),
            Outcome::Cancelled(failure) => Err(failure),
            Outcome::Unknown(failure) => Err(failure.detail(&format!(
                "The constraint is being validated by job {}, of which the end was not seen. \
                 SELECT * FROM sys.jobs shows it.",
                job.id()
            ))),
        }
    }

    /// Rows that violate a constraint, in PostgreSQL's words.
    async fn violated(&self, constraint: &str, details: &str) -> Failure {
        let (table, name) = (&self.plan.table.name, plain(constraint));
        let sql = format!(
            "SELECT 1 FROM pg_constraint WHERE conrelid = {} AND conname = {} AND contype = 'f'",
            self.oid(),
            literal(&name)
        );
        let foreign = step(self.desk, &sql).await;
        let error = if foreign.is_ok_and(|reply| !reply.rows.is_empty()) {
            ErrorResponse::error(
                SqlState::FOREIGN_KEY_VIOLATION,
                format!(
                    "insert or update on table \"{table}\" violates foreign key constraint \
                     \"{name}\""
                ),
            )
        } else {
            ErrorResponse::error(
                SqlState::CHECK_VIOLATION,
                format!(
                    "check constraint \"{name}\" of relation \"{table}\" is violated by some row"
                ),
            )
        };
        error.detail(format!("Aurora DSQL says: {details}.")).into()
    }

    /// Lets no NULL into a column.
    pub(super) async fn set_not_null(
        &self,
        column: &str,
        check: &AddConstraint,
    ) -> Result<(), Failure> {
        let sql = format!(
            "SELECT 1 FROM pg_attribute WHERE {} AND attnotnull",
            self.is_column(column)
        );
        if !step(self.desk, &sql).await?.rows.is_empty()
            || !self.stand_ins(column, "AND convalidated").await?.is_empty()
        {
            return Ok(());
        }
        self.add_constraint(check).await.map_err(|failure| {
            if failure.sqlstate() == Some(SqlState::CHECK_VIOLATION) {
                self.contains_null(column)
            } else {
                failure
            }
        })
    }

    /// What PostgreSQL says of a column that is to be NOT NULL and is not.
    pub(super) fn contains_null(&self, column: &str) -> Failure {
        ErrorResponse::error(
            SqlState::NOT_NULL_VIOLATION,
            format!(
                "column \"{}\" of relation \"{}\" contains null values",
                plain(column),
                self.plan.table.name
            ),
        )
        .into()
    }

    /// The names of the CHECKs that stand for NOT NULL, as statements have to write them.
    async fn stand_ins(&self, column: &str, more: &str) -> Result<Vec<String>, Failure> {
        let name = plain(column);
        let sql = format!(
            "SELECT quote_ident(conname) FROM pg_constraint WHERE conrelid = {} \
             AND contype = 'c' {more} AND replace(pg_get_constraintdef(oid), ' NOT VALID', '') \
             IN ({}, {})",
            self.oid(),
            literal(&not_null_definition(&name)),
            literal(&not_null_definition(&quoted(&name))),
        );
        let rows = step(self.desk, &sql).await?.rows;
        Ok(rows.iter().map(|row| text(row, 0)).collect())
    }

    /// Lets NULL into a column.
    pub(super) async fn drop_not_null(&self, column: &str, sql: &str) -> Result<(), Failure> {
        step(self.desk, sql).await?;
        for name in self.stand_ins(column, "").await? {
            let drop = format!("DROP CONSTRAINT {name}");
            step(self.desk, &self.plan.table.alter(&drop)).await?;
        }
        Ok(())
    }

    /// Lets no two rows have the same values.
    pub(super) async fn add_unique(&self, add: &AddUnique) -> Result<(), Failure> {
        let mut number = 0;
        let (name, reply) = loop {
            let Some(name) = add.name(number) else {
                return Err(taken(add));
            };
            match step(self.desk, &add.create_index(&name)).await {
                Ok(reply) => break (name, reply),
                Err(failure)
                    if failure.sqlstate() == Some(SqlState::DUPLICATE_TABLE)
                        && add.name(number + 1).is_some() =>
                {
                    number += 1;
                }
                Err(failure) => return Err(failure),
            }
        };
        if let Some(job) = Job::of(&reply) {
            index::finish(self.desk, &job).await?;
        }
        if let Err(failure) = step(self.desk, &add.add_constraint(&name)).await {
            return Err(self.undo(failure, &add.drop_index(&name)).await);
        }
        Ok(())
    }
}

fn taken(add: &AddUnique) -> Failure {
    let name = add.name(0).unwrap_or_default();
    ErrorResponse::error(
        SqlState::DUPLICATE_TABLE,
        format!("relation \"{}\" already exists", plain(&name)),
    )
    .into()
}
