//! String constants, read.

use super::lexer::StringForm;

/// The text of a string constant, or `None` where only the server knows it: bit strings, `N'…'`,
/// `U&'…'`, escapes of characters, and what is not UTF-8 (PostgreSQL manual §4.1.2).
pub(super) fn string_constant(written: &[u8], form: StringForm) -> Option<String> {
    let written = std::str::from_utf8(written).ok()?;
    match form {
        StringForm::Standard => quoted(written, false),
        StringForm::Escape => quoted(written.strip_prefix(['e', 'E'])?, true),
        StringForm::Dollar => {
            let end = written.get(1..)?.find('$')? + 2;
            let (tag, rest) = written.split_at_checked(end)?;
            rest.strip_suffix(tag).map(str::to_owned)
        }
        StringForm::Bits | StringForm::Hex | StringForm::National | StringForm::Unicode => None,
    }
}

/// `'…'`, and what continues it on further lines.
fn quoted(written: &str, escapes: bool) -> Option<String> {
    let mut text = String::new();
    let mut characters = written.strip_prefix('\'')?.chars().peekable();
    loop {
        match characters.next()? {
            '\'' if characters.next_if_eq(&'\'').is_some() => text.push('\''),
            // The next piece, if there is one.
            '\'' => match characters.find(|c| !matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0c')) {
                None => return Some(text),
                Some('\'') => {}
                // A comment between two pieces: rare enough to be left to the server.
                Some(_) => return None,
            },
            '\\' if escapes => text.push(match characters.next()? {
                'b' => '\x08',
                'f' => '\x0c',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                c @ ('\\' | '\'' | '"') => c,
                _ => return None,
            }),
            c => text.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::string_constant;
    use crate::sql::lexer::{Lexer, TokenKind};

    #[test]
    fn constants() {
        for (written, text) in [
            ("''", Some("")),
            ("'it''s'", Some("it's")),
            ("'a\\b'", Some("a\\b")),
            ("'a'\n  'b'", Some("ab")),
            ("'a' -- c\n 'b'", None),
            ("E'a\\n\\'b'", Some("a\n'b")),
            ("E'\\x41'", None),
            ("$$it's$$", Some("it's")),
            ("$a$ $b$ $a$", Some(" $b$ ")),
            ("B'1'", None),
            ("N'a'", None),
        ] {
            let token = Lexer::new(written.as_bytes()).next().unwrap();
            let TokenKind::String(form) = token.kind else {
                panic!("{written}: {token:?}");
            };
            let found = string_constant(token.bytes(written.as_bytes()), form);
            assert_eq!(found.as_deref(), text, "{written}");
        }
    }
}
