//! Why a connect failed, and what the client is told.

use std::fmt;
use std::io;
use std::time::Duration;

use super::login::LoginError;
use super::retry;
use crate::iam::IamError;
use crate::net::dial::DialError;
use crate::net::tls_client::{CertificateProblem, TlsError, certificate_problem};
use crate::wire::{ErrorResponse, FrameError, Severity, SqlState};

/// A step of connecting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Credentials and token.
    Token,
    /// Name resolution and TCP.
    Dial,
    /// The TLS handshake.
    Tls,
    /// Startup and authentication.
    Login,
    /// A pause before the next attempt.
    Pause,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token => "waiting for AWS credentials",
            Self::Dial => "connecting over TCP",
            Self::Tls => "in the TLS handshake",
            Self::Login => "logging in",
            Self::Pause => "waiting to try again",
        })
    }
}

/// Why there is no connection to the cluster.
#[derive(Debug)]
pub enum ConnectError {
    /// No token could be made.
    Token(IamError),
    /// The address does not answer.
    Dial {
        /// The cluster's endpoint.
        endpoint: String,
        /// What failed.
        source: DialError,
    },
    /// No TLS session came about.
    Tls {
        /// The cluster's endpoint.
        endpoint: String,
        /// What failed.
        source: TlsError,
    },
    /// The server refused us, in its own words.
    Refused {
        /// The cluster's endpoint.
        endpoint: String,
        /// The role that wanted to log in.
        role: String,
        /// What the server said, whole.
        error: Box<ErrorResponse>,
    },
    /// The server does not behave like a PostgreSQL server that takes tokens.
    Protocol {
        /// The cluster's endpoint.
        endpoint: String,
        /// What it did.
        why: String,
    },
    /// The connection broke while we logged in.
    Closed {
        /// The cluster's endpoint.
        endpoint: String,
        /// What the socket said, if it said anything.
        source: Option<io::Error>,
    },
    /// The time for connecting is over.
    Timeout {
        /// The cluster's endpoint.
        endpoint: String,
        /// `--connect-timeout`.
        after: Duration,
        /// What we were doing.
        stage: Stage,
        /// What the last attempt failed with.
        last: Option<Box<ConnectError>>,
    },
}

impl ConnectError {
    pub(super) fn from_login(endpoint: &str, role: &str, error: LoginError) -> Self {
        let endpoint = endpoint.to_owned();
        let why = match error {
            LoginError::Refused(error) => {
                return Self::Refused {
                    endpoint,
                    role: role.to_owned(),
                    error: Box::new(error),
                };
            }
            LoginError::Method(method) => {
                format!("it asked for authentication by {method}, not for a token")
            }
            LoginError::AskedTwice => "it asked for the token twice".into(),
            LoginError::Unexpected(tag) => {
                format!(
                    "it sent a message of type {:?} during login",
                    tag.escape_ascii().to_string()
                )
            }
            LoginError::Malformed(malformed) => malformed.to_string(),
            LoginError::TooManyParameters => "it reported too many parameters".into(),
        };
        Self::Protocol { endpoint, why }
    }

    pub(super) fn from_frame(endpoint: &str, error: FrameError) -> Self {
        Self::Protocol {
            endpoint: endpoint.to_owned(),
            why: error.to_string(),
        }
    }

    /// True if the server did not accept who we are.
    pub(super) fn is_denied(&self) -> bool {
        matches!(self, Self::Refused { error, .. }
            if error.sqlstate == SqlState::INVALID_AUTHORIZATION)
    }

    /// True if the cluster wakes up or sheds load: whoever waits should try again after a pause.
    pub fn is_busy(&self) -> bool {
        match self {
            Self::Timeout {
                last: Some(last), ..
            } => last.is_busy(),
            other => retry::verdict(other) == retry::Verdict::Busy,
        }
    }

    /// How far it came, in a word for metrics.
    pub fn stage(&self) -> &'static str {
        match self {
            Self::Token(_) => "token",
            Self::Dial { .. } => "dial",
            Self::Tls { .. } => "tls",
            Self::Refused { .. } | Self::Protocol { .. } | Self::Closed { .. } => "login",
            Self::Timeout { stage, last, .. } => match (stage, last) {
                (Stage::Pause, Some(last)) => last.stage(),
                (Stage::Token, _) => "token",
                (Stage::Dial, _) => "dial",
                (Stage::Tls, _) => "tls",
                (Stage::Login | Stage::Pause, _) => "login",
            },
        }
    }

    /// What the client is told: FATAL, with cause and way out.
    pub fn to_response(&self) -> ErrorResponse {
        match self {
            Self::Token(error) => token_response(error),
            Self::Dial { endpoint, source } => dial_response(endpoint, source),
            Self::Tls { endpoint, source } => tls_response(endpoint, source),
            Self::Refused { endpoint, role, error } => refused_response(endpoint, role, error),
            Self::Protocol { endpoint, why } => cannot_connect(endpoint)
                .detail(format!("The server does not behave like a DSQL cluster: {why}."))
                .hint("Check that the endpoint, and --upstream-address if it is set, lead to the cluster."),
            Self::Closed { endpoint, source } => {
                let why = source.as_ref().map(|e| format!(" ({e})")).unwrap_or_default();
                cannot_connect(endpoint)
                    .detail(format!("The server closed the connection during login{why}."))
                    .hint("Try again. If it stays so, check that --upstream-address leads to this very cluster.")
            }
            Self::Timeout { endpoint, after, stage, last } => {
                timeout_response(endpoint, *after, *stage, last.as_deref())
            }
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_response().fmt(f)
    }
}

impl std::error::Error for ConnectError {}

fn cannot_connect(endpoint: &str) -> ErrorResponse {
    ErrorResponse::fatal(
        SqlState::CANNOT_CONNECT,
        format!("could not connect to {endpoint}"),
    )
}

fn token_response(error: &IamError) -> ErrorResponse {
    let mut response =
        ErrorResponse::fatal(SqlState::INVALID_AUTHORIZATION, error.message()).hint(error.hint());
    response.detail = error.detail();
    response
}

fn dial_response(endpoint: &str, source: &DialError) -> ErrorResponse {
    let response = cannot_connect(endpoint);
    match source {
        DialError::Resolve { host, source } => response
            .detail(format!("The name {host} could not be resolved: {source}."))
            .hint(
                "A deleted cluster has no name any more. Check the cluster's id and region, \
                 and that this machine can use DNS.",
            ),
        DialError::Connect { address, source } => {
            let hint = match source.kind() {
                io::ErrorKind::ConnectionRefused => {
                    "Nothing listens there. If --upstream-address is set, check that the tunnel \
                     or endpoint it names is up."
                }
                _ => {
                    "Check routes, security groups and firewalls: the cluster is reached on TCP \
                     port 5432."
                }
            };
            response
                .detail(format!("{address} did not accept a connection: {source}."))
                .hint(hint)
        }
    }
}

fn tls_response(endpoint: &str, source: &TlsError) -> ErrorResponse {
    let response = ErrorResponse::fatal(
        SqlState::CANNOT_CONNECT,
        format!("could not establish a TLS session with {endpoint}"),
    );
    let problem = match source {
        TlsError::Io(error) => certificate_problem(error),
        TlsError::NotOffered | TlsError::NotPostgres(_) | TlsError::BadName(_) => None,
    };
    match problem {
        Some(CertificateProblem::WrongName { presented }) => {
            let names = if presented.is_empty() {
                String::new()
            } else {
                format!(" It is for: {}.", presented.join(", "))
            };
            response
                .detail(format!(
                    "The server's certificate is not for this name.{names}"
                ))
                .hint(
                    "Give the cluster's own endpoint as CLUSTER, and the tunnel or PrivateLink \
                     address as --upstream-address.",
                )
        }
        Some(CertificateProblem::UnknownAuthority) => response
            .detail("The server's certificate is signed by an authority that is not trusted.")
            .hint(
                "Something between here and the cluster may be intercepting TLS. Otherwise \
                 install Amazon Root CA 1 (Debian: ca-certificates), or name a file that has \
                 the authority in SSL_CERT_FILE.",
            ),
        Some(CertificateProblem::Expired) => response
            .detail("The server's certificate is expired or not valid yet.")
            .hint("Check this machine's clock."),
        Some(CertificateProblem::Other(why)) => response
            .detail(format!("The server's certificate was rejected: {why}."))
            .hint("Something between here and the cluster may be intercepting TLS."),
        None => response
            .detail(format!("{}.", upper(&source.to_string())))
            .hint(
                "Check that the address leads to the cluster. If a proxy in between cannot pass \
             direct TLS, try --tls-negotiation=postgres.",
            ),
    }
}

/// The server's own words reach the client whole; where it gave no hint we add ours.
fn refused_response(endpoint: &str, role: &str, error: &ErrorResponse) -> ErrorResponse {
    let mut response = error.clone().severity(Severity::Fatal);
    if response.hint.is_none() && error.sqlstate == SqlState::INVALID_AUTHORIZATION {
        let action = if role == "admin" {
            "dsql:DbConnectAdmin"
        } else {
            "dsql:DbConnect"
        };
        response.hint = Some(format!(
            "The proxy signed in to {endpoint} as {role:?}. Check that the AWS identity it runs \
             with is allowed {action} on the cluster{}.",
            if role == "admin" {
                ""
            } else {
                ", that the role exists with LOGIN, and that AWS IAM GRANT maps it to the identity"
            }
        ));
    }
    if response.hint.is_none() && error.sqlstate == SqlState::INVALID_CATALOG_NAME {
        // psql and libpq take the user's name when none is given.
        response.hint =
            Some("Aurora DSQL has one database, postgres: connect with dbname=postgres.".into());
    }
    response
}

fn timeout_response(
    endpoint: &str,
    after: Duration,
    stage: Stage,
    last: Option<&ConnectError>,
) -> ErrorResponse {
    let after = humantime::format_duration(after);
    // The real reason, not the fact that time passed, is what helps.
    if let Some(last) = last {
        let mut response = last.to_response();
        let note = format!("Gave up after trying for {after} (--connect-timeout).");
        response.detail = Some(match response.detail {
            Some(detail) => format!("{detail} {note}"),
            None => note,
        });
        return response;
    }
    cannot_connect(endpoint)
        .detail(format!(
            "No answer within {after} (--connect-timeout) while {stage}."
        ))
        .hint(
            "Check routes, security groups and firewalls: the cluster is reached on TCP port \
             5432.",
        )
}

fn upper(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}
