//! The values of one session.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Parameter;
use super::ask::Asked;
use super::check;
use super::kind::{self, Value};
use super::level::Level;
use super::place::{Block, TransactionEnd};
use crate::compat::{Policy, Unsupported};
use crate::wire::{ErrorResponse, SqlState};

/// The parameters of a session that the proxy keeps, because DSQL does not.
///
/// Values follow transactions as PostgreSQL's do: whoever runs the statements says how each
/// transaction has ended, that of a single statement too ([`Emulated::ended`]).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Emulated {
    pub(super) policy: Policy,
    entries: BTreeMap<String, Entry>,
}

/// A parameter that has been set. One that no longer differs from its default stays if it is a
/// custom one, since it is known from then on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    /// As SHOW names its column.
    name: String,
    /// What the client's startup packet says.
    startup: Option<Value>,
    /// What holds now; nothing is the default.
    current: Option<Value>,
    /// What the open transaction has changed.
    pending: Option<Pending>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Pending {
    /// What holds again if the transaction is rolled back.
    before: Option<Value>,
    /// What holds if it commits.
    after: Option<Value>,
}

/// For how long a value holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hold {
    Session,
    Local,
}

/// Why a parameter is not set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// The statement fails.
    Error(Box<ErrorResponse>),
    /// Only the server can say.
    Forward,
}

impl From<ErrorResponse> for Stop {
    fn from(error: ErrorResponse) -> Self {
        Self::Error(Box::new(error))
    }
}

/// A limit of time that a session may set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timeout {
    /// `statement_timeout`.
    Statement,
    /// `lock_timeout`.
    Lock,
    /// `transaction_timeout`.
    Transaction,
    /// `idle_in_transaction_session_timeout`.
    IdleInTransaction,
    /// `idle_session_timeout`.
    IdleSession,
}

impl Timeout {
    /// The parameter.
    pub fn parameter(self) -> &'static str {
        match self {
            Self::Statement => "statement_timeout",
            Self::Lock => "lock_timeout",
            Self::Transaction => "transaction_timeout",
            Self::IdleInTransaction => "idle_in_transaction_session_timeout",
            Self::IdleSession => "idle_session_timeout",
        }
    }
}

impl Emulated {
    /// The parameters of a session that begins with `kept`, in the order of its startup packet:
    /// what [`Policy::startup_parameter`] and [`Policy::options`] say to keep. RESET goes back to
    /// these. The error is FATAL, with PostgreSQL's text.
    pub fn start(policy: Policy, kept: &[(String, String)]) -> Result<Self, ErrorResponse> {
        let mut session = Self {
            policy,
            entries: BTreeMap::new(),
        };
        for (name, text) in kept {
            let key = name.to_ascii_lowercase();
            let value = session
                .read(name, &key, text, true)
                .map_err(|error| error.severity(crate::wire::Severity::Fatal))?;
            // A transaction that has not begun has none.
            if is_of_transaction(&key) {
                continue;
            }
            let entry = session.entry(key, name);
            entry.startup = Some(value.clone());
            entry.current = Some(value);
        }
        Ok(session)
    }

    /// How the transaction has ended in which the session's last statements were.
    pub fn ended(&mut self, how: TransactionEnd) {
        for entry in self.entries.values_mut() {
            if let Some(pending) = entry.pending.take() {
                entry.current = match how {
                    TransactionEnd::Committed => pending.after,
                    TransactionEnd::RolledBack => pending.before,
                };
            }
        }
        self.entries.retain(|key, entry| {
            entry.current.is_some() || entry.startup.is_some() || super::is_custom(key)
        });
    }

    /// Sets every parameter back: RESET ALL, and DISCARD ALL. Part of the transaction.
    pub fn reset_all(&mut self) {
        for (key, entry) in &mut self.entries {
            if !is_of_transaction(key) {
                entry.set(entry.startup.clone(), Hold::Session);
            }
        }
    }

    /// How long something may take, if the session has said so and the proxy shall see to it.
    pub fn timeout(&self, which: Timeout) -> Option<Duration> {
        let name = which.parameter();
        let value = self.effective(name)?;
        let milliseconds = u64::try_from(value.number).ok()?;
        (milliseconds > 0).then(|| Duration::from_millis(milliseconds))
    }

    /// Which notices the client gets. Those that the server has not sent it does not get.
    pub fn message_level(&self) -> Level {
        self.effective(super::CLIENT_MIN_MESSAGES)
            .and_then(|value| Level::from_name(&value.shown))
            .unwrap_or(Level::Debug5)
    }

    /// Whether a statement outside of a transaction block must not write
    /// (`default_transaction_read_only`). Inside, the BEGIN that is sent says so.
    pub fn is_read_only(&self) -> bool {
        self.effective(super::DEFAULT_READ_ONLY)
            .is_some_and(|value| value.number == 1)
    }

    /// What SHOW has for the parameter `name`, in lower case, if the session knows that.
    pub fn shown(&self, name: &str, block: Block) -> Option<String> {
        let own = self.entries.get(name);
        if let Some(value) = own.and_then(|entry| entry.current.as_ref()) {
            return Some(value.shown.clone());
        }
        if own.is_some() && super::is_custom(name) {
            return Some(String::new());
        }
        // Between blocks, a transaction has what the next one begins with.
        let defaults = super::OF_TRANSACTION.iter();
        let default = defaults
            .filter(|_| block == Block::None)
            .find(|(own, _)| *own == name)
            .and_then(|(_, default)| self.effective(default));
        if let Some(value) = default {
            return Some(value.shown.clone());
        }
        let newer = super::parameter(name).filter(|found| found.since > super::SERVER_VERSION)?;
        newer
            .kind
            .read(name, newer.boot)
            .ok()
            .map(|value| value.shown)
    }

    /// The column of a SHOW.
    pub(super) fn column(&self, name: &str) -> String {
        let entry = self.entries.get(name);
        entry.map_or_else(|| name.to_owned(), |entry| entry.name.clone())
    }

    /// The value of a parameter that the proxy shall make true.
    pub(super) fn effective(&self, name: &str) -> Option<&Value> {
        let value = self.entries.get(name)?.current.as_ref()?;
        (self.policy.action(name) == Unsupported::Emulate).then_some(value)
    }

    /// Sets a parameter, `name` as it was written, and says what SHOW has then.
    pub(super) fn set(
        &mut self,
        name: &str,
        to: &Asked,
        hold: Hold,
        block: Block,
    ) -> Result<String, Stop> {
        let key = name.to_ascii_lowercase();
        let found = super::parameter(&key);
        if *to == Asked::Current && super::is_custom(&key) && !self.entries.contains_key(&key) {
            return Err(check::unknown(name).into());
        }
        self.may_set(&key, false)?;
        if *to == Asked::Default && is_of_transaction(&key) {
            return Err(ErrorResponse::error(
                SqlState::FEATURE_NOT_SUPPORTED,
                format!("parameter \"{key}\" cannot be reset"),
            )
            .into());
        }
        let value = match to {
            Asked::Default => self
                .entries
                .get(&key)
                .and_then(|entry| entry.startup.clone()),
            Asked::Current => match self.shown(&key, block) {
                Some(text) => Some(self.read(name, &key, &text, false)?),
                None => None,
            },
            Asked::To(values) => {
                let text = kind::join(&key, found.map(|found| found.kind), values)?;
                Some(self.read(name, &key, &text, false)?)
            }
        };
        if let Some(value) = value.as_ref().filter(|_| is_of_transaction(&key)) {
            self.check_transaction(&key, value, block)?;
        }
        let hold = if is_of_transaction(&key) {
            Hold::Local
        } else {
            hold
        };
        let shown = value.as_ref().map(|value| value.shown.clone());
        self.entry(key.clone(), name).set(value, hold);
        Ok(shown.unwrap_or_else(|| default_of(found)))
    }

    /// Notes a mode with which a transaction begins.
    pub(super) fn note(&mut self, name: &'static str, value: Value) {
        self.entry(name.to_owned(), name)
            .set(Some(value), Hold::Local);
    }

    fn entry(&mut self, key: String, name: &str) -> &mut Entry {
        self.entries.entry(key).or_insert_with_key(|key| Entry {
            // Names of PostgreSQL's own are shown as it has them.
            name: if super::is_custom(key) {
                name.to_owned()
            } else {
                key.clone()
            },
            startup: None,
            current: None,
            pending: None,
        })
    }
}

impl Entry {
    fn set(&mut self, value: Option<Value>, hold: Hold) {
        let pending = self.pending.get_or_insert_with(|| Pending {
            before: self.current.clone(),
            after: self.current.clone(),
        });
        if hold == Hold::Session {
            pending.after.clone_from(&value);
        }
        self.current = value;
    }
}

fn is_of_transaction(key: &str) -> bool {
    super::OF_TRANSACTION.iter().any(|(own, _)| *own == key)
}

/// What SHOW has for a parameter that nobody has set.
fn default_of(parameter: Option<&Parameter>) -> String {
    parameter
        .and_then(|found| found.kind.read(found.name, found.boot).ok())
        .map(|value| value.shown)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
