//! SQL text, seen as tokens.
//!
//! - **Owns** the lossless lexer, statement splitting, statement kinds.
//! - **May touch** text only.
//! - **Must not** know the wire protocol or tokio.
//! - **Invariants** the tokens of a text, put together, are the text.
