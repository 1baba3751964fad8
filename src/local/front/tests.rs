use std::io::ErrorKind;

use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use super::*;
use crate::local::Credentials;
use crate::net::tls_server::ServerNames;

/// A front without a PostgreSQL.
fn front() -> Front {
    let identity = Identity {
        id: "abcdefghijklmnopqrstuvwxyz".to_owned(),
        region: "us-east-1".to_owned(),
        credentials: Credentials::new("key", "secret"),
    };
    let key = rcgen::KeyPair::generate().unwrap();
    let names = vec![identity.endpoint()];
    let params = rcgen::CertificateParams::new(names).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
    let tls = TlsServer::new(vec![certificate.into()], key, ServerNames::Any).unwrap();
    Front::new(
        tls,
        identity,
        PathBuf::from("/nonexistent"),
        &Limits::default(),
        Faults::default(),
    )
}

/// How many seconds a client that sends `bytes` and no more is kept.
async fn kept(bytes: &[u8]) -> u64 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    client.write_all(bytes).await.unwrap();
    let began = Instant::now();
    front().serve(stream).await;
    let mut rest = vec![];
    match client.read_to_end(&mut rest).await {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
    began.elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_log_in_is_dropped() {
    let silent: [&[u8]; 4] = [
        b"",
        b"\0\0\0\x08",
        b"\0\0\0\x08\x04\xd2\x16\x2f",
        b"\x16\x03\x01",
    ];
    for bytes in silent {
        assert_eq!(kept(bytes).await, LOGIN_DEADLINE.as_secs(), "{bytes:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn nonsense_is_dropped_at_once() {
    let nonsense: [&[u8]; 3] = [b"\x7f\xff\xff\xff", b"\0\0\0\0", b"GET / HTTP/1.1\r\n\r\n"];
    for bytes in nonsense {
        assert_eq!(kept(bytes).await, 0, "{bytes:?}");
    }
}
