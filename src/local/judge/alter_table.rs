//! ALTER TABLE.

use super::column::Column;
use super::reader::Reader;
use super::{Edits, Refusal, Verdict, literal, sequence};
use crate::dsql::{alter_table, tables};

/// What ENABLE and DISABLE TRIGGER ALL and USER become. DSQL does nothing; PostgreSQL would want a
/// superuser for ALL, and USER would reach the triggers that stand behind the local cluster. This
/// has the same command tag, asks for the same privilege, and sets what is set.
const NOTHING: &[u8] = b"REPLICA IDENTITY DEFAULT";

/// Judges what follows `ALTER TABLE`.
pub(super) fn judge(text: &[u8], reader: &mut Reader<'_>) -> Result<Verdict, Refusal> {
    if let Some(verdict) = validate_async(text, reader) {
        return Ok(verdict);
    }
    reader.takes("IF EXISTS");
    reader.take("ONLY");
    reader.qualified();
    // `t*`
    if reader
        .peek()
        .is_some_and(|token| reader.bytes(token) == b"*")
    {
        reader.advance();
    }
    let mut edits = Edits::default();
    while let Some(mut element) = reader.element() {
        action(&mut element, &mut edits)?;
        reader.take_punctuation(b',');
    }
    Ok(edits.verdict(text))
}

/// `ASYNC [IF EXISTS] [ONLY] t VALIDATE CONSTRAINT c`. ASYNC is a table's name if VALIDATE follows
/// it at once.
fn validate_async(text: &[u8], reader: &Reader<'_>) -> Option<Verdict> {
    let mut ahead = reader.clone();
    if !ahead.take("ASYNC") || ahead.sees("VALIDATE CONSTRAINT") {
        return None;
    }
    ahead.takes("IF EXISTS");
    ahead.take("ONLY");
    let start = ahead.position();
    ahead.qualified();
    let table = text.get(start..ahead.end_of_read()).unwrap_or_default();
    if table.is_empty() || !ahead.takes("VALIDATE CONSTRAINT") {
        return None;
    }
    let constraint = ahead.name()?;
    if !ahead.at_end() {
        return None;
    }
    let mut sql = b"SELECT pg_catalog.dsql_local_validate_constraint(".to_vec();
    sql.extend_from_slice(&literal(table));
    sql.extend_from_slice(b", ");
    sql.extend_from_slice(&literal(constraint.text.as_bytes()));
    sql.extend_from_slice(b") AS job_id");
    Some(Verdict::Rewrite {
        sql,
        tag: Some("ALTER TABLE"),
    })
}

fn action(reader: &mut Reader<'_>, edits: &mut Edits) -> Result<(), Refusal> {
    let start = reader.position();
    if reader.take("ADD") {
        return add(reader, edits);
    }
    if reader.is("ALTER") && !reader.sees("ALTER CONSTRAINT") {
        reader.advance();
        reader.take("COLUMN");
        reader.name();
        return column(reader);
    }
    for verb in ["ENABLE TRIGGER", "DISABLE TRIGGER"] {
        let mut ahead = reader.clone();
        if ahead.takes(verb) && (ahead.take("ALL") || ahead.take("USER")) && ahead.at_end() {
            edits.replace(start..ahead.end_of_read(), NOTHING);
            return Ok(());
        }
    }
    if let Some(refused) = alter_table::TABLE.iter().find(|a| reader.sees(a.words)) {
        return Err(Refusal::from(&refused.answer));
    }
    if reader.take("SET") && reader.is_punctuation(b'(') {
        return Err(Refusal::from(&alter_table::SET_OPTIONS));
    }
    if reader.take("RESET") && reader.is_punctuation(b'(') {
        return Err(Refusal::from(&alter_table::RESET_OPTIONS));
    }
    Ok(())
}

/// What follows `ALTER [COLUMN] name`.
fn column(reader: &mut Reader<'_>) -> Result<(), Refusal> {
    if let Some(refused) = alter_table::COLUMN.iter().find(|a| reader.sees(a.words)) {
        return Err(Refusal::from(&refused.answer));
    }
    if reader.take("ADD") {
        // The column's type is the catalog's to know.
        sequence::identity(reader, None)?;
        return Ok(());
    }
    if reader.take("RESET") && reader.is_punctuation(b'(') {
        return Err(Refusal::from(&alter_table::COLUMN_RESET_OPTIONS));
    }
    if reader.take("SET") && reader.is_punctuation(b'(') {
        return Err(Refusal::from(&alter_table::COLUMN_SET_OPTIONS));
    }
    if reader.is_any(&["DEFAULT", "STORAGE"]) {
        return Ok(());
    }
    // SET CACHE, of an identity column. Without CACHE, it stays.
    sequence::options(reader, None)
}

/// What follows ADD.
fn add(reader: &mut Reader<'_>, edits: &mut Edits) -> Result<(), Refusal> {
    if reader.is_any(&["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"])
        || reader.sees("EXCLUDE USING")
    {
        return constraint(reader);
    }
    reader.take("COLUMN");
    reader.takes("IF NOT EXISTS");
    let Some(mut column) = Column::read(reader) else {
        return Ok(());
    };
    if column.constrained {
        return Err(Refusal::from(&alter_table::ADD_COLUMN));
    }
    column.check(reader)?;
    edits.remove(column.storage);
    Ok(())
}

/// Only CHECK and FOREIGN KEY with NOT VALID, and UNIQUE with an index that is there.
fn constraint(reader: &mut Reader<'_>) -> Result<(), Refusal> {
    if reader.take("CONSTRAINT") {
        reader.name();
    }
    if reader.is("EXCLUDE") {
        return Err(Refusal::from(&tables::EXCLUDE));
    }
    let allowed = if reader.is("UNIQUE") {
        reader.sees("UNIQUE USING INDEX")
    } else if reader.is("CHECK") || reader.sees("FOREIGN KEY") {
        not_valid(reader)
    } else {
        false
    };
    if allowed {
        Ok(())
    } else {
        Err(Refusal::from(&alter_table::ADD_CONSTRAINT))
    }
}

fn not_valid(reader: &mut Reader<'_>) -> bool {
    while reader.skip_to("NOT") {
        if reader.sees("NOT VALID") {
            return true;
        }
        reader.advance();
    }
    false
}

/// Judges what follows `ALTER INDEX`: it may be renamed.
pub(super) fn judge_index(reader: &mut Reader<'_>) -> Result<(), Refusal> {
    reader.takes("IF EXISTS");
    reader.qualified();
    let Some(token) = reader.peek() else {
        return Ok(());
    };
    if reader.is("RENAME") {
        return Ok(());
    }
    let verb = String::from_utf8_lossy(reader.bytes(token)).to_ascii_uppercase();
    let known = ["SET", "RESET", "ATTACH", "ALTER", "DEPENDS", "NO", "OWNER"];
    if known.contains(&verb.as_str()) {
        return Err(Refusal::about(&alter_table::ALTER_INDEX, &verb));
    }
    Ok(())
}
