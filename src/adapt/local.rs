//! Statements that the proxy answers: about parameters that it keeps, and advisory locks.

use bytes::BytesMut;

use super::answer::{self, BOOL, Column, TEXT, VOID};
use super::desk::Desk;
use super::failure::Failure;
use super::jobs::text;
use super::locks::{LockKey, Request, SessionLocks, Unlocked, not_held_warning};
use super::state::Shared;
use crate::compat::parameters::{Ask, Block, Outcome, Timeout, TransactionEnd};
use crate::compat::{AdvisoryLocks, Ddl, Plan, Policy};
use crate::sql::{
    LockArgument, LockArguments, LockFunction, LockResult, LockStatement, LockValue, Reader,
    StatementKind,
};
use crate::wire::backend::TransactionStatus;
use crate::wire::{ErrorResponse, Severity, SqlState};

/// What the proxy answers.
#[derive(Debug, Clone)]
pub(super) enum Local {
    /// A statement about parameters.
    Parameters(Ask),
    /// A statement that calls functions of advisory locks.
    Locks(Vec<u8>),
    /// One that has nothing to do on DSQL, with its tag.
    Nothing(&'static str),
    /// DISCARD ALL.
    DiscardAll,
    /// One that is refused.
    Refused(Box<ErrorResponse>),
}

/// The values of a Bind, and how the client wants the columns.
#[derive(Debug, Default, Clone)]
pub(super) struct Bound {
    /// With the format of each.
    pub(super) values: Vec<(i16, Option<Vec<u8>>)>,
    /// Formats of the columns.
    pub(super) formats: Vec<i16>,
    /// The description has been sent, or is not wanted.
    pub(super) described: bool,
}

/// What the proxy has to say to a statement, if anything.
pub(super) fn local(statement: &[u8], policy: &Policy) -> Option<Local> {
    if let Plan::Answer(ask) = policy.statement(statement) {
        return Some(Local::Parameters(ask));
    }
    if policy.ddl == Ddl::Adapt
        && let Some(local) = tidying(statement)
    {
        return Some(local);
    }
    if policy.advisory_locks == AdvisoryLocks::Forward
        || !crate::sql::mentions_advisory_lock(statement)
    {
        return None;
    }
    let locks = crate::sql::lock_statement(statement)?;
    if policy.advisory_locks == AdvisoryLocks::Reject {
        let name = locks.calls.first()?.function.name();
        let error = ErrorResponse::error(
            SqlState::FEATURE_NOT_SUPPORTED,
            format!("function {name} not supported"),
        );
        return Some(Local::Refused(Box::new(error.hint(
            "Aurora DSQL has no advisory locks. Start dsql-proxy with --advisory-locks=local to \
             have them kept between its clients.",
        ))));
    }
    Some(Local::Locks(statement.to_vec()))
}

/// What resets a session. DSQL refuses nearly all of it (recorded 2026-09), although its sessions
/// cannot have most of what there is to reset; and pools send it.
fn tidying(statement: &[u8]) -> Option<Local> {
    let mut reader = Reader::new(statement);
    match crate::sql::kind(statement) {
        StatementKind::Close => {
            let all = reader.takes("CLOSE ALL") && reader.at_end();
            all.then_some(Local::Nothing("CLOSE CURSOR ALL"))
        }
        StatementKind::Unlisten => Some(Local::Nothing("UNLISTEN")),
        StatementKind::Discard => {
            reader.take("DISCARD");
            let what = [
                ("ALL", Local::DiscardAll),
                ("PLANS", Local::Nothing("DISCARD PLANS")),
                ("SEQUENCES", Local::Nothing("DISCARD SEQUENCES")),
                ("TEMP", Local::Nothing("DISCARD TEMP")),
                ("TEMPORARY", Local::Nothing("DISCARD TEMP")),
            ];
            let found = what.into_iter().find(|(word, _)| reader.take(word));
            found.filter(|_| reader.at_end()).map(|(_, local)| local)
        }
        _ => None,
    }
}

/// DISCARD ALL, of which a session on DSQL has parameters, prepared statements and locks (manual,
/// "DISCARD").
async fn discard_all(desk: &Desk, state: &Shared) -> Result<(), Failure> {
    if desk.status() != TransactionStatus::Idle {
        return Err(ErrorResponse::error(
            SqlState::ACTIVE_TRANSACTION,
            "DISCARD ALL cannot run inside a transaction block",
        )
        .into());
    }
    for sql in [&b"RESET ALL"[..], b"DEALLOCATE ALL"] {
        if let Some(failure) = desk.run(sql).await.failure {
            return Err(failure.without_position());
        }
    }
    {
        let mut state = state.borrow_mut();
        if let Some(emulated) = &mut state.emulated {
            emulated.reset_all();
            emulated.ended(TransactionEnd::Committed);
        }
        if let Some(locks) = &state.locks {
            locks.unlock_all();
        }
    }
    desk.filter(state.borrow().level());
    desk.complete("DISCARD ALL");
    Ok(())
}

/// The columns of the answer; `None` if the server knows them.
pub(super) fn columns(local: &Local) -> Option<Vec<Column>> {
    match local {
        Local::Parameters(ask) => {
            let name = |name: String| Column {
                name: name.into_bytes(),
                of: TEXT,
            };
            Some(ask.columns().into_iter().map(name).collect())
        }
        Local::Locks(statement) => {
            let locks = crate::sql::lock_statement(statement)?;
            if locks.with_value(LockValue::Null).is_some() {
                return None;
            }
            Some(lock_columns(&locks))
        }
        Local::Nothing(_) | Local::DiscardAll | Local::Refused(_) => Some(Vec::new()),
    }
}

fn lock_columns(locks: &LockStatement<'_>) -> Vec<Column> {
    let column = |call: &crate::sql::LockCall<'_>| Column {
        name: call.column.clone(),
        of: match call.result {
            LockResult::Void => VOID,
            LockResult::Bool => BOOL,
            LockResult::Text => TEXT,
            LockResult::Int4 => 23,
        },
    };
    locks.calls.iter().map(column).collect()
}

/// What an answer looks like.
pub(super) enum Shape {
    /// Its columns, and the types of the statement's parameters.
    Known {
        columns: Vec<Column>,
        types: Vec<u32>,
    },
    /// The same as that of this text, but for the columns where they are known.
    OfServer {
        text: Vec<u8>,
        columns: Option<Vec<Column>>,
    },
}

/// What the answer to a statement looks like.
pub(super) fn shape(local: &Local) -> Shape {
    match local {
        Local::Parameters(ask) => Shape::Known {
            columns: columns(local).unwrap_or_default(),
            types: ask.parameter_types(),
        },
        Local::Locks(text) => lock_shape(text),
        Local::Nothing(_) | Local::DiscardAll | Local::Refused(_) => Shape::Known {
            columns: Vec::new(),
            types: Vec::new(),
        },
    }
}

fn lock_shape(text: &[u8]) -> Shape {
    let Some(locks) = crate::sql::lock_statement(text) else {
        return Shape::OfServer {
            text: text.to_vec(),
            columns: None,
        };
    };
    if let Some(other) = locks.with_value(LockValue::Null) {
        return Shape::OfServer {
            text: other,
            columns: None,
        };
    }
    if locks.has_expressions() {
        return Shape::OfServer {
            text: locks.evaluation(),
            columns: Some(lock_columns(&locks)),
        };
    }
    let mut types = Vec::new();
    for call in &locks.calls {
        let of = match call.arguments {
            LockArguments::Two(..) => 23,
            LockArguments::None | LockArguments::One(_) => 20,
        };
        for argument in call.arguments.iter() {
            if let LockArgument::Parameter { number, cast } = argument {
                let place = usize::from(*number).saturating_sub(1);
                if types.len() <= place {
                    types.resize(place + 1, TEXT);
                }
                if let Some(found) = types.get_mut(place) {
                    *found = match cast {
                        Some(cast) => cast.oid(),
                        None => of,
                    };
                }
            }
        }
    }
    Shape::Known {
        columns: lock_columns(&locks),
        types,
    }
}

/// Answers a statement, with the tag. An error belongs to the statement, and fails its block.
pub(super) async fn answer(
    desk: &Desk,
    local: &Local,
    statement: &[u8],
    bound: &Bound,
    state: &Shared,
) -> Result<(), Failure> {
    let done = match local {
        Local::Parameters(ask) => parameters(desk, ask, statement, bound, state).await,
        Local::Locks(text) => match crate::sql::lock_statement(text) {
            Some(locks) => advisory(desk, &locks, bound, state).await,
            None => Ok(()),
        },
        Local::Nothing(tag) => {
            desk.complete(tag);
            Ok(())
        }
        Local::DiscardAll => discard_all(desk, state).await,
        Local::Refused(error) => Err((**error).clone().into()),
    };
    if done.is_err() && desk.status() == TransactionStatus::InTransaction {
        desk.fail_block().await;
    }
    done
}

async fn parameters(
    desk: &Desk,
    ask: &Ask,
    statement: &[u8],
    bound: &Bound,
    state: &Shared,
) -> Result<(), Failure> {
    let block = match desk.status() {
        TransactionStatus::Idle => Block::None,
        _ if desk.holds_begin() => Block::Unsent,
        _ => Block::Queried,
    };
    let values: Vec<_> = bound
        .values
        .iter()
        .map(|(_, value)| value.as_deref())
        .collect();
    let outcome = {
        let mut state = state.borrow_mut();
        let Some(emulated) = &mut state.emulated else {
            return Ok(());
        };
        let outcome = emulated.answer(ask, &values, block);
        if block == Block::None {
            emulated.ended(TransactionEnd::Committed);
        }
        outcome
    };
    desk.filter(state.borrow().level());
    match outcome {
        Outcome::Answered(answered) => {
            if let Some(warning) = &answered.warning {
                desk.say(warning);
            }
            let columns = columns(&Local::Parameters(ask.clone())).unwrap_or_default();
            let mut out = BytesMut::new();
            if !answered.columns.is_empty() && !bound.described {
                answer::description(&columns, &bound.formats, &mut out);
            }
            for row in &answered.rows {
                let values: Vec<_> = row
                    .iter()
                    .map(|value| value.clone().map(String::into_bytes))
                    .collect();
                answer::row(&columns, &values, &bound.formats, &mut out);
            }
            desk.tell(&out);
            desk.complete(&match answered.rows.len() {
                0 => answered.tag.to_owned(),
                n if answered.tag == "SELECT" => format!("SELECT {n}"),
                _ => answered.tag.to_owned(),
            });
            Ok(())
        }
        Outcome::Forward => served(desk, statement, bound).await,
        Outcome::Rewritten(text) => served(desk, &text, bound).await,
        Outcome::Failed(failed) => {
            if let Some(warning) = &failed.warning {
                desk.say(warning);
            }
            Err(failed.error.into())
        }
    }
}

/// What the server answers after all.
pub(super) async fn served(desk: &Desk, text: &[u8], bound: &Bound) -> Result<(), Failure> {
    let reply = if bound.values.is_empty() && bound.formats.is_empty() && !bound.described {
        desk.relay(text).await
    } else {
        desk.relay_bound(text, bound).await
    };
    reply.failure.map_or(Ok(()), Err)
}

async fn advisory(
    desk: &Desk,
    locks: &LockStatement<'_>,
    bound: &Bound,
    state: &Shared,
) -> Result<(), Failure> {
    let arguments = arguments(desk, locks, bound).await?;
    let mut arguments = arguments.into_iter();
    let mut values = Vec::new();
    for call in &locks.calls {
        let given: Vec<_> = match &call.arguments {
            LockArguments::None => Vec::new(),
            LockArguments::One(_) => arguments.by_ref().take(1).collect(),
            LockArguments::Two(..) => arguments.by_ref().take(2).collect(),
        };
        values.push(carry_out(desk, call.function, &given, state).await?);
    }
    if desk.status() == TransactionStatus::Idle {
        // Each statement is a transaction.
        if let Some(held) = &state.borrow().locks {
            held.end_transaction();
        }
    }
    let first = values.first().copied().unwrap_or(LockValue::Null);
    if let Some(text) = locks.with_value(first) {
        return served(desk, &text, bound).await;
    }
    let columns = lock_columns(locks);
    let shown: Vec<_> = values.iter().map(|value| shown(*value)).collect();
    let mut out = BytesMut::new();
    if !bound.described {
        answer::description(&columns, &bound.formats, &mut out);
    }
    answer::row(&columns, &shown, &bound.formats, &mut out);
    desk.tell(&out);
    desk.complete("SELECT 1");
    Ok(())
}

fn shown(value: LockValue) -> Option<Vec<u8>> {
    match value {
        LockValue::Void => Some(Vec::new()),
        LockValue::Bool(true) => Some(b"t".to_vec()),
        LockValue::Bool(false) => Some(b"f".to_vec()),
        LockValue::Null => None,
    }
}

/// The arguments of all calls, in order.
async fn arguments(
    desk: &Desk,
    locks: &LockStatement<'_>,
    bound: &Bound,
) -> Result<Vec<Option<i64>>, Failure> {
    if locks.has_expressions() {
        let text = locks.evaluation();
        let reply = if bound.values.is_empty() {
            desk.run(&text).await
        } else {
            desk.run_bound(&text, bound).await
        };
        if let Some(failure) = reply.failure {
            return Err(failure.without_position());
        }
        let row = reply.rows.into_iter().next().unwrap_or_default();
        let number = |at| text_of(&row, at).and_then(|value| value.parse().ok());
        return Ok((0..row.len()).map(number).collect());
    }
    let mut numbers = Vec::new();
    for argument in locks.calls.iter().flat_map(|call| call.arguments.iter()) {
        numbers.push(match argument {
            LockArgument::Integer(number) => Some(*number),
            LockArgument::Parameter { number, .. } => {
                let value = bound.values.get(usize::from(*number).saturating_sub(1));
                match value {
                    Some((format, Some(bytes))) => Some(integer(*format, bytes)?),
                    _ => None,
                }
            }
            LockArgument::Expression(_) => None,
        });
    }
    Ok(numbers)
}

fn text_of(row: &super::reply::Row, at: usize) -> Option<String> {
    row.get(at)?.as_ref().map(|_| text(row, at))
}

/// An integer that is bound, of whatever length.
fn integer(format: i16, bytes: &[u8]) -> Result<i64, Failure> {
    let number = match (format, bytes) {
        (0, text) => std::str::from_utf8(text)
            .ok()
            .and_then(|text| text.trim().parse().ok()),
        (_, &[a, b]) => Some(i16::from_be_bytes([a, b]).into()),
        (_, &[a, b, c, d]) => Some(i32::from_be_bytes([a, b, c, d]).into()),
        (_, bytes) => bytes.try_into().ok().map(i64::from_be_bytes),
    };
    number.ok_or_else(|| {
        ErrorResponse::error(
            SqlState::INVALID_TEXT_REPRESENTATION,
            format!(
                "invalid input syntax for type bigint: \"{}\"",
                String::from_utf8_lossy(bytes)
            ),
        )
        .into()
    })
}

/// Calls one function.
async fn carry_out(
    desk: &Desk,
    function: LockFunction,
    given: &[Option<i64>],
    state: &Shared,
) -> Result<LockValue, Failure> {
    if function == LockFunction::UnlockAll {
        with_locks(state, SessionLocks::unlock_all);
        return Ok(LockValue::Void);
    }
    let key = match given {
        [Some(one)] => LockKey::One(*one),
        [Some(one), Some(two)] => LockKey::Two(half(*one)?, half(*two)?),
        _ => return Ok(LockValue::Null),
    };
    let failed = |error: super::locks::LockError| Failure::from(error.response());
    match function {
        LockFunction::Lock(mode, scope) => {
            tell_of_locks(desk, state);
            let wait = with_locks(state, |locks| locks.acquire(Request { key, mode, scope }));
            let limit = state.borrow().timeout(Timeout::Lock);
            match desk.wait(wait, limit).await {
                Ok(Ok(())) => Ok(LockValue::Void),
                Ok(Err(error)) => Err(failed(error)),
                Err(ended) => Err(ended.into()),
            }
        }
        LockFunction::TryLock(mode, scope) => {
            tell_of_locks(desk, state);
            let tried = with_locks(state, |locks| {
                locks.try_acquire(Request { key, mode, scope })
            });
            tried.map(LockValue::Bool).map_err(failed)
        }
        LockFunction::Unlock(mode) => {
            let unlocked = with_locks(state, |locks| locks.unlock(key, mode));
            if unlocked == Unlocked::NotHeld {
                desk.say(&not_held_warning(mode));
            }
            Ok(LockValue::Bool(unlocked == Unlocked::Released))
        }
        LockFunction::UnlockAll => Ok(LockValue::Void),
    }
}

fn half(number: i64) -> Result<i32, Failure> {
    i32::try_from(number).map_err(|_out_of_range| {
        ErrorResponse::error(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range").into()
    })
}

fn with_locks<T>(state: &Shared, act: impl FnOnce(&SessionLocks) -> T) -> T {
    act(state.borrow_mut().locks())
}

/// Says once in a session how far its locks reach.
fn tell_of_locks(desk: &Desk, state: &Shared) {
    if state.borrow_mut().tells_of_locks() {
        desk.notice(
            Severity::Notice,
            SqlState::SUCCESS,
            "advisory locks are kept by this dsql-proxy, between its own clients: they do not \
             reach those of another one",
        );
    }
}
