//! Statements of the extended protocol that the proxy carries out: they are prepared, bound and
//! described here, and no server hears of them before they are executed.

use std::collections::HashMap;
use std::rc::Rc;

use bytes::{BufMut, Bytes, BytesMut};

use super::answer;
use super::desk::Desk;
use super::failure::Failure;
use super::local::{self, Bound, Local};
use super::reply::Show;
use super::script::Script;
use super::state::Shared;
use crate::compat::Policy;
use crate::sql::{self, Deallocated, StatementKind};
use crate::wire::frontend::{self, Bind, Execute, Parse, Target};
use crate::wire::{Cursor, ErrorResponse, Malformed, SqlState, backend, encode};

/// What of the extended protocol is the proxy's.
#[derive(Debug, Default)]
pub(super) struct Own {
    statements: HashMap<Bytes, Rc<Prepared>>,
    portals: HashMap<Bytes, Portal>,
    /// A message has failed: what follows is dropped up to Sync (manual, "Extended Query").
    skips: bool,
}

#[derive(Debug)]
struct Prepared {
    text: Bytes,
    /// The types that the client has said for its parameters, four bytes each.
    types: Vec<u8>,
    local: Option<Local>,
}

#[derive(Debug, Clone)]
struct Portal {
    prepared: Rc<Prepared>,
    bound: Bound,
    executed: bool,
}

/// Whose a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// The session's.
    No,
    /// The proxy's.
    Yes,
    /// Nobody's: it comes behind an error.
    Drop,
}

impl Own {
    /// True if [`Own::takes`] has to be asked.
    pub(super) fn is_engaged(&self) -> bool {
        self.skips || !self.statements.is_empty() || !self.portals.is_empty()
    }

    /// Whose a message is. What takes the place of something here is noted.
    pub(super) fn takes(&mut self, tag: u8, body: &[u8], idle: bool) -> Taken {
        if self.skips {
            self.skips = tag != frontend::SYNC && tag != frontend::TERMINATE;
            return if self.skips { Taken::Drop } else { Taken::No };
        }
        let is_mine = match tag {
            frontend::PARSE => {
                let name = Parse::read(body).map(|parse| parse.name);
                // An unnamed statement takes the place of the one before.
                if name == Ok(b"") {
                    self.statements.remove(&b""[..]);
                }
                name.is_ok_and(|name| self.statements.contains_key(name))
            }
            frontend::BIND => match Bind::read(body) {
                Ok(bind) => {
                    self.portals.remove(bind.portal);
                    self.statements.contains_key(bind.statement)
                }
                Err(_) => false,
            },
            frontend::DESCRIBE | frontend::CLOSE => match Target::read(body) {
                Ok(Target::Statement(name)) => self.statements.contains_key(name),
                Ok(Target::Portal(name)) => self.portals.contains_key(name),
                Err(_) => false,
            },
            frontend::EXECUTE => {
                let execute = Execute::read(body);
                execute.is_ok_and(|execute| self.portals.contains_key(execute.portal))
            }
            frontend::QUERY => {
                self.statements.remove(&b""[..]);
                self.portals.remove(&b""[..]);
                frontend::query(body).is_ok_and(|sql| self.is_deallocated(sql))
            }
            frontend::SYNC => {
                if idle {
                    self.portals.clear();
                }
                false
            }
            _ => false,
        };
        if is_mine { Taken::Yes } else { Taken::No }
    }

    fn is_deallocated(&mut self, sql: &[u8]) -> bool {
        if sql::kind(sql) != StatementKind::Deallocate {
            return false;
        }
        match sql::single_statement(sql).and_then(sql::deallocated) {
            Some(Deallocated::One(name)) => self.statements.contains_key(&name[..]),
            Some(Deallocated::All) => {
                // And those of the session.
                self.statements.clear();
                false
            }
            None => false,
        }
    }
}

/// Does what a message asks for. `settles` says that others of its group have not been answered:
/// they come first, and what they have done so far is committed, unless they are in a block.
pub(super) async fn message(
    desk: Desk,
    message: Bytes,
    settles: bool,
    policy: Rc<Policy>,
    state: Shared,
) {
    if settles {
        let reply = desk.ask(Show::Verbatim, encode::sync).await;
        if let Some(failure) = reply.failure {
            desk.fail(&failure);
            state.borrow_mut().own.skips = true;
            return;
        }
    }
    let tag = message.first().copied().unwrap_or_default();
    let body = message
        .get(crate::wire::frame::HEADER..)
        .unwrap_or_default();
    let done = match tag {
        frontend::PARSE => parse(&desk, body, &policy, &state),
        frontend::BIND => bind(&desk, body, &state),
        frontend::DESCRIBE => describe(&desk, body, &state).await,
        frontend::EXECUTE => execute(&desk, body, &policy, &state).await,
        frontend::CLOSE => close(&desk, body, &state),
        _ => deallocate(&desk, body, &state),
    };
    if let Err(failure) = done {
        desk.fail(&failure);
        state.borrow_mut().own.skips = true;
    }
}

fn parse(desk: &Desk, body: &[u8], policy: &Policy, state: &Shared) -> Result<(), Failure> {
    let parse = Parse::read(body).map_err(malformed)?;
    let mut state = state.borrow_mut();
    let statements = &mut state.own.statements;
    if !parse.name.is_empty() && statements.contains_key(parse.name) {
        let name = String::from_utf8_lossy(parse.name);
        let text = format!("prepared statement \"{name}\" already exists");
        let error = ErrorResponse::error(SqlState::DUPLICATE_STATEMENT, text);
        return Err(error.routine("StorePreparedStatement").into());
    }
    let prepared = Prepared {
        text: Bytes::copy_from_slice(parse.sql),
        types: parse.types.to_vec(),
        local: local::local(parse.sql, policy),
    };
    statements.insert(Bytes::copy_from_slice(parse.name), Rc::new(prepared));
    drop(state);
    desk.tell(&message_of(backend::PARSE_COMPLETE));
    Ok(())
}

fn bind(desk: &Desk, body: &[u8], state: &Shared) -> Result<(), Failure> {
    let bind = Bind::read(body).map_err(malformed)?;
    let mut bound = values(bind.values).map_err(malformed)?;
    // An Execute is not answered with a description.
    bound.described = true;
    let mut state = state.borrow_mut();
    let Some(prepared) = state.own.statements.get(bind.statement) else {
        return Err(unknown(
            "prepared statement",
            bind.statement,
            SqlState::INVALID_STATEMENT_NAME,
        ));
    };
    let portal = Portal {
        prepared: Rc::clone(prepared),
        bound,
        executed: false,
    };
    state
        .own
        .portals
        .insert(Bytes::copy_from_slice(bind.portal), portal);
    drop(state);
    desk.tell(&message_of(backend::BIND_COMPLETE));
    Ok(())
}

async fn describe(desk: &Desk, body: &[u8], state: &Shared) -> Result<(), Failure> {
    let target = Target::read(body).map_err(malformed)?;
    let (prepared, bound) = match target {
        Target::Statement(name) => (state.borrow().own.statements.get(name).cloned(), None),
        Target::Portal(name) => {
            let portal = state.borrow().own.portals.get(name).cloned();
            let bound = portal.as_ref().map(|portal| portal.bound.clone());
            (portal.map(|portal| portal.prepared), bound)
        }
    };
    let Some(prepared) = prepared else {
        return Err(unknown(
            "prepared statement",
            b"",
            SqlState::INVALID_STATEMENT_NAME,
        ));
    };
    let Some(local) = &prepared.local else {
        let mut out = BytesMut::new();
        if bound.is_none() {
            answer::parameters(&[], &mut out);
        }
        answer::description(&[], &[], &mut out);
        desk.tell(&out);
        return Ok(());
    };
    let formats = bound.as_ref().map_or(&[][..], |bound| &bound.formats);
    match local::shape(local) {
        local::Shape::Known { columns, types } => {
            let mut out = BytesMut::new();
            if bound.is_none() {
                answer::parameters(&types, &mut out);
            }
            answer::description(&columns, formats, &mut out);
            desk.tell(&out);
            Ok(())
        }
        // The server is asked about a statement that has the same shape.
        local::Shape::OfServer { text, columns } => {
            let show = Show::Described {
                parameters: bound.is_none(),
                rows: columns.is_none(),
            };
            let reply = desk
                .ask(show, |out| {
                    encode::frame(frontend::PARSE, out, |body| {
                        encode::cstr(b"", body);
                        encode::cstr(&text, body);
                        let count = u16::try_from(prepared.types.len() / 4).unwrap_or(u16::MAX);
                        body.put_u16(count);
                        body.extend_from_slice(&prepared.types);
                    });
                    encode::frame(frontend::DESCRIBE, out, |body| {
                        body.extend_from_slice(b"S\0");
                    });
                    encode::sync(out);
                })
                .await;
            if let Some(failure) = reply.failure {
                return Err(failure.without_position());
            }
            if let Some(columns) = columns {
                let mut out = BytesMut::new();
                answer::description(&columns, formats, &mut out);
                desk.tell(&out);
            }
            Ok(())
        }
    }
}

async fn execute(
    desk: &Desk,
    body: &[u8],
    policy: &Rc<Policy>,
    state: &Shared,
) -> Result<(), Failure> {
    let execute = Execute::read(body).map_err(malformed)?;
    let portal = {
        let mut state = state.borrow_mut();
        let portal = state.own.portals.get_mut(execute.portal);
        portal.map(|portal| (portal.clone(), portal.executed = true).0)
    };
    let Some(portal) = portal else {
        return Err(unknown(
            "portal",
            execute.portal,
            SqlState::INVALID_CURSOR_NAME,
        ));
    };
    if portal.executed {
        let name = String::from_utf8_lossy(execute.portal);
        return Err(ErrorResponse::error(
            SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("portal \"{name}\" cannot be run"),
        )
        .into());
    }
    let text = &portal.prepared.text;
    match &portal.prepared.local {
        Some(local) => local::answer(desk, local, text, &portal.bound, state).await,
        None => Script::alone(desk, text, policy, state).await,
    }
}

fn close(desk: &Desk, body: &[u8], state: &Shared) -> Result<(), Failure> {
    let own = &mut state.borrow_mut().own;
    match Target::read(body).map_err(malformed)? {
        Target::Statement(name) => drop(own.statements.remove(name)),
        Target::Portal(name) => drop(own.portals.remove(name)),
    }
    desk.tell(&message_of(backend::CLOSE_COMPLETE));
    Ok(())
}

fn deallocate(desk: &Desk, body: &[u8], state: &Shared) -> Result<(), Failure> {
    let sql = frontend::query(body).map_err(malformed)?;
    if let Some(Deallocated::One(name)) = sql::single_statement(sql).and_then(sql::deallocated) {
        state.borrow_mut().own.statements.remove(&name[..]);
    }
    desk.complete("DEALLOCATE");
    desk.ready();
    Ok(())
}

/// Values and formats of a Bind.
fn values(bytes: &[u8]) -> Result<Bound, Malformed> {
    let mut cursor = Cursor::new("Bind", bytes);
    let formats = formats(&mut cursor)?;
    let count = count(&mut cursor)?;
    let mut values = Vec::new();
    for at in 0..count {
        let format = match &formats[..] {
            [] => 0,
            [all] => *all,
            each => each.get(at).copied().unwrap_or(0),
        };
        let value = match usize::try_from(cursor.i32()?) {
            Ok(length) => Some(cursor.take(length)?.to_vec()),
            Err(_) => None,
        };
        values.push((format, value));
    }
    Ok(Bound {
        values,
        formats: self::formats(&mut cursor)?,
        described: false,
    })
}

fn formats(cursor: &mut Cursor<'_>) -> Result<Vec<i16>, Malformed> {
    (0..count(cursor)?).map(|_| cursor.i16()).collect()
}

fn count(cursor: &mut Cursor<'_>) -> Result<usize, Malformed> {
    Ok(usize::from(cursor.i16()?.cast_unsigned()))
}

fn message_of(tag: u8) -> BytesMut {
    let mut out = BytesMut::new();
    encode::frame(tag, &mut out, |_| {});
    out
}

fn malformed(error: Malformed) -> Failure {
    ErrorResponse::error(SqlState::PROTOCOL_VIOLATION, error.to_string()).into()
}

fn unknown(what: &str, name: &[u8], sqlstate: SqlState) -> Failure {
    let name = String::from_utf8_lossy(name);
    ErrorResponse::error(sqlstate, format!("{what} \"{name}\" does not exist")).into()
}
