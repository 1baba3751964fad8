//! A client that speaks the protocol by hand, so that nothing between it and the front is
//! forgiving.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::BytesMut;
use dsql_proxy::local::{Cluster, Credentials};
use dsql_proxy::wire::startup::{ProtocolVersion, Startup, ssl_request};
use dsql_proxy::wire::{ErrorFields, FrameScanner, Step, encode, frame};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// What a client has to know of a cluster.
#[derive(Clone)]
pub(crate) struct Access {
    pub(crate) endpoint: String,
    pub(crate) address: SocketAddr,
    pub(crate) region: String,
    pub(crate) credentials: Credentials,
    pub(crate) ca_file: PathBuf,
}

impl Access {
    pub(crate) fn to(cluster: &Cluster) -> Self {
        Self {
            endpoint: cluster.endpoint().to_owned(),
            address: cluster.address(),
            region: cluster.region().to_owned(),
            credentials: cluster.credentials().clone(),
            ca_file: cluster.ca_file(),
        }
    }

    /// A token of AWS's own signer.
    pub(crate) async fn token(&self, user: &str) -> String {
        use aws_config::{BehaviorVersion, Region};
        use aws_sdk_dsql::auth_token::{AuthTokenGenerator, Config};

        let credentials = aws_credential_types::Credentials::new(
            self.credentials.access_key_id(),
            self.credentials.secret_access_key(),
            self.credentials.session_token().map(str::to_owned),
            None,
            "test",
        );
        let config = Config::builder()
            .hostname(&self.endpoint)
            .region(Region::new(self.region.clone()))
            .expires_in(900)
            .credentials(credentials)
            .build()
            .unwrap();
        let generator = AuthTokenGenerator::new(config);
        // For its clock; what the environment says of credentials and region does not count.
        let sdk = aws_config::defaults(BehaviorVersion::latest()).no_credentials();
        let sdk = Box::pin(sdk.load()).await;
        let token = if user == "admin" {
            Box::pin(generator.db_connect_admin_auth_token(&sdk)).await
        } else {
            Box::pin(generator.db_connect_auth_token(&sdk)).await
        };
        token.unwrap().to_string()
    }

    /// A client that is logged in.
    pub(crate) async fn login(&self, user: &str) -> Client {
        self.login_with(user, &[]).await.0
    }

    /// The same with startup parameters; also what the server said.
    pub(crate) async fn login_with(
        &self,
        user: &str,
        parameters: &[(&str, &str)],
    ) -> (Client, Vec<Message>) {
        let (client, messages) = self
            .try_login(user, &self.token(user).await, parameters)
            .await;
        assert_eq!(
            shape(&messages).last(),
            Some(&'Z'),
            "{:?}",
            error(&messages)
        );
        (client, messages)
    }

    /// What the server says to this password, the request for it included.
    pub(crate) async fn try_login(
        &self,
        user: &str,
        password: &str,
        parameters: &[(&str, &str)],
    ) -> (Client, Vec<Message>) {
        let mut client = Client::connect(self, &Tls::direct(&self.endpoint))
            .await
            .unwrap();
        let mut all = vec![("user", user), ("database", "postgres")];
        all.extend(parameters);
        client.startup(ProtocolVersion::V3_0, &all).await;
        let messages = client.password(password).await;
        (client, messages)
    }
}

/// How to begin TLS.
pub(crate) struct Tls {
    pub(crate) direct: bool,
    /// The name that is sent; verified against the endpoint only if it is one.
    pub(crate) sni: Option<String>,
    pub(crate) alpn: Vec<Vec<u8>>,
}

impl Tls {
    pub(crate) fn direct(endpoint: &str) -> Self {
        Self {
            direct: true,
            sni: Some(endpoint.to_owned()),
            alpn: vec![b"postgresql".to_vec()],
        }
    }

    pub(crate) fn requested(endpoint: &str) -> Self {
        Self {
            direct: false,
            alpn: vec![],
            ..Self::direct(endpoint)
        }
    }
}

/// A backend message.
pub(crate) type Message = (char, Vec<u8>);

pub(crate) struct Client {
    stream: TlsStream<TcpStream>,
    buffer: BytesMut,
}

impl Client {
    pub(crate) async fn connect(access: &Access, tls: &Tls) -> io::Result<Self> {
        let mut tcp = TcpStream::connect(access.address).await?;
        if !tls.direct {
            let mut out = BytesMut::new();
            ssl_request(&mut out);
            tcp.write_all(&out).await?;
            assert_eq!(tcp.read_u8().await?, b'S');
        }
        let mut roots = rustls::RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_file(&access.ca_file).unwrap())
            .unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.enable_sni = tls.sni.is_some();
        config.alpn_protocols.clone_from(&tls.alpn);
        let name = tls.sni.clone().unwrap_or_else(|| access.endpoint.clone());
        let name = ServerName::try_from(name).unwrap();
        let stream = TlsConnector::from(Arc::new(config))
            .connect(name, tcp)
            .await?;
        Ok(Self {
            stream,
            buffer: BytesMut::new(),
        })
    }

    /// The stream, when nothing is on the way.
    pub(crate) fn into_stream(self) -> TlsStream<TcpStream> {
        assert!(self.buffer.is_empty());
        self.stream
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    pub(crate) async fn startup(&mut self, version: ProtocolVersion, parameters: &[(&str, &str)]) {
        let parameters = parameters
            .iter()
            .map(|(n, v)| ((*n).into(), (*v).into()))
            .collect();
        let mut out = BytesMut::new();
        Startup {
            version,
            parameters,
        }
        .encode(&mut out);
        self.send(&out).await;
    }

    /// Sends the password and reads up to ReadyForQuery or the end.
    pub(crate) async fn password(&mut self, password: &str) -> Vec<Message> {
        let mut out = BytesMut::new();
        encode::password(password, &mut out);
        self.send(&out).await;
        self.until_ready().await
    }

    /// Sends while nobody reads, as far as the buffers go; then reads up to ReadyForQuery or the
    /// end. An error while sending shows as an end.
    pub(crate) async fn exchange(&mut self, bytes: &[u8]) -> Vec<Message> {
        let Self { stream, buffer, .. } = self;
        let (mut reader, mut writer) = tokio::io::split(stream);
        let send = async {
            if writer.write_all(bytes).await.is_ok() {
                drop(writer.flush().await);
            }
        };
        let mut messages = vec![];
        let read = async {
            while let Some(message) = next(&mut reader, buffer).await {
                let last = message.0 == 'Z';
                messages.push(message);
                if last {
                    break;
                }
            }
        };
        tokio::join!(read, send);
        messages
    }

    /// The messages up to ReadyForQuery, or up to the end of the connection.
    pub(crate) async fn until_ready(&mut self) -> Vec<Message> {
        let mut messages = vec![];
        while let Some(message) = self.next().await {
            let last = message.0 == 'Z';
            messages.push(message);
            if last {
                break;
            }
        }
        messages
    }

    pub(crate) async fn next(&mut self) -> Option<Message> {
        next(&mut self.stream, &mut self.buffer).await
    }

    /// A simple Query.
    pub(crate) async fn query(&mut self, sql: &str) -> Vec<Message> {
        let mut out = BytesMut::new();
        encode::query(sql.as_bytes(), &mut out);
        self.send(&out).await;
        self.until_ready().await
    }

    /// Parse, Bind, Describe, Execute, Sync.
    pub(crate) async fn extended(&mut self, sql: &str) -> Vec<Message> {
        let mut out = BytesMut::new();
        extended(sql, &mut out);
        encode::sync(&mut out);
        self.send(&out).await;
        self.until_ready().await
    }

    /// Runs statements that succeed, one by one.
    pub(crate) async fn run(&mut self, statements: &[&str]) {
        for sql in statements {
            let messages = self.query(sql).await;
            assert_eq!(error(&messages), None, "{sql}");
        }
    }

    /// Opens a role to a holder of credentials.
    pub(crate) async fn grant_iam(&mut self, role: &str, arn: &str) {
        let sql = format!("AWS IAM GRANT {role} TO '{arn}'");
        self.run(&[&sql]).await;
    }

    /// The error of a statement in both protocols, which must agree: SQLSTATE, message, and the
    /// transaction status after it.
    pub(crate) async fn failed(&mut self, sql: &str) -> (String, String, char) {
        let simple = outcome(&self.query(sql).await);
        let extended = outcome(&self.extended(sql).await);
        assert_eq!(simple, extended, "{sql}");
        simple
    }

    /// The same of an error that we raise ourselves: nothing tells where.
    pub(crate) async fn refused(&mut self, sql: &str) -> (String, String, char) {
        let messages = self.query(sql).await;
        if field(&messages, 'C').is_some_and(|code| code != "25P02") {
            for hidden in ['s', 'W', 'F', 'L', 'R'] {
                assert_eq!(field(&messages, hidden), None, "{sql}");
            }
        }
        self.failed(sql).await
    }

    /// The only value of a query in both protocols.
    pub(crate) async fn value(&mut self, sql: &str) -> String {
        let simple = only_value(&self.query(sql).await);
        let extended = only_value(&self.extended(sql).await);
        assert_eq!(simple, extended, "{sql}");
        simple
    }
}

async fn next(stream: &mut (impl AsyncRead + Unpin), buffer: &mut BytesMut) -> Option<Message> {
    loop {
        match FrameScanner::new().step(buffer, |_| usize::MAX).unwrap() {
            Step::Head { tag, body, .. } => {
                let message = buffer.split_to(frame::HEADER + body);
                return Some((char::from(tag), message[frame::HEADER..].to_vec()));
            }
            _ => {
                if stream.read_buf(buffer).await.unwrap_or(0) == 0 {
                    return None;
                }
            }
        }
    }
}

/// Parse, Bind, Describe, Execute, without parameters.
pub(crate) fn extended(sql: &str, out: &mut BytesMut) {
    encode::frame(b'P', out, |b| {
        b.extend_from_slice(b"\0");
        encode::cstr(sql.as_bytes(), b);
        b.extend_from_slice(&[0, 0]);
    });
    encode::frame(b'B', out, |b| b.extend_from_slice(&[0; 8]));
    encode::frame(b'D', out, |b| b.extend_from_slice(b"P\0"));
    encode::frame(b'E', out, |b| b.extend_from_slice(&[0; 5]));
}

/// The type bytes.
pub(crate) fn shape(messages: &[Message]) -> Vec<char> {
    messages.iter().map(|(tag, _)| *tag).collect()
}

/// The fields of the first ErrorResponse.
pub(crate) fn error(messages: &[Message]) -> Option<Vec<(char, String)>> {
    let (_, body) = messages.iter().find(|(tag, _)| *tag == 'E')?;
    let fields = ErrorFields::read(body).unwrap();
    Some(
        fields
            .iter()
            .map(|(c, v)| (char::from(c), String::from_utf8(v.to_vec()).unwrap()))
            .collect(),
    )
}

pub(crate) fn field(messages: &[Message], code: char) -> Option<String> {
    let fields = error(messages)?;
    fields
        .into_iter()
        .find(|(c, _)| *c == code)
        .map(|(_, value)| value)
}

fn outcome(messages: &[Message]) -> (String, String, char) {
    let text = |code| field(messages, code).unwrap_or_else(|| panic!("no error: {messages:?}"));
    let (tag, status) = messages.last().unwrap();
    assert_eq!(*tag, 'Z');
    (text('C'), text('M'), char::from(status[0]))
}

pub(crate) fn only_value(messages: &[Message]) -> String {
    assert_eq!(error(messages), None);
    let rows: Vec<_> = messages.iter().filter(|(tag, _)| *tag == 'D').collect();
    let [(_, row)] = rows.as_slice() else {
        panic!("not one row: {messages:?}")
    };
    String::from_utf8(row[6..].to_vec()).unwrap()
}
