//! Statements of our own in the client's session, whose replies the client does not get.

use bytes::BufMut as _;
use tokio::io::{AsyncRead, AsyncWrite};

use super::super::judge::Class;
use super::super::occ::{Behind, Failed, Reply};
use super::super::postgres::fields;
use super::block::told;
use super::engine::{End, Engine};
use super::extended::{OWN_NAME, bind_message, close_message, parse_message};
use super::peer::Message;
use super::shape::{HIDDEN, Shape};
use crate::sql;
use crate::wire::backend::{self, TransactionStatus};
use crate::wire::{ErrorFields, SqlState, encode, frontend};

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Engine<'_, S> {
    /// Statements of our own in the extended protocol, up to the first that fails.
    async fn run_extended(&mut self, text: &str) -> Result<Reply, Failed<End>> {
        let mut reply = Reply::default();
        for statement in sql::statements(text.as_bytes()) {
            if statement.is_empty() {
                continue;
            }
            let out = &mut self.behind.out;
            let sql = statement.bytes(text.as_bytes());
            out.extend_from_slice(&parse_message(OWN_NAME, sql, &[]));
            out.extend_from_slice(&bind_message(OWN_NAME, OWN_NAME, &[0; 6]));
            encode::frame(frontend::EXECUTE, out, |body| {
                encode::cstr(OWN_NAME, body);
                body.put_i32(0);
            });
            out.extend_from_slice(&close_message(b'P', OWN_NAME));
            out.extend_from_slice(&close_message(b'S', OWN_NAME));
            encode::frame(frontend::FLUSH, out, |_| {});
            self.send().await.map_err(Failed::Lost)?;
            let mut closed = 0;
            while closed < 2 {
                let message = self.reply().await.map_err(Failed::Lost)?;
                closed += usize::from(message.tag() == backend::CLOSE_COMPLETE);
                if let Some(sqlstate) = self.note(&message, &mut reply) {
                    self.recover().await.map_err(Failed::Lost)?;
                    // A portal that failed keeps its name.
                    for kind in [b'P', b'S'] {
                        let close = close_message(kind, OWN_NAME);
                        self.ask(&close, HIDDEN).await.map_err(Failed::Lost)?;
                    }
                    return Err(Failed::Statement(sqlstate));
                }
            }
            // There is no ReadyForQuery that says so.
            self.status = TransactionStatus::InTransaction;
        }
        Ok(reply)
    }

    async fn run_simple(&mut self, text: &str) -> Result<Reply, Failed<End>> {
        self.prepared.remove(&b""[..]);
        self.portals.remove(&b""[..]);
        encode::query(text.as_bytes(), &mut self.behind.out);
        self.send().await.map_err(Failed::Lost)?;
        let mut reply = Reply::default();
        let mut failed = None;
        loop {
            let message = self.reply().await.map_err(Failed::Lost)?;
            if message.tag() == backend::READY_FOR_QUERY {
                self.status = TransactionStatus::read(message.body())
                    .map_err(|_| Failed::Lost(End::Vanished))?;
                break;
            }
            failed = self.note(&message, &mut reply).or(failed);
        }
        failed.map_or(Ok(reply), |sqlstate| Err(Failed::Statement(sqlstate)))
    }

    /// Takes one reply to a statement of our own.
    fn note(&mut self, message: &Message, reply: &mut Reply) -> Option<SqlState> {
        match message.tag() {
            backend::DATA_ROW => reply.rows.extend(fields(message.body())),
            backend::NOTICE_RESPONSE => reply.changes.extend(told(message)),
            backend::PARAMETER_STATUS => {
                let shape = Shape::default();
                self.replies
                    .pass(message, shape.expected, &mut self.client.out);
            }
            backend::ERROR_RESPONSE => {
                let fields = ErrorFields::read(message.body()).ok();
                let sqlstate = fields.and_then(|fields| fields.sqlstate());
                return Some(sqlstate.unwrap_or(SqlState::INTERNAL_ERROR));
            }
            _ => {}
        }
        None
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Behind for Engine<'_, S> {
    type Lost = End;

    fn may_try_again(&self) -> bool {
        !self.seat.is_stuck()
    }

    async fn run(&mut self, sql: &str) -> Result<Reply, Failed<End>> {
        self.seat.begins(Class::Session);
        if self.grouped {
            return self.run_extended(sql).await;
        }
        // A Query would drop the client's unnamed statement.
        if self.prepared.contains_key(&b""[..]) {
            let reply = self.run_extended(sql).await?;
            self.recover().await.map_err(Failed::Lost)?;
            return Ok(reply);
        }
        self.run_simple(sql).await
    }
}
