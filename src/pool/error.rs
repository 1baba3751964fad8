//! Why there is no server.

use std::time::Duration;

use super::PoolSnapshot;
use crate::wire::{ErrorResponse, SqlState};

/// Why a pool gave no server. `E` is why one could not be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckoutError<E> {
    /// None became free in time.
    Timeout(Box<QueueTimeout<E>>),
    /// None could be opened, and there is none to wait for.
    Open(E),
    /// The pool is closed.
    Closed,
}

/// A client has waited too long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueTimeout<E> {
    /// The setting: how long a client waits.
    pub limit: Duration,
    /// How the pool was doing at the end of the wait, without this client.
    pub pool: PoolSnapshot,
    /// Why no server could be opened, if the last attempt failed.
    pub last_failure: Option<E>,
}

impl<E> CheckoutError<E> {
    /// What the client is told: an ERROR; during a login the caller makes it FATAL. `of_open` is
    /// what a client is told of an open that failed.
    pub fn to_response(&self, of_open: impl FnOnce(&E) -> ErrorResponse) -> ErrorResponse {
        match self {
            Self::Timeout(timeout) => timeout.to_response(of_open),
            Self::Open(error) => of_open(error),
            Self::Closed => ErrorResponse::error(
                SqlState::ADMIN_SHUTDOWN,
                "the proxy is shutting down and opens no more transactions",
            )
            .hint("Connect again."),
        }
    }
}

impl<E> QueueTimeout<E> {
    fn to_response(&self, of_open: impl FnOnce(&E) -> ErrorResponse) -> ErrorResponse {
        let limit = humantime::format_duration(self.limit);
        let response = ErrorResponse::error(
            SqlState::TOO_MANY_CONNECTIONS,
            format!("no connection to the cluster became free within {limit} (--queue-timeout)"),
        );
        let usage = self.usage();
        if let Some(failure) = &self.last_failure {
            // That time passed is not the reason; why no connection could be opened is.
            let failure = of_open(failure);
            let why = match &failure.detail {
                Some(detail) => format!("{} ({}): {detail}", failure.message, failure.sqlstate),
                None => format!("{} ({}).", failure.message, failure.sqlstate),
            };
            let mut response =
                response.detail(format!("Opening another one failed: {why} {usage}"));
            response.hint = failure.hint;
            return response;
        }
        let size = self.pool.size;
        if self.pool.active >= size {
            return response.detail(usage).hint(format!(
                "Shorten transactions, or raise --pool-size (now {size}) or --queue-timeout (now \
                 {limit})."
            ));
        }
        response
            .detail(format!(
                "{usage} The cluster has not answered to {} that are being opened.",
                self.pool.connecting
            ))
            .hint(format!(
                "Check that the cluster can be reached. A cluster that wakes up needs some time: \
                 then raise --queue-timeout (now {limit})."
            ))
    }

    fn usage(&self) -> String {
        let PoolSnapshot { size, active, .. } = self.pool;
        format!("{active} of {size} connections (--pool-size) are in use.")
    }
}

#[cfg(test)]
mod tests;
