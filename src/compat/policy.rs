//! Session parameters: what happens to them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::parameters::{self as known, Ask, Asked, Change, Lasting};
use super::{hint, options};
use crate::dsql::parameters::{self, Support};
use crate::sql::{self, Isolation, Modes, SetStatement, StatementKind, Target, Value, Verb};

/// What to do about a parameter that DSQL does not let a session set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unsupported {
    /// Answer in DSQL's place, with DSQL's error and a HINT.
    #[default]
    Reject,
    /// Answer as PostgreSQL would, remember the value, and do no more.
    Ignore,
    /// The same, and see to it that the value holds, where that is possible.
    Emulate,
    /// Send it to the server, which may be newer than our list, or a plain PostgreSQL.
    Forward,
}

impl Unsupported {
    /// Whether the proxy keeps the value.
    pub fn keeps(self) -> bool {
        matches!(self, Self::Ignore | Self::Emulate)
    }
}

/// What to do about DDL that DSQL takes in another form, or not together with other statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ddl {
    /// Run it as DSQL takes it.
    #[default]
    Adapt,
    /// Send it to the server as it is.
    Pass,
}

/// What to do about DDL among other statements of a transaction block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DdlTransactions {
    /// Leave it to DSQL to refuse.
    #[default]
    Reject,
    /// Commit what came before it, run it alone, and go on in another transaction.
    Autocommit,
}

/// What to do about advisory locks, which DSQL does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AdvisoryLocks {
    /// Keep them between the clients of this proxy.
    #[default]
    Local,
    /// Leave them to the server.
    Forward,
    /// Refuse them as DSQL does.
    Reject,
}

/// An error in the server's place. It goes out as FATAL while a session starts, as ERROR after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Field C.
    pub sqlstate: &'static str,
    /// Field M: DSQL's own text.
    pub message: String,
    /// Field H.
    pub hint: String,
}

/// What to do with one startup parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Send it to the server.
    Forward,
    /// Refuse the session.
    Refuse(Refusal),
    /// Do not send it: the session keeps it ([`known::Emulated::start`]).
    Keep,
}

/// What the startup parameter `options` comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// What it sets on the server, with the names as they were written.
    pub settings: Vec<(String, String)>,
    /// What the session keeps.
    pub kept: Vec<(String, String)>,
    /// The value to send, without what is kept; empty where nothing is left.
    pub rest: String,
}

/// What to do with the text of a Query or Parse message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// Send it to the server.
    Forward,
    /// Answer with an error.
    Refuse(Refusal),
    /// Ask the session's own parameters ([`known::Emulated::answer`]).
    Answer(Ask),
}

/// What we do about session parameters. It knows no transaction: inside a transaction block the
/// caller sends what is refused here to DSQL all the same, so that the block really aborts, and
/// adds [`super::hint_for`] to DSQL's answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// What to do about what DSQL does not support.
    pub unsupported: Unsupported,
    /// What to do about DDL.
    pub ddl: Ddl,
    /// What to do about DDL in a transaction block.
    pub ddl_transactions: DdlTransactions,
    /// What to do about advisory locks.
    pub advisory_locks: AdvisoryLocks,
    /// Whether it is kept how far scripts have come.
    pub resume_scripts: bool,
    /// Parameters about which something else is to be done, by their names in lower case.
    pub parameters: Arc<BTreeMap<String, Unsupported>>,
}

impl Policy {
    /// What to do about the parameter `name`, in any case. [`Unsupported::Emulate`] only where
    /// that is possible.
    pub fn action(&self, name: &str) -> Unsupported {
        let name = name.to_ascii_lowercase();
        let support = parameters::support(&name);
        if support == Support::Supported {
            return Unsupported::Forward;
        }
        let named = self.parameters.get(&name).copied();
        let action = match (named, support) {
            (Some(named), _) => named,
            (None, Support::Unsupported) => self.unsupported,
            (None, _) => return Unsupported::Forward,
        };
        match action {
            Unsupported::Reject | Unsupported::Forward => action,
            // Who somebody is cannot be made up along the way.
            _ if named.is_none() && name == SESSION_AUTHORIZATION => Unsupported::Reject,
            // PostgreSQL 18 does not know it; DSQL says so.
            _ if !known::is_custom(&name) && known::context(&name).is_none() => {
                Unsupported::Forward
            }
            Unsupported::Emulate if !known::is_emulated(&name) => Unsupported::Ignore,
            action => action,
        }
    }

    /// Whether an own action for this parameter, in lower case, has been given.
    pub(super) fn is_named(&self, name: &str) -> bool {
        self.parameters.contains_key(name)
    }

    /// Whether a session may have parameters of its own at all. Where it may not,
    /// [`Policy::statement`] gives no [`Plan::Answer`].
    pub fn keeps_any(&self) -> bool {
        self.unsupported.keeps() || self.parameters.values().any(|action| action.keeps())
    }

    /// Judges one parameter of the startup packet. The names of the protocol itself (`user`,
    /// `database`, `options`, `replication`, `_pq_.…`) are not parameters: do not ask for them.
    pub fn startup_parameter(&self, name: &str) -> Verdict {
        match self.action(name) {
            Unsupported::Forward => Verdict::Forward,
            Unsupported::Reject => Verdict::Refuse(refusal(name, &[name])),
            Unsupported::Ignore | Unsupported::Emulate => Verdict::Keep,
        }
    }

    /// Judges the startup parameter `options` (see [`options::settings`]): what is to be sent and
    /// what is kept, or the first refusal.
    pub fn options(&self, value: &str) -> Result<Options, Refusal> {
        let mut refused = None;
        let (rest, kept) = options::without(value, |name| {
            match self.startup_parameter(&options::parameter(name)) {
                Verdict::Forward => false,
                Verdict::Keep => true,
                Verdict::Refuse(refusal) => {
                    refused.get_or_insert(refusal);
                    false
                }
            }
        });
        match refused {
            Some(refusal) => Err(refusal),
            None => Ok(Options {
                settings: options::settings(&rest),
                kept: kept
                    .into_iter()
                    .map(|(name, value)| (options::parameter(&name), value))
                    .collect(),
                rest,
            }),
        }
    }

    /// Judges the text of a Query or Parse. Only a text of a single statement is ever refused or
    /// answered: what stands among other statements is DSQL's to refuse, since it may have to
    /// undo the others.
    pub fn statement(&self, text: &[u8]) -> Plan {
        match sql::kind(text) {
            StatementKind::Set => {}
            StatementKind::Reset | StatementKind::Show if self.keeps_any() => {}
            StatementKind::Select if self.keeps_any() => return self.select(text),
            _ => return Plan::Forward,
        }
        let Some(statement) = sql::parse_set(text) else {
            return Plan::Forward;
        };
        match statement.verb {
            Verb::Set => self.set(&statement),
            Verb::Reset => match &statement.target {
                Target::All => Plan::Answer(Ask::ResetAll),
                target => self.about(target, Ask::Reset),
            },
            Verb::Show => self.about(&statement.target, Ask::Show),
        }
    }

    /// Whether some statement of a text, of one or of many, is not simply the server's.
    pub fn concerns(&self, text: &[u8]) -> bool {
        sql::statements(text)
            .any(|statement| self.statement(statement.bytes(text)) != Plan::Forward)
    }

    /// RESET and SHOW of one parameter. DSQL accepts both for every name.
    fn about(&self, target: &Target, ask: impl FnOnce(String) -> Ask) -> Plan {
        let name = match target {
            Target::Parameter(written) => Some(written.clone()),
            Target::Transaction => Some(known::ISOLATION.to_owned()),
            target => target.parameter(),
        };
        match name.filter(|name| self.action(name).keeps()) {
            Some(name) => Plan::Answer(ask(name)),
            None => Plan::Forward,
        }
    }

    fn set(&self, statement: &SetStatement<'_>) -> Plan {
        let name = match &statement.target {
            Target::Transaction => return self.modes(statement.value, Lasting::Transaction),
            Target::SessionCharacteristics => {
                return self.modes(statement.value, Lasting::Session);
            }
            // DSQL's grammar has it, and it changes nothing.
            Target::SessionAuthorization if statement.value == Value::Default => None,
            Target::Parameter(written) => Some(written.clone()),
            target => target.parameter(),
        };
        let Some(name) = name else {
            return Plan::Forward;
        };
        match self.action(&name) {
            Unsupported::Forward => Plan::Forward,
            Unsupported::Reject => Plan::Refuse(refusal(&name, &[&name])),
            Unsupported::Ignore | Unsupported::Emulate => {
                let to = match statement.value {
                    Value::Default => Some(Asked::Default),
                    Value::Current => Some(Asked::Current),
                    Value::Text(text) => sql::set_values(text).map(Asked::To),
                    Value::None => None,
                };
                let lasting = match statement.scope {
                    sql::Scope::Local => Lasting::Local,
                    sql::Scope::Unstated | sql::Scope::Session => Lasting::Session,
                };
                // What is no value is a syntax error, and the server's.
                to.map_or(Plan::Forward, |to| {
                    Plan::Answer(Ask::Set {
                        changes: vec![Change { name, to }],
                        lasting,
                    })
                })
            }
        }
    }

    /// SET TRANSACTION and SET SESSION CHARACTERISTICS.
    fn modes(&self, value: Value<'_>, lasting: Lasting) -> Plan {
        let modes = match value {
            Value::Text(text) => sql::transaction_modes(text),
            Value::None | Value::Default | Value::Current => None,
        };
        let Some(modes) = modes else {
            return match self.unsupported {
                Unsupported::Forward => Plan::Forward,
                _ => Plan::Refuse(refusal(parameters::TRANSACTION, &[])),
            };
        };
        let changes = changes(modes, lasting);
        let names: Vec<&str> = changes.iter().map(|change| change.name.as_str()).collect();
        let any = |action| names.iter().any(|name| self.action(name) == action);
        if any(Unsupported::Reject) {
            return Plan::Refuse(refusal(parameters::TRANSACTION, &names));
        }
        if any(Unsupported::Forward) {
            return Plan::Forward;
        }
        let level = match lasting {
            Lasting::Transaction => known::ISOLATION,
            Lasting::Session | Lasting::Local => known::DEFAULT_ISOLATION,
        };
        if modes.isolation == Some(Isolation::Serializable)
            && self.action(level) == Unsupported::Emulate
        {
            return Plan::Refuse(Refusal {
                hint: hint::for_serializable(level),
                ..refusal(parameters::TRANSACTION, &[])
            });
        }
        Plan::Answer(Ask::Set { changes, lasting })
    }

    fn select(&self, text: &[u8]) -> Plan {
        let Some(calls) = sql::setting_calls(text) else {
            return Plan::Forward;
        };
        let may_be_ours = calls.calls.iter().any(|call| match call.function.name() {
            sql::Argument::Text(name) => self.action(name).keeps(),
            sql::Argument::Parameter(_) => true,
            sql::Argument::Null => false,
        });
        if may_be_ours {
            Plan::Answer(Ask::Select {
                calls,
                text: text.to_vec(),
            })
        } else {
            Plan::Forward
        }
    }
}

const SESSION_AUTHORIZATION: &str = "session_authorization";

/// Modes as parameters.
fn changes(modes: Modes, lasting: Lasting) -> Vec<Change> {
    let of_transaction = lasting == Lasting::Transaction;
    let change = |own: &str, default: &str, value: &str| Change {
        name: if of_transaction { own } else { default }.to_owned(),
        to: Asked::To(vec![value.to_owned()]),
    };
    let switch = |on: bool| if on { "on" } else { "off" };
    let mut changes = Vec::new();
    if let Some(level) = modes.isolation {
        changes.push(change(
            known::ISOLATION,
            known::DEFAULT_ISOLATION,
            level.as_str(),
        ));
    }
    if let Some(on) = modes.read_only {
        changes.push(change(
            known::READ_ONLY,
            known::DEFAULT_READ_ONLY,
            switch(on),
        ));
    }
    if let Some(on) = modes.deferrable {
        changes.push(change(
            known::DEFERRABLE,
            known::DEFAULT_DEFERRABLE,
            switch(on),
        ));
    }
    changes
}

/// DSQL's refusal of `name`, and the parameters whose setting would change that.
fn refusal(name: &str, parameters: &[&str]) -> Refusal {
    Refusal {
        sqlstate: parameters::SQLSTATE,
        message: parameters::not_supported(name),
        hint: hint::for_refusal(name, parameters),
    }
}
