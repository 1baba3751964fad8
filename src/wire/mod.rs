//! The PostgreSQL wire protocol, 3.0 and 3.2, as values.
//!
//! - **Owns** frames, startup packets, views of the messages we look into, errors, SQLSTATEs.
//! - **May touch** bytes only.
//! - **Must not** know sockets, tokio or SQL.
//! - **Invariants** a decoder reads only its own frame, never panics, never allocates by an
//!   unverified length.
//!
//! Section names in the documentation are those of the PostgreSQL manual, chapter
//! "Frontend/Backend Protocol".

#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm
)]

/// Constants for the type bytes of messages (manual, "Message Formats").
macro_rules! tags {
    ($($(#[$doc:meta])* $name:ident = $tag:literal;)*) => {
        $($(#[$doc])* pub const $name: u8 = $tag;)*
    };
}

pub mod backend;
mod cursor;
pub mod encode;
pub mod error;
pub mod frame;
pub mod frontend;
mod sqlstate;
pub mod startup;

#[cfg(test)]
mod proptests;
#[cfg(test)]
mod tests;

pub use cursor::Cursor;
pub use error::{ErrorFields, ErrorResponse, Severity};
pub use frame::{FrameError, FrameScanner, Step};
pub use sqlstate::SqlState;

/// A message whose body does not have the form that its type byte promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed {message} message: {why}")]
pub struct Malformed {
    /// The message's name in the PostgreSQL manual.
    pub message: &'static str,
    /// What is wrong with it.
    pub why: &'static str,
}

impl Malformed {
    pub(crate) const fn new(message: &'static str, why: &'static str) -> Self {
        Self { message, why }
    }
}
