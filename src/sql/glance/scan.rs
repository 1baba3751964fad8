//! The tokens of one statement: what it calls, and what it makes.

use super::call::{Call, call};
use super::set_config;
use super::statement::mentions_temporary_schema;
use super::traits::Traits;
use crate::sql::cursor::Cursor;
use crate::sql::kind::StatementKind;
use crate::sql::lexer::{Token, TokenKind};

use StatementKind as K;

/// Walks over a statement's tokens.
pub(super) struct Scan<'a> {
    text: &'a [u8],
    kind: StatementKind,
    cursor: Cursor<'a>,
    last: Option<Token>,
    /// The name that the last tokens are, `a` or `a.b`: what stood before it, and its parts.
    name: Option<Name>,
    /// What UPDATE or ONLY names may be `pg_settings`.
    settings: bool,
    /// It makes something, by CREATE or SELECT INTO.
    makes: bool,
    /// There is a name in a spelling that only the server reads.
    escaped: bool,
    /// A query behind AS, which CREATE TABLE runs.
    query: Query,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Query {
    None,
    /// The last tokens are AS and parentheses.
    BehindAs,
    Seen,
}

#[derive(Clone, Copy)]
struct Name {
    before: Option<Token>,
    schema: Option<Token>,
    last: Token,
    /// A dot follows: the next token belongs to it.
    goes_on: bool,
}

impl<'a> Scan<'a> {
    pub(super) fn new(text: &'a [u8], kind: StatementKind) -> Self {
        Self {
            text,
            kind,
            cursor: Cursor::new(text),
            last: None,
            name: None,
            settings: false,
            makes: kind == K::Create,
            escaped: false,
            query: Query::None,
        }
    }

    /// What the tokens add to what its kind may do.
    pub(super) fn run(mut self, mut traits: Traits) -> Traits {
        while let Some(token) = self.cursor.next() {
            traits |= self.see(token);
            self.last = Some(token);
        }
        // `UPDATE pg_settings SET setting = …` calls set_config() (manual, "pg_settings").
        if self.settings {
            traits |= Traits::PARAMETERS | Traits::LOCAL_PARAMETERS;
        }
        if self.makes && (self.escaped || mentions_temporary_schema(self.text)) {
            traits |= Traits::TEMPORARY_OBJECT;
        }
        traits
    }

    fn see(&mut self, token: Token) -> Traits {
        let mut traits = Traits::NONE;
        self.query = self.query(token);
        self.escaped |= token.kind == TokenKind::UnicodeIdentifier;
        match token.kind {
            TokenKind::Word => {
                traits = self.word(token);
                self.name_part(token);
            }
            TokenKind::QuotedIdentifier | TokenKind::UnicodeIdentifier => self.name_part(token),
            TokenKind::Punctuation(b'.') => {
                if let Some(name) = &mut self.name {
                    name.goes_on = true;
                }
            }
            TokenKind::Punctuation(b'(') => {
                if let Some(name) = self.name.take() {
                    traits = self.called(name);
                }
            }
            _ => self.name = None,
        }
        traits
    }

    fn query(&self, token: Token) -> Query {
        const QUERIES: &[&str] = &["select", "with", "values", "table", "execute"];
        let is = |word: &str| self.cursor.is_word(token, word);
        match self.query {
            Query::Seen => Query::Seen,
            _ if is("as") => Query::BehindAs,
            Query::BehindAs if QUERIES.iter().any(|word| is(word)) => Query::Seen,
            Query::BehindAs if token.kind == TokenKind::Punctuation(b'(') => Query::BehindAs,
            Query::BehindAs | Query::None => Query::None,
        }
    }

    fn name_part(&mut self, token: Token) {
        let name = match self.name {
            Some(name) if name.goes_on => Name {
                schema: Some(name.last),
                last: token,
                goes_on: false,
                ..name
            },
            _ => Name {
                before: self.last,
                schema: None,
                last: token,
                goes_on: false,
            },
        };
        self.name = Some(name);
        let updated = name.before.is_some_and(|before| {
            self.cursor.is_word(before, "update") || self.cursor.is_word(before, "only")
        });
        self.settings |= updated
            && (token.kind == TokenKind::UnicodeIdentifier
                || is_settings(unquoted(self.cursor.bytes(token))));
    }

    fn word(&mut self, token: Token) -> Traits {
        let bytes = self.cursor.bytes(token);
        let is = |word: &str| bytes.eq_ignore_ascii_case(word.as_bytes());
        let after = |word: &str| {
            self.last
                .is_some_and(|last| self.cursor.is_word(last, word))
        };
        match bytes.len() {
            // INTO [LOCAL | GLOBAL] TEMP …, but not INSERT INTO temp.
            4 if is("into") => {
                let query = !matches!(self.kind, K::Insert | K::Update | K::Delete | K::Merge);
                if query && !after("insert") && !after("merge") {
                    self.makes = true;
                    let mut ahead = self.cursor.clone();
                    return Traits::SEQUENCE_WRITE | temporary(&mut ahead);
                }
            }
            // WITH HOLD
            4 if is("hold") && self.kind == K::Declare && after("with") => {
                return Traits::HOLDABLE_CURSOR;
            }
            // CREATE [OR REPLACE] [LOCAL | GLOBAL] TEMP …
            6 if is("create") && self.kind == K::Create && self.last.is_none() => {
                let mut ahead = self.cursor.clone();
                ahead.take_words(&["or", "replace"]);
                return temporary(&mut ahead);
            }
            // CREATE TABLE … AS EXECUTE
            7 if is("execute") && self.kind == K::Create && after("as") => {
                return Traits::EXECUTE | Traits::PARAMETERS;
            }
            // Data-modifying statements behind WITH, also in parentheses.
            5 if is("merge") => return Traits::SEQUENCE_WRITE,
            6 if is("insert") || is("delete") => return Traits::SEQUENCE_WRITE,
            // FOR UPDATE and FOR NO KEY UPDATE only lock.
            6 if is("update") && !after("for") && !after("key") => {
                return Traits::SEQUENCE_WRITE;
            }
            _ => {}
        }
        Traits::NONE
    }

    /// `name (`, which may be a call.
    fn called(&self, name: Name) -> Traits {
        // Whatever the columns' table is called.
        if name
            .before
            .is_some_and(|before| self.cursor.is_word(before, "into"))
        {
            return Traits::NONE;
        }
        let word = self.cursor.bytes(name.last);
        let call = match name.last.kind {
            TokenKind::UnicodeIdentifier => return Traits::UNKNOWN,
            TokenKind::QuotedIdentifier => call(unquoted(word)),
            _ => call(word),
        };
        match call {
            Call::Rare(traits) => traits,
            Call::SetConfig => set_config::traits(self.cursor.clone(), self.text),
            Call::Harmless if name.schema.is_none_or(|s| self.is(s, "pg_catalog")) => Traits::NONE,
            Call::Unknown if name.schema.is_some_and(|s| self.is(s, "sys")) => Traits::NONE,
            Call::Harmless | Call::Unknown if self.is_no_call(name) => Traits::NONE,
            Call::Harmless | Call::Unknown => Traits::UNKNOWN_FUNCTION | Traits::SEQUENCE_WRITE,
        }
    }

    fn is(&self, schema: Token, name: &str) -> bool {
        unquoted(self.cursor.bytes(schema)).eq_ignore_ascii_case(name.as_bytes())
    }

    /// Columns of a table or an alias, options, and what only defines.
    fn is_no_call(&self, name: Name) -> bool {
        if !self.runs_functions() {
            return true;
        }
        let Some(before) = name.before else {
            return false;
        };
        match before.kind {
            TokenKind::Punctuation(b')' | b']') => true,
            TokenKind::Word => ["copy", "as", "with", "recursive", "table"]
                .iter()
                .any(|word| self.cursor.is_word(before, word)),
            _ => false,
        }
    }

    /// False for what only defines or names: there, a name before a parenthesis is mostly a
    /// table's or a routine's. CREATE TABLE … AS is what runs all the same.
    fn runs_functions(&self) -> bool {
        match self.kind {
            K::Create => self.query == Query::Seen,
            K::Refresh => true,
            K::Alter
            | K::Drop
            | K::Comment
            | K::Grant
            | K::Revoke
            | K::Reassign
            | K::Security
            | K::Import
            | K::Vacuum
            | K::Analyze
            | K::Cluster
            | K::Reindex
            | K::Truncate
            | K::Lock
            | K::Notify
            | K::Set
            | K::Reset
            | K::Show => false,
            _ => true,
        }
    }
}

/// TEMP or TEMPORARY, perhaps behind LOCAL or GLOBAL.
fn temporary(ahead: &mut Cursor<'_>) -> Traits {
    if !ahead.take_word("local") {
        ahead.take_word("global");
    }
    if ahead.take_word("temp") || ahead.take_word("temporary") {
        Traits::TEMPORARY_OBJECT
    } else {
        Traits::NONE
    }
}

fn is_settings(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"pg_settings")
}

/// The content of `"…"`. A doubled quote stays doubled: no name of interest has one.
fn unquoted(identifier: &[u8]) -> &[u8] {
    let inner = identifier.strip_prefix(b"\"").unwrap_or(identifier);
    inner.strip_suffix(b"\"").unwrap_or(inner)
}
