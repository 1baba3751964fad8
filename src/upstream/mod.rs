//! One connection to a DSQL cluster.
//!
//! - **Owns** connecting, authenticating, retrying a connect, closing.
//! - **May touch** `wire`, `net`, `iam`, `config`, `dsql`.
//! - **Must not** know SQL or policy.
//! - **Invariants** every connection is authenticated with a token signed for it.
