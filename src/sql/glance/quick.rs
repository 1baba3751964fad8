//! The quick look: is a text one plain SELECT, INSERT, UPDATE or DELETE that calls nothing but
//! harmless functions?
//!
//! It says yes only where it understands everything, so that `no` means no more than "read it
//! properly".

use super::call::is_harmless;
use crate::sql::kind::StatementKind;
use crate::sql::lexer::{is_space, is_word_part};

/// A byte that is looked at in every statement.
const STOP: u8 = 1;
/// A byte that is looked at in a SELECT: the first of INTO.
const STOP_IN_SELECT: u8 = 2;

static CLASSES: [u8; 256] = classes();

#[allow(
    clippy::indexing_slicing,
    reason = "in a constant, a wrong index does not compile"
)]
const fn classes() -> [u8; 256] {
    let mut classes = [0; 256];
    let stops = b"(;'\"$-/\\";
    let mut at = 0;
    while at < stops.len() {
        classes[stops[at] as usize] = STOP;
        at += 1;
    }
    classes[b'i' as usize] = STOP_IN_SELECT;
    classes[b'I' as usize] = STOP_IN_SELECT;
    classes
}

/// Whether `text`, whose first statement is of this kind, is that one statement only and does
/// nothing to its session that its kind does not say.
pub(super) fn is_plain(text: &[u8], kind: StatementKind) -> bool {
    // All four words have six letters. Whatever else the text begins with, a comment or a
    // parenthesis, is for the thorough look.
    const VERB: usize = 6;
    if !text.first().is_some_and(u8::is_ascii_alphabetic) {
        return false;
    }
    let (stops, start) = match kind {
        StatementKind::Select => (STOP | STOP_IN_SELECT, VERB),
        StatementKind::Delete => (STOP, VERB),
        StatementKind::Insert => (STOP, behind_columns(text, VERB)),
        StatementKind::Update if names_ordinary_table(text, VERB) => (STOP, VERB),
        _ => return false,
    };
    let byte = |at: usize| text.get(at).copied().unwrap_or(0);
    let mut at = start;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let Some(found) = next(rest, stops) else {
            return true;
        };
        at += found;
        let before = text.get(..at).unwrap_or_default();
        let previous = before.last().copied().unwrap_or(0);
        match byte(at) {
            b'(' if !is_harmless_before(before) => return false,
            b';' => {
                let mut rest = text.get(at..).unwrap_or_default().iter();
                return rest.all(|&b| b == b';' || is_space(b));
            }
            // E'…', U&"…" and the like have rules of their own.
            quote @ (b'\'' | b'"') => {
                if is_word_part(previous) || previous == b'&' {
                    return false;
                }
                let rest = text.get(at + 1..).unwrap_or_default();
                match memchr::memchr(quote, rest) {
                    // Behind a doubled quote, the rest looks like another string.
                    Some(closing) => at += closing + 1,
                    None => return false,
                }
            }
            // A parameter, or part of a name; what else begins here may be a string.
            b'$' if !byte(at + 1).is_ascii_digit() && !is_letter(previous) => return false,
            b'-' if byte(at + 1) == b'-' => return false,
            b'/' if byte(at + 1) == b'*' => return false,
            b'\\' => return false,
            // Not in the middle of a word; but before PostgreSQL 15, `1INTO` is two.
            b'i' | b'I' if !is_letter(previous) && begins_with_into(text, at) => {
                return false;
            }
            _ => {}
        }
        at += 1;
    }
}

/// Where the first byte stands that is to be looked at. Eight at a time, as long as there is none:
/// a statement has few.
fn next(text: &[u8], stops: u8) -> Option<usize> {
    let class = |b: u8| CLASSES.get(usize::from(b)).copied().unwrap_or(0);
    let (chunks, _) = text.as_chunks::<8>();
    let quiet = chunks
        .iter()
        .take_while(|chunk| chunk.iter().fold(0, |all, &b| all | class(b)) & stops == 0)
        .count();
    let start = quiet * 8;
    let rest = text.get(start..)?;
    let found = rest.iter().position(|&b| class(b) & stops != 0)?;
    Some(start + found)
}

fn is_letter(b: u8) -> bool {
    is_word_part(b) && !b.is_ascii_digit() && b != b'$'
}

fn begins_with_into(text: &[u8], at: usize) -> bool {
    let word = text.get(at..at + 4).unwrap_or_default();
    word.eq_ignore_ascii_case(b"into") && !text.get(at + 4).is_some_and(|&b| is_word_part(b))
}

/// Whether a parenthesis behind these bytes calls nothing, or something harmless.
fn is_harmless_before(before: &[u8]) -> bool {
    let before = without_space(before);
    let start = before
        .iter()
        .rposition(|&b| !is_word_part(b))
        .map_or(0, |at| at + 1);
    let (rest, word) = before.split_at(start);
    if word.is_empty() {
        // `"name" (` may be a call.
        return !matches!(rest.last(), Some(b'"' | b'.'));
    }
    // Only a word on its own means what the table says: in `a.lower (` it does not.
    !matches!(without_space(rest).last(), Some(b'.' | b'"' | b'\'')) && is_harmless(word)
}

fn without_space(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|&b| !is_space(b));
    text.get(..end.map_or(0, |at| at + 1)).unwrap_or_default()
}

/// Where the loop begins in an INSERT: behind the parenthesis that opens the list of columns in
/// `INSERT INTO name (`, which looks like a call; or at `start`.
fn behind_columns(text: &[u8], start: usize) -> usize {
    let behind = |at: usize, wanted: &dyn Fn(u8) -> bool| {
        let rest = text.get(at..).unwrap_or_default();
        at + rest.iter().position(|&b| !wanted(b)).unwrap_or(rest.len())
    };
    let word = behind(start, &is_space);
    if word == start || !begins_with_into(text, word) {
        return start;
    }
    let name = behind(word + 4, &is_space);
    let parenthesis = behind_name(text, name).map(|end| behind(end, &is_space));
    match parenthesis.filter(|&at| name > word + 4 && text.get(at) == Some(&b'(')) {
        Some(parenthesis) => parenthesis + 1,
        None => start,
    }
}

/// Where the name `a`, `"A"`, `a."A"` or the like ends that begins at `at`.
fn behind_name(text: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let rest = text.get(at..)?;
        let first = *rest.first()?;
        let length = if first == b'"' {
            memchr::memchr(b'"', rest.get(1..)?)? + 2
        } else if is_letter(first) {
            rest.iter().take_while(|&&b| is_word_part(b)).count()
        } else {
            return None;
        };
        at += length;
        match text.get(at) {
            Some(b'.') => at += 1,
            // `"a""b"` is one name; `"a"b` and `a"b"` are two.
            Some(b'"') => return None,
            Some(&b) if is_word_part(b) => return None,
            _ => return Some(at),
        }
    }
}

/// Whether UPDATE is followed by a name that is not `pg_settings`, the view in which an UPDATE
/// sets parameters.
fn names_ordinary_table(text: &[u8], start: usize) -> bool {
    let rest = text.get(start..).unwrap_or_default();
    let spaces = rest.iter().take_while(|&&b| is_space(b)).count();
    let rest = rest.get(spaces..).unwrap_or_default();
    let length = rest
        .iter()
        .take_while(|&&b| is_word_part(b) || b == b'.' || b == b'"')
        .count();
    let (name, behind) = rest.split_at(length);
    let last = name.rsplit(|&b| b == b'.').next().unwrap_or_default();
    let last = last.strip_prefix(b"\"").unwrap_or(last);
    let last = last.strip_suffix(b"\"").unwrap_or(last);
    spaces > 0
        && last.first().is_some_and(|&b| is_letter(b))
        && behind.first().is_some_and(|&b| is_space(b))
        && !last.eq_ignore_ascii_case(b"pg_settings")
        && !last.eq_ignore_ascii_case(b"only")
        // `name . name`: the second may be anything.
        && behind.trim_ascii_start().first() != Some(&b'.')
}
