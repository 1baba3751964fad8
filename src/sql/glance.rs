//! One look at a text: what it may do to the session it runs in.
//!
//! This is on the path of every statement. SELECT, INSERT, UPDATE and DELETE that call nothing
//! unusual cost one loop over their bytes; everything else is read token by token.
//!
//! Doubt counts as yes. What is not seen: what functions, triggers, views and operators do inside
//! that a user has made, apart from [`Traits::UNKNOWN_FUNCTION`]; and a text is read with
//! `standard_conforming_strings` on, as everywhere here (see [`Traits::STRING_SYNTAX`]).

mod call;
mod harmless;
mod quick;
mod scan;
mod set_config;
mod statement;
mod traits;

pub use traits::{PinReason, Traits};

use super::kind::{StatementKind, kind};
use super::split;

/// How many statements a text has, empty ones not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// None: whitespace, comments and semicolons.
    Empty,
    /// One.
    One,
    /// More than one. They share an implicit transaction in a Query, and are an error in a Parse.
    Several,
}

/// What one look at a text shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glance {
    /// What it may do to its session.
    pub traits: Traits,
    /// What its first statement is.
    pub first: StatementKind,
    /// How many statements it has.
    pub count: Count,
}

/// Looks at the text of a Query or Parse: any number of statements, any bytes.
pub fn glance(text: &[u8]) -> Glance {
    let first = kind(text);
    if quick::is_plain(text, first) {
        let traits = match first {
            StatementKind::Select => Traits::NONE,
            _ => Traits::SEQUENCE_WRITE,
        };
        return Glance {
            traits,
            first,
            count: Count::One,
        };
    }
    thorough(text, first)
}

fn thorough(text: &[u8], first: StatementKind) -> Glance {
    let mut traits = Traits::NONE;
    let mut count = Count::Empty;
    let mut controls = false;
    for statement in split::statements(text).filter(|statement| !statement.is_empty()) {
        count = match count {
            Count::Empty => Count::One,
            Count::One | Count::Several => Count::Several,
        };
        let bytes = statement.bytes(text);
        controls |= is_transaction_control(kind(bytes));
        traits |= statement::statement(bytes);
    }
    if controls && count == Count::Several {
        traits |= Traits::TRANSACTION_CONTROL;
    }
    Glance {
        traits,
        first,
        count,
    }
}

fn is_transaction_control(kind: StatementKind) -> bool {
    use StatementKind as K;
    matches!(
        kind,
        K::Begin
            | K::Commit
            | K::Rollback
            | K::Savepoint
            | K::Release
            | K::RollbackToSavepoint
            | K::PrepareTransaction
            | K::CommitPrepared
            | K::RollbackPrepared
    )
}

#[cfg(test)]
mod tests;
