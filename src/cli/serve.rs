//! `dsql-proxy CLUSTER…`: the proxy.

use std::time::Duration;

use super::assemble::{self, Origin};
use crate::config::ProxySettings;
use crate::dsql::limits::TRANSACTION_AGE;
use crate::platform::signals::{Signals, Stop};

pub(super) async fn run(settings: ProxySettings) -> Result<u8, String> {
    let mut signals =
        Signals::new().map_err(|error| format!("cannot listen for signals: {error}"))?;
    // Asking where we are may take a second or two; Ctrl-C must not wait for it.
    let age = Duration::from_secs(TRANSACTION_AGE.value);
    let proxy = tokio::select! {
        proxy = assemble::proxy(settings, Origin::Environment, age) => proxy?,
        stop = signals.next() => return Ok(stop.exit_code()),
    };
    for (listener, endpoint) in proxy.listening() {
        tracing::info!(%listener, cluster = endpoint, "listening");
    }
    tracing::info!("ready for connections");
    let mut stop = Stop::Terminate;
    proxy
        .run(async {
            stop = signals.next().await;
            tracing::info!(signal = ?stop, "shutting down");
        })
        .await;
    Ok(stop.exit_code())
}
