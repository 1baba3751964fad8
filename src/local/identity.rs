//! What makes a local cluster this one: its id, its region and the only credentials it knows.

use std::fmt;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rustls::crypto::SecureRandom;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::LocalError;

/// Length of a cluster id (DSQL user guide, "Accessing Aurora DSQL", 2026-09).
const ID_LENGTH: usize = 26;
/// The region of a cluster that was given none.
const DEFAULT_REGION: &str = "us-east-1";

/// Who signs with a local cluster's credentials. The account is the one of AWS's examples.
pub(super) const ARN: &str = "arn:aws:iam::123456789012:role/dsql-local";

const BASE32: &[u8] = b"abcdefghijklmnopqrstuvwxyz234567";
const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// An access key id and its secret. The secret is in neither `Debug` nor any error.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    access_key_id: String,
    secret_access_key: Zeroizing<String>,
    session_token: Option<Zeroizing<String>>,
}

impl Credentials {
    /// Long-term credentials.
    pub fn new(access_key_id: impl Into<String>, secret_access_key: impl Into<String>) -> Self {
        Self {
            access_key_id: access_key_id.into(),
            secret_access_key: Zeroizing::new(secret_access_key.into()),
            session_token: None,
        }
    }

    /// The same as temporary credentials: tokens must carry this session token.
    #[must_use]
    pub fn with_session_token(mut self, token: impl Into<String>) -> Self {
        self.session_token = Some(Zeroizing::new(token.into()));
        self
    }

    /// `AWS_ACCESS_KEY_ID`
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// `AWS_SECRET_ACCESS_KEY`
    pub fn secret_access_key(&self) -> &str {
        &self.secret_access_key
    }

    /// `AWS_SESSION_TOKEN`
    pub fn session_token(&self) -> Option<&str> {
        self.session_token.as_ref().map(|token| token.as_str())
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

/// A cluster's identity, kept in its data directory.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    pub(super) id: String,
    pub(super) region: String,
    pub(super) credentials: Credentials,
}

/// The file's content.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    id: String,
    region: String,
    access_key_id: String,
    secret_access_key: String,
}

impl Identity {
    /// Reads the identity in `file`, or makes one and writes it there. A region other than the
    /// stored one replaces it, as a file's other content stays.
    pub(super) fn load_or_create(
        file: &Path,
        region: Option<&str>,
        random: &dyn SecureRandom,
    ) -> Result<Self, LocalError> {
        if let Some(region) = region.filter(|region| !is_region(region)) {
            return Err(LocalError::BadRegion(region.to_owned()));
        }
        let identity = match std::fs::read_to_string(file) {
            Ok(text) => {
                let text = Zeroizing::new(text);
                let mut identity = Self::parse(file, &text)?;
                match region {
                    Some(region) if region != identity.region => {
                        region.clone_into(&mut identity.region);
                    }
                    _ => return Ok(identity),
                }
                identity
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                Self::create(region.unwrap_or(DEFAULT_REGION), random)?
            }
            Err(e) => return Err(LocalError::io("read", file)(e)),
        };
        write_private(file, identity.to_toml().as_bytes())?;
        Ok(identity)
    }

    /// The cluster's name, which is what is signed, sent as SNI and verified.
    pub(super) fn endpoint(&self) -> String {
        format!("{}.dsql.{}.on.aws", self.id, self.region)
    }

    fn create(region: &str, random: &dyn SecureRandom) -> Result<Self, LocalError> {
        // Recognizably not a key of AWS, whose ids begin with `A`.
        let key = format!("LOCAL{}", letters(15, BASE32, random)?.to_ascii_uppercase());
        Ok(Self {
            id: letters(ID_LENGTH, BASE32, random)?,
            region: region.to_owned(),
            credentials: Credentials::new(key, letters(40, BASE64, random)?),
        })
    }

    fn parse(file: &Path, text: &str) -> Result<Self, LocalError> {
        let bad = |why: String| LocalError::BadIdentity {
            file: file.to_owned(),
            why,
        };
        // The error's own text would quote the line, and with it a secret.
        let stored: Stored = toml::from_str(text).map_err(|e| bad(e.message().to_owned()))?;
        let base32 = |c: u8| BASE32.contains(&c);
        if stored.id.len() != ID_LENGTH || !stored.id.bytes().all(base32) {
            return Err(bad("the id is not 26 letters and digits".to_owned()));
        }
        if !is_region(&stored.region) {
            return Err(bad("the region is not a region's name".to_owned()));
        }
        let plain = |s: &str| !s.is_empty() && s.bytes().all(|c| BASE64.contains(&c));
        if !plain(&stored.access_key_id) || !plain(&stored.secret_access_key) {
            return Err(bad("the credentials have unexpected characters".to_owned()));
        }
        Ok(Self {
            id: stored.id,
            region: stored.region,
            credentials: Credentials::new(stored.access_key_id, stored.secret_access_key),
        })
    }

    fn to_toml(&self) -> Zeroizing<String> {
        Zeroizing::new(format!(
            "# A local cluster: made once, kept for as long as this directory.\n\
             id = \"{}\"\nregion = \"{}\"\naccess_key_id = \"{}\"\nsecret_access_key = \"{}\"\n",
            self.id,
            self.region,
            self.credentials.access_key_id(),
            self.credentials.secret_access_key(),
        ))
    }
}

/// Writes a file that only we may read, replacing the old one in one step.
pub(super) fn write_private(file: &Path, content: &[u8]) -> Result<(), LocalError> {
    write(file, content, 0o600)
}

/// Writes a file that everyone may read, replacing the old one in one step.
pub(super) fn write_public(file: &Path, content: &[u8]) -> Result<(), LocalError> {
    write(file, content, 0o644)
}

fn write(file: &Path, content: &[u8], mode: u32) -> Result<(), LocalError> {
    let dir = file.parent().unwrap_or(Path::new("."));
    let mode = std::fs::Permissions::from_mode(mode);
    // `tempfile` creates with mode 0600.
    let write = || {
        let mut temporary = tempfile::NamedTempFile::new_in(dir)?;
        temporary.write_all(content)?;
        temporary.as_file().set_permissions(mode)?;
        temporary.as_file().sync_all()?;
        temporary.persist(file).map_err(|e| e.error).map(drop)
    };
    write().map_err(LocalError::io("write", file))
}

/// As many random letters of a power-of-two alphabet.
fn letters(n: usize, alphabet: &[u8], random: &dyn SecureRandom) -> Result<String, LocalError> {
    let mut bytes = Zeroizing::new(vec![0; n]);
    random
        .fill(&mut bytes)
        .map_err(|_| LocalError::Prepare("the system gives no random bytes".to_owned()))?;
    Ok(bytes
        .iter()
        .filter_map(|b| alphabet.get(usize::from(*b) % alphabet.len()))
        .map(|c| char::from(*c))
        .collect())
}

/// Lower-case words and a number, joined by hyphens: `us-east-1`, `us-gov-west-1`.
fn is_region(name: &str) -> bool {
    let parts: Vec<&str> = name.split('-').collect();
    let [words @ .., number] = parts.as_slice() else {
        return false;
    };
    words.len() >= 2
        && words
            .iter()
            .all(|w| !w.is_empty() && w.bytes().all(|c| c.is_ascii_lowercase()))
        && !number.is_empty()
        && number.bytes().all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests;
