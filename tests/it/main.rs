//! Integration tests, in one binary.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may panic"
)]

mod support;

mod adapt;
mod advisory_locks;
mod architecture;
mod commands;
mod conformance;
mod crashes;
mod failures;
mod goodbyes;
mod hostile;
mod local;
mod metrics;
mod parameters;
mod plain_postgres;
mod pooling;
mod settings;
mod settings_docs;
mod sockets;
mod tokio_postgres;
