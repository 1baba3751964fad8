//! One client's session as a state machine.
//!
//! - **Owns** the pipeline of expected replies, transaction status.
//! - **May touch** `wire`, `sql`, `dsql`, `compat`.
//! - **Must not** know sockets, tokio or the pool.
//! - **Invariants** replies leave in the order in which their requests came.
