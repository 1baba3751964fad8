//! ALTER TABLE.

use std::collections::BTreeSet;

use super::action::{self, Action, Pass, What};
use super::change::Change;
use super::edits::Edits;
use super::index;
use super::plan::{AlterPlan, AlterStep, DdlPlan, Table};
use super::uuid;
use crate::sql::Reader;

/// What follows `ALTER TABLE`.
///
/// Steps are made only of actions that are all understood, and that DSQL has all: otherwise the
/// whole goes to DSQL, which refuses it before anything is done.
pub(super) fn plan(reader: &mut Reader<'_>, mut edits: Edits<'_>) -> Option<DdlPlan> {
    let if_exists = reader.takes("IF EXISTS");
    // No table of DSQL has children.
    reader.take("ONLY");
    let table = index::table(reader, &edits)?;
    let star = |token| reader.bytes(token) == b"*";
    if reader.peek().is_some_and(star) {
        reader.advance();
    }
    uuid::edit(&mut edits);
    let mut actions = Vec::new();
    let mut all_known = true;
    while let Some(mut element) = reader.element() {
        match action::read(&mut element, &table, &mut edits) {
            Some(action) => actions.push(action),
            None => all_known = false,
        }
        if !reader.take_punctuation(b',') {
            break;
        }
        // Nothing behind a comma.
        all_known &= !reader.at_end();
    }
    all_known &= reader.at_end();
    let is_step = |action: &Action| matches!(action.what, What::Step(_));
    if !all_known || !actions.iter().any(is_step) {
        return edits.plan();
    }
    let steps = steps(actions, &table, &edits);
    tell(&steps, &mut edits);
    Some(DdlPlan::Alter(AlterPlan {
        table,
        if_exists,
        steps,
        notices: edits.notices(),
    }))
}

/// The steps in their order; what stands together and DSQL takes as written, in one.
fn steps(mut actions: Vec<Action>, table: &Table, edits: &Edits<'_>) -> Vec<AlterStep> {
    let added: BTreeSet<_> = actions
        .iter()
        .filter(|action| action.pass == Pass::AddColumn)
        .map(|action| action.column.clone())
        .collect();
    actions.sort_by_key(|action| match action.pass {
        // Which makes room for another column of its name.
        Pass::DropColumn if added.contains(&action.column) => Pass::Drop,
        pass => pass,
    });
    let mut steps = Vec::new();
    let mut written: Vec<String> = Vec::new();
    for Action { what, .. } in actions {
        match what {
            What::AsWritten(at) => written.push(edits.apply(at)),
            What::Step(step) => {
                if !written.is_empty() {
                    steps.push(AlterStep::Run(table.alter(&written.join(", "))));
                    written.clear();
                }
                steps.push(step);
            }
        }
    }
    if !written.is_empty() {
        steps.push(AlterStep::Run(table.alter(&written.join(", "))));
    }
    steps
}

fn tell(steps: &[AlterStep], edits: &mut Edits<'_>) {
    let several = |step: &AlterStep| {
        !matches!(
            step,
            AlterStep::DropNotNull { .. } | AlterStep::Validate { .. }
        )
    };
    if steps.len() > 1 || steps.iter().any(several) {
        edits.tell(&Change::Steps);
    }
    for step in steps {
        if let AlterStep::AddColumn(new) = step
            && new.sequence.is_some()
        {
            edits.tell(&Change::AddedSerial {
                column: &new.column,
            });
        }
    }
}
