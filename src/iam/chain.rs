//! Getting credentials from where AWS tools get them.
//!
//! The whole chain is built anew for each attempt. The SDK's providers read the configuration
//! files once in their life; so a profile that was mended, or an `aws sso login`, is seen at the
//! next login without a restart. It also keeps the SSO provider from comparing times across a
//! clock that was set back, where it panics (aws-config 1.13, `sso/token.rs`).

use super::classify::{Attempt, classify};
use super::credentials::CredentialOptions;
use super::error::IamError;
use super::region::Region;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader};
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_types::sdk_config::SharedTimeSource;
use std::time::Duration;

/// The name under which assumed roles appear in `CloudTrail` and in `sts get-caller-identity`.
const SESSION_NAME: &str = "dsql-proxy";

/// Credentials for `options`, freshly loaded. Asks whoever the chain asks.
pub(super) async fn load(
    options: &CredentialOptions,
    clock: SharedTimeSource,
) -> Result<Credentials, IamError> {
    let loader = aws_config::defaults(BehaviorVersion::latest());
    load_with(loader, options, clock).await
}

/// As [`load`]; a test brings a `loader` with an environment and files of its own.
async fn load_with(
    loader: ConfigLoader,
    options: &CredentialOptions,
    clock: SharedTimeSource,
) -> Result<Credentials, IamError> {
    // These bound calls to STS and SSO. The metadata services have their own bounds in the SDK,
    // about a second where nobody answers.
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .operation_attempt_timeout(Duration::from_secs(5))
        .operation_timeout(Duration::from_secs(12))
        .build();
    let mut loader = loader
        .time_source(clock.clone())
        .timeout_config(timeouts.clone());
    let region = options
        .region
        .as_deref()
        .map(|name| Region::parse(name, "for assuming roles"))
        .transpose()?
        .map(|region| aws_config::Region::from(&region));
    if let Some(region) = &region {
        loader = loader.region(region.clone());
    }
    if let Some(name) = &options.profile {
        // The SDK's default chain looks into the environment before the profile, even a profile
        // that was set explicitly. Whoever writes --profile means the profile, as with the CLI.
        let config = ProviderConfig::default()
            .with_region(region)
            .with_time_source(clock)
            .with_retry_config(RetryConfig::standard())
            .with_timeout_config(timeouts);
        let profile = ProfileFileCredentialsProvider::builder()
            .configure(&config)
            .profile_name(name);
        loader = loader
            .profile_name(name)
            .credentials_provider(profile.build());
    }
    let config = loader.load().await;
    let mut attempt = Attempt {
        profile: options.profile.as_deref(),
        role: None,
    };
    let Some(base) = config.credentials_provider() else {
        return Err(IamError::NoCredentials { tried: Vec::new() });
    };
    let mut credentials = base
        .provide_credentials()
        .await
        .map_err(|error| classify(&error, attempt))?;
    for role in &options.role_arns {
        attempt.role = Some(role);
        let provider = AssumeRoleProvider::builder(role)
            .session_name(SESSION_NAME)
            .configure(&config)
            .build_from_provider(credentials)
            .await;
        credentials = provider
            .provide_credentials()
            .await
            .map_err(|error| classify(&error, attempt))?;
    }
    Ok(credentials)
}

#[cfg(test)]
mod tests;
