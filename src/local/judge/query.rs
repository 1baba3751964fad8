//! Queries, and statements that contain one.

use super::super::bootstrap::OWN;
use super::Stage::Analysis;
use super::reader::Reader;
use super::{Class, Refusal};
use crate::dsql::{functions, queries, statements};
use crate::sql::{Lexer, Token, TokenKind};

/// What one pass over a statement finds, wherever in it.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// It locks rows that it reads.
    pub(super) locks: bool,
    /// What DSQL refuses first.
    pub(super) refusal: Option<Refusal>,
}

/// Looks for what is refused at any depth: TABLESAMPLE, locking clauses, functions. One pass over
/// the tokens, whatever their number.
pub(super) fn scan(text: &[u8]) -> Found {
    let mut found = Found::default();
    // The last three tokens, the newest last, and whether each open parenthesis is that of
    // `substring(a FOR b)`, in which FOR locks nothing.
    let mut last: [Option<Token>; 3] = [None; 3];
    let mut open: Vec<bool> = Vec::new();
    let word = |token: Option<Token>, word: &str| {
        token.is_some_and(|t| {
            t.kind == TokenKind::Word && t.bytes(text).eq_ignore_ascii_case(word.as_bytes())
        })
    };
    for token in Lexer::new(text).filter(|token| !token.kind.is_trivia()) {
        let [b, c, d] = last;
        match token.kind {
            TokenKind::Punctuation(b'(') => {
                if let Some(name) = called(text, b, c, d) {
                    found.refuse(Refusal::about(&functions::CALL, name));
                } else if let Some(refusal) = calls_own(text, d) {
                    found.refuse(refusal);
                }
                open.push(word(d, "substring"));
            }
            TokenKind::Punctuation(b')') => {
                open.pop();
            }
            TokenKind::Word | TokenKind::QuotedIdentifier | TokenKind::UnicodeIdentifier => {
                let now = Some(token);
                let extracts = open.last() == Some(&true);
                if word(d, "for") && word(now, "update") {
                    found.locks |= !extracts;
                } else if word(c, "for") && word(d, "key") && word(now, "share") {
                    found.locks = true;
                } else if !extracts
                    && (word(d, "for") && word(now, "share")
                        || word(b, "for") && word(c, "no") && word(d, "key") && word(now, "update"))
                {
                    found.refuse(Refusal::from(&queries::LOCKING));
                } else if word(d, "tablesample")
                    && !word(c, "as")
                    && c.is_none_or(|t| t.kind != TokenKind::Punctuation(b'.'))
                {
                    found.refuse(Refusal::from(&queries::TABLESAMPLE));
                }
            }
            _ => {}
        }
        last = [c, d, Some(token)];
    }
    found
}

impl Found {
    fn refuse(&mut self, refusal: Refusal) {
        self.refusal.get_or_insert(refusal.at(Analysis));
    }
}

/// The refused function that `schema . name (` or `name (` calls.
fn called(
    text: &[u8],
    schema: Option<Token>,
    dot: Option<Token>,
    name: Option<Token>,
) -> Option<&'static str> {
    let name = name?;
    let bytes = name.bytes(text);
    let refused = functions::REFUSED.iter();
    let mut refused = refused.chain(functions::OF_MISSING_FEATURES);
    let function = refused.find(|f| match name.kind {
        TokenKind::Word => bytes.eq_ignore_ascii_case(f.as_bytes()),
        TokenKind::QuotedIdentifier => {
            bytes.get(1..bytes.len().saturating_sub(1)) == Some(f.as_bytes())
        }
        _ => false,
    })?;
    let qualified = dot.is_some_and(|dot| dot.kind == TokenKind::Punctuation(b'.'));
    let of_the_system = schema.is_some_and(|schema| {
        let schema = schema.bytes(text);
        schema.eq_ignore_ascii_case(b"pg_catalog") || schema == b"\"pg_catalog\""
    });
    (!qualified || of_the_system).then_some(*function)
}

/// Why `name (` cannot be called: it is a function that stands behind the front, which no client
/// is to reach but by what the front makes of its statements.
fn calls_own(text: &[u8], name: Option<Token>) -> Option<Refusal> {
    let name = name?;
    let written = match name.kind {
        TokenKind::Word => name.bytes(text).to_ascii_lowercase(),
        TokenKind::QuotedIdentifier => name.bytes(text).get(1..)?.to_vec(),
        _ => return None,
    };
    written.strip_prefix(OWN.as_bytes())?.strip_prefix(b"_")?;
    let name = String::from_utf8_lossy(&written);
    let message = format!("function {} does not exist", name.trim_end_matches('"'));
    let mut refusal = Refusal::new(UNDEFINED_FUNCTION, message);
    refusal.hint = Some(UNDEFINED_FUNCTION_HINT.to_owned());
    Some(refusal)
}

const UNDEFINED_FUNCTION: &str = "42883";
/// PostgreSQL's.
const UNDEFINED_FUNCTION_HINT: &str = "No function matches the given name and argument types. \
    You might need to add explicit type casts.";

/// The refusal of a statement that is no query, if it calls such a function.
pub(super) fn own_call(text: &[u8]) -> Option<Refusal> {
    // Nearly no text has the name.
    let own = OWN.as_bytes();
    let mentioned = text
        .windows(own.len())
        .any(|window| window.eq_ignore_ascii_case(own));
    if !mentioned {
        return None;
    }
    let tokens = Lexer::new(text).filter(|token| !token.kind.is_trivia());
    let mut before = None;
    for token in tokens {
        if token.kind == TokenKind::Punctuation(b'(')
            && let Some(refusal) = calls_own(text, before)
        {
            return Some(refusal);
        }
        before = Some(token);
    }
    None
}

/// True if a function is called by a name with Unicode escapes. Nobody writes one so, unless to hide
/// that it is one of those behind the front. PostgreSQL itself lets nobody call most of those; one
/// that everybody may call is named here.
pub(super) fn hides_a_call(text: &[u8]) -> bool {
    // Nearly no text has one.
    if !text.windows(3).any(|w| w.eq_ignore_ascii_case(b"U&\"")) {
        return false;
    }
    let (mut unicode, mut hidden) = (false, false);
    for token in Lexer::new(text).filter(|token| !token.kind.is_trivia()) {
        let bytes = token.bytes(text);
        (unicode, hidden) = match token.kind {
            TokenKind::UnicodeIdentifier => (true, hides(bytes)),
            TokenKind::Punctuation(b'(') if hidden => return true,
            TokenKind::Word => (false, unicode && bytes.eq_ignore_ascii_case(b"uescape")),
            TokenKind::Punctuation(_) => (false, false),
            // The character of UESCAPE.
            _ => (false, hidden && !unicode),
        };
    }
    false
}

fn hides(name: &[u8]) -> bool {
    const SETS: &[u8] = b"dsql_local_set_config";
    name.contains(&b'\\') || name.windows(SETS.len()).any(|part| part == SETS)
}

/// The refusal of such a call.
pub(super) fn hidden_call() -> Refusal {
    let text = "function names with Unicode escapes are not supported by the local cluster";
    Refusal::new("0A000", text).at(Analysis)
}

/// What the verb of a query, or of a statement behind WITH, makes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Select,
    Write,
    Merge,
    /// A syntax error, for all that we know.
    Other,
}

fn verb(reader: &Reader<'_>) -> Verb {
    if reader.is_punctuation(b'(') || reader.is_any(&["SELECT", "VALUES", "TABLE"]) {
        Verb::Select
    } else if reader.is_any(&["INSERT", "UPDATE", "DELETE"]) {
        Verb::Write
    } else if reader.is("MERGE") {
        Verb::Merge
    } else {
        Verb::Other
    }
}

/// Judges SELECT, VALUES, TABLE, INSERT, UPDATE, DELETE, MERGE, with or without WITH.
pub(super) fn judge(text: &[u8]) -> (Class, Result<(), Refusal>) {
    let mut reader = Reader::new(text);
    let mut within = Within::default();
    if reader.is("WITH") {
        within = common_table_expressions(&mut reader);
    }
    let verb = verb(&reader);
    let found = scan(text);
    let class = if within.writes || matches!(verb, Verb::Write | Verb::Merge) {
        Class::Dml
    } else if found.locks {
        Class::Locking
    } else {
        Class::Read
    };
    if verb == Verb::Merge || within.merges {
        return (class, Err(Refusal::from(&queries::MERGE).at(Analysis)));
    }
    if verb == Verb::Select && selects_into(&mut reader) {
        return (class, Err(Refusal::from(&statements::CREATE_TABLE_AS)));
    }
    (class, found.refusal.map_or(Ok(()), Err))
}

/// What the expressions behind WITH do.
#[derive(Debug, Clone, Copy, Default)]
struct Within {
    writes: bool,
    merges: bool,
}

/// Goes behind WITH and what belongs to it.
fn common_table_expressions(reader: &mut Reader<'_>) -> Within {
    let mut within = Within::default();
    reader.take("WITH");
    reader.take("RECURSIVE");
    while reader.name().is_some() {
        if reader.is_punctuation(b'(') {
            reader.skip();
        }
        if !reader.take("AS") {
            break;
        }
        reader.take("NOT");
        reader.take("MATERIALIZED");
        let mut inner = reader.clone();
        inner.take_punctuation(b'(');
        let verb = verb(&inner);
        within.writes |= matches!(verb, Verb::Write | Verb::Merge);
        within.merges |= verb == Verb::Merge;
        reader.skip();
        for (clause, last) in [("SEARCH", "SET"), ("CYCLE", "USING")] {
            if reader.is(clause) {
                reader.skip_to(last);
                reader.advance();
                reader.name();
            }
        }
        if !reader.take_punctuation(b',') {
            break;
        }
    }
    within
}

/// Whether a query has INTO. It is reserved, so nothing else can be called so, but for what
/// follows AS or a dot; deeper than the query itself PostgreSQL calls it a syntax error.
fn selects_into(reader: &mut Reader<'_>) -> bool {
    while reader.take_punctuation(b'(') {}
    let mut named = false;
    while !reader.at_end() {
        if !named && reader.is("INTO") {
            return true;
        }
        named = reader.is("AS") || reader.is_punctuation(b'.');
        reader.skip();
    }
    false
}
