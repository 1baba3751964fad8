//! Input that no client sends, and clients that send none.

use std::time::Duration;

use bytes::{Buf, BytesMut};
use dsql_proxy::wire::frame::HEADER;
use dsql_proxy::wire::startup::{ProtocolVersion, Startup};
use dsql_proxy::wire::{ErrorFields, ErrorResponse, FrameScanner, SqlState, Step, backend};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::support::{LocalProxy, PATIENCE};

/// Reads to the end. The first error in it, if there is one; fails if the end never comes.
async fn to_the_end(tcp: &mut TcpStream) -> Option<ErrorResponse> {
    let mut input = BytesMut::new();
    timeout(PATIENCE, async {
        // A reset is an end, too.
        while tcp.read_buf(&mut input).await.is_ok_and(|n| n > 0) {}
    })
    .await
    .expect("the proxy closes the connection");
    let mut scanner = FrameScanner::new();
    while let Ok(Step::Head { tag, body, seen }) = scanner.step(&input, |_| usize::MAX) {
        assert_eq!(body, seen);
        let frame = input.split_to(HEADER + body);
        if tag == backend::ERROR_RESPONSE {
            return Some(ErrorFields::read(&frame[HEADER..]).unwrap().to_response());
        }
    }
    None
}

async fn log_in(port: u16) -> TcpStream {
    let mut tcp = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let mut packet = BytesMut::new();
    let parameters = [("user", "admin"), ("database", "postgres")];
    let parameters = parameters
        .map(|(n, v)| (n.as_bytes().to_vec(), v.as_bytes().to_vec()))
        .to_vec();
    Startup {
        version: ProtocolVersion::V3_0,
        parameters,
    }
    .encode(&mut packet);
    tcp.write_all(&packet).await.unwrap();
    let mut input = BytesMut::new();
    let mut scanner = FrameScanner::new();
    timeout(PATIENCE, async {
        loop {
            match scanner.step(&input, |_| usize::MAX).unwrap() {
                Step::Head { tag, body, .. } => {
                    input.advance(HEADER + body);
                    if tag == backend::READY_FOR_QUERY {
                        return;
                    }
                }
                _ => assert!(tcp.read_buf(&mut input).await.unwrap() > 0, "login failed"),
            }
        }
    })
    .await
    .expect("login is answered");
    tcp
}

/// A simple generator: the bytes are the same in every run.
fn rubbish(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()[0]
    };
    (0..length).map(next).collect()
}

#[tokio::test]
async fn bad_input_is_answered_or_closed_and_harms_nobody() {
    let proxy = LocalProxy::start(&["--login-timeout=2s"]);
    let bystander = proxy.connect().await.unwrap();
    let port = proxy.port();

    // Before login.
    for (input, error) in [
        (
            &b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..],
            Some(SqlState::PROTOCOL_VIOLATION),
        ),
        (
            &[0x7f, 0xff, 0xff, 0xff, 0, 3, 0, 0],
            Some(SqlState::PROTOCOL_VIOLATION),
        ),
        (&[0, 0, 0, 0], Some(SqlState::PROTOCOL_VIOLATION)),
        (
            &[0, 0, 0, 9, 0, 2, 0, 0, 0],
            Some(SqlState::FEATURE_NOT_SUPPORTED),
        ),
        // Truncated: the deadline ends it.
        (
            &[0, 0, 0, 20, 0, 3, 0, 0, b'u'],
            Some(SqlState::PROTOCOL_VIOLATION),
        ),
        (&[], Some(SqlState::PROTOCOL_VIOLATION)),
        // A cancel request for nobody gets no answer, as the protocol says.
        (
            &[0, 0, 0, 16, 4, 0xd2, 0x16, 0x2e, 0, 0, 0, 1, 0, 0, 0, 1],
            None,
        ),
    ] {
        let mut tcp = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        tcp.write_all(input).await.unwrap();
        let told = to_the_end(&mut tcp).await;
        assert_eq!(told.map(|e| e.sqlstate), error, "{}", input.escape_ascii());
    }
    for seed in 0..200 {
        let mut tcp = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        tcp.write_all(&rubbish(seed, 64)).await.ok();
        tcp.shutdown().await.ok();
        to_the_end(&mut tcp).await;
    }

    // After login.
    for (input, message) in [
        (
            &b"Q\x7f\xff\xff\xff"[..],
            "invalid message length 2147483647 in a message of type Q",
        ),
        (
            b"Q\0\0\0\x03",
            "invalid message length 3 in a message of type Q",
        ),
        (b"?\0\0\0\x04", "invalid frontend message type 63"),
    ] {
        let mut tcp = log_in(port).await;
        tcp.write_all(input).await.unwrap();
        let told = to_the_end(&mut tcp).await.expect("an answer");
        assert_eq!(
            (told.sqlstate, told.message.as_str()),
            (SqlState::PROTOCOL_VIOLATION, message)
        );
    }
    for seed in 0..50 {
        let mut tcp = log_in(port).await;
        tcp.write_all(&rubbish(seed, 300)).await.ok();
        tcp.shutdown().await.ok();
        to_the_end(&mut tcp).await;
    }

    // One byte a second is too slow for a login.
    let mut tcp = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    for byte in [0, 0, 0, 100] {
        tcp.write_all(&[byte]).await.ok();
        sleep(Duration::from_secs(1)).await;
    }
    let told = to_the_end(&mut tcp).await.expect("an answer");
    assert!(told.message.contains("--login-timeout"), "{told}");

    let row = bystander.query_one("select 40 + 2", &[]).await.unwrap();
    assert_eq!(row.get::<_, i32>(0), 42);
}

#[tokio::test]
async fn thousands_who_never_finish_their_login() {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let raised = rustix::process::Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, raised).unwrap();
    // As many as there may be, in our process and in the proxy's.
    let crowded = limit.maximum.map_or(5_000, |files| (files / 2).min(5_000));

    let proxy = LocalProxy::start(&["--login-timeout=5s"]);
    let bystander = proxy.connect().await.unwrap();
    let before = proxy.resident_kib();
    let mut crowd = Vec::new();
    for _ in 0..crowded {
        let mut tcp = TcpStream::connect(("127.0.0.1", proxy.port()))
            .await
            .unwrap();
        tcp.write_all(&[0, 0]).await.ok();
        crowd.push(tcp);
    }
    for _ in 0..20 {
        let row = bystander.query_one("select 40 + 2", &[]).await.unwrap();
        assert_eq!(row.get::<_, i32>(0), 42);
    }
    // Whoever comes now gets in all the same.
    let newcomer = proxy.connect().await.unwrap();
    let row = newcomer.query_one("select 1", &[]).await.unwrap();
    assert_eq!(row.get::<_, i32>(0), 1);
    let grown = proxy.resident_kib().saturating_sub(before);
    assert!(grown < 64 * 1024, "{grown} KiB for a crowd of {crowded}");
    for tcp in &mut crowd {
        to_the_end(tcp).await;
    }
}
