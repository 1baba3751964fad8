//! The ways in which a probe runs.

use std::fmt;

use super::probe::{Expectation, Mark, Message, Probe, Step};
use crate::sql;
use crate::wire::SqlState;

/// How statements are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// As a Query.
    Simple,
    /// As Parse, Bind, Describe, Execute and Sync.
    Extended,
}

/// Where a statement runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Block {
    /// By itself.
    Outside,
    /// After BEGIN.
    Inside,
}

/// One way to run a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Variant {
    /// How statements are sent.
    pub protocol: Protocol,
    /// Where they run.
    pub block: Block,
}

impl Variant {
    const ALL: [Self; 4] = [
        Self::new(Protocol::Simple, Block::Outside),
        Self::new(Protocol::Extended, Block::Outside),
        Self::new(Protocol::Simple, Block::Inside),
        Self::new(Protocol::Extended, Block::Inside),
    ];

    const fn new(protocol: Protocol, block: Block) -> Self {
        Self { protocol, block }
    }

    /// The ways in which `probe` runs.
    pub fn of(probe: &Probe) -> Vec<Self> {
        Self::ALL
            .into_iter()
            .filter(|variant| variant.suits(probe))
            .collect()
    }

    fn suits(self, probe: &Probe) -> bool {
        let several = probe.steps.iter().any(|step| is_several(&step.text));
        // Of a connection there is nothing left for a block.
        let connects = probe
            .steps
            .iter()
            .any(|step| step.text.starts_with('\\') || step.expect == Expectation::Closed);
        let protocol = match self.protocol {
            Protocol::Simple => !probe.is(Mark::Extended),
            // Parse takes one statement.
            Protocol::Extended => !probe.is(Mark::Simple) && !several && !probe.is(Mark::Once),
        };
        let block = match self.block {
            Block::Outside => !probe.is(Mark::Inside),
            Block::Inside => {
                !probe.is(Mark::Outside) && !probe.is(Mark::Once) && !probe.is_script && !connects
            }
        };
        protocol && block
    }

    /// What is sent, with the answers that follow from the block.
    pub(super) fn steps(self, probe: &Probe) -> Vec<Step> {
        match self.block {
            Block::Outside => probe.steps.clone(),
            Block::Inside => {
                let fails = probe
                    .steps
                    .iter()
                    .any(|step| matches!(step.expect, Expectation::Error { .. }));
                let mut steps = vec![ok("BEGIN", "BEGIN")];
                steps.extend(probe.steps.iter().cloned());
                if fails {
                    steps.push(in_failed_transaction());
                    steps.push(ok("COMMIT", "ROLLBACK"));
                } else {
                    steps.push(ok("ROLLBACK", "ROLLBACK"));
                }
                steps
            }
        }
    }
}

fn is_several(text: &str) -> bool {
    sql::statements(text.as_bytes()).take(2).count() > 1
}

fn ok(text: &str, tag: &str) -> Step {
    Step {
        session: 'a',
        text: text.to_owned(),
        data: Vec::new(),
        expect: Expectation::Success {
            tags: vec![tag.to_owned()],
            rows: None,
        },
        status: None,
    }
}

/// PostgreSQL's own answer, which DSQL has kept (recorded, 2026-09).
fn in_failed_transaction() -> Step {
    let text = "current transaction is aborted, commands ignored until end of transaction block";
    Step {
        expect: Expectation::Error {
            sqlstate: Some(SqlState::IN_FAILED_TRANSACTION),
            message: Message::Exact(text.to_owned()),
        },
        ..ok("SELECT 1", "")
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = match self.protocol {
            Protocol::Simple => "simple",
            Protocol::Extended => "extended",
        };
        match self.block {
            Block::Outside => f.write_str(protocol),
            Block::Inside => write!(f, "{protocol} in a block"),
        }
    }
}
