//! Checking a password that must be an authentication token: a presigned AWS Signature Version 4
//! request without its `https://`.
//!
//! The algorithm is that of the IAM user guide, "AWS Signature Version 4 for API requests"; what
//! DSQL puts into the request was checked against the vectors of AWS's own SDKs (2026-10). This
//! room computes signatures itself, so that a fault in the signer cannot hide here.

mod parse;
mod sign;
mod time;

use std::fmt;
use std::time::{Duration, SystemTime};

use subtle::ConstantTimeEq as _;

use self::parse::Token;
use self::time::Timestamp;
use super::Credentials;
use crate::wire::{ErrorResponse, SqlState};

/// The service in the credential scope.
const SERVICE: &str = "dsql";
/// What is said to everybody who may not log in (user guide, "Troubleshooting", 2026-09).
pub(super) const DENIED: &str = "unable to accept connection, access denied";
/// How far a signer's clock may run ahead of ours. The 5 minutes are those of AWS's other
/// services; DSQL's own figure is not documented.
const CLOCK_SKEW: Duration = Duration::from_mins(5);

/// What a token lets its bearer do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// `DbConnectAdmin`: log in as `admin`.
    DbConnectAdmin,
    /// `DbConnect`: log in as any other role.
    DbConnect,
}

impl Action {
    /// The action that a user needs (DSQL user guide, "Authentication and authorization").
    pub fn for_user(user: &str) -> Self {
        if user == "admin" {
            Self::DbConnectAdmin
        } else {
            Self::DbConnect
        }
    }

    /// Its name in a token.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DbConnectAdmin => "DbConnectAdmin",
            Self::DbConnect => "DbConnect",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a token must fit.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The cluster's endpoint.
    pub endpoint: &'a str,
    /// The cluster's region.
    pub region: &'a str,
    /// The only credentials that count.
    pub credentials: &'a Credentials,
    /// The user of the startup message.
    pub user: &'a str,
    /// The time of the login.
    pub now: SystemTime,
}

/// Why access was denied. `Display` is the HINT that goes with it.
///
/// The texts of `WrongAction`, the beginnings of `Expired` and `Region`, and `UnknownKey` are
/// documented or were seen from DSQL (user guide, "Troubleshooting"; 2026-09); the others are what
/// AWS services say in the same situation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The password is no token.
    #[error("Request is missing Authentication Token: {0}")]
    NotAToken(&'static str),
    /// A part of the token is absent, doubled or senseless.
    #[error("The request signature does not conform to AWS standards: {0}")]
    Malformed(String),
    /// The access key is not one of ours, or the session token is not the one that belongs to it.
    #[error("The security token included in the request is invalid.")]
    UnknownKey,
    /// The token was signed for another region.
    #[error("Credential should be scoped to a valid region, not '{0}'.")]
    Region(String),
    /// The token was signed for another service.
    #[error("Credential should be scoped to correct service: '{SERVICE}'.")]
    Service,
    /// The scope does not end as it must.
    #[error("Credential should be scoped with a valid terminator: 'aws4_request'.")]
    Terminator,
    /// The scope's day is not the day of the signature.
    #[error(
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
         '{scope}' != '{date}'."
    )]
    ScopeDate {
        /// The day in the scope.
        scope: String,
        /// The day of `X-Amz-Date`.
        date: String,
    },
    /// Too late.
    #[error("Signature expired: {end} is now earlier than {now}")]
    Expired {
        /// Until when it was good.
        end: Timestamp,
        /// What time it is.
        now: Timestamp,
    },
    /// Too early.
    #[error("Signature not yet current: {signed} is still later than {limit} ({now} + 5 min.)")]
    NotYetCurrent {
        /// When it was signed.
        signed: Timestamp,
        /// The latest time that would do.
        limit: Timestamp,
        /// What time it is.
        now: Timestamp,
    },
    /// The signature is not the one that these credentials make for this cluster.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your \
         AWS Secret Access Key and signing method."
    )]
    Mismatch,
    /// The token is good, for another kind of user.
    #[error("Wrong user to action mapping. user: {user}, action: {action}")]
    WrongAction {
        /// The user of the startup message.
        user: String,
        /// The action of the token.
        action: String,
    },
}

impl Denied {
    /// What DSQL sends (user guide, "Troubleshooting"; seen 2026-09).
    pub fn to_response(&self) -> ErrorResponse {
        ErrorResponse::fatal(SqlState::INVALID_AUTHORIZATION, DENIED).hint(self.to_string())
    }
}

/// Checks that `password` is a token for exactly what is expected.
pub fn verify(password: &[u8], expected: &Expected<'_>) -> Result<(), Denied> {
    let token = Token::parse(password)?;
    let scope = &token.scope;
    let credentials = expected.credentials;

    // In the order in which AWS reports them.
    if token.access_key_id != credentials.access_key_id()
        || !session_token_fits(&token, credentials)
    {
        return Err(Denied::UnknownKey);
    }
    if scope.date != token.date.day() {
        return Err(Denied::ScopeDate {
            scope: scope.date.clone(),
            date: token.date.day(),
        });
    }
    if scope.region != expected.region {
        return Err(Denied::Region(scope.region.clone()));
    }
    if scope.service != SERVICE {
        return Err(Denied::Service);
    }
    if scope.terminator != sign::TERMINATOR {
        return Err(Denied::Terminator);
    }
    check_time(&token, Timestamp::from(expected.now))?;

    let signature = sign::signature(&token, expected.endpoint, credentials.secret_access_key());
    let same: bool = signature
        .as_bytes()
        .ct_eq(token.signature.as_bytes())
        .into();
    // The token's own host takes no part in the signature: it must be this cluster all the same.
    if !same || token.host != expected.endpoint {
        return Err(Denied::Mismatch);
    }
    if token.action != Action::for_user(expected.user).as_str() {
        return Err(Denied::WrongAction {
            user: expected.user.to_owned(),
            action: token.action,
        });
    }
    Ok(())
}

fn session_token_fits(token: &Token, credentials: &Credentials) -> bool {
    match (token.session.as_deref(), credentials.session_token()) {
        (None, None) => true,
        (Some(given), Some(ours)) => given.as_bytes().ct_eq(ours.as_bytes()).into(),
        _ => false,
    }
}

fn check_time(token: &Token, now: Timestamp) -> Result<(), Denied> {
    let limit = now.plus(CLOCK_SKEW);
    if token.date > limit {
        return Err(Denied::NotYetCurrent {
            signed: token.date,
            limit,
            now,
        });
    }
    let end = token.date.plus(token.expires);
    if end < now {
        return Err(Denied::Expired { end, now });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
