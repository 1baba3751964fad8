//! CREATE TABLE.

use super::column::{Column, Key};
use super::reader::Reader;
use super::{Edits, Refusal, Verdict};
use crate::dsql::{limits, statements, tables};

/// How a relation is to live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Persistence {
    Permanent,
    Temporary,
    Unlogged,
}

/// Judges what follows `CREATE … TABLE`.
pub(super) fn create(
    text: &[u8],
    reader: &mut Reader<'_>,
    persistence: Persistence,
) -> Result<Verdict, Refusal> {
    reader.takes("IF NOT EXISTS");
    reader.qualified();
    // AS is a statement of its own to PostgreSQL, and AS is reserved.
    if reader.clone().skip_to("AS") {
        return Err(Refusal::from(&statements::CREATE_TABLE_AS));
    }
    match persistence {
        Persistence::Temporary => return Err(Refusal::from(&tables::TEMPORARY)),
        Persistence::Unlogged => return Err(Refusal::from(&tables::UNLOGGED)),
        Persistence::Permanent => {}
    }
    if reader.sees("PARTITION OF") {
        return Err(Refusal::from(&tables::PARTITION_OF));
    }
    let mut edits = Edits::default();
    if let Some(elements) = reader.group() {
        body(elements, &mut edits)?;
    }
    while !reader.at_end() {
        // WITHOUT OIDS is no WITH.
        if let Some(clause) = tables::CLAUSES.iter().find(|c| reader.sees(c.words)) {
            return Err(Refusal::from(&clause.answer));
        }
        reader.skip();
    }
    Ok(edits.verdict(text))
}

/// The columns and constraints between the parentheses.
fn body(elements: Vec<Reader<'_>>, edits: &mut Edits) -> Result<(), Refusal> {
    let mut columns: Vec<Column> = Vec::new();
    let mut constraints = Vec::new();
    for mut element in elements {
        if is_constraint(&element) {
            constraints.push(element);
        } else if element.is("LIKE") {
            // What it copies has been judged when it was made.
        } else if let Some(mut column) = Column::read(&mut element) {
            column.check(&mut element)?;
            edits.remove(column.storage.clone());
            columns.push(column);
        }
    }
    let mut primary = columns.iter().any(|c| c.key == Some(Key::Primary));
    for mut constraint in constraints {
        primary |= table_constraint(&mut constraint, &columns)?;
    }
    let limit = if primary {
        &limits::COLUMNS_WITH_KEY
    } else {
        &limits::COLUMNS
    };
    let count = u64::try_from(columns.len()).unwrap_or(u64::MAX);
    if count > limit.value {
        return Err(Refusal::limit(limit, count));
    }
    Ok(())
}

fn is_constraint(element: &Reader<'_>) -> bool {
    let mut ahead = element.clone();
    // EXCLUDE is not reserved: a column may be called so.
    element.is_any(&["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"])
        || ahead.take("EXCLUDE") && (ahead.is("USING") || ahead.is_punctuation(b'('))
}

/// Checks a table constraint; true for a primary key.
fn table_constraint(reader: &mut Reader<'_>, columns: &[Column]) -> Result<bool, Refusal> {
    if reader.take("CONSTRAINT") {
        reader.name();
    }
    if reader.is("EXCLUDE") {
        return Err(Refusal::from(&tables::EXCLUDE));
    }
    let primary = reader.is("PRIMARY");
    if !primary && !reader.is("UNIQUE") {
        return Ok(false);
    }
    while !reader.at_end() && !reader.is_punctuation(b'(') {
        reader.advance();
    }
    let keys = reader.group().unwrap_or_default();
    check_keys(keys.len())?;
    for mut key in keys {
        let Some(name) = key.name() else { continue };
        if let Some(column) = columns.iter().find(|c| c.name == name.text) {
            column.type_name.check_key()?;
        }
    }
    Ok(primary)
}

/// How many columns a key may have.
pub(super) fn check_keys(count: usize) -> Result<(), Refusal> {
    let limit = &limits::KEY_COLUMNS;
    match u64::try_from(count) {
        Ok(count) if count > limit.value => Err(Refusal::limit(limit, count)),
        _ => Ok(()),
    }
}
