use super::*;
use crate::dsql::endpoint::Cluster;
use crate::iam::testing::TestClock;
use aws_credential_types::Credentials;

fn endpoint(host: &str) -> Endpoint {
    let cluster: Cluster = host.parse().expect(host);
    cluster.endpoint(None).expect(host)
}

fn us_east_1() -> Region {
    Region::parse("us-east-1", "test").expect("a region")
}

fn signer(host: &str, credentials: CredentialSource, lifetime: u64) -> Signer {
    let lifetime = Duration::from_secs(lifetime);
    Signer::new(&endpoint(host), us_east_1(), credentials, lifetime).expect("a signer")
}

fn parameter<'a>(token: &'a Token, name: &str) -> Option<&'a str> {
    let (_, query) = token.expose().split_once("/?")?;
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

/// The vectors that AWS's own SDKs are tested with.
#[tokio::test]
async fn tokens_are_those_of_the_official_sdks() {
    struct Vector {
        source: &'static str,
        host: &'static str,
        keys: [&'static str; 2],
        session_token: Option<&'static str>,
        time: &'static str,
        lifetime: u64,
        role: &'static str,
        signature: &'static str,
    }
    let test = "test.dsql.us-east-1.on.aws";
    let peccy = "peccy.dsql.us-east-1.on.aws";
    for vector in [
        Vector {
            source: "aws-sdk-java",
            host: test,
            keys: ["access_key", "secret_key"],
            session_token: None,
            time: "2024-11-07T17:39:33Z",
            lifetime: 900,
            role: "app",
            signature: "e319d85380261f643d78a558f76257f05aacea758a6ccd42a2510e2ae0854a47",
        },
        Vector {
            source: "aws-sdk-java, aws-cli",
            host: test,
            keys: ["access_key", "secret_key"],
            session_token: None,
            time: "2024-11-07T17:39:33Z",
            lifetime: 900,
            role: "admin",
            signature: "a08adc4c84a490014ce374b90c98ba9ed015b77b451c0d9f9fb3f8ca8c6f9c36",
        },
        Vector {
            source: "aws-c-auth",
            host: peccy,
            keys: ["akid", "secret"],
            session_token: Some("token"),
            time: "2024-08-27T00:00:00Z",
            lifetime: 450,
            role: "admin",
            signature: "dd5373133b347f82a6e8a710e5fbd367f5e1d84824dc148b96d5f45089cb47f0",
        },
        Vector {
            source: "aws-sdk-rust",
            host: peccy,
            keys: ["akid", "secret"],
            session_token: None,
            time: "2024-08-27T00:00:00Z",
            lifetime: 450,
            role: "Admin",
            signature: "f5f2ad764ca5df44045d4ab6ccecba0eef941b0007e5765885a0b6ed3702a3f8",
        },
    ] {
        let clock = TestClock::at(vector.time).shared();
        let [key, secret] = vector.keys;
        let credentials = CredentialSource::fixed(key, secret, vector.session_token, clock);
        let token = signer(vector.host, credentials, vector.lifetime)
            .token(vector.role)
            .await
            .expect(vector.source);
        let signature = parameter(&token, "X-Amz-Signature");
        assert_eq!(signature, Some(vector.signature), "{}", vector.source);
        let head = format!("{}/?", vector.host);
        assert!(token.expose().starts_with(&head), "{}", vector.source);
        let session_token = parameter(&token, "X-Amz-Security-Token");
        assert_eq!(session_token, vector.session_token, "{}", vector.source);
    }
}

#[tokio::test]
async fn only_the_role_admin_needs_the_admin_action() {
    let clock = TestClock::at("2024-11-07T17:39:33Z").shared();
    let signer = signer(
        "localhost",
        CredentialSource::fixed("a", "b", None, clock),
        900,
    );
    for (role, action) in [
        ("admin", "DbConnectAdmin"),
        ("ADMIN", "DbConnect"),
        ("admin ", "DbConnect"),
        ("app", "DbConnect"),
        ("", "DbConnect"),
    ] {
        let token = signer.token(role).await.expect(role);
        assert_eq!(parameter(&token, "Action"), Some(action), "{role:?}");
    }
}

#[test]
fn a_lifetime_out_of_bounds_is_refused() {
    let clock = TestClock::at("2024-11-07T17:39:33Z").shared();
    for lifetime in [
        Duration::ZERO,
        Duration::from_millis(999),
        MAX_LIFETIME + Duration::from_nanos(1),
    ] {
        let credentials = CredentialSource::fixed("a", "b", None, clock.clone());
        let error = Signer::new(&endpoint("localhost"), us_east_1(), credentials, lifetime)
            .expect_err("out of bounds");
        assert!(matches!(error, IamError::BadConfig { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn expired_credentials_sign_nothing() {
    let clock = TestClock::at("2024-11-07T17:39:33Z");
    let expiry = humantime::parse_rfc3339("2024-11-07T17:39:33Z").expect("a time");
    let expired = Credentials::new("a", "SECRET", None, Some(expiry), "test");
    let source = CredentialSource::provider(expired, clock.shared());
    let error = signer("localhost", source, 900)
        .token("admin")
        .await
        .expect_err("expired");
    assert!(matches!(error, IamError::Expired { .. }), "{error:?}");
    assert!(
        error.to_string().contains("2024-11-07T17:39:33Z"),
        "{error}"
    );
}

#[tokio::test]
async fn nothing_of_a_signer_shows_a_secret() {
    let clock = TestClock::at("2024-11-07T17:39:33Z").shared();
    let source = CredentialSource::fixed("AKID", "SECRET", Some("SESSION"), clock);
    let signer = signer("localhost", source, 900);
    let shown = format!("{signer:?} {:?}", signer.token("admin").await);
    assert!(
        !shown.contains("SECRET") && !shown.contains("SESSION"),
        "{shown}"
    );
}

proptest::proptest! {
    // The SDK's signer panics on a host that is no host of a URL.
    #[test]
    fn every_endpoint_can_be_signed(host in "([a-z0-9_.-]|xn--|0x){1,40}") {
        if let Ok(Cluster::Endpoint(endpoint)) = host.parse::<Cluster>() {
            let clock = TestClock::at("2024-11-07T17:39:33Z").shared();
            let credentials = CredentialSource::fixed("a", "b", None, clock);
            let signer = Signer::new(&endpoint, us_east_1(), credentials, DEFAULT_LIFETIME)?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
            let token = runtime.block_on(signer.token("admin"))?;
            let head = format!("{}/?", endpoint.host());
            proptest::prop_assert!(token.expose().starts_with(&head));
        }
    }
}
