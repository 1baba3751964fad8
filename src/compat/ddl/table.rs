//! CREATE TABLE.

use super::column::Column;
use super::edits::Edits;
use super::uuid;
use crate::sql::Reader;

/// What follows `CREATE TABLE`. Other forms than a list of columns are refused by DSQL, or have
/// nothing to adapt.
pub(super) fn create(reader: &mut Reader<'_>, edits: &mut Edits<'_>) -> Option<()> {
    reader.takes("IF NOT EXISTS");
    if reader.qualified().is_empty() {
        return None;
    }
    for mut element in reader.group()? {
        if element.is_any(NO_COLUMN) {
            continue;
        }
        if let Some(column) = Column::read(&mut element) {
            column.adapt(edits);
        }
    }
    uuid::edit(edits);
    Some(())
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
