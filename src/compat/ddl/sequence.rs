//! Sequences and identity columns: both need a CACHE, and are bigint.

use super::change::Change;
use super::column::TypeName;
use super::edits::Edits;
use crate::dsql::sequences;
use crate::sql::Reader;

/// What follows `CREATE SEQUENCE`.
pub(super) fn create(reader: &mut Reader<'_>, edits: &mut Edits<'_>) -> Option<()> {
    reader.takes("IF NOT EXISTS");
    if reader.qualified().is_empty() {
        return None;
    }
    if !options(reader, edits) {
        edits.insert(reader.end_of_read(), " CACHE 1");
        edits.tell(&Change::Cache);
    }
    Some(())
}

/// What follows `ALTER SEQUENCE`: without CACHE, it stays.
pub(super) fn alter(reader: &mut Reader<'_>, edits: &mut Edits<'_>) -> Option<()> {
    reader.takes("IF EXISTS");
    if reader.qualified().is_empty() {
        return None;
    }
    if !reader.is_any(&["RENAME", "OWNER"]) && !reader.sees("SET SCHEMA") {
        options(reader, edits);
    }
    Some(())
}

/// An identity column: what is in its parentheses, and where the word IDENTITY ends.
pub(super) fn identity(inside: Option<Reader<'_>>, end: usize, edits: &mut Edits<'_>) {
    match inside {
        None => edits.insert(end, " (CACHE 1)"),
        Some(mut inside) => {
            if options(&mut inside, edits) {
                return;
            }
            edits.insert(inside.end_of_read(), " CACHE 1");
        }
    }
    edits.tell(&Change::Cache);
}

/// Goes over the options to the end; true if there is a CACHE.
pub(super) fn options(reader: &mut Reader<'_>, edits: &mut Edits<'_>) -> bool {
    let mut cached = false;
    while !reader.at_end() {
        if reader.takes("SEQUENCE NAME") || reader.takes("OWNED BY") {
            reader.qualified();
        } else if reader.take("AS") {
            let Some(of) = TypeName::read(reader) else {
                continue;
            };
            if of.is_small_integer() {
                let written = edits.slice(of.at.clone());
                edits.replace(of.at, "bigint");
                edits.tell(&Change::SequenceType { written });
            }
        } else if reader.take("CACHE") {
            cached = true;
            cache(reader, edits);
        } else {
            reader.skip();
        }
    }
    cached
}

fn cache(reader: &mut Reader<'_>, edits: &mut Edits<'_>) {
    let start = reader.position();
    let Some(size) = reader.integer() else { return };
    // PostgreSQL refuses less than 1.
    if size < 1 || sequences::is_allowed(size) {
        return;
    }
    let at = start..reader.end_of_read();
    let written = edits.slice(at.clone());
    edits.replace(at, "1");
    edits.tell(&Change::OtherCache { written });
}
