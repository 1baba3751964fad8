//! What the catalog says of the table.

use super::super::ddl::step;
use super::super::failure::Failure;
use super::super::jobs::text;
use super::Alter;
use crate::sql::{Lexer, plain_name};

/// Above this many rows what changes all of them is not done in one transaction: DSQL changes at
/// most 3,000 rows in one (documented 2026-10).
pub(super) const MOST_ROWS: usize = 3000;

/// A column of a key.
#[derive(Debug, Clone)]
pub(super) struct KeyColumn {
    /// As a statement has to write it.
    pub(super) name: String,
    /// Its type, the same.
    pub(super) of: String,
}

impl Alter<'_> {
    /// An expression for the table's object id; NULL if there is no such table.
    pub(super) fn oid(&self) -> String {
        format!("to_regclass({})", literal(&self.plan.table.sql))
    }

    pub(super) async fn exists(&self) -> Result<bool, Failure> {
        let sql = format!("SELECT 1 WHERE {} IS NOT NULL", self.oid());
        Ok(!step(self.desk, &sql).await?.rows.is_empty())
    }

    /// Whether the table has a column of this name.
    pub(super) async fn has_column(&self, column: &str) -> Result<bool, Failure> {
        let sql = format!(
            "SELECT 1 FROM pg_attribute WHERE {}",
            self.is_column(column)
        );
        Ok(!step(self.desk, &sql).await?.rows.is_empty())
    }

    /// A condition on `pg_attribute` for a column, by its name as written.
    pub(super) fn is_column(&self, column: &str) -> String {
        format!(
            "attrelid = {} AND attname = {} AND attnum > 0 AND NOT attisdropped",
            self.oid(),
            literal(&plain(column))
        )
    }

    /// Whether the table has rows.
    pub(super) async fn has_rows(&self) -> Result<bool, Failure> {
        let sql = format!("SELECT 1 FROM {} LIMIT 1", self.plan.table.sql);
        Ok(!step(self.desk, &sql).await?.rows.is_empty())
    }

    /// Whether it has so many that they cannot all be changed in one transaction.
    pub(super) async fn is_large(&self) -> Result<bool, Failure> {
        let sql = format!(
            "SELECT count(*) FROM (SELECT 1 FROM {} LIMIT {}) x",
            self.plan.table.sql,
            MOST_ROWS + 1
        );
        let reply = step(self.desk, &sql).await?;
        let count = reply.rows.first().map(|row| text(row, 0));
        Ok(count.and_then(|count| count.parse::<usize>().ok()) > Some(MOST_ROWS))
    }

    /// The columns of the primary key, in their order; none without one.
    pub(super) async fn key(&self) -> Result<Vec<KeyColumn>, Failure> {
        // DSQL's primary keys include all other columns, behind those of the key.
        let sql = format!(
            "SELECT quote_ident(a.attname), format_type(a.atttypid, a.atttypmod) \
             FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid \
             AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1]) \
             WHERE i.indrelid = {} AND i.indisprimary \
             ORDER BY array_position(i.indkey[0:i.indnkeyatts - 1], a.attnum)",
            self.oid()
        );
        let rows = step(self.desk, &sql).await?.rows;
        let column = |row| KeyColumn {
            name: text(row, 0),
            of: text(row, 1),
        };
        Ok(rows.iter().map(column).collect())
    }
}

/// A name as PostgreSQL compares names.
pub(super) fn plain(written: &str) -> String {
    let bytes = written.as_bytes();
    let token = Lexer::new(bytes).next();
    let name = token.and_then(|token| plain_name(token, bytes));
    name.map_or_else(
        || written.to_owned(),
        |name| String::from_utf8_lossy(&name).into_owned(),
    )
}

/// A string constant.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// An identifier in quotes.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
