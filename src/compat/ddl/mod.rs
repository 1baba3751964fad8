//! DDL that DSQL takes in another form only: one statement in, a plan out.
//!
//! A statement that is not understood to its last word is not touched: DSQL answers it. What is
//! changed is changed token by token, so that comments, strings and the formatting stay.
//!
//! What DSQL takes and what it refuses is in [`crate::dsql`], with who says so. Only what means
//! the same is put in a statement's place; for the rest, [`hint()`] says what to do instead.

mod action;
mod add_column;
mod alter_table;
mod change;
mod class;
mod clause;
mod column;
mod constraint;
mod edits;
mod hint;
mod index;
mod name;
mod plan;
mod positions;
mod sequence;
mod serial;
mod table;
mod uuid;
mod volatility;

pub use class::is_ddl;
pub use hint::{hint, hint_for_other};
pub use plan::{
    AddColumn, AddConstraint, AddUnique, AlterPlan, AlterStep, ColumnDefault, DdlPlan, IndexPlan,
    Table,
};
pub use positions::Positions;
pub use serial::{AtOnce, CreatePlan, OwnSequence, SerialColumn};
pub use uuid::with_gen_random_uuid;

use crate::sql::{self, Reader, StatementKind, Token, TokenKind};
use edits::Edits;

/// What is to become of a statement. Anything but one whole statement of DDL in UTF-8 passes.
pub fn plan(statement: &[u8]) -> DdlPlan {
    find(statement).unwrap_or(DdlPlan::Pass)
}

fn find(statement: &[u8]) -> Option<DdlPlan> {
    let kind = sql::kind(statement);
    if !matches!(
        kind,
        StatementKind::Create | StatementKind::Alter | StatementKind::Drop
    ) {
        return None;
    }
    let text = std::str::from_utf8(statement).ok()?;
    if !sql::is_single_statement(statement) || !is_well_formed(text) {
        return None;
    }
    let mut edits = Edits::new(text);
    let mut reader = Reader::new(statement);
    reader.advance()?;
    match kind {
        StatementKind::Create => create(&mut reader, edits),
        StatementKind::Alter if reader.take("TABLE") => alter_table::plan(&mut reader, edits),
        StatementKind::Alter if reader.take("SEQUENCE") => {
            sequence::alter(&mut reader, &mut edits)?;
            edits.plan()
        }
        StatementKind::Drop if reader.take("INDEX") => {
            index::drop(&mut reader, &mut edits);
            edits.plan()
        }
        _ => None,
    }
}

fn create(reader: &mut Reader<'_>, mut edits: Edits<'_>) -> Option<DdlPlan> {
    if reader.is("INDEX") || reader.sees("UNIQUE INDEX") {
        return index::create(reader, edits);
    }
    if reader.take("TABLE") {
        return table::create(reader, edits);
    }
    if reader.take("SEQUENCE") {
        sequence::create(reader, &mut edits)?;
    } else if reader.is_any(&["DOMAIN", "VIEW"]) || reader.sees("OR REPLACE VIEW") {
        uuid::edit(&mut edits);
    }
    edits.plan()
}

/// Whether its tokens are whole and its parentheses match: otherwise it is a syntax error, and of
/// one nothing must be carried out.
fn is_well_formed(text: &str) -> bool {
    let mut open: Vec<u8> = Vec::new();
    for Token { kind, .. } in sql::Lexer::new(text.as_bytes()) {
        match kind {
            TokenKind::Unterminated(_) | TokenKind::Unknown => return false,
            TokenKind::Punctuation(mark @ (b'(' | b'[')) => open.push(mark),
            TokenKind::Punctuation(b')') if open.pop() != Some(b'(') => return false,
            TokenKind::Punctuation(b']') if open.pop() != Some(b'[') => return false,
            _ => {}
        }
    }
    open.is_empty()
}

#[cfg(test)]
mod tests;
