//! PostgreSQL's parameters, kept for a session where DSQL does not let it set them.
//!
//! [`super::Policy`] says what happens to a parameter and to a statement about parameters;
//! [`Emulated`] holds the values of one session and gives the answers. How the values act is up
//! to whoever has a clock and the messages: [`Emulated::timeout`], [`Emulated::message_level`],
//! [`Emulated::begin_text`].

mod answer;
mod ask;
mod begin;
mod check;
mod emulated;
mod fixed;
mod kind;
mod level;
mod number;
mod place;
mod table;
mod unit;

pub use answer::{Answered, Failed, Outcome};
pub use ask::{Ask, Asked, Change, Lasting};
pub use emulated::{Emulated, Timeout};
pub use kind::{Kind, Value};
pub use level::Level;
pub use place::{Block, TransactionEnd};
pub use unit::Unit;

/// A parameter of PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameter {
    /// Its name in lower case, which is also how PostgreSQL shows it.
    pub name: &'static str,
    /// When it may be set.
    pub context: Context,
    /// What values it takes.
    pub kind: Kind,
    /// Its value where nobody has set it.
    pub boot: &'static str,
    /// The first version of PostgreSQL that has it; 16 stands for every earlier one, too.
    pub since: u8,
}

/// When a parameter may be set (PostgreSQL manual, `pg_settings.context`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    /// By everybody.
    User,
    /// By superusers, which DSQL has none of.
    Superuser,
    /// When a session begins.
    Backend,
    /// In the configuration of the server.
    Sighup,
    /// When the server starts.
    Postmaster,
    /// Never.
    Internal,
}

/// The version that DSQL reports, whose SHOW knows every parameter up to it. Seen 2026-09.
const SERVER_VERSION: u8 = 16;

/// The parameters that the proxy can do something about.
pub const EMULATED: &[&str] = &[
    CLIENT_MIN_MESSAGES,
    DEFAULT_DEFERRABLE,
    DEFAULT_ISOLATION,
    DEFAULT_READ_ONLY,
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "lock_timeout",
    "statement_timeout",
    DEFERRABLE,
    ISOLATION,
    READ_ONLY,
    "transaction_timeout",
];

pub(super) const CLIENT_MIN_MESSAGES: &str = "client_min_messages";
pub(super) const DEFAULT_DEFERRABLE: &str = "default_transaction_deferrable";
pub(super) const DEFAULT_ISOLATION: &str = "default_transaction_isolation";
pub(super) const DEFAULT_READ_ONLY: &str = "default_transaction_read_only";
pub(super) const DEFERRABLE: &str = "transaction_deferrable";
pub(super) const ISOLATION: &str = "transaction_isolation";
pub(super) const READ_ONLY: &str = "transaction_read_only";
pub(super) const STRINGS: &str = "standard_conforming_strings";

/// The parameters of a transaction, and those that they begin with.
const OF_TRANSACTION: &[(&str, &str)] = &[
    (ISOLATION, DEFAULT_ISOLATION),
    (READ_ONLY, DEFAULT_READ_ONLY),
    (DEFERRABLE, DEFAULT_DEFERRABLE),
];

/// The parameter `name`, in lower case, if a session may set it and DSQL does not let it.
pub fn parameter(name: &str) -> Option<&'static Parameter> {
    let place = table::TABLE.binary_search_by(|parameter| parameter.name.cmp(name));
    place.ok().and_then(|place| table::TABLE.get(place))
}

/// Whether the proxy can do something about the parameter `name`, in lower case.
pub fn is_emulated(name: &str) -> bool {
    EMULATED.contains(&name)
}

/// When the parameter `name`, in lower case, may be set; `None` for those that DSQL supports and
/// those that PostgreSQL 18 does not know.
pub fn context(name: &str) -> Option<Context> {
    match parameter(name) {
        Some(parameter) => Some(parameter.context),
        None => fixed::context(name),
    }
}

/// Whether `name` is of the form `a.b`, which any session may set (PostgreSQL manual §20.16).
pub fn is_custom(name: &str) -> bool {
    name.contains('.')
}

#[cfg(test)]
mod tests;
