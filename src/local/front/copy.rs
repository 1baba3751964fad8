//! COPY … FROM STDIN.

use tokio::io::{AsyncRead, AsyncWrite};

use super::engine::{End, Engine};
use super::peer::{CHUNK, Message};
use super::shape::Shape;
use crate::wire::{encode, frontend};

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Engine<'_, S> {
    /// Carries the client's rows to PostgreSQL until either side ends it. What PostgreSQL says to
    /// it is read by the caller.
    pub(super) async fn copy_in(
        &mut self,
        response: &Message,
        shape: Shape<'_>,
    ) -> Result<(), End> {
        self.pass(response, shape).await?;
        self.flush().await?;
        // Its rows are read once.
        self.attempt.flushed = true;
        loop {
            // PostgreSQL says nothing but that it has failed.
            if !self.behind.unread().is_empty() {
                return self.send().await;
            }
            let Some(message) = self.copy_message().await? else {
                return Ok(());
            };
            let last = match message.tag() {
                frontend::COPY_DATA => false,
                frontend::COPY_DONE | frontend::COPY_FAIL => true,
                // PostgreSQL ignores these while it copies (manual, "COPY Operations").
                frontend::FLUSH | frontend::SYNC => continue,
                // It fails at anything else.
                _ => true,
            };
            self.behind.out.extend_from_slice(message.bytes());
            if last {
                // PostgreSQL has taken the one behind Execute for part of the COPY.
                encode::frame(frontend::FLUSH, &mut self.behind.out, |_| {});
            }
            if last || self.behind.out.len() >= CHUNK {
                self.send().await?;
            }
            if last {
                return Ok(());
            }
        }
    }

    /// The client's next message, or `None` if PostgreSQL has something to say.
    async fn copy_message(&mut self) -> Result<Option<Message>, End> {
        loop {
            if let Some(message) = self.next_request()? {
                return Ok(Some(message));
            }
            self.send().await?;
            tokio::select! {
                read = self.client.fill() => match read {
                    // PostgreSQL fails the COPY when the client goes.
                    Ok(0) | Err(_) => return Err(End::ClientGone),
                    Ok(_) => {}
                },
                read = self.behind.fill() => {
                    self.check_behind(&read)?;
                    return Ok(None);
                }
                () = self.faults.cut_requested() => return Err(End::Cut),
            }
        }
    }
}
