//! CREATE TABLE with serial columns: their sequences, the table, and who owns them.

use super::ddl::{attempt, step, tell};
use super::desk::Desk;
use super::failure::Failure;
use crate::compat::ddl::{CreatePlan, OwnSequence, SerialColumn};
use crate::wire::SqlState;

/// Makes a table. Nothing stays of it if that fails.
pub(super) async fn table(desk: &Desk, plan: &CreatePlan) -> Result<(), Failure> {
    let exists = step(desk, &format!("SELECT 1 WHERE {}", plan.exists())).await?;
    if !exists.rows.is_empty() {
        return at_once(desk, plan).await;
    }
    let mut sequences = Vec::new();
    for column in &plan.columns {
        match sequence(desk, plan, column).await {
            Ok(sequence) => sequences.push(sequence),
            Err(failure) => return Err(undo(desk, failure, &sequences).await),
        }
    }
    let (sql, positions) = plan.create(&sequences);
    if let Err(failure) = attempt(desk, &sql).await {
        let taken = is_taken(&failure);
        let failure = undo(desk, failure.in_original(&positions), &sequences).await;
        return if taken {
            // Somebody else was faster.
            at_once(desk, plan).await
        } else {
            Err(failure)
        };
    }
    for sequence in &sequences {
        if let Err(failure) = step(desk, &sequence.own).await {
            return Err(failure.detail(&format!(
                "The table is there and complete, but does not own its sequence. Run it yourself: \
                 {}",
                sequence.own
            )));
        }
    }
    tell(desk, &plan.notices);
    Ok(())
}

/// Has the server say what there is to be said of a table that is there already.
async fn at_once(desk: &Desk, plan: &CreatePlan) -> Result<(), Failure> {
    let done = attempt(desk, &plan.at_once.sql).await;
    let done = done.map_err(|failure| failure.in_original(&plan.at_once.positions));
    done.map(|_| ())
}

/// Makes the sequence of a column, with the first name that is free.
async fn sequence(
    desk: &Desk,
    plan: &CreatePlan,
    column: &SerialColumn,
) -> Result<OwnSequence, Failure> {
    let mut number = 0;
    loop {
        let sequence = plan.sequence(column, number);
        match step(desk, &sequence.create).await {
            Ok(_) => return Ok(sequence),
            Err(failure) if is_taken(&failure) => number += 1,
            Err(failure) => return Err(failure),
        }
    }
}

/// Whether another relation has the name.
fn is_taken(failure: &Failure) -> bool {
    failure.sqlstate() == Some(SqlState::DUPLICATE_TABLE)
}

/// Drops the sequences again.
async fn undo(desk: &Desk, failure: Failure, sequences: &[OwnSequence]) -> Failure {
    let mut failure = failure;
    for sequence in sequences {
        if let Err(other) = step(desk, &sequence.drop).await {
            failure = failure.detail(&format!(
                "A sequence that had been created could not be dropped again ({}). Run it \
                 yourself: {}",
                other.message(),
                sequence.drop
            ));
        }
    }
    failure
}
