//! CREATE INDEX.

use std::ops::Range;

use super::reader::Reader;
use super::table::check_keys;
use super::{Refusal, Verdict, literal};
use crate::dsql::{indexes, statements, tables};

/// Judges `CREATE [UNIQUE] INDEX …`; the reader stands behind CREATE.
///
/// DSQL's grammar comes first, then what it refuses of a form, and last the mode, which it cannot
/// decide without a look at the table.
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
    reader.qualified();
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
    let Some(asynchronous) = asynchronous else {
        return Err(Refusal::from(&indexes::NOT_ASYNC));
    };
    Ok(rewritten(text, unique, asynchronous))
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

/// The call that builds it: the statement without UNIQUE and ASYNC, and whether it had UNIQUE.
fn rewritten(text: &[u8], unique: Option<Range<usize>>, asynchronous: Range<usize>) -> Verdict {
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
