//! The answers to statements about parameters.

use super::ask::{Ask, Asked, Lasting};
use super::emulated::{Emulated, Hold, Stop};
use super::kind;
use super::place::Block;
use crate::dsql::parameters;
use crate::sql::{Argument, SettingCall, SettingCalls, SettingFunction};
use crate::wire::{ErrorResponse, Severity, SqlState};

/// What to do with a statement that the proxy may answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// This is the answer.
    Answered(Answered),
    /// The server answers.
    Forward,
    /// The server answers to this text, which takes the same `$1`, `$2` … and has the same
    /// columns.
    Rewritten(Vec<u8>),
    /// The statement fails, and its transaction with it.
    Failed(Failed),
}

/// The answer to a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// What comes first, as a NoticeResponse.
    pub warning: Option<ErrorResponse>,
    /// The names of the columns, all of the type `text`; none for SET and RESET.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<Option<String>>>,
    /// The tag of CommandComplete.
    pub tag: &'static str,
}

/// How a statement fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// What comes first, as a NoticeResponse.
    pub warning: Option<ErrorResponse>,
    /// The columns of a SELECT: it fails behind its RowDescription.
    pub columns: Vec<String>,
    /// The error.
    pub error: ErrorResponse,
}

/// What a call in a SELECT gives.
enum Given {
    Value(Option<String>),
    Servers,
}

impl Emulated {
    /// Answers a statement, or says who does. `bound` are the values of `$1`, `$2` …, in text or
    /// in binary form; the two are told apart.
    ///
    /// What the statement changes is part of its transaction, however it is answered: say how that
    /// ends ([`Emulated::ended`]).
    pub fn answer(&mut self, ask: &Ask, bound: &[Option<&[u8]>], block: Block) -> Outcome {
        match ask {
            Ask::Set { changes, lasting } => {
                let (hold, name) = match lasting {
                    Lasting::Session => (Hold::Session, None),
                    Lasting::Local => (Hold::Local, Some("SET LOCAL")),
                    Lasting::Transaction => (Hold::Local, Some("SET TRANSACTION")),
                };
                let warning = name
                    .filter(|_| block == Block::None && self.message_level().lets_pass(b"WARNING"))
                    .map(only_in_blocks);
                let mut trial = self.clone();
                for change in changes {
                    if let Err(stop) = trial.set(&change.name, &change.to, hold, block) {
                        return stopped(stop, warning);
                    }
                }
                *self = trial;
                done("SET", warning)
            }
            Ask::Reset(name) => match self.set(name, &Asked::Default, Hold::Session, block) {
                Ok(_) => done("RESET", None),
                Err(stop) => stopped(stop, None),
            },
            Ask::ResetAll => {
                self.reset_all();
                Outcome::Forward
            }
            Ask::Show(name) => {
                let key = name.to_ascii_lowercase();
                match self.shown(&key, block) {
                    Some(value) => Outcome::Answered(Answered {
                        warning: None,
                        columns: vec![self.column(&key)],
                        rows: vec![vec![Some(value)]],
                        tag: "SHOW",
                    }),
                    None => Outcome::Forward,
                }
            }
            Ask::Select { calls, text } => self.select(calls, text, bound, block),
        }
    }

    fn select(
        &mut self,
        calls: &SettingCalls,
        text: &[u8],
        bound: &[Option<&[u8]>],
        block: Block,
    ) -> Outcome {
        let name = calls.if_known.as_deref();
        if name.is_some_and(|name| !parameters::is_known_to_postgresql(name)) {
            return Outcome::Forward;
        }
        // A SELECT is a query itself.
        let block = match block {
            Block::Sent => Block::Queried,
            block => block,
        };
        let mut trial = self.clone();
        let mut results = Vec::new();
        for call in &calls.calls {
            match trial.call(&call.function, bound, block) {
                Ok(given) => results.push(given),
                Err(stop) => {
                    let mut outcome = stopped(stop, None);
                    if let Outcome::Failed(failed) = &mut outcome {
                        failed.columns = columns(calls);
                    }
                    return outcome;
                }
            }
        }
        let servers = results
            .iter()
            .filter(|given| matches!(given, Given::Servers))
            .count();
        if servers == results.len() {
            return Outcome::Forward;
        }
        if servers > 0 {
            let Some(text) = rewritten(&calls.calls, &results, text) else {
                return Outcome::Forward;
            };
            *self = trial;
            return Outcome::Rewritten(text);
        }
        *self = trial;
        let values = results.into_iter().map(|given| match given {
            Given::Value(value) => value,
            Given::Servers => None,
        });
        Outcome::Answered(Answered {
            warning: None,
            columns: columns(calls),
            rows: vec![values.collect()],
            tag: "SELECT 1",
        })
    }

    /// Runs one call (`set_config_by_name` and `show_config_by_name` of `guc_funcs.c`).
    fn call(
        &mut self,
        function: &SettingFunction,
        bound: &[Option<&[u8]>],
        block: Block,
    ) -> Result<Given, Stop> {
        let name = read(function.name(), bound)?;
        match (function, name) {
            (SettingFunction::Set { .. }, None) => Err(ErrorResponse::error(
                SqlState::NULL_VALUE_NOT_ALLOWED,
                "SET requires parameter name",
            )
            .into()),
            (
                SettingFunction::Set {
                    value, is_local, ..
                },
                Some(name),
            ) => {
                if !self.policy.action(&name).keeps() {
                    return Ok(Given::Servers);
                }
                let to = match read(value, bound)? {
                    Some(value) => Asked::To(vec![value]),
                    None => Asked::Default,
                };
                let hold = if boolean(is_local, bound)? {
                    Hold::Local
                } else {
                    Hold::Session
                };
                self.set(&name, &to, hold, block)
                    .map(|value| Given::Value(Some(value)))
            }
            (SettingFunction::Current { .. }, None) => Ok(Given::Value(None)),
            (SettingFunction::Current { .. }, Some(name)) => {
                if !self.policy.action(&name).keeps() {
                    return Ok(Given::Servers);
                }
                let value = self.shown(&name.to_ascii_lowercase(), block);
                Ok(value.map_or(Given::Servers, |value| Given::Value(Some(value))))
            }
        }
    }
}

fn columns(calls: &SettingCalls) -> Vec<String> {
    let calls = calls.calls.iter();
    calls.map(|call| call.column.clone()).collect()
}

/// The text of an argument, `None` for NULL.
fn read(argument: &Argument, bound: &[Option<&[u8]>]) -> Result<Option<String>, Stop> {
    match argument {
        Argument::Null => Ok(None),
        Argument::Text(text) => Ok(Some(text.clone())),
        Argument::Parameter(number) => {
            let place = usize::from(*number).checked_sub(1).ok_or(Stop::Forward)?;
            match bound.get(place) {
                None => Err(Stop::Forward),
                Some(None) => Ok(None),
                Some(Some(bytes)) => std::str::from_utf8(bytes)
                    .map(|text| Some(text.to_owned()))
                    .map_err(|_| Stop::Forward),
            }
        }
    }
}

/// A Boolean argument: a word, or one byte that is 0 or 1. NULL is false.
fn boolean(argument: &Argument, bound: &[Option<&[u8]>]) -> Result<bool, Stop> {
    match read(argument, bound)?.as_deref() {
        None | Some("\0") => Ok(false),
        Some("\x01") => Ok(true),
        // What is no Boolean is the server's to refuse.
        Some(text) => kind::boolean(text.trim()).ok_or(Stop::Forward),
    }
}

/// The statement with values in the place of our calls; `None` where that cannot be.
fn rewritten(calls: &[SettingCall], results: &[Given], text: &[u8]) -> Option<Vec<u8>> {
    let mut sql = Vec::new();
    let mut at = 0;
    for (call, given) in calls.iter().zip(results) {
        let Given::Value(value) = given else {
            continue;
        };
        sql.extend_from_slice(text.get(at..call.span.start)?);
        at = call.span.end;
        sql.extend_from_slice(expression(&call.function, value.as_deref())?.as_bytes());
        if !call.has_alias {
            sql.extend_from_slice(b" AS ");
            sql.extend_from_slice(call.column.as_bytes());
        }
    }
    sql.extend_from_slice(text.get(at..)?);
    Some(sql)
}

fn expression(function: &SettingFunction, value: Option<&str>) -> Option<String> {
    let is_bound = |argument: &Argument| matches!(argument, Argument::Parameter(_));
    let (value_argument, flag) = match function {
        SettingFunction::Set {
            value, is_local, ..
        } => (Some(value), is_local),
        SettingFunction::Current { missing_ok, .. } => (None, missing_ok),
    };
    // Every `$n` has to stay in the text.
    if is_bound(function.name()) || is_bound(flag) {
        return None;
    }
    if let Some(Argument::Parameter(number)) = value_argument {
        return Some(format!("${number}::text"));
    }
    Some(match value {
        Some(value) => format!("'{}'::text", value.replace('\'', "''")),
        None => "NULL::text".to_owned(),
    })
}

/// `WarnNoTransactionBlock` of `xact.c`.
fn only_in_blocks(statement: &str) -> ErrorResponse {
    ErrorResponse::error(
        SqlState::NO_ACTIVE_TRANSACTION,
        format!("{statement} can only be used in transaction blocks"),
    )
    .severity(Severity::Warning)
}

fn done(tag: &'static str, warning: Option<ErrorResponse>) -> Outcome {
    Outcome::Answered(Answered {
        warning,
        columns: Vec::new(),
        rows: Vec::new(),
        tag,
    })
}

fn stopped(stop: Stop, warning: Option<ErrorResponse>) -> Outcome {
    match stop {
        Stop::Forward => Outcome::Forward,
        Stop::Error(error) => Outcome::Failed(Failed {
            warning,
            columns: Vec::new(),
            error: *error,
        }),
    }
}
