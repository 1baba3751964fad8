//! What becomes of replies.

use super::replies::{Expected, Position};
use crate::wire::ErrorResponse;

/// What becomes of PostgreSQL's replies to one request.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Shape<'r> {
    pub(super) expected: Expected,
    /// DSQL's error, which the client gets instead of PostgreSQL's.
    pub(super) refusal: Option<&'r ErrorResponse>,
    pub(super) heard: Heard,
    /// CommandComplete waits in [`super::engine::Engine::held`].
    pub(super) hold: bool,
    /// An error waits in [`super::block::Attempt::caught`].
    pub(super) catch: bool,
}

/// What the client gets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Heard {
    /// Everything.
    #[default]
    All,
    /// Errors only.
    Errors,
    /// Nothing.
    Nothing,
}

/// Of a statement of our own.
pub(super) const HIDDEN: Shape<'static> = Shape {
    expected: Expected {
        tag: None,
        position: Position::Elsewhere,
    },
    refusal: None,
    heard: Heard::Errors,
    hold: false,
    catch: false,
};
