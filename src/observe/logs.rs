//! Logs on standard error.

use std::io::{self, IsTerminal};

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

/// What a line looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Warnings and errors.
    Quiet,
    /// What an operator wants to know.
    Normal,
    /// What a developer wants to know.
    Debug,
}

/// Starts logging for the whole process. A second call changes nothing.
pub fn init_logs(format: Format, level: Level) {
    let own = match level {
        Level::Quiet => LevelFilter::WARN,
        Level::Normal => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
    };
    // Only our own events: at their debug level the AWS SDK and hyper print requests, and
    // with them credentials.
    let filter = Targets::new()
        .with_target("dsql_proxy", own)
        .with_default(LevelFilter::OFF);
    let layer = match format {
        Format::Text => fmt::layer()
            .with_writer(io::stderr)
            .with_ansi(io::stderr().is_terminal())
            .with_target(false)
            .boxed(),
        Format::Json => fmt::layer()
            .json()
            .flatten_event(true)
            .with_writer(io::stderr)
            .boxed(),
    };
    // Fails only if logging has been started before.
    tracing_subscriber::registry()
        .with(layer.with_filter(filter))
        .try_init()
        .ok();
}
