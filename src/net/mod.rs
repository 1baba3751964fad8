//! Sockets.
//!
//! - **Owns** TCP, Unix sockets, TLS both ways, keepalive, framed reading and writing.
//! - **May touch** `wire`.
//! - **Must not** know SQL or policy.
//! - **Invariants** a certificate is always verified; every buffer is bounded.

pub mod address;
pub mod buffered;
pub mod buffers;
pub mod dial;
pub mod listen;
pub mod random;
pub mod source;
pub mod tls_client;
pub mod tls_server;
pub mod trust;
