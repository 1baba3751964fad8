//! Serial columns: a sequence, a default and NOT NULL, as PostgreSQL makes them (manual §8.1.4).

use std::collections::BTreeMap;
use std::ops::Range;

use super::edits::Edits;
use super::name;
use super::plan::Table;
use super::positions::Positions;

/// `CREATE TABLE` with serial columns: first their sequences, then the table, then
/// [`OwnSequence::own`]. Its tag is CREATE TABLE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatePlan {
    /// The table.
    pub table: Table,
    /// Its serial columns.
    pub columns: Vec<SerialColumn>,
    /// The whole in one statement, with identity columns in the place of serial ones. It says what
    /// there is to be said where the table is there already.
    pub at_once: AtOnce,
    /// The texts of NOTICEs for the client, once it is all done.
    pub notices: Vec<String>,
    /// The client's text.
    pub(super) text: String,
    /// What is changed in it besides the types of the serial columns.
    pub(super) changes: BTreeMap<(usize, usize), String>,
}

/// One statement in the place of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtOnce {
    /// The text.
    pub sql: String,
    /// Where its parts are in the client's.
    pub positions: Positions,
    /// The texts of NOTICEs for the client.
    pub notices: Vec<String>,
}

/// A serial column of a new table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SerialColumn {
    /// As written.
    pub(super) written: String,
    /// As PostgreSQL compares it.
    pub(super) name: String,
    /// Which type it really has.
    pub(super) of: &'static str,
    /// Where the type is, in the client's text.
    pub(super) at: Range<usize>,
}

/// The sequence of a serial column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnSequence {
    /// `CREATE SEQUENCE …`, before the column is there.
    pub create: String,
    /// `ALTER SEQUENCE … OWNED BY …`, once it is.
    pub own: String,
    /// `DROP SEQUENCE …`, where the column could not be added.
    pub drop: String,
    /// The column's default.
    pub(super) default: String,
}

impl CreatePlan {
    /// The sequence of a column. Where a relation has its name (SQLSTATE 42P07), PostgreSQL tries
    /// the next number, from 0 on.
    pub fn sequence(&self, column: &SerialColumn, number: u32) -> OwnSequence {
        OwnSequence::of(&self.table, &column.name, &column.written, number)
    }

    /// The statement that makes the table, with a sequence for each of the columns, and where its
    /// parts are in the client's text. Where there is such a table, it fails: IF NOT EXISTS is left
    /// out.
    pub fn create(&self, sequences: &[OwnSequence]) -> (String, Positions) {
        let mut edits = Edits::with(&self.text, self.changes.clone());
        for (column, sequence) in self.columns.iter().zip(sequences) {
            let of = format!("{} NOT NULL DEFAULT {}", column.of, sequence.default);
            edits.replace(column.at.clone(), of);
        }
        edits.whole()
    }

    /// A condition that is true if there is a relation of the table's name where the table is to
    /// be.
    pub fn exists(&self) -> String {
        let literal = |text: &str| format!("'{}'", text.replace('\'', "''"));
        let schema = match &self.table.schema {
            Some(schema) => literal(schema),
            None => "quote_ident(current_schema())".to_owned(),
        };
        format!(
            "EXISTS (SELECT 1 FROM pg_class WHERE relname = {} AND relnamespace = \
             to_regnamespace({schema}))",
            literal(&self.table.name)
        )
    }
}

impl OwnSequence {
    /// The sequence of a column, by its name as PostgreSQL compares it and as written. DSQL has
    /// sequences of bigint only.
    pub(super) fn of(table: &Table, column: &str, written: &str, number: u32) -> Self {
        let label = match number {
            0 => "seq".to_owned(),
            _ => format!("seq{number}"),
        };
        let name = name::object_name(&table.name, column, &label);
        let name = table.beside(&name::quoted(&name));
        Self {
            create: format!("CREATE SEQUENCE {name} CACHE 1"),
            own: format!("ALTER SEQUENCE {name} OWNED BY {}.{written}", table.sql),
            drop: format!("DROP SEQUENCE {name}"),
            default: format!("nextval('{}'::regclass)", name.replace('\'', "''")),
        }
    }
}
