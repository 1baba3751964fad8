//! TCP out.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

/// How long one of several addresses may keep us waiting before the next is tried.
const PER_ADDRESS: Duration = Duration::from_secs(5);

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The name has no address.
    #[error("{host} could not be resolved: {source}")]
    Resolve {
        /// The name.
        host: String,
        /// The resolver's error.
        source: io::Error,
    },
    /// No address answered; the last failure.
    #[error("{address} could not be reached: {source}")]
    Connect {
        /// The last address tried.
        address: SocketAddr,
        /// Its failure.
        source: io::Error,
    },
}

/// Connects to the first address of `host` that answers, without Nagle's delay and with
/// keepalive. Dropping the future gives up.
pub async fn dial(host: &str, port: u16) -> Result<TcpStream, DialError> {
    let unresolved = |source: io::Error| DialError::Resolve {
        host: host.to_owned(),
        source,
    };
    let addresses = lookup_host((host, port)).await.map_err(unresolved)?;
    let mut last = None;
    for address in addresses {
        let attempt = timeout(PER_ADDRESS, TcpStream::connect(address)).await;
        match attempt.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            Ok(tcp) => {
                prepare(&tcp);
                return Ok(tcp);
            }
            Err(source) => last = Some(DialError::Connect { address, source }),
        }
    }
    Err(last.unwrap_or_else(|| unresolved(io::Error::other("the name has no address"))))
}

/// Options of every TCP socket, client's or server's. A listener hands them on to what it
/// accepts. A socket that refuses one is used all the same.
pub fn prepare<'s, S>(tcp: &'s S)
where
    SockRef<'s>: From<&'s S>,
{
    // Before the first probe, and between probes: well under the 350 s after which AWS network
    // load balancers and NAT gateways forget an idle connection.
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_mins(1))
        .with_interval(Duration::from_secs(15));
    let socket = SockRef::from(tcp);
    socket.set_tcp_nodelay(true).ok();
    socket.set_tcp_keepalive(&keepalive).ok();
    // Keepalive does not watch over bytes that are never acknowledged.
    #[cfg(target_os = "linux")]
    socket
        .set_tcp_user_timeout(Some(Duration::from_mins(2)))
        .ok();
}
