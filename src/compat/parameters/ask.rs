//! What a statement asks of a session's parameters.

use crate::sql::{Argument, SettingCalls, SettingFunction};

/// A statement that the proxy may answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// SET.
    Set {
        /// What is set, in this order.
        changes: Vec<Change>,
        /// For how long.
        lasting: Lasting,
    },
    /// RESET of this parameter.
    Reset(String),
    /// RESET ALL, which the server has to run too.
    ResetAll,
    /// SHOW of this parameter.
    Show(String),
    /// `SELECT set_config(…), current_setting(…)`.
    Select {
        /// The calls.
        calls: SettingCalls,
        /// The statement.
        text: Vec<u8>,
    },
}

/// A parameter and what it is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The parameter, as it was written.
    pub name: String,
    /// What it is set to.
    pub to: Asked,
}

/// What a parameter is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// DEFAULT.
    Default,
    /// FROM CURRENT.
    Current,
    /// These values; more than one for a list.
    To(Vec<String>),
}

/// For how long a SET is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasting {
    /// SET, SET SESSION, SET SESSION CHARACTERISTICS.
    Session,
    /// SET LOCAL.
    Local,
    /// SET TRANSACTION.
    Transaction,
}

/// `text` of `pg_type`.
const TEXT: u32 = 25;

/// `bool` of `pg_type`.
const BOOL: u32 = 16;

impl Ask {
    /// The names of the columns of the answer, which are all of the type `text`; none where the
    /// answer has no rows.
    pub fn columns(&self) -> Vec<String> {
        match self {
            Self::Set { .. } | Self::Reset(_) | Self::ResetAll => Vec::new(),
            Self::Show(name) => vec![name.clone()],
            Self::Select { calls, .. } => {
                calls.calls.iter().map(|call| call.column.clone()).collect()
            }
        }
    }

    /// The types of the parameters `$1`, `$2` … as ParameterDescription has them (oids of
    /// `pg_type`).
    pub fn parameter_types(&self) -> Vec<u32> {
        let mut types = Vec::new();
        let Self::Select { calls, .. } = self else {
            return types;
        };
        let mut add = |argument: &Argument, oid| {
            if let Argument::Parameter(number) = argument {
                let place = usize::from(*number).saturating_sub(1);
                if types.len() <= place {
                    types.resize(place + 1, TEXT);
                }
                if let Some(found) = types.get_mut(place) {
                    *found = oid;
                }
            }
        };
        for call in &calls.calls {
            match &call.function {
                SettingFunction::Set {
                    name,
                    value,
                    is_local,
                } => {
                    add(is_local, BOOL);
                    add(value, TEXT);
                    add(name, TEXT);
                }
                SettingFunction::Current { name, missing_ok } => {
                    add(missing_ok, BOOL);
                    add(name, TEXT);
                }
            }
        }
        types
    }
}
