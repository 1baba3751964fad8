//! What may not be set, and to what.

use super::Context;
use super::emulated::{Emulated, Stop};
use super::kind::{Kind, Value};
use super::place::Block;
use crate::compat::{Refusal, Unsupported, hint};
use crate::dsql::parameters;
use crate::sql::Isolation;
use crate::wire::{ErrorResponse, SqlState};

impl Emulated {
    /// Whether a session may set the parameter at all (`set_config_option` of `guc.c`).
    pub(super) fn may_set(&self, key: &str, at_startup: bool) -> Result<(), ErrorResponse> {
        let cannot = |text: &str| {
            Err(ErrorResponse::error(
                SqlState::CANNOT_CHANGE_PARAMETER,
                format!("parameter \"{key}\" cannot be {text}"),
            ))
        };
        match super::context(key) {
            Some(Context::User) => Ok(()),
            // Who names it has decided.
            _ if self.policy.is_named(key) => Ok(()),
            Some(Context::Superuser) => Err(ErrorResponse::error(
                SqlState::INSUFFICIENT_PRIVILEGE,
                format!("permission denied to set parameter \"{key}\""),
            )
            .hint(hint::for_superuser(key))),
            Some(Context::Backend) if at_startup => Ok(()),
            Some(Context::Backend) => cannot("set after connection start"),
            Some(Context::Sighup) => cannot("changed now"),
            Some(Context::Postmaster) => cannot("changed without restarting the server"),
            Some(Context::Internal) => cannot("changed"),
            None if super::is_custom(key) => check_custom(key),
            None => Err(unknown(key)),
        }
    }

    /// Reads a value that the session may have.
    pub(super) fn read(
        &self,
        name: &str,
        key: &str,
        text: &str,
        at_startup: bool,
    ) -> Result<Value, ErrorResponse> {
        self.may_set(key, at_startup)?;
        let kind = super::parameter(key).map_or(Kind::Text, |found| found.kind);
        let value = kind.read(key, text)?;
        match self.refusal(name, key, &value) {
            Some(refusal) => Err(ErrorResponse::error(
                SqlState::FEATURE_NOT_SUPPORTED,
                refusal.message,
            )
            .hint(refusal.hint)),
            None => Ok(value),
        }
    }

    /// The refusal of a value that must not look as if it held.
    fn refusal(&self, name: &str, key: &str, value: &Value) -> Option<Refusal> {
        let hint = match key {
            super::ISOLATION | super::DEFAULT_ISOLATION
                if value.shown == Isolation::Serializable.as_str()
                    && self.policy.action(key) == Unsupported::Emulate =>
            {
                hint::for_serializable(key)
            }
            super::STRINGS if value.number == 0 => hint::STRINGS.to_owned(),
            _ => return None,
        };
        Some(Refusal {
            sqlstate: parameters::SQLSTATE,
            message: parameters::not_supported(name),
            hint,
        })
    }

    /// What PostgreSQL does not allow once a transaction has begun (`check_transaction_read_only`
    /// and its neighbours in `variable.c`), and what comes too late for us.
    pub(super) fn check_transaction(
        &self,
        key: &str,
        value: &Value,
        block: Block,
    ) -> Result<(), Stop> {
        let queried = match block {
            Block::None | Block::Unsent => return Ok(()),
            Block::Sent => false,
            Block::Queried => true,
        };
        let too_late = |text: &str| {
            Err(Stop::from(ErrorResponse::error(
                SqlState::ACTIVE_TRANSACTION,
                text,
            )))
        };
        let now = self.shown(key, block);
        match key {
            super::DEFERRABLE | super::ISOLATION if !queried => Ok(()),
            super::DEFERRABLE => {
                too_late("SET TRANSACTION [NOT] DEFERRABLE must be called before any query")
            }
            super::ISOLATION => {
                let now = now.unwrap_or_else(|| Isolation::RepeatableRead.as_str().to_owned());
                if now == value.shown {
                    Ok(())
                } else {
                    too_late("SET TRANSACTION ISOLATION LEVEL must be called before any query")
                }
            }
            _ => match (now.as_deref() == Some("on"), value.number == 1) {
                (true, false) if queried => {
                    too_late("transaction read-write mode must be set before any query")
                }
                // The server has begun another kind of transaction.
                (is, to) if is != to && self.policy.action(key) == Unsupported::Emulate => {
                    Err(Stop::Forward)
                }
                _ => Ok(()),
            },
        }
    }
}

pub(super) fn unknown(name: &str) -> ErrorResponse {
    ErrorResponse::error(
        SqlState::UNDEFINED_OBJECT,
        format!("unrecognized configuration parameter \"{name}\""),
    )
}

/// `valid_custom_variable_name` of `guc.c`.
fn check_custom(name: &str) -> Result<(), ErrorResponse> {
    let is_identifier = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii())
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$' || !c.is_ascii())
    };
    if name.split('.').all(is_identifier) {
        return Ok(());
    }
    Err(ErrorResponse::error(
        SqlState::INVALID_NAME,
        format!("invalid configuration parameter name \"{name}\""),
    )
    .detail("Custom parameter names must be two or more simple identifiers separated by dots."))
}
