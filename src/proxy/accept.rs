//! Accepting clients.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use super::client;
use super::setup::{ClusterState, Shared};
use crate::net::listen::Listener;

/// Clients beyond the limit that may be on the line at the same time, to be told that they are
/// too many. Who comes when even these are taken finds a closed door.
const STANDING_ROOM: usize = 64;

/// How long to wait when the process has no file descriptor left.
const OUT_OF_FILES: Duration = Duration::from_millis(100);

/// A client's place, given back when it goes.
pub(super) struct Place {
    count: Rc<Cell<usize>>,
    /// True if the client can only be told to go.
    pub(super) over_limit: bool,
}

impl Place {
    fn take(count: &Rc<Cell<usize>>, limit: usize) -> Option<Self> {
        let taken = count.get();
        if taken >= limit.saturating_add(STANDING_ROOM) {
            return None;
        }
        count.set(taken + 1);
        Some(Self {
            count: Rc::clone(count),
            over_limit: taken >= limit,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.count.set(self.count.get() - 1);
    }
}

/// Accepts clients until the proxy closes.
pub(super) async fn run(listener: Listener, cluster: Rc<ClusterState>, shared: Rc<Shared>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shared.closing.cancelled() => return,
        };
        match accepted {
            Ok(stream) => {
                let Some(place) = Place::take(&shared.clients, shared.options.max_clients) else {
                    tracing::debug!("client turned away: no room even to say so");
                    continue;
                };
                let task = client::serve(stream, Rc::clone(&cluster), Rc::clone(&shared), place);
                shared.tasks.spawn_local(task);
            }
            // A client that was gone before it was accepted, or no descriptor left: neither may
            // end the loop, and the second must not make it spin.
            Err(error) => {
                tracing::warn!(%error, %listener, "cannot accept a client");
                tokio::time::sleep(OUT_OF_FILES).await;
            }
        }
    }
}
