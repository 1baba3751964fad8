//! The operating system around us.
//!
//! - **Owns** signals, child processes, users.
//! - **May touch** every room below.
//! - **Must not** know the protocol.
//! - **Invariants** no child outlives us.
