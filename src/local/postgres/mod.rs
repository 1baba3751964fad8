//! The PostgreSQL behind a local cluster: where its programs are, as which user they run, how it
//! starts and ends, and a connection of our own to it.

mod admin;
mod find;
mod group;
mod process;
mod stale;
mod user;

pub(super) use admin::{Admin, SUPERUSER, fields, literal};
pub(super) use find::Binaries;
pub(super) use process::{Durability, Places, Postgres, create, version_of};
pub(super) use user::{Launcher, name_of};
