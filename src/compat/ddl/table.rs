//! CREATE TABLE.

use super::change::Change;
use super::clause;
use super::column::Column;
use super::edits::Edits;
use super::index;
use super::plan::DdlPlan;
use super::serial::{AtOnce, CreatePlan, SerialColumn};
use super::uuid;
use crate::sql::Reader;

/// What follows `CREATE TABLE`. Other forms than a list of columns are refused by DSQL, or have
/// nothing to adapt.
pub(super) fn create(reader: &mut Reader<'_>, mut edits: Edits<'_>) -> Option<DdlPlan> {
    let if_not_exists = clause::words(reader, "IF NOT EXISTS");
    let table = index::table(reader, &edits)?;
    // What the steps change: all the same but for serial columns.
    let mut of_steps = edits.clone();
    let mut columns = Vec::new();
    for mut element in reader.group()? {
        if element.is_any(NO_COLUMN) {
            continue;
        }
        let Some(column) = Column::read(&mut element) else {
            continue;
        };
        column.adapt(&mut edits);
        match serial(&column, &edits) {
            Some(serial) => {
                of_steps.tell(&Change::OwnSequence {
                    column: &serial.name,
                    written: edits.slice(serial.at.clone()),
                });
                columns.push(serial);
            }
            None => column.adapt(&mut of_steps),
        }
    }
    uuid::edit(&mut edits);
    // A schema that is not only a name is that of another database.
    let schema = table.schema.as_deref().unwrap_or_default();
    if columns.is_empty() || Reader::new(schema.as_bytes()).qualified().len() > 1 {
        return edits.plan();
    }
    uuid::edit(&mut of_steps);
    if let Some(at) = if_not_exists {
        of_steps.remove(at);
    }
    let (sql, positions) = edits.whole();
    Some(DdlPlan::Create(CreatePlan {
        table,
        columns,
        at_once: AtOnce {
            sql,
            positions,
            notices: edits.notices(),
        },
        notices: of_steps.notices(),
        text: edits.text().to_owned(),
        changes: of_steps.all().clone(),
    }))
}

fn serial(column: &Column<'_>, edits: &Edits<'_>) -> Option<SerialColumn> {
    Some(SerialColumn {
        written: edits.slice(column.name_at.clone()).to_owned(),
        name: column.name.text.clone(),
        of: column.of.of_serial()?,
        at: column.of.at.clone(),
    })
}

/// What a constraint of the table begins with, and LIKE. All are reserved.
const NO_COLUMN: &[&str] = &[
    "CHECK",
    "CONSTRAINT",
    "FOREIGN",
    "LIKE",
    "PRIMARY",
    "UNIQUE",
];
