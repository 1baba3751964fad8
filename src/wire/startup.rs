//! The packets with which a connection begins. They have a length but no type byte.

use bytes::{BufMut, BytesMut};

use super::encode::cstr;
use super::{Cursor, Malformed};

/// The longest startup packet that PostgreSQL reads, in bytes (`MAX_STARTUP_PACKET_LENGTH`,
/// `src/include/libpq/pqcomm.h`).
pub const MAX_STARTUP_PACKET: usize = 10_000;

/// The first byte of a TLS handshake record: a client that negotiates TLS directly.
pub const TLS_HANDSHAKE: u8 = 0x16;

const CANCEL_REQUEST: (u16, u16) = (1234, 5678);
const SSL_REQUEST: (u16, u16) = (1234, 5679);
const GSSENC_REQUEST: (u16, u16) = (1234, 5680);

/// A protocol version as in a startup packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProtocolVersion {
    /// 3 since 2003.
    pub major: u16,
    /// 0, or 2 since PostgreSQL 18.
    pub minor: u16,
}

impl ProtocolVersion {
    /// The version that every server speaks.
    pub const V3_0: Self = Self { major: 3, minor: 0 };
    /// PostgreSQL 18: cancel keys of up to 256 bytes.
    pub const V3_2: Self = Self { major: 3, minor: 2 };

    /// The number in the packet.
    pub fn number(self) -> i32 {
        i32::from(self.major) << 16 | i32::from(self.minor)
    }
}

impl std::fmt::Display for ProtocolVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// What a client can begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FirstPacket {
    /// SSLRequest
    SslRequest,
    /// GSSENCRequest
    GssEncRequest,
    /// CancelRequest
    Cancel(CancelRequest),
    /// StartupMessage
    Startup(Startup),
}

/// A request to cancel what another connection is doing.
#[derive(Clone, PartialEq, Eq)]
pub struct CancelRequest {
    /// The process id from BackendKeyData.
    pub pid: i32,
    /// The secret from BackendKeyData.
    pub secret: Vec<u8>,
}

impl std::fmt::Debug for CancelRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CancelRequest")
            .field("pid", &self.pid)
            .finish_non_exhaustive()
    }
}

/// A StartupMessage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Startup {
    /// The version that the client asks for.
    pub version: ProtocolVersion,
    /// Names and values in the client's order, not necessarily UTF-8.
    pub parameters: Vec<(Vec<u8>, Vec<u8>)>,
}

/// Bytes that are no startup packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StartupError {
    /// Its length is out of the allowed range.
    #[error("invalid length of startup packet")]
    Length,
    /// Its content makes no sense.
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

impl FirstPacket {
    /// Reads a packet from the front of `buf`: the packet and its length in bytes, or `None` if
    /// it is not complete yet. Fails as soon as the length is known to be impossible.
    pub fn read(buf: &[u8]) -> Result<Option<(Self, usize)>, StartupError> {
        let Some(word) = buf.first_chunk::<4>() else {
            return Ok(None);
        };
        let length =
            usize::try_from(u32::from_be_bytes(*word)).map_err(|_| StartupError::Length)?;
        if !(8..=MAX_STARTUP_PACKET).contains(&length) {
            return Err(StartupError::Length);
        }
        let Some(body) = buf.get(4..length) else {
            return Ok(None);
        };
        Ok(Some((Self::parse(body)?, length)))
    }

    fn parse(body: &[u8]) -> Result<Self, Malformed> {
        let mut cursor = Cursor::new("startup", body);
        let version = ProtocolVersion {
            major: cursor.i16()?.cast_unsigned(),
            minor: cursor.i16()?.cast_unsigned(),
        };
        match (version.major, version.minor) {
            SSL_REQUEST => cursor.end().map(|()| Self::SslRequest),
            GSSENC_REQUEST => cursor.end().map(|()| Self::GssEncRequest),
            CANCEL_REQUEST => {
                let pid = cursor.i32()?;
                let secret = cursor.rest();
                if !(4..=256).contains(&secret.len()) {
                    return Err(cursor.malformed("the cancel key does not have 4 to 256 bytes"));
                }
                Ok(Self::Cancel(CancelRequest {
                    pid,
                    secret: secret.to_vec(),
                }))
            }
            // Other versions lay their packets out differently; only the number counts.
            _ if version.major != 3 => Ok(Self::Startup(Startup {
                version,
                parameters: Vec::new(),
            })),
            _ => {
                let mut parameters = Vec::new();
                loop {
                    let name = cursor.cstr()?;
                    if name.is_empty() {
                        break;
                    }
                    parameters.push((name.to_vec(), cursor.cstr()?.to_vec()));
                }
                cursor.end()?;
                Ok(Self::Startup(Startup {
                    version,
                    parameters,
                }))
            }
        }
    }
}

impl Startup {
    /// The value of a parameter; the last one counts, as in PostgreSQL.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.parameters
            .iter()
            .rev()
            .find(|(n, _)| n == name.as_bytes())
            .map(|(_, value)| value.as_slice())
    }

    /// Appends the packet.
    pub fn encode(&self, out: &mut BytesMut) {
        packet(self.version.number(), out, |out| {
            for (name, value) in &self.parameters {
                cstr(name, out);
                cstr(value, out);
            }
            out.put_u8(0);
        });
    }
}

impl CancelRequest {
    /// Appends the packet.
    pub fn encode(&self, out: &mut BytesMut) {
        packet(code(CANCEL_REQUEST), out, |out| {
            out.put_i32(self.pid);
            out.extend_from_slice(&self.secret);
        });
    }
}

/// Appends an SSLRequest.
pub fn ssl_request(out: &mut BytesMut) {
    packet(code(SSL_REQUEST), out, |_| {});
}

fn code((major, minor): (u16, u16)) -> i32 {
    ProtocolVersion { major, minor }.number()
}

fn packet(code: i32, out: &mut BytesMut, body: impl FnOnce(&mut BytesMut)) {
    let start = out.len();
    out.put_i32(0);
    out.put_i32(code);
    body(out);
    let length = u32::try_from(out.len().saturating_sub(start)).unwrap_or(u32::MAX);
    if let Some(word) = out.get_mut(start..start.saturating_add(4)) {
        word.copy_from_slice(&length.to_be_bytes());
    }
}
