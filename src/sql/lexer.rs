//! The lossless lexer.
//!
//! Source: `PostgreSQL` manual §4.1 (Lexical Structure), and PostgreSQL 16's `scan.l` where the
//! manual is silent. Errors are tokens, so that the tokens of any bytes add up to the bytes.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// Space, tab, newline, carriage return, form feed, vertical tab.
    Whitespace,
    /// `-- …`, without the newline that ends it.
    LineComment,
    /// `/* … */`, nested.
    BlockComment,
    /// A key word or an unquoted identifier.
    Word,
    /// `"…"`.
    QuotedIdentifier,
    /// `U&"…"`.
    UnicodeIdentifier,
    /// A string constant with everything that continues it on the next lines.
    String(StringForm),
    /// An integer, a real, or a `0x…`, `0o…`, `0b…` constant.
    Number,
    /// `$1`.
    Parameter,
    /// One or more of ``+-*/<>=~!@#%^&|`?``, also `::`, `:=` and `..`.
    Operator,
    /// One of `( ) [ ] , ; : .`.
    Punctuation(u8),
    /// A token that the text ends in the middle of.
    Unterminated(Unterminated),
    /// A byte that starts no token, such as a backslash, a brace, a control character or a lone
    /// `$`. PostgreSQL reports a syntax error.
    Unknown,
}

impl TokenKind {
    /// True for whitespace and comments, which carry no meaning between tokens.
    pub fn is_trivia(self) -> bool {
        matches!(
            self,
            Self::Whitespace | Self::LineComment | Self::BlockComment
        )
    }
}

/// How a string constant is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StringForm {
    /// `'…'`.
    Standard,
    /// `E'…'`, in which a backslash escapes.
    Escape,
    /// `B'…'`.
    Bits,
    /// `X'…'`.
    Hex,
    /// `N'…'`.
    National,
    /// `U&'…'`.
    Unicode,
    /// `$tag$…$tag$`.
    Dollar,
}

/// What the text ends in the middle of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unterminated {
    /// A `/*` comment.
    Comment,
    /// A quoted identifier.
    Identifier,
    /// A string constant.
    String(StringForm),
}

/// A piece of a text: `text[start..end]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// The offset of its first byte.
    pub start: usize,
    /// The offset after its last byte.
    pub end: usize,
}

impl Token {
    /// The token's bytes in the text that it was read from.
    pub fn bytes<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        text.get(self.start..self.end).unwrap_or_default()
    }
}

/// The tokens of a text, in order and without gaps. Allocates nothing.
#[derive(Debug, Clone)]
pub struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    /// Starts at the beginning of `text`.
    pub fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    /// The byte `ahead` bytes from here; 0, which no token contains, past the end.
    fn peek(&self, ahead: usize) -> u8 {
        self.text.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_while(&mut self, wanted: impl Fn(u8) -> bool) {
        let rest = self.rest();
        self.at += rest.iter().position(|&b| !wanted(b)).unwrap_or(rest.len());
    }

    fn one(&mut self, kind: TokenKind) -> TokenKind {
        self.at += 1;
        kind
    }

    fn scan(&mut self, first: u8) -> TokenKind {
        match first {
            _ if is_space(first) => {
                self.skip_while(is_space);
                TokenKind::Whitespace
            }
            b'-' if self.peek(1) == b'-' => {
                self.line_comment();
                TokenKind::LineComment
            }
            b'/' if self.peek(1) == b'*' => self.block_comment(),
            b'\'' => self.string(0, StringForm::Standard),
            b'"' => self.quoted_identifier(0, TokenKind::QuotedIdentifier),
            b'e' | b'E' if self.peek(1) == b'\'' => self.string(1, StringForm::Escape),
            b'b' | b'B' if self.peek(1) == b'\'' => self.string(1, StringForm::Bits),
            b'x' | b'X' if self.peek(1) == b'\'' => self.string(1, StringForm::Hex),
            b'n' | b'N' if self.peek(1) == b'\'' => self.string(1, StringForm::National),
            b'u' | b'U' if self.peek(1) == b'&' && self.peek(2) == b'\'' => {
                self.string(2, StringForm::Unicode)
            }
            b'u' | b'U' if self.peek(1) == b'&' && self.peek(2) == b'"' => {
                self.quoted_identifier(2, TokenKind::UnicodeIdentifier)
            }
            _ if is_word_start(first) => {
                self.skip_while(is_word_part);
                TokenKind::Word
            }
            b'0'..=b'9' => self.number(),
            b'.' if self.peek(1).is_ascii_digit() => self.number(),
            b'.' if self.peek(1) == b'.' => self.two(),
            b':' if matches!(self.peek(1), b':' | b'=') => self.two(),
            b'$' => self.dollar(),
            b'(' | b')' | b'[' | b']' | b',' | b';' | b':' | b'.' => {
                self.one(TokenKind::Punctuation(first))
            }
            _ if is_operator(first) => self.operator(),
            _ => self.one(TokenKind::Unknown),
        }
    }

    fn two(&mut self) -> TokenKind {
        self.at += 2;
        TokenKind::Operator
    }

    fn line_comment(&mut self) {
        self.skip_while(|b| b != b'\n' && b != b'\r');
    }

    fn block_comment(&mut self) -> TokenKind {
        let mut depth = 0_usize;
        loop {
            match (self.peek(0), self.peek(1)) {
                (b'/', b'*') => {
                    depth += 1;
                    self.at += 2;
                }
                (b'*', b'/') => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return TokenKind::BlockComment;
                    }
                }
                _ if self.at >= self.text.len() => {
                    return TokenKind::Unterminated(Unterminated::Comment);
                }
                _ => self.at += 1,
            }
        }
    }

    /// Goes behind the quote that closes what opened `prefix` bytes from here; false where there
    /// is none. A doubled quote is part of the content.
    fn quoted(&mut self, prefix: usize, quote: u8, backslash_escapes: bool) -> bool {
        self.at += prefix + 1;
        loop {
            self.skip_while(|b| b != quote && !(backslash_escapes && b == b'\\'));
            if self.at >= self.text.len() {
                return false;
            }
            if self.peek(0) == b'\\' || self.peek(1) == quote {
                self.at = (self.at + 2).min(self.text.len());
            } else {
                self.at += 1;
                return true;
            }
        }
    }

    fn quoted_identifier(&mut self, prefix: usize, kind: TokenKind) -> TokenKind {
        if self.quoted(prefix, b'"', false) {
            kind
        } else {
            TokenKind::Unterminated(Unterminated::Identifier)
        }
    }

    fn string(&mut self, prefix: usize, form: StringForm) -> TokenKind {
        let mut prefix = prefix;
        while self.quoted(prefix, b'\'', form == StringForm::Escape) {
            match self.continuation() {
                Some(opening_quote) => self.at = opening_quote,
                None => return TokenKind::String(form),
            }
            prefix = 0;
        }
        TokenKind::Unterminated(Unterminated::String(form))
    }

    /// Where the string that ended here goes on: behind whitespace with at least one newline,
    /// and `--` comments. It goes on in the form that it began in (manual §4.1.2.1).
    fn continuation(&self) -> Option<usize> {
        let mut ahead = self.clone();
        let mut newline = false;
        loop {
            match ahead.peek(0) {
                b'\'' if newline => return Some(ahead.at),
                b'-' if ahead.peek(1) == b'-' => ahead.line_comment(),
                b if is_space(b) => {
                    newline |= b == b'\n' || b == b'\r';
                    ahead.at += 1;
                }
                _ => return None,
            }
        }
    }

    fn dollar(&mut self) -> TokenKind {
        if self.peek(1).is_ascii_digit() {
            self.at += 1;
            self.skip_while(|b| b.is_ascii_digit());
            return TokenKind::Parameter;
        }
        let after = self.text.get(self.at + 1..).unwrap_or_default();
        let tag = after.iter().position(|&b| !(is_word_part(b) && b != b'$'));
        let Some(length) = tag.filter(|&n| after.get(n) == Some(&b'$')) else {
            return self.one(TokenKind::Unknown);
        };
        let delimiter = self.rest().get(..length + 2).unwrap_or_default();
        let body = self.rest().get(length + 2..).unwrap_or_default();
        if let Some(found) = memchr::memmem::find(body, delimiter) {
            self.at += found + 2 * delimiter.len();
            TokenKind::String(StringForm::Dollar)
        } else {
            self.at = self.text.len();
            TokenKind::Unterminated(Unterminated::String(StringForm::Dollar))
        }
    }

    fn number(&mut self) -> TokenKind {
        let digits = |b: u8| b.is_ascii_digit() || b == b'_';
        if self.peek(0) == b'0' && matches!(self.peek(1), b'x' | b'X' | b'o' | b'O' | b'b' | b'B') {
            self.at += 2;
            self.skip_while(|b| b.is_ascii_hexdigit() || b == b'_');
            return TokenKind::Number;
        }
        self.skip_while(digits);
        // `1..10` is two integers and a range operator.
        if self.peek(0) == b'.' && self.peek(1) != b'.' {
            self.at += 1;
            self.skip_while(digits);
        }
        let sign = usize::from(matches!(self.peek(1), b'+' | b'-'));
        if matches!(self.peek(0), b'e' | b'E') && self.peek(1 + sign).is_ascii_digit() {
            self.at += 1 + sign;
            self.skip_while(digits);
        }
        TokenKind::Number
    }

    /// The longest operator: it stops before a comment, and ends in `+` or `-` only where it
    /// contains one of ``~!@#%^&|`?`` (manual §4.1.3).
    fn operator(&mut self) -> TokenKind {
        let rest = self.rest();
        let run = rest
            .iter()
            .take(LONGEST_OPERATOR + 1)
            .take_while(|&&b| is_operator(b))
            .count();
        let run = rest.get(..run).unwrap_or_default();
        let comment = run
            .windows(2)
            .position(|pair| pair == b"--" || pair == b"/*");
        let mut length = comment.unwrap_or(run.len()).min(LONGEST_OPERATOR);
        let body = rest.get(..length).unwrap_or_default();
        if !body.iter().any(|b| b"~!@#%^&|`?".contains(b)) {
            while length > 1 && matches!(rest.get(length - 1), Some(b'+' | b'-')) {
                length -= 1;
            }
        }
        self.at += length.max(1);
        TokenKind::Operator
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let start = self.at;
        let first = *self.text.get(start)?;
        let kind = self.scan(first);
        Some(Token {
            kind,
            start,
            end: self.at,
        })
    }
}

/// PostgreSQL refuses longer ones (`NAMEDATALEN`). The limit also keeps a long run of `+` linear.
const LONGEST_OPERATOR: usize = 63;

/// What PostgreSQL 16 takes for whitespace.
pub(super) fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

fn is_word_start(b: u8) -> bool {
    b.is_ascii_alphabetic() || b == b'_' || b >= 0x80
}

/// What an unquoted identifier goes on with.
pub(super) fn is_word_part(b: u8) -> bool {
    is_word_start(b) || b.is_ascii_digit() || b == b'$'
}

fn is_operator(b: u8) -> bool {
    b"+-*/<>=~!@#%^&|`?".contains(&b)
}
