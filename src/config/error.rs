//! What is wrong with the settings.

use super::source::Source;

/// The settings cannot be used. `Display` is the whole text for the user: where the bad value was
/// given, what is expected, and what comes close.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl ConfigError {
    /// An error with this text.
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The value `text`, given at `source`, is not what is `expected`.
    pub(super) fn invalid(source: &Source, text: &str, expected: &str) -> Self {
        Self(format!("{source}: invalid value `{text}`: {expected}"))
    }

    /// Something other than a value is wrong at `source`.
    pub(super) fn at(source: &Source, text: &str) -> Self {
        Self(format!("{source}: {text}"))
    }
}
