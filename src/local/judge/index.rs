//! CREATE INDEX.

use std::ops::Range;

use super::reader::Reader;
use super::table::check_keys;
use super::{Refusal, Verdict, literal};
use crate::dsql::{indexes, statements, tables};

/// Judges `CREATE [UNIQUE] INDEX …`; the reader stands behind CREATE.
///
/// DSQL's grammar comes first, then what it refuses of a form, and last the mode, which needs a
/// look at the session and the table, and so is left to `bootstrap/sync_index.sql`.
pub(super) fn create(text: &[u8], reader: &mut Reader<'_>) -> Result<Verdict, Refusal> {
    let unique = word(reader, "UNIQUE");
    reader.take("INDEX");
    let concurrently_first = reader.take("CONCURRENTLY");
    // ASYNC is not reserved in PostgreSQL, so that it could be the index's name, but DSQL's own
    // key word wins: it stands where a name without IF NOT EXISTS would.
    let asynchronous = word(reader, "ASYNC");
    let concurrently = reader.take("CONCURRENTLY") || concurrently_first;
    reader.takes("IF NOT EXISTS");
    if !reader.is("ON") {
        reader.name();
        if reader.is_punctuation(b'.') {
            return Err(Refusal::about(&statements::SYNTAX_ERROR, ".").at(super::Stage::Analysis));
        }
    }
    if !reader.take("ON") {
        // A syntax error, which PostgreSQL words.
        return Ok(Verdict::Allow);
    }
    if concurrently {
        return Err(Refusal::from(&indexes::CONCURRENTLY));
    }
    reader.take("ONLY");
    let table = reader.position();
    reader.qualified();
    let table = text.get(table..reader.end_of_read()).unwrap_or_default();
    if reader.is("USING") {
        return Err(Refusal::from(&indexes::USING));
    }
    let Some(keys) = reader.group() else {
        return Ok(Verdict::Allow);
    };
    check_keys(keys.len())?;
    for mut element in keys {
        key(&mut element)?;
    }
    options(reader)?;
    Ok(match asynchronous {
        Some(asynchronous) => in_background(text, unique, asynchronous),
        None => at_once(text, table),
    })
}

/// Goes behind a key word and says where it stood.
fn word(reader: &mut Reader<'_>, word: &str) -> Option<Range<usize>> {
    let start = reader.position();
    reader.take(word).then(|| start..reader.end_of_read())
}

/// A key: a column, a function call or an expression in parentheses, and what follows it.
fn key(reader: &mut Reader<'_>) -> Result<(), Refusal> {
    if reader.is_punctuation(b'(') {
        reader.skip();
    } else {
        reader.qualified();
        if reader.is_punctuation(b'(') {
            reader.skip();
        }
    }
    if reader.is("COLLATE") {
        return Err(Refusal::from(&tables::COLLATE));
    }
    if !reader.is_any(&["ASC", "DESC", "NULLS"]) && !reader.qualified().is_empty() {
        return Err(Refusal::from(&indexes::OPCLASS));
    }
    if reader.is_any(&["ASC", "DESC"]) {
        return Err(Refusal::from(&indexes::SORT_ORDER));
    }
    Ok(())
}

fn options(reader: &mut Reader<'_>) -> Result<(), Refusal> {
    while !reader.at_end() && !reader.is("WHERE") {
        if reader.is("WITH") {
            return Err(Refusal::from(&indexes::WITH));
        }
        if reader.is("TABLESPACE") {
            return Err(Refusal::from(&indexes::TABLESPACE));
        }
        reader.skip();
    }
    Ok(())
}

/// The call that builds it if the session may and the table is empty, or raises DSQL's error.
fn at_once(text: &[u8], table: &[u8]) -> Verdict {
    let mut sql = b"CALL pg_catalog.dsql_local_create_index_sync(".to_vec();
    sql.extend_from_slice(&literal(text));
    sql.extend_from_slice(b", ");
    sql.extend_from_slice(&literal(table));
    sql.push(b')');
    Verdict::Rewrite {
        sql,
        tag: Some("CREATE INDEX"),
    }
}

/// The call that makes a job of it: the statement without UNIQUE and ASYNC, and whether it had
/// UNIQUE.
fn in_background(text: &[u8], unique: Option<Range<usize>>, asynchronous: Range<usize>) -> Verdict {
    let mut plain = Vec::with_capacity(text.len());
    let mut copied = 0;
    let is_unique = unique.is_some();
    for removed in unique.into_iter().chain([asynchronous]) {
        plain.extend_from_slice(text.get(copied..removed.start).unwrap_or_default());
        copied = removed.end;
        // The space before the word is enough for both sides of it.
        while text.get(copied) == Some(&b' ') && plain.last() == Some(&b' ') {
            copied += 1;
        }
    }
    plain.extend_from_slice(text.get(copied..).unwrap_or_default());
    let mut sql = b"SELECT pg_catalog.dsql_local_create_index(".to_vec();
    sql.extend_from_slice(&literal(&plain));
    sql.extend_from_slice(if is_unique { b", true" } else { b", false" });
    sql.extend_from_slice(b") AS job_id");
    Verdict::Rewrite {
        sql,
        tag: Some("CREATE INDEX"),
    }
}
