//! Tests of the metrics.

use std::collections::BTreeSet;
use std::time::Duration;

use super::*;
use crate::observe::status::{Clients, ClusterStatus, PinnedSession, PoolStatus, Servers};

fn status() -> Status {
    Status {
        version: "1.2.3",
        uptime_seconds: 7,
        max_clients: 1000,
        clients: 5,
        clusters: vec![ClusterStatus {
            endpoint: "c".into(),
            clients: Clients {
                connected: 5,
                active: 2,
                waiting: 1,
            },
            pools: vec![pool("admin")],
            pinned: vec![PinnedSession::default()],
        }],
    }
}

fn pool(role: &str) -> PoolStatus {
    PoolStatus {
        role: role.into(),
        database: "postgres".into(),
        size: Some(20),
        clients: Clients {
            connected: 5,
            active: 2,
            waiting: 1,
        },
        servers: Servers {
            active: 2,
            idle: 3,
            connecting: 4,
        },
        longest_wait_seconds: 0.25,
    }
}

/// A proxy that has counted something of everything.
fn busy() -> Metrics {
    let metrics = Metrics::new();
    let cluster = metrics.cluster("c");
    cluster.on_transaction();
    cluster.on_queries(2);
    cluster.received(10);
    cluster.sent(20);
    cluster.waited(Duration::ZERO);
    cluster.waited(Duration::from_millis(3));
    cluster.waited(Duration::from_mins(2));
    let [whole, tls, token] = [30, 10, 1].map(Duration::from_millis);
    cluster.opened(whole, tls, token);
    cluster.connect_failed("dial");
    cluster.closed("lifetime");
    cluster.occ_conflict("OC001");
    cluster.occ_retry(RetryOutcome::Succeeded);
    cluster.pinned("LISTEN");
    cluster.rejected("0A000");
    cluster.cancel(CancelOutcome::Unknown);
    metrics
}

#[track_caller]
fn says(text: &str, line: &str) {
    assert!(text.lines().any(|l| l == line), "no `{line}` in\n{text}");
}

#[test]
fn what_is_counted_is_shown() {
    let text = busy().render(&status());
    for line in [
        "dsql_proxy_version_info{version=\"1.2.3\"} 1",
        "dsql_proxy_uptime_seconds 7",
        "dsql_proxy_max_client_connections 1000",
        "dsql_proxy_used_client_connections 5",
        "dsql_proxy_client_active_connections{cluster=\"c\",role=\"admin\",database=\"postgres\"} 2",
        "dsql_proxy_client_waiting_connections{cluster=\"c\",role=\"admin\",database=\"postgres\"} 1",
        "dsql_proxy_client_idle_connections{cluster=\"c\",role=\"admin\",database=\"postgres\"} 2",
        "dsql_proxy_client_maxwait_seconds{cluster=\"c\",role=\"admin\",database=\"postgres\"} 0.25",
        "dsql_proxy_client_pinned_connections{cluster=\"c\"} 1",
        "dsql_proxy_server_active_connections{cluster=\"c\",role=\"admin\",database=\"postgres\"} 2",
        "dsql_proxy_server_idle_connections{cluster=\"c\",role=\"admin\",database=\"postgres\"} 3",
        "dsql_proxy_server_connecting_connections{cluster=\"c\",role=\"admin\",database=\"postgres\"} 4",
        "dsql_proxy_pool_size{cluster=\"c\",role=\"admin\",database=\"postgres\"} 20",
        "dsql_proxy_transactions_total{cluster=\"c\"} 1",
        "dsql_proxy_queries_total{cluster=\"c\"} 2",
        "dsql_proxy_received_bytes_total{cluster=\"c\"} 10",
        "dsql_proxy_sent_bytes_total{cluster=\"c\"} 20",
        "dsql_proxy_client_wait_seconds_bucket{cluster=\"c\",le=\"0.0001\"} 1",
        "dsql_proxy_client_wait_seconds_bucket{cluster=\"c\",le=\"0.0025\"} 1",
        "dsql_proxy_client_wait_seconds_bucket{cluster=\"c\",le=\"0.005\"} 2",
        "dsql_proxy_client_wait_seconds_bucket{cluster=\"c\",le=\"60\"} 2",
        "dsql_proxy_client_wait_seconds_bucket{cluster=\"c\",le=\"+Inf\"} 3",
        "dsql_proxy_client_wait_seconds_sum{cluster=\"c\"} 120.003",
        "dsql_proxy_client_wait_seconds_count{cluster=\"c\"} 3",
        "dsql_proxy_server_opened_total{cluster=\"c\"} 1",
        "dsql_proxy_server_closed_total{cluster=\"c\",reason=\"lifetime\"} 1",
        "dsql_proxy_server_connect_failures_total{cluster=\"c\",stage=\"dial\"} 1",
        "dsql_proxy_server_connect_seconds_sum{cluster=\"c\"} 0.03",
        "dsql_proxy_server_tls_handshake_seconds_sum{cluster=\"c\"} 0.01",
        "dsql_proxy_token_signing_seconds_sum{cluster=\"c\"} 0.001",
        "dsql_proxy_occ_conflicts_total{cluster=\"c\",code=\"OC000\"} 0",
        "dsql_proxy_occ_conflicts_total{cluster=\"c\",code=\"OC001\"} 1",
        "dsql_proxy_occ_retries_total{cluster=\"c\",outcome=\"succeeded\"} 1",
        "dsql_proxy_pins_total{cluster=\"c\",reason=\"LISTEN\"} 1",
        "dsql_proxy_rejections_total{cluster=\"c\",sqlstate=\"0A000\"} 1",
        "dsql_proxy_cancel_requests_total{cluster=\"c\",outcome=\"unknown\"} 1",
        "dsql_proxy_cancel_requests_total{cluster=\"c\",outcome=\"ignored\"} 0",
    ] {
        says(&text, line);
    }
}

/// Reads the text as Prometheus does, and holds it against the table.
#[test]
fn the_text_is_what_the_table_says() {
    let text = busy().render(&status());
    let mut samples = text.lines().filter(|line| !line.is_empty()).peekable();
    for metric in METRICS {
        let Metric {
            name, help, source, ..
        } = metric;
        assert_eq!(samples.next(), Some(&*format!("# HELP {name} {help}")));
        assert_eq!(
            samples.next(),
            Some(&*format!("# TYPE {name} {}", source.kind()))
        );
        let mut seen = 0;
        while let Some(line) = samples.next_if(|line| !line.starts_with('#')) {
            let (series, value) = line.rsplit_once(' ').unwrap();
            assert!(value.parse::<f64>().is_ok(), "{line}");
            let (base, labels) = series.split_once('{').unwrap_or((series, "}"));
            let suffixes: &[&str] = match source {
                Source::Durations(_) => &["_bucket", "_sum", "_count"],
                _ => &[""],
            };
            assert!(
                suffixes.iter().any(|s| base == format!("{name}{s}")),
                "{line}"
            );
            let labels: Vec<_> = labels
                .trim_end_matches('}')
                .split(',')
                .filter_map(|label| Some(label.split_once('=')?.0))
                .filter(|label| *label != "le")
                .collect();
            assert_eq!(labels, source.labels(), "{line}");
            seen += 1;
        }
        assert!(seen > 0, "{name} has no value");
    }
    assert_eq!(samples.next(), None);
}

/// "Metric and label naming" of the Prometheus documentation.
#[test]
fn names_follow_the_conventions_of_prometheus() {
    let names: BTreeSet<_> = METRICS.iter().map(|metric| metric.name).collect();
    assert_eq!(names.len(), METRICS.len(), "a name is there twice");
    for metric in METRICS {
        let name = metric.name;
        assert!(name.starts_with("dsql_proxy_"), "{name}");
        assert!(
            name.chars().all(|c| c.is_ascii_lowercase() || c == '_'),
            "{name}"
        );
        let kind = metric.source.kind();
        assert_eq!(name.ends_with("_total"), kind == "counter", "{name}");
        assert!(kind != "histogram" || name.ends_with("_seconds"), "{name}");
        assert!(metric.help.ends_with('.'), "{name}");
    }
}

#[test]
fn names_from_clients_cannot_break_the_text() {
    let mut status = status();
    status.clusters[0].pools = vec![pool("a\"} 1\nevil{x=\"\\")];
    let text = Metrics::new().render(&status);
    assert!(!text.lines().any(|line| line.starts_with("evil")), "{text}");
    says(
        &text,
        r#"dsql_proxy_pool_size{cluster="c",role="a\"} 1\nevil{x=\"\\",database="postgres"} 20"#,
    );
}

#[test]
fn there_are_only_so_many_pools_and_values() {
    let mut status = status();
    status.clusters[0].pools = (0..150).map(|i| pool(&format!("r{i}"))).collect();
    let metrics = Metrics::new();
    let text = metrics.render(&status);
    let active = text
        .lines()
        .filter(|line| line.starts_with("dsql_proxy_client_active_connections{"));
    assert_eq!(active.count(), 101);
    says(
        &text,
        "dsql_proxy_server_idle_connections{cluster=\"c\",role=\"other\",database=\"other\"} 150",
    );

    let cluster = metrics.cluster("c");
    for i in 0..1000 {
        cluster.rejected(&format!("{i:05}"));
    }
    let counts = cluster.rejections.counts();
    assert_eq!(counts.len(), 65);
    assert_eq!(counts.iter().map(|(_, count)| count).sum::<u64>(), 1000);
    assert_eq!(counts[64], ("other".to_owned(), 936));
}

#[test]
fn proxies_and_clusters_are_told_apart() {
    let (one, two) = (Metrics::new(), Metrics::new());
    one.cluster("a").on_transaction();
    one.cluster("b");
    one.cluster("a").on_transaction();
    two.cluster("a");
    let text = one.render(&Status::default());
    says(&text, "dsql_proxy_transactions_total{cluster=\"a\"} 2");
    says(&text, "dsql_proxy_transactions_total{cluster=\"b\"} 0");
    let text = two.render(&Status::default());
    says(&text, "dsql_proxy_transactions_total{cluster=\"a\"} 0");
}

#[test]
fn a_bound_belongs_to_its_bucket() {
    let histogram = Histogram::default();
    histogram.record(Duration::from_micros(100));
    histogram.record(Duration::from_nanos(100_001));
    histogram.record(Duration::MAX);
    let (counts, all) = histogram.cumulative();
    assert_eq!((counts[0], counts[1], counts[16], all), (1, 2, 2, 3));
    assert_eq!(histogram.count(), 3);
}
