//! Why there is no token, in words for the person who has to mend it.

use super::region::RegionError;
use std::fmt;
use std::time::{Duration, SystemTime};

/// Why there is no token.
///
/// Texts may hold account numbers, role names, profile names and access key ids, never a secret
/// key, a session token or a signed token. `Clone`, because callers that waited for the same
/// attempt share its failure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IamError {
    /// None of the places where AWS tools look has credentials.
    NoCredentials {
        /// One line for each place: its name and what was wrong there.
        tried: Vec<String>,
    },
    /// The sign-in of `aws sso login` is missing or over.
    SsoExpired {
        /// The profile that was set explicitly.
        profile: Option<String>,
        /// The provider's own words.
        cause: String,
    },
    /// The AWS profile does not exist, or holds no credentials.
    ProfileNotFound {
        /// The profile, when its name is known.
        profile: Option<String>,
        /// The provider's own words.
        cause: String,
    },
    /// AWS refused: a role may not be assumed, or the credentials to do so are not valid.
    AccessDenied {
        /// The role that was to be assumed by `--role-arn`.
        role: Option<String>,
        /// The service's own words.
        cause: String,
    },
    /// The credentials were got, but are no longer valid.
    Expired {
        /// When their life ended, if they say so.
        at: Option<SystemTime>,
        /// Where they came from, or the service's own words.
        cause: String,
    },
    /// AWS answered that it is asked too often.
    Throttled {
        /// The service's own words.
        cause: String,
    },
    /// The credentials did not come in time.
    Timeout {
        /// What was waited for.
        cause: String,
    },
    /// The service that gives the credentials cannot be reached, or is out of order.
    Endpoint {
        /// The provider's own words.
        cause: String,
    },
    /// A setting, or something in the AWS configuration files, is wrong.
    BadConfig {
        /// What is wrong.
        cause: String,
    },
    /// A provider failed in another way, such as a `credential_process` that exits with an error.
    Provider {
        /// The profile that was set explicitly.
        profile: Option<String>,
        /// The provider's own words.
        cause: String,
    },
    /// The signature could not be made.
    Signing {
        /// The signer's own words.
        cause: String,
    },
    /// The region is not known, or contradicts the endpoint.
    Region(#[from] RegionError),
}

impl IamError {
    /// What happened, in one line without a full stop.
    pub fn message(&self) -> String {
        match self {
            Self::NoCredentials { .. } => "no AWS credentials found".to_owned(),
            Self::SsoExpired { .. } => "the AWS SSO session is missing or has expired".to_owned(),
            Self::ProfileNotFound { profile, .. } => match profile {
                Some(name) => format!("AWS profile `{name}` cannot be used"),
                None => "the AWS profile cannot be used".to_owned(),
            },
            Self::AccessDenied { role, .. } => match role {
                Some(role) => format!("AWS does not allow to assume role {role}"),
                None => "AWS refused to give credentials".to_owned(),
            },
            Self::Expired { .. } => "the AWS credentials have expired".to_owned(),
            Self::Throttled { .. } => "AWS is asked for credentials too often".to_owned(),
            Self::Timeout { .. } => "the AWS credentials did not come in time".to_owned(),
            Self::Endpoint { .. } => {
                "the service that gives the AWS credentials does not answer properly".to_owned()
            }
            Self::BadConfig { .. } => "the AWS configuration is wrong".to_owned(),
            Self::Provider { .. } => "the AWS credentials could not be loaded".to_owned(),
            Self::Signing { .. } => "the IAM token could not be signed".to_owned(),
            Self::Region(error) => error.to_string(),
        }
    }

    /// The cause, if there is more to say than the message.
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::NoCredentials { tried } if tried.is_empty() => None,
            Self::NoCredentials { tried } => Some(format!(
                "Looked in: {}.",
                tried.join("; ").trim_end_matches('.')
            )),
            Self::Expired {
                at: Some(at),
                cause,
            } => Some(format!("{cause}; their life ended at {}", rfc3339(*at))),
            Self::SsoExpired { cause, .. }
            | Self::ProfileNotFound { cause, .. }
            | Self::AccessDenied { cause, .. }
            | Self::Expired { cause, .. }
            | Self::Throttled { cause }
            | Self::Timeout { cause }
            | Self::Endpoint { cause }
            | Self::BadConfig { cause }
            | Self::Provider { cause, .. }
            | Self::Signing { cause } => Some(cause.clone()),
            Self::Region(_) => None,
        }
    }

    /// The way out.
    pub fn hint(&self) -> String {
        match self {
            Self::NoCredentials { .. } => "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or choose a profile (--profile, AWS_PROFILE) from ~/.aws/config after `aws configure` or `aws sso login`; in ECS, EKS, Lambda or EC2, give the task, pod, function or instance a role.".to_owned(),
            Self::SsoExpired { profile, .. } => {
                format!("Run: aws sso login{}", option("--profile", profile.as_deref()))
            }
            Self::ProfileNotFound { .. } => "Check the name with `aws configure list-profiles`, and --profile, AWS_PROFILE, AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE; the profile needs keys, a role_arn, an SSO session or a credential_process.".to_owned(),
            Self::AccessDenied { role: Some(role), .. } => format!("The identity that assumes the role (`aws sts get-caller-identity` shows it) needs the permission sts:AssumeRole on {role}, and the trust policy of that role must name it. If the keys themselves are refused, check them and the clock of this machine."),
            Self::AccessDenied { role: None, .. } => "Check with `aws sts get-caller-identity`: the keys must be valid, the user must be assigned to the account and role of the profile, and a role_arn in the profile needs sts:AssumeRole and a trust policy that names the caller.".to_owned(),
            Self::Expired { .. } => "Sign in again or renew the credentials where they come from, and check the clock of this machine; the next login uses the new ones.".to_owned(),
            Self::Throttled { .. } => "Try again in a moment; credentials are kept until they expire, so this should not last.".to_owned(),
            Self::Timeout { .. } | Self::Endpoint { .. } => "Check that this machine reaches the service (network, DNS, HTTPS_PROXY, VPC endpoint for sts), and try again.".to_owned(),
            Self::BadConfig { .. } => "Correct the setting named above; `aws configure list` shows what the AWS tools read. The next login reads the files again.".to_owned(),
            Self::Provider { profile, .. } => format!("See whether `aws sts get-caller-identity{}` works here; a credential_process can be run by hand.", option("--profile", profile.as_deref())),
            Self::Signing { .. } => "Check the endpoint and the token lifetime; if they are right, this is a bug of dsql-proxy: please report it.".to_owned(),
            Self::Region(error) => error.hint().to_owned(),
        }
    }

    /// Whether the same attempt may succeed a moment later without anybody doing anything.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Throttled { .. } | Self::Timeout { .. } | Self::Endpoint { .. }
        )
    }
}

impl fmt::Display for IamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())?;
        match self.detail() {
            Some(detail) => write!(f, ": {detail}"),
            None => Ok(()),
        }
    }
}

fn option(flag: &str, value: Option<&str>) -> String {
    value.map_or_else(String::new, |value| format!(" {flag} {value}"))
}

/// A time to the second; `humantime` panics on times before 1970 and after 9999.
fn rfc3339(time: SystemTime) -> String {
    let latest = Duration::from_secs(253_402_300_799);
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(age) if age <= latest => humantime::format_rfc3339_seconds(time).to_string(),
        _ => "a time out of range".to_owned(),
    }
}

#[cfg(test)]
mod tests;
