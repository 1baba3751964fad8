//! The value of a SET, read.

use super::constant::string_constant;
use super::cursor::Cursor;
use super::lexer::TokenKind;

/// The arguments behind `SET name TO`, as texts: what `var_list` of PostgreSQL's grammar takes
/// (`gram.y` of PostgreSQL 18, with what `flatten_set_variable_args` of `guc_funcs.c` makes of
/// each). `None` for a syntax error, and for what only the server can read.
pub fn set_values(value: &[u8]) -> Option<Vec<String>> {
    let mut cursor = Cursor::new(value);
    let mut values = Vec::new();
    loop {
        values.push(argument(&mut cursor)?);
        if cursor.at_end() {
            return Some(values);
        }
        cursor.take_punctuation(b',')?;
    }
}

fn argument(cursor: &mut Cursor<'_>) -> Option<String> {
    let token = cursor.next()?;
    let written = cursor.bytes(token);
    match token.kind {
        TokenKind::Word => {
            let word = std::str::from_utf8(written).ok()?.to_ascii_lowercase();
            (!RESERVED.contains(&word.as_str())).then_some(word)
        }
        TokenKind::QuotedIdentifier => {
            let text = std::str::from_utf8(written).ok()?;
            let inner = text.strip_prefix('"')?.strip_suffix('"')?;
            Some(inner.replace("\"\"", "\""))
        }
        TokenKind::String(form) => string_constant(written, form),
        TokenKind::Number => number(written, ""),
        TokenKind::Operator if written == b"-" || written == b"+" => {
            let number_token = cursor.next()?;
            if number_token.kind != TokenKind::Number {
                return None;
            }
            number(
                cursor.bytes(number_token),
                if written == b"-" { "-" } else { "" },
            )
        }
        _ => None,
    }
}

/// An integer constant is printed again; every other number stays as it was written.
fn number(written: &[u8], sign: &str) -> Option<String> {
    let written = std::str::from_utf8(written).ok()?;
    match written.parse::<i32>() {
        // PostgreSQL prints -0 as 0.
        Ok(0) => Some("0".to_owned()),
        Ok(integer) => Some(format!("{sign}{integer}")),
        Err(_)
            if written
                .bytes()
                .all(|b| b.is_ascii_digit() || b".eE+-".contains(&b)) =>
        {
            Some(format!("{sign}{written}"))
        }
        // Hexadecimal constants and underscores, which not every version knows.
        Err(_) => None,
    }
}

/// The reserved words of PostgreSQL 18 (manual, appendix C) except TRUE, FALSE and ON, which may
/// be values.
const RESERVED: &[&str] = &[
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "both",
    "case",
    "cast",
    "check",
    "collate",
    "column",
    "constraint",
    "create",
    "current_catalog",
    "current_date",
    "current_role",
    "current_time",
    "current_timestamp",
    "current_user",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "fetch",
    "for",
    "foreign",
    "from",
    "grant",
    "group",
    "having",
    "in",
    "initially",
    "intersect",
    "into",
    "lateral",
    "leading",
    "limit",
    "localtime",
    "localtimestamp",
    "not",
    "null",
    "offset",
    "only",
    "or",
    "order",
    "placing",
    "primary",
    "references",
    "returning",
    "select",
    "session_user",
    "some",
    "symmetric",
    "system_user",
    "table",
    "then",
    "to",
    "trailing",
    "union",
    "unique",
    "user",
    "using",
    "variadic",
    "when",
    "where",
    "window",
    "with",
];

#[cfg(test)]
mod tests;
