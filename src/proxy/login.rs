//! What a client gets at its login.
//!
//! The parameters that it brings are tried on a server once; the next client that brings the same
//! is answered from memory and needs no server.

use std::rc::Rc;

use bytes::{Bytes, BytesMut};

use super::server::{PooledServer, RolePool, ServerCheckout, StartupParameters};
use crate::net::buffered::Read;
use crate::pool::CheckoutError;
use crate::session::settings::{self, Change, READ_BACK, ReadBack, Settings};
use crate::session::{Parameters, Profile};
use crate::upstream::ConnectError;
use crate::wire::backend::{self, ParameterStatus};
use crate::wire::frame::HEADER;
use crate::wire::{ErrorFields, ErrorResponse, FrameScanner, Severity, SqlState, Step, encode};

/// A frame of a server that is being prepared may be this long, in bytes.
const MAX_MESSAGE: usize = 64 * 1024;

/// Notices are kept until there are this many bytes of them.
const MAX_NOTICES: usize = 8 * 1024;

/// What a client gets that brings what another has brought before.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) profile: Profile,
    /// AuthenticationOk, what the server has to say, and what the client is told of parameters.
    pub(super) greeting: Bytes,
}

impl Known {
    fn new(profile: Profile, notices: &[u8]) -> Self {
        let mut out = BytesMut::new();
        encode::authentication_ok(&mut out);
        out.extend_from_slice(notices);
        for (name, value) in profile.told.iter() {
            encode::frame(backend::PARAMETER_STATUS, &mut out, |body| {
                encode::cstr(name, body);
                encode::cstr(value, body);
            });
        }
        Self {
            profile,
            greeting: out.freeze(),
        }
    }
}

/// A session's beginning.
pub(super) struct Welcome {
    pub(super) known: Known,
    /// The server that nobody else may have, if the client brought what only a connection of its
    /// own can have.
    pub(super) private: Option<ServerCheckout>,
}

impl From<Known> for Welcome {
    fn from(known: Known) -> Self {
        Self {
            known,
            private: None,
        }
    }
}

/// What a client that brings these parameters gets.
pub(super) async fn welcome(
    pool: &RolePool,
    brought: StartupParameters,
) -> Result<Welcome, ErrorResponse> {
    let startup = settings::startup_settings(&brought);
    if startup.private.is_some() {
        let server = pool
            .pool
            .checkout_private(brought)
            .await
            .map_err(|error| refused(&error))?;
        let profile = Profile {
            settings: Rc::clone(server.state.settings()),
            told: Rc::new(server.state.reported().clone()),
        };
        return Ok(Welcome {
            known: Known::new(profile, &server.notices),
            private: Some(server),
        });
    }
    let mut server = pool
        .pool
        .checkout()
        .await
        .map_err(|error| refused(&error))?;
    let mut messages = BytesMut::new();
    let none = Settings::default();
    let current = Rc::clone(server.state.settings());
    let mut changes = settings::inject(current.difference(&none), &mut messages);
    let base = server.state.base();
    let news = startup
        .changes
        .into_iter()
        .filter(|change| !is_already(change, base));
    changes += settings::inject(news, &mut messages);
    if changes == 0 {
        let profile = Profile {
            settings: current,
            told: Rc::new(server.state.reported().clone()),
        };
        let welcome = Known::new(profile, &server.notices);
        server.release();
        return Ok(pool.remember(brought, welcome).into());
    }
    encode::sync(&mut messages);
    encode::query(READ_BACK, &mut messages);
    // A connection that breaks here is dropped with the checkout.
    let mut notices = BytesMut::from(&server.notices[..]);
    match converse(&mut server, &messages, &mut notices).await {
        Ok(Ok(settings)) => {
            let settings = Rc::new(settings);
            server.state.set_settings(Rc::clone(&settings));
            let profile = Profile {
                settings,
                told: Rc::new(server.state.reported().clone()),
            };
            server.release();
            Ok(pool.remember(brought, Known::new(profile, &notices)).into())
        }
        Ok(Err(error)) => {
            // One transaction, and it is undone.
            server.release();
            Err(error.severity(Severity::Fatal))
        }
        Err(why) => {
            server.discard("lost");
            Err(ErrorResponse::fatal(
                SqlState::CONNECTION_FAILURE,
                format!("the connection to Aurora DSQL was lost: {why}"),
            )
            .hint("Connect again."))
        }
    }
}

/// True if a server reports of itself what the client brings. That saves the trip for what nearly
/// every driver sends.
fn is_already(change: &Change, base: &Parameters) -> bool {
    let Change::Startup { name, value } = change else {
        return false;
    };
    let reported = base
        .iter()
        .find(|(other, _)| other.eq_ignore_ascii_case(name));
    reported.is_some_and(|(_, reported)| {
        reported == value
            || (name.eq_ignore_ascii_case(b"client_encoding")
                && is_utf8(value)
                && is_utf8(reported))
    })
}

/// PostgreSQL compares names of encodings without case and punctuation (`clean_encoding_name`,
/// `src/common/encnames.c`).
fn is_utf8(encoding: &[u8]) -> bool {
    let letters = encoding
        .iter()
        .filter(|c| c.is_ascii_alphanumeric())
        .map(u8::to_ascii_lowercase);
    letters.eq(*b"utf8")
}

/// Sends a group and a Query, and collects the rows of the second or the error of the first.
async fn converse(
    server: &mut PooledServer,
    messages: &[u8],
    notices: &mut BytesMut,
) -> Result<Result<Settings, ErrorResponse>, String> {
    let PooledServer { io, state, .. } = server;
    io.output.extend_from_slice(messages);
    let mut scanner = FrameScanner::new();
    let mut rows = ReadBack::default();
    let mut error = None;
    let mut owed = 2;
    while owed > 0 {
        match scanner
            .step(&io.input, |_| MAX_MESSAGE)
            .map_err(|error| error.to_string())?
        {
            Step::NeedMore => match io.exchange().await {
                Ok(Read::Some) => {}
                Ok(Read::Eof) => return Err("it was closed".into()),
                Err(error) => return Err(error.to_string()),
            },
            Step::Rest(n) => drop(io.input.split_to(n)),
            Step::Head {
                tag,
                body: length,
                seen,
            } => {
                let frame = io.input.split_to(HEADER + seen);
                let body = frame.get(HEADER..).unwrap_or_default();
                match tag {
                    backend::READY_FOR_QUERY => owed -= 1,
                    backend::DATA_ROW if owed == 1 => {
                        rows.row(body).map_err(|error| error.to_string())?;
                    }
                    backend::NOTICE_RESPONSE
                        if owed == 2 && length == seen && notices.len() < MAX_NOTICES =>
                    {
                        notices.extend_from_slice(&frame);
                    }
                    backend::PARAMETER_STATUS => {
                        if let Ok(ParameterStatus { name, value }) = ParameterStatus::read(body) {
                            state.report(name, value);
                        }
                    }
                    backend::ERROR_RESPONSE => {
                        let fields = ErrorFields::read(body).map_err(|error| error.to_string())?;
                        error.get_or_insert(fields.to_response());
                    }
                    _ => {}
                }
            }
        }
    }
    Ok(match error {
        Some(error) => Err(error),
        None => Ok(rows.finish()),
    })
}

/// Why there is no server, for a client that logs in.
pub(super) fn refused(error: &CheckoutError<Rc<ConnectError>>) -> ErrorResponse {
    error
        .to_response(|error| error.to_response())
        .severity(Severity::Fatal)
}
