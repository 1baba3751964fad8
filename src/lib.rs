//! dsql-proxy: a local sidecar proxy for Amazon Aurora DSQL.
//!
//! The library holds the rooms, the binary is one call to [`cli::main`]. Which room owns what,
//! and which may use which, is written in `ARCHITECTURE.md` and enforced by
//! `tests/it/architecture.rs`.

pub mod adapt;
pub mod cli;
pub mod compat;
pub mod config;
pub mod conformance;
pub mod dsql;
pub mod iam;
pub mod local;
pub mod net;
pub mod observe;
pub mod platform;
pub mod pool;
pub mod proxy;
pub mod session;
pub mod sql;
pub mod upstream;
pub mod wire;
