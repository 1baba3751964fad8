//! ADD COLUMN with a default and constraints, the most frequent change that migrations make.

use super::super::ddl::step;
use super::super::failure::Failure;
use super::Alter;
use super::catalog::{MOST_ROWS, plain};
use crate::compat::ddl::AddColumn;
use crate::wire::{ErrorResponse, SqlState};

impl Alter<'_> {
    /// Adds a column, fills it and constrains it. Nothing stays of it if that fails.
    pub(super) async fn add_column(&self, add: &AddColumn) -> Result<(), Failure> {
        if add.if_not_exists && self.has_column(&add.column).await? {
            self.notice(&format!(
                "column \"{}\" of relation \"{}\" already exists, skipping",
                plain(&add.column),
                self.plan.table.name
            ));
            return Ok(());
        }
        if add.default.is_none() && add.is_not_null() && self.has_rows().await? {
            return Err(self.contains_null(&add.column));
        }
        if add.default.is_some() && self.key().await?.is_empty() && self.is_large().await? {
            return Err(self.cannot_fill());
        }
        if let Some(sequence) = &add.sequence {
            step(self.desk, &sequence.create).await?;
        }
        if let Err(failure) = step(self.desk, &add.add).await {
            return Err(match &add.sequence {
                Some(sequence) => self.undo(failure, &sequence.drop).await,
                None => failure,
            });
        }
        let Err(failure) = self.complete(add).await else {
            return Ok(());
        };
        let undo = format!("DROP COLUMN {}", add.column);
        let mut failure = self.undo(failure, &self.plan.table.alter(&undo)).await;
        if let Some(sequence) = &add.sequence {
            // Gone with the column if it was its own.
            let drop = sequence
                .drop
                .replacen("DROP SEQUENCE ", "DROP SEQUENCE IF EXISTS ", 1);
            failure = self.undo(failure, &drop).await;
        }
        Err(failure)
    }

    /// What comes once the column is there.
    async fn complete(&self, add: &AddColumn) -> Result<(), Failure> {
        if let Some(default) = &add.default {
            // First, so that rows that come meanwhile have it, too.
            step(self.desk, &default.set).await?;
            self.fill_with_default(&add.column, default).await?;
        }
        if let Some(sequence) = &add.sequence {
            step(self.desk, &sequence.own).await?;
        }
        for each in &add.then {
            Box::pin(self.step(each)).await?;
        }
        Ok(())
    }

    fn cannot_fill(&self) -> Failure {
        ErrorResponse::error(
            SqlState::FEATURE_NOT_SUPPORTED,
            format!(
                "cannot fill a new column of \"{}\", which has more than {MOST_ROWS} rows and no \
                 primary key",
                self.plan.table.name
            ),
        )
        .detail(
            "Aurora DSQL changes at most 3,000 rows in a transaction, and without a key the rows \
             cannot be told apart. Nothing has been changed.",
        )
        .hint(
            "Add the column without a default, or copy the rows to a table that has a primary \
             key.",
        )
        .into()
    }
}
