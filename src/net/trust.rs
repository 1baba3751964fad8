//! Which certificate authorities are trusted.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// The roots of Amazon Trust Services, which sign the endpoints of Aurora DSQL ("Amazon Root CA
/// 1" is the one in use, Aurora DSQL user guide, 2026-09). Taken from Debian's
/// ca-certificates 20230311.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon_roots.pem");

/// Where the roots came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrustSource {
    /// The system's store, or the file or directory that `SSL_CERT_FILE` or `SSL_CERT_DIR` name.
    System {
        /// How many certificates it has.
        roots: usize,
    },
    /// The system has none (an empty image): the built-in Amazon roots.
    BuiltIn,
}

/// Roots that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The file or directory that was asked for holds nothing of use.
    #[error(
        "no certificate authority could be read from {place}: {why}. \
         Check that it holds certificates in PEM format (SSL_CERT_FILE and SSL_CERT_DIR name it)"
    )]
    Unreadable {
        /// The file or directory.
        place: String,
        /// The first failure.
        why: String,
    },
    /// The built-in certificates do not parse, which only a broken build can cause.
    #[error("the built-in Amazon root certificates are damaged: {0}")]
    BuiltIn(String),
}

/// Reads the system's trust store. `configured` is the value of `SSL_CERT_FILE` or
/// `SSL_CERT_DIR`, if one is set: then an empty result is an error, because falling back to
/// other roots than those asked for would be a surprise.
pub fn load(configured: Option<String>) -> Result<(RootCertStore, TrustSource), TrustError> {
    let mut store = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    let (roots, _unparsable) = store.add_parsable_certificates(native.certs);
    if roots > 0 {
        return Ok((store, TrustSource::System { roots }));
    }
    if let Some(place) = configured {
        let why = native
            .errors
            .first()
            .map_or("it has no certificates".into(), ToString::to_string);
        return Err(TrustError::Unreadable { place, why });
    }
    Ok((built_in()?, TrustSource::BuiltIn))
}

/// The built-in Amazon roots.
pub fn built_in() -> Result<RootCertStore, TrustError> {
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(AMAZON_ROOTS) {
        let certificate = certificate.map_err(|e| TrustError::BuiltIn(e.to_string()))?;
        store
            .add(certificate)
            .map_err(|e| TrustError::BuiltIn(e.to_string()))?;
    }
    Ok(store)
}

/// The certificates of a PEM file, and no others.
pub fn from_file(path: &std::path::Path) -> Result<RootCertStore, TrustError> {
    let unreadable = |why: String| TrustError::Unreadable {
        place: path.display().to_string(),
        why,
    };
    let mut store = RootCertStore::empty();
    let certificates =
        CertificateDer::pem_file_iter(path).map_err(|e| unreadable(e.to_string()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|e| unreadable(e.to_string()))?;
        store
            .add(certificate)
            .map_err(|e| unreadable(e.to_string()))?;
    }
    if store.is_empty() {
        return Err(unreadable("it has no certificates".into()));
    }
    Ok(store)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_roots_are_amazons() {
        let store = built_in().unwrap();
        assert_eq!(store.len(), 5);
        let names: Vec<_> = store
            .roots
            .iter()
            .map(|root| root.subject.to_vec())
            .collect();
        let text = names.concat().escape_ascii().to_string();
        assert!(
            text.contains("Amazon Root CA 1") && text.contains("Starfield"),
            "{text}"
        );
    }

    #[test]
    fn a_file_without_certificates_is_told_by_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("missing.pem");
        let error = from_file(&missing).unwrap_err().to_string();
        assert!(error.contains("missing.pem"), "{error}");
        std::fs::write(&missing, "no certificate").unwrap();
        assert!(from_file(&missing).is_err());
    }
}
