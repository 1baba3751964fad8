//! Credentials, regions and tokens.
//!
//! - **Owns** everything that touches AWS.
//! - **May touch** `config`, `dsql`.
//! - **Must not** know the wire protocol or SQL.
//! - **Invariants** a token is never logged, printed, stored or put into an error.
