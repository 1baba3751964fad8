//! One session, its client and its server.

use std::rc::Rc;

use bytes::{BufMut, Bytes, BytesMut};

use super::notation::{from_server, show_sent, show_told};
use crate::compat::{AdvisoryLocks, Ddl, Policy, Unsupported};
use crate::session::SequencePins;
use crate::session::settings::Settings;
use crate::session::{
    AfterLoss, Flow, Frame, Outputs, Parameters, PoolMode, Profile, Registry, Relayed, ServerState,
    Session, SessionId, SessionOptions,
};
use crate::wire::frame::HEADER;
use crate::wire::{ErrorResponse, encode, frontend};

/// A conversation.
pub(super) struct Talk {
    pub(super) session: Session,
    /// The server that the session has.
    pub(super) server: Option<ServerState>,
    /// Errors that the client was told, after [`Talk::told`].
    pub(super) errors: Vec<ErrorResponse>,
    sent: BytesMut,
    told: BytesMut,
}

/// What sessions of one pool have in common.
pub(super) fn options() -> Rc<SessionOptions> {
    options_with(SequencePins::new(0))
}

/// The same with so much room for sessions that keep their server for sequences.
pub(super) fn options_with(sequences: SequencePins) -> Rc<SessionOptions> {
    Rc::new(SessionOptions {
        policy: Rc::new(Policy {
            unsupported: Unsupported::Reject,
            ddl: Ddl::Pass,
            advisory_locks: AdvisoryLocks::Forward,
            ..Policy::default()
        }),
        mode: PoolMode::Transaction,
        registry: Registry::default(),
        retry_buffer: 64 * 1024,
        attempts: 3,
        sequences,
    })
}

/// A new server.
pub(super) fn fresh() -> ServerState {
    ServerState::new(parameters(&[("TimeZone", "UTC")]), 10)
}

pub(super) fn parameters(values: &[(&str, &str)]) -> Parameters {
    let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    values.iter().map(|(n, v)| (bytes(n), bytes(v))).collect()
}

impl Talk {
    /// A session without a server, whose client brought nothing.
    pub(super) fn detached() -> Self {
        Self::of(&options(), 1, &[])
    }

    /// A session with a new server.
    pub(super) fn new() -> Self {
        let mut talk = Self::detached();
        talk.attach(fresh());
        talk
    }

    /// One of several sessions of a pool, whose client brought these settings.
    pub(super) fn of(options: &Rc<SessionOptions>, id: u64, brought: &[(&str, &str)]) -> Self {
        let profile = Profile {
            settings: Rc::new(parameters(brought).into_iter().collect::<Settings>()),
            told: Rc::new(parameters(&[("TimeZone", "UTC")])),
        };
        Self {
            session: Session::new(SessionId(id), Rc::clone(options), profile),
            server: None,
            errors: Vec::new(),
            sent: BytesMut::new(),
            told: BytesMut::new(),
        }
    }

    pub(super) fn attach(&mut self, mut server: ServerState) {
        self.session.attach(&mut server, &mut self.sent);
        self.server = Some(server);
    }

    /// The session gives its server back.
    pub(super) fn detach(&mut self) -> ServerState {
        self.session.detach();
        self.server.take().unwrap()
    }

    /// The server is gone.
    pub(super) fn lost(&mut self) -> AfterLoss {
        self.server = None;
        self.session.lost("gone", &mut self.told)
    }

    /// The wait has been given up.
    pub(super) fn abandoned(
        &mut self,
        error: ErrorResponse,
        status: Option<crate::wire::backend::TransactionStatus>,
    ) {
        self.server = None;
        self.session.abandoned(error, status, &mut self.told);
    }

    /// A message of the client.
    pub(super) fn client(&mut self, tag: u8, body: &[u8]) -> Flow {
        let mut raw = BytesMut::new();
        encode::frame(tag, &mut raw, |out| out.extend_from_slice(body));
        let frame = Frame {
            tag,
            raw: &raw,
            body: &raw[HEADER..],
            length: raw.len() - HEADER,
        };
        let mut out = Outputs {
            server: &mut self.sent,
            client: &mut self.told,
        };
        let flow = self.session.frontend(frame, self.server.as_mut(), &mut out);
        match flow.unwrap() {
            Flow::Forward => {
                self.sent.extend_from_slice(&raw);
                Flow::Forward
            }
            Flow::Replace(front) => {
                self.sent.extend_from_slice(&raw[front..]);
                Flow::Replace(front)
            }
            flow => flow,
        }
    }

    pub(super) fn query(&mut self, sql: &str) -> Flow {
        self.client(frontend::QUERY, &[sql.as_bytes(), b"\0"].concat())
    }

    pub(super) fn parse(&mut self, name: &str, sql: &str) -> Flow {
        let body = [name.as_bytes(), b"\0", sql.as_bytes(), b"\0\0\0"].concat();
        self.client(frontend::PARSE, &body)
    }

    pub(super) fn bind(&mut self, statement: &str) -> Flow {
        let body = [b"\0", statement.as_bytes(), b"\0\0\0\0\0\0\0"].concat();
        self.client(frontend::BIND, &body)
    }

    pub(super) fn describe(&mut self, statement: &str) -> Flow {
        let body = [b"S", statement.as_bytes(), b"\0"].concat();
        self.client(frontend::DESCRIBE, &body)
    }

    pub(super) fn execute(&mut self) -> Flow {
        self.client(frontend::EXECUTE, b"\0\0\0\0\0")
    }

    pub(super) fn close(&mut self, statement: &str) -> Flow {
        let body = [b"S", statement.as_bytes(), b"\0"].concat();
        self.client(frontend::CLOSE, &body)
    }

    pub(super) fn sync(&mut self) -> Flow {
        self.client(frontend::SYNC, b"")
    }

    /// Parse, Bind, Execute, Sync of the unnamed statement.
    pub(super) fn extended(&mut self, sql: &str) {
        self.parse("", sql);
        self.bind("");
        self.execute();
        self.sync();
    }

    /// Messages of the server.
    pub(super) fn reply(&mut self, tokens: &str) {
        for token in tokens.split_whitespace() {
            self.frame(&from_server(token));
        }
    }

    /// A message of the server as it is.
    pub(super) fn frame(&mut self, raw: &[u8]) {
        let frame = Frame {
            tag: raw[0],
            raw,
            body: &raw[HEADER..],
            length: raw.len() - HEADER,
        };
        let mut out = Outputs {
            server: &mut self.sent,
            client: &mut self.told,
        };
        let server = self.server.as_mut().unwrap();
        if self.session.backend(frame, server, &mut out) == Relayed::Forward {
            self.told.extend_from_slice(raw);
        }
    }

    /// Prepares a statement with success, and tells nothing of it.
    pub(super) fn prepared(&mut self, name: &str, sql: &str) {
        self.parse(name, sql);
        self.sync();
        // A named one is closed first.
        self.reply(if name.is_empty() { "1 Z:I" } else { "3 1 Z:I" });
        self.forget();
    }

    /// Opens a block on the server.
    /// With modes that are not taken for granted, so that it is not held back.
    pub(super) fn begun(&mut self) {
        self.query("begin isolation level serializable");
        self.reply("C:BEGIN Z:T");
        self.forget();
    }

    /// What the server was sent since the last time.
    pub(super) fn sent(&mut self) -> String {
        show_sent(self.sent.split())
    }

    /// What the client was told since the last time.
    pub(super) fn told(&mut self) -> String {
        show_told(self.told.split(), &mut self.errors)
    }

    /// What has been said is of no interest.
    pub(super) fn forget(&mut self) {
        self.sent.clear();
        self.told.clear();
    }

    /// The last error that the client was told.
    pub(super) fn error(&self) -> &ErrorResponse {
        self.errors.last().unwrap()
    }

    /// A message of the client that is longer than the buffer.
    pub(super) fn long_query(&mut self) -> Flow {
        self.long(frontend::QUERY, "")
    }

    /// A message of the client that begins like this and is longer than the buffer. It is not in
    /// what was sent.
    pub(super) fn long(&mut self, tag: u8, front: &str) -> Flow {
        let mut raw = BytesMut::new();
        raw.put_u8(tag);
        raw.put_u32(3_000_004);
        raw.extend_from_slice(front.as_bytes());
        raw.extend_from_slice(&b"select 1;".repeat(120_000));
        let frame = Frame {
            tag,
            raw: &raw,
            body: &raw[HEADER..],
            length: 3_000_000,
        };
        let mut out = Outputs {
            server: &mut self.sent,
            client: &mut self.told,
        };
        self.session
            .frontend(frame, self.server.as_mut(), &mut out)
            .unwrap()
    }
}
