//! The faults of one session.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::fault::{CommitFault, StatementFault};
use super::{Faults, Injected};

/// A statement that is about to run.
#[derive(Debug, Clone, Copy)]
pub struct Statement<'a> {
    /// Its text.
    pub text: &'a [u8],
    /// Whether it is in a transaction block.
    pub in_block: bool,
}

/// What a session is told from outside.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Signals {
    pub(super) cut: bool,
    pub(super) expire: bool,
}

/// What one session asks. The session is listed as long as this value lives.
#[derive(Debug)]
pub struct SessionFaults {
    faults: Faults,
    process_id: i32,
    signals: watch::Receiver<Signals>,
    /// The faults that wait for the COMMIT of this transaction.
    touched: Mutex<BTreeSet<u64>>,
}

impl SessionFaults {
    pub(super) fn new(faults: Faults, process_id: i32, signals: watch::Receiver<Signals>) -> Self {
        Self {
            faults,
            process_id,
            signals,
            touched: Mutex::default(),
        }
    }

    /// What to tell the client as its process id (BackendKeyData).
    pub fn process_id(&self) -> i32 {
        self.process_id
    }

    /// The session has another `application_name`.
    pub fn set_application_name(&self, name: &str) {
        self.faults.registry().rename(self.process_id, name);
    }

    /// What is to happen to a statement: before each that is not BEGIN, COMMIT or
    /// ROLLBACK.
    pub fn at_statement(&self, statement: &Statement<'_>) -> Injected<StatementFault> {
        let mut touched = self.touched();
        let mut registry = self.faults.registry();
        registry.at_statement(self.process_id, statement, &mut touched)
    }

    /// What is to happen to a COMMIT, or to the end of an autocommit statement.
    pub fn at_commit(&self) -> Injected<CommitFault> {
        let touched = std::mem::take(&mut *self.touched());
        self.faults.registry().at_commit(self.process_id, &touched)
    }

    /// A transaction ended without a COMMIT.
    pub fn rolled_back(&self) {
        self.touched().clear();
    }

    /// Whether OC001 is due now that the session would use a catalog that it cached before
    /// another session's change.
    pub fn stale_catalog(&self) -> bool {
        self.faults.registry().stale_catalog(self.process_id)
    }

    /// Ready when the connection shall end, at once and without a word. Cancel-safe.
    pub async fn cut_requested(&self) {
        self.signaled(|signals| signals.cut).await;
    }

    /// Ready when the session has reached its age before its time. Cancel-safe.
    pub async fn expiry_requested(&self) {
        self.signaled(|signals| signals.expire).await;
    }

    async fn signaled(&self, is_set: impl Fn(&Signals) -> bool) {
        let mut signals = self.signals.clone();
        if signals.wait_for(|signals| is_set(signals)).await.is_err() {
            // Nobody can say anything any more.
            std::future::pending::<()>().await;
        }
    }

    fn touched(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.touched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for SessionFaults {
    fn drop(&mut self) {
        self.faults.registry().delist(self.process_id);
    }
}
