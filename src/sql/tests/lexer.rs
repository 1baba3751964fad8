use proptest::prelude::*;

use super::sqlish;
use crate::sql::lexer::{Unterminated as Open, *};

fn lex(text: &str) -> Vec<(TokenKind, &str)> {
    Lexer::new(text.as_bytes())
        .map(|token| (token.kind, &text[token.start..token.end]))
        .filter(|(kind, _)| *kind != TokenKind::Whitespace)
        .collect()
}

#[test]
fn one_token() {
    use TokenKind::*;
    for (text, kind) in [
        (" \t\r\n\x0b\x0c", Whitespace),
        ("-- a ' \" $$", LineComment),
        ("--", LineComment),
        ("/* a */", BlockComment),
        ("/* /* nested */ */", BlockComment),
        ("/*/**/*/", BlockComment),
        ("/*/", Unterminated(Open::Comment)),
        ("/* /* */", Unterminated(Open::Comment)),
        ("select", Word),
        ("_a1$b", Word),
        ("naïve", Word),
        ("a$b$c", Word),
        ("\"a\"\"b;\"", QuotedIdentifier),
        ("U&\"d\\0061t\"", UnicodeIdentifier),
        ("\"a", Unterminated(Open::Identifier)),
        ("\"a\"\"", Unterminated(Open::Identifier)),
        ("'a''b'", String(StringForm::Standard)),
        ("'a\\'", String(StringForm::Standard)),
        ("'-- /* $$ ;'", String(StringForm::Standard)),
        ("'a' \n 'b'", String(StringForm::Standard)),
        ("'a' -- why\n 'b'", String(StringForm::Standard)),
        ("e'a\\'b'", String(StringForm::Escape)),
        ("E'a\\\\'", String(StringForm::Escape)),
        ("E'a'\n'b\\'c'", String(StringForm::Escape)),
        ("b'01'", String(StringForm::Bits)),
        ("X'1F'", String(StringForm::Hex)),
        ("n'a'", String(StringForm::National)),
        ("u&'d\\0061t'", String(StringForm::Unicode)),
        ("'a", Unterminated(Open::String(StringForm::Standard))),
        ("'a'\n'b", Unterminated(Open::String(StringForm::Standard))),
        ("E'a\\'", Unterminated(Open::String(StringForm::Escape))),
        ("E'a\\", Unterminated(Open::String(StringForm::Escape))),
        ("$$ it's; $$", String(StringForm::Dollar)),
        ("$a$ $$ $b$ $a$", String(StringForm::Dollar)),
        ("$a$ $$", Unterminated(Open::String(StringForm::Dollar))),
        ("$12", Parameter),
        ("42", Number),
        ("1_000.5e-3", Number),
        (".5", Number),
        ("4.", Number),
        ("0xFF", Number),
        ("0b10", Number),
        ("::", Operator),
        (":=", Operator),
        ("..", Operator),
        ("->>", Operator),
        ("@-", Operator),
        (";", Punctuation(b';')),
        ("\\", Unknown),
        ("{", Unknown),
        ("\0", Unknown),
        ("$", Unknown),
    ] {
        let tokens: Vec<_> = Lexer::new(text.as_bytes()).collect();
        assert_eq!(
            tokens,
            [Token {
                kind,
                start: 0,
                end: text.len()
            }],
            "{text:?}"
        );
    }
}

#[test]
fn several_tokens() {
    use TokenKind::*;
    let string = String(StringForm::Standard);
    for (text, expected) in [
        (
            "1..10",
            vec![(Number, "1"), (Operator, ".."), (Number, "10")],
        ),
        (
            "a.b",
            vec![(Word, "a"), (Punctuation(b'.'), "."), (Word, "b")],
        ),
        ("1e", vec![(Number, "1"), (Word, "e")]),
        ("'a' 'b'", vec![(string, "'a'"), (string, "'b'")]),
        ("'a'--x", vec![(string, "'a'"), (LineComment, "--x")]),
        (
            "'a'/*\n*/'b'",
            vec![(string, "'a'"), (BlockComment, "/*\n*/"), (string, "'b'")],
        ),
        (
            "1--x\n2",
            vec![(Number, "1"), (LineComment, "--x"), (Number, "2")],
        ),
        ("=-1", vec![(Operator, "="), (Operator, "-"), (Number, "1")]),
        (
            "*/*c*/1",
            vec![(Operator, "*"), (BlockComment, "/*c*/"), (Number, "1")],
        ),
        ("e 'a'", vec![(Word, "e"), (string, "'a'")]),
        ("ae'a'", vec![(Word, "ae"), (string, "'a'")]),
        ("$a", vec![(Unknown, "$"), (Word, "a")]),
        ("$1$2", vec![(Parameter, "$1"), (Parameter, "$2")]),
        (
            "a:b",
            vec![(Word, "a"), (Punctuation(b':'), ":"), (Word, "b")],
        ),
    ] {
        assert_eq!(lex(text), expected, "{text:?}");
    }
}

#[test]
fn a_long_run_of_operators_is_cut_without_losing_a_comment() {
    let text = format!("{}/* c */", "@".repeat(62));
    assert_eq!(lex(&text)[1], (TokenKind::BlockComment, "/* c */"));
    let text = format!("{}/* c */", "@".repeat(63));
    assert_eq!(lex(&text)[1], (TokenKind::BlockComment, "/* c */"));
}

fn adds_up(text: &[u8]) -> Result<(), TestCaseError> {
    let mut at = 0;
    for token in Lexer::new(text) {
        prop_assert_eq!(token.start, at);
        prop_assert!(token.end > token.start);
        at = token.end;
    }
    prop_assert_eq!(at, text.len());
    Ok(())
}

proptest! {
    #[test]
    fn tokens_add_up_to_any_bytes(text in prop::collection::vec(any::<u8>(), 0..200)) {
        adds_up(&text)?;
    }

    #[test]
    fn tokens_add_up_to_what_looks_like_sql(text in sqlish()) {
        adds_up(&text)?;
    }
}
