//! Credentials, regions and tokens.
//!
//! - **Owns** everything that touches AWS.
//! - **May touch** `config`, `dsql`.
//! - **Must not** know the wire protocol or SQL.
//! - **Invariants** a token is never logged, printed, stored or put into an error.

mod chain;
mod classify;
pub mod credentials;
pub mod error;
pub mod region;
pub mod signer;
pub mod token;

#[cfg(test)]
mod testing;

pub use credentials::{CredentialOptions, CredentialSource};
pub use error::IamError;
pub use region::{Region, RegionError};
pub use signer::Signer;
pub use token::Token;
