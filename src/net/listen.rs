//! Sockets that clients connect to.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};

use rustix::net::{RecvFlags, recv};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::dial;

/// Connections that the kernel keeps for us until we accept them.
const BACKLOG: i32 = 1024;

/// Something that clients connect to.
#[derive(Debug)]
pub enum Listener {
    /// A TCP port.
    Tcp(TcpListener),
    /// A Unix socket, which is removed when the listener goes.
    Unix(UnixListener, SocketFile),
}

/// A client's socket.
#[derive(Debug)]
pub enum ClientStream {
    /// Over TCP.
    Tcp(TcpStream),
    /// Over a Unix socket.
    Unix(UnixStream),
}

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Somebody else has the port.
    #[error(
        "port {} of {} is already in use. Stop the program that uses it \
         (`ss -ltnp 'sport = :{}'` names it), or choose another with {flag}",
        address.port(), address.ip(), address.port()
    )]
    Taken {
        /// The address.
        address: SocketAddr,
        /// What chooses the port.
        flag: &'static str,
    },
    /// Any other failure.
    #[error("cannot listen on {address}: {source}")]
    Tcp {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// Another process answers on the socket.
    #[error("{} is in use by another process", .0.display())]
    SocketTaken(PathBuf),
    /// The path is longer than a socket's path can be.
    #[error(
        "the path {} is too long for a Unix socket (at most 103 bytes). \
         Choose a shorter directory with --unix-socket", .0.display()
    )]
    PathTooLong(PathBuf),
    /// Any other failure.
    #[error("cannot listen on {}: {source}", path.display())]
    Unix {
        /// The socket's path.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Listens on 127.0.0.1 and, where the machine has IPv6, on the same port of ::1: `localhost`
/// means ::1 first in Node.js. Port 0 takes a free one.
pub fn loopback(port: u16) -> Result<Vec<Listener>, ListenError> {
    let first = tcp(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port))?;
    let port = first.tcp_address().map_or(port, |address| address.port());
    let mut listeners = vec![first];
    match tcp(SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), port)) {
        Ok(second) => listeners.push(second),
        Err(ListenError::Tcp { source, .. }) if no_ipv6(&source) => {}
        Err(error) => return Err(error),
    }
    Ok(listeners)
}

/// Listens on one address. Port 0 takes a free one.
pub fn tcp(address: SocketAddr) -> Result<Listener, ListenError> {
    tcp_socket(address).map(Listener::Tcp)
}

/// The same for what is no PostgreSQL.
pub fn tcp_socket(address: SocketAddr) -> Result<TcpListener, ListenError> {
    bind(address).map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => ListenError::Taken {
            address,
            flag: "--port",
        },
        _ => ListenError::Tcp { address, source },
    })
}

impl ListenError {
    /// The same error where this flag chooses the port.
    #[must_use]
    pub fn of_flag(self, flag: &'static str) -> Self {
        match self {
            Self::Taken { address, .. } => Self::Taken { address, flag },
            other => other,
        }
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // Connections in TIME_WAIT of a predecessor must not keep us from starting.
    socket.set_reuse_address(true)?;
    dial::prepare(&socket);
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

fn no_ipv6(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported
    ) || error.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error())
}

/// Listens on `directory/.s.PGSQL.<port>`, where libpq looks for it. The directory is made with
/// mode 0700 if it is missing; a socket that nobody answers on is replaced.
pub fn unix(directory: &Path, port: u16) -> Result<Listener, ListenError> {
    let path = directory.join(format!(".s.PGSQL.{port}"));
    if path.as_os_str().len() > 103 {
        return Err(ListenError::PathTooLong(path));
    }
    let failed = |source| ListenError::Unix {
        path: path.clone(),
        source,
    };
    if !directory.exists() {
        std::fs::create_dir_all(directory).map_err(failed)?;
        std::fs::set_permissions(directory, PermissionsExt::from_mode(0o700)).map_err(failed)?;
    }
    if let Ok(metadata) = path.symlink_metadata() {
        if !metadata.file_type().is_socket() {
            return Err(failed(io::Error::other(
                "a file that is no socket stands there",
            )));
        }
        match std::os::unix::net::UnixStream::connect(&path) {
            // Nobody answers: left behind by a process that was killed.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                std::fs::remove_file(&path).map_err(failed)?;
            }
            _ => return Err(ListenError::SocketTaken(path)),
        }
    }
    let listener = UnixListener::bind(&path).map_err(failed)?;
    let file = SocketFile(path.clone());
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).map_err(failed)?;
    Ok(Listener::Unix(listener, file))
}

/// A socket's file, removed when this goes.
#[derive(Debug)]
pub struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).ok();
    }
}

impl Listener {
    /// Waits for a client. Dropping the future loses nobody.
    pub async fn accept(&self) -> io::Result<ClientStream> {
        match self {
            Self::Tcp(listener) => {
                // Its options are the listener's.
                let (tcp, _) = listener.accept().await?;
                Ok(ClientStream::Tcp(tcp))
            }
            Self::Unix(listener, _) => listener
                .accept()
                .await
                .map(|(unix, _)| ClientStream::Unix(unix)),
        }
    }

    /// The address, if it is TCP.
    pub fn tcp_address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok(),
            Self::Unix(..) => None,
        }
    }
}

impl std::fmt::Display for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(_) => match self.tcp_address() {
                Some(address) => write!(f, "{address}"),
                None => f.write_str("a closed port"),
            },
            Self::Unix(_, SocketFile(path)) => write!(f, "{}", path.display()),
        }
    }
}

impl ClientStream {
    /// Reads what is there already, without asking the runtime, which has not heard of a socket
    /// yet that has just been accepted: clients speak first, and at once.
    pub fn read_at_once(&self, buffer: &mut [u8]) -> usize {
        let flags = RecvFlags::DONTWAIT;
        let read = match self {
            Self::Tcp(tcp) => recv(tcp, buffer, flags),
            Self::Unix(unix) => recv(unix, buffer, flags),
        };
        // Whatever is wrong will be seen again.
        read.map_or(0, |(read, _)| read)
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Self::Unix(unix) => Pin::new(unix).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_write(cx, buf),
            Self::Unix(unix) => Pin::new(unix).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_flush(cx),
            Self::Unix(unix) => Pin::new(unix).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Self::Unix(unix) => Pin::new(unix).poll_shutdown(cx),
        }
    }
}
