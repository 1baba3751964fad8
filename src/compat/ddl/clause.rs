//! Clauses that columns, constraints and indexes share.

use std::ops::Range;

use crate::sql::reader::{Name, Reader};

/// Goes behind words and says where they stood.
pub(super) fn words(reader: &mut Reader<'_>, words: &str) -> Option<Range<usize>> {
    let start = reader.position();
    reader.takes(words).then(|| start..reader.end_of_read())
}

/// A name with where it stands.
pub(super) fn name(reader: &mut Reader<'_>) -> Option<(Name, Range<usize>)> {
    let start = reader.position();
    let name = reader.name()?;
    Some((name, start..reader.end_of_read()))
}

/// Goes behind a group in parentheses and says where it stood, with them.
pub(super) fn group(reader: &mut Reader<'_>) -> Option<Range<usize>> {
    if !reader.is_punctuation(b'(') {
        return None;
    }
    let start = reader.position();
    reader.skip();
    Some(start..reader.end_of_read())
}

/// `("a", "b")`: the names, and where it stood. `None` for anything else in it.
pub(super) fn columns(reader: &mut Reader<'_>) -> Option<(Vec<String>, Range<usize>)> {
    let start = reader.position();
    let mut names = Vec::new();
    for mut element in reader.group()? {
        names.push(element.name()?.text);
        if !element.at_end() {
            return None;
        }
    }
    (!names.is_empty()).then(|| (names, start..reader.end_of_read()))
}

/// What may stand behind a constraint (`ConstraintAttributeSpec`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attributes {
    pub(super) not_valid: bool,
    pub(super) at: Range<usize>,
}

pub(super) fn attributes(reader: &mut Reader<'_>) -> Attributes {
    let start = reader.end_of_read();
    let mut not_valid = false;
    loop {
        if reader.takes("NOT VALID") {
            not_valid = true;
        } else if !ATTRIBUTES.iter().any(|words| reader.takes(words)) {
            let at = start..reader.end_of_read();
            return Attributes { not_valid, at };
        }
    }
}

const ATTRIBUTES: &[&str] = &[
    "DEFERRABLE",
    "NOT DEFERRABLE",
    "INITIALLY DEFERRED",
    "INITIALLY IMMEDIATE",
    "NO INHERIT",
    "ENFORCED",
    "NOT ENFORCED",
];

/// `REFERENCES t [(…)] [MATCH …] [ON DELETE …] [ON UPDATE …]` and the attributes.
pub(super) fn references(reader: &mut Reader<'_>) -> Option<Attributes> {
    if !reader.take("REFERENCES") || reader.qualified().is_empty() {
        return None;
    }
    group(reader);
    if reader.take("MATCH") {
        reader.name()?;
    }
    while reader.takes("ON DELETE") || reader.takes("ON UPDATE") {
        let action = ACTIONS.iter().find(|words| reader.takes(words))?;
        if action.starts_with("SET") {
            group(reader);
        }
    }
    Some(attributes(reader))
}

const ACTIONS: &[&str] = &[
    "NO ACTION",
    "RESTRICT",
    "CASCADE",
    "SET NULL",
    "SET DEFAULT",
];

/// `[NULLS [NOT] DISTINCT]`: where it stood; only NOT says anything.
pub(super) fn nulls(reader: &mut Reader<'_>) -> Option<Range<usize>> {
    words(reader, "NULLS NOT DISTINCT").or_else(|| {
        words(reader, "NULLS DISTINCT");
        None
    })
}

/// Goes behind an expression that a clause of a column may follow (`b_expr`), or that ends the
/// text: up to a key word that such a clause begins with.
pub(super) fn expression(reader: &mut Reader<'_>) -> Option<Range<usize>> {
    let start = reader.position();
    let mut cases = 0_usize;
    // Whether an operand has to follow, so that a key word is one.
    let mut open = true;
    while !reader.at_end() && !reader.is_punctuation(b',') {
        if reader.is("CASE") {
            cases += 1;
        } else if reader.is("END") {
            cases = cases.saturating_sub(1);
        } else if cases == 0 && !open && reader.is_any(CLAUSES) {
            break;
        }
        // IS NOT DISTINCT FROM
        open = reader.is("IS")
            || reader.peek().is_some_and(|token| {
                token.kind == crate::sql::TokenKind::Operator
                    || token.kind == crate::sql::TokenKind::Punctuation(b'.')
            });
        reader.skip();
    }
    let end = reader.end_of_read();
    (end > start && !open && cases == 0).then_some(start..end)
}

/// What a clause of a column begins with. All but GENERATED are reserved.
const CLAUSES: &[&str] = &[
    "CHECK",
    "COLLATE",
    "CONSTRAINT",
    "DEFAULT",
    "DEFERRABLE",
    "GENERATED",
    "INITIALLY",
    "NOT",
    "NULL",
    "PRIMARY",
    "REFERENCES",
    "UNIQUE",
];

/// Whether a collation is the one that DSQL has: C, by its other names too. `ucs_basic` is C for
/// UTF-8, and `default` is the database's (manual §24.2.2).
pub(super) fn is_own_collation(names: &[Name]) -> bool {
    let (schema, name) = match names {
        [name] => (None, name),
        [schema, name] => (Some(schema), name),
        _ => return false,
    };
    schema.is_none_or(|schema| schema.text == "pg_catalog")
        && ["C", "POSIX", "ucs_basic", "default"].contains(&name.text.as_str())
}
