//! What came of a run.

use std::collections::BTreeMap;
use std::fmt;

use super::probe::{Mark, Probe};
use super::variant::Variant;

/// A probe that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// File and line.
    pub place: String,
    /// The statement that was answered otherwise, or the probe's own.
    pub statement: String,
    /// In which ways.
    pub variants: Vec<Variant>,
    /// What was expected.
    pub expected: String,
    /// What came.
    pub came: String,
    /// Whether nobody has recorded what was expected.
    pub is_inferred: bool,
    /// Where the expectation comes from.
    pub source: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let variants: Vec<_> = self.variants.iter().map(ToString::to_string).collect();
        let inferred = if self.is_inferred { " (inferred)" } else { "" };
        write!(
            f,
            "{}{inferred} [{}] {}\n    expected {}\n    got      {}",
            self.place,
            variants.join(", "),
            shortened(&self.statement),
            self.expected,
            shortened(&self.came),
        )
    }
}

/// Long statements are those that fill a limit: their beginning says enough.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 240;
    let text = text.replace('\n', " ");
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// Numbers of probes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// How many ran.
    pub ran: usize,
    /// How many of them failed in at least one way.
    pub failed: usize,
}

impl Tally {
    fn count(&mut self, failed: bool) {
        self.ran += 1;
        self.failed += usize::from(failed);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let passed = self.ran.saturating_sub(self.failed);
        write!(f, "{passed:>4} of {:>4}", self.ran)?;
        if self.failed > 0 {
            write!(f, ", {} failed", self.failed)?;
        }
        Ok(())
    }
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// What failed, in the order of the files.
    pub failures: Vec<Failure>,
    /// By subject.
    pub subjects: BTreeMap<String, Tally>,
    /// Those that somebody has recorded or documented.
    pub recorded: Tally,
    /// Those that nobody has.
    pub inferred: Tally,
}

impl Report {
    /// Whether every probe came out as expected.
    pub fn is_clean(&self) -> bool {
        self.failures.is_empty()
    }

    pub(super) fn add(&mut self, probe: &Probe, failures: Vec<Failure>) {
        let failed = !failures.is_empty();
        self.subjects
            .entry(probe.subject.clone())
            .or_default()
            .count(failed);
        if probe.is(Mark::Inferred) {
            self.inferred.count(failed);
        } else {
            self.recorded.count(failed);
        }
        self.failures.extend(failures);
    }

    /// The numbers, one subject a line.
    pub fn summary(&self) -> String {
        let all = [("recorded", self.recorded), ("inferred", self.inferred)];
        let subjects = self.subjects.iter();
        let lines = subjects
            .map(|(name, tally)| (name.as_str(), *tally))
            .chain(all);
        let width = lines.clone().map(|(name, _)| name.len()).max();
        let width = width.unwrap_or_default();
        let lines: Vec<_> = lines
            .map(|(name, tally)| format!("{name:width$}  {tally}\n"))
            .collect();
        lines.concat()
    }
}
