//! Sockets.
//!
//! - **Owns** TCP, Unix sockets, TLS both ways, keepalive, framed reading and writing.
//! - **May touch** `wire`.
//! - **Must not** know SQL or policy.
//! - **Invariants** a certificate is always verified; every buffer is bounded.
