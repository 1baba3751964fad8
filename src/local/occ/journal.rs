//! What a transaction block has done so far and would have to do again.

use super::change::{Change, Target};

/// The most that is kept of a transaction's rows, in bytes: three times DSQL's own limit for a
/// transaction, as rows come with what they were before, and base64 is a third longer.
const MOST: usize = 32 * 1024 * 1024;

/// One thing that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Entry {
    /// A SET: it holds for what follows.
    Set(String),
    /// The transaction's schema change.
    Ddl(String),
    /// Rows changed.
    Rows(Change),
}

/// In order.
#[derive(Debug, Default)]
pub(super) struct Journal {
    entries: Vec<Entry>,
    size: usize,
    rows: u64,
    bytes: u64,
    /// Something is not there that would have to be.
    incomplete: bool,
}

/// A point in the journal to go back to.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mark {
    entries: usize,
    size: usize,
    rows: u64,
    bytes: u64,
    incomplete: bool,
}

impl Journal {
    pub(super) fn told(&mut self, change: Change) {
        if change.operation.writes() {
            self.rows = self.rows.saturating_add(change.rows);
            self.bytes = self.bytes.saturating_add(change.bytes);
        }
        self.size = self.size.saturating_add(change.size());
        if change.is_complete() && self.size <= MOST {
            self.entries.push(Entry::Rows(change));
        } else {
            self.incomplete = true;
        }
    }

    pub(super) fn set(&mut self, sql: String) {
        self.entries.push(Entry::Set(sql));
    }

    pub(super) fn ddl(&mut self, sql: String) {
        self.entries.push(Entry::Ddl(sql));
    }

    pub(super) fn give_up(&mut self) {
        self.incomplete = true;
    }

    pub(super) fn mark(&self) -> Mark {
        Mark {
            entries: self.entries.len(),
            size: self.size,
            rows: self.rows,
            bytes: self.bytes,
            incomplete: self.incomplete,
        }
    }

    /// Forgets what came after the mark.
    pub(super) fn back_to(&mut self, mark: Mark) {
        self.entries.truncate(mark.entries);
        self.size = mark.size;
        self.rows = mark.rows;
        self.bytes = mark.bytes;
        self.incomplete = mark.incomplete;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn is_complete(&self) -> bool {
        !self.incomplete
    }

    pub(super) fn has_ddl(&self) -> bool {
        self.entries.iter().any(|e| matches!(e, Entry::Ddl(_)))
    }

    /// How many rows have been changed.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// The size of the rows that have been changed, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Everything once more, on the tables; `applying` behind every SET, which may have been a
    /// RESET ALL.
    pub(super) fn again(&self, applying: &str, sql: &mut String) {
        for entry in &self.entries {
            match entry {
                Entry::Set(text) | Entry::Ddl(text) => {
                    sql.push_str(text);
                    // The text may end in a comment.
                    sql.push_str("\n;\n");
                    sql.push_str(applying);
                }
                Entry::Rows(change) => change.apply(Target::Table, sql),
            }
        }
    }

    /// The SETs once more.
    pub(super) fn settings(&self, sql: &mut String) {
        for entry in &self.entries {
            if let Entry::Set(text) = entry {
                sql.push_str(text);
                sql.push_str("\n;\n");
            }
        }
    }

    /// True if something was done to a table.
    pub(super) fn touches(&self, table: u32) -> bool {
        self.entries
            .iter()
            .any(|entry| matches!(entry, Entry::Rows(change) if change.table == table))
    }

    /// What was done to one table, on its shadow.
    pub(super) fn on_shadow(&self, table: u32, sql: &mut String) {
        for entry in &self.entries {
            if let Entry::Rows(change) = entry
                && change.table == table
            {
                change.apply(Target::Shadow, sql);
            }
        }
    }
}
