//! An errand driven by hand.

use std::rc::Rc;
use std::task::{Context, Waker};

use bytes::BytesMut;

use crate::adapt::locks::Locks;
use crate::adapt::{Adapter, Stage};
use crate::compat::Policy;
use crate::wire::backend::TransactionStatus;
use crate::wire::frame::HEADER;
use crate::wire::{
    ErrorFields, ErrorResponse, FrameScanner, Severity, SqlState, Step, encode, frontend,
};

/// Somebody waits longer than any errand should take.
const MOST_ROUNDS: usize = 5000;

/// What the server says to a Query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Says {
    Rows(Vec<Vec<Option<String>>>),
    Tag(&'static str),
    Error(&'static str),
    Notice,
    Empty,
}

/// What the client has got: a letter for each message, and what it is about.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) tags: String,
    pub(super) complete: Vec<String>,
    /// SQLSTATE, message and detail.
    pub(super) error: Option<(String, String, String)>,
    /// The statements that the session has got.
    pub(super) sent: Vec<String>,
}

/// Somebody who answers, and interferes.
pub(super) trait Server {
    /// The answer to a Query, and the status after it.
    fn answer(&mut self, sql: &str, sent: usize) -> (Vec<Says>, TransactionStatus);

    /// True if the client cancels while the errand sleeps.
    fn cancels(&mut self) -> bool {
        false
    }

    /// How many bytes of an answer come at a time.
    fn piece(&mut self) -> usize {
        usize::MAX
    }
}

impl<F: FnMut(&str) -> Vec<Says>> Server for F {
    fn answer(&mut self, sql: &str, _sent: usize) -> (Vec<Says>, TransactionStatus) {
        (self(sql), TransactionStatus::Idle)
    }
}

/// What makes the errands of a client.
pub(super) fn adapter(policy: Policy) -> Adapter {
    Adapter::new(Rc::new(policy), &[], &Locks::new(10), 1).unwrap()
}

/// Runs a Query to its end.
pub(super) fn run(
    policy: &Policy,
    sql: &str,
    status: TransactionStatus,
    server: &mut impl Server,
) -> Told {
    let mut adapter = adapter(policy.clone());
    query(&mut adapter, sql, status, server)
}

/// The same, for a client that has sent others.
pub(super) fn query(
    adapter: &mut Adapter,
    sql: &str,
    status: TransactionStatus,
    server: &mut impl Server,
) -> Told {
    let mut errand = adapter.query(sql.as_bytes(), status);
    let mut cx = Context::from_waker(Waker::noop());
    let mut to_client = BytesMut::new();
    let mut sent = Vec::new();
    for _ in 0..MOST_ROUNDS {
        let stage = errand.poll(false, &mut cx);
        let mut to_session = BytesMut::new();
        errand.deliver(&mut to_session, &mut to_client);
        match stage {
            Stage::Done => {
                assert!(to_session.is_empty());
                assert!(!errand.is_underway());
                return told(&to_client, sent);
            }
            Stage::Time(_) => {
                assert!(to_session.is_empty());
                assert!(errand.is_at_boundary());
                let error = ErrorResponse::error(SqlState::QUERY_CANCELED, "cancelled");
                if !server.cancels() || !errand.cancel(error) {
                    errand.slept();
                }
            }
            Stage::Replies => {
                let sql = frontend::query(&to_session[HEADER..]).unwrap();
                let sql = String::from_utf8(sql.to_vec()).unwrap();
                let (says, status) = server.answer(&sql, sent.len());
                sent.push(sql);
                let mut replies = BytesMut::new();
                for each in &says {
                    say(each, &mut replies);
                }
                encode::ready_for_query(status, &mut replies);
                let mut input = BytesMut::new();
                while !replies.is_empty() {
                    let piece = server.piece().clamp(1, replies.len());
                    input.extend_from_slice(&replies.split_to(piece));
                    errand.replies(&mut input, &mut to_client).unwrap();
                }
                assert!(input.is_empty());
            }
        }
    }
    panic!("{sql}: it never ends");
}

fn say(says: &Says, out: &mut BytesMut) {
    match says {
        Says::Rows(rows) => {
            for row in rows {
                encode::frame(b'D', out, |body| {
                    body.extend_from_slice(&i16::try_from(row.len()).unwrap().to_be_bytes());
                    for value in row {
                        let Some(value) = value else {
                            body.extend_from_slice(&(-1i32).to_be_bytes());
                            continue;
                        };
                        body.extend_from_slice(&i32::try_from(value.len()).unwrap().to_be_bytes());
                        body.extend_from_slice(value.as_bytes());
                    }
                });
            }
            encode::command_complete("SELECT 1", out);
        }
        Says::Tag(tag) => encode::command_complete(tag, out),
        Says::Error(code) => {
            let sqlstate = SqlState::parse(code.as_bytes()).unwrap();
            ErrorResponse::error(sqlstate, format!("error {code}")).encode(out);
        }
        Says::Notice => ErrorResponse::error(SqlState::WARNING, "heed")
            .severity(Severity::Warning)
            .encode(out),
        Says::Empty => encode::empty_query_response(out),
    }
}

fn told(messages: &BytesMut, sent: Vec<String>) -> Told {
    let mut told = Told {
        sent,
        ..Told::default()
    };
    let mut rest = messages.clone();
    let mut scanner = FrameScanner::new();
    while !rest.is_empty() {
        let Step::Head { tag, body, seen } = scanner.step(&rest, |_| usize::MAX).unwrap() else {
            panic!("half a message");
        };
        assert_eq!(body, seen);
        let frame = rest.split_to(HEADER + seen);
        told.tags.push(char::from(tag));
        let body = &frame[HEADER..];
        if tag == b'C' {
            let tag = body.strip_suffix(b"\0").unwrap();
            told.complete.push(String::from_utf8(tag.to_vec()).unwrap());
        }
        if tag == b'E' {
            let fields = ErrorFields::read(body).unwrap();
            let text = |code| {
                let value = fields.field(code).unwrap_or_default();
                String::from_utf8(value.to_vec()).unwrap()
            };
            assert!(told.error.is_none(), "two errors");
            told.error = Some((text(b'C'), text(b'M'), text(b'D')));
        }
    }
    told
}

/// Rows of one text each.
pub(super) fn rows(rows: &[&[&str]]) -> Vec<Says> {
    let row = |row: &&[&str]| row.iter().map(|value| Some((*value).to_owned())).collect();
    vec![Says::Rows(rows.iter().map(row).collect())]
}
