//! The BEGIN that is sent.

use std::borrow::Cow;

use super::emulated::Emulated;
use super::kind::Value;
use crate::compat::Unsupported;
use crate::sql::{self, Isolation, Modes};

impl Emulated {
    /// Notes with which modes a transaction block begins, so that SHOW has them. `text` is the
    /// client's BEGIN or START TRANSACTION.
    pub fn begin(&mut self, text: &[u8]) {
        let Some(begin) = sql::begin_statement(text) else {
            return;
        };
        let modes = begin.modes;
        for (name, default, written) in [
            (
                super::ISOLATION,
                super::DEFAULT_ISOLATION,
                modes.isolation.map(Isolation::as_str),
            ),
            (
                super::READ_ONLY,
                super::DEFAULT_READ_ONLY,
                modes.read_only.map(on_or_off),
            ),
            (
                super::DEFERRABLE,
                super::DEFAULT_DEFERRABLE,
                modes.deferrable.map(on_or_off),
            ),
        ] {
            let value = match written {
                Some(text) if self.keeps(name) => super::parameter(name)
                    .and_then(|parameter| parameter.kind.read(name, text).ok()),
                Some(_) => None,
                None => self.effective(default).cloned(),
            };
            if let Some(value) = value {
                self.note(name, value);
            }
        }
    }

    /// The BEGIN to send in the place of the client's, so that what the session has set holds in
    /// the block, and what DSQL does anyway is not asked of it. What DSQL cannot do stays, and it
    /// refuses. Text that is no BEGIN stays, too.
    pub fn begin_text<'a>(&self, text: &'a [u8]) -> Cow<'a, [u8]> {
        let Some(begin) = sql::begin_statement(text) else {
            return Cow::Borrowed(text);
        };
        let written = begin.modes;
        let sent = Modes {
            isolation: written
                .isolation
                .filter(|level| !self.drops_isolation(*level)),
            read_only: self
                .effective(super::READ_ONLY)
                .or_else(|| {
                    let default = self.effective(super::DEFAULT_READ_ONLY);
                    default.filter(|_| written.read_only.is_none())
                })
                .map_or(written.read_only, |value: &Value| {
                    // READ WRITE is what DSQL does anyway.
                    match (value.number == 1, written.read_only) {
                        (true, _) => Some(true),
                        (false, Some(_)) => Some(false),
                        (false, None) => None,
                    }
                }),
            deferrable: written
                .deferrable
                .filter(|_| !self.keeps(super::DEFERRABLE)),
        };
        if sent == written {
            return Cow::Borrowed(text);
        }
        let mut modes = Vec::new();
        modes.extend(sent.isolation.map(isolation));
        modes.extend(
            sent.read_only
                .map(|on| if on { "READ ONLY" } else { "READ WRITE" }),
        );
        modes.extend(
            sent.deferrable
                .map(|on| if on { "DEFERRABLE" } else { "NOT DEFERRABLE" }),
        );
        let text = format!("{} {}", begin.verb, modes.join(", "));
        Cow::Owned(text.trim_end().to_owned().into_bytes())
    }

    /// Whether DSQL, which runs every transaction at REPEATABLE READ, need not be asked for this
    /// level: a weaker one is less than what it gives, and a stronger one was to be ignored.
    fn drops_isolation(&self, level: Isolation) -> bool {
        match self.policy.action(super::ISOLATION) {
            Unsupported::Ignore => level != Isolation::RepeatableRead,
            Unsupported::Emulate => level < Isolation::RepeatableRead,
            Unsupported::Reject | Unsupported::Forward => false,
        }
    }

    fn keeps(&self, name: &str) -> bool {
        self.policy.action(name).keeps()
    }
}

fn on_or_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

fn isolation(level: Isolation) -> &'static str {
    match level {
        Isolation::ReadUncommitted => "ISOLATION LEVEL READ UNCOMMITTED",
        Isolation::ReadCommitted => "ISOLATION LEVEL READ COMMITTED",
        Isolation::RepeatableRead => "ISOLATION LEVEL REPEATABLE READ",
        Isolation::Serializable => "ISOLATION LEVEL SERIALIZABLE",
    }
}

#[cfg(test)]
mod tests;
