//! Rows that are there get a value, a batch at a time.

use super::super::ddl::step;
use super::super::failure::Failure;
use super::super::jobs::text;
use super::Alter;
use super::catalog::{KeyColumn, literal};
use crate::compat::ddl::ColumnDefault;
use crate::wire::SqlState;

/// Rows of a batch, at first: DSQL takes 3,000 in a transaction and 10 MiB with all index entries
/// (documented 2026-10).
const BATCH: usize = 1000;

impl Alter<'_> {
    /// Gives the rows that have no value in a column its default.
    pub(super) async fn fill_with_default(
        &self,
        column: &str,
        default: &ColumnDefault,
    ) -> Result<(), Failure> {
        let value = if default.each_row {
            "DEFAULT".to_owned()
        } else {
            // For all rows the same, as in PostgreSQL, however many batches there are.
            let sql = format!(
                "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE {}",
                self.is_column(column)
            );
            let reply = step(self.desk, &sql).await?;
            let of = reply.rows.first().map(|row| text(row, 0));
            let of = of.unwrap_or_else(|| "text".to_owned());
            let value = canonical(&format!("CAST(({}) AS {of})", default.expression), &of);
            let sql = format!("SELECT {value}");
            let reply = step(self.desk, &sql).await?;
            match reply.rows.first().and_then(|row| row.first()) {
                Some(Some(value)) => {
                    let value = String::from_utf8_lossy(value);
                    format!("CAST({} AS {of})", literal(&value))
                }
                // There is nothing to give.
                _ => return Ok(()),
            }
        };
        self.fill(column, &value).await
    }

    async fn fill(&self, column: &str, value: &str) -> Result<(), Failure> {
        let table = &self.plan.table.sql;
        let set = format!("UPDATE {table} SET {column} = {value} WHERE {column} IS NULL");
        let key = self.key().await?;
        if key.is_empty() {
            return step(self.desk, &set).await.map(drop);
        }
        let names = key.iter().map(|column| column.name.as_str());
        let names = names.collect::<Vec<_>>().join(", ");
        let texts = key.iter().map(|column| canonical(&column.name, &column.of));
        let texts = texts.collect::<Vec<_>>().join(", ");
        let mut batch = BATCH;
        let mut after = String::new();
        loop {
            let sql = format!(
                "SELECT {texts} FROM {table} {} ORDER BY {names} LIMIT 1 OFFSET {}",
                where_all(&[&after]),
                batch - 1
            );
            let reply = step(self.desk, &sql).await?;
            let bound = reply.rows.first().map(|row| bound(&key, row));
            let last = bound.is_none();
            let upto = bound
                .as_ref()
                .map_or_else(String::new, |bound| format!("({names}) <= {bound}"));
            let conditions = [after.as_str(), upto.as_str()];
            let conditions = conditions.iter().filter(|it| !it.is_empty());
            let all = conditions.fold(set.clone(), |sql, condition| {
                format!("{sql} AND {condition}")
            });
            match step(self.desk, &all).await {
                Ok(_) if last => return Ok(()),
                Ok(_) => {
                    after = bound.map_or_else(String::new, |bound| format!("({names}) > {bound}"));
                }
                // The rows are long, or have many index entries.
                Err(failure)
                    if failure.sqlstate() == Some(SqlState::LIMIT_EXCEEDED) && batch > 1 =>
                {
                    batch = batch.div_ceil(4);
                }
                Err(failure) => return Err(failure),
            }
        }
    }
}

/// A value as a text that means the same whatever DateStyle the client has: in most of them the time
/// zone is an abbreviation, and those are ambiguous (manual, appendix B.4).
fn canonical(value: &str, of: &str) -> String {
    if (of.starts_with("timestamp") || of == "date") && !of.ends_with(']') {
        format!("to_json({value}) #>> '{{}}'")
    } else {
        format!("({value})::text")
    }
}

/// A row of the key's values.
fn bound(key: &[KeyColumn], row: &super::super::reply::Row) -> String {
    let values = key
        .iter()
        .enumerate()
        .map(|(at, column)| format!("CAST({} AS {})", literal(&text(row, at)), column.of));
    format!("({})", values.collect::<Vec<_>>().join(", "))
}

/// WHERE with all conditions that are not empty.
fn where_all(conditions: &[&str]) -> String {
    let all: Vec<_> = conditions
        .iter()
        .filter(|it| !it.is_empty())
        .copied()
        .collect();
    if all.is_empty() {
        String::new()
    } else {
        format!("WHERE {}", all.join(" AND "))
    }
}
