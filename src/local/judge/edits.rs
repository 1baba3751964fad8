//! Changes to a statement's text.

use std::ops::Range;

use super::Verdict;

/// Replacements, in the order of the text.
#[derive(Debug, Default)]
pub(super) struct Edits {
    all: Vec<(Range<usize>, &'static [u8])>,
}

impl Edits {
    pub(super) fn replace(&mut self, range: Range<usize>, by: &'static [u8]) {
        self.all.push((range, by));
    }

    pub(super) fn remove(&mut self, range: Option<Range<usize>>) {
        self.all.extend(range.map(|range| (range, b"".as_slice())));
    }

    /// Allow, or the rewritten text.
    pub(super) fn verdict(self, text: &[u8]) -> Verdict {
        if self.all.is_empty() {
            return Verdict::Allow;
        }
        let mut sql = Vec::with_capacity(text.len());
        let mut copied = 0;
        for (range, by) in self.all {
            sql.extend_from_slice(text.get(copied..range.start).unwrap_or_default());
            sql.extend_from_slice(by);
            copied = range.end;
        }
        sql.extend_from_slice(text.get(copied..).unwrap_or_default());
        Verdict::Rewrite { sql, tag: None }
    }
}

/// A string constant. `standard_conforming_strings` is on and cannot be set off, so a backslash
/// is a character like any other.
pub(super) fn literal(text: &[u8]) -> Vec<u8> {
    let mut literal = Vec::with_capacity(text.len() + 2);
    literal.push(b'\'');
    for &byte in text {
        if byte == b'\'' {
            literal.push(byte);
        }
        literal.push(byte);
    }
    literal.push(b'\'');
    literal
}
