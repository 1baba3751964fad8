//! NOWAIT and SKIP LOCKED: DSQL takes both and never waits, as no row is ever locked (seen 2026-09).
//! PostgreSQL would look at locks that DSQL does not have, so it does not get to see them.

use super::Verdict;
use super::edits::Edits;
use super::reader::Reader;

/// A statement that DSQL takes, without what it says about waiting for locks.
pub(super) fn without(statement: &[u8]) -> Verdict {
    let mut edits = Edits::default();
    let mut reader = Reader::new(statement);
    while !reader.at_end() {
        if !(reader.takes("for update") || reader.takes("for key share")) {
            reader.advance();
            continue;
        }
        if reader.take("of") {
            while reader.name().is_some()
                && (reader.take_punctuation(b'.') || reader.take_punctuation(b','))
            {}
        }
        let start = reader.position();
        if reader.takes("skip locked") || reader.take("nowait") {
            edits.remove(Some(start..reader.end_of_read()));
        }
    }
    edits.verdict(statement)
}
