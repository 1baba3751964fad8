//! A client that speaks the protocol by hand.

use bytes::{Buf as _, BytesMut};
use dsql_proxy::wire::frame::HEADER;
use dsql_proxy::wire::startup::{CancelRequest, ProtocolVersion, Startup};
use dsql_proxy::wire::{ErrorFields, ErrorResponse, FrameScanner, Step, encode};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::within;

/// A message of the server: its type byte and its body.
pub(crate) type Message = (u8, Vec<u8>);

/// The client.
pub(crate) struct RawClient<S = TcpStream> {
    pub(crate) stream: S,
    input: BytesMut,
    /// What it may cancel with.
    pub(crate) key: Option<CancelRequest>,
}

impl RawClient {
    /// Connects to this port of 127.0.0.1.
    pub(crate) async fn connect(port: u16) -> Self {
        Self::new(TcpStream::connect(("127.0.0.1", port)).await.unwrap())
    }

    /// The same, and logs in.
    pub(crate) async fn log_in(port: u16) -> Self {
        let mut client = Self::connect(port).await;
        client.start("admin").await.unwrap();
        client
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> RawClient<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self {
            stream,
            input: BytesMut::new(),
            key: None,
        }
    }

    /// Logs in, or says what the server said.
    pub(crate) async fn start(&mut self, role: &str) -> Result<(), ErrorResponse> {
        let parameters = [("user", role), ("database", "postgres")];
        let messages = self.start_with(&parameters).await;
        error(&messages).map_or(Ok(()), Err)
    }

    /// Logs in with these startup parameters; what the server says.
    pub(crate) async fn start_with(&mut self, parameters: &[(&str, &str)]) -> Vec<Message> {
        let mut packet = BytesMut::new();
        let parameters = parameters.iter();
        Startup {
            version: ProtocolVersion::V3_0,
            parameters: parameters
                .map(|(n, v)| ((*n).into(), (*v).into()))
                .collect(),
        }
        .encode(&mut packet);
        self.send(&packet).await;
        let messages = self.until_ready().await;
        self.key = messages
            .iter()
            .find(|(tag, _)| *tag == b'K')
            .map(|(_, key)| CancelRequest {
                pid: i32::from_be_bytes(key[..4].try_into().unwrap()),
                secret: key[4..].to_vec(),
            });
        messages
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        within(self.stream.write_all(bytes)).await.unwrap();
    }

    /// A simple Query, without its answer.
    pub(crate) async fn begin_query(&mut self, sql: &str) {
        let mut out = BytesMut::new();
        encode::query(sql.as_bytes(), &mut out);
        self.send(&out).await;
    }

    /// A simple Query.
    pub(crate) async fn query(&mut self, sql: &str) -> Vec<Message> {
        self.begin_query(sql).await;
        self.until_ready().await
    }

    /// The messages up to ReadyForQuery, or up to the end of the connection.
    pub(crate) async fn until_ready(&mut self) -> Vec<Message> {
        let mut messages = vec![];
        while let Some(message) = self.next().await {
            let last = message.0 == b'Z';
            messages.push(message);
            if last {
                break;
            }
        }
        messages
    }

    /// The next message, or `None` at the end. A reset is an end, too.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        loop {
            let step = FrameScanner::new().step(&self.input, |_| usize::MAX);
            if let Step::Head { tag, body, .. } = step.unwrap() {
                self.input.advance(HEADER);
                return Some((tag, self.input.split_to(body).to_vec()));
            }
            if within(self.read()).await == 0 {
                return None;
            }
        }
    }

    /// Reads messages and counts: type byte and length of the body, without keeping the body.
    pub(crate) async fn count(&mut self, mut each: impl FnMut(u8, usize) -> bool) {
        let mut scanner = FrameScanner::new();
        loop {
            match scanner.step(&self.input, |_| 0).unwrap() {
                Step::Head { tag, body, seen } => {
                    self.input.advance(HEADER + seen);
                    if !each(tag, body) {
                        return;
                    }
                }
                Step::Rest(n) => self.input.advance(n),
                Step::NeedMore => assert!(within(self.read()).await > 0, "the end"),
            }
        }
    }

    async fn read(&mut self) -> usize {
        self.stream.read_buf(&mut self.input).await.unwrap_or(0)
    }
}

/// Asks to cancel, and waits until the proxy has taken note.
pub(crate) async fn cancel(port: u16, key: &CancelRequest) {
    let mut packet = BytesMut::new();
    key.encode(&mut packet);
    let mut tcp = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    tcp.write_all(&packet).await.unwrap();
    let answer = within(tcp.read(&mut [0])).await.unwrap_or(0);
    assert_eq!(answer, 0, "there is no answer to it");
}

/// The first error.
pub(crate) fn error(messages: &[Message]) -> Option<ErrorResponse> {
    let (_, body) = messages.iter().find(|(tag, _)| *tag == b'E')?;
    Some(ErrorFields::read(body).unwrap().to_response())
}

/// The type bytes.
pub(crate) fn shape(messages: &[Message]) -> String {
    messages.iter().map(|(tag, _)| char::from(*tag)).collect()
}

/// The transaction status of the ReadyForQuery at the end.
pub(crate) fn ends(messages: &[Message]) -> u8 {
    match messages {
        [.., (b'Z', body)] => body[0],
        other => panic!("no ReadyForQuery at the end of {other:?}"),
    }
}

/// The values of the first column of every row.
pub(crate) fn values(messages: &[Message]) -> Vec<String> {
    let rows = messages.iter().filter(|(tag, _)| *tag == b'D');
    rows.map(|(_, row)| {
        let length = usize::try_from(i32::from_be_bytes(row[2..6].try_into().unwrap())).unwrap();
        String::from_utf8(row[6..6 + length].to_vec()).unwrap()
    })
    .collect()
}
