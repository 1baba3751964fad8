//! DEALLOCATE: which prepared statement it drops.

use super::lexer::{Lexer, Token, TokenKind};

/// What a DEALLOCATE drops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deallocated {
    /// Every prepared statement.
    All,
    /// The one of this name, as PostgreSQL compares names: in lower case unless quoted.
    One(Vec<u8>),
}

/// Reads one `DEALLOCATE [PREPARE] { name | ALL }` (PostgreSQL manual, reference page
/// DEALLOCATE). `None` for everything else.
pub fn deallocated(statement: &[u8]) -> Option<Deallocated> {
    let mut tokens = Lexer::new(statement).filter(|token| !token.kind.is_trivia());
    let is = |token: Token, word: &[u8]| {
        token.kind == TokenKind::Word && token.bytes(statement).eq_ignore_ascii_case(word)
    };
    tokens.next().filter(|token| is(*token, b"deallocate"))?;
    let mut name = tokens.next()?;
    if is(name, b"prepare") {
        // A statement can be called `prepare`, too.
        name = tokens.next().unwrap_or(name);
    }
    if is(name, b"all") {
        return Some(Deallocated::All);
    }
    plain_name(name, statement).map(Deallocated::One)
}

/// A name as PostgreSQL compares names: in lower case unless quoted.
pub fn plain_name(name: Token, statement: &[u8]) -> Option<Vec<u8>> {
    let text = name.bytes(statement);
    match name.kind {
        TokenKind::Word => Some(text.to_ascii_lowercase()),
        TokenKind::QuotedIdentifier => {
            let inner = text.get(1..text.len().saturating_sub(1))?;
            let mut plain = Vec::with_capacity(inner.len());
            let mut bytes = inner.iter();
            while let Some(byte) = bytes.next() {
                plain.push(*byte);
                if *byte == b'"' {
                    bytes.next();
                }
            }
            Some(plain)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Deallocated, deallocated};

    #[test]
    fn names() {
        for (sql, name) in [
            ("DEALLOCATE a", "a"),
            ("deallocate prepare Sx_1", "sx_1"),
            ("deallocate \"Sx \"\"1\"", "Sx \"1"),
            ("deallocate prepare", "prepare"),
        ] {
            let expected = Deallocated::One(name.into());
            assert_eq!(deallocated(sql.as_bytes()), Some(expected), "{sql}");
        }
        assert_eq!(deallocated(b"DEALLOCATE ALL"), Some(Deallocated::All));
        assert_eq!(
            deallocated(b"deallocate /* x */ prepare all"),
            Some(Deallocated::All)
        );
        assert_eq!(deallocated(b"select 1"), None);
        assert_eq!(deallocated(b"deallocate"), None);
        assert_eq!(deallocated(b"deallocate $1"), None);
    }
}
