//! What PostgreSQL's grammar says to a text.

use bytes::{BufMut as _, BytesMut};
use tokio::net::UnixStream;
use tokio::sync::Mutex;

use super::super::postgres::SUPERUSER;
use super::peer::{Message, Peer};
use super::replies::Position;
use crate::wire::startup::{ProtocolVersion, Startup};
use crate::wire::{ErrorFields, backend, encode, frontend};

/// `syntax_error`.
const SYNTAX_ERROR: &str = "42601";

/// Of several statements PostgreSQL does not look beyond the grammar. Before the text, because what
/// is after it would be part of a comment or a string that does not end, and of the error.
const BEFORE: &str = "SELECT 1;SELECT 1;";

/// Where an error is in what [`Syntax::error`] was asked about.
pub(super) const POSITION: Position = Position::Behind(BEFORE.len());

/// A session of its own, in which texts are read and never run.
#[derive(Debug, Default)]
pub(super) struct Syntax {
    session: Mutex<Option<Peer<UnixStream>>>,
}

impl Syntax {
    /// PostgreSQL's error, if it cannot read the text, at [`POSITION`]. Whatever else fails is none.
    pub(super) async fn error(&self, socket: &std::path::Path, text: &[u8]) -> Option<Message> {
        let mut session = self.session.lock().await;
        // Taken out, so that nobody finds it in the middle of something.
        let mut peer = match session.take() {
            Some(peer) => peer,
            None => connect(socket).await?,
        };
        encode::frame(frontend::PARSE, &mut peer.out, |body| {
            body.put_u8(0);
            body.extend_from_slice(BEFORE.as_bytes());
            encode::cstr(text, body);
            body.put_u16(0);
        });
        encode::sync(&mut peer.out);
        peer.flush().await.ok()?;
        let error = until_ready(&mut peer).await?;
        *session = Some(peer);
        error.filter(|message| {
            ErrorFields::read(message.body()).is_ok_and(|fields| {
                let several = b"cannot insert multiple commands";
                fields
                    .sqlstate()
                    .is_some_and(|code| code.as_str() == SYNTAX_ERROR)
                    && !fields.message().starts_with(several)
            })
        })
    }
}

async fn connect(socket: &std::path::Path) -> Option<Peer<UnixStream>> {
    let stream = UnixStream::connect(socket).await.ok()?;
    let mut peer = Peer::new(stream, BytesMut::new());
    Startup {
        version: ProtocolVersion::V3_0,
        parameters: vec![
            (b"user".to_vec(), SUPERUSER.into()),
            (b"database".to_vec(), b"postgres".to_vec()),
        ],
    }
    .encode(&mut peer.out);
    peer.flush().await.ok()?;
    until_ready(&mut peer).await.map(|_| peer)
}

/// The error that came before ReadyForQuery, if any. `None` if the session is gone.
async fn until_ready(peer: &mut Peer<UnixStream>) -> Option<Option<Message>> {
    let mut error = None;
    loop {
        while let Some(message) = peer.take().ok()? {
            match message.tag() {
                backend::READY_FOR_QUERY => return Some(error),
                backend::ERROR_RESPONSE => error = Some(message),
                _ => {}
            }
        }
        if peer.fill().await.ok()? == 0 {
            return None;
        }
    }
}
