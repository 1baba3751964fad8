//! Settings.
//!
//! - **Owns** one table of settings ([`SETTINGS`]), from which flags, environment variables, TOML
//!   keys and their documentation come.
//! - **May touch** `dsql`.
//! - **Must not** open a socket, print, or read the environment or a file by itself.
//! - **Invariants** everything is checked before a port is bound; every error says where the bad
//!   value was given; flags beat the environment, the environment beats the file.
//!
//! [`parse()`] is the only way in: arguments, environment and a function that reads a file go in, a
//! [`Command`] with typed settings comes out.

mod cluster;
pub mod docs;
mod env;
mod error;
mod file;
mod flags;
mod help;
mod limit;
mod parameters;
mod parse;
mod resolve;
mod search_path;
mod setting;
mod source;
mod suggest;
mod table;
mod types;
mod value;

#[cfg(test)]
mod tests;

pub use env::Environment;
pub use error::ConfigError;
pub use parse::{Parsed, parse};
pub use search_path::SearchPaths;
pub use setting::{CommandName, DefaultValue, Group, Kind, Places, Scope, Setting};
pub use table::SETTINGS;
pub use types::{
    AdvisoryLocks, ClusterSettings, Command, Ddl, DdlTransactions, ListenAddress, LocalSettings,
    LogFormat, LogLevel, LogSettings, PoolMode, PoolSettings, ProxySettings, SelfTest,
    TlsNegotiation, TokenSettings, UnsupportedParameters,
};
