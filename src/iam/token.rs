//! A signed token: the password of one login.

use std::fmt;
use zeroize::Zeroizing;

/// A signed token. Prints as `redacted` and is wiped when dropped.
///
/// Not `Clone`: each login has its own.
pub struct Token(Zeroizing<String>);

impl Token {
    pub(super) fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The token itself, to be written into a password message or to a script that asked for it,
    /// and nowhere else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("redacted")
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("redacted")
    }
}

#[cfg(test)]
mod tests;
