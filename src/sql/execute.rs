//! EXECUTE and PREPARE: which prepared statement they name.

use super::deallocate::plain_name;
use super::lexer::{Lexer, TokenKind};

/// The name in `EXECUTE name [(…)]` or `PREPARE name [(…)] AS …` (PostgreSQL manual, reference pages
/// of both), as PostgreSQL compares names. `None` for everything else.
pub fn named_by_sql(statement: &[u8]) -> Option<Vec<u8>> {
    let mut tokens = Lexer::new(statement).filter(|token| !token.kind.is_trivia());
    tokens.next().filter(|token| {
        let word = token.bytes(statement);
        token.kind == TokenKind::Word
            && (word.eq_ignore_ascii_case(b"execute") || word.eq_ignore_ascii_case(b"prepare"))
    })?;
    plain_name(tokens.next()?, statement)
}

#[cfg(test)]
mod tests {
    use super::named_by_sql;

    #[test]
    fn names() {
        for (sql, name) in [
            ("EXECUTE Foo", Some("foo")),
            ("execute/**/\"a \"\"b\" (1, 'x');", Some("a \"b")),
            ("prepare a as select 1", Some("a")),
            ("Prepare b (int) as select $1", Some("b")),
            ("execute", None),
            ("execute $1", None),
            ("select 1", None),
        ] {
            let found = named_by_sql(sql.as_bytes());
            assert_eq!(found.as_deref(), name.map(str::as_bytes), "{sql}");
        }
    }
}
