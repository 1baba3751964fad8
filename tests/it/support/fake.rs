//! A server that passes for a cluster as far as a test wants: TLS with a certificate of an
//! authority of its own, and a script for what it says.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::BytesMut;
use dsql_proxy::wire::backend::TransactionStatus;
use dsql_proxy::wire::frame::HEADER;
use dsql_proxy::wire::startup::{FirstPacket, Startup};
use dsql_proxy::wire::{ErrorResponse, FrameScanner, Step, encode};
use rustls::ServerConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::ProxyAlone;

/// The cluster that it passes for.
pub(crate) const ENDPOINT: &str = "abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws";

/// What a connection does, and the number of connections before it.
type Script = Box<dyn Fn(FakeConnection, usize) -> Conversation + Send + Sync>;
type Conversation = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The server, on a thread of its own, so that a test may wait for a process meanwhile.
pub(crate) struct FakeCluster {
    pub(crate) address: SocketAddr,
    /// The directory of `ca.pem`.
    pub(crate) dir: tempfile::TempDir,
    connects: Arc<AtomicUsize>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// A connection to it, TLS done.
pub(crate) struct FakeConnection {
    stream: TlsStream<TcpStream>,
    input: BytesMut,
}

impl FakeCluster {
    /// Serves the script with a certificate for the endpoint.
    pub(crate) fn start<F>(
        script: impl Fn(FakeConnection, usize) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::named(ENDPOINT, script)
    }

    /// The same with a certificate for another name.
    pub(crate) fn named<F>(
        name: &str,
        script: impl Fn(FakeConnection, usize) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let dir = tempfile::tempdir().unwrap();
        let pair = Certificate::issue(name);
        std::fs::write(dir.path().join("ca.pem"), &pair.authority_pem).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(pair.server_config()));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let connects = Arc::new(AtomicUsize::new(0));
        let script: Script = Box::new(move |connection, n| Box::pin(script(connection, n)));
        let (stop, stopped) = oneshot::channel();
        let count = Arc::clone(&connects);
        let serve = async move {
            let listener = TcpListener::from_std(listener).unwrap();
            let script = Arc::new(script);
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                let n = count.fetch_add(1, Ordering::SeqCst);
                let (acceptor, script) = (acceptor.clone(), Arc::clone(&script));
                tokio::spawn(async move {
                    // A client that does not trust us goes away here.
                    if let Ok(stream) = acceptor.accept(tcp).await {
                        let input = BytesMut::new();
                        script(FakeConnection { stream, input }, n).await;
                    }
                });
            }
        };
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                tokio::select! {
                    () = serve => {}
                    _ = stopped => {}
                }
            });
        });
        Self {
            address,
            dir,
            connects,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// How many connections it got.
    pub(crate) fn connects(&self) -> usize {
        self.connects.load(Ordering::SeqCst)
    }

    /// The variables with which a proxy trusts it and signs for it.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("SSL_CERT_FILE", self.ca_file()),
            ("AWS_ACCESS_KEY_ID", "AKIAFAKE".into()),
            ("AWS_SECRET_ACCESS_KEY", "secret".into()),
        ]
    }

    pub(crate) fn ca_file(&self) -> String {
        self.dir.path().join("ca.pem").display().to_string()
    }

    /// A proxy in front of it.
    pub(crate) fn proxy(&self, arguments: &[&str]) -> ProxyAlone {
        let upstream = format!("--upstream-address={}", self.address);
        let arguments = [&[ENDPOINT, upstream.as_str()], arguments].concat();
        ProxyAlone::start(&arguments, self.variables())
    }
}

impl Drop for FakeCluster {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

impl FakeConnection {
    /// Reads the startup packet.
    pub(crate) async fn startup(&mut self) -> Startup {
        loop {
            if let Some((packet, length)) = FirstPacket::read(&self.input).unwrap() {
                let _read = self.input.split_to(length);
                match packet {
                    FirstPacket::Startup(startup) => return startup,
                    other => panic!("not a startup packet: {other:?}"),
                }
            }
            assert!(self.stream.read_buf(&mut self.input).await.unwrap() > 0);
        }
    }

    /// Asks for the password.
    pub(crate) async fn ask_password(&mut self) -> String {
        let mut out = BytesMut::new();
        encode::authentication_cleartext_password(&mut out);
        self.send(&out).await;
        let (tag, body) = self.next().await.unwrap();
        assert_eq!(tag, b'p');
        String::from_utf8(body[..body.len() - 1].to_vec()).unwrap()
    }

    /// Lets the client in, with or without a key for requests to cancel.
    pub(crate) async fn welcome(&mut self, with_key: bool) {
        let mut out = BytesMut::new();
        encode::authentication_ok(&mut out);
        encode::parameter_status("server_version", "16.15", &mut out);
        encode::parameter_status("client_encoding", "UTF8", &mut out);
        if with_key {
            encode::backend_key_data(7, &[1, 2, 3, 4], &mut out);
        }
        encode::ready_for_query(TransactionStatus::Idle, &mut out);
        self.send(&out).await;
    }

    /// Startup, password and welcome.
    pub(crate) async fn log_in(&mut self) {
        self.startup().await;
        self.ask_password().await;
        self.welcome(true).await;
    }

    /// Says what is wrong.
    pub(crate) async fn refuse(&mut self, error: &ErrorResponse) {
        let mut out = BytesMut::new();
        error.encode(&mut out);
        self.send(&out).await;
        self.stream.shutdown().await.ok();
    }

    /// Answers a statement without rows.
    pub(crate) async fn done(&mut self, tag: &str, status: TransactionStatus) {
        let mut out = BytesMut::new();
        encode::command_complete(tag, &mut out);
        encode::ready_for_query(status, &mut out);
        self.send(&out).await;
    }

    /// Answers a statement that fails.
    pub(crate) async fn fail(&mut self, error: &ErrorResponse, status: TransactionStatus) {
        let mut out = BytesMut::new();
        error.encode(&mut out);
        encode::ready_for_query(status, &mut out);
        self.send(&out).await;
    }

    /// The client may be gone.
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        if self.stream.write_all(bytes).await.is_ok() {
            self.stream.flush().await.ok();
        }
    }

    /// The next message, or `None` when the client is gone.
    pub(crate) async fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            let step = FrameScanner::new().step(&self.input, |_| usize::MAX);
            if let Step::Head { tag, body, .. } = step.unwrap() {
                let message = self.input.split_to(HEADER + body);
                return Some((tag, message[HEADER..].to_vec()));
            }
            if self.stream.read_buf(&mut self.input).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    /// Reads until the client is gone.
    pub(crate) async fn drain(&mut self) {
        while self.next().await.is_some() {}
    }
}

/// A certificate for one name, and the authority that signed it.
pub(crate) struct Certificate {
    pub(crate) authority_pem: String,
    pub(crate) leaf: rcgen::Certificate,
    pub(crate) key: rcgen::KeyPair,
}

impl Certificate {
    pub(crate) fn issue(name: &str) -> Self {
        let authority_key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec![]).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let authority = params.self_signed(&authority_key).unwrap();
        let issuer = rcgen::Issuer::new(params, authority_key);
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        let leaf = params.signed_by(&key, &issuer).unwrap();
        Self {
            authority_pem: authority.pem(),
            leaf,
            key,
        }
    }

    fn server_config(&self) -> ServerConfig {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key = rustls::pki_types::PrivateKeyDer::try_from(self.key.serialize_der()).unwrap();
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.leaf.der().clone()], key)
            .unwrap();
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        config
    }
}
