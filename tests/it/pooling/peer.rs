//! A client that reads what it is told.

use std::collections::BTreeMap;

use bytes::BytesMut;
use dsql_proxy::wire::{ErrorFields, ErrorResponse, encode};
use tokio::net::TcpStream;

use super::script::{bind, execute, parse};
use crate::support::raw::{self, Message, RawClient};

/// A session through the proxy.
pub(crate) struct Peer {
    pub(crate) raw: RawClient,
    /// The parameters as it was told.
    pub(crate) told: BTreeMap<String, String>,
    /// The last transaction status.
    pub(crate) status: char,
}

/// What came back up to ReadyForQuery.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) rows: Vec<Vec<Option<String>>>,
    pub(crate) tags: Vec<String>,
    pub(crate) error: Option<ErrorResponse>,
    /// Messages of notices and warnings.
    pub(crate) notices: Vec<String>,
    /// `None` if the connection ended.
    pub(crate) status: Option<char>,
}

impl Peer {
    /// Logs in as this role.
    pub(crate) async fn log_in(port: u16, role: &str, parameters: &[(&str, &str)]) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let mut peer = Self {
            raw: RawClient::new(stream),
            told: BTreeMap::new(),
            status: '?',
        };
        let mut all = vec![("user", role), ("database", "postgres")];
        all.extend(parameters);
        let messages = peer.raw.start_with(&all).await;
        let reply = peer.understand(&messages);
        assert_eq!(reply.status, Some('I'), "{:?}", reply.error);
        peer
    }

    /// A simple Query.
    pub(crate) async fn query(&mut self, sql: &str) -> Reply {
        self.ask(|out| encode::query(sql.as_bytes(), out)).await
    }

    /// A simple Query that succeeds.
    pub(crate) async fn run(&mut self, sql: &str) -> Reply {
        let reply = self.query(sql).await;
        assert_eq!(reply.error, None, "{sql}");
        reply
    }

    /// Parse, Bind, Execute and Sync.
    pub(crate) async fn extended(&mut self, sql: &str, values: &[Option<&str>]) -> Reply {
        self.ask(|out| {
            parse("", sql, out);
            bind("", "", values, false, out);
            execute("", 0, out);
            encode::sync(out);
        })
        .await
    }

    /// Binds a statement without parameters, and runs it.
    pub(crate) async fn execute(&mut self, statement: &str) -> Reply {
        self.ask(|out| {
            bind("", statement, &[], false, out);
            execute("", 0, out);
            encode::sync(out);
        })
        .await
    }

    /// Sends something that one ReadyForQuery ends.
    pub(crate) async fn ask(&mut self, messages: impl FnOnce(&mut BytesMut)) -> Reply {
        self.send(messages).await;
        self.reply().await
    }

    pub(crate) async fn send(&mut self, messages: impl FnOnce(&mut BytesMut)) {
        let mut out = BytesMut::new();
        messages(&mut out);
        self.raw.send(&out).await;
    }

    pub(crate) async fn reply(&mut self) -> Reply {
        let messages = self.raw.until_ready().await;
        self.understand(&messages)
    }

    /// Leaves, and waits until the proxy has taken note.
    pub(crate) async fn leave(mut self) {
        self.send(encode::terminate).await;
        while self.raw.next().await.is_some() {}
    }

    fn understand(&mut self, messages: &[Message]) -> Reply {
        let mut reply = Reply {
            rows: vec![],
            tags: vec![],
            error: raw::error(messages),
            notices: vec![],
            status: None,
        };
        for (tag, body) in messages {
            match tag {
                b'S' => {
                    let mut texts = body.split(|byte| *byte == 0).map(text);
                    let (name, value) = (texts.next().unwrap(), texts.next().unwrap());
                    self.told.insert(name, value);
                }
                b'D' => reply.rows.push(row(body)),
                b'N' => {
                    let fields = ErrorFields::read(body).unwrap();
                    reply.notices.push(text(fields.message()));
                }
                b'C' => reply.tags.push(text(&body[..body.len() - 1])),
                b'Z' => {
                    self.status = char::from(body[0]);
                    reply.status = Some(self.status);
                }
                _ => {}
            }
        }
        reply
    }
}

impl Reply {
    /// The values of all rows, NULL as the empty text.
    pub(crate) fn values(&self) -> Vec<String> {
        let values = self.rows.iter().flatten().cloned();
        values.map(Option::unwrap_or_default).collect()
    }

    /// The only value.
    pub(crate) fn value(&self) -> String {
        let values = self.values();
        assert_eq!(values.len(), 1, "{self:?}");
        values.concat()
    }

    /// The SQLSTATE and the transaction status, or `-` if there was no error.
    pub(crate) fn outcome(&self) -> (String, Option<char>) {
        let code = self.error.as_ref();
        let code = code.map_or("-".into(), |error| error.sqlstate.as_str().to_owned());
        (code, self.status)
    }

    /// The same, as one text, such as `57014 E`.
    pub(crate) fn told(&self) -> String {
        let (code, status) = self.outcome();
        format!("{code} {}", status.map_or("closed".into(), String::from))
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The values of a DataRow.
fn row(body: &[u8]) -> Vec<Option<String>> {
    let mut rest = &body[2..];
    let mut values = vec![];
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let length = usize::try_from(i32::from_be_bytes(*length)).ok();
        rest = &after[length.unwrap_or(0)..];
        values.push(length.map(|length| text(&after[..length])));
    }
    values
}
