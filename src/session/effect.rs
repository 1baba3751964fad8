//! Whether DDL that met a conflict has taken effect all the same.
//!
//! DSQL may report OC001 for a change of the catalog that it has made (seen 2026-09 by others, who
//! take "already exists" for success then). Run again, such a statement fails. What it was to make
//! is then made once more under another name, compared and rolled back: only if there is no
//! difference was the statement a success.

use crate::sql::{self, Lexer, Token, TokenKind};
use crate::wire::SqlState;

/// The name for what is made to be compared, and never stays.
const PROBE: &str = "dsql_proxy_probe";

/// The source of a column as text: its default is that of `attrelid` and `attnum`.
const COLUMN: &str = "pg_catalog.format('%s %s %s %s %s %s', pg_catalog.format_type(atttypid, \
    atttypmod), attnotnull, attidentity, attgenerated, attcollation, (SELECT \
    pg_catalog.pg_get_expr(adbin, adrelid) FROM pg_catalog.pg_attrdef WHERE adrelid = attrelid AND \
    adnum = attnum))";

/// How it is found out whether the effect is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Effect {
    /// The tag of the statement's CommandComplete.
    pub(super) tag: String,
    pub(super) look: Look,
}

/// What has to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Look {
    /// Nothing: the error says it.
    Seen,
    /// The query, whose one value is `t` if the effect is there; in a block that is rolled back,
    /// behind the statement if there is one.
    Ask {
        make: Option<Vec<u8>>,
        compare: String,
    },
}

/// How to find out whether this DDL has had its effect before, now that it fails with this error.
/// `None` if the error says something else, or it cannot be found out.
pub(super) fn effect(sql: &[u8], sqlstate: SqlState) -> Option<Effect> {
    let mut words = Words::new(sql)?;
    if words.takes("drop") {
        return dropped(&mut words, sqlstate);
    }
    if words.takes("alter") {
        return column_added(&mut words, sqlstate);
    }
    if !words.takes("create") {
        return None;
    }
    if words.takes("schema") {
        return schema_made(&mut words, sqlstate);
    }
    words.takes("table").then_some(())?;
    table_made(&mut words, sqlstate)
}

fn dropped(words: &mut Words<'_>, sqlstate: SqlState) -> Option<Effect> {
    const GONE: [(&str, &str); 7] = [
        ("table", "42P01"),
        ("view", "42P01"),
        ("sequence", "42P01"),
        ("index", "42704"),
        ("domain", "42704"),
        ("role", "42704"),
        ("schema", "3F000"),
    ];
    let (kind, _) = GONE
        .into_iter()
        .find(|(kind, code)| *code == sqlstate.as_str() && words.takes(kind))?;
    Some(Effect {
        tag: format!("DROP {}", kind.to_ascii_uppercase()),
        look: Look::Seen,
    })
}

fn schema_made(words: &mut Words<'_>, sqlstate: SqlState) -> Option<Effect> {
    words.takes_all(&["if", "not", "exists"]);
    let name = words.name()?.text;
    let alone = sqlstate.as_str() == "42P06" && words.is_at_end();
    alone.then(|| Effect {
        tag: "CREATE SCHEMA".into(),
        look: Look::Ask {
            make: None,
            compare: format!(
                "SELECT nspowner = current_user::pg_catalog.regrole FROM pg_catalog.pg_namespace \
                 WHERE oid = {}::pg_catalog.regnamespace",
                literal(name)
            ),
        },
    })
}

fn table_made(words: &mut Words<'_>, sqlstate: SqlState) -> Option<Effect> {
    words.takes_all(&["if", "not", "exists"]);
    let name = words.name()?;
    if sqlstate.as_str() != "42P07" {
        return None;
    }
    let probe = [name.qualifier, PROBE].concat();
    let [made, probed] = [name.text, &probe].map(literal);
    Some(Effect {
        tag: "CREATE TABLE".into(),
        look: Look::Ask {
            make: Some(words.with(&name, PROBE)),
            compare: format!(
                "SELECT pg_catalog.count(DISTINCT d) = 1 FROM (SELECT \
                 pg_catalog.concat((SELECT pg_catalog.string_agg(attname || ' ' || {COLUMN}, ',' \
                 ORDER BY attnum) FROM pg_catalog.pg_attribute WHERE attrelid = r AND attnum > 0), \
                 (SELECT pg_catalog.string_agg(pg_catalog.pg_get_constraintdef(oid), ',' ORDER BY \
                 pg_catalog.pg_get_constraintdef(oid)) FROM pg_catalog.pg_constraint WHERE \
                 conrelid = r), (SELECT pg_catalog.count(*) FROM pg_catalog.pg_index WHERE \
                 indrelid = r), (SELECT pg_catalog.concat(relowner, relkind) FROM \
                 pg_catalog.pg_class WHERE oid = r)) d FROM (VALUES \
                 ({made}::pg_catalog.regclass), ({probed}::pg_catalog.regclass)) t (r)) u"
            ),
        },
    })
}

fn column_added(words: &mut Words<'_>, sqlstate: SqlState) -> Option<Effect> {
    if !words.takes("table") || sqlstate.as_str() != "42701" {
        return None;
    }
    words.takes_all(&["if", "exists"]);
    words.takes("only");
    let table = words.name()?;
    if !words.takes_all(&["add", "column"]) {
        return None;
    }
    words.takes_all(&["if", "not", "exists"]);
    let column = words.name().filter(|name| name.qualifier.is_empty())?;
    // A constraint is more than the column, and so is another action.
    if words.has_any(&["check", "references", "unique", "primary", "constraint"])
        || words.has_comma()
    {
        return None;
    }
    let plain = literal(&String::from_utf8(column.plain()?).ok()?);
    Some(Effect {
        tag: "ALTER TABLE".into(),
        look: Look::Ask {
            make: Some(words.with(&column, PROBE)),
            compare: format!(
                "SELECT pg_catalog.count(*) = 2 AND pg_catalog.count(DISTINCT {COLUMN}) = 1 FROM \
                 pg_catalog.pg_attribute WHERE attrelid = {}::pg_catalog.regclass AND attname IN \
                 ({plain}, '{PROBE}')",
                literal(table.text)
            ),
        },
    })
}

fn literal(text: &str) -> String {
    let escapes = if text.contains('\\') { "E" } else { "" };
    format!(
        "{escapes}'{}'",
        text.replace('\\', "\\\\").replace('\'', "''")
    )
}

/// The tokens of a statement that mean something, one after the other.
struct Words<'a> {
    sql: &'a str,
    tokens: Vec<Token>,
    at: usize,
}

/// A name as it is written, perhaps with that of a schema in front.
struct Name<'a> {
    text: &'a str,
    /// What is in front of the last part.
    qualifier: &'a str,
    last: Token,
    sql: &'a str,
}

impl Name<'_> {
    /// Its last part as PostgreSQL compares names.
    fn plain(&self) -> Option<Vec<u8>> {
        sql::plain_name(self.last, self.sql.as_bytes())
    }
}

impl<'a> Words<'a> {
    fn new(sql: &'a [u8]) -> Option<Self> {
        let sql = std::str::from_utf8(sql::single_statement(sql)?).ok()?;
        let tokens = Lexer::new(sql.as_bytes())
            .filter(|token| !token.kind.is_trivia())
            .collect();
        Some(Self { sql, tokens, at: 0 })
    }

    fn text(&self, token: &Token) -> &'a str {
        self.sql.get(token.start..token.end).unwrap_or_default()
    }

    fn takes(&mut self, word: &str) -> bool {
        let found = self.tokens.get(self.at).is_some_and(|token| {
            token.kind == TokenKind::Word && self.text(token).eq_ignore_ascii_case(word)
        });
        self.at += usize::from(found);
        found
    }

    /// Takes these words if all of them come.
    fn takes_all(&mut self, words: &[&str]) -> bool {
        let before = self.at;
        let all = words.iter().all(|word| self.takes(word));
        if !all {
            self.at = before;
        }
        all
    }

    fn name(&mut self) -> Option<Name<'a>> {
        let first = *self.tokens.get(self.at)?;
        let mut last = first;
        loop {
            if !matches!(last.kind, TokenKind::Word | TokenKind::QuotedIdentifier) {
                return None;
            }
            self.at += 1;
            let next = self.tokens.get(self.at).map(|token| token.kind);
            if next != Some(TokenKind::Punctuation(b'.')) {
                break;
            }
            self.at += 1;
            last = *self.tokens.get(self.at)?;
        }
        Some(Name {
            text: self.sql.get(first.start..last.end)?,
            qualifier: self.sql.get(first.start..last.start)?,
            last,
            sql: self.sql,
        })
    }

    fn is_at_end(&self) -> bool {
        self.at == self.tokens.len()
    }

    fn rest(&self) -> &[Token] {
        self.tokens.get(self.at..).unwrap_or_default()
    }

    fn has_any(&self, words: &[&str]) -> bool {
        self.rest().iter().any(|token| {
            let text = self.text(token);
            words.iter().any(|word| text.eq_ignore_ascii_case(word))
        })
    }

    /// True if a comma follows that is not in parentheses.
    fn has_comma(&self) -> bool {
        let mut depth = 0;
        self.rest().iter().any(|token| {
            match token.kind {
                TokenKind::Punctuation(b'(') => depth += 1,
                TokenKind::Punctuation(b')') => depth -= 1,
                _ => {}
            }
            depth == 0 && token.kind == TokenKind::Punctuation(b',')
        })
    }

    /// The statement with another name in the place of the last part of this one.
    fn with(&self, name: &Name<'_>, other: &str) -> Vec<u8> {
        let (front, back) = (
            self.sql.get(..name.last.start).unwrap_or_default(),
            self.sql.get(name.last.end..).unwrap_or_default(),
        );
        [front, other, back].concat().into_bytes()
    }
}

#[cfg(test)]
mod tests;
