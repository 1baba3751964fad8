//! The PostgreSQL wire protocol, 3.0 and 3.2, as values.
//!
//! - **Owns** frames, startup packets, views of the messages we look into, errors, SQLSTATEs.
//! - **May touch** bytes only.
//! - **Must not** know sockets, tokio or SQL.
//! - **Invariants** a decoder reads only its own frame, never panics, never allocates by an unverified length.
