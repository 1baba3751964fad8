//! A statement, read word by word.
//!
//! Why no SQL parser: PostgreSQL accepts more than any parser of ours would, and what such a
//! parser fails on would escape as a whole. The forms that matter can be told by key words at the
//! right depth of parentheses, because PostgreSQL reserves them there. Reading tokens is linear in
//! the statement, needs no recursion, and takes bytes of any encoding.

use super::lexer::{Lexer, StringForm, Token, TokenKind};

/// Walks over the tokens of a statement and sees neither whitespace nor comments.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    text: &'a [u8],
    lexer: Lexer<'a>,
    next: Option<Token>,
    /// The end of what has been read.
    read: usize,
    /// Tokens from here on are not read.
    limit: usize,
}

impl<'a> Reader<'a> {
    /// Before the first token of `text`.
    pub fn new(text: &'a [u8]) -> Self {
        let mut reader = Self {
            text,
            lexer: Lexer::new(text),
            next: None,
            read: 0,
            limit: text.len(),
        };
        reader.next = reader.scan();
        reader
    }

    /// The end of a statement is the end of its text, or a semicolon behind it.
    fn scan(&mut self) -> Option<Token> {
        self.lexer
            .find(|token| !token.kind.is_trivia())
            .filter(|token| token.kind != TokenKind::Punctuation(b';') && token.start < self.limit)
    }

    /// The next token.
    pub fn peek(&self) -> Option<Token> {
        self.next
    }

    /// Goes behind the next token.
    pub fn advance(&mut self) -> Option<Token> {
        let token = self.next?;
        self.read = token.end;
        self.next = self.scan();
        Some(token)
    }

    /// A token's bytes.
    pub fn bytes(&self, token: Token) -> &'a [u8] {
        token.bytes(self.text)
    }

    /// Whether nothing is left.
    pub fn at_end(&self) -> bool {
        self.next.is_none()
    }

    /// Where the next token begins; the end of the text where there is none.
    pub fn position(&self) -> usize {
        self.next.map_or(self.limit, |token| token.start)
    }

    /// Where the last token that was read ends.
    pub fn end_of_read(&self) -> usize {
        self.read
    }

    /// Whether the next token is this key word, in any case, unquoted.
    pub fn is(&self, word: &str) -> bool {
        self.next.is_some_and(|token| {
            token.kind == TokenKind::Word && self.bytes(token).eq_ignore_ascii_case(word.as_bytes())
        })
    }

    /// Whether the next token is one of these key words.
    pub fn is_any(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(word))
    }

    /// Goes behind the next token if it is this key word.
    pub fn take(&mut self, word: &str) -> bool {
        let found = self.is(word);
        if found {
            self.advance();
        }
        found
    }

    /// Goes behind the next tokens if they are these key words, separated by spaces; otherwise
    /// stays.
    pub fn takes(&mut self, words: &str) -> bool {
        let mut ahead = self.clone();
        let found = words.split(' ').all(|word| ahead.take(word));
        if found {
            *self = ahead;
        }
        found
    }

    /// Whether the next tokens are these key words, separated by spaces.
    pub fn sees(&self, words: &str) -> bool {
        self.clone().takes(words)
    }

    /// Whether the next token is this punctuation.
    pub fn is_punctuation(&self, mark: u8) -> bool {
        self.next
            .is_some_and(|token| token.kind == TokenKind::Punctuation(mark))
    }

    /// Goes behind the next token if it is this punctuation.
    pub fn take_punctuation(&mut self, mark: u8) -> bool {
        let found = self.is_punctuation(mark);
        if found {
            self.advance();
        }
        found
    }

    /// Whether the next token is a string constant.
    pub fn is_string(&self) -> bool {
        self.next
            .is_some_and(|token| matches!(token.kind, TokenKind::String(_)))
    }

    /// Goes behind one identifier and returns it as PostgreSQL compares it.
    pub fn name(&mut self) -> Option<Name> {
        let token = self.next?;
        let text = String::from_utf8_lossy(self.bytes(token));
        let name = match token.kind {
            TokenKind::Word => Name {
                text: text.to_ascii_lowercase(),
                quoted: false,
            },
            TokenKind::QuotedIdentifier | TokenKind::UnicodeIdentifier => {
                let inner = text.split_once('"').map_or("", |(_, inner)| inner);
                Name {
                    text: inner
                        .strip_suffix('"')
                        .unwrap_or(inner)
                        .replace("\"\"", "\""),
                    quoted: true,
                }
            }
            _ => return None,
        };
        self.advance();
        Some(name)
    }

    /// Goes behind `a.b.c` and returns its parts; empty where no name is next.
    pub fn qualified(&mut self) -> Vec<Name> {
        let mut parts = Vec::new();
        while let Some(name) = self.name() {
            // Longer names than `database.schema.name` mean nothing.
            if parts.len() < 4 {
                parts.push(name);
            }
            if !self.take_punctuation(b'.') {
                break;
            }
        }
        parts
    }

    /// Goes behind one token, or behind a whole group in parentheses or brackets.
    pub fn skip(&mut self) -> Option<Token> {
        let first = self.advance()?;
        let mut depth = usize::from(opens(first));
        while depth > 0 {
            let token = self.advance()?;
            if opens(token) {
                depth += 1;
            } else if closes(token) {
                depth -= 1;
            }
        }
        Some(first)
    }

    /// Goes behind everything up to this key word at this depth; false, at the end, where it does
    /// not come.
    pub fn skip_to(&mut self, word: &str) -> bool {
        self.skip_to_any(&[word])
    }

    /// As [`Self::skip_to`], up to the first of these key words.
    pub fn skip_to_any(&mut self, words: &[&str]) -> bool {
        while !self.at_end() {
            if self.is_any(words) {
                return true;
            }
            self.skip();
        }
        false
    }

    /// The next token is an opening parenthesis: goes behind the group and returns the elements
    /// between its commas, each as a reader of its own. Otherwise stays.
    pub fn group(&mut self) -> Option<Vec<Reader<'a>>> {
        if !self.take_punctuation(b'(') {
            return None;
        }
        let mut elements = Vec::new();
        loop {
            match self.element() {
                Some(element) if elements.len() < MOST_ELEMENTS => elements.push(element),
                _ => {}
            }
            if !self.take_punctuation(b',') {
                self.take_punctuation(b')');
                return Some(elements);
            }
        }
    }

    /// Goes to the comma or the closing parenthesis at this depth, or to the end, and returns what
    /// is before it; `None` where that is nothing.
    pub fn element(&mut self) -> Option<Reader<'a>> {
        let element = self.clone();
        let start = self.position();
        while !self.at_end() && !self.is_punctuation(b',') && !self.is_punctuation(b')') {
            self.skip();
        }
        (self.end_of_read() > start).then(|| element.until(self.end_of_read()))
    }

    /// This reader, ended at `end`. Offsets stay those of the whole text.
    fn until(mut self, end: usize) -> Self {
        self.limit = end;
        self.next = self.next.filter(|token| token.start < end);
        self
    }

    /// What the string constant that is next says, if it needs no unescaping but of quotes.
    pub fn string(&mut self) -> Option<Vec<u8>> {
        let token = self.next?;
        let bytes = self.bytes(token);
        let value = match token.kind {
            TokenKind::String(StringForm::Standard) => {
                let inner = bytes.get(1..bytes.len().checked_sub(1)?)?;
                unquoted(inner)?
            }
            TokenKind::String(StringForm::Dollar) => {
                let tag = bytes.iter().skip(1).position(|b| *b == b'$')? + 2;
                bytes.get(tag..bytes.len().checked_sub(tag)?)?.to_vec()
            }
            _ => return None,
        };
        self.advance();
        Some(value)
    }

    /// The number that is next, an integer of any sign.
    pub fn integer(&mut self) -> Option<i64> {
        let mut ahead = self.clone();
        let sign = ahead
            .peek()
            .filter(|token| token.kind == TokenKind::Operator)
            .map(|token| ahead.bytes(token));
        let negative = match sign {
            Some(b"-") => true,
            Some(b"+") | None => false,
            Some(_) => return None,
        };
        if sign.is_some() {
            ahead.advance();
        }
        let token = ahead
            .advance()
            .filter(|token| token.kind == TokenKind::Number)?;
        let digits = String::from_utf8_lossy(ahead.bytes(token)).replace('_', "");
        let value: i64 = digits.parse().ok()?;
        *self = ahead;
        Some(if negative { -value } else { value })
    }
}

/// The elements of a group that are looked at. PostgreSQL's tables have up to 1,600 columns
/// (manual, appendix K), and DSQL's fewer: with more, the statement fails for its length anyway.
const MOST_ELEMENTS: usize = 4096;

/// An identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// In lower case, unless it was quoted.
    pub text: String,
    /// Whether it stood in quotes.
    pub quoted: bool,
}

fn opens(token: Token) -> bool {
    matches!(token.kind, TokenKind::Punctuation(b'(' | b'['))
}

fn closes(token: Token) -> bool {
    matches!(token.kind, TokenKind::Punctuation(b')' | b']'))
}

/// The content of `'…'`; `None` if the constant goes on behind a newline.
fn unquoted(inner: &[u8]) -> Option<Vec<u8>> {
    let mut value = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(&byte) = bytes.next() {
        if byte == b'\'' && bytes.next() != Some(&b'\'') {
            return None;
        }
        value.push(byte);
    }
    Some(value)
}

/// Whether a statement is one of DSQL's that starts a job and answers with its row: `CREATE INDEX
/// ASYNC`, `ALTER TABLE ASYNC`.
pub fn is_asynchronous(statement: &[u8]) -> bool {
    let mut reader = Reader::new(statement);
    if reader.takes("ALTER TABLE") {
        return reader.is("ASYNC");
    }
    reader.take("CREATE") && {
        reader.take("UNIQUE");
        reader.takes("INDEX ASYNC")
    }
}

#[cfg(test)]
mod tests;
