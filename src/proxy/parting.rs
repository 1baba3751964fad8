//! A client that sends nothing more, and what it is still owed.

use std::task::Context;
use std::time::Duration;

use tokio::time::sleep;

use super::pause::{End, Pause};
use super::relay::{Presence, Relay};
use crate::net::buffered::{Buffered, HIGH_WATER, Read};
use crate::net::listen::ClientStream;
use crate::wire::ErrorResponse;

/// How long a client that has closed its side may wait for an answer. It cannot be told from one
/// that is gone, and on whose behalf nothing should run for long.
const GRACE: Duration = Duration::from_secs(30);

/// Why a client that is still there sends nothing more.
#[derive(Debug)]
pub(super) enum Leaving {
    /// It has said goodbye.
    Terminated,
    /// It has sent something that makes no sense.
    Refused(ErrorResponse),
}

impl Relay {
    /// Reads from the client until it closes its side, so that nobody waits on behalf of one that
    /// is gone. Never ready while there is input that it wants answered. Dropping the future
    /// loses nothing.
    pub(super) async fn client_gone(&mut self) {
        if self.presence == Presence::There {
            gone(&mut self.client).await;
        }
        if self.goes_on_alone() {
            std::future::pending::<()>().await;
        }
    }

    pub(super) fn server_closed(&mut self) -> Pause {
        match self.leaving.take() {
            Some(Leaving::Terminated) => Pause::End(End::ClientDone),
            Some(Leaving::Refused(error)) => Pause::End(End::ClientRefused(error)),
            None => Pause::ServerLost(String::new()),
        }
    }

    /// Ends the session once a client that sends nothing more has got what it is owed.
    pub(super) fn has_client_left(&mut self, cx: &mut Context<'_>) -> Result<(), End> {
        if self.leaving.is_none() && !self.client.eof() {
            return Ok(());
        }
        if self.is_underway() {
            // It may have closed its side only, and then it gets its answer.
            return Ok(());
        }
        let sent = self
            .link
            .as_ref()
            .is_none_or(|server| server.io.output.is_empty());
        // What is about to be repeated is not answered either.
        let answered = sent && self.session.waits_for_client() && self.backoff.is_none();
        match &self.leaving {
            // The server does what it was told before the goodbye.
            Some(Leaving::Terminated) if sent && self.session.waits_for_client() => {
                Err(End::ClientDone)
            }
            Some(Leaving::Refused(_)) if answered => match self.leaving.take() {
                Some(Leaving::Refused(error)) => Err(End::ClientRefused(error)),
                _ => Err(End::ClientDone),
            },
            Some(_) => Ok(()),
            // A message that never gets its end is never answered.
            None if answered || self.from_client.rest() > 0 => Err(End::ClientDone),
            None => {
                // It may have closed its side only, and wait for the answer, or it may be gone.
                let grace = self.grace.get_or_insert_with(|| Box::pin(sleep(GRACE)));
                if grace.as_mut().poll(cx).is_ready() {
                    Err(End::ClientDone)
                } else {
                    Ok(())
                }
            }
        }
    }
}

/// Waits until a client closes its side without anything left to answer.
pub(super) async fn gone(client: &mut Buffered<ClientStream>) {
    while client.input.len() < HIGH_WATER {
        match client.fill().await {
            Ok(Read::Some) => {}
            // It has said all it wants to say, and waits for the answer.
            Ok(Read::Eof) if !client.input.is_empty() => break,
            Ok(Read::Eof) | Err(_) => return,
        }
    }
    std::future::pending::<()>().await;
}
