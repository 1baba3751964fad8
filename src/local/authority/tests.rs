use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::pki_types::{ServerName, UnixTime};

use super::*;

const ENDPOINT: &str = "abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws";

fn verify(
    ca: &Path,
    certificate: &ServerCertificate,
    name: &str,
    now: SystemTime,
) -> Result<(), rustls::Error> {
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(ca).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .unwrap();
    let (server, rest) = certificate.chain.split_first().unwrap();
    verifier
        .verify_server_cert(
            server,
            rest,
            &ServerName::try_from(name.to_owned()).unwrap(),
            &[],
            UnixTime::since_unix_epoch(now.duration_since(UNIX_EPOCH).unwrap()),
        )
        .map(drop)
}

#[test]
fn a_kept_authority_issues_certificates_that_verify() {
    let dir = tempfile::tempdir().unwrap();
    let (ca, key) = (dir.path().join("ca.pem"), dir.path().join("ca-key.pem"));
    let files = AuthorityFiles {
        certificate: &ca,
        key: &key,
    };
    let now = UNIX_EPOCH + Duration::from_secs(1_790_000_000);

    let first = Authority::load_or_create(files, now)
        .unwrap()
        .issue(ENDPOINT, now)
        .unwrap();
    let pem = std::fs::read_to_string(&ca).unwrap();
    let second = Authority::load_or_create(files, now)
        .unwrap()
        .issue(ENDPOINT, now)
        .unwrap();
    assert_eq!(std::fs::read_to_string(&ca).unwrap(), pem, "made only once");
    for certificate in [&first, &second] {
        verify(&ca, certificate, ENDPOINT, now).unwrap();
        verify(
            &ca,
            certificate,
            ENDPOINT,
            now + Duration::from_hours(24 * 399),
        )
        .unwrap();
        verify(&ca, certificate, "other.dsql.us-east-1.on.aws", now).unwrap_err();
        verify(&ca, certificate, ENDPOINT, now + AUTHORITY_LIFE + DAY).unwrap_err();
    }
    assert_eq!(
        std::fs::metadata(&key).unwrap().permissions().mode() & 0o777,
        0o600
    );

    let late = now + AUTHORITY_LIFE - DAY;
    let renewed = Authority::load_or_create(files, late)
        .unwrap()
        .issue(ENDPOINT, late)
        .unwrap();
    assert_ne!(
        std::fs::read_to_string(&ca).unwrap(),
        pem,
        "renewed when near expiry"
    );
    verify(
        &ca,
        &renewed,
        ENDPOINT,
        late + Duration::from_hours(24 * 399),
    )
    .unwrap();
}

#[test]
fn a_damaged_authority_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let (certificate, key) = (dir.path().join("ca.pem"), dir.path().join("ca-key.pem"));
    let files = AuthorityFiles {
        certificate: &certificate,
        key: &key,
    };
    let now = SystemTime::now();
    Authority::load_or_create(files, now).unwrap();
    for damaged in [&certificate, &key] {
        let first_line = std::fs::read_to_string(damaged).unwrap();
        let first_line = first_line.lines().next().unwrap();
        for content in ["", first_line] {
            std::fs::write(damaged, content).unwrap();
            let authority = Authority::load_or_create(files, now).unwrap();
            let issued = authority.issue(ENDPOINT, now).unwrap();
            verify(&certificate, &issued, ENDPOINT, now).unwrap();
        }
    }
    let mode = |file: &Path| std::fs::metadata(file).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&certificate), mode(&key)), (0o644, 0o600));
}
