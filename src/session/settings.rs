//! The parameters of a session that are not at the server's own default.
//!
//! They are not modelled: after a transaction that may have changed some, the server is asked
//! ([`READ_BACK`]), and what it says is repeated on the next server that the session gets
//! ([`Settings::difference`], [`inject`]).

mod change;
mod read_back;
mod startup;
mod value;

pub use change::{Change, inject};
pub use read_back::{MAX_BYTES, READ_BACK, ReadBack, ReadBackError};
pub use startup::{Startup, startup_settings};

use bytes::Bytes;

use crate::sql::PinReason;

/// The encoding of everything that the client and the server say to each other.
const CLIENT_ENCODING: &[u8] = b"client_encoding";

const SEARCH_PATH: &[u8] = b"search_path";

/// Parameters under which the server reads the text of a statement and folds its constants at
/// Parse: a statement prepared under other ones is another statement. DSQL lets a session set the
/// first five.
const FOLDED: &[&str] = &[
    "client_encoding",
    "datestyle",
    "intervalstyle",
    "search_path",
    "timezone",
    "array_nulls",
    "backslash_quote",
    "default_text_search_config",
    "lc_monetary",
    "timezone_abbreviations",
    "transform_null_equals",
    "xmloption",
];

/// Parameters that could end the injection itself. They are set last.
const TIMEOUTS: &[&str] = &[
    "idle_in_transaction_session_timeout",
    "lock_timeout",
    "statement_timeout",
    "transaction_timeout",
];

/// Names in lower case and values, sorted by name. What is not in it has the server's default.
///
/// Values are bytes in the session's own `client_encoding`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Settings {
    values: Vec<(Bytes, Bytes)>,
    /// Those of them that statements are folded under.
    folded: FoldKey,
}

/// See [`Settings::fold_key`]. Empty, and without an allocation, in most sessions.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct FoldKey(Vec<(&'static str, Bytes)>);

impl FoldKey {
    fn get(&self, name: &[u8]) -> Option<&Bytes> {
        let mut values = self.0.iter();
        values
            .find(|(other, _)| other.as_bytes() == name)
            .map(|(_, value)| value)
    }
}

/// How settings differ from those that a statement is folded under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoldChange {
    /// Not at all.
    None,
    /// In the `search_path` at least: PostgreSQL analyses the statement anew where it uses it.
    Path,
    /// In others: PostgreSQL goes on with the constants as they were folded.
    Values,
}

impl FromIterator<(Bytes, Bytes)> for Settings {
    /// Names in any case. Of several values of one name, the last counts.
    fn from_iter<I: IntoIterator<Item = (Bytes, Bytes)>>(values: I) -> Self {
        let mut settings = Self::default();
        for (name, value) in values {
            settings.insert(&name, value);
        }
        settings
    }
}

impl Settings {
    fn insert(&mut self, name: &[u8], value: Bytes) {
        let name = name.to_ascii_lowercase();
        let is_folded = FOLDED.iter().any(|folded| *folded.as_bytes() == *name);
        match self.values.binary_search_by(|(n, _)| n[..].cmp(&name[..])) {
            Ok(at) => {
                if let Some((_, old)) = self.values.get_mut(at) {
                    *old = value;
                }
            }
            Err(at) => self.values.insert(at, (name.into(), value)),
        }
        if is_folded {
            let folded = FOLDED
                .iter()
                .filter_map(|name| Some((*name, self.get(name.as_bytes())?.clone())));
            self.folded = FoldKey(folded.collect());
        }
    }

    /// The value of the parameter with this name, in lower case.
    pub fn get(&self, name: &[u8]) -> Option<&Bytes> {
        let found = self.values.binary_search_by(|(n, _)| n[..].cmp(name));
        self.values.get(found.ok()?).map(|(_, value)| value)
    }

    /// True if every parameter has the server's default.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Names in lower case and values, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&Bytes, &Bytes)> {
        self.values.iter().map(|(name, value)| (name, value))
    }

    /// These, and those of `below` that are not among them: a client's own startup values are
    /// what RESET goes back to.
    #[must_use]
    pub fn over(&self, below: &Self) -> Self {
        let mut all = below.clone();
        for (name, value) in &self.values {
            all.insert(name, value.clone());
        }
        all
    }

    /// What makes a server that has these settings have the `wanted` ones, in this order:
    /// `client_encoding`, because the values are in it; then what is reset, because some
    /// parameters exclude others; then what is set, timeouts last.
    ///
    /// Once all of it has succeeded, the server has the wanted settings: there is no need to read
    /// them back.
    pub fn difference(&self, wanted: &Self) -> impl Iterator<Item = Change> + use<> {
        let encoding = self.get(CLIENT_ENCODING) != wanted.get(CLIENT_ENCODING);
        let mut changes = Vec::new();
        for (name, _) in &self.values {
            if wanted.get(name).is_none() {
                changes.push(Change::Reset { name: name.clone() });
            }
        }
        for (name, value) in &wanted.values {
            // The same bytes in another encoding are another value.
            if self.get(name) != Some(value) || (encoding && !value.is_ascii()) {
                changes.push(Change::Set {
                    name: name.clone(),
                    value: value.clone(),
                });
            }
        }
        if changes.len() > 1 {
            changes.sort_by_key(Change::rank);
        }
        changes.into_iter()
    }

    /// What the server reads statements under. Prepared statements can be shared between sessions
    /// with equal keys.
    pub fn fold_key(&self) -> FoldKey {
        self.folded.clone()
    }

    /// In what these settings differ from those that a statement is folded under.
    pub fn fold_change(&self, key: &FoldKey) -> FoldChange {
        if self.folded == *key {
            FoldChange::None
        } else if self.folded.get(SEARCH_PATH) == key.get(SEARCH_PATH) {
            FoldChange::Values
        } else {
            FoldChange::Path
        }
    }

    /// These settings, but for those that a statement is folded under.
    #[must_use]
    pub fn with(&self, key: &FoldKey) -> Self {
        let others = self
            .values
            .iter()
            .filter(|(name, _)| !FOLDED.iter().any(|folded| folded.as_bytes() == name));
        let folded = key
            .0
            .iter()
            .map(|(name, value)| (Bytes::from_static(name.as_bytes()), value.clone()));
        others.cloned().chain(folded).collect()
    }

    /// Why a session with these settings cannot leave its server, whatever its statements show.
    pub fn pin(&self) -> Option<PinReason> {
        let strings = self.get(b"standard_conforming_strings");
        if strings.is_some_and(|value| &value[..] != b"on") {
            return Some(PinReason::StringSyntax);
        }
        // Whatever it makes without the name of a schema may be temporary.
        let path = self.get(SEARCH_PATH)?;
        value::mentions_temporary_schema(path).then_some(PinReason::TemporaryObject)
    }
}

#[cfg(test)]
mod tests;
