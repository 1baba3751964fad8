//! Names and values of parameters as SQL.

use bytes::{BufMut, BytesMut};

/// Parameters whose value is a list of identifiers that PostgreSQL keeps quoted
/// (`GUC_LIST_QUOTE`; the same list is in `variable_is_guc_list_quote` of pg_dump's
/// `dumputils.c`, PostgreSQL 18), as far as a session can set them. SET takes their elements one
/// by one.
const LISTS: &[&str] = &[
    "local_preload_libraries",
    "search_path",
    "session_preload_libraries",
    "temp_tablespaces",
];

/// What the names of the schemas of temporary objects begin with.
const TEMPORARY_SCHEMA: &[u8] = b"pg_temp";

/// Whether the parameter with this name, in lower case, is such a list.
pub(super) fn is_list(name: &[u8]) -> bool {
    LISTS.iter().any(|list| list.as_bytes() == name)
}

/// Whether a search path may name the schema of temporary objects.
pub(super) fn mentions_temporary_schema(path: &[u8]) -> bool {
    path.windows(TEMPORARY_SCHEMA.len())
        .any(|window| window.eq_ignore_ascii_case(TEMPORARY_SCHEMA))
}

/// Appends a parameter's name: its parts between dots as identifiers.
pub(super) fn put_name(name: &[u8], sql: &mut BytesMut) {
    for (at, part) in name.split(|&b| b == b'.').enumerate() {
        if at > 0 {
            sql.put_u8(b'.');
        }
        if is_plain(part) {
            sql.put_slice(part);
        } else {
            put_quoted(part, b'"', sql);
        }
    }
}

/// Whether an identifier means the same without quotes. The names of parameters are no reserved
/// words.
fn is_plain(identifier: &[u8]) -> bool {
    let letter = |b: u8| b.is_ascii_lowercase() || b == b'_';
    identifier.first().is_some_and(|&b| letter(b))
        && identifier.iter().all(|&b| letter(b) || b.is_ascii_digit())
}

/// Appends a string constant. One with a backslash is an `E'…'`, which reads it the same way under
/// every `standard_conforming_strings` (manual §4.1.2.2).
pub(super) fn put_literal(value: &[u8], sql: &mut BytesMut) {
    if !value.contains(&b'\\') {
        put_quoted(value, b'\'', sql);
        return;
    }
    sql.put_u8(b'E');
    let mut doubled = Vec::with_capacity(value.len() + 8);
    for &b in value {
        doubled.push(b);
        if b == b'\\' {
            doubled.push(b);
        }
    }
    put_quoted(&doubled, b'\'', sql);
}

fn put_quoted(value: &[u8], quote: u8, sql: &mut BytesMut) {
    sql.put_u8(quote);
    for &b in value {
        sql.put_u8(b);
        if b == quote {
            sql.put_u8(b);
        }
    }
    sql.put_u8(quote);
}

/// Whitespace as PostgreSQL 16's `scanner_isspace` has it.
fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

/// The elements of a list of identifiers between commas, as `SplitIdentifierString` of
/// PostgreSQL's `varlena.c` reads it: without their quotes, and in lower case where they had none.
/// `None` where it refuses the list.
pub(super) fn split(list: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut rest = behind_space(list);
    let mut elements = Vec::new();
    if rest.is_empty() {
        return Some(elements);
    }
    loop {
        let (element, behind) = match rest.strip_prefix(b"\"") {
            Some(inner) => quoted(inner)?,
            None => unquoted(rest)?,
        };
        elements.push(element);
        rest = behind_space(behind);
        match rest.split_first() {
            None => return Some(elements),
            Some((b',', behind)) => rest = behind_space(behind),
            Some(_) => return None,
        }
    }
}

/// What stands up to the closing quote, and what stands behind it.
fn quoted(mut inner: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut element = Vec::new();
    loop {
        let closing = memchr::memchr(b'"', inner)?;
        let (part, behind) = inner.split_at_checked(closing)?;
        element.extend_from_slice(part);
        let behind = behind.get(1..)?;
        match behind.strip_prefix(b"\"") {
            Some(again) => {
                element.push(b'"');
                inner = again;
            }
            None => return Some((element, behind)),
        }
    }
}

fn unquoted(rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let end = rest.iter().position(|&b| b == b',' || is_space(b));
    let (element, behind) = rest.split_at(end.unwrap_or(rest.len()));
    (!element.is_empty()).then(|| (element.to_ascii_lowercase(), behind))
}

/// Whether a SET can have made this list, so that another SET makes it again, byte for byte
/// (`flatten_set_variable_args` of `guc_funcs.c`): elements are quoted or need no quotes, with `, `
/// between them. `set_config()` keeps what it is given: an empty list, `a,b`, `A`.
pub(super) fn is_made_by_set(list: &[u8]) -> bool {
    let mut rest = list;
    loop {
        let behind = match rest.strip_prefix(b"\"") {
            Some(inner) => quoted(inner).map(|(_, behind)| behind),
            None => unquoted(rest)
                .filter(|(element, _)| rest.starts_with(element) && is_plain(element))
                .map(|(_, behind)| behind),
        };
        match behind {
            None => return false,
            Some(b"") => return true,
            Some(behind) => match behind.strip_prefix(b", ") {
                Some(behind) => rest = behind,
                None => return false,
            },
        }
    }
}

fn behind_space(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|&b| !is_space(b));
    text.get(start.unwrap_or(text.len())..).unwrap_or_default()
}
