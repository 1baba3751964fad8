use std::os::unix::fs::PermissionsExt as _;

use super::*;

/// Counts up, so that every run makes the same cluster.
#[derive(Debug)]
struct Counting;

impl SecureRandom for Counting {
    fn fill(&self, buf: &mut [u8]) -> Result<(), rustls::crypto::GetRandomFailed> {
        for (i, b) in buf.iter_mut().enumerate() {
            *b = u8::try_from(i % 256).unwrap();
        }
        Ok(())
    }
}

#[test]
fn made_once_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("cluster.toml");
    let made = Identity::load_or_create(&file, None, &Counting).unwrap();
    assert_eq!(
        made.endpoint(),
        "abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws"
    );
    assert_eq!(made.credentials.access_key_id(), "LOCALABCDEFGHIJKLMNO");
    assert_eq!(made.credentials.secret_access_key().len(), 40);
    assert_eq!(
        std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );

    let kept = Identity::load_or_create(&file, None, &rustls_random()).unwrap();
    assert_eq!(kept.endpoint(), made.endpoint());
    assert_eq!(kept.credentials, made.credentials);

    let moved = Identity::load_or_create(&file, Some("eu-west-1"), &rustls_random()).unwrap();
    assert_eq!(
        moved.endpoint(),
        "abcdefghijklmnopqrstuvwxyz.dsql.eu-west-1.on.aws"
    );
    let kept = Identity::load_or_create(&file, None, &rustls_random()).unwrap();
    assert_eq!(kept.region, "eu-west-1");
}

#[derive(Debug)]
struct System(&'static dyn SecureRandom);

impl SecureRandom for System {
    fn fill(&self, buf: &mut [u8]) -> Result<(), rustls::crypto::GetRandomFailed> {
        self.0.fill(buf)
    }
}

fn rustls_random() -> System {
    System(rustls::crypto::aws_lc_rs::default_provider().secure_random)
}

#[test]
fn two_clusters_differ() {
    let a = Identity::create("us-east-1", &rustls_random()).unwrap();
    let b = Identity::create("us-east-1", &rustls_random()).unwrap();
    assert_ne!(a.id, b.id);
    assert_ne!(a.credentials, b.credentials);
}

#[test]
fn a_damaged_file_is_named_and_its_secret_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("cluster.toml");
    std::fs::write(&file, "id = \"x\"\nsecret_access_key = \"hush\" nonsense\n").unwrap();
    let error = Identity::load_or_create(&file, None, &Counting)
        .unwrap_err()
        .to_string();
    assert!(error.contains("cluster.toml"), "{error}");
    assert!(!error.contains("hush"), "{error}");
}

#[test]
fn regions() {
    for good in ["us-east-1", "us-gov-west-1", "ap-southeast-4"] {
        assert!(is_region(good), "{good}");
    }
    for bad in [
        "",
        "us",
        "us-east",
        "US-EAST-1",
        "us-east-1.evil",
        "us--1",
        "-1",
        "us-east-",
    ] {
        assert!(!is_region(bad), "{bad}");
    }
}

#[test]
fn debug_hides_the_secret() {
    let credentials = Credentials::new("AK", "hush").with_session_token("quiet");
    let debug = format!("{credentials:?}");
    assert!(
        debug.contains("AK") && !debug.contains("hush") && !debug.contains("quiet"),
        "{debug}"
    );
}
