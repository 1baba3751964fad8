//! `ALTER TABLE … ADD` of a constraint, and what stands for NOT NULL.

use super::action::{Found, Pass};
use super::clause::{self, Attributes};
use super::edits::Edits;
use super::name;
use super::plan::{AddConstraint, AddUnique, AlterStep, Table};
use crate::sql::Reader;

/// Whether a constraint follows ADD.
pub(super) fn is_next(reader: &Reader<'_>) -> bool {
    reader.is_any(&["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"])
        || reader.sees("EXCLUDE USING")
}

/// Reads what follows ADD to its end. `None` for what DSQL cannot have added: a primary key, an
/// exclusion constraint, storage options.
pub(super) fn read(reader: &mut Reader<'_>, table: &Table, edits: &Edits<'_>) -> Option<Found> {
    let start = reader.position();
    let mut name = None;
    if reader.take("CONSTRAINT") {
        name = Some(edits.slice(clause::name(reader)?.1).to_owned());
    }
    if reader.take("UNIQUE") {
        return unique(reader, name, table, edits);
    }
    let Attributes { not_valid, .. } = if reader.take("CHECK") {
        clause::group(reader)?;
        clause::attributes(reader)
    } else if reader.takes("FOREIGN KEY") {
        clause::columns(reader)?;
        clause::references(reader)?
    } else {
        return None;
    };
    reader.at_end().then_some(())?;
    if not_valid {
        return Some((Pass::Other, None));
    }
    let written = edits.apply(start..reader.end_of_read());
    let step = AlterStep::AddConstraint(AddConstraint {
        name,
        add: table.alter(&format!("ADD {written} NOT VALID")),
    });
    Some((Pass::Other, Some(step)))
}

fn unique(
    reader: &mut Reader<'_>,
    name: Option<String>,
    table: &Table,
    edits: &Edits<'_>,
) -> Option<Found> {
    if reader.takes("USING INDEX") {
        reader.name()?;
        clause::attributes(reader);
        return reader.at_end().then_some((Pass::Other, None));
    }
    let nulls = clause::nulls(reader);
    let (mut columns, key) = clause::columns(reader)?;
    let mut behind_key = String::new();
    if reader.take("INCLUDE") {
        let (included, at) = clause::columns(reader)?;
        columns.extend(included);
        behind_key = format!(" INCLUDE {}", edits.slice(at));
    }
    if nulls.is_some() {
        behind_key.push_str(" NULLS NOT DISTINCT");
    }
    let attributes = clause::attributes(reader);
    reader.at_end().then_some(())?;
    let step = AlterStep::AddUnique(AddUnique {
        name,
        table: table.clone(),
        columns,
        key: edits.slice(key).to_owned(),
        behind_key,
        attributes: edits.slice(attributes.at).to_owned(),
    });
    Some((Pass::Index, Some(step)))
}

/// What stands for NOT NULL on a column, by its name as written and plain. Named like PostgreSQL
/// 18 names a constraint NOT NULL.
pub(super) fn not_null(table: &Table, column: &str, plain: &str) -> AlterStep {
    let name = name::quoted(&name::object_name(&table.name, plain, "not_null"));
    let add = table.alter(&format!(
        "ADD CONSTRAINT {name} CHECK ({column} IS NOT NULL) NOT VALID"
    ));
    AlterStep::SetNotNull {
        column: column.to_owned(),
        check: AddConstraint {
            name: Some(name),
            add,
        },
    }
}
