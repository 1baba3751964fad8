//! Signing tokens for one cluster.
//!
//! Aurora DSQL user guide, "Generating an authentication token" (2026-10-03): a token is an AWS
//! Signature Version 4 presigned `GET` of the endpoint without its `https://`. Signing asks
//! nobody; only getting the credentials may.

use super::credentials::CredentialSource;
use super::error::IamError;
use super::region::Region;
use super::token::Token;
use crate::dsql::endpoint::Endpoint;
use aws_config::SdkConfig;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_dsql::auth_token::{AuthTokenGenerator, Config};
use std::time::Duration;

/// The role that needs the action `dsql:DbConnectAdmin`; all others need `dsql:DbConnect`.
/// Role names are compared exactly (Aurora DSQL user guide, 2026-10-03).
pub const ADMIN: &str = "admin";

/// The longest validity Signature Version 4 allows a presigned request: seven days.
pub const MAX_LIFETIME: Duration = Duration::from_hours(7 * 24);

/// The validity AWS's own tools use by default.
pub const DEFAULT_LIFETIME: Duration = Duration::from_mins(15);

/// Signs tokens for one cluster.
#[derive(Debug)]
pub struct Signer {
    generator: AuthTokenGenerator,
    region: Region,
    credentials: CredentialSource,
}

impl Signer {
    /// A signer for `endpoint`, whatever address is dialled to reach it.
    ///
    /// `lifetime` is how long a token is valid, counted in whole seconds, from one second to
    /// [`MAX_LIFETIME`]. Asks for no credentials yet.
    pub fn new(
        endpoint: &Endpoint,
        region: Region,
        credentials: CredentialSource,
        lifetime: Duration,
    ) -> Result<Self, IamError> {
        if lifetime.as_secs() == 0 || lifetime > MAX_LIFETIME {
            return Err(IamError::BadConfig {
                cause: format!(
                    "a token can be valid for one second to seven days, not for {}",
                    humantime::format_duration(lifetime)
                ),
            });
        }
        let config = Config::builder()
            .hostname(endpoint.host())
            .region((&region).into())
            .expires_in(lifetime.as_secs())
            .build()
            .map_err(signing)?;
        Ok(Self {
            generator: AuthTokenGenerator::new(config),
            region,
            credentials,
        })
    }

    /// A fresh token for logging in as `role`.
    ///
    /// Safe to drop at any time; another caller then takes over the loading of credentials.
    pub async fn token(&self, role: &str) -> Result<Token, IamError> {
        let credentials = self.credentials.get().await?;
        let config = SdkConfig::builder()
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .time_source(self.credentials.clock().clone())
            .build();
        let signed = if role == ADMIN {
            self.generator.db_connect_admin_auth_token(&config).await
        } else {
            self.generator.db_connect_auth_token(&config).await
        };
        // The SDK's own copy of the text is freed but not wiped; ours is both.
        signed
            .map(|token| Token::new(token.as_str().to_owned()))
            .map_err(signing)
    }

    /// The region in every signature.
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// Where the credentials come from, to [`CredentialSource::forget`] those that DSQL refused.
    pub fn credentials(&self) -> &CredentialSource {
        &self.credentials
    }
}

fn signing(error: impl std::fmt::Display) -> IamError {
    IamError::Signing {
        cause: error.to_string(),
    }
}

#[cfg(test)]
mod tests;
