//! What is counted for a cluster.

use std::time::Duration;

use super::cells::{Counter, Family, Histogram};

/// The counts of one cluster. Whoever does something says so here; the names under which the
/// counts are shown are in [`METRICS`](super::METRICS).
#[derive(Debug)]
pub struct ClusterMetrics {
    /// The label `cluster`.
    pub(super) name: String,
    /// Transactions that ended, those of one statement included.
    pub transactions: Counter,
    /// Statements of clients: a Query message or an Execute.
    pub queries: Counter,
    /// Bytes that clients sent.
    pub received_bytes: Counter,
    /// Bytes sent to clients.
    pub sent_bytes: Counter,
    /// How long clients waited for a server; zero where one was free.
    pub waits: Histogram,
    /// How long it took to open a server, from dialling to ReadyForQuery.
    pub connects: Histogram,
    /// The part of it that TLS took.
    pub tls_handshakes: Histogram,
    /// The part of it that signing took, loading credentials included.
    pub token_signings: Histogram,
    /// Servers opened.
    pub servers_opened: Counter,
    pub(super) servers_closed: Family,
    pub(super) connect_failures: Family,
    pub(super) occ_conflicts: Family,
    pub(super) occ_retries: Family,
    pub(super) pins: Family,
    pub(super) rejections: Family,
    pub(super) cancels: Family,
}

/// What came of repeating a statement after an OCC conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryOutcome {
    /// It went through.
    Succeeded,
    /// The last attempt that is allowed met a conflict again.
    Exhausted,
    /// It failed in another way.
    Failed,
}

impl RetryOutcome {
    const ALL: [Self; 3] = [Self::Succeeded, Self::Exhausted, Self::Failed];

    /// The value of the label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Exhausted => "exhausted",
            Self::Failed => "failed",
        }
    }
}

/// What came of a request to cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelOutcome {
    /// The wait was given up, and nothing can have been committed (57014).
    Canceled,
    /// The wait was given up, and whether it took effect is unknown (08007).
    Unknown,
    /// There was nothing to give up, or it may not be.
    Ignored,
    /// No session has that process id and secret.
    NoSession,
}

impl CancelOutcome {
    const ALL: [Self; 4] = [
        Self::Canceled,
        Self::Unknown,
        Self::Ignored,
        Self::NoSession,
    ];

    /// The value of the label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Canceled => "canceled",
            Self::Unknown => "unknown",
            Self::Ignored => "ignored",
            Self::NoSession => "no_session",
        }
    }
}

impl ClusterMetrics {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            transactions: Counter::default(),
            queries: Counter::default(),
            received_bytes: Counter::default(),
            sent_bytes: Counter::default(),
            waits: Histogram::default(),
            connects: Histogram::default(),
            tls_handshakes: Histogram::default(),
            token_signings: Histogram::default(),
            servers_opened: Counter::default(),
            servers_closed: Family::default(),
            connect_failures: Family::default(),
            occ_conflicts: Family::with(&["OC000", "OC001"]),
            occ_retries: Family::with(&RetryOutcome::ALL.map(RetryOutcome::as_str)),
            pins: Family::default(),
            rejections: Family::default(),
            cancels: Family::with(&CancelOutcome::ALL.map(CancelOutcome::as_str)),
        }
    }

    /// A transaction ended.
    pub fn on_transaction(&self) {
        self.transactions.increment();
    }

    /// A client sent that many statements.
    pub fn on_queries(&self, statements: u64) {
        self.queries.add(statements);
    }

    /// A client sent that many bytes.
    pub fn received(&self, bytes: u64) {
        self.received_bytes.add(bytes);
    }

    /// That many bytes were sent to a client.
    pub fn sent(&self, bytes: u64) {
        self.sent_bytes.add(bytes);
    }

    /// A client waited that long for a server; zero where one was free.
    pub fn waited(&self, duration: Duration) {
        self.waits.record(duration);
    }

    /// A server was opened, which took `whole`, of which TLS and the token took their parts.
    pub fn opened(&self, whole: Duration, tls: Duration, token: Duration) {
        self.servers_opened.increment();
        self.connects.record(whole);
        self.tls_handshakes.record(tls);
        self.token_signings.record(token);
    }

    /// A server could not be opened; `stage` is a word for how far it came, from a fixed set.
    pub fn connect_failed(&self, stage: &'static str) {
        self.connect_failures.increment(stage);
    }

    /// A server was closed, for a reason from a fixed set.
    pub fn closed(&self, reason: &'static str) {
        self.servers_closed.increment(reason);
    }

    /// DSQL reported an OCC conflict with this code, `OC000` or `OC001`.
    pub fn occ_conflict(&self, code: &'static str) {
        self.occ_conflicts.increment(code);
    }

    /// A statement was repeated after an OCC conflict.
    pub fn occ_retry(&self, outcome: RetryOutcome) {
        self.occ_retries.increment(outcome.as_str());
    }

    /// A session was pinned to its server, for a reason from a fixed set.
    pub fn pinned(&self, reason: &'static str) {
        self.pins.increment(reason);
    }

    /// The proxy sent a client an error of its own.
    pub fn rejected(&self, sqlstate: &str) {
        self.rejections.increment(sqlstate);
    }

    /// A client asked to cancel.
    pub fn cancel(&self, outcome: CancelOutcome) {
        self.cancels.increment(outcome.as_str());
    }
}
