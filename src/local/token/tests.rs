use std::time::UNIX_EPOCH;

use super::*;

/// A vector of an official SDK.
struct Vector {
    endpoint: &'static str,
    credentials: fn() -> Credentials,
    date: &'static str,
    expires: u32,
    user: &'static str,
    signature: &'static str,
}

fn access_key() -> Credentials {
    Credentials::new("access_key", "secret_key")
}

fn akid() -> Credentials {
    Credentials::new("akid", "secret")
}

fn akid_session() -> Credentials {
    akid().with_session_token("token")
}

const VECTORS: [Vector; 4] = [
    // aws-sdk-java-v2
    Vector {
        endpoint: "test.dsql.us-east-1.on.aws",
        credentials: access_key,
        date: "20241107T173933Z",
        expires: 900,
        user: "someone",
        signature: "e319d85380261f643d78a558f76257f05aacea758a6ccd42a2510e2ae0854a47",
    },
    // aws-sdk-java-v2 and aws-cli
    Vector {
        endpoint: "test.dsql.us-east-1.on.aws",
        credentials: access_key,
        date: "20241107T173933Z",
        expires: 900,
        user: "admin",
        signature: "a08adc4c84a490014ce374b90c98ba9ed015b77b451c0d9f9fb3f8ca8c6f9c36",
    },
    // aws-c-auth
    Vector {
        endpoint: "peccy.dsql.us-east-1.on.aws",
        credentials: akid_session,
        date: "20240827T000000Z",
        expires: 450,
        user: "admin",
        signature: "dd5373133b347f82a6e8a710e5fbd367f5e1d84824dc148b96d5f45089cb47f0",
    },
    // aws-sdk-rust
    Vector {
        endpoint: "peccy.dsql.us-east-1.on.aws",
        credentials: akid,
        date: "20240827T000000Z",
        expires: 450,
        user: "someone",
        signature: "f5f2ad764ca5df44045d4ab6ccecba0eef941b0007e5765885a0b6ed3702a3f8",
    },
];

impl Vector {
    fn token(&self) -> String {
        let credentials = (self.credentials)();
        let day = self.date.get(..8).unwrap();
        let session = credentials.session_token().map_or(String::new(), |token| {
            format!("&X-Amz-Security-Token={token}")
        });
        format!(
            "{}/?Action={}&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={}%2F{day}%2Fus-east-1%2F\
             dsql%2Faws4_request&X-Amz-Date={}&X-Amz-Expires={}{session}&X-Amz-SignedHeaders=host\
             &X-Amz-Signature={}",
            self.endpoint,
            Action::for_user(self.user),
            credentials.access_key_id(),
            self.date,
            self.expires,
            self.signature,
        )
    }

    /// The time in seconds after signing.
    fn at(&self, after: i64) -> SystemTime {
        let signed = Timestamp::parse(self.date).unwrap();
        let day = |t: &str| Timestamp::parse(t).unwrap();
        assert!(signed > day("20240101T000000Z"));
        let base = if self.date.starts_with("20241107") {
            1_731_001_173
        } else {
            1_724_716_800
        };
        UNIX_EPOCH + Duration::from_secs(u64::try_from(base + after).unwrap())
    }

    fn check(&self, token: &str, user: &str, after: i64) -> Result<(), Denied> {
        let credentials = (self.credentials)();
        verify(
            token.as_bytes(),
            &Expected {
                endpoint: self.endpoint,
                region: "us-east-1",
                credentials: &credentials,
                user,
                now: self.at(after),
            },
        )
    }
}

/// The text of the HINT with which a changed token is refused.
fn hint(change: impl Fn(&str) -> String) -> String {
    let vector = &VECTORS[1];
    let token = vector.token();
    let changed = change(&token);
    assert_ne!(token, changed, "the change must change something");
    vector.check(&changed, "admin", 10).unwrap_err().to_string()
}

fn hint_of(from: &str, to: &str) -> String {
    hint(|token| token.replace(from, to))
}

const MISMATCH: &str = "The request signature we calculated does not match the signature you \
                        provided. Check your AWS Secret Access Key and signing method.";
const MALFORMED: &str = "The request signature does not conform to AWS standards: ";

#[test]
fn official_vectors_are_accepted() {
    for vector in &VECTORS {
        assert_eq!(
            vector.check(&vector.token(), vector.user, 10),
            Ok(()),
            "{}",
            vector.signature
        );
    }
}

#[test]
fn order_and_slash_do_not_matter() {
    let vector = &VECTORS[2];
    let token = vector.token();
    let (host, query) = token.split_once("/?").unwrap();
    let mut parameters: Vec<_> = query.split('&').collect();
    for _ in 0..parameters.len() {
        parameters.rotate_left(1);
        let moved = parameters.join("&");
        assert_eq!(
            vector.check(&format!("{host}/?{moved}"), "admin", 10),
            Ok(())
        );
        assert_eq!(
            vector.check(&format!("{host}?{moved}"), "admin", 10),
            Ok(())
        );
    }
    // Encoding is undone before it is done again.
    assert_eq!(
        vector.check(&token.replace("Action", "%41ction"), "admin", 10),
        Ok(())
    );
    assert_eq!(
        vector.check(&token.replace("%2F", "/"), "admin", 10),
        Ok(())
    );
}

#[test]
fn time() {
    let vector = &VECTORS[1];
    let token = vector.token();
    let text = |after| {
        vector
            .check(&token, "admin", after)
            .map_err(|e| e.to_string())
    };
    assert_eq!(text(0), Ok(()));
    assert_eq!(text(-300), Ok(()), "five minutes ahead");
    assert_eq!(
        text(-301),
        Err(
            "Signature not yet current: 20241107T173933Z is still later than 20241107T173932Z \
             (20241107T173432Z + 5 min.)"
                .to_owned()
        )
    );
    assert_eq!(text(900), Ok(()), "the last second");
    assert_eq!(
        text(901),
        Err("Signature expired: 20241107T175433Z is now earlier than 20241107T175434Z".to_owned())
    );
}

#[test]
fn users_and_actions() {
    let deny = |vector: &Vector, user| {
        vector
            .check(&vector.token(), user, 0)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        deny(&VECTORS[0], "admin"),
        "Wrong user to action mapping. user: admin, action: DbConnect"
    );
    assert_eq!(
        deny(&VECTORS[1], "alice"),
        "Wrong user to action mapping. user: alice, action: DbConnectAdmin"
    );
}

#[test]
fn a_changed_token_is_refused() {
    assert_eq!(
        hint_of("us-east-1%2F", "us-west-2%2F"),
        "Credential should be scoped to a valid region, not 'us-west-2'."
    );
    assert_eq!(
        hint_of("%2Fdsql", "%2Frds"),
        "Credential should be scoped to correct service: 'dsql'."
    );
    assert_eq!(
        hint_of("aws4_request", "aws5_request"),
        "Credential should be scoped with a valid terminator: 'aws4_request'."
    );
    assert_eq!(
        hint_of("access_key%2F", "other_key%2F"),
        "The security token included in the request is invalid."
    );
    assert_eq!(
        hint_of("%2F20241107%2F", "%2F20241106%2F"),
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
         '20241106' != '20241107'."
    );
    assert_eq!(hint_of("a08adc4c", "A08ADC4C"), MISMATCH);
    assert_eq!(hint_of("a08adc4c", "b08adc4c"), MISMATCH);
    assert_eq!(hint_of("a08adc4c", ""), MISMATCH);
    assert_eq!(hint_of("Expires=900", "Expires=901"), MISMATCH);
    assert_eq!(hint_of("173933Z", "173934Z"), MISMATCH);
    assert_eq!(hint_of("DbConnectAdmin", "DbConnect"), MISMATCH);
    assert_eq!(hint(|t| format!("{t}&More=1")), MISMATCH);
    assert_eq!(hint_of("test.dsql", "other.dsql"), MISMATCH);
    assert_eq!(hint_of("on.aws/", "on.aws:5432/"), MISMATCH);
    assert_eq!(hint(|t| format!("https://{t}")), MISMATCH);
}

#[test]
fn another_secret_or_endpoint_is_a_mismatch() {
    let vector = &VECTORS[1];
    let token = vector.token();
    let other_secret = Credentials::new("access_key", "another");
    let good = (vector.credentials)();
    let expected = Expected {
        endpoint: vector.endpoint,
        region: "us-east-1",
        credentials: &good,
        user: "admin",
        now: vector.at(0),
    };
    assert_eq!(verify(token.as_bytes(), &expected), Ok(()));
    let with_secret = Expected {
        credentials: &other_secret,
        ..expected
    };
    assert_eq!(
        verify(token.as_bytes(), &with_secret),
        Err(Denied::Mismatch)
    );
    let with_endpoint = Expected {
        endpoint: "other.dsql.us-east-1.on.aws",
        ..expected
    };
    assert_eq!(
        verify(token.as_bytes(), &with_endpoint),
        Err(Denied::Mismatch)
    );
}

#[test]
fn session_tokens() {
    let vector = &VECTORS[2];
    let token = vector.token();
    let changed = token.replace("Security-Token=token", "Security-Token=stolen");
    assert_eq!(vector.check(&changed, "admin", 0), Err(Denied::UnknownKey));
    let without = token.replace("&X-Amz-Security-Token=token", "");
    assert_eq!(vector.check(&without, "admin", 0), Err(Denied::UnknownKey));
    let unasked = format!("{}&X-Amz-Security-Token=token", VECTORS[1].token());
    assert_eq!(
        VECTORS[1].check(&unasked, "admin", 0),
        Err(Denied::UnknownKey)
    );
}

#[test]
fn every_required_parameter_occurs_exactly_once() {
    for name in [
        "Action",
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-Expires",
        "X-Amz-SignedHeaders",
        "X-Amz-Signature",
    ] {
        let renamed = hint_of(&format!("{name}="), "Other=");
        assert_eq!(renamed, format!("{MALFORMED}{name} is missing"));
        let doubled = hint(|token| {
            let (_, query) = token.split_once('?').unwrap();
            let pair = query
                .split('&')
                .find(|p| p.starts_with(&format!("{name}=")))
                .unwrap();
            format!("{token}&{pair}")
        });
        assert_eq!(doubled, format!("{MALFORMED}{name} occurs twice"));
    }
}

#[test]
fn malformed_values() {
    let date = format!("{MALFORMED}X-Amz-Date is not in the form YYYYMMDDTHHMMSSZ");
    for bad in [
        "20241107",
        "2024-11-07T17:39Z",
        "20241307T173933Z",
        "20240230T173933Z",
        "+0241107T173933Z",
    ] {
        assert_eq!(
            hint_of("Date=20241107T173933Z", &format!("Date={bad}")),
            date,
            "{bad}"
        );
    }
    let expires = format!("{MALFORMED}X-Amz-Expires is not between 1 and 604800");
    for bad in ["0", "604801", "-1", "9.5", "", "99999999999999999999999"] {
        assert_eq!(
            hint_of("Expires=900", &format!("Expires={bad}")),
            expires,
            "{bad}"
        );
    }
    let credential = format!(
        "{MALFORMED}X-Amz-Credential is not in the form key/date/region/service/aws4_request"
    );
    assert_eq!(hint_of("%2Faws4_request", ""), credential);
    assert_eq!(hint_of("aws4_request", "aws4_request%2Fmore"), credential);
    assert_eq!(hint_of("=access_key%2F", "=%2F"), credential);
    assert_eq!(
        hint_of("HMAC-SHA256", "HMAC-SHA1"),
        format!("{MALFORMED}X-Amz-Algorithm is not AWS4-HMAC-SHA256")
    );
    assert_eq!(
        hint_of("Headers=host", "Headers=host%3Bx"),
        format!("{MALFORMED}X-Amz-SignedHeaders is not host")
    );
    let encoding = format!("{MALFORMED}a parameter is not percent-encoded");
    for bad in ["%", "%2", "%zz", "%ff"] {
        assert_eq!(hint(|t| format!("{t}&x={bad}")), encoding, "{bad}");
    }
}

#[test]
fn no_token_at_all() {
    let vector = &VECTORS[1];
    for bad in [
        "",
        "secret",
        "test.dsql.us-east-1.on.aws",
        &"x?".repeat(5000),
    ] {
        let hint = vector.check(bad, "admin", 0).unwrap_err().to_string();
        assert!(
            hint.starts_with("Request is missing Authentication Token: "),
            "{hint}"
        );
    }
}

#[test]
fn a_refusal_looks_like_that_of_dsql() {
    let denied = Denied::Mismatch.to_response();
    assert_eq!(denied.sqlstate, SqlState::INVALID_AUTHORIZATION);
    assert_eq!(denied.message, "unable to accept connection, access denied");
    assert_eq!(denied.hint.as_deref(), Some(MISMATCH));
}

#[test]
fn timestamps_follow_the_calendar() {
    for text in [
        "19700101T000000Z",
        "20000229T235959Z",
        "20241231T120000Z",
        "21000228T000000Z",
        "99991231T235959Z",
    ] {
        assert_eq!(Timestamp::parse(text).unwrap().to_string(), text);
    }
    for text in [
        "21000229T000000Z",
        "20240431T000000Z",
        "20240001T000000Z",
        "19691231T235959Z",
        "20240101T240000Z",
        "20240101t000000z",
    ] {
        assert_eq!(Timestamp::parse(text), None, "{text}");
    }
    assert_eq!(
        Timestamp::from(UNIX_EPOCH + Duration::from_secs(1_731_001_173)).to_string(),
        "20241107T173933Z"
    );
}
