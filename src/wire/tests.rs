//! Tables of packets and what they mean, with `pgwire` as an independent second opinion.

use bytes::{BufMut, BytesMut};
use pgwire::messages::{DecodeContext, Message, PgWireBackendMessage, PgWireFrontendMessage};

use super::backend::{Authentication, BackendKeyData, ParameterStatus, TransactionStatus};
use super::frontend::{Bind, Execute, Parse, Target};
use super::startup::{self, CancelRequest, FirstPacket, ProtocolVersion, Startup, StartupError};
use super::*;

fn context() -> DecodeContext {
    let mut context = DecodeContext::new(pgwire::messages::ProtocolVersion::PROTOCOL3_2);
    context.awaiting_frontend_ssl = false;
    context.awaiting_frontend_startup = false;
    context
}

fn backend(bytes: &BytesMut) -> PgWireBackendMessage {
    PgWireBackendMessage::decode(&mut bytes.clone(), &context())
        .unwrap()
        .unwrap()
}

fn body(frame: &BytesMut) -> &[u8] {
    &frame[frame::HEADER..]
}

#[test]
fn our_error_is_read_by_pgwire_and_by_us() {
    let error = ErrorResponse::fatal(SqlState::INVALID_AUTHORIZATION, "no\0 entry")
        .detail("why")
        .hint("do this");
    let mut out = BytesMut::new();
    error.encode(&mut out);
    let PgWireBackendMessage::ErrorResponse(theirs) = backend(&out) else {
        panic!("{out:?}")
    };
    assert_eq!(
        theirs.fields,
        [
            (b'S', "FATAL"),
            (b'V', "FATAL"),
            (b'C', "28000"),
            (b'M', "no\u{fffd} entry"),
            (b'D', "why"),
            (b'H', "do this"),
        ]
        .map(|(code, text)| (code, text.to_owned()))
    );
    let ours = ErrorFields::read(body(&out)).unwrap();
    assert!(ours.is_fatal());
    assert_eq!(ours.sqlstate(), Some(SqlState::INVALID_AUTHORIZATION));
    assert_eq!(ours.to_response().hint.as_deref(), Some("do this"));
}

#[test]
fn a_notice_is_not_an_error() {
    let mut out = BytesMut::new();
    ErrorResponse::error(SqlState::FEATURE_NOT_SUPPORTED, "x")
        .severity(Severity::Notice)
        .encode(&mut out);
    assert!(matches!(
        backend(&out),
        PgWireBackendMessage::NoticeResponse(_)
    ));
}

#[test]
fn an_error_without_sqlstate_is_legal() {
    let fields = ErrorFields::read(b"SERROR\0Mbroken\0\0").unwrap();
    assert_eq!(fields.sqlstate(), None);
    assert_eq!(fields.message(), b"broken");
    assert_eq!(fields.to_response().sqlstate, SqlState::INTERNAL_ERROR);
    for bad in [
        &b""[..],
        b"S",
        b"SERROR\0",
        b"SERROR\0\0trailing",
        b"Sunterminated",
    ] {
        assert!(ErrorFields::read(bad).is_err(), "{}", bad.escape_ascii());
    }
}

#[test]
fn backend_views_agree_with_pgwire() {
    let mut out = BytesMut::new();
    encode::parameter_status("TimeZone", "UTC", &mut out);
    let PgWireBackendMessage::ParameterStatus(theirs) = backend(&out) else {
        panic!()
    };
    let ours = ParameterStatus::read(body(&out)).unwrap();
    assert_eq!(
        (ours.name, ours.value),
        (theirs.name.as_bytes(), theirs.value.as_bytes())
    );

    for (length, ok) in [(0, false), (3, false), (4, true), (256, true), (257, false)] {
        assert_eq!(
            BackendKeyData::read(&vec![1; 4 + length]).is_ok(),
            ok,
            "{length} bytes"
        );
    }
    let mut out = BytesMut::new();
    encode::backend_key_data(7, &[1; 32], &mut out);
    assert_eq!(
        BackendKeyData::read(body(&out)),
        Ok(BackendKeyData {
            pid: 7,
            secret: &[1; 32]
        })
    );
    for (status, byte) in [
        (TransactionStatus::Idle, b'I'),
        (TransactionStatus::InTransaction, b'T'),
        (TransactionStatus::Failed, b'E'),
    ] {
        let mut out = BytesMut::new();
        encode::ready_for_query(status, &mut out);
        assert_eq!(out.as_ref(), [b'Z', 0, 0, 0, 5, byte]);
        assert_eq!(TransactionStatus::read(&[byte]), Ok(status));
    }
    assert!(TransactionStatus::read(b"").is_err());
    assert!(TransactionStatus::read(b"X").is_err());
    assert!(TransactionStatus::read(b"II").is_err());

    let mut out = BytesMut::new();
    encode::command_complete("SELECT 1", &mut out);
    assert_eq!(backend::command_tag(body(&out)), Ok(&b"SELECT 1"[..]));

    let mut out = BytesMut::new();
    encode::authentication_cleartext_password(&mut out);
    assert_eq!(
        Authentication::read(body(&out)),
        Ok(Authentication::CleartextPassword)
    );
}

#[test]
fn negotiation_tells_the_whole_version_number() {
    let mut out = BytesMut::new();
    encode::negotiate_protocol_version(
        ProtocolVersion::V3_2.number(),
        &["_pq_.x".to_owned()],
        &mut out,
    );
    assert_eq!(out.as_ref(), b"v\0\0\0\x13\0\x03\0\x02\0\0\0\x01_pq_.x\0");
}

#[test]
fn frontend_views_agree_with_pgwire() {
    use pgwire::messages::extendedquery as theirs;
    let mut out = BytesMut::new();
    theirs::Parse::new(Some("s1".into()), "select $1".into(), vec![23, 25])
        .encode(&mut out)
        .unwrap();
    let parse = Parse::read(body(&out)).unwrap();
    assert_eq!((parse.name, parse.sql), (&b"s1"[..], &b"select $1"[..]));
    assert_eq!(parse.types, [0, 0, 0, 23, 0, 0, 0, 25]);

    let mut out = BytesMut::new();
    theirs::Bind::new(
        Some("p".into()),
        Some("s".into()),
        vec![1],
        vec![Some("x".into()), None],
        vec![0, 1],
    )
    .encode(&mut out)
    .unwrap();
    let bind = Bind::read(body(&out)).unwrap();
    assert_eq!((bind.portal, bind.statement), (&b"p"[..], &b"s"[..]));

    let mut out = BytesMut::new();
    theirs::Execute::new(Some("p".into()), 7)
        .encode(&mut out)
        .unwrap();
    assert_eq!(
        Execute::read(body(&out)),
        Ok(Execute {
            portal: b"p",
            max_rows: 7
        })
    );

    let mut out = BytesMut::new();
    theirs::Describe::new(b'S', Some("s".into()))
        .encode(&mut out)
        .unwrap();
    assert_eq!(Target::read(body(&out)), Ok(Target::Statement(b"s")));
    assert_eq!(Target::read(b"Pp\0"), Ok(Target::Portal(b"p")));
    assert!(Target::read(b"Xp\0").is_err());

    let mut out = BytesMut::new();
    encode::query(b"select 1", &mut out);
    let PgWireFrontendMessage::Query(query) =
        PgWireFrontendMessage::decode(&mut out.clone(), &context())
            .unwrap()
            .unwrap()
    else {
        panic!()
    };
    assert_eq!(query.query, "select 1");
    assert_eq!(frontend::query(body(&out)), Ok(&b"select 1"[..]));
}

/// These bodies make pgwire's decoders panic or read past their frame.
#[test]
fn short_bodies_are_errors() {
    assert!(Parse::read(b"").is_err());
    assert!(Parse::read(b"\0select\0").is_err());
    assert!(Parse::read(b"\0select\0\xff\xff").is_err());
    assert!(Bind::read(b"").is_err());
    assert!(Bind::read(b"\0\0\0\0\0\x01\x7f\xff\xff\xffx").is_err());
    assert!(Bind::read(b"\0\0\0\0\0\x01\x80\0\0\0\0\0").is_err());
    assert!(Execute::read(b"").is_err());
    assert!(Target::read(b"").is_err());
    assert!(frontend::query(b"no terminator").is_err());
    assert!(frontend::query(b"a\0b\0").is_err());
}

#[test]
fn all_parameters_that_a_bind_can_have() {
    let mut body = BytesMut::new();
    body.put_slice(b"\0\0\0\0\xff\xff");
    for _ in 0..65_535 {
        body.put_i32(-1);
    }
    body.put_i16(0);
    assert!(Bind::read(&body).is_ok());
}

#[test]
fn startup_packets() {
    let startup = Startup {
        version: ProtocolVersion::V3_0,
        parameters: vec![
            (b"user".to_vec(), b"first".to_vec()),
            (b"user".to_vec(), b"admin".to_vec()),
            (b"application_name".to_vec(), b"caf\xe9".to_vec()),
        ],
    };
    let mut packet = BytesMut::new();
    startup.encode(&mut packet);
    let length = packet.len();
    packet.put_slice(b"more");
    assert_eq!(startup.get("user"), Some(&b"admin"[..]));
    assert_eq!(
        FirstPacket::read(&packet),
        Ok(Some((FirstPacket::Startup(startup), length)))
    );
    for cut in 0..length {
        assert_eq!(FirstPacket::read(&packet[..cut]), Ok(None), "cut at {cut}");
    }

    let mut ssl = BytesMut::new();
    startup::ssl_request(&mut ssl);
    assert_eq!(ssl.as_ref(), [0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f]);
    assert_eq!(
        FirstPacket::read(&ssl),
        Ok(Some((FirstPacket::SslRequest, 8)))
    );
    assert_eq!(
        FirstPacket::read(&[0, 0, 0, 8, 4, 0xd2, 0x16, 0x30]),
        Ok(Some((FirstPacket::GssEncRequest, 8)))
    );

    for secret in [4usize, 32, 256] {
        let cancel = CancelRequest {
            pid: 42,
            secret: vec![9; secret],
        };
        let mut packet = BytesMut::new();
        cancel.encode(&mut packet);
        let shown = format!("{cancel:?}");
        assert!(!shown.contains('9'), "{shown}");
        assert_eq!(
            FirstPacket::read(&packet),
            Ok(Some((FirstPacket::Cancel(cancel), 12 + secret)))
        );
    }
}

#[test]
fn impossible_startup_packets() {
    for (packet, error) in [
        (&b"GET / HTTP/1.1\r\n"[..], StartupError::Length),
        (&[0, 0, 0, 7, 0, 3, 0, 0], StartupError::Length),
        (&[0, 0, 0x27, 0x11], StartupError::Length),
        (
            &[0, 0, 0, 9, 0, 3, 0, 0, b'u'],
            Malformed::new("startup", "a string has no terminator").into(),
        ),
        (
            &[0, 0, 0, 10, 0, 3, 0, 0, 0, 0],
            Malformed::new("startup", "bytes are left over at its end").into(),
        ),
        (
            &[0, 0, 0, 13, 4, 0xd2, 0x16, 0x2e, 0, 0, 0, 1, 2],
            Malformed::new("startup", "the cancel key does not have 4 to 256 bytes").into(),
        ),
    ] {
        assert_eq!(
            FirstPacket::read(packet),
            Err(error),
            "{}",
            packet.escape_ascii()
        );
    }
    // Protocol 2.0 must be told apart from rubbish, so that the client can be told.
    let Ok(Some((FirstPacket::Startup(old), _))) = FirstPacket::read(&[0, 0, 0, 9, 0, 2, 0, 0, 1])
    else {
        panic!()
    };
    assert_eq!(old.version, ProtocolVersion { major: 2, minor: 0 });
}

#[test]
fn frame_lengths() {
    let mut scanner = FrameScanner::new();
    let mut step = |bytes: &[u8]| scanner.step(bytes, |_| 0);
    assert_eq!(step(b"Z\0\0\0"), Ok(Step::NeedMore));
    assert_eq!(
        step(b"Z\0\0\0\x03"),
        Err(FrameError {
            tag: b'Z',
            length: 3
        })
    );
    assert_eq!(
        step(b"Q\x7f\xff\xff\xff"),
        Err(FrameError {
            tag: b'Q',
            length: 0x7fff_ffff
        })
    );
    assert_eq!(
        step(b"Q\xff\xff\xff\xff"),
        Err(FrameError {
            tag: b'Q',
            length: u32::MAX
        })
    );
    assert_eq!(
        step(b"S\0\0\0\x04"),
        Ok(Step::Head {
            tag: b'S',
            body: 0,
            seen: 0
        })
    );
    assert_eq!(
        step(b"d\0\0\0\x07ab"),
        Ok(Step::Head {
            tag: b'd',
            body: 3,
            seen: 2
        })
    );
    assert_eq!(step(b""), Ok(Step::NeedMore));
    assert_eq!(step(b"cX"), Ok(Step::Rest(1)));
}

#[test]
fn sqlstates() {
    assert_eq!(
        SqlState::parse(b"0A000"),
        Some(SqlState::FEATURE_NOT_SUPPORTED)
    );
    for bad in [&b""[..], b"0A00", b"0A0000", b"0a000", b"0A\xff00"] {
        assert_eq!(SqlState::parse(bad), None);
    }
    assert_eq!(SqlState::OUTCOME_UNKNOWN.to_string(), "08007");
}
