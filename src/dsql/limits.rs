//! How much DSQL takes, and what it says to more.
//!
//! Values are the defaults of a cluster (user guide, quotas, 2026-09; where a cluster was observed
//! to do otherwise, what it did). Texts are exact as of the row's date, but AWS promises no text.

use super::fact::{GUIDE, RECORDED, SKILL};

/// A limit. The tables of [`ALL`] hold every one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// What is limited, in `snake_case`.
    pub name: &'static str,
    /// The most that is allowed, in `unit`s.
    pub value: u64,
    /// What `value` counts.
    pub unit: &'static str,
    /// How many `unit`s are one of what the texts count: 1,048,576 where they speak of `mb`.
    pub scale: u64,
    /// The error's SQLSTATE.
    pub sqlstate: &'static str,
    /// The error's message. `{limit}` is the limit, `{actual}` what was asked for, both in
    /// what the texts count; `{what}` is what the error names.
    pub message: &'static str,
    /// The error's DETAIL, with the same placeholders.
    pub detail: Option<&'static str>,
    /// When it is raised.
    pub raised: Raised,
    /// Who says so.
    pub source: &'static str,
    /// When they said so.
    pub date: &'static str,
}

/// When DSQL notices that a limit is crossed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Raised {
    /// A FATAL error instead of a session.
    Connect,
    /// At the statement that crosses it.
    Statement,
    /// At COMMIT, or at the end of an autocommit statement.
    Commit,
    /// The connection ends, without an error.
    Closed,
}

impl Limit {
    /// The message about this limit, with `limit` in place of the default (both in `unit`s).
    pub fn message(&self, limit: u64, actual: u64, what: &str) -> String {
        self.fill(self.message, limit, actual, what)
    }

    /// The DETAIL about this limit; see [`Self::message`].
    pub fn detail(&self, limit: u64, actual: u64) -> Option<String> {
        self.detail
            .map(|detail| self.fill(detail, limit, actual, ""))
    }

    fn fill(&self, text: &str, limit: u64, actual: u64, what: &str) -> String {
        let scale = self.scale.max(1);
        text.replace("{limit}", &(limit / scale).to_string())
            .replace("{actual}", &actual.div_ceil(scale).to_string())
            .replace("{what}", what)
    }

    const fn new(
        name: &'static str,
        value: u64,
        unit: &'static str,
        sqlstate: &'static str,
        message: &'static str,
    ) -> Self {
        Self {
            name,
            value,
            unit,
            scale: 1,
            sqlstate,
            message,
            detail: None,
            raised: Raised::Statement,
            source: GUIDE,
            date: "2026-09",
        }
    }

    const fn raised(mut self, raised: Raised) -> Self {
        self.raised = raised;
        self
    }

    const fn detailed(mut self, detail: &'static str) -> Self {
        self.detail = Some(detail);
        self
    }

    const fn seen(mut self, source: &'static str, date: &'static str) -> Self {
        self.source = source;
        self.date = date;
        self
    }

    const fn in_texts(mut self, scale: u64) -> Self {
        self.scale = scale;
        self
    }
}

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const LIMIT_EXCEEDED: &str = "54000";
const TOO_MANY_COLUMNS: &str = "54011";
const INVALID_VALUE: &str = "22023";

/// How long a session lasts. It ends without an error; a transaction begun before may go on for
/// its own [`TRANSACTION_AGE`] (preview-era user guide).
pub const SESSION_AGE: Limit =
    Limit::new("session_age", 3600, "seconds", "", "").raised(Raised::Closed);

/// Sessions of a cluster at a time.
pub const CONNECTIONS: Limit = Limit::new(
    "connections",
    10_000,
    "sessions",
    "53300",
    "Unable to accept connection, too many open connections.",
)
.raised(Raised::Connect);

/// New sessions a second, refilled at the same rate; see [`CONNECTION_BURST`].
pub const CONNECTION_RATE: Limit = Limit::new(
    "connection_rate",
    100,
    "sessions a second",
    "53400",
    "Unable to accept connection, rate exceeded.",
)
.raised(Raised::Connect);

/// New sessions at once, after a time without any.
pub const CONNECTION_BURST: Limit = Limit::new(
    "connection_burst",
    1000,
    "sessions",
    "53400",
    "Unable to accept connection, rate exceeded.",
)
.raised(Raised::Connect);

/// A message of the protocol. The user guide says 08P01 `invalid message length`; a cluster was
/// seen to close the connection.
pub const MESSAGE_SIZE: Limit = Limit::new("message_size", 10 * MIB, "bytes", "", "")
    .raised(Raised::Closed)
    .seen(SKILL, "2026-10");

/// The age of a transaction. `pg_sleep(310)` was seen to run and to fail at COMMIT.
pub const TRANSACTION_AGE: Limit = Limit::new(
    "transaction_age",
    300,
    "seconds",
    LIMIT_EXCEEDED,
    "transaction age limit of {limit}s exceeded",
)
.detailed("Current transaction age {actual}s exceeds {limit}s")
.raised(Raised::Commit)
.seen(SKILL, "2026-10");

/// Rows that a transaction changes, in an implicit one too. The statement that crosses it fails.
pub const TRANSACTION_ROWS: Limit = Limit::new(
    "transaction_rows",
    3000,
    "rows",
    LIMIT_EXCEEDED,
    "transaction row limit exceeded",
)
.seen(RECORDED, "2026-09");

/// Bytes that a transaction writes: rows, and every index entry.
pub const TRANSACTION_SIZE: Limit = Limit::new(
    "transaction_size",
    10 * MIB,
    "bytes",
    LIMIT_EXCEEDED,
    "transaction size limit {limit}mb exceeded",
)
.detailed("Current transaction size {actual}mb > {limit}mb")
.in_texts(MIB)
.raised(Raised::Commit)
.seen(SKILL, "2026-10");

/// Temporary memory of a query. The user guide has 53200 `query requires too much temp space, out
/// of memory.`
pub const QUERY_MEMORY: Limit = Limit::new(
    "query_memory",
    128 * MIB,
    "bytes",
    LIMIT_EXCEEDED,
    "query requires more than allowed temp space of {limit} KB to execute",
)
.in_texts(KIB)
.seen(SKILL, "2026-10");

/// A row.
pub const ROW_SIZE: Limit = Limit::new(
    "row_size",
    2 * MIB,
    "bytes",
    LIMIT_EXCEEDED,
    "maximum row size exceeded",
);

/// A value, after compression; `{what}` is its type: text, bytea, jsonb. The user guide has
/// `maximum column size exceeded`.
pub const VALUE_SIZE: Limit = Limit::new(
    "value_size",
    MIB,
    "bytes",
    LIMIT_EXCEEDED,
    "datatype limit greater than {limit} bytes not supported for {what}",
)
.seen(SKILL, "2026-10");

/// The declared length of varchar. The capital D is DSQL's.
pub const VARCHAR_LENGTH: Limit = Limit::new(
    "varchar_length",
    65_535,
    "characters",
    LIMIT_EXCEEDED,
    "Datatype limit greater than {limit} bytes not supported for varchar",
)
.seen(SKILL, "2026-10");

/// The declared length of char.
pub const CHAR_LENGTH: Limit = Limit::new(
    "char_length",
    4096,
    "characters",
    LIMIT_EXCEEDED,
    "Datatype limit greater than {limit} bytes not supported for char",
)
.seen(SKILL, "2026-10");

/// The declared precision of numeric; 38 before 2026-08-25.
pub const NUMERIC_PRECISION: Limit = Limit::new(
    "numeric_precision",
    1000,
    "digits",
    INVALID_VALUE,
    "NUMERIC precision {actual} must be between 1 and {limit}",
)
.seen(SKILL, "2026-10");

/// What a column declared `numeric` without precision is stored as (2026-10-03): its precision
/// and scale.
pub const BARE_NUMERIC: (u16, u16) = (18, 6);

/// All columns of a key together, when a row is written. The user guide says 1 KiB.
pub const KEY_SIZE: Limit = Limit::new(
    "key_size",
    1981,
    "bytes",
    LIMIT_EXCEEDED,
    "key size too large",
)
.seen(SKILL, "2026-10");

/// All columns of a key together, when the key is declared.
pub const DECLARED_KEY_SIZE: Limit = Limit::new(
    "declared_key_size",
    2000,
    "bytes",
    LIMIT_EXCEEDED,
    "key size greater than {limit} bytes not supported",
)
.seen(SKILL, "2026-10");

/// Columns of a key.
pub const KEY_COLUMNS: Limit = Limit::new(
    "key_columns",
    8,
    "columns",
    TOO_MANY_COLUMNS,
    "more than {limit} column keys in an index are not supported",
)
.seen(SKILL, "2026-10");

/// Columns of a table without a primary key.
pub const COLUMNS: Limit = Limit::new(
    "columns",
    255,
    "columns",
    TOO_MANY_COLUMNS,
    "tables can have at most {limit} columns",
)
.seen(SKILL, "2026-10");

/// Columns of a table with a primary key, whose index includes all of them.
pub const COLUMNS_WITH_KEY: Limit = Limit::new(
    "columns_with_key",
    256,
    "columns",
    TOO_MANY_COLUMNS,
    "cannot use more than {limit} columns in an index",
)
.seen(SKILL, "2026-10");

/// Columns that a table has ever had, dropped ones included; PostgreSQL's own text.
pub const LIFETIME_COLUMNS: Limit = Limit::new(
    "lifetime_columns",
    1600,
    "columns",
    TOO_MANY_COLUMNS,
    "tables can have at most {limit} columns",
)
.seen(SKILL, "2026-10");

/// Indexes of a table, with its primary key, its UNIQUE constraints and those being built.
pub const INDEXES: Limit = Limit::new(
    "indexes",
    24,
    "indexes",
    LIMIT_EXCEEDED,
    "more than {limit} indexes per table are not allowed",
)
.seen(SKILL, "2026-10");

/// Extended statistics of a table.
pub const STATISTICS: Limit = Limit::new(
    "statistics",
    5,
    "statistics",
    LIMIT_EXCEEDED,
    "more than {limit} extended statistics per table are not allowed",
)
.seen(SKILL, "2026-10");

/// The target of ALTER STATISTICS.
pub const STATISTICS_TARGET: Limit = Limit::new(
    "statistics_target",
    100,
    "",
    INVALID_VALUE,
    "statistics target {actual} exceeds maximum allowed value of {limit}",
)
.seen(SKILL, "2026-10");

/// Tables of a cluster. The user guide gives no SQLSTATE.
pub const TABLES: Limit = Limit::new(
    "tables",
    1000,
    "tables",
    LIMIT_EXCEEDED,
    "creating more than {limit} tables not allowed",
);

/// Schemas of a cluster, without `public` and `sys`.
pub const SCHEMAS: Limit = Limit::new(
    "schemas",
    10,
    "schemas",
    LIMIT_EXCEEDED,
    "more than {limit} schemas not allowed",
)
.seen(SKILL, "2026-10");

/// Views of a cluster. The user guide gives no SQLSTATE.
pub const VIEWS: Limit = Limit::new(
    "views",
    5000,
    "views",
    LIMIT_EXCEEDED,
    "creating more than {limit} views not allowed",
);

/// Sequences of a cluster. The user guide gives no SQLSTATE.
pub const SEQUENCES: Limit = Limit::new(
    "sequences",
    5000,
    "sequences",
    LIMIT_EXCEEDED,
    "creating more than {limit} sequences is not allowed",
);

/// A view's definition, as stored. The user guide says 2 MiB.
pub const VIEW_SIZE: Limit = Limit::new(
    "view_size",
    512 * KIB,
    "bytes",
    LIMIT_EXCEEDED,
    "view definition too large",
)
.seen(SKILL, "2026-10");

/// The storage of a cluster.
pub const STORAGE: Limit = Limit::new(
    "storage",
    10 * 1024 * 1024 * MIB,
    "bytes",
    "53100",
    "Current cluster size exceeds cluster size limit.",
);

/// Every limit.
pub static ALL: &[Limit] = &[
    SESSION_AGE,
    CONNECTIONS,
    CONNECTION_RATE,
    CONNECTION_BURST,
    MESSAGE_SIZE,
    TRANSACTION_AGE,
    TRANSACTION_ROWS,
    TRANSACTION_SIZE,
    QUERY_MEMORY,
    ROW_SIZE,
    VALUE_SIZE,
    VARCHAR_LENGTH,
    CHAR_LENGTH,
    NUMERIC_PRECISION,
    KEY_SIZE,
    DECLARED_KEY_SIZE,
    KEY_COLUMNS,
    COLUMNS,
    COLUMNS_WITH_KEY,
    LIFETIME_COLUMNS,
    INDEXES,
    STATISTICS,
    STATISTICS_TARGET,
    TABLES,
    SCHEMAS,
    VIEWS,
    SEQUENCES,
    VIEW_SIZE,
    STORAGE,
];

#[cfg(test)]
mod tests;
