//! Listeners and the life of a client.
//!
//! - **Owns** accepting, the loop of one client, the cancel registry.
//! - **May touch** every room below.
//! - **Must not** be known to a room below.
//! - **Invariants** one task drives a client and its server; every failure reaches the client as
//!   an ErrorResponse.

mod accept;
mod cancel;
mod client;
mod farewell;
mod place;
mod relay;
mod renew;
mod setup;
mod shared;

pub use setup::{Proxy, ProxyError};
pub use shared::{ClusterOptions, ProxyOptions, SearchPath};
