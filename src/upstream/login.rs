//! Logging in to a server, as a state machine without I/O.

use crate::wire::backend::{self, Authentication, BackendKeyData, ParameterStatus};
use crate::wire::{ErrorFields, ErrorResponse, Malformed};

/// The most parameters that a server may report before we call it broken; PostgreSQL has about
/// fifteen of them.
const MAX_PARAMETERS: usize = 256;

/// More notices than this many are not kept.
const MAX_NOTICES: usize = 16;

/// What a server told us while we logged in.
#[derive(Debug, Default)]
pub struct Welcome {
    /// Names and values of ParameterStatus, in their order.
    pub parameters: Vec<(Vec<u8>, Vec<u8>)>,
    /// Process id and secret for a CancelRequest; a server need not send them.
    pub key: Option<(i32, Vec<u8>)>,
    /// The bodies of its NoticeResponses.
    pub notices: Vec<Vec<u8>>,
}

/// Which message the login waits for.
#[derive(Debug)]
#[allow(
    clippy::enum_variant_names,
    reason = "states are named after what they expect"
)]
enum State {
    ExpectAuthentication,
    ExpectAuthenticationOk,
    ExpectReady,
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Read on.
    Read,
    /// Send the token, then read on.
    SendPassword,
    /// The server is ready.
    Ready,
}

/// Why a login failed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum LoginError {
    /// The server said so.
    Refused(ErrorResponse),
    /// The server wants another way of authentication than a password in clear text.
    Method(&'static str),
    /// The server asked for the password a second time.
    AskedTwice,
    /// A message that makes no sense here.
    Unexpected(u8),
    /// A message that makes no sense at all.
    Malformed(Malformed),
    /// More parameters than any server has.
    TooManyParameters,
}

impl From<Malformed> for LoginError {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

/// A login under way.
#[derive(Debug)]
pub(super) struct Login {
    state: State,
    welcome: Welcome,
}

impl Login {
    /// The startup packet has been sent.
    pub(super) fn new() -> Self {
        Self {
            state: State::ExpectAuthentication,
            welcome: Welcome::default(),
        }
    }

    /// What has been learnt.
    pub(super) fn into_welcome(self) -> Welcome {
        self.welcome
    }

    /// Takes the next message of the server.
    pub(super) fn on_message(&mut self, tag: u8, body: &[u8]) -> Result<Next, LoginError> {
        match (&self.state, tag) {
            (_, backend::ERROR_RESPONSE) => {
                Err(LoginError::Refused(ErrorFields::read(body)?.to_response()))
            }
            (_, backend::NOTICE_RESPONSE) => {
                if self.welcome.notices.len() < MAX_NOTICES {
                    self.welcome.notices.push(body.to_vec());
                }
                Ok(Next::Read)
            }
            (State::ExpectAuthentication, backend::AUTHENTICATION) => {
                match Authentication::read(body)? {
                    // A server that trusts us: nothing to sign.
                    Authentication::Ok => {
                        self.state = State::ExpectReady;
                        Ok(Next::Read)
                    }
                    Authentication::CleartextPassword => {
                        self.state = State::ExpectAuthenticationOk;
                        Ok(Next::SendPassword)
                    }
                    other @ Authentication::Other(_) => Err(LoginError::Method(other.name())),
                }
            }
            (State::ExpectAuthenticationOk, backend::AUTHENTICATION) => {
                match Authentication::read(body)? {
                    Authentication::Ok => {
                        self.state = State::ExpectReady;
                        Ok(Next::Read)
                    }
                    Authentication::CleartextPassword => Err(LoginError::AskedTwice),
                    other @ Authentication::Other(_) => Err(LoginError::Method(other.name())),
                }
            }
            (State::ExpectReady, backend::PARAMETER_STATUS) => {
                let ParameterStatus { name, value } = ParameterStatus::read(body)?;
                if self.welcome.parameters.len() >= MAX_PARAMETERS {
                    return Err(LoginError::TooManyParameters);
                }
                self.welcome
                    .parameters
                    .push((name.to_vec(), value.to_vec()));
                Ok(Next::Read)
            }
            (State::ExpectReady, backend::BACKEND_KEY_DATA) => {
                let BackendKeyData { pid, secret } = BackendKeyData::read(body)?;
                self.welcome.key = Some((pid, secret.to_vec()));
                Ok(Next::Read)
            }
            // We ask for 3.0 and no options, so that there is nothing to negotiate; a server
            // that says something all the same says nothing that concerns us.
            (_, backend::NEGOTIATE_PROTOCOL_VERSION) => Ok(Next::Read),
            (State::ExpectReady, backend::READY_FOR_QUERY) => Ok(Next::Ready),
            (_, other) => Err(LoginError::Unexpected(other)),
        }
    }
}
