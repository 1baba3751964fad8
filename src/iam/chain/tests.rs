//! Real providers of the SDK, with an environment and files of the test's own.

use super::*;
use crate::iam::testing::TestClock;
use aws_types::os_shim_internal::{Env, Fs};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

const CONFIG: &str = "/home/.aws/config";

struct Home<'a> {
    env: Vec<(&'a str, &'a str)>,
    files: Vec<(&'a str, &'a str)>,
}

impl<'a> Home<'a> {
    fn new(config: &'a str) -> Self {
        Self {
            env: vec![("HOME", "/home"), ("AWS_MAX_ATTEMPTS", "1")],
            files: vec![(CONFIG, config)],
        }
    }

    fn env(mut self, name: &'a str, value: &'a str) -> Self {
        self.env.push((name, value));
        self
    }

    fn file(mut self, path: &'a str, text: &'a str) -> Self {
        self.files.push((path, text));
        self
    }

    async fn load(self, options: &CredentialOptions) -> Result<Credentials, IamError> {
        // Without this, the tests would ask the metadata service of the machine they run on.
        let is_asked = self.env.iter().any(|(name, _)| name.starts_with("AWS_EC2"));
        let this = if is_asked {
            self
        } else {
            self.env("AWS_EC2_METADATA_DISABLED", "true")
        };
        let loader = aws_config::defaults(BehaviorVersion::latest())
            .env(Env::from_slice(&this.env))
            .fs(Fs::from_slice(&this.files));
        let clock = TestClock::at("2026-10-03T12:00:00Z");
        load_with(loader, options, clock.shared()).await
    }

    async fn fail(self, options: &CredentialOptions) -> IamError {
        self.load(options).await.expect_err("no credentials")
    }
}

fn keys() -> Home<'static> {
    Home::new("")
        .env("AWS_ACCESS_KEY_ID", "BASEKEY")
        .env("AWS_SECRET_ACCESS_KEY", "BASESECRET")
}

fn options() -> CredentialOptions {
    CredentialOptions {
        region: Some("us-east-1".to_owned()),
        ..CredentialOptions::default()
    }
}

#[tokio::test]
async fn keys_come_from_the_environment() {
    let credentials = keys().load(&options()).await.expect("keys");
    assert_eq!(credentials.access_key_id(), "BASEKEY");
    assert_eq!(credentials.secret_access_key(), "BASESECRET");
}

#[tokio::test]
async fn a_key_without_its_secret_is_told() {
    let home = Home::new("").env("AWS_ACCESS_KEY_ID", "BASEKEY");
    let error = home.fail(&options()).await;
    let detail = error.detail().expect("places");
    let told = "(AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY): not both are set";
    assert!(detail.contains(told), "{detail}");
}

#[tokio::test]
async fn nothing_anywhere_lists_the_places() {
    let error = Home::new("").fail(&options()).await;
    assert!(matches!(error, IamError::NoCredentials { .. }), "{error:?}");
    let detail = error.detail().expect("places");
    for place in [
        "AWS_ACCESS_KEY_ID",
        "~/.aws/config",
        "WEB_IDENTITY",
        "CONTAINER",
        "EC2",
    ] {
        assert!(detail.contains(place), "{place}: {detail}");
    }
}

#[tokio::test]
async fn a_profile_that_is_not_there_is_named() {
    let name = "no-such-profile-of-dsql-proxy-tests";
    let error = Home::new("[profile other]\nregion = us-east-1\n")
        .env("AWS_PROFILE", name)
        .fail(&options())
        .await;
    let found = matches!(&error, IamError::ProfileNotFound { profile, .. } if profile.as_deref() == Some(name));
    assert!(found, "from AWS_PROFILE: {error:?}");
    // An explicit profile is read from the real home directory, and keys in the environment do
    // not take its place.
    let explicit = CredentialOptions {
        profile: Some(name.to_owned()),
        ..options()
    };
    let error = keys().fail(&explicit).await;
    let found = matches!(&error, IamError::ProfileNotFound { profile, .. } if profile.as_deref() == Some(name));
    assert!(found, "from --profile: {error:?}");
}

const SSO: &str = "[profile dev]\nsso_session = corp\nsso_account_id = 123456789012\n\
    sso_role_name = app\n[sso-session corp]\nsso_region = us-east-1\n\
    sso_start_url = https://corp.awsapps.com/start\n";

/// Named by the SHA-1 of the session's name.
const SSO_CACHE: &str = "/home/.aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json";

#[tokio::test]
async fn an_sso_session_that_is_over_says_so() {
    let token = r#"{"accessToken":"SSOSECRET","expiresAt":"2026-10-03T11:59:59Z","region":"us-east-1","startUrl":"https://corp.awsapps.com/start"}"#;
    let home = Home::new(SSO)
        .env("AWS_PROFILE", "dev")
        .file(SSO_CACHE, token);
    let error = home.fail(&options()).await;
    assert!(matches!(error, IamError::SsoExpired { .. }), "{error:?}");
    assert!(error.to_string().contains("expired"), "{error}");
    assert!(!format!("{error:?}").contains("SSOSECRET"), "{error:?}");
}

#[tokio::test]
async fn an_sso_session_that_never_began_says_so() {
    let error = Home::new(SSO)
        .env("AWS_PROFILE", "dev")
        .fail(&options())
        .await;
    assert!(matches!(error, IamError::SsoExpired { .. }), "{error:?}");
    let legacy = "[profile old]\nsso_start_url = https://corp.awsapps.com/start\n\
        sso_region = us-east-1\nsso_account_id = 123456789012\nsso_role_name = app\n";
    let error = Home::new(legacy)
        .env("AWS_PROFILE", "old")
        .fail(&options())
        .await;
    assert!(matches!(error, IamError::SsoExpired { .. }), "{error:?}");
}

#[tokio::test]
async fn a_credential_process_that_fails_is_quoted_without_its_secrets() {
    let config = "[default]\ncredential_process = echo key wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY no vault >&2; exit 3\n";
    let error = Home::new(config).fail(&options()).await;
    assert!(matches!(error, IamError::Provider { .. }), "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains("no vault") && text.contains("exit status: 3"),
        "{text}"
    );
    assert!(!text.contains("EXAMPLEKEY"), "{text}");
}

#[tokio::test]
async fn a_credential_process_that_prints_nonsense_is_not_quoted() {
    let config = "[default]\ncredential_process = echo '{\"SecretAccessKey\":\"MYSECRET\"'\n";
    let error = Home::new(config).fail(&options()).await;
    assert!(matches!(error, IamError::Provider { .. }), "{error:?}");
    assert!(!format!("{error:?}").contains("MYSECRET"), "{error:?}");
}

#[tokio::test]
async fn a_broken_configuration_file_is_an_error_of_configuration() {
    for config in [
        "[profile",
        "[default]\nrole_arn = r\nsource_profile = b\n[profile b]\nrole_arn = s\nsource_profile = default\n",
    ] {
        let error = Home::new(config).fail(&options()).await;
        assert!(
            matches!(error, IamError::BadConfig { .. }),
            "{config:?}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_region_for_sts_that_is_none_is_refused() {
    let wrong = CredentialOptions {
        region: Some("us east".to_owned()),
        ..CredentialOptions::default()
    };
    let error = keys().fail(&wrong).await;
    assert!(matches!(error, IamError::Region(_)), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_metadata_service_that_is_silent_holds_nobody_longer_than_two_seconds() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("bound"));
    let before = tokio::time::Instant::now();
    let home = Home::new("").env("AWS_EC2_METADATA_SERVICE_ENDPOINT", &address);
    let error = home.fail(&options()).await;
    let waited = before.elapsed();
    assert!(waited <= Duration::from_secs(2), "{waited:?}");
    assert!(matches!(error, IamError::NoCredentials { .. }), "{error:?}");
}

#[tokio::test]
async fn a_metadata_service_that_is_none_is_told_as_no_credentials() {
    for answer in [
        (403, String::new()),
        (200, "<html>Please pay</html>".to_owned()),
    ] {
        let told = format!("{answer:?}");
        let imds = Service::new("\r\n\r\n", vec![answer]).await;
        let home = Home::new("").env("AWS_EC2_METADATA_SERVICE_ENDPOINT", &imds.url);
        let error = home.fail(&options()).await;
        assert!(
            matches!(error, IamError::NoCredentials { .. }),
            "{told}: {error:?}"
        );
        imds.finished().await;
    }
}

/// A stand-in for an AWS service on this machine: answers in turn, and keeps what it was asked.
struct Service {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Service {
    /// Reads each request up to where it has `end`.
    async fn new(end: &'static str, answers: Vec<(u16, String)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let keep = asked.clone();
        let task = tokio::spawn(async move {
            for (status, body) in answers {
                let (mut stream, _) = listener.accept().await.expect("a caller");
                let mut request = String::new();
                let mut buffer = [0; 4096];
                while !request.contains(end) {
                    let read = stream.read(&mut buffer).await.expect("a request");
                    assert_ne!(read, 0, "half a request: {request}");
                    request.push_str(&String::from_utf8_lossy(&buffer[..read]));
                }
                keep.lock().expect("whole").push(request);
                let answer = format!(
                    "HTTP/1.1 {status} x\r\nContent-Type: text/xml\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                );
                stream.write_all(answer.as_bytes()).await.expect("written");
            }
        });
        Self { url, asked, task }
    }

    async fn finished(self) -> Vec<String> {
        self.task.await.expect("every answer was fetched");
        self.asked.lock().expect("whole").clone()
    }
}

/// In the body of every request to STS.
const STS_REQUEST: &str = "Version=2011-06-15";

fn assumed(key: &str) -> (u16, String) {
    let body = format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><AssumedRoleUser><AssumedRoleId>A:b</AssumedRoleId><Arn>arn:aws:sts::123456789012:assumed-role/app/dsql-proxy</Arn></AssumedRoleUser><Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>S</SecretAccessKey><SessionToken>T</SessionToken><Expiration>2026-10-03T13:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
    );
    (200, body)
}

fn refusal(status: u16, code: &str, message: &str) -> (u16, String) {
    let body = format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>1</RequestId></ErrorResponse>"
    );
    (status, body)
}

const FIRST: &str = "arn:aws:iam::123456789012:role/first";
const SECOND: &str = "arn:aws:iam::210987654321:role/second";

fn roles(arns: &[&str]) -> CredentialOptions {
    CredentialOptions {
        role_arns: arns.iter().map(|&arn| arn.to_owned()).collect(),
        ..options()
    }
}

#[tokio::test]
async fn each_role_is_assumed_with_the_credentials_of_the_one_before() {
    let sts = Service::new(STS_REQUEST, vec![assumed("FIRSTKEY"), assumed("SECONDKEY")]).await;
    let home = keys().env("AWS_ENDPOINT_URL_STS", &sts.url);
    let credentials = home.load(&roles(&[FIRST, SECOND])).await.expect("roles");
    assert_eq!(credentials.access_key_id(), "SECONDKEY");
    assert!(credentials.expiry().is_some());
    let asked = sts.finished().await;
    let expected = [("BASEKEY", "role%2Ffirst"), ("FIRSTKEY", "role%2Fsecond")];
    assert_eq!(asked.len(), expected.len());
    for (request, (key, role)) in asked.iter().zip(expected) {
        let scope = format!("Credential={key}/20261003/us-east-1/sts/");
        assert!(request.contains(&scope), "{request}");
        assert!(request.contains(role), "{request}");
        assert!(request.contains("RoleSessionName=dsql-proxy"), "{request}");
    }
}

#[tokio::test]
async fn a_role_that_may_not_be_assumed_is_named() {
    let message = "User: arn:aws:sts::123456789012:assumed-role/first/dsql-proxy is not authorized to perform: sts:AssumeRole";
    let sts = Service::new(
        STS_REQUEST,
        vec![assumed("FIRSTKEY"), refusal(403, "AccessDenied", message)],
    )
    .await;
    let home = keys().env("AWS_ENDPOINT_URL_STS", &sts.url);
    let error = home.fail(&roles(&[FIRST, SECOND])).await;
    let expected = IamError::AccessDenied {
        role: Some(SECOND.to_owned()),
        cause: format!("AccessDenied: {message}"),
    };
    assert_eq!(error, expected);
    assert!(!error.is_transient());
    sts.finished().await;
}

#[tokio::test]
async fn other_refusals_of_sts_are_told_apart() {
    for (answer, expected) in [
        (refusal(400, "Throttling", "Rate exceeded"), "Throttled"),
        (
            refusal(403, "ExpiredToken", "The security token is expired"),
            "Expired",
        ),
        (
            refusal(400, "ExpiredTokenException", "The token is expired"),
            "Expired",
        ),
        (
            refusal(400, "ValidationError", "roleArn is invalid"),
            "BadConfig",
        ),
        (
            refusal(403, "InvalidClientTokenId", "The token is invalid"),
            "AccessDenied",
        ),
        (refusal(500, "InternalFailure", "oops"), "Endpoint"),
        ((502, "<html>bad gateway</html>".to_owned()), "Endpoint"),
    ] {
        let told = format!("{answer:?}");
        let sts = Service::new(STS_REQUEST, vec![answer]).await;
        let home = keys().env("AWS_ENDPOINT_URL_STS", &sts.url);
        let error = home.fail(&roles(&[FIRST])).await;
        assert!(
            format!("{error:?}").starts_with(expected),
            "{told}: {error:?}"
        );
        assert!(!format!("{error:?}").contains("BASESECRET"), "{error:?}");
        sts.finished().await;
    }
}

#[tokio::test]
async fn an_sts_that_cannot_be_reached_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    drop(listener);
    let error = keys()
        .env("AWS_ENDPOINT_URL_STS", &url)
        .fail(&roles(&[FIRST]))
        .await;
    assert!(matches!(error, IamError::Endpoint { .. }), "{error:?}");
    assert!(error.to_string().contains("refused"), "{error}");
}
