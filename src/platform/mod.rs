//! The operating system around us.
//!
//! - **Owns** signals, child processes, limits of the process.
//! - **May touch** every room below.
//! - **Must not** know the protocol.
//! - **Invariants** no child outlives us.

pub mod child;
pub mod limits;
pub mod signals;
