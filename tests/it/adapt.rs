//! What DSQL takes in another form only, sent as PostgreSQL takes it.

mod alters;
mod copies;
mod extended;
mod indexes;
mod interrupted;
mod journal;
mod locks;
mod parameters;
mod scripts;
mod serial;
mod tables;
mod transactions;

use crate::pooling::Mode;
use crate::pooling::cluster::Faulty;

/// A local cluster behind a proxy.
fn cluster(more: &[&str]) -> Faulty {
    Faulty::start(Mode::Transaction, 3, more)
}
