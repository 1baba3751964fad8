//! Settings.
//!
//! - **Owns** one table of settings, from which flags, environment variables, TOML keys and their documentation come.
//! - **May touch** `dsql`.
//! - **Must not** open a socket.
//! - **Invariants** everything is checked before a port is bound.
