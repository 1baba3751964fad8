//! The version of the catalog, which every change of any session moves on.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts the transactions that changed the catalog.
#[derive(Debug, Default)]
pub(in crate::local) struct Catalog {
    version: AtomicU64,
}

impl Catalog {
    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::SeqCst)
    }

    /// A change was committed. Returns its version.
    pub(super) fn changed(&self) -> u64 {
        self.version.fetch_add(1, Ordering::SeqCst).wrapping_add(1)
    }
}
