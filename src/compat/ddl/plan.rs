//! What is to be done about a statement. All texts are ready to be sent; names in them are
//! written as the client wrote them.

use super::name;
use super::positions::Positions;
use super::serial::{CreatePlan, OwnSequence};

/// What becomes of a DDL statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DdlPlan {
    /// It goes on as it is.
    Pass,
    /// Another text that means the same. The command tag is the original's.
    Rewrite {
        /// The text.
        sql: String,
        /// Where its parts are in the client's.
        positions: Positions,
        /// The texts of NOTICEs for the client, once it has succeeded; perhaps none.
        notices: Vec<String>,
    },
    /// CREATE INDEX in the background, to be waited for.
    Index(IndexPlan),
    /// CREATE TABLE in several steps.
    Create(CreatePlan),
    /// ALTER TABLE in several steps.
    Alter(AlterPlan),
}

/// `CREATE [UNIQUE] INDEX ASYNC`. Its one row, a `job_id`, is not for the client; the tag is
/// CREATE INDEX. With IF NOT EXISTS and an index that is there, there may be no row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexPlan {
    /// The text with ASYNC.
    pub sql: String,
    /// Where its parts are in the client's.
    pub positions: Positions,
    /// The texts of NOTICEs for the client.
    pub notices: Vec<String>,
    /// The index's name, as written; without one, DSQL gives it one. It is in the table's schema.
    pub name: Option<String>,
    /// Whether it says IF NOT EXISTS.
    pub if_not_exists: bool,
    /// Whether the index is unique, so that its build can fail for the rows that are there.
    pub unique: bool,
    /// The table.
    pub table: Table,
}

/// A table as a statement names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// As written, with its schema if that is written.
    pub sql: String,
    /// Its schema as written.
    pub schema: Option<String>,
    /// Its own name as PostgreSQL compares it: not quoted.
    pub name: String,
}

impl Table {
    /// `ALTER TABLE` with these actions.
    pub fn alter(&self, actions: &str) -> String {
        format!("ALTER TABLE {} {actions}", self.sql)
    }

    /// The statement that starts a job which validates a constraint. It answers one row, the
    /// `job_id`.
    pub fn validate(&self, constraint: &str) -> String {
        format!(
            "ALTER TABLE ASYNC {} VALIDATE CONSTRAINT {constraint}",
            self.sql
        )
    }

    /// The name of something in the same schema, as a statement has to write it.
    pub fn beside(&self, name: &str) -> String {
        match &self.schema {
            Some(schema) => format!("{schema}.{name}"),
            None => name.to_owned(),
        }
    }
}

/// ALTER TABLE, step by step. Its tag is ALTER TABLE. Each step is committed by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlterPlan {
    /// The table.
    pub table: Table,
    /// Whether it says IF EXISTS: nothing is done where the table is not there. The steps do not
    /// say it.
    pub if_exists: bool,
    /// What to do, in the order in which PostgreSQL does the actions of one ALTER TABLE
    /// (`AlterTablePass` in `src/backend/commands/tablecmds.c`), which is not that of the text.
    /// Only columns are dropped last, because their values cannot be brought back when a later
    /// step fails.
    pub steps: Vec<AlterStep>,
    /// The texts of NOTICEs for the client.
    pub notices: Vec<String>,
}

/// A step of an ALTER TABLE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlterStep {
    /// Statement to run as it is.
    Run(String),
    /// Add a column, fill it, and what [`AddColumn::then`] says.
    AddColumn(AddColumn),
    /// Add a CHECK or a foreign key and validate it.
    AddConstraint(AddConstraint),
    /// Build a unique index and make a constraint of it.
    AddUnique(AddUnique),
    /// Start the validation of this constraint ([`Table::validate`]) and wait for it.
    Validate {
        /// The constraint's name, as written.
        constraint: String,
    },
    /// Nothing where the column is NOT NULL already; otherwise a CHECK that stands for it.
    SetNotNull {
        /// The column's name, as written.
        column: String,
        /// The CHECK.
        check: AddConstraint,
    },
    /// Undo NOT NULL: the statement, and then any CHECK that stands for it. Such a one has the
    /// definition `CHECK ((column IS NOT NULL))`, under whatever name.
    DropNotNull {
        /// The column's name, as written.
        column: String,
        /// `ALTER TABLE … ALTER COLUMN … DROP NOT NULL`.
        sql: String,
    },
    /// Give a column another type: by a new column that the values are copied to.
    AlterType {
        /// The column's name, as written.
        column: String,
        /// The new type, as written.
        of: String,
        /// The expression behind USING, as written. Without it the value is cast by assignment.
        using: Option<String>,
    },
}

/// `ADD COLUMN` with more than a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddColumn {
    /// The column's name, as written.
    pub column: String,
    /// Whether it says IF NOT EXISTS: with a column of this name there, the whole step is nothing.
    pub if_not_exists: bool,
    /// `ALTER TABLE … ADD COLUMN …` with the type alone.
    pub add: String,
    /// The sequence that its default takes values from.
    pub sequence: Option<Box<OwnSequence>>,
    /// Its default, which the rows that are there get, too.
    pub default: Option<ColumnDefault>,
    /// What is left to do once its rows are filled: NOT NULL, UNIQUE, CHECK, REFERENCES.
    pub then: Vec<AlterStep>,
}

impl AddColumn {
    /// Whether the column is to be NOT NULL. Without a default that holds only for a table without
    /// rows (23502 otherwise), which is better found out before the column is there.
    pub fn is_not_null(&self) -> bool {
        self.then
            .iter()
            .any(|step| matches!(step, AlterStep::SetNotNull { .. }))
    }
}

/// A default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnDefault {
    /// The expression, as written.
    pub expression: String,
    /// `ALTER TABLE … ALTER COLUMN … SET DEFAULT …`.
    pub set: String,
    /// Whether each row that is there gets a value of its own, as from `gen_random_uuid()`;
    /// otherwise it is evaluated once for all of them, as PostgreSQL does with `now()`.
    pub each_row: bool,
}

/// A CHECK or a foreign key that is validated after it is there. One that the rows violate is
/// dropped again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddConstraint {
    /// Its name, as written. Without one, PostgreSQL names it: it is then the newest constraint of
    /// the table that is not valid.
    pub name: Option<String>,
    /// `ALTER TABLE … ADD … NOT VALID`.
    pub add: String,
}

/// A unique constraint, made of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddUnique {
    /// Its name, as written.
    pub(super) name: Option<String>,
    pub(super) table: Table,
    /// The names of its columns, those of INCLUDE too, not quoted.
    pub(super) columns: Vec<String>,
    /// The key in parentheses.
    pub(super) key: String,
    /// What follows the key: INCLUDE, NULLS NOT DISTINCT.
    pub(super) behind_key: String,
    /// DEFERRABLE and the like.
    pub(super) attributes: String,
}

impl AddUnique {
    /// The name of constraint and index, as a statement has to write it: as the client wrote it,
    /// or as PostgreSQL names it. Where that is taken, PostgreSQL tries the next number, from 1
    /// on. `None` when there is nothing else to try.
    pub fn name(&self, number: u32) -> Option<String> {
        match (&self.name, number) {
            (Some(name), 0) => Some(name.clone()),
            (Some(_), _) => None,
            (None, _) => {
                let label = match number {
                    0 => "key".to_owned(),
                    _ => format!("key{number}"),
                };
                let columns = name::of_columns(&self.columns);
                let whole = name::object_name(&self.table.name, &columns, &label);
                Some(name::quoted(&whole))
            }
        }
    }

    /// The statement that starts building the index. It answers one row, the `job_id`.
    pub fn create_index(&self, name: &str) -> String {
        format!(
            "CREATE UNIQUE INDEX ASYNC {name} ON {} {}{}",
            self.table.sql, self.key, self.behind_key
        )
    }

    /// The statement that makes a constraint of the index, once that is valid.
    pub fn add_constraint(&self, name: &str) -> String {
        self.table.alter(&format!(
            "ADD CONSTRAINT {name} UNIQUE USING INDEX {name}{}",
            self.attributes
        ))
    }

    /// The statement that drops the index where its build has failed.
    pub fn drop_index(&self, name: &str) -> String {
        format!("DROP INDEX {}", self.table.beside(name))
    }
}
