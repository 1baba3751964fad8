//! Credentials, kept until shortly before they expire.
//!
//! The SDK's providers keep nothing: each `provide_credentials` of an EC2 role is a request to
//! the metadata service, and the SDK's cache belongs to its service clients, of which signing a
//! token uses none. So the cache is here. There is no task in the background: everything is
//! decided at use, by the wall clock, so that a laptop that slept wakes up working.

use super::chain;
use super::classify::{Attempt, classify};
use super::error::IamError;
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_types::sdk_config::SharedTimeSource;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::sync::{Mutex as AsyncMutex, MutexGuard as AsyncMutexGuard};

/// Credentials are renewed when they have less than this to live.
const RENEW_BEFORE: Duration = Duration::from_mins(5);

/// Longest use of credentials that name no end, such as keys in a file: somebody may replace
/// them there. Reading them again costs a file read.
const UNDATED_FOR: Duration = Duration::from_mins(1);

/// Shortest time between two attempts to renew credentials that are still valid. The container
/// endpoints hand out the same credentials until their last minutes.
const RETRY_AFTER: Duration = Duration::from_secs(15);

/// Longest attempt to get credentials, whoever is asked: a `credential_process` may hang.
const LOAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Where to get credentials.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CredentialOptions {
    /// The profile of `~/.aws/config`; absent, the AWS default chain decides.
    pub profile: Option<String>,
    /// The roles to assume, each with the credentials of the one before.
    pub role_arns: Vec<String>,
    /// The region whose STS is asked to assume roles; best the region of the cluster. Absent,
    /// the AWS default chain decides.
    pub region: Option<String>,
}

/// Where credentials come from, with those it gave last. Clones share them.
#[derive(Clone)]
pub struct CredentialSource {
    shared: Arc<Shared>,
}

struct Shared {
    origin: Origin,
    clock: SharedTimeSource,
    /// Held while one caller loads. Never locked together with waiting for `state`.
    loading: AsyncMutex<()>,
    /// How many attempts are over, to tell a failure that a caller waited for from an older one.
    attempts: AtomicU64,
    /// Locked for moments only.
    state: Mutex<State>,
}

enum Origin {
    Aws(CredentialOptions),
    Provider(SharedCredentialsProvider),
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    /// The last failure, with the number of its attempt.
    failure: Option<(u64, IamError)>,
}

struct Held {
    credentials: Credentials,
    since: SystemTime,
    renew_at: SystemTime,
}

/// What the credentials that are held are good for.
enum Use {
    /// Nothing is held, or it has expired.
    Nothing,
    /// They still work, and it is time to renew them.
    Renew(Credentials),
    /// They work.
    Keep(Credentials),
}

impl CredentialSource {
    /// Credentials from where AWS tools get them. Nothing is looked at before the first use.
    pub fn aws(options: CredentialOptions, clock: SharedTimeSource) -> Self {
        Self::new(Origin::Aws(options), clock)
    }

    /// These credentials, for ever: for tests and the local cluster.
    pub fn fixed(
        access_key_id: &str,
        secret_access_key: &str,
        session_token: Option<&str>,
        clock: SharedTimeSource,
    ) -> Self {
        let session_token = session_token.map(str::to_owned);
        let credentials = Credentials::new(
            access_key_id,
            secret_access_key,
            session_token,
            None,
            "fixed",
        );
        Self::provider(credentials, clock)
    }

    /// Credentials from a provider of the caller's own.
    pub fn provider(provider: impl ProvideCredentials + 'static, clock: SharedTimeSource) -> Self {
        Self::new(
            Origin::Provider(SharedCredentialsProvider::new(provider)),
            clock,
        )
    }

    fn new(origin: Origin, clock: SharedTimeSource) -> Self {
        let shared = Arc::new(Shared {
            origin,
            clock,
            loading: AsyncMutex::new(()),
            attempts: AtomicU64::new(0),
            state: Mutex::new(State::default()),
        });
        Self { shared }
    }

    /// Credentials that have not expired.
    ///
    /// One caller loads at a time; the others wait for it and share its outcome, or go on with
    /// credentials that still work. Safe to drop at any time: the next caller then loads.
    pub async fn get(&self) -> Result<Credentials, IamError> {
        let shared = &self.shared;
        let before = shared.attempts.load(Ordering::Acquire);
        let (turn, still_good) = match shared.usable() {
            Use::Keep(credentials) => return Ok(credentials),
            Use::Renew(credentials) => match shared.loading.try_lock() {
                Ok(turn) => (turn, Some(credentials)),
                Err(_) => return Ok(credentials),
            },
            Use::Nothing => (shared.loading.lock().await, None),
        };
        // The caller before may have done the work.
        if let Use::Keep(credentials) = shared.usable() {
            return Ok(credentials);
        }
        if let Some((attempt, failure)) = &shared.state().failure
            && *attempt > before
            && still_good.is_none()
        {
            return Err(failure.clone());
        }
        let loaded = Box::pin(shared.load()).await;
        shared.settle(&turn, loaded, still_good)
    }

    /// Forgets what is held, so that the next use loads again: for credentials that DSQL refused.
    ///
    /// What was loaded in the last 15 seconds stays, so that a client that keeps trying with a
    /// role it may not use does not ask AWS each time.
    pub fn forget(&self) {
        let now = self.shared.clock.now();
        let mut state = self.shared.state();
        let young = |held: &Held| held.since <= now && now < held.since + RETRY_AFTER;
        if !state.held.as_ref().is_some_and(young) {
            state.held = None;
        }
    }

    /// The wall clock that decides what has expired, and that signs.
    pub fn clock(&self) -> &SharedTimeSource {
        &self.shared.clock
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while holding it; if it did, the state would still be whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn usable(&self) -> Use {
        let now = self.clock.now();
        match &self.state().held {
            Some(held) if has_expired(&held.credentials, now) => Use::Nothing,
            // A clock that was set back says nothing about how old they are.
            Some(held) if held.since <= now && now < held.renew_at => {
                Use::Keep(held.credentials.clone())
            }
            Some(held) => Use::Renew(held.credentials.clone()),
            None => Use::Nothing,
        }
    }

    async fn load(&self) -> Result<Credentials, IamError> {
        let load = async {
            match &self.origin {
                Origin::Aws(options) => chain::load(options, self.clock.clone()).await,
                Origin::Provider(provider) => provider
                    .provide_credentials()
                    .await
                    .map_err(|error| classify(&error, Attempt::default())),
            }
        };
        let loaded = tokio::time::timeout(LOAD_TIMEOUT, load).await;
        let credentials = loaded.unwrap_or_else(|_| {
            let seconds = LOAD_TIMEOUT.as_secs();
            let cause = format!("nothing came within {seconds} seconds");
            Err(IamError::Timeout { cause })
        })?;
        if has_expired(&credentials, self.clock.now()) {
            return Err(IamError::Expired {
                at: credentials.expiry(),
                cause: "the provider gave credentials that are already too old".to_owned(),
            });
        }
        Ok(credentials)
    }

    /// Writes down the outcome of an attempt, and says what its caller gets.
    fn settle(
        &self,
        _turn: &AsyncMutexGuard<'_, ()>,
        loaded: Result<Credentials, IamError>,
        still_good: Option<Credentials>,
    ) -> Result<Credentials, IamError> {
        let now = self.clock.now();
        let attempt = self.attempts.fetch_add(1, Ordering::AcqRel) + 1;
        let mut state = self.state();
        match loaded {
            Ok(credentials) => {
                state.failure = None;
                state.held = Some(Held {
                    credentials: credentials.clone(),
                    since: now,
                    renew_at: renew_at(&credentials, now),
                });
                Ok(credentials)
            }
            Err(error) => {
                state.failure = Some((attempt, error.clone()));
                let Some(credentials) = still_good else {
                    return Err(error);
                };
                if let Some(held) = &mut state.held {
                    held.since = now;
                    held.renew_at = now + RETRY_AFTER;
                }
                drop(state);
                tracing::warn!(
                    reason = %error,
                    "AWS credentials could not be renewed; those at hand are still valid"
                );
                Ok(credentials)
            }
        }
    }
}

fn has_expired(credentials: &Credentials, now: SystemTime) -> bool {
    credentials.expiry().is_some_and(|expiry| expiry <= now)
}

fn renew_at(credentials: &Credentials, now: SystemTime) -> SystemTime {
    match credentials.expiry() {
        None => now + UNDATED_FOR,
        Some(expiry) => {
            let before = expiry.checked_sub(RENEW_BEFORE).unwrap_or(now);
            before.max(now + RETRY_AFTER)
        }
    }
}

impl fmt::Debug for CredentialSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = match &self.shared.origin {
            Origin::Aws(options) => options as &dyn fmt::Debug,
            Origin::Provider(_) => &"provider",
        };
        f.debug_tuple("CredentialSource").field(origin).finish()
    }
}

#[cfg(test)]
mod tests;
