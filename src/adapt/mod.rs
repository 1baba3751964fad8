//! Carrying out what takes more than passing a statement on.
//!
//! - **Owns** the advisory locks that the proxy keeps between its clients.
//! - **May touch** `wire`, `sql`, `dsql`, `compat`, `config`.
//! - **Must not** know sockets, tokio or `session`.
//! - **Invariants** nothing here waits for anything but a waker; whatever is dropped gives back what
//!   it had.

pub mod locks;
