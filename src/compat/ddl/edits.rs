//! Changes to a statement's text.

use std::collections::BTreeMap;
use std::ops::Range;

use super::change::Change;
use super::plan::DdlPlan;
use super::positions::Positions;

/// Replacements in a text, and what the client is told of them.
#[derive(Debug, Clone)]
pub(super) struct Edits<'a> {
    text: &'a str,
    /// By where what they replace begins and ends.
    all: BTreeMap<(usize, usize), String>,
    notices: Vec<String>,
}

impl<'a> Edits<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            all: BTreeMap::new(),
            notices: Vec::new(),
        }
    }

    /// The same changes again.
    pub(super) fn with(text: &'a str, all: BTreeMap<(usize, usize), String>) -> Self {
        Self {
            text,
            all,
            notices: Vec::new(),
        }
    }

    /// The changes, by where what they replace begins and ends.
    pub(super) fn all(&self) -> &BTreeMap<(usize, usize), String> {
        &self.all
    }

    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    pub(super) fn replace(&mut self, range: Range<usize>, by: impl Into<String>) {
        self.all.insert((range.start, range.end), by.into());
    }

    pub(super) fn insert(&mut self, at: usize, text: impl Into<String>) {
        self.replace(at..at, text);
    }

    /// Takes words out, with the blanks before them.
    pub(super) fn remove(&mut self, range: Range<usize>) {
        self.replace(range, String::new());
    }

    /// Tells the client, once.
    pub(super) fn tell(&mut self, change: &Change<'_>) {
        let notice = change.to_string();
        if !self.notices.contains(&notice) {
            self.notices.push(notice);
        }
    }

    pub(super) fn notices(&self) -> Vec<String> {
        self.notices.clone()
    }

    /// This part of the text with the changes that are in it.
    pub(super) fn apply(&self, part: Range<usize>) -> String {
        self.changed(part).0
    }

    fn changed(&self, part: Range<usize>) -> (String, Positions) {
        let part = part.start..part.end.max(part.start);
        let mut out = String::with_capacity(part.len());
        let mut positions = Positions::default();
        let (mut changed, mut original) = (0, 0);
        let mut copied = part.start;
        for (&(start, end), by) in self.all.range((part.start, 0)..=(part.end, part.end)) {
            if start < copied || end > part.end {
                continue;
            }
            let mut piece = self.slice(copied..start);
            let next = self.slice(end..part.end).chars().next();
            let mut by = by.as_str();
            if by.is_empty() {
                if next.is_none_or(|c| c.is_ascii_whitespace() || ",);".contains(c)) {
                    piece = piece.trim_end_matches([' ', '\t']);
                } else if !piece.ends_with([' ', '\t', '\n', '\r', '(', ',']) {
                    by = " ";
                }
            }
            out.push_str(piece);
            out.push_str(by);
            let length = piece.chars().count();
            positions.copied(changed, original, length);
            changed += length + by.chars().count();
            original += self.slice(copied..end).chars().count();
            copied = end;
        }
        let rest = self.slice(copied..part.end);
        out.push_str(rest);
        positions.copied(changed, original, rest.chars().count());
        (out, positions)
    }

    pub(super) fn slice(&self, range: Range<usize>) -> &'a str {
        self.text.get(range).unwrap_or_default()
    }

    /// The whole text.
    pub(super) fn whole(&self) -> (String, Positions) {
        self.changed(0..self.text.len())
    }

    /// A rewritten text, if there is anything to change.
    pub(super) fn plan(&self) -> Option<DdlPlan> {
        if self.all.is_empty() {
            return None;
        }
        let (sql, positions) = self.whole();
        Some(DdlPlan::Rewrite {
            sql,
            positions,
            notices: self.notices(),
        })
    }
}
