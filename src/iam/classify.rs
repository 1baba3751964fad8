//! From what the AWS SDK reports to what a person can act on.
//!
//! The SDK's kinds are few and its texts many. Types and service error codes decide wherever the
//! SDK gives them; text decides only for SSO caches and modelled exceptions, whose types are
//! private (aws-config 1.13). What is not recognized is reported with the SDK's own words.

use super::error::IamError;
use aws_config::imds::client::error::ImdsError;
use aws_config::meta::ProviderChainError;
use aws_credential_types::provider::error::{CredentialsError, TokenError};
use aws_sdk_dsql::error::{ConnectorError, ErrorMetadata};
use std::error::Error;

/// What was being done when it failed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Attempt<'a> {
    /// The profile that was set explicitly.
    pub(super) profile: Option<&'a str>,
    /// The role that was being assumed by `--role-arn`.
    pub(super) role: Option<&'a str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sso,
    Denied,
    Expired,
    Throttled,
    Timeout,
    Endpoint,
    Config,
    Other,
}

/// Error codes of STS, SSO and SSO-OIDC (their API references and "Common Errors", 2026-10-03).
const CODES: &[(Kind, &[&str])] = &[
    (
        Kind::Sso,
        &["UnauthorizedException", "InvalidGrantException"],
    ),
    (
        Kind::Denied,
        &[
            "AccessDenied",
            "AccessDeniedException",
            "ForbiddenException",
            "InvalidClientTokenId",
            "UnrecognizedClientException",
            "SignatureDoesNotMatch",
            "InvalidIdentityToken",
            "InvalidIdentityTokenException",
            "IDPRejectedClaim",
            "IDPRejectedClaimException",
            "OptInRequired",
            "MissingAuthenticationToken",
            "NotAuthorized",
        ],
    ),
    (
        Kind::Expired,
        &["ExpiredToken", "ExpiredTokenException", "RequestExpired"],
    ),
    (
        Kind::Throttled,
        &[
            "Throttling",
            "ThrottlingException",
            "ThrottledException",
            "TooManyRequestsException",
            "RequestLimitExceeded",
            "RequestThrottled",
            "SlowDown",
        ],
    ),
    (
        Kind::Endpoint,
        &[
            "InternalFailure",
            "InternalError",
            "InternalServerException",
            "ServiceUnavailable",
            "ServiceUnavailableException",
        ],
    ),
    (
        Kind::Config,
        &[
            "ValidationError",
            "RegionDisabledException",
            "MalformedPolicyDocument",
            "ResourceNotFoundException",
            "InvalidRequestException",
        ],
    ),
];

/// The places of the default chain, by the names aws-config gives its providers.
const PLACES: &[(&str, &str)] = &[
    (
        "Environment",
        "environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)",
    ),
    ("Profile", "profile (~/.aws/config, ~/.aws/credentials)"),
    (
        "WebIdentityToken",
        "web identity (AWS_WEB_IDENTITY_TOKEN_FILE)",
    ),
    ("EcsContainer", "container (AWS_CONTAINER_CREDENTIALS_*)"),
    ("Ec2InstanceMetadata", "EC2 instance metadata"),
];

/// What the SDK says when one of the variables for credentials is absent or empty.
const VARIABLE_NOT_SET: &str = "environment variable not set";

pub(super) fn classify(error: &CredentialsError, attempt: Attempt<'_>) -> IamError {
    let profile = attempt.profile.map(str::to_owned);
    if matches!(error, CredentialsError::CredentialsNotLoaded(_)) {
        return not_loaded(error, profile);
    }
    let causes = Causes::of(error);
    let cause = causes.text();
    if causes.no_metadata && profile.is_none() {
        // The metadata service is the last place of the chain, and the SDK takes an odd answer
        // of a firewall or a hotel's web page for a failure of that service.
        let tried = format!("EC2 instance metadata, after all other places: {cause}");
        return IamError::NoCredentials { tried: vec![tried] };
    }
    match causes.kind(error) {
        Kind::Sso => IamError::SsoExpired { profile, cause },
        Kind::Denied => IamError::AccessDenied {
            role: attempt.role.map(str::to_owned),
            cause,
        },
        Kind::Expired => IamError::Expired { at: None, cause },
        Kind::Throttled => IamError::Throttled { cause },
        Kind::Timeout => IamError::Timeout { cause },
        Kind::Endpoint => IamError::Endpoint { cause },
        Kind::Config => IamError::BadConfig { cause },
        Kind::Other => IamError::Provider { profile, cause },
    }
}

fn not_loaded(error: &CredentialsError, profile: Option<String>) -> IamError {
    let chain = error
        .source()
        .and_then(|source| source.downcast_ref::<ProviderChainError<CredentialsError>>());
    let Some(chain) = chain else {
        let cause = Causes::of(error).text();
        return if profile.is_some() {
            let cause = match error.source() {
                Some(_) => cause,
                None => {
                    "it is in neither ~/.aws/config nor ~/.aws/credentials, or holds no credentials"
                        .to_owned()
                }
            };
            IamError::ProfileNotFound { profile, cause }
        } else {
            IamError::NoCredentials { tried: vec![cause] }
        };
    };
    let mut tried = Vec::new();
    for place in chain.attempts() {
        let mut cause = Causes::of(place.error()).text();
        if cause == VARIABLE_NOT_SET {
            // The SDK does not say which; often it is the secret.
            "not both are set".clone_into(&mut cause);
        }
        // AWS_PROFILE names a profile, and the chain went on to the next place.
        if place.name() == "Profile"
            && let Some((_, rest)) = cause.split_once("profile `")
            && let Some((name, _)) = rest.split_once("` was not defined")
        {
            let profile = Some(name.to_owned());
            return IamError::ProfileNotFound { profile, cause };
        }
        let name = PLACES
            .iter()
            .find_map(|(known, words)| (*known == place.name()).then_some(*words))
            .unwrap_or(place.name());
        tried.push(format!("{name}: {cause}"));
    }
    IamError::NoCredentials { tried }
}

/// What the chain of sources of an error tells.
#[derive(Debug, Default)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "independent marks, read in one place"
)]
struct Causes {
    texts: Vec<String>,
    code: Option<String>,
    sso: bool,
    no_metadata: bool,
    timed_out: bool,
    unreachable: bool,
}

impl Causes {
    fn of(error: &(dyn Error + 'static)) -> Self {
        let mut causes = Self::default();
        let mut next = Some(error);
        while let Some(error) = next {
            causes.add(error);
            next = error.source();
        }
        causes
    }

    fn add(&mut self, error: &(dyn Error + 'static)) {
        let mut text = error.to_string();
        if let Some(service) = error.downcast_ref::<ErrorMetadata>() {
            text = match (service.code(), service.message()) {
                (Some(code), Some(message)) => format!("{code}: {message}"),
                (Some(code), None) => code.to_owned(),
                (None, _) => {
                    // Every AWS service gives a code with an error.
                    self.unreachable = true;
                    "the answer does not come from AWS, but from a gateway or web proxy".to_owned()
                }
            };
            self.code = self.code.take().or(service.code().map(str::to_owned));
        } else if let Some((code, _)) = text.split_once(": ")
            && code.ends_with("Exception")
            && code.bytes().all(|b| b.is_ascii_alphanumeric())
        {
            self.code.get_or_insert_with(|| code.to_owned());
        }
        if let Some(connector) = error.downcast_ref::<ConnectorError>() {
            self.timed_out |= connector.is_timeout();
            self.unreachable = true;
        }
        self.timed_out |= matches!(
            error.downcast_ref::<CredentialsError>(),
            Some(CredentialsError::ProviderTimedOut(_))
        ) || text == "request has timed out";
        match error.downcast_ref::<ImdsError>() {
            Some(ImdsError::FailedToLoadToken(_)) => self.no_metadata = true,
            Some(_) => self.unreachable = true,
            None => {}
        }
        self.unreachable |= text == "response error";
        self.sso |= error.is::<TokenError>()
            || text.contains("cached SSO token")
            || text.contains(".aws/sso/cache");
        let wrapper = error.source().is_some() && is_wrapper(error, &text);
        if !wrapper && !self.texts.contains(&text) {
            self.texts.push(text);
        }
    }

    fn kind(&self, error: &CredentialsError) -> Kind {
        let known = self.code.as_deref().and_then(|code| {
            CODES
                .iter()
                .find_map(|(kind, codes)| codes.contains(&code).then_some(*kind))
        });
        match error {
            _ if known.is_some() => known.unwrap_or(Kind::Other),
            _ if self.sso => Kind::Sso,
            _ if self.timed_out => Kind::Timeout,
            _ if self.unreachable => Kind::Endpoint,
            CredentialsError::InvalidConfiguration(_) => Kind::Config,
            _ => Kind::Other,
        }
    }

    fn text(&self) -> String {
        presentable(&self.texts.join(": "))
    }
}

/// Texts that only say that there is a cause below.
fn is_wrapper(error: &(dyn Error + 'static), text: &str) -> bool {
    error.is::<CredentialsError>()
        || error.is::<TokenError>()
        || text == "service error"
        || text.starts_with("unhandled error")
        || text == "other"
}

/// A text from elsewhere as one bounded line without what looks like a secret.
///
/// The SDK keeps secrets out of its texts; the standard error of a `credential_process` is
/// written by somebody else, and a shell script with `set -x` prints what it handles.
pub(super) fn presentable(text: &str) -> String {
    const LONGEST: usize = 600;
    let mut line = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        if word.is_empty() {
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        let mut rest = word;
        while !rest.is_empty() {
            let end = rest.find(|c| !is_base64(c)).unwrap_or(rest.len());
            let (run, after) = rest.split_at(end);
            line.push_str(if is_secret(run) { "[redacted]" } else { run });
            let other = after.find(is_base64).unwrap_or(after.len());
            let (between, after) = after.split_at(other);
            line.push_str(between);
            rest = after;
        }
    }
    if let Some((cut, _)) = line.char_indices().nth(LONGEST) {
        line.truncate(cut);
        line.push('…');
    }
    line
}

fn is_base64(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=')
}

/// Secret keys have 40 base64 characters, session tokens hundreds. Paths, digests and role names
/// of that length rarely mix both cases and digits.
fn is_secret(run: &str) -> bool {
    run.len() >= 40
        && run.bytes().any(|b| b.is_ascii_uppercase())
        && run.bytes().any(|b| b.is_ascii_lowercase())
        && run.bytes().any(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests;
