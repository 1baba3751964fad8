//! What to do instead of what DSQL does not have and no plan can reach.

use crate::dsql::fact::NOT_SUPPORTED;
use crate::dsql::types;
use crate::sql::Reader;

/// The HINT for an error that DSQL gave to this statement, or `None` where there is nothing to
/// add. `sqlstate` and `message` are the fields C and M of its ErrorResponse.
pub fn hint(statement: &[u8], sqlstate: &str, message: &str) -> Option<String> {
    let row = HINTS.iter().chain(OTHERS).find(|row| {
        row.fits(sqlstate, message)
            && (row.words.is_empty() || row.words.iter().any(|words| has(statement, words)))
    })?;
    Some(row.advice.to_owned())
}

/// The same for a statement that is no DDL, which is not looked at.
pub fn hint_for_other(sqlstate: &str, message: &str) -> Option<String> {
    let row = OTHERS.iter().find(|row| row.fits(sqlstate, message))?;
    Some(row.advice.to_owned())
}

/// Whether the statement has these words, in any case, one behind the other. A word that ends in
/// `…` is the beginning of a name.
fn has(statement: &[u8], words: &str) -> bool {
    let mut reader = Reader::new(statement);
    while !reader.at_end() {
        let mut ahead = reader.clone();
        if words.split(' ').all(|word| take(&mut ahead, word)) {
            return true;
        }
        reader.advance();
    }
    false
}

fn take(reader: &mut Reader<'_>, word: &str) -> bool {
    match word.strip_suffix('…') {
        None => reader.take(word),
        Some(beginning) => reader
            .name()
            .is_some_and(|name| name.text.starts_with(beginning)),
    }
}

/// A row of [`HINTS`].
struct Hint {
    sqlstate: &'static str,
    /// What DSQL's message begins with.
    message: &'static str,
    /// Or begins with one of these.
    or: &'static [&'static str],
    /// What else is in it.
    goes_on: &'static str,
    /// Words of the statement, one of these; none where the message is enough.
    words: &'static [&'static str],
    advice: &'static str,
}

const fn row(message: &'static str, advice: &'static str) -> Hint {
    Hint {
        sqlstate: NOT_SUPPORTED,
        message,
        or: &[],
        goes_on: "",
        words: &[],
        advice,
    }
}

impl Hint {
    fn fits(&self, sqlstate: &str, message: &str) -> bool {
        self.sqlstate == sqlstate
            && (message.starts_with(self.message)
                || self.or.iter().any(|other| message.starts_with(other)))
            && message.contains(self.goes_on)
    }

    const fn with(mut self, words: &'static [&'static str]) -> Self {
        self.words = words;
        self
    }

    const fn or(mut self, messages: &'static [&'static str]) -> Self {
        self.or = messages;
        self
    }

    const fn going_on(mut self, text: &'static str) -> Self {
        self.goes_on = text;
        self
    }

    const fn state(mut self, sqlstate: &'static str) -> Self {
        self.sqlstate = sqlstate;
        self
    }
}

/// The first row that fits counts.
static HINTS: &[Hint] = &[
    // --- Databases and extensions
    row(
        "unsupported statement: Createdb",
        "Aurora DSQL has one database per cluster, so Prisma Migrate cannot make its shadow \
         database there. Give it an empty plain PostgreSQL instead: put `shadowDatabaseUrl = \
         env(\"SHADOW_DATABASE_URL\")` into the datasource block of schema.prisma (Prisma 7: \
         `shadowDatabaseUrl: process.env.SHADOW_DATABASE_URL` into datasource of \
         prisma.config.ts), and set SHADOW_DATABASE_URL to that server, such as \
         postgresql://postgres:postgres@localhost:5433/shadow.",
    )
    .with(&["DATABASE prisma_migrate_shadow_db_…"]),
    row(
        "unsupported statement: Createdb",
        "Aurora DSQL has one database per cluster, postgres. Use it, and a schema of its own for \
         each application (CREATE SCHEMA), or create another cluster.",
    ),
    row(
        "unsupported statement: Dropdb",
        "Aurora DSQL has one database per cluster, postgres, which cannot be dropped. Drop your \
         schemas and tables, or delete the cluster.",
    ),
    row(
        "unsupported statement: CreateExtension",
        "Aurora DSQL has no extensions. gen_random_uuid() is there without one: it does what \
         uuid_generate_v4() of uuid-ossp does, and what pgcrypto is often wanted for. Take the \
         statement out of your migration, or switch it off in your tool (TypeORM: \
         installExtensions: false).",
    ),
    // --- Tables
    row(
        "TEMPORARY or TEMP ",
        "Aurora DSQL has no temporary tables, views or sequences. Use a common table expression \
         (WITH … AS) in the query, or an ordinary table with a column that tells your rows from \
         others', and drop it afterwards.",
    ),
    row(
        "UNLOGGED ",
        "Every table of Aurora DSQL is durable: leave UNLOGGED out.",
    ),
    row(
        "PARTITION ",
        "Aurora DSQL spreads each table over its storage by the primary key, and has no \
         partitions. Leave PARTITION BY out, and put the rows of all partitions into one table.",
    ),
    row(
        "INHERITS ",
        "Aurora DSQL has no inheritance between tables. Repeat the parent's columns in the child.",
    ),
    row(
        "WITH clause not supported for CREATE TABLE",
        "Aurora DSQL has no storage parameters, such as fillfactor: leave the WITH (…) out. It \
         changes nothing that your queries see.",
    ),
    row(
        "TABLESPACE clause ",
        "Aurora DSQL places its data itself: leave TABLESPACE out.",
    ),
    row(
        "ON COMMIT clause ",
        "ON COMMIT belongs to temporary tables, which Aurora DSQL does not have.",
    ),
    row(
        "unsupported statement: CreateTableAs",
        "Aurora DSQL has no materialized views. Create a view, or a table that you fill yourself \
         with INSERT … SELECT, at most 3000 rows in a transaction.",
    )
    .with(&["MATERIALIZED VIEW"]),
    row(
        "unsupported statement: CreateTableAs",
        "Aurora DSQL cannot create a table from a query. Create it with its columns first, then \
         fill it with INSERT … SELECT, at most 3000 rows in a transaction.",
    ),
    row(
        "unsupported statement: RefreshMatView",
        "Aurora DSQL has no materialized views. Create a view, or a table that you fill yourself.",
    ),
    row(
        "EXCLUDE constraint ",
        "Aurora DSQL has no exclusion constraints. Where equality is all that you compare, use \
         UNIQUE; otherwise check in the transaction that inserts, with SELECT … FOR UPDATE on a \
         row that all of them lock.",
    ),
    row(
        "COLLATE clause not supported",
        "Aurora DSQL compares text by its bytes (collation C) and has no other collation. Leave \
         COLLATE out, and for another order sort by an expression, such as lower(name).",
    )
    .or(INDEX_MODE)
    .with(&["COLLATE"]),
    // --- Types
    row(
        "datatype ",
        "Aurora DSQL's identity columns and sequences are bigint: change the type to bigint.",
    )
    .going_on("must be bigint"),
    row(
        "datatype ",
        "Aurora DSQL cannot have bytea, json and jsonb in a key. Index an expression instead, such \
         as (settings ->> 'theme'), or keep what you search for in a column of its own.",
    )
    .going_on("not supported in a key"),
    row("datatype ", DATATYPES),
    row(
        "CREATE TYPE not supported",
        "Aurora DSQL has no enumerated types. Use text with a constraint, or a domain under the \
         same name: CREATE DOMAIN mood AS text CHECK (VALUE IN ('sad', 'ok')).",
    ),
    row(
        "unsupported statement: CreateEnum",
        "Aurora DSQL has no enumerated types. Use text with a constraint, or a domain under the \
         same name: CREATE DOMAIN mood AS text CHECK (VALUE IN ('sad', 'ok')).",
    ),
    row(
        "ALTER TYPE not supported",
        "Aurora DSQL has no enumerated types. If the values are in a CHECK constraint, drop it and \
         add another one.",
    ),
    row(
        "unsupported statement: CompositeType",
        "Aurora DSQL has no composite types. Use several columns, or jsonb.",
    ),
    row(
        "type \"",
        "Aurora DSQL has no serial types, and in this place nothing can stand in for one. Use \
         bigint GENERATED BY DEFAULT AS IDENTITY (CACHE 1) in CREATE TABLE.",
    )
    .state("42704")
    .with(types::SERIAL),
    // --- Functions, procedures, triggers
    row(
        "CREATE FUNCTION with language ",
        "Aurora DSQL runs functions in LANGUAGE sql only. Write the function in SQL, or move what \
         it does into your application. Sequelize's findOrCreate makes such a function: use \
         findCreateFind instead.",
    ),
    row(
        "PROCEDURE is not supported",
        "Aurora DSQL has no procedures. Move what it does into your application.",
    ),
    row(
        "CREATE TRIGGER not supported",
        "Aurora DSQL has no triggers. Use a default or a generated column, or do in your \
         application what the trigger does.",
    ),
    row(
        "unsupported statement: CreatePolicy",
        "Aurora DSQL has no row-level security. Give each role views or tables of its own.",
    ),
    row(
        "unsupported ALTER TABLE ENABLE ROW SECURITY",
        "Aurora DSQL has no row-level security. Give each role views or tables of its own.",
    ),
    // --- ALTER TABLE: what no sequence of steps reaches
    row("unsupported ALTER TABLE ADD CONSTRAINT", PRIMARY_KEY)
        .or(IN_STEPS)
        .with(&["PRIMARY KEY"]),
    row("unsupported ALTER TABLE DROP CONSTRAINT", PRIMARY_KEY),
    row("cannot drop primary key column", PRIMARY_KEY),
    row(
        "ALTER TABLE ADD COLUMN with constraint",
        "Aurora DSQL can have an identity column or a generated column only from the table's \
         beginning. Create a new table with it, copy the rows, and rename it. To number rows, an \
         added bigserial column is possible here.",
    )
    .with(&["GENERATED ALWAYS", "GENERATED BY"]),
    row(
        "unsupported ALTER TABLE ADD CONSTRAINT",
        "Aurora DSQL cannot do this at once. dsql-proxy does it in steps where each action of the \
         statement can be done and is understood. Write each action as a statement of its own, and \
         leave out what only tunes storage, such as WITH (…), TABLESPACE and COLLATE.",
    )
    .or(IN_STEPS),
    // --- Indexes
    row(
        "specifying sort order ",
        "The keys of Aurora DSQL's indexes have no order of their own to choose: leave DESC out. No \
         query answers differently for it.",
    )
    .or(INDEX_MODE)
    .with(&["DESC"]),
    row(
        "USING not supported for CREATE INDEX",
        "Aurora DSQL has one kind of index, which finds equal values and ranges like btree. Leave \
         USING out if that is enough; gin and gist have nothing that stands in for them.",
    )
    .or(INDEX_MODE)
    .with(&["USING"]),
    row(
        "WITH not supported for CREATE INDEX",
        "Aurora DSQL has no storage parameters, such as fillfactor: leave the WITH (…) out.",
    )
    .or(INDEX_MODE)
    .with(&["WITH"]),
    row(
        "opclass not supported ",
        "Aurora DSQL has one order for each type, for text that of its bytes, which serves LIKE \
         'prefix%'. Leave the operator class out if that is enough; trigrams and jsonb paths have \
         nothing that stands in for them.",
    ),
    row(
        "unsupported mode. ",
        "dsql-proxy has an index built in the background where Aurora DSQL has all that the \
         statement says. Write CREATE INDEX ASYNC to see what it has not.",
    ),
    // --- Schemas
    row(
        "feature not supported on system entity",
        "The schema public belongs to Aurora DSQL itself. Create a schema of your own and use it \
         by search_path.",
    ),
];

/// The same for statements that are no DDL. The message says it all.
static OTHERS: &[Hint] = &[
    row(
        "unsupported statement: Do",
        "Aurora DSQL has no PL/pgSQL, so it cannot run DO. Send the statements in it by \
         themselves; where it only guards a CREATE, use IF NOT EXISTS.",
    ),
    row(
        "unsupported statement: Truncate",
        "Aurora DSQL has no TRUNCATE. Delete the rows, at most 3000 in a transaction, until none \
         are left: DELETE FROM t WHERE id IN (SELECT id FROM t LIMIT 3000). Or drop the table and \
         create it again.",
    ),
    row(
        "unsupported statement: Lock",
        "Aurora DSQL takes no locks: transactions that change the same rows conflict when they \
         commit. Leave LOCK out, and lock the rows that matter with SELECT … FOR UPDATE.",
    ),
    row(
        "unsupported VACUUM ",
        "Aurora DSQL cleans up by itself: leave VACUUM out. ANALYZE with a table's name works.",
    ),
    row("unsupported statement: Listen", LISTEN).or(&[
        "unsupported statement: Notify",
        "unsupported statement: Unlisten",
    ]),
    row(
        "unsupported statement: Reindex",
        "Aurora DSQL keeps its indexes in order itself: leave REINDEX out.",
    ),
    row(
        "unsupported statement: Cluster",
        "Aurora DSQL stores a table in the order of its primary key: leave CLUSTER out.",
    ),
    row("unsupported transaction statement: SAVEPOINT", SAVEPOINT).or(&[
        "unsupported transaction statement: RELEASE",
        "unsupported transaction statement: ROLLBACK TO",
    ]),
];

/// What DSQL says of an index that it has nothing else against than that it is built at once: which
/// of two errors comes first is not known.
const INDEX_MODE: &[&str] = &[
    "unsupported mode. ",
    "CONCURRENTLY not supported for CREATE",
];

/// What DSQL says of actions that can be done in steps.
const IN_STEPS: &[&str] = &[
    "ALTER TABLE ADD COLUMN with constraint",
    "unsupported ALTER TABLE ALTER COLUMN ... SET DATA TYPE",
    "unsupported ALTER TABLE ALTER COLUMN ... SET NOT NULL",
    "unsupported ALTER TABLE VALIDATE CONSTRAINT",
];

const DATATYPES: &str = "Columns of Aurora DSQL can be numbers, text, dates and times, boolean, \
    bytea, uuid, json and jsonb. Instead of an array use jsonb or a table of its own, instead of \
    inet, xml or tsvector use text, instead of money use numeric, instead of a range use two \
    columns.";

const PRIMARY_KEY: &str = "Aurora DSQL stores a table by its primary key, which is therefore there \
    from the beginning and stays. Put it into CREATE TABLE. For a table that is there: create a \
    new one with the key, copy the rows, at most 3000 in a transaction, drop the old one and \
    rename the new one. Where a second key is enough, add UNIQUE.";

const LISTEN: &str = "Aurora DSQL has no notifications between sessions. Poll a table, or use a \
    message service.";

const SAVEPOINT: &str = "Aurora DSQL has no savepoints. Use no nested transactions in your \
    application, and begin the whole transaction again after an error.";

#[cfg(test)]
mod tests;
