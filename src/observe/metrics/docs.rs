//! `docs/metrics.md` out of the table of metrics. A test keeps the file equal to it.

use super::METRICS;
use super::cells::BOUNDS;

const HEAD: &str = "\
# Metrics

This file is generated from the table of metrics (`src/observe/metrics/table.rs`).

`--http-port 9090` makes the proxy answer HTTP on 127.0.0.1:

- `GET /metrics`: everything below, in the text format of Prometheus.
- `GET /status`: the same moment as JSON: the version, each cluster with its clients and pools, and
  each session that is pinned to its server, with the reason. It answers this machine only, also
  when `--http-address` is another one.

```yaml
scrape_configs:
  - job_name: dsql-proxy
    static_configs:
      - targets: [\"127.0.0.1:9090\"]
```

A **client** is what connects to the proxy, a **server** is a connection of the proxy to DSQL, as
in PgBouncer. The last column names the metric of
[pgbouncer_exporter](https://github.com/prometheus-community/pgbouncer_exporter) that means the
same, without its prefix `pgbouncer_`. Gauges are read when they are asked for; counters and
histograms begin with 0 when the proxy starts.

The label `cluster` is the endpoint. `role` and `database` are those of the clients; pools beyond
the first hundred of a cluster are shown as one, `other`.

";

/// The reference.
pub fn reference() -> String {
    let mut out = String::from(HEAD);
    out.push_str("| Metric | Kind | Labels | | pgbouncer_exporter |\n|---|---|---|---|---|\n");
    for metric in METRICS {
        let labels: Vec<_> = metric
            .source
            .labels()
            .into_iter()
            .map(|label| format!("`{label}`"))
            .collect();
        let pgbouncer = match metric.pgbouncer {
            "" => String::new(),
            name => format!("`{name}`"),
        };
        let row = [
            format!("`{}`", metric.name),
            metric.source.kind().to_owned(),
            labels.join(", "),
            metric.help.to_owned(),
            pgbouncer,
        ];
        out.push_str(&format!("| {} |\n", row.join(" | ")).replace("|  |", "| |"));
    }
    let bounds: Vec<_> = BOUNDS
        .iter()
        .map(|bound| std::time::Duration::from_micros(*bound).as_secs_f64())
        .map(|seconds| seconds.to_string())
        .collect();
    let bounds = bounds.join(", ");
    out + "\nEvery histogram has the buckets " + &bounds + " (seconds).\n"
}
