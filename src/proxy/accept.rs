//! Accepting clients.

use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use super::client;
use super::shared::{ClusterState, Shared};
use crate::net::listen::Listener;

/// How long to wait when the process has no file descriptor left.
const OUT_OF_FILES: Duration = Duration::from_millis(100);

/// Accepts clients until the proxy closes.
pub(super) async fn run(listener: Listener, cluster: Rc<ClusterState>, shared: Rc<Shared>) {
    let mut closing = pin!(shared.closing.cancelled());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut closing => return,
        };
        match accepted {
            Ok(stream) => {
                let seat = shared.lobby.enter();
                let task = client::serve(stream, Rc::clone(&cluster), Rc::clone(&shared), seat);
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
