use rustls::pki_types::{PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::AsyncReadExt as _;
use tokio_rustls::TlsConnector;

use super::*;

const NAME: &str = "cluster.dsql.us-east-1.on.aws";

struct Client {
    sni: bool,
    name: &'static str,
    alpn: Option<&'static [u8]>,
}

/// Both ends of a handshake: what the server says, and what the client.
async fn handshake(
    client: Client,
    negotiation: Negotiation,
) -> (Result<(), TlsRefused>, Result<(), io::Error>) {
    let key = rcgen::KeyPair::generate().unwrap();
    let names = vec![NAME.to_owned(), "other.example".to_owned()];
    let certificate = rcgen::CertificateParams::new(names)
        .unwrap()
        .self_signed(&key)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.der().clone()).unwrap();
    let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
    let server = TlsServer::new(
        vec![certificate.into()],
        key,
        ServerNames::Only(NAME.to_owned()),
    )
    .unwrap();

    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.enable_sni = client.sni;
    config.alpn_protocols = client.alpn.map(<[u8]>::to_vec).into_iter().collect();

    let (ours, theirs) = tokio::io::duplex(16 * 1024);
    let connect = async {
        let name = ServerName::try_from(client.name).unwrap();
        let mut stream = TlsConnector::from(Arc::new(config))
            .connect(name, ours)
            .await?;
        stream.read_to_end(&mut Vec::new()).await.map(drop)
    };
    let accept = async {
        let mut stream = server.accept(theirs, negotiation).await?;
        stream.shutdown().await.map_err(TlsRefused::from)
    };
    tokio::join!(accept, connect)
}

#[tokio::test]
async fn the_right_name_is_accepted() {
    for (negotiation, alpn) in [
        (Negotiation::SslRequest, None),
        (Negotiation::SslRequest, Some(ALPN)),
        (Negotiation::Direct, Some(ALPN)),
    ] {
        let client = Client {
            sni: true,
            name: NAME,
            alpn,
        };
        let (server, client) = handshake(client, negotiation).await;
        server.unwrap();
        client.unwrap();
    }
}

#[tokio::test]
async fn direct_tls_needs_alpn() {
    for alpn in [None, Some(&b"http/1.1"[..])] {
        let client = Client {
            sni: true,
            name: NAME,
            alpn,
        };
        let (server, client) = handshake(client, Negotiation::Direct).await;
        assert!(matches!(server, Err(TlsRefused::NoAlpn)), "{server:?}");
        let text = client.unwrap_err().to_string();
        assert!(text.contains("NoApplicationProtocol"), "{text}");
    }
}

#[tokio::test]
async fn a_name_is_required() {
    let client = Client {
        sni: false,
        name: NAME,
        alpn: Some(ALPN),
    };
    let (server, client) = handshake(client, Negotiation::Direct).await;
    assert!(
        matches!(server, Err(TlsRefused::NoServerName)),
        "{server:?}"
    );
    client.unwrap_err();
}

#[tokio::test]
async fn another_name_is_refused() {
    let client = Client {
        sni: true,
        name: "other.example",
        alpn: None,
    };
    let (server, client) = handshake(client, Negotiation::SslRequest).await;
    assert!(
        matches!(&server, Err(TlsRefused::OtherServerName(name)) if name == "other.example"),
        "{server:?}"
    );
    let text = client.unwrap_err().to_string();
    assert!(text.contains("UnrecognisedName"), "{text}");
}
