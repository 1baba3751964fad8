//! Session parameters: what is refused before it reaches the server.

use super::{hint, options};
use crate::dsql::parameters::{self, Support};
use crate::sql::{self, SetStatement, StatementKind, Target, Value, Verb};

/// What to do about a parameter that DSQL does not let a session set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unsupported {
    /// Answer in DSQL's place, with DSQL's error and a HINT.
    #[default]
    Reject,
    /// Send it to the server, which may be newer than our list, or a plain PostgreSQL.
    Forward,
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
}

/// What to do with the text of a Query or Parse message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// Send it to the server.
    Forward,
    /// Answer with an error.
    Refuse(Refusal),
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
}

impl Policy {
    /// Judges one parameter of the startup packet. The names of the protocol itself (`user`,
    /// `database`, `options`, `replication`, `_pq_.…`) are not parameters: do not ask for them.
    pub fn startup_parameter(&self, name: &str) -> Verdict {
        match self.refusal(name) {
            Some(refusal) => Verdict::Refuse(refusal),
            None => Verdict::Forward,
        }
    }

    /// Judges the startup parameter `options`: its settings (see [`options::settings`]), or the
    /// first refusal among them.
    pub fn options(&self, value: &str) -> Result<Vec<(String, String)>, Refusal> {
        let settings = options::settings(value);
        let refusal = settings
            .iter()
            .find_map(|(name, _)| self.refusal(&options::parameter(name)));
        match refusal {
            Some(refusal) => Err(refusal),
            None => Ok(settings),
        }
    }

    /// Judges the text of a Query or Parse. Only a text of a single SET is ever refused: what
    /// stands among other statements is DSQL's to refuse, since it may have to undo the others.
    pub fn statement(&self, text: &[u8]) -> Plan {
        if sql::kind(text) != StatementKind::Set {
            return Plan::Forward;
        }
        let refusal = sql::parse_set(text).and_then(|statement| self.set(&statement));
        refusal.map_or(Plan::Forward, Plan::Refuse)
    }

    fn set(&self, statement: &SetStatement<'_>) -> Option<Refusal> {
        if statement.verb != Verb::Set {
            return None;
        }
        match &statement.target {
            Target::Transaction | Target::SessionCharacteristics => {
                self.refuse(parameters::TRANSACTION)
            }
            // DSQL's grammar has it, and it changes nothing.
            Target::SessionAuthorization if statement.value == Value::Default => None,
            Target::Parameter(written) => self.refusal(written),
            target => target.parameter().and_then(|name| self.refusal(&name)),
        }
    }

    /// The refusal of the parameter `name`, in any case, if it is refused.
    fn refusal(&self, name: &str) -> Option<Refusal> {
        match parameters::support(name) {
            Support::Unsupported => self.refuse(name),
            Support::Supported | Support::Disputed | Support::Unknown => None,
        }
    }

    fn refuse(&self, name: &str) -> Option<Refusal> {
        (self.unsupported == Unsupported::Reject).then(|| Refusal {
            sqlstate: parameters::SQLSTATE,
            message: parameters::not_supported(name),
            hint: hint::for_refusal(name),
        })
    }
}
