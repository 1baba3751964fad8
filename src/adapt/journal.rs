//! How far a script has come, so that it can be run again from there.
//!
//! A row of `dsql_proxy.scripts` for each script that is under way, by the SHA-256 of its text:
//! how many statements have been applied, and which has been begun. What commits itself is noted
//! before it runs, rows are noted in the transaction that changes them. So there is at most one
//! statement of which it is not known whether it took effect.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::ddl::step;
use super::desk::Desk;
use super::failure::Failure;
use super::jobs::text;
use crate::wire::SqlState;

/// Where it is kept.
const TABLE: &str = "dsql_proxy.scripts";

/// What DDL fails with whose effect is there: `duplicate_column`, `duplicate_schema`,
/// `duplicate_table`, `duplicate_object`, `duplicate_function`; and of a DROP `undefined_table`,
/// `undefined_object`, `undefined_column`, `invalid_schema_name`.
const THERE: &[&str] = &["42701", "42P06", "42P07", "42710", "42723"];
const GONE: &[&str] = &["42P01", "42704", "42703", "3F000"];

/// The progress of a script.
#[derive(Debug)]
pub(super) struct Journal {
    digest: String,
    /// How many statements had been applied when it was opened.
    pub(super) applied: usize,
    /// The statement after those had been begun, and it is not known what became of it.
    in_doubt: bool,
}

impl Journal {
    /// What is known of a script.
    pub(super) async fn open(desk: &Desk, script: &[u8]) -> Result<Self, Failure> {
        let mut digest = String::with_capacity(64);
        for byte in Sha256::digest(script) {
            write!(digest, "{byte:02x}").ok();
        }
        let is_there = format!("SELECT 1 WHERE to_regclass('{TABLE}') IS NOT NULL");
        if step(desk, &is_there)
            .await
            .map_err(unusable)?
            .rows
            .is_empty()
        {
            for sql in [
                "CREATE SCHEMA IF NOT EXISTS dsql_proxy".to_owned(),
                format!(
                    "CREATE TABLE IF NOT EXISTS {TABLE} (digest text PRIMARY KEY, \
                     applied integer NOT NULL, begun integer NOT NULL, \
                     at timestamptz NOT NULL DEFAULT now())"
                ),
            ] {
                step(desk, &sql).await.map_err(unusable)?;
            }
        }
        let find = format!("SELECT applied, begun FROM {TABLE} WHERE digest = '{digest}'");
        let reply = step(desk, &find).await.map_err(unusable)?;
        let number = |column| {
            let row = reply.rows.first();
            row.and_then(|row| text(row, column).parse().ok())
                .unwrap_or(0)
        };
        let (applied, begun) = (number(0), number(1));
        Ok(Self {
            digest,
            applied,
            in_doubt: begun > applied,
        })
    }

    /// The statement that notes how far it has come.
    pub(super) fn note(&self, applied: usize, begun: usize) -> String {
        format!(
            "INSERT INTO {TABLE} (digest, applied, begun) VALUES ('{}', {applied}, {begun}) \
             ON CONFLICT (digest) DO UPDATE SET applied = excluded.applied, \
             begun = excluded.begun, at = now()",
            self.digest
        )
    }

    /// A statement that commits itself is about to run, the one behind so many.
    pub(super) async fn begins(&self, desk: &Desk, applied: usize) -> Result<(), Failure> {
        let note = self.note(applied, applied + 1);
        step(desk, &note).await.map(drop).map_err(unusable)
    }

    /// It has failed, and has no effect.
    pub(super) async fn failed(&self, desk: &Desk, applied: usize) {
        step(desk, &self.note(applied, applied)).await.ok();
    }

    /// The script has come to its end.
    pub(super) async fn close(&self, desk: &Desk) {
        let sql = format!("DELETE FROM {TABLE} WHERE digest = '{}'", self.digest);
        step(desk, &sql).await.ok();
    }

    /// Whether an error says that the statement behind so many took effect the last time.
    pub(super) fn is_done(&self, applied: usize, statement: &[u8], failure: &Failure) -> bool {
        let drops = crate::sql::kind(statement) == crate::sql::StatementKind::Drop;
        let known = if drops { GONE } else { THERE };
        self.in_doubt
            && applied == self.applied
            && failure
                .sqlstate()
                .is_some_and(|code| known.contains(&code.as_str()))
    }
}

/// Whether it is not known what became of a statement with this error.
pub(super) fn is_unknown(failure: &Failure) -> bool {
    let code = failure.sqlstate();
    [SqlState::OUTCOME_UNKNOWN, SqlState::CONNECTION_FAILURE]
        .into_iter()
        .any(|unknown| code == Some(unknown))
}

fn unusable(failure: Failure) -> Failure {
    failure
        .detail("The progress of the script could not be kept. Nothing more of it has been run.")
        .hint(Some(
            "Grant the role the right to create and use dsql_proxy.scripts, or start dsql-proxy \
             without --resume-scripts."
                .to_owned(),
        ))
}
