//! Process ids. A client knows the one that it got from us at its login, and never that of a
//! server: statements that name processes are run in another form, and notifications say the
//! client's own.

use std::fmt::Debug;
use std::rc::Rc;

use bytes::{BufMut, BytesMut};

use super::abandon::cancelled;
use super::detail::Detail;
use super::machine::{Flow, Frame, Outputs, Relayed, Session};
use super::pipeline::Expect;
use super::server_state::ServerState;
use super::statements::Statement;
use crate::compat::FAILS;
use crate::sql::{self, NamedProcess, ProcessFunction, Traits};
use crate::wire::frontend::{self, Bind};
use crate::wire::{Cursor, ErrorResponse, SqlState, backend, encode};

/// The role that may signal every session, as a superuser may in PostgreSQL.
const ADMIN: &str = "admin";

/// Bound in the place of a process id of ours. No process has it, and every integer type does.
const MARKER: i16 = i16::MIN;

/// Bound in the place of [`MARKER`], should anybody send that. No process has this one either.
const NOBODY: i16 = -1;

/// The types, by their object ids, that a process id can have: none that the client has said, `int8`,
/// `int2`, which some drivers choose for small numbers, and `int4` (`pg_type.dat`).
const TYPES: [u32; 4] = [0, 20, 21, 23];

/// What is done to a session from outside, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Signal {
    /// End its transaction, which is too old.
    Expire,
    /// End what it waits for: a CancelRequest, or `pg_cancel_backend()`.
    Cancel,
    /// End the session: `pg_terminate_backend()`.
    Terminate,
}

/// The sessions that a session can see.
pub trait Processes: Debug {
    /// The role of the session with this process id, if there is one.
    fn role(&self, pid: i32) -> Option<Rc<str>>;
    /// Sends that session a signal.
    fn signal(&self, pid: i32, signal: Signal);
    /// That session notifies from the server with process id `server`.
    fn notifies(&self, pid: i32, server: i32);
    /// The session that has notified from that server last.
    fn notifier(&self, server: i32) -> Option<i32>;
}

/// Who a session is among the others.
#[derive(Debug)]
pub struct Identity {
    /// The process id that the client was told.
    pub pid: i32,
    /// The role that it logged in as.
    pub role: Rc<str>,
    /// All of them.
    pub processes: Rc<dyn Processes>,
}

/// The signal that a prepared statement sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum BoundSignal {
    /// To the session with this process id.
    To(Signal, i32),
    /// To the session whose process id is bound to this parameter.
    Parameter(Signal, u16),
}

/// How a statement about processes is run.
#[derive(Debug)]
pub(super) enum ProcessPlan {
    /// In this form, which has the same parameters and the same result.
    Run {
        text: Vec<u8>,
        signal: Option<BoundSignal>,
    },
    /// Not at all.
    Refuse(ErrorResponse),
}

impl Session {
    /// How a text is run that is about processes; `None` for everything else, and where no session
    /// of ours has that process id. `types` are those of its parameters, as in Parse.
    pub(super) fn process_plan(
        &self,
        traits: Traits,
        sql: &[u8],
        types: &[u8],
    ) -> Option<ProcessPlan> {
        if !traits.contains(Traits::BACKEND_FUNCTIONS) {
            return None;
        }
        let identity = self.identity.as_ref()?;
        let call = sql::process_call(sql)?;
        let (signal, process) = match call.function {
            ProcessFunction::BackendPid => {
                return Some(ProcessPlan::Run {
                    text: call.with_value(&format!("{}::int4", identity.pid)),
                    signal: None,
                });
            }
            ProcessFunction::Cancel(process) => (Signal::Cancel, process),
            ProcessFunction::Terminate(process) => (Signal::Terminate, process),
        };
        let pid = match process {
            NamedProcess::Own => identity.pid,
            NamedProcess::Literal(pid) => pid,
            NamedProcess::Parameter(number) => {
                if !TYPES.contains(&declared(types, number)) {
                    return None;
                }
                return Some(ProcessPlan::Run {
                    text: call.unless(number, MARKER),
                    signal: Some(BoundSignal::Parameter(signal, number)),
                });
            }
        };
        Some(match identity.may_signal(pid, signal)? {
            Ok(()) => ProcessPlan::Run {
                text: call.with_value("true"),
                signal: Some(BoundSignal::To(signal, pid)),
            },
            Err(error) => ProcessPlan::Refuse(error),
        })
    }

    /// A Query about processes.
    pub(super) fn process_query(
        &mut self,
        plan: ProcessPlan,
        frame: Frame<'_>,
        out: &mut Outputs<'_>,
    ) -> Flow {
        self.counts.statements += 1;
        self.statements.drop_unnamed();
        let detail = match plan {
            // Its parameter has no value: the server says so.
            ProcessPlan::Run {
                signal: Some(BoundSignal::Parameter(..)),
                ..
            } => {
                self.send(Expect::Query, frame, None);
                return Flow::Forward;
            }
            ProcessPlan::Run {
                text,
                signal: Some(BoundSignal::To(signal, pid)),
            } => {
                if self.is_own(pid) {
                    match signal {
                        Signal::Terminate => return self.end_itself(pid),
                        Signal::Cancel | Signal::Expire => {
                            encode::query(FAILS, out.server);
                            Some(Detail::Fails(Box::new(cancelled())))
                        }
                    }
                } else {
                    encode::query(&text, out.server);
                    Some(Detail::Signal(signal, pid))
                }
            }
            ProcessPlan::Run { text, signal: None } => {
                encode::query(&text, out.server);
                None
            }
            ProcessPlan::Refuse(error) => {
                encode::query(FAILS, out.server);
                Some(Detail::Fails(Box::new(error)))
            }
        };
        self.let_replies_go();
        self.send(Expect::Query, frame, detail);
        Flow::Discard
    }

    /// A Bind of a statement that sends a signal: of the unnamed one if `statement` is `None`.
    pub(super) fn bind_signal(
        &mut self,
        signal: BoundSignal,
        frame: Frame<'_>,
        statement: Option<&Statement>,
        out: &mut Outputs<'_>,
    ) -> Flow {
        let complete = frame.is_complete().then_some(frame.body);
        let Some(bind) = complete.and_then(|body| Bind::read(body).ok()) else {
            return self.fail(
                frame,
                ErrorResponse::error(SqlState::PROTOCOL_VIOLATION, "invalid Bind message"),
                out,
            );
        };
        let mut values = bind.values.to_vec();
        let detail = match signal {
            BoundSignal::To(signal, pid) => Some(Detail::Signal(signal, pid)),
            BoundSignal::Parameter(signal, number) => match bound_process(bind.values, number) {
                None => None,
                Some((pid, value)) => {
                    let known = self.identity.as_ref();
                    match known.and_then(|identity| identity.may_signal(pid, signal)) {
                        Some(Err(error)) => return self.fail(frame, error, out),
                        Some(Ok(())) => {
                            values = value.replaced(bind.values, MARKER);
                            Some(Detail::Signal(signal, pid))
                        }
                        None if pid == i32::from(MARKER) => {
                            values = value.replaced(bind.values, NOBODY);
                            None
                        }
                        None => None,
                    }
                }
            },
        };
        match detail {
            Some(Detail::Signal(Signal::Terminate, pid)) if self.is_own(pid) => {
                return self.end_itself(pid);
            }
            Some(Detail::Signal(Signal::Cancel, pid)) if self.is_own(pid) => {
                return self.fail(frame, cancelled(), out);
            }
            _ => {}
        }
        encode::frame(frontend::BIND, out.server, |body| {
            encode::cstr(bind.portal, body);
            match statement {
                Some(statement) => encode::cstr(statement.name(), body),
                None => encode::cstr(bind.statement, body),
            }
            body.extend_from_slice(&values);
        });
        self.send(Expect::Bind, frame, detail);
        Flow::Discard
    }

    /// What the server has been told to do to another session is done.
    pub(super) fn signal(&self, signal: Signal, pid: i32) {
        if let Some(identity) = &self.identity {
            identity.processes.signal(pid, signal);
        }
    }

    fn is_own(&self, pid: i32) -> bool {
        self.identity
            .as_ref()
            .is_some_and(|identity| identity.pid == pid)
    }

    /// The session ends itself. Its statement gets no other answer, as in PostgreSQL.
    fn end_itself(&self, pid: i32) -> Flow {
        self.signal(Signal::Terminate, pid);
        Flow::Hold
    }

    /// A statement that notifies others is about to run.
    pub(super) fn notifies(&self, server: &ServerState) {
        if let (Some(identity), Some(server)) = (&self.identity, server.pid) {
            identity.processes.notifies(identity.pid, server);
        }
    }

    /// A notification: it carries the process id that its sender's client knows.
    ///
    /// Several sessions notify from a server, one after the other. Who has done so last is nearly
    /// always the one; a receiver in a transaction gets its notifications late. What triggers and
    /// functions send is not seen: it carries the process id of the server.
    pub(super) fn notification(
        &self,
        frame: Frame<'_>,
        server: &ServerState,
        to_client: &mut BytesMut,
    ) -> Relayed {
        let (Some(identity), true) = (&self.identity, frame.is_complete()) else {
            return Relayed::Forward;
        };
        let Some((sender, rest)) = frame.body.split_first_chunk::<4>() else {
            return Relayed::Forward;
        };
        let sender = i32::from_be_bytes(*sender);
        let known = if server.pid == Some(sender) {
            Some(identity.pid)
        } else {
            // This session listens on its own server: what comes from another one, others sent.
            let notifier = identity.processes.notifier(sender);
            notifier.filter(|pid| *pid != identity.pid)
        };
        let Some(pid) = known else {
            return Relayed::Forward;
        };
        encode::frame(backend::NOTIFICATION_RESPONSE, to_client, |body| {
            body.put_i32(pid);
            body.extend_from_slice(rest);
        });
        Relayed::Swallow
    }
}

impl Identity {
    /// Whether this session may send a signal to that one; `None` if there is no such session.
    fn may_signal(&self, pid: i32, signal: Signal) -> Option<Result<(), ErrorResponse>> {
        let role = self.processes.role(pid)?;
        if role == self.role || &*self.role == ADMIN {
            return Some(Ok(()));
        }
        // The words of PostgreSQL 16 (`src/backend/storage/ipc/signalfuncs.c`).
        let (message, whose, what) = match signal {
            Signal::Cancel | Signal::Expire => (
                "permission denied to cancel query",
                "query is being canceled",
                "cancel this query",
            ),
            Signal::Terminate => (
                "permission denied to terminate process",
                "process is being terminated",
                "terminate this process",
            ),
        };
        let error = ErrorResponse::error(SqlState::INSUFFICIENT_PRIVILEGE, message);
        Some(Err(error.detail(format!(
            "Only roles with privileges of the role whose {whose} or with privileges of the \
             \"pg_signal_backend\" role may {what}."
        ))))
    }
}

/// The process id that is bound to a parameter, and where it stands; `None` for NULL and for what
/// is no `int4` by its value, which are the server's to judge.
fn bound_process(values: &[u8], number: u16) -> Option<(i32, BoundValue)> {
    let value = BoundValue::find(values, number)?;
    let bytes = values.get(value.start..value.end)?;
    let pid = match (value.binary, bytes) {
        (false, text) => std::str::from_utf8(text).ok()?.trim().parse().ok()?,
        (true, &[a, b]) => i16::from_be_bytes([a, b]).into(),
        (true, &[a, b, c, d]) => i32::from_be_bytes([a, b, c, d]),
        (true, bytes) => i64::from_be_bytes(bytes.try_into().ok()?).try_into().ok()?,
    };
    Some((pid, value))
}

/// The object id of the type that a parameter has been declared with; 0 for none.
fn declared(types: &[u8], number: u16) -> u32 {
    let index = usize::from(number).saturating_sub(1);
    let (all, _) = types.as_chunks::<4>();
    all.get(index).map_or(0, |oid| u32::from_be_bytes(*oid))
}

/// Where a value stands among those of a Bind.
#[derive(Debug, Clone, Copy)]
struct BoundValue {
    start: usize,
    end: usize,
    binary: bool,
}

impl BoundValue {
    /// The value with this number, counted from 1. `None` if there is none, or it is NULL.
    fn find(values: &[u8], number: u16) -> Option<Self> {
        let index = usize::from(number.checked_sub(1)?);
        let mut cursor = Cursor::new("Bind", values);
        let count = cursor.i16().ok()?.cast_unsigned();
        let formats = cursor.take(usize::from(count) * 2).ok()?;
        // None: all are text; one: it is for all (manual, "Message Formats", Bind).
        let format = match count {
            0 => 0,
            1 => *formats.get(1)?,
            _ => *formats.get(index * 2 + 1)?,
        };
        let values_given = cursor.i16().ok()?.cast_unsigned();
        if index >= usize::from(values_given) {
            return None;
        }
        for _ in 0..index {
            let length = cursor.i32().ok()?;
            cursor.take(usize::try_from(length).unwrap_or(0)).ok()?;
        }
        let length = usize::try_from(cursor.i32().ok()?).ok()?;
        let start = values.len() - cursor.rest().len();
        Some(Self {
            start,
            end: start + length,
            binary: format == 1,
        })
    }

    /// The values with `pid` in the place of this one.
    fn replaced(self, values: &[u8], pid: i16) -> Vec<u8> {
        let new = match (self.binary, self.end - self.start) {
            (false, _) => pid.to_string().into_bytes(),
            (true, 2) => pid.to_be_bytes().to_vec(),
            (true, 4) => i32::from(pid).to_be_bytes().to_vec(),
            (true, _) => i64::from(pid).to_be_bytes().to_vec(),
        };
        let length = u32::try_from(new.len()).unwrap_or_default().to_be_bytes();
        let before = values
            .get(..self.start.saturating_sub(4))
            .unwrap_or_default();
        let behind = values.get(self.end..).unwrap_or_default();
        [before, &length, &new, behind].concat()
    }
}
