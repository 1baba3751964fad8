//! CREATE INDEX, and DROP INDEX.
//!
//! An index of another kind than the one that DSQL has, DESC, and storage options are DSQL's to
//! refuse: without them it would be another index.

use super::change::Change;
use super::clause;
use super::column::last_word;
use super::edits::Edits;
use super::plan::{DdlPlan, IndexPlan, Table};
use crate::sql::Reader;
use crate::sql::reader::Name;

/// What follows CREATE in `CREATE [UNIQUE] INDEX …`.
pub(super) fn create(reader: &mut Reader<'_>, mut edits: Edits<'_>) -> Option<DdlPlan> {
    let unique = reader.take("UNIQUE");
    reader.take("INDEX").then_some(())?;
    let behind_index = reader.end_of_read();
    let concurrently = clause::words(reader, "CONCURRENTLY");
    // DSQL's key word wins over an index of that name.
    let is_async = reader.take("ASYNC");
    if is_async && concurrently.is_some() {
        return None;
    }
    let if_not_exists = reader.takes("IF NOT EXISTS");
    let name = if reader.is("ON") {
        None
    } else {
        Some(clause::name(reader)?.1)
    };
    reader.take("ON").then_some(())?;
    reader.take("ONLY");
    let table = table(reader, &edits)?;
    method(reader, &mut edits)?;
    for mut element in reader.group()? {
        key(&mut element, &mut edits)?;
    }
    options(reader)?;
    if is_async {
        return edits.plan();
    }
    match concurrently {
        Some(at) => edits.replace(at, "ASYNC"),
        None => edits.insert(behind_index, " ASYNC"),
    }
    edits.tell(&Change::Async);
    let (sql, positions) = edits.whole();
    Some(DdlPlan::Index(IndexPlan {
        sql,
        positions,
        notices: edits.notices(),
        name: name.map(|name| edits.slice(name).to_owned()),
        if_not_exists,
        unique,
        table,
    }))
}

/// A table's name.
pub(super) fn table(reader: &mut Reader<'_>, edits: &Edits<'_>) -> Option<Table> {
    let start = reader.position();
    let mut last = start;
    let mut schema = None;
    loop {
        let name = reader.name()?;
        let end = reader.end_of_read();
        if !reader.take_punctuation(b'.') {
            return Some(Table {
                sql: edits.slice(start..end).to_owned(),
                schema,
                name: name.text,
            });
        }
        schema = Some(edits.slice(start..end).to_owned());
        // A name ends with a name.
        if last == reader.position() {
            return None;
        }
        last = reader.position();
    }
}

fn method(reader: &mut Reader<'_>, edits: &mut Edits<'_>) -> Option<()> {
    let start = reader.position();
    if reader.take("USING") {
        (reader.name()?.text == "btree").then_some(())?;
        edits.remove(start..reader.end_of_read());
        edits.tell(&Change::Btree);
    }
    Some(())
}

/// A column, a function call or an expression in parentheses, and what follows it.
fn key(reader: &mut Reader<'_>, edits: &mut Edits<'_>) -> Option<()> {
    if clause::group(reader).is_none() {
        if reader.qualified().is_empty() {
            return None;
        }
        clause::group(reader);
    }
    let start = reader.position();
    if reader.take("COLLATE") {
        clause::is_own_collation(&reader.qualified()).then_some(())?;
        let at = start..reader.end_of_read();
        edits.tell(&Change::Collation {
            written: last_word(edits.slice(at.clone())),
        });
        edits.remove(at);
    }
    if !reader.is_any(&["ASC", "DESC", "NULLS"]) && !reader.at_end() {
        let start = reader.position();
        is_own_class(&reader.qualified()).then_some(())?;
        let at = start..reader.end_of_read();
        let written = edits.slice(at.clone());
        edits.remove(at);
        edits.tell(&Change::OperatorClass { written });
    }
    if let Some(at) = clause::words(reader, "ASC") {
        edits.remove(at);
        edits.tell(&Change::Ascending);
    }
    if reader.take("NULLS") && !reader.take("FIRST") {
        reader.take("LAST").then_some(())?;
    }
    reader.at_end().then_some(())
}

/// Whether an operator class orders and compares like DSQL's only index on the type does. That is
/// each type's own class, which PostgreSQL would take, too, and `text_pattern_ops`, which compares
/// bytes as the collation C does (manual §11.10). Those for `bpchar` are not here, because text may
/// be indexed by them, which then ignores trailing blanks.
fn is_own_class(names: &[Name]) -> bool {
    let name = match names {
        [name] => name,
        [schema, name] if schema.text == "pg_catalog" => name,
        _ => return false,
    };
    OWN_CLASSES.contains(&name.text.as_str())
}

const OWN_CLASSES: &[&str] = &[
    "text_pattern_ops",
    "varchar_pattern_ops",
    "text_ops",
    "varchar_ops",
    "int2_ops",
    "int4_ops",
    "int8_ops",
    "float4_ops",
    "float8_ops",
    "numeric_ops",
    "bool_ops",
    "uuid_ops",
    "date_ops",
    "time_ops",
    "timetz_ops",
    "timestamp_ops",
    "timestamptz_ops",
    "interval_ops",
];

/// INCLUDE, NULLS NOT DISTINCT and WHERE, which DSQL has.
fn options(reader: &mut Reader<'_>) -> Option<()> {
    if reader.take("INCLUDE") {
        clause::columns(reader)?;
    }
    clause::nulls(reader);
    if reader.take("WHERE") {
        reader.skip()?;
        while reader.skip().is_some() {}
    }
    reader.at_end().then_some(())
}

/// What follows `DROP INDEX`.
pub(super) fn drop(reader: &mut Reader<'_>, edits: &mut Edits<'_>) {
    if let Some(at) = clause::words(reader, "CONCURRENTLY")
        && !reader.at_end()
    {
        edits.remove(at);
        edits.tell(&Change::Concurrently);
    }
}
