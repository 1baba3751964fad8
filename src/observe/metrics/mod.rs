//! Metrics: one table, counts in plain cells, and text for Prometheus when somebody asks.
//!
//! Counts are kept where they arise; gauges are read from a [`Status`] at the moment somebody
//! asks, so that they cannot drift. Each proxy has its own [`Metrics`]: nothing is global.

mod cells;
mod cluster;
mod docs;
mod render;
mod table;

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::rc::Rc;

pub use cells::{Counter, Family, Histogram};
pub use cluster::{CancelOutcome, ClusterMetrics, RetryOutcome};
pub use docs::reference;
pub use table::{METRICS, Metric, Source};

use super::status::Status;

/// The counts of one proxy.
#[derive(Debug, Default)]
pub struct Metrics {
    clusters: RefCell<Vec<Rc<ClusterMetrics>>>,
}

impl Metrics {
    /// Nothing has been counted yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The counts of the cluster of this name. Asked for once and kept: it looks for the name.
    pub fn cluster(&self, name: &str) -> Rc<ClusterMetrics> {
        let mut clusters = self.clusters.borrow_mut();
        if let Some(known) = clusters.iter().find(|cluster| cluster.name == name) {
            return Rc::clone(known);
        }
        let new = Rc::new(ClusterMetrics::new(name));
        clusters.push(Rc::clone(&new));
        new
    }

    /// Every metric in Prometheus' text format, version 0.0.4; gauges are those of `status`.
    pub fn render(&self, status: &Status) -> String {
        render::render(status, &self.clusters.borrow())
    }
}
