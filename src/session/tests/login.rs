//! The first packets of a client.

use bytes::BytesMut;

use crate::compat::{Policy, Unsupported};
use crate::session::{ClientLogin, Greeting};
use crate::wire::frame::HEADER;
use crate::wire::startup::{ProtocolVersion, Startup};
use crate::wire::{Severity, encode, frontend};

fn greet(parameters: &[(&str, &str)], version: ProtocolVersion) -> (Greeting, BytesMut) {
    let parameters = parameters
        .iter()
        .map(|(n, v)| (n.as_bytes().to_vec(), v.as_bytes().to_vec()))
        .collect();
    let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
    Startup {
        version,
        parameters,
    }
    .encode(&mut input);
    let policy = Policy {
        unsupported: Unsupported::Reject,
        ..Policy::default()
    };
    let greeting = ClientLogin::expect().on_input(&mut input, &mut output, &policy, "admin");
    (greeting, output)
}

#[test]
fn who_says_goodbye_at_once_is_told_nothing() {
    let (mut input, mut output) = (BytesMut::from(&b"X\0\0\0\x04\0\0"[..]), BytesMut::new());
    let policy = Policy {
        unsupported: Unsupported::Reject,
        ..Policy::default()
    };
    let greeting = ClientLogin::expect().on_input(&mut input, &mut output, &policy, "admin");
    assert!(matches!(greeting, Greeting::Reject(_)), "{greeting:?}");
    assert!(output.is_empty());
}

#[test]
fn what_the_session_keeps_does_not_go_to_the_server() {
    let policy = Policy {
        unsupported: Unsupported::Emulate,
        ..Policy::default()
    };
    let login = |parameters: &[(&str, &str)]| {
        let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
        Startup {
            version: ProtocolVersion::V3_0,
            parameters: parameters
                .iter()
                .map(|(n, v)| (n.as_bytes().to_vec(), v.as_bytes().to_vec()))
                .collect(),
        }
        .encode(&mut input);
        let greeting = ClientLogin::expect().on_input(&mut input, &mut output, &policy, "admin");
        let Greeting::Login(login) = greeting else {
            panic!("{greeting:?}")
        };
        let sent: Vec<_> = login
            .parameters
            .iter()
            .map(|(n, v)| [n, v].map(|bytes| String::from_utf8(bytes.clone()).unwrap()))
            .collect();
        (sent, login.kept, login.has_search_path)
    };
    let owned = |n: &str, v: &str| (n.to_owned(), v.to_owned());
    let (sent, kept, path) = login(&[
        ("user", "app"),
        ("lock_timeout", "1"),
        (
            "options",
            "-c jit=off -c search_path=a --statement-timeout=5s",
        ),
        ("application_name", "x"),
    ]);
    assert_eq!(
        sent,
        [["options", "-c search_path=a"], ["application_name", "x"]]
    );
    assert_eq!(
        kept,
        [
            owned("jit", "off"),
            owned("statement_timeout", "5s"),
            owned("lock_timeout", "1")
        ]
    );
    assert!(path);
    let (sent, kept, path) = login(&[("options", "-cjit=off")]);
    assert!(sent.is_empty() && !path);
    assert_eq!(kept, [owned("jit", "off")]);
}

#[test]
fn logins() {
    let (greeting, output) = greet(
        &[("user", "app"), ("database", "postgres")],
        ProtocolVersion::V3_0,
    );
    let Greeting::Login(login) = greeting else {
        panic!("{greeting:?}")
    };
    assert_eq!(
        (login.role.as_str(), login.database.as_deref()),
        ("app", Some("postgres"))
    );
    assert!(output.is_empty());

    for parameters in [&[][..], &[("user", ""), ("database", "")]] {
        let (greeting, _) = greet(parameters, ProtocolVersion::V3_0);
        let Greeting::Login(login) = greeting else {
            panic!("{greeting:?}")
        };
        assert_eq!((login.role.as_str(), login.database), ("admin", None));
    }

    let (greeting, output) = greet(
        &[("user", "a"), ("_pq_.test", "1")],
        ProtocolVersion {
            major: 3,
            minor: 9999,
        },
    );
    let Greeting::Login(login) = greeting else {
        panic!("{greeting:?}")
    };
    assert_eq!(login.version, ProtocolVersion::V3_2);
    assert_eq!(
        output.as_ref(),
        b"v\0\0\0\x16\0\x03\0\x02\0\0\0\x01_pq_.test\0"
    );

    let (greeting, _) = greet(
        &[("user", "a"), ("options", "-c search_path=x")],
        ProtocolVersion::V3_0,
    );
    let Greeting::Login(login) = greeting else {
        panic!("{greeting:?}")
    };
    assert!(login.has_search_path);
}

#[test]
fn refused_logins_say_why() {
    for (parameters, version, sqlstate, message) in [
        (
            &[("user", "a"), ("statement_timeout", "1")][..],
            ProtocolVersion::V3_0,
            "0A000",
            "setting configuration parameter \"statement_timeout\" not supported",
        ),
        (
            &[("user", "a"), ("options", "-c statement_timeout=1")],
            ProtocolVersion::V3_0,
            "0A000",
            "setting configuration parameter \"statement_timeout\" not supported",
        ),
        (
            &[],
            ProtocolVersion { major: 2, minor: 0 },
            "0A000",
            "unsupported frontend protocol 2.0: server supports 3.0 to 3.2",
        ),
    ] {
        let (greeting, output) = greet(parameters, version);
        let Greeting::Refuse(response, _) = greeting else {
            panic!("{message}: {greeting:?}");
        };
        assert_eq!(output.as_ref(), b"", "{message}");
        assert_eq!(response.severity, Severity::Fatal, "{message}");
        assert!(response.hint.is_some(), "{message}");
        assert_eq!(
            (response.sqlstate.as_str(), response.message.as_str()),
            (sqlstate, message)
        );
    }
}

#[test]
fn clients_that_speak_something_else() {
    let policy = Policy {
        unsupported: Unsupported::Reject,
        ..Policy::default()
    };
    let greet = |bytes: &[u8]| {
        let (mut input, mut output) = (BytesMut::from(bytes), BytesMut::new());
        let greeting = ClientLogin::expect().on_input(&mut input, &mut output, &policy, "admin");
        (greeting, output)
    };
    let (greeting, output) = greet(b"\x16\x03\x01");
    assert!(matches!(greeting, Greeting::Reject(_)));
    assert_eq!(output[0], 0x15, "a TLS alert");
    let (greeting, output) = greet(b"GET / HTTP/1.1\r\n\r\n");
    let Greeting::Refuse(error, _) = greeting else {
        panic!("{greeting:?}");
    };
    assert_eq!(error.severity, Severity::Fatal);
    assert_eq!(output.as_ref(), b"");
    let ssl_request = [0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f];
    let (greeting, output) = greet(&ssl_request);
    assert!(matches!(greeting, Greeting::ReadMore));
    assert_eq!(output.as_ref(), b"N");
    assert!(
        matches!(greet(&ssl_request.repeat(9)).0, Greeting::Reject(_)),
        "again and again"
    );
}

#[test]
fn a_password_message_is_no_surprise_to_encode() {
    let mut out = BytesMut::new();
    encode::password("token", &mut out);
    assert_eq!(frontend::password(&out[HEADER..]), Ok(&b"token"[..]));
}
