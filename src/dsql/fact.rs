//! What every fact has: the words of an answer, and who says so.

/// Answers that a real cluster gave, recorded statement by statement.
pub const RECORDED: &str = "recorded from a cluster";
/// What AWS's own "dsql" skill for coding agents says that a cluster answered.
pub const SKILL: &str = "AWS's agent skill, observed on a cluster";
/// A public table of what a live cluster can do.
pub const CAPABILITIES: &str = "public capability table, observed on a cluster";
/// Public write-ups of what a live cluster answered.
pub const WRITE_UP: &str = "public write-ups, observed on a cluster";
/// The Aurora DSQL user guide.
pub const GUIDE: &str = "Aurora DSQL user guide";
/// The release notes in the user guide.
pub const RELEASE_NOTES: &str = "Aurora DSQL release notes";
/// AWS's linter and its grammar, whose tests only assert that a cluster refuses a statement: the
/// text is inferred from the pattern of recorded ones.
pub const LINTER: &str = "AWS's dsql-lint asserts the refusal; text inferred from the pattern";
/// Nobody says so, but everything like it is answered like this.
pub const INFERRED: &str = "inferred from the pattern";

/// An answer of DSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// Its SQLSTATE.
    pub sqlstate: &'static str,
    /// Its text. `{}` stands for what the answer names, where it names something.
    pub text: &'static str,
    /// Who says so.
    pub source: &'static str,
    /// The date up to which it is known to hold: year and month, or a full date.
    pub date: &'static str,
}

/// `feature_not_supported`, the SQLSTATE of nearly every refusal.
pub const NOT_SUPPORTED: &str = "0A000";

impl Answer {
    /// An answer with SQLSTATE 0A000.
    pub const fn refused(text: &'static str, source: &'static str, date: &'static str) -> Self {
        Self {
            sqlstate: NOT_SUPPORTED,
            text,
            source,
            date,
        }
    }

    /// The same answer with another SQLSTATE.
    #[must_use]
    pub const fn state(mut self, sqlstate: &'static str) -> Self {
        self.sqlstate = sqlstate;
        self
    }

    /// The text about `what`.
    pub fn about(&self, what: &str) -> String {
        self.text.replacen("{}", what, 1)
    }
}
