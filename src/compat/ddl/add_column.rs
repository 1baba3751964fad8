//! `ALTER TABLE … ADD COLUMN`.

use super::column::{Clause, ClauseKind, Column, TypeName};
use super::constraint;
use super::edits::Edits;
use super::plan::{AddColumn, AddConstraint, AddUnique, AlterStep, ColumnDefault, Table};
use super::serial::OwnSequence;
use super::volatility;
use crate::sql::Reader;

/// Reads what follows `ADD` of a column to its end: its name, not quoted, and the step, if it takes
/// one. `None` for what DSQL cannot have added: a primary key, an identity, a generated column.
pub(super) fn read(
    reader: &mut Reader<'_>,
    table: &Table,
    edits: &mut Edits<'_>,
) -> Option<(String, Option<AlterStep>)> {
    reader.take("COLUMN");
    let if_not_exists = reader.takes("IF NOT EXISTS");
    let column = Column::read(reader)?;
    let new = NewColumn {
        column: &column,
        table,
        name: edits.slice(column.name_at.clone()),
    };
    let step = if new.plain(edits) {
        None
    } else {
        Some(AlterStep::AddColumn(new.step(if_not_exists, edits)?))
    };
    Some((column.name.text, step))
}

/// A column to be added.
struct NewColumn<'a, 'b> {
    column: &'b Column<'a>,
    table: &'b Table,
    /// Its name as written.
    name: &'b str,
}

impl NewColumn<'_, '_> {
    /// Whether it has nothing that ADD COLUMN does not take in DSQL, apart from what says nothing
    /// and is taken out: NULL, DEFAULT NULL, and the collation that there is.
    fn plain(&self, edits: &mut Edits<'_>) -> bool {
        let says_something = self.column.of.is_serial()
            || self.column.clauses.iter().any(|clause| match &clause.kind {
                ClauseKind::Null | ClauseKind::Storage | ClauseKind::Collate(true) => false,
                ClauseKind::Default(at) => !is_null(edits.slice(at.clone())),
                _ => true,
            });
        if says_something {
            return false;
        }
        self.column.adapt(edits);
        for clause in &self.column.clauses {
            if matches!(clause.kind, ClauseKind::Null | ClauseKind::Default(_)) {
                edits.remove(clause.at.clone());
            }
        }
        true
    }

    fn step(&self, if_not_exists: bool, edits: &Edits<'_>) -> Option<AddColumn> {
        let Self {
            column,
            table,
            name,
        } = *self;
        let serial = column.of.is_serial();
        let written = edits.slice(column.of.at.clone());
        let mut of = column.of.of_serial().unwrap_or(written).to_owned();
        let mut default = None;
        let mut not_null = serial;
        let mut unique = Vec::new();
        let mut then = Vec::new();
        for clause in &column.clauses {
            match &clause.kind {
                ClauseKind::Null => {}
                ClauseKind::NotNull => not_null = true,
                ClauseKind::Default(at) if !serial && default.is_none() => {
                    default = Some(edits.apply(at.clone()));
                }
                ClauseKind::Unique { nulls, attributes } => {
                    unique.push(AlterStep::AddUnique(AddUnique {
                        name: clause.name.clone().map(|at| edits.slice(at).to_owned()),
                        table: table.clone(),
                        columns: vec![column.name.text.clone()],
                        key: format!("({name})"),
                        behind_key: match nulls {
                            Some(_) => " NULLS NOT DISTINCT".to_owned(),
                            None => String::new(),
                        },
                        attributes: edits.slice(attributes.at.clone()).to_owned(),
                    }));
                }
                ClauseKind::Check(at) => {
                    then.push(self.constraint(clause, &edits.apply(at.clone()), edits));
                }
                ClauseKind::References(at) => {
                    let written = format!("FOREIGN KEY ({name}) {}", edits.slice(at.clone()));
                    then.push(self.constraint(clause, &written, edits));
                }
                ClauseKind::Storage => {
                    of.push(' ');
                    of.push_str(edits.slice(clause.at.clone()));
                }
                ClauseKind::Collate(true) => {}
                _ => return None,
            }
        }
        unique.append(&mut then);
        if not_null {
            unique.insert(0, constraint::not_null(table, name, &column.name.text));
        }
        let sequence = serial.then(|| Box::new(OwnSequence::of(table, &column.name.text, name, 0)));
        let default = match &sequence {
            Some(sequence) => Some(sequence.default.clone()),
            None => default.filter(|expression| !is_null(expression)),
        };
        let exists = if if_not_exists { "IF NOT EXISTS " } else { "" };
        Some(AddColumn {
            column: name.to_owned(),
            if_not_exists,
            add: table.alter(&format!("ADD COLUMN {exists}{name} {of}")),
            sequence,
            default: default.map(|expression| ColumnDefault {
                set: table.alter(&format!("ALTER COLUMN {name} SET DEFAULT {expression}")),
                each_row: volatility::varies(&expression),
                expression,
            }),
            then: unique,
        })
    }

    /// A constraint of the column as one of the table. Unnamed, it gets the same name.
    fn constraint(&self, clause: &Clause<'_>, written: &str, edits: &Edits<'_>) -> AlterStep {
        let name = clause.name.clone().map(|at| edits.slice(at).to_owned());
        let named = match &name {
            Some(name) => format!("CONSTRAINT {name} "),
            None => String::new(),
        };
        AlterStep::AddConstraint(AddConstraint {
            add: self.table.alter(&format!("ADD {named}{written} NOT VALID")),
            name,
        })
    }
}

/// Whether a default is NULL, with a cast or without: the same as none.
fn is_null(expression: &str) -> bool {
    let mut reader = Reader::new(expression.as_bytes());
    let cast = |reader: &Reader<'_>| {
        reader
            .peek()
            .is_some_and(|token| reader.bytes(token) == b"::")
    };
    reader.take("NULL")
        && (reader.at_end()
            || cast(&reader)
                && reader.advance().is_some()
                && TypeName::read(&mut reader).is_some()
                && reader.at_end())
}
