//! The significant tokens of a text, one after another.

use super::lexer::{Lexer, Token, TokenKind};

/// Walks over a text and sees neither whitespace nor comments.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    text: &'a [u8],
    lexer: Lexer<'a>,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self {
            text,
            lexer: Lexer::new(text),
        }
    }

    pub(super) fn next(&mut self) -> Option<Token> {
        self.lexer.find(|token| !token.kind.is_trivia())
    }

    pub(super) fn peek(&self) -> Option<Token> {
        self.clone().next()
    }

    pub(super) fn bytes(&self, token: Token) -> &'a [u8] {
        token.bytes(self.text)
    }

    /// True where `token` is this key word, in any case, unquoted.
    pub(super) fn is_word(&self, token: Token, word: &str) -> bool {
        token.kind == TokenKind::Word && self.bytes(token).eq_ignore_ascii_case(word.as_bytes())
    }

    /// Goes behind the next token if it is this key word.
    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let found = self.peek().is_some_and(|token| self.is_word(token, word));
        if found {
            self.next();
        }
        found
    }

    /// Goes behind the next tokens if they are these key words; otherwise stays.
    pub(super) fn take_words(&mut self, words: &[&str]) -> bool {
        let mut ahead = self.clone();
        let found = words.iter().all(|word| ahead.take_word(word));
        if found {
            *self = ahead;
        }
        found
    }

    /// Goes behind the next token if it is this punctuation.
    pub(super) fn take_punctuation(&mut self, byte: u8) -> Option<Token> {
        let found = self
            .peek()
            .filter(|token| token.kind == TokenKind::Punctuation(byte))?;
        self.next();
        Some(found)
    }

    /// True where nothing but semicolons follow.
    pub(super) fn at_end(&self) -> bool {
        let mut ahead = self.clone();
        std::iter::from_fn(|| ahead.next()).all(|token| token.kind == TokenKind::Punctuation(b';'))
    }
}
