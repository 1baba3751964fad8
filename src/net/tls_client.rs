//! TLS to the cluster. Certificate and name are always verified.

use std::io;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::wire::startup;

/// The ALPN protocol of PostgreSQL (manual, "SSL Session Encryption": required with direct TLS).
pub const ALPN: &[u8] = b"postgresql";

/// How a TLS session begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Negotiation {
    /// At once, as PostgreSQL 17 and DSQL allow.
    Direct,
    /// After an SSLRequest.
    Postgres,
}

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The server answered the SSLRequest with `N`.
    #[error("the server does not offer TLS")]
    NotOffered,
    /// The server answered the SSLRequest with something else.
    #[error(
        "the server does not speak the PostgreSQL protocol: it answered an SSLRequest with byte 0x{0:02x}"
    )]
    NotPostgres(u8),
    /// The endpoint's name is no name that a certificate could have.
    #[error("{0:?} is not a host name")]
    BadName(String),
    /// The socket or the handshake failed. [`certificate_problem`] knows more.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Makes TLS sessions. One per process, so that sessions are resumed.
#[derive(Clone)]
pub struct Connector {
    inner: TlsConnector,
}

impl Connector {
    /// A connector that trusts `roots`. TLS 1.2 and 1.3, with session resumption.
    pub fn new(roots: RootCertStore) -> Result<Self, rustls::Error> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Self {
            inner: TlsConnector::from(Arc::new(config)),
        })
    }

    /// Starts TLS on `tcp`; `name` goes out as SNI and must be in the certificate. Dropping the
    /// future closes the socket.
    pub async fn connect(
        &self,
        mut tcp: TcpStream,
        name: &str,
        negotiation: Negotiation,
    ) -> Result<TlsStream<TcpStream>, TlsError> {
        let server_name = ServerName::try_from(name.to_owned())
            .map_err(|_| TlsError::BadName(name.to_owned()))?;
        if negotiation == Negotiation::Postgres {
            request(&mut tcp).await?;
        }
        Ok(self.inner.connect(server_name, tcp).await?)
    }
}

/// Sends an SSLRequest and reads the answer: one byte, not more, since what follows could come
/// from somebody in the middle (CVE-2021-23222).
async fn request(tcp: &mut TcpStream) -> Result<(), TlsError> {
    let mut packet = bytes::BytesMut::new();
    startup::ssl_request(&mut packet);
    tcp.write_all(&packet).await?;
    match tcp.read_u8().await? {
        b'S' => Ok(()),
        b'N' => Err(TlsError::NotOffered),
        other => Err(TlsError::NotPostgres(other)),
    }
}

/// What the certificate is rejected for, if that is why the handshake failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateProblem {
    /// The chain leads to no authority that is trusted.
    UnknownAuthority,
    /// It is for other names.
    WrongName {
        /// The names it is for, as far as known.
        presented: Vec<String>,
    },
    /// Its time is over, or has not come.
    Expired,
    /// Anything else, in rustls' words.
    Other(String),
}

/// Looks into a failed handshake.
pub fn certificate_problem(error: &io::Error) -> Option<CertificateProblem> {
    use rustls::{CertificateError as C, Error as E};
    let inner = error.get_ref()?.downcast_ref::<E>()?;
    let E::InvalidCertificate(certificate) = inner else {
        return None;
    };
    Some(match certificate {
        // A bad signature: an authority of the same name is trusted, but it is another one, such
        // as that of a local cluster that has been made anew.
        C::UnknownIssuer | C::BadSignature => CertificateProblem::UnknownAuthority,
        C::NotValidForName => CertificateProblem::WrongName {
            presented: Vec::new(),
        },
        C::NotValidForNameContext { presented, .. } => CertificateProblem::WrongName {
            presented: presented.iter().map(|name| plain(name)).collect(),
        },
        C::Expired | C::ExpiredContext { .. } | C::NotValidYet | C::NotValidYetContext { .. } => {
            CertificateProblem::Expired
        }
        other => CertificateProblem::Other(other.to_string()),
    })
}

/// rustls shows a name as `DnsName("example.com")`; people know it as `example.com`.
fn plain(name: &str) -> String {
    let dns = name.strip_prefix("DnsName(\"");
    let dns = dns.and_then(|rest| rest.strip_suffix("\")"));
    dns.unwrap_or(name).to_owned()
}
