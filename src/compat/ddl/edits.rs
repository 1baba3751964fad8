//! Changes to a statement's text.

use std::ops::Range;

use super::change::Change;
use super::plan::DdlPlan;

/// Replacements in a text, and what the client is told of them.
#[derive(Debug, Clone)]
pub(super) struct Edits<'a> {
    text: &'a str,
    all: Vec<(Range<usize>, String)>,
    notices: Vec<String>,
}

impl<'a> Edits<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            all: Vec::new(),
            notices: Vec::new(),
        }
    }

    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    pub(super) fn replace(&mut self, range: Range<usize>, by: impl Into<String>) {
        self.all.push((range, by.into()));
    }

    pub(super) fn insert(&mut self, at: usize, text: impl Into<String>) {
        self.all.push((at..at, text.into()));
    }

    /// Takes words out, with the blanks before them.
    pub(super) fn remove(&mut self, range: Range<usize>) {
        self.all.push((range, String::new()));
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
        let mut changes: Vec<_> = self
            .all
            .iter()
            .filter(|(range, _)| part.start <= range.start && range.end <= part.end)
            .collect();
        changes.sort_by_key(|(range, _)| (range.start, range.end));
        let mut out = String::with_capacity(self.text.len() + 64);
        let mut copied = part.start;
        for (range, by) in changes {
            if range.start < copied {
                continue;
            }
            out.push_str(self.slice(copied..range.start));
            copied = range.end;
            if by.is_empty() {
                let next = self.slice(copied..part.end).chars().next();
                if next.is_none_or(|c| c.is_ascii_whitespace() || ",);".contains(c)) {
                    out.truncate(out.trim_end_matches([' ', '\t']).len());
                } else if !out.ends_with([' ', '\t', '\n', '\r', '(', ',']) {
                    out.push(' ');
                }
            } else {
                out.push_str(by);
            }
        }
        out.push_str(self.slice(copied..part.end));
        out
    }

    pub(super) fn slice(&self, range: Range<usize>) -> &'a str {
        self.text.get(range).unwrap_or_default()
    }

    /// The whole text.
    pub(super) fn whole(&self) -> String {
        self.apply(0..self.text.len())
    }

    /// A rewritten text, if there is anything to change.
    pub(super) fn plan(&self) -> Option<DdlPlan> {
        (!self.all.is_empty()).then(|| DdlPlan::Rewrite {
            sql: self.whole(),
            notices: self.notices(),
        })
    }
}
