use super::*;

fn cause() -> String {
    "because".to_owned()
}

fn every_kind() -> Vec<IamError> {
    let profile = Some("dev".to_owned());
    let role = Some("arn:aws:iam::123456789012:role/app".to_owned());
    vec![
        IamError::NoCredentials {
            tried: vec!["Environment: not set".to_owned()],
        },
        IamError::SsoExpired {
            profile: profile.clone(),
            cause: cause(),
        },
        IamError::ProfileNotFound {
            profile: profile.clone(),
            cause: cause(),
        },
        IamError::AccessDenied {
            role,
            cause: cause(),
        },
        IamError::AccessDenied {
            role: None,
            cause: cause(),
        },
        IamError::Expired {
            at: Some(SystemTime::UNIX_EPOCH),
            cause: cause(),
        },
        IamError::Throttled { cause: cause() },
        IamError::Timeout { cause: cause() },
        IamError::Endpoint { cause: cause() },
        IamError::BadConfig { cause: cause() },
        IamError::Provider {
            profile,
            cause: cause(),
        },
        IamError::Signing { cause: cause() },
        IamError::Region(RegionError::Unknown {
            cluster: "x".to_owned(),
        }),
    ]
}

#[test]
fn every_kind_has_a_message_and_a_way_out() {
    for error in every_kind() {
        assert!(!error.message().is_empty(), "{error:?}");
        assert!(error.hint().len() > 20, "{error:?}");
        let told = error.detail().is_some() || matches!(error, IamError::Region(_));
        assert!(told, "{error:?} has no cause");
    }
}

#[test]
fn ways_out_name_the_exact_command_or_permission() {
    let sso = |profile: Option<&str>| IamError::SsoExpired {
        profile: profile.map(str::to_owned),
        cause: cause(),
    };
    assert_eq!(sso(Some("dev")).hint(), "Run: aws sso login --profile dev");
    assert_eq!(sso(None).hint(), "Run: aws sso login");
    let role = "arn:aws:iam::123456789012:role/app";
    let denied = IamError::AccessDenied {
        role: Some(role.to_owned()),
        cause: cause(),
    };
    assert!(denied.message().ends_with(role), "{denied}");
    let permission = format!("sts:AssumeRole on {role}");
    assert!(denied.hint().contains(&permission), "{}", denied.hint());
    assert!(denied.hint().contains("trust policy"), "{}", denied.hint());
}

#[test]
fn the_end_of_a_life_is_told_whatever_the_clock_says() {
    let expired = |at| IamError::Expired { at, cause: cause() }.detail();
    let epoch = SystemTime::UNIX_EPOCH;
    let told = expired(Some(epoch + Duration::from_secs(1_700_000_000)));
    assert_eq!(
        told.as_deref(),
        Some("because; their life ended at 2023-11-14T22:13:20Z")
    );
    for odd in [
        epoch - Duration::from_secs(1),
        epoch + Duration::from_secs(1 << 40),
    ] {
        let told = expired(Some(odd));
        assert_eq!(
            told.as_deref(),
            Some("because; their life ended at a time out of range")
        );
    }
    assert_eq!(expired(None).as_deref(), Some("because"));
}

#[test]
fn only_what_passes_by_itself_is_transient() {
    let transient: Vec<String> = every_kind()
        .iter()
        .filter(|error| error.is_transient())
        .map(|error| format!("{error:?}"))
        .collect();
    let names: Vec<_> = transient
        .iter()
        .filter_map(|t| t.split(' ').next())
        .collect();
    assert_eq!(names, ["Throttled", "Timeout", "Endpoint"]);
}
