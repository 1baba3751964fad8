use super::*;
use std::time::Duration;

fn service(code: &str, message: &str) -> CredentialsError {
    let metadata = ErrorMetadata::builder().code(code).message(message);
    CredentialsError::provider_error(metadata.build())
}

#[test]
fn service_codes_decide() {
    let role = Some("arn:aws:iam::123456789012:role/app");
    let attempt = Attempt {
        profile: Some("dev"),
        role,
    };
    let kind = |code| classify(&service(code, "said so"), attempt);
    let cause = |code: &str| format!("{code}: said so");
    assert_eq!(
        kind("AccessDenied"),
        IamError::AccessDenied {
            role: role.map(str::to_owned),
            cause: cause("AccessDenied"),
        }
    );
    assert_eq!(
        kind("UnauthorizedException"),
        IamError::SsoExpired {
            profile: Some("dev".to_owned()),
            cause: cause("UnauthorizedException"),
        }
    );
    assert_eq!(
        kind("ExpiredToken"),
        IamError::Expired {
            at: None,
            cause: cause("ExpiredToken")
        }
    );
    assert_eq!(
        kind("Throttling"),
        IamError::Throttled {
            cause: cause("Throttling")
        }
    );
    assert_eq!(
        kind("InternalFailure"),
        IamError::Endpoint {
            cause: cause("InternalFailure")
        }
    );
    assert_eq!(
        kind("ValidationError"),
        IamError::BadConfig {
            cause: cause("ValidationError")
        }
    );
    assert!(matches!(kind("Novelty"), IamError::Provider { .. }));
}

#[test]
fn codes_are_found_in_modelled_exceptions_and_below_other_errors() {
    let modelled = CredentialsError::provider_error("ExpiredTokenException: it is over");
    let nested = CredentialsError::provider_error(modelled);
    let error = classify(&nested, Attempt::default());
    let cause = "ExpiredTokenException: it is over".to_owned();
    assert_eq!(error, IamError::Expired { at: None, cause });
}

#[test]
fn kinds_of_the_sdk_decide_where_there_is_no_code() {
    let kind = |error: &CredentialsError| classify(error, Attempt::default());
    let timed_out = CredentialsError::provider_timed_out(Duration::from_secs(5));
    assert!(matches!(kind(&timed_out), IamError::Timeout { .. }));
    let connector = ConnectorError::timeout("slow".into());
    let connector = CredentialsError::provider_error(connector);
    assert!(matches!(kind(&connector), IamError::Timeout { .. }));
    let connector = ConnectorError::io("connection refused".into());
    let connector = CredentialsError::provider_error(connector);
    let error = kind(&connector);
    assert!(
        matches!(&error, IamError::Endpoint { cause } if cause.contains("refused")),
        "{error:?}"
    );
    let config = CredentialsError::invalid_configuration("line 3");
    assert_eq!(
        kind(&config),
        IamError::BadConfig {
            cause: "line 3".to_owned()
        }
    );
    let other = CredentialsError::unhandled("odd");
    assert_eq!(
        kind(&other),
        IamError::Provider {
            profile: None,
            cause: "odd".to_owned()
        }
    );
    let token = TokenError::provider_error("the SSO token has expired");
    let token = CredentialsError::provider_error(token);
    assert!(matches!(kind(&token), IamError::SsoExpired { .. }));
}

#[test]
fn texts_from_elsewhere_become_one_line_without_secrets() {
    let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    let text = format!("+ export AWS_SECRET_ACCESS_KEY={secret}\n\tfailed\u{7}  with 3");
    let line = presentable(&text);
    assert_eq!(
        line,
        "+ export [redacted] failed with 3"
            .replace("export [redacted]", "export AWS_SECRET_ACCESS_[redacted]",)
    );
    let quoted = presentable(&format!("{{\"SessionToken\":\"{secret}{secret}\"}}"));
    assert_eq!(quoted, "{\"SessionToken\":\"[redacted]\"}");
    for kept in [
        "arn:aws:iam::123456789012:role/team-a/app-deployer",
        "/home/me/.aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json",
        "ASIAQWERTYUIOPASDFGH",
    ] {
        assert_eq!(presentable(kept), kept);
    }
    let long = presentable(&"é ".repeat(2000));
    assert_eq!(long.chars().count(), 601);
    assert!(long.ends_with('…'));
}
