//! Where in its transactions a session stands.

/// The transaction block that a statement is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Block {
    /// None.
    None,
    /// One whose BEGIN the server has not seen yet.
    Unsent,
    /// One whose BEGIN the server has seen, and no query yet: nothing that takes a snapshot.
    Sent,
    /// One in which a query has run. Whoever does not know says this rather than [`Block::Sent`].
    Queried,
}

/// How a transaction has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransactionEnd {
    /// It has committed.
    Committed,
    /// It has been rolled back, or has failed.
    RolledBack,
}
