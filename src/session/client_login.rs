//! The packets with which a client begins, as a state machine without I/O.

use std::borrow::Cow;

use bytes::{Buf, BytesMut};

use crate::compat::{Policy, Verdict};
use crate::wire::startup::{CancelRequest, FirstPacket, ProtocolVersion, Startup, TLS_HANDSHAKE};
use crate::wire::{ErrorResponse, SqlState, encode};

/// A TLS alert record: fatal, handshake_failure (RFC 8446, section 6).
const HANDSHAKE_FAILURE: [u8; 7] = [0x15, 3, 3, 0, 2, 2, 40];

/// A Terminate, which says goodbye: what node-postgres sends where a client is ended before it is
/// connected. To PostgreSQL it is a packet of an impossible length, and it closes without a word.
const TERMINATE: [u8; 5] = [b'X', 0, 0, 0, 4];

/// How often a client may ask for encryption before it says who it is. libpq asks once for each
/// kind.
const MAX_REQUESTS: usize = 4;

/// What to do with a client.
#[derive(Debug)]
pub enum Greeting {
    /// Read on; some bytes may have to be sent first.
    ReadMore,
    /// It wants to cancel what another client does. It expects no answer.
    Cancel(CancelRequest),
    /// It wants to log in.
    Login(ClientLogin),
    /// It gets what is in the output, and no more.
    Reject(&'static str),
    /// It gets this error, behind what is in the output, and no more.
    Refuse(ErrorResponse, &'static str),
}

/// Who a client says that it is.
#[derive(Debug)]
pub struct ClientLogin {
    /// The version that is spoken with it.
    pub version: ProtocolVersion,
    /// The role.
    pub role: String,
    /// The database, if it named one.
    pub database: Option<String>,
    /// Every other parameter that goes to the server, in the client's order.
    pub parameters: Vec<(Vec<u8>, Vec<u8>)>,
    /// The parameters that the session keeps and the server does not get, `options` first, as
    /// PostgreSQL takes them.
    pub kept: Vec<(String, String)>,
    /// True if it brings a `search_path` of its own.
    pub has_search_path: bool,
}

/// Reads first packets.
#[derive(Debug, Default)]
pub struct ExpectStartup {
    requests: usize,
}

impl ClientLogin {
    /// A reader for a new client.
    pub fn expect() -> ExpectStartup {
        ExpectStartup::default()
    }
}

impl ExpectStartup {
    /// Takes what has come from the client. Replies go to `output`. `default_role` is the role
    /// of a client that names none.
    pub fn on_input(
        &mut self,
        input: &mut BytesMut,
        output: &mut BytesMut,
        policy: &Policy,
        default_role: &str,
    ) -> Greeting {
        loop {
            if input.first() == Some(&TLS_HANDSHAKE) {
                output.extend_from_slice(&HANDSHAKE_FAILURE);
                return Greeting::Reject("it began a TLS handshake, and this port is plaintext");
            }
            if input.starts_with(&TERMINATE) {
                return Greeting::Reject("it said goodbye at once");
            }
            match FirstPacket::read(input) {
                Ok(None) => return Greeting::ReadMore,
                Ok(Some((packet, length))) => {
                    input.advance(length);
                    match packet {
                        FirstPacket::SslRequest | FirstPacket::GssEncRequest => {
                            self.requests += 1;
                            if self.requests > MAX_REQUESTS {
                                return Greeting::Reject("it asked for encryption again and again");
                            }
                            output.extend_from_slice(b"N");
                        }
                        FirstPacket::Cancel(cancel) => return Greeting::Cancel(cancel),
                        FirstPacket::Startup(startup) => {
                            return match log_in(startup, output, policy, default_role) {
                                Ok(login) => Greeting::Login(login),
                                Err(error) => {
                                    Greeting::Refuse(error, "its startup packet was refused")
                                }
                            };
                        }
                    }
                }
                Err(error) => {
                    let error =
                        ErrorResponse::fatal(SqlState::PROTOCOL_VIOLATION, error.to_string())
                            .hint("This port speaks the PostgreSQL protocol.");
                    return Greeting::Refuse(error, "it does not speak the PostgreSQL protocol");
                }
            }
        }
    }
}

fn log_in(
    startup: Startup,
    output: &mut BytesMut,
    policy: &Policy,
    default_role: &str,
) -> Result<ClientLogin, ErrorResponse> {
    let asked = startup.version;
    if asked.major != 3 {
        return Err(ErrorResponse::fatal(
            SqlState::FEATURE_NOT_SUPPORTED,
            format!("unsupported frontend protocol {asked}: server supports 3.0 to 3.2"),
        )
        .hint("Use a client made for PostgreSQL 7.4 or newer."));
    }
    let mut login = ClientLogin {
        version: asked.min(ProtocolVersion::V3_2),
        role: String::new(),
        database: None,
        parameters: Vec::new(),
        kept: Vec::new(),
        has_search_path: false,
    };
    let mut unknown_options = Vec::new();
    for (name, value) in startup.parameters {
        match name.as_slice() {
            // An empty name is none: some drivers send one when they know no user.
            b"user" if value.is_empty() => {}
            b"user" => login.role = utf8(value, "user")?,
            // PostgreSQL takes an empty name for none.
            b"database" => {
                login.database = Some(utf8(value, "database")?).filter(|name| !name.is_empty());
            }
            _ if name.starts_with(b"_pq_.") => unknown_options.push(utf8(name, "option")?),
            _ => login.parameter(name, value, policy)?,
        }
    }
    if login.role.is_empty() {
        default_role.clone_into(&mut login.role);
    }
    if login.role.is_empty() {
        return Err(ErrorResponse::fatal(
            SqlState::INVALID_AUTHORIZATION,
            "no PostgreSQL user name specified in startup packet",
        )
        .hint("Name the role to sign in as, for example user=admin."));
    }
    if asked > login.version || !unknown_options.is_empty() {
        encode::negotiate_protocol_version(login.version.number(), &unknown_options, output);
    }
    Ok(login)
}

impl ClientLogin {
    fn parameter(
        &mut self,
        name: Vec<u8>,
        mut value: Vec<u8>,
        policy: &Policy,
    ) -> Result<(), ErrorResponse> {
        let shown = String::from_utf8_lossy(&name);
        if shown == "options" {
            let text = String::from_utf8_lossy(&value);
            let options = policy.options(&text).map_err(|refusal| refuse(&refusal))?;
            self.has_search_path |= options
                .settings
                .iter()
                .any(|(name, _)| is_search_path(name));
            if !options.kept.is_empty() {
                if matches!(text, Cow::Owned(_)) {
                    return Err(not_utf8("options"));
                }
                value = options.rest.into_bytes();
                self.kept.splice(..0, options.kept);
            }
            if self.kept.is_empty() || !value.is_empty() {
                self.parameters.push((name, value));
            }
            return Ok(());
        }
        self.has_search_path |= is_search_path(&shown);
        match policy.startup_parameter(&shown) {
            Verdict::Forward => self.parameters.push((name, value)),
            Verdict::Keep => {
                let shown = shown.into_owned();
                let value = utf8(value, "value of a parameter")?;
                self.kept.push((shown, value));
            }
            Verdict::Refuse(refusal) => return Err(refuse(&refusal)),
        }
        Ok(())
    }
}

/// In `options` a name may have `-` for `_`.
fn is_search_path(name: &str) -> bool {
    let plain = |b: u8| {
        if b == b'-' {
            b'_'
        } else {
            b.to_ascii_lowercase()
        }
    };
    name.bytes().map(plain).eq(*b"search_path")
}

fn refuse(refusal: &crate::compat::Refusal) -> ErrorResponse {
    super::machine::refusal(refusal).severity(crate::wire::Severity::Fatal)
}

fn utf8(value: Vec<u8>, what: &str) -> Result<String, ErrorResponse> {
    String::from_utf8(value).map_err(|_| not_utf8(what))
}

fn not_utf8(what: &str) -> ErrorResponse {
    ErrorResponse::fatal(
        SqlState::PROTOCOL_VIOLATION,
        format!("the {what} in the startup packet is not valid UTF-8"),
    )
    .hint("Send names in UTF-8.")
}
