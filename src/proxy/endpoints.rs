//! What the proxy answers over HTTP.

use std::rc::Rc;

use super::shared::{ClusterState, Shared};
use crate::observe::Status;
use crate::observe::http::{Access, Answer, Route};

/// The type of Prometheus' text format ("Exposition formats" of its documentation).
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The paths.
pub(super) fn routes(shared: &Rc<Shared>, clusters: Vec<Rc<ClusterState>>) -> Rc<[Route]> {
    let now = {
        let shared = Rc::clone(shared);
        move || status(&shared, &clusters)
    };
    let now = Rc::new(now);
    let metrics = {
        let (shared, now) = (Rc::clone(shared), Rc::clone(&now));
        move || Answer::ok(PROMETHEUS, shared.metrics.render(&now()))
    };
    let status = move || {
        // Plain data always has a JSON form.
        let text = serde_json::to_string_pretty(&now()).unwrap_or_default();
        Answer::ok("application/json", text + "\n")
    };
    Rc::new([
        Route {
            path: "/metrics",
            access: Access::Everybody,
            answer: Rc::new(metrics),
        },
        Route {
            path: "/status",
            access: Access::ThisMachine,
            answer: Rc::new(status),
        },
    ])
}

/// What is going on now.
fn status(shared: &Shared, clusters: &[Rc<ClusterState>]) -> Status {
    Status {
        version: env!("CARGO_PKG_VERSION"),
        uptime_seconds: shared.started.elapsed().as_secs(),
        max_clients: shared.options.max_clients,
        clients: shared.places.taken(),
        clusters: clusters.iter().map(|cluster| cluster.status()).collect(),
    }
}
