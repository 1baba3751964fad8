//! The conformance suite against a local cluster: directly, with TLS and a token, and through the
//! proxy.
//!
//! To look closer: `CONFORMANCE_FILTER` runs only the probes that hold its text,
//! `CONFORMANCE_PATIENCE` is the longest wait for an answer in seconds. Failures are also printed
//! as they come (`--no-capture`).

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use aws_types::sdk_config::SharedTimeSource;
use dsql_proxy::conformance::{self, Report, RunOptions, Target};
use dsql_proxy::dsql::endpoint;
use dsql_proxy::iam::{CredentialSource, Region, Signer};
use dsql_proxy::net::tls_client::{self, Negotiation};
use dsql_proxy::net::trust;
use dsql_proxy::upstream::Connector;

use super::support::LocalProxy;

/// Longer than any statement takes.
const PATIENCE: Duration = Duration::from_secs(30);

fn patience() -> Duration {
    let seconds = std::env::var("CONFORMANCE_PATIENCE").ok();
    seconds.map_or(PATIENCE, |text| Duration::from_secs(text.parse().unwrap()))
}

fn options(name: &str, is_proxied: bool) -> RunOptions {
    RunOptions {
        name: name.to_owned(),
        patience: patience(),
        retries: 0,
        is_local: true,
        is_proxied,
        filter: std::env::var("CONFORMANCE_FILTER").ok(),
    }
}

/// The endpoint of a local cluster, with its own trust and credentials.
fn cluster(proxy: &LocalProxy) -> Target {
    let variables = proxy.variables();
    let of = |name: &str| variables[name].clone();
    let cluster: endpoint::Cluster = of("CLUSTER_ENDPOINT").parse().unwrap();
    let region = of("AWS_REGION");
    let endpoint = cluster.endpoint(Some(&region)).unwrap();
    let credentials = CredentialSource::fixed(
        &of("AWS_ACCESS_KEY_ID"),
        &of("AWS_SECRET_ACCESS_KEY"),
        None,
        SharedTimeSource::default(),
    );
    let region = Region::parse(&region, "the local cluster").unwrap();
    let signer = Signer::new(&endpoint, region, credentials, Duration::from_mins(15)).unwrap();
    let roots = trust::from_file(Path::new(&of("SSL_CERT_FILE"))).unwrap();
    let address = of("DSQL_PROXY_UPSTREAM_ADDRESS");
    let (host, port) = address.rsplit_once(':').unwrap();
    Target::Cluster {
        connector: Connector {
            endpoint: endpoint.host().to_owned(),
            address: Some((host.to_owned(), port.parse().unwrap())),
            negotiation: Negotiation::Direct,
            timeout: PATIENCE,
            signer,
            tls: tls_client::Connector::new(roots).unwrap(),
            random: Rc::new(|| 0.5),
        },
        user: "admin".to_owned(),
    }
}

/// All failures at once, with the numbers.
fn assert_clean(report: &Report) {
    let failures: Vec<_> = report.failures.iter().map(ToString::to_string).collect();
    assert!(
        report.is_clean(),
        "{}\n\n{}",
        failures.join("\n"),
        report.summary()
    );
}

#[tokio::test]
async fn the_local_cluster_answers_as_dsql_does() {
    let proxy = LocalProxy::start(&[]);
    let suite = conformance::suite().unwrap();
    let options = options("conformance_direct", false);
    let report = conformance::run(&cluster(&proxy), &suite, &options, &mut |failure| {
        eprintln!("{failure}");
    })
    .await;
    assert_clean(&report.unwrap());
}

#[tokio::test]
async fn the_proxy_changes_none_of_the_answers() {
    // What it changes on purpose is tested elsewhere.
    let proxy = LocalProxy::start(&["--ddl=pass", "--advisory-locks=forward"]);
    let url = proxy.url.trim_start_matches("postgresql://admin@");
    let (host, port) = url.trim_end_matches("/postgres").rsplit_once(':').unwrap();
    let target = Target::Plain {
        host: host.to_owned(),
        port: port.parse().unwrap(),
        user: "admin".to_owned(),
    };
    let suite = conformance::suite().unwrap();
    let options = options("conformance_proxied", true);
    let report = conformance::run(&target, &suite, &options, &mut |failure| {
        eprintln!("{failure}");
    })
    .await;
    assert_clean(&report.unwrap());
}

/// What the command prints, and its exit code.
async fn self_test(
    arguments: &[&str],
    variables: &BTreeMap<String, String>,
) -> (Option<i32>, String) {
    let mut command = tokio::process::Command::from(super::support::dsql_proxy());
    command
        .args(["local", "--self-test", "--quiet"])
        .args(arguments)
        .envs(variables);
    let output = super::support::within(command.output()).await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), text)
}

#[tokio::test]
async fn the_command_tests_a_cluster_that_it_has_not_started() {
    let cluster = LocalProxy::start(&[]);
    let variables = cluster.variables();
    let endpoint = variables["CLUSTER_ENDPOINT"].clone();
    let run = async |filter: &str| {
        let arguments = ["--against", &endpoint, "--self-test-filter", filter];
        self_test(&arguments, &variables).await
    };

    let (code, said) = run("identity").await;
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.starts_with(&format!("Testing {endpoint} as admin.\n")),
        "{said}"
    );
    assert!(said.contains("in the schema dsql_self_test_"), "{said}");
    assert!(
        said.ends_with("\nEvery answer is the expected one.\n"),
        "{said}"
    );

    // A local cluster does not name its access method as DSQL does.
    let (code, said) = run("pg_am").await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("] SELECT amname FROM pg_am"), "{said}");
    assert!(
        said.contains("\n    expected SELECT 1 = btree_index\n    got      "),
        "{said}"
    );
    let client = cluster.connect().await.unwrap();
    let left = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'dsql_self_test%'";
    let left: i64 = client.query_one(left, &[]).await.unwrap().get(0);
    assert_eq!(left, 0);
}

#[tokio::test]
async fn the_command_tests_a_cluster_of_its_own() {
    let (code, said) = self_test(&["--self-test-filter=types:5"], &BTreeMap::default()).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.starts_with("\ntypes "), "{said}");
}
