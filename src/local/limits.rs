//! The limits of a local cluster.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::dsql::limits::{self, Limit, Raised};

/// The limits of a local cluster: DSQL's own, and those that were set otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    changed: BTreeMap<&'static str, u64>,
}

impl Limits {
    /// Sets a limit, in its unit.
    pub fn set(&mut self, limit: &Limit, value: u64) {
        self.changed.insert(limit.name, value);
    }

    /// What holds, in the unit of the limit.
    pub fn of(&self, limit: &Limit) -> u64 {
        let changed = self.changed.get(limit.name).copied();
        changed.unwrap_or(limit.value)
    }

    /// What holds, of a limit whose unit is a second.
    pub fn duration(&self, limit: &Limit) -> Duration {
        Duration::from_secs(self.of(limit))
    }

    /// The limits that a statement or a COMMIT can cross, for the SQL behind the front, by name.
    pub fn catalog(&self) -> impl Iterator<Item = (&'static str, u64)> {
        limits::ALL
            .iter()
            .filter(|limit| matches!(limit.raised, Raised::Statement | Raised::Commit))
            .map(|limit| (limit.name, self.of(limit)))
    }

    /// SQL that writes [`Limits::catalog`] where the SQL behind the front looks for it.
    pub(super) fn script(&self) -> String {
        // Names are ours and need no escaping.
        let rows: Vec<_> = self
            .catalog()
            .map(|(name, value)| format!("('{name}', {value})"))
            .collect();
        // A row that is not larger is not looked at (`bootstrap/sizes.sql`).
        let large_value = [&limits::VALUE_SIZE, &limits::ROW_SIZE]
            .map(|limit| self.of(limit))
            .into_iter()
            .fold(i32::MAX.unsigned_abs().into(), u64::min);
        let large_row = self.of(&limits::KEY_SIZE).min(large_value);
        // PostgreSQL counts it in KiB, in 31 bits. Our own sessions have no limit
        // (`bootstrap/roles.sql`).
        let memory = (self.of(&limits::QUERY_MEMORY) / 1024).min(i32::MAX.unsigned_abs().into());
        format!(
            "SET LOCAL allow_system_table_mods = on;
             DO $$ BEGIN
               IF to_regclass('pg_catalog.dsql_local_limits') IS NOT NULL THEN
                 INSERT INTO pg_catalog.dsql_local_limits (name, value) VALUES {}
                   ON CONFLICT (name) DO UPDATE SET value = excluded.value;
               END IF;
             END $$;
             ALTER DATABASE postgres SET dsql_local.large_row = {large_row};
             ALTER DATABASE postgres SET dsql_local.large_value = {large_value};
             ALTER DATABASE postgres SET temp_file_limit = '{memory}kB';",
            rows.join(", ")
        )
    }
}

impl FromIterator<(&'static Limit, u64)> for Limits {
    /// Of a limit that is there twice, the last holds.
    fn from_iter<I: IntoIterator<Item = (&'static Limit, u64)>>(values: I) -> Self {
        let mut limits = Self::default();
        for (limit, value) in values {
            limits.set(limit, value);
        }
        limits
    }
}

#[cfg(test)]
mod tests;
