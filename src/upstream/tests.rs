//! The login as a table of messages, and what each failure tells the client.

use std::io;
use std::time::Duration;

use super::error::{ConnectError, Stage};
use super::login::{Login, LoginError, Next};
use super::retry::{Backoff, Verdict, verdict};
use crate::net::dial::DialError;
use crate::wire::{ErrorResponse, Severity, SqlState, backend};

fn refused(error: ErrorResponse) -> ConnectError {
    ConnectError::Refused {
        endpoint: "c".into(),
        role: "admin".into(),
        error: Box::new(error),
    }
}

fn dial(kind: io::ErrorKind) -> ConnectError {
    let source = DialError::Connect {
        address: "127.0.0.1:5432".parse().unwrap(),
        source: kind.into(),
    };
    ConnectError::Dial {
        endpoint: "c".into(),
        source,
    }
}

#[test]
fn a_login_with_a_token() {
    let mut login = Login::new();
    assert_eq!(
        login.on_message(backend::AUTHENTICATION, &[0, 0, 0, 3]),
        Ok(Next::SendPassword)
    );
    assert_eq!(
        login.on_message(backend::AUTHENTICATION, &[0, 0, 0, 0]),
        Ok(Next::Read)
    );
    assert_eq!(
        login.on_message(backend::PARAMETER_STATUS, b"TimeZone\0UTC\0"),
        Ok(Next::Read)
    );
    assert_eq!(
        login.on_message(backend::NOTICE_RESPONSE, b"\0"),
        Ok(Next::Read)
    );
    assert_eq!(
        login.on_message(backend::BACKEND_KEY_DATA, &[0, 0, 0, 7, 1, 2, 3, 4]),
        Ok(Next::Read)
    );
    assert_eq!(
        login.on_message(backend::READY_FOR_QUERY, b"I"),
        Ok(Next::Ready)
    );
    let welcome = login.into_welcome();
    assert_eq!(
        welcome.parameters,
        [(b"TimeZone".to_vec(), b"UTC".to_vec())]
    );
    assert_eq!(welcome.key, Some((7, vec![1, 2, 3, 4])));
}

#[test]
fn a_login_that_needs_no_token_and_gets_no_key() {
    let mut login = Login::new();
    assert_eq!(
        login.on_message(backend::AUTHENTICATION, &[0, 0, 0, 0]),
        Ok(Next::Read)
    );
    assert_eq!(
        login.on_message(backend::READY_FOR_QUERY, b"I"),
        Ok(Next::Ready)
    );
    assert_eq!(login.into_welcome().key, None);
}

#[test]
fn logins_that_fail() {
    let mut login = Login::new();
    let error = login.on_message(
        backend::ERROR_RESPONSE,
        b"SFATAL\0C28000\0Munable to accept connection, access denied\0Dwhy\0HSignature expired\0\0",
    );
    let Err(LoginError::Refused(error)) = error else {
        panic!("{error:?}")
    };
    // The client gets DSQL's words whole.
    let told = refused(error).to_response();
    assert_eq!(told.severity, Severity::Fatal);
    assert_eq!(told.sqlstate, SqlState::INVALID_AUTHORIZATION);
    assert_eq!(told.message, "unable to accept connection, access denied");
    assert_eq!(told.detail.as_deref(), Some("why"));
    assert_eq!(told.hint.as_deref(), Some("Signature expired"));

    assert_eq!(
        Login::new().on_message(backend::AUTHENTICATION, &[0, 0, 0, 5, 1, 2, 3, 4]),
        Err(LoginError::Method("MD5 password"))
    );
    let mut login = Login::new();
    login
        .on_message(backend::AUTHENTICATION, &[0, 0, 0, 3])
        .unwrap();
    assert_eq!(
        login.on_message(backend::AUTHENTICATION, &[0, 0, 0, 3]),
        Err(LoginError::AskedTwice)
    );
    assert_eq!(
        Login::new().on_message(backend::READY_FOR_QUERY, b"I"),
        Err(LoginError::Unexpected(b'Z'))
    );
    assert!(matches!(
        Login::new().on_message(backend::AUTHENTICATION, &[0]),
        Err(LoginError::Malformed(_))
    ));
    let mut login = Login::new();
    login
        .on_message(backend::AUTHENTICATION, &[0, 0, 0, 0])
        .unwrap();
    let flood =
        (0..1000).find_map(|_| login.on_message(backend::PARAMETER_STATUS, b"a\0b\0").err());
    assert_eq!(flood, Some(LoginError::TooManyParameters));
}

#[test]
fn what_is_tried_again() {
    let timeout = |last| ConnectError::Timeout {
        endpoint: "c".into(),
        after: Duration::from_secs(30),
        stage: Stage::Pause,
        last: Some(Box::new(last)),
    };
    let fatal = |sqlstate, message: &str| refused(ErrorResponse::fatal(sqlstate, message));
    for (error, expected) in [
        (
            fatal(
                SqlState::CANNOT_CONNECT_NOW,
                "unable to accept connection, waking up cluster, please retry later",
            ),
            Verdict::Busy,
        ),
        (
            fatal(
                SqlState::INTERNAL_ERROR,
                "Unable to accept connection, waking up cluster.",
            ),
            Verdict::Busy,
        ),
        (fatal(SqlState::TOO_MANY_CONNECTIONS, "x"), Verdict::Busy),
        (fatal(SqlState::RATE_EXCEEDED, "x"), Verdict::Busy),
        (dial(io::ErrorKind::ConnectionRefused), Verdict::Retry),
        (dial(io::ErrorKind::HostUnreachable), Verdict::GiveUp),
        (
            fatal(
                SqlState::INVALID_AUTHORIZATION,
                "unable to accept connection, access denied",
            ),
            Verdict::GiveUp,
        ),
        (fatal(SqlState::INVALID_CATALOG_NAME, "x"), Verdict::GiveUp),
        (fatal(SqlState::INTERNAL_ERROR, "unable"), Verdict::GiveUp),
        (
            fatal(SqlState::INTERNAL_ERROR, "é".repeat(40).as_str()),
            Verdict::GiveUp,
        ),
    ] {
        assert_eq!(verdict(&error), expected, "{error}");
        let busy = expected == Verdict::Busy;
        assert_eq!(error.is_busy(), busy, "{error}");
        assert_eq!(timeout(error).is_busy(), busy);
    }
}

#[test]
fn pauses_double_up_to_a_limit() {
    let mut backoff = Backoff::new();
    let pauses: Vec<_> = (0..7).map(|_| backoff.pause(0.0).as_millis()).collect();
    assert_eq!(pauses, [100, 200, 400, 800, 1600, 3000, 3000]);
    assert_eq!(Backoff::new().pause(1.0).as_millis(), 50);
}

#[test]
fn a_timeout_tells_the_real_reason() {
    let timeout = |last| ConnectError::Timeout {
        endpoint: "c.example".into(),
        after: Duration::from_secs(30),
        stage: Stage::Tls,
        last,
    };
    let told = timeout(Some(Box::new(dial(io::ErrorKind::ConnectionRefused)))).to_response();
    let detail = told.detail.unwrap();
    assert!(
        detail.starts_with("127.0.0.1:5432 did not accept a connection"),
        "{detail}"
    );
    assert!(
        detail.ends_with("Gave up after trying for 30s (--connect-timeout)."),
        "{detail}"
    );

    let told = timeout(None).to_response();
    assert_eq!(
        told.detail.as_deref(),
        Some("No answer within 30s (--connect-timeout) while in the TLS handshake.")
    );
}

#[test]
fn every_failure_says_what_to_do() {
    for error in [
        refused(ErrorResponse::fatal(
            SqlState::INVALID_AUTHORIZATION,
            "access denied",
        )),
        dial(io::ErrorKind::ConnectionRefused),
        dial(io::ErrorKind::HostUnreachable),
        ConnectError::Dial {
            endpoint: "c".into(),
            source: DialError::Resolve {
                host: "c".into(),
                source: io::Error::other("NXDOMAIN"),
            },
        },
        ConnectError::Protocol {
            endpoint: "c".into(),
            why: "x".into(),
        },
        ConnectError::Closed {
            endpoint: "c".into(),
            source: None,
        },
    ] {
        let told = error.to_response();
        assert_eq!(told.severity, Severity::Fatal);
        assert!(told.hint.is_some_and(|hint| hint.len() > 20), "{error}");
    }
}
