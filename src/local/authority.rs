//! The certificate authority of a local cluster and the certificate of its endpoint.
//!
//! The authority is kept in the data directory, so that a client has to be told of it once. The
//! server's certificate is made anew at every start and never written to disk.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::LocalError;
use super::identity::{write_private, write_public};

const DAY: Duration = Duration::from_hours(24);
/// How long an authority is good for.
const AUTHORITY_LIFE: Duration = Duration::from_hours(24 * 3650);
/// An authority with less than this left is replaced at start, and a server certificate is good
/// for at least as long.
const RENEW_BEFORE: Duration = Duration::from_hours(24 * 400);
/// Certificates begin a day early, for clients whose clock is behind.
const EARLY: Duration = DAY;

/// A certificate with its chain and key, for a TLS server.
pub(super) struct ServerCertificate {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

/// The certificate authority.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    expires: SystemTime,
}

/// Where an authority is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct AuthorityFiles<'a> {
    /// The certificate, for everyone.
    pub(super) certificate: &'a Path,
    /// The key, for us alone. Its first line says when the certificate expires.
    pub(super) key: &'a Path,
}

impl Authority {
    /// The kept authority, or a new one if there is none or it will soon expire.
    pub(super) fn load_or_create(
        files: AuthorityFiles<'_>,
        now: SystemTime,
    ) -> Result<Self, LocalError> {
        if let Some(kept) = Self::load(files)?
            && kept.expires > now + RENEW_BEFORE
        {
            return Ok(kept);
        }
        Self::create(files, now)
    }

    /// A certificate for `endpoint`.
    pub(super) fn issue(
        &self,
        endpoint: &str,
        now: SystemTime,
    ) -> Result<ServerCertificate, LocalError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?;
        let mut params = CertificateParams::new(vec![endpoint.to_owned()]).map_err(failed)?;
        // A common name has 64 characters at most; clients look at the alternative name only.
        params
            .distinguished_name
            .push(DnType::CommonName, "dsql-proxy local cluster");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        validity(&mut params, now, self.expires)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(failed)?;
        Ok(ServerCertificate {
            chain: vec![certificate.into(), self.certificate.clone()],
            key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        })
    }

    fn load(files: AuthorityFiles<'_>) -> Result<Option<Self>, LocalError> {
        let (Some(certificate), Some(key)) = (read(files.certificate)?, read(files.key)?) else {
            return Ok(None);
        };
        let Some(expires) = key
            .lines()
            .next()
            .and_then(|line| line.strip_prefix(EXPIRES))
            .and_then(|seconds| seconds.parse().ok())
        else {
            return Ok(None);
        };
        // Damaged, such as by a full disk, they are made anew: nothing else depends on them.
        let (Ok(key), Ok(certificate)) = (
            KeyPair::from_pem(&key),
            CertificateDer::from_pem_slice(certificate.as_bytes()),
        ) else {
            return Ok(None);
        };
        Ok(Some(Self {
            issuer: Issuer::new(authority_params(), key),
            certificate,
            expires: UNIX_EPOCH + Duration::from_secs(expires),
        }))
    }

    fn create(files: AuthorityFiles<'_>, now: SystemTime) -> Result<Self, LocalError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?;
        let mut params = authority_params();
        let expires = UNIX_EPOCH + Duration::from_secs(seconds(now + AUTHORITY_LIFE));
        validity(&mut params, now, expires)?;
        let certificate = params.self_signed(&key).map_err(failed)?;
        let text = zeroize::Zeroizing::new(format!(
            "{EXPIRES}{}\n{}",
            seconds(expires),
            key.serialize_pem()
        ));
        write_private(files.key, text.as_bytes())?;
        write_public(files.certificate, certificate.pem().as_bytes())?;
        Ok(Self {
            certificate: certificate.into(),
            issuer: Issuer::new(params, key),
            expires,
        })
    }
}

/// The comment before the key.
const EXPIRES: &str = "# certificate expires at second ";

/// The parameters decide the issuer's name and key identifier, so a kept key needs the same ones.
fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, "dsql-proxy local cluster CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn validity(
    params: &mut CertificateParams,
    now: SystemTime,
    expires: SystemTime,
) -> Result<(), LocalError> {
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let at = |time| {
        epoch
            .checked_add(
                Duration::from_secs(seconds(time))
                    .try_into()
                    .map_err(|_| out_of_range())?,
            )
            .ok_or_else(out_of_range)
    };
    params.not_before = at(now - EARLY)?;
    params.not_after = at(expires)?;
    Ok(())
}

fn out_of_range() -> LocalError {
    LocalError::Certificate("the clock is out of range".to_owned())
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
}

fn read(file: &Path) -> Result<Option<zeroize::Zeroizing<String>>, LocalError> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(Some(zeroize::Zeroizing::new(text))),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(LocalError::io("read", file)(e)),
    }
}

// By value, for `map_err`.
#[allow(clippy::needless_pass_by_value)]
fn failed(error: rcgen::Error) -> LocalError {
    LocalError::Certificate(error.to_string())
}

#[cfg(test)]
mod tests;
