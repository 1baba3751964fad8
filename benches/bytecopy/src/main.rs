//! A byte copier: plaintext in, TLS out, one upstream connection for each client. It does not look
//! at what it copies, so no proxy on the same libraries needs less for a transaction.
//!
//! `bytecopy LISTEN-ADDRESS UPSTREAM-ADDRESS UPSTREAM-NAME CA-FILE`

use std::error::Error;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Bytes read at once; a TLS record holds as much.
const BUFFER: usize = 16 * 1024;

/// Length, then the code that asks for TLS (PostgreSQL manual, 55.7, `SSLRequest`).
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

type Result<T> = std::result::Result<T, Box<dyn Error>>;

struct Upstream {
    address: String,
    name: ServerName<'static>,
    tls: TlsConnector,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [listen, address, name, ca_file] = arguments.as_slice() else {
        return Err("bytecopy LISTEN-ADDRESS UPSTREAM-ADDRESS UPSTREAM-NAME CA-FILE".into());
    };
    let upstream = Arc::new(Upstream {
        address: address.clone(),
        name: ServerName::try_from(name.clone())?,
        tls: connector(ca_file)?,
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(accept(listen, upstream))
}

fn connector(ca_file: &str) -> Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca_file)? {
        roots.add(certificate?)?;
    }
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config).into())
}

async fn accept(listen: &str, upstream: Arc<Upstream>) -> Result<()> {
    let listener = TcpListener::bind(listen).await?;
    loop {
        let (client, _) = listener.accept().await?;
        let upstream = Arc::clone(&upstream);
        tokio::spawn(async move {
            if let Err(error) = serve(client, &upstream).await {
                eprintln!("bytecopy: {error}");
            }
        });
    }
}

async fn serve(client: TcpStream, upstream: &Upstream) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    let server = connect(upstream).await?;
    copy(client, server).await
}

async fn connect(upstream: &Upstream) -> std::io::Result<TlsStream<TcpStream>> {
    let mut server = TcpStream::connect(&upstream.address).await?;
    server.set_nodelay(true)?;
    server.write_all(&SSL_REQUEST).await?;
    if server.read_u8().await? != b'S' {
        return Err(std::io::Error::other("upstream offers no TLS"));
    }
    upstream.tls.connect(upstream.name.clone(), server).await
}

/// One task and a buffer for each direction, until one side ends.
async fn copy(
    mut client: impl AsyncRead + AsyncWrite + Unpin,
    mut server: impl AsyncRead + AsyncWrite + Unpin,
) -> std::io::Result<()> {
    let mut requests = vec![0; BUFFER];
    let mut replies = vec![0; BUFFER];
    loop {
        tokio::select! {
            biased;
            length = server.read(&mut replies) => match length? {
                0 => return client.shutdown().await,
                length => client.write_all(&replies[..length]).await?,
            },
            length = client.read(&mut requests) => match length? {
                0 => return server.shutdown().await,
                length => {
                    server.write_all(&requests[..length]).await?;
                    server.flush().await?;
                }
            },
        }
    }
}
