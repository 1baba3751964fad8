//! The metrics as Prometheus reads them: its text format, version 0.0.4.

use std::borrow::Cow;
use std::rc::Rc;

use ::metrics::{Key, Label};
use metrics_exporter_prometheus::LabelSet;
use metrics_exporter_prometheus::formatting::{
    write_help_line, write_metric_line, write_type_line,
};

use super::cells::{BOUNDS, Histogram};
use super::{ClusterMetrics, METRICS, Metric, Source};
use crate::observe::status::{PoolStatus, Status};

/// Pools of a cluster that are shown one by one. The names of roles come from clients: what is
/// beyond is shown as one, so that they cannot make the answer as long as they like.
const MOST_POOLS: usize = 100;

/// What stands for the role and the database of the pools beyond [`MOST_POOLS`].
const OTHER: &str = "other";

/// Every metric, with gauges out of `status` and counts out of `clusters`.
pub(super) fn render(status: &Status, clusters: &[Rc<ClusterMetrics>]) -> String {
    let pools: Vec<_> = status
        .clusters
        .iter()
        .map(|cluster| (cluster.endpoint.as_str(), bounded(&cluster.pools)))
        .collect();
    let mut out = Lines::default();
    for metric in METRICS {
        out.head(metric);
        match metric.source {
            Source::Version => out.value(metric, &[("version", status.version)], 1),
            Source::Process(read) => out.value(metric, &[], read(status)),
            Source::Cluster(read) => {
                for cluster in &status.clusters {
                    out.value(metric, &[("cluster", &cluster.endpoint)], read(cluster));
                }
            }
            Source::Pool(read) => {
                for (cluster, pools) in &pools {
                    for pool in pools.iter() {
                        let labels = [
                            ("cluster", *cluster),
                            ("role", &pool.role),
                            ("database", &pool.database),
                        ];
                        if let Some(value) = read(pool) {
                            out.value(metric, &labels, value);
                        }
                    }
                }
            }
            Source::Count(read) => {
                for cluster in clusters {
                    out.value(metric, &[("cluster", &cluster.name)], read(cluster).get());
                }
            }
            Source::CountBy(label, read) => {
                for cluster in clusters {
                    for (value, count) in read(cluster).counts() {
                        out.value(
                            metric,
                            &[("cluster", &cluster.name), (label, &value)],
                            count,
                        );
                    }
                }
            }
            Source::Durations(read) => {
                for cluster in clusters {
                    out.histogram(metric, &cluster.name, read(cluster));
                }
            }
        }
        out.0.push('\n');
    }
    out.0
}

#[derive(Default)]
struct Lines(String);

impl Lines {
    fn head(&mut self, metric: &Metric) {
        write_help_line(&mut self.0, metric.name, None, None, metric.help);
        write_type_line(&mut self.0, metric.name, None, None, metric.source.kind());
    }

    fn value(&mut self, metric: &Metric, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let no_more: Option<(&'static str, f64)> = None;
        write_metric_line(
            &mut self.0,
            metric.name,
            None,
            &set(labels),
            no_more,
            value,
            None,
        );
    }

    fn histogram(&mut self, metric: &Metric, cluster: &str, histogram: &Histogram) {
        let labels = set(&[("cluster", cluster)]);
        let out = &mut self.0;
        let (counts, all) = histogram.cumulative();
        for (bound, count) in BOUNDS.iter().zip(counts) {
            let le = std::time::Duration::from_micros(*bound).as_secs_f64();
            write_metric_line(
                out,
                metric.name,
                Some("bucket"),
                &labels,
                Some(("le", le)),
                count,
                None,
            );
        }
        let le = Some(("le", "+Inf"));
        write_metric_line(out, metric.name, Some("bucket"), &labels, le, all, None);
        let (no_more, sum) = (None::<(&'static str, f64)>, histogram.sum().as_secs_f64());
        write_metric_line(out, metric.name, Some("sum"), &labels, no_more, sum, None);
        write_metric_line(out, metric.name, Some("count"), &labels, no_more, all, None);
    }
}

#[expect(
    clippy::default_trait_access,
    reason = "the type is of a crate that the exporter does not re-export"
)]
fn set(labels: &[(&str, &str)]) -> LabelSet {
    let labels: Vec<_> = labels
        .iter()
        .map(|(name, value)| Label::new((*name).to_owned(), (*value).to_owned()))
        .collect();
    LabelSet::from_key_and_global(&Key::from_parts("", labels), &Default::default())
}

/// `pools`, of which those beyond the limit have become one.
fn bounded(pools: &[PoolStatus]) -> Cow<'_, [PoolStatus]> {
    if pools.len() <= MOST_POOLS {
        return Cow::Borrowed(pools);
    }
    let (shown, rest) = pools.split_at(MOST_POOLS);
    let mut other = PoolStatus {
        role: OTHER.to_owned(),
        database: OTHER.to_owned(),
        ..PoolStatus::default()
    };
    for pool in rest {
        other.clients.connected += pool.clients.connected;
        other.clients.active += pool.clients.active;
        other.clients.waiting += pool.clients.waiting;
        other.servers.active += pool.servers.active;
        other.servers.idle += pool.servers.idle;
        other.servers.connecting += pool.servers.connecting;
        other.longest_wait_seconds = other.longest_wait_seconds.max(pool.longest_wait_seconds);
    }
    let mut bounded = shown.to_vec();
    bounded.push(other);
    Cow::Owned(bounded)
}
