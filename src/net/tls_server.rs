//! TLS towards clients, in both negotiations.
//!
//! With *SSLRequest* the caller has already answered `S`. With *direct* TLS the connection begins
//! with a ClientHello, which must offer the application protocol `postgresql` (PostgreSQL manual,
//! "Direct TLS", since 17), so that a client of another protocol cannot be led here.

use std::io;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::Acceptor;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

/// The application protocol of direct TLS (registered with IANA).
pub const ALPN: &[u8] = b"postgresql";

/// How the client came to speak TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Negotiation {
    /// It asked with an SSLRequest.
    SslRequest,
    /// It began with a ClientHello.
    Direct,
}

/// Which server names (SNI) a client may send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerNames {
    /// Any or none.
    Any,
    /// This one, which must be sent.
    Only(String),
}

/// Why a client got no TLS connection.
#[derive(Debug, thiserror::Error)]
pub enum TlsRefused {
    /// It sent no server name. It was told with a `close_notify`, which libpq reports as
    /// `unrecognized SSL error code: 6`, as with DSQL (user guide, "Troubleshooting").
    #[error("sni was not received")]
    NoServerName,
    /// It sent the name of another server, and got the alert `unrecognized_name`.
    #[error("the server name `{0}` is not served here")]
    OtherServerName(String),
    /// It did not offer `postgresql`, and got the alert `no_application_protocol`.
    #[error("direct TLS needs the application protocol `postgresql` (ALPN)")]
    NoAlpn,
    /// The handshake failed.
    #[error("TLS handshake failed: {0}")]
    Handshake(#[from] io::Error),
}

/// A TLS server with one certificate.
#[derive(Debug, Clone)]
pub struct TlsServer {
    config: Arc<ServerConfig>,
    names: ServerNames,
}

impl TlsServer {
    /// A server that shows `chain` and asks for no client certificate; TLS 1.2 and 1.3.
    pub fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        names: ServerNames,
    ) -> Result<Self, rustls::Error> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Self {
            config: Arc::new(config),
            names,
        })
    }

    /// The handshake. It has no deadline of its own, and it is not cancel-safe.
    pub async fn accept<S>(
        &self,
        stream: S,
        negotiation: Negotiation,
    ) -> Result<TlsStream<S>, TlsRefused>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut start = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        if let Err((refused, alert)) = self.check(&start.client_hello(), negotiation) {
            // Best effort: the client may be gone.
            let sent = start.io.write_all(&alert.record()).await;
            tracing::debug!(%refused, sent = sent.is_ok(), "no TLS for a client");
            drop(start.io.shutdown().await);
            return Err(refused);
        }
        Ok(start.into_stream(Arc::clone(&self.config)).await?)
    }

    fn check(
        &self,
        hello: &rustls::server::ClientHello<'_>,
        negotiation: Negotiation,
    ) -> Result<(), (TlsRefused, Alert)> {
        if let ServerNames::Only(name) = &self.names {
            match hello.server_name() {
                Some(sent) if sent.eq_ignore_ascii_case(name) => {}
                Some(sent) => {
                    let refused = TlsRefused::OtherServerName(sent.to_owned());
                    return Err((refused, Alert::UNRECOGNIZED_NAME));
                }
                None => return Err((TlsRefused::NoServerName, Alert::CLOSE_NOTIFY)),
            }
        }
        let mut alpn = hello.alpn().into_iter().flatten();
        if negotiation == Negotiation::Direct && !alpn.any(|protocol| protocol == ALPN) {
            return Err((TlsRefused::NoAlpn, Alert::NO_APPLICATION_PROTOCOL));
        }
        Ok(())
    }
}

/// An alert before the handshake: level and description (RFC 8446, section 6).
#[derive(Debug, Clone, Copy)]
struct Alert {
    level: u8,
    description: u8,
}

impl Alert {
    const CLOSE_NOTIFY: Self = Self {
        level: 1,
        description: 0,
    };
    const UNRECOGNIZED_NAME: Self = Self {
        level: 2,
        description: 112,
    };
    const NO_APPLICATION_PROTOCOL: Self = Self {
        level: 2,
        description: 120,
    };

    /// The record that carries it, in the clear: nothing has been agreed on yet.
    fn record(self) -> [u8; 7] {
        [0x15, 3, 3, 0, 2, self.level, self.description]
    }
}

#[cfg(test)]
mod tests;
