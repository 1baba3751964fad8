//! Listeners and the life of a client.
//!
//! - **Owns** accepting, the loop of one client, the cancel registry, what is answered over HTTP.
//! - **May touch** every room below.
//! - **Must not** be known to a room below.
//! - **Invariants** one task drives a client and its server; every failure reaches the client as
//!   an ErrorResponse.

mod accept;
mod account;
mod age;
mod cancel;
mod client;
mod endpoints;
mod errand;
mod farewell;
mod leasing;
mod login;
mod parting;
mod pause;
mod place;
mod progress;
mod relay;
mod roster;
mod server;
mod setup;
mod shared;
mod signals;
mod transfer;

pub use setup::{Proxy, ProxyError};
pub use shared::{ClusterOptions, ProxyOptions, SearchPath};
