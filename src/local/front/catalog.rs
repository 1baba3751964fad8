//! The version of the catalog, which every change of any session moves on.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts the transactions that changed the catalog.
#[derive(Debug, Default)]
pub(in crate::local) struct Catalog {
    version: AtomicU64,
    /// How many of them were jobs.
    jobs: AtomicU64,
}

impl Catalog {
    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::SeqCst)
    }

    pub(super) fn jobs(&self) -> u64 {
        self.jobs.load(Ordering::SeqCst)
    }

    /// A job is about to commit a change. Whoever reads the version and then the jobs knows of
    /// every job that is in that version.
    pub(super) fn changed_by_job(&self) {
        self.jobs.fetch_add(1, Ordering::SeqCst);
        self.changed();
    }

    /// A change was committed. Returns its version.
    pub(super) fn changed(&self) -> u64 {
        self.version.fetch_add(1, Ordering::SeqCst).wrapping_add(1)
    }
}
