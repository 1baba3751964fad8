//! What a proxy tells over HTTP while it works.

use std::net::SocketAddr;

use dsql_proxy::observe::metrics::METRICS;
use dsql_proxy::wire::backend::TransactionStatus;
use dsql_proxy::wire::startup::{CancelRequest, Startup};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::fake::{ENDPOINT, FakeCluster, FakeConnection};
use crate::support::postgres::Postgres;
use crate::support::process::Process;
use crate::support::raw::{RawClient, cancel, shape};
use crate::support::{ProxyAlone, clean, connect, within};

/// Lets in whom it may, and answers every statement. The role `stuck` waits for ever.
async fn answers(mut connection: FakeConnection, _: usize) {
    let Startup { parameters, .. } = connection.startup().await;
    if parameters.contains(&(b"user".to_vec(), b"stuck".to_vec())) {
        return connection.drain().await;
    }
    connection.ask_password().await;
    connection.welcome(true).await;
    let mut status = TransactionStatus::Idle;
    while let Some((tag, body)) = connection.next().await {
        if body.windows(4).any(|text| text == b"hang") {
            return connection.drain().await;
        }
        if tag == b'Q' {
            match body.as_slice() {
                b"begin\0" => status = TransactionStatus::InTransaction,
                b"commit\0" => status = TransactionStatus::Idle,
                _ => {}
            }
            connection.done("OK", status).await;
        }
    }
}

/// Where a proxy answers HTTP.
fn http(proxy: &ProxyAlone) -> SocketAddr {
    let found = proxy.process.log.find(|log| {
        let rest = log.split("http=").nth(1)?;
        rest.split_whitespace().next()?.parse().ok()
    });
    found.expect("the log names the port")
}

/// Head and body of the answer to a request.
async fn ask(address: SocketAddr, request: &str) -> (String, String) {
    let answer = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let answer = within(answer).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

async fn get(address: SocketAddr, path: &str) -> (String, String) {
    ask(
        address,
        &format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n"),
    )
    .await
}

async fn metrics(address: SocketAddr) -> String {
    let (head, body) = get(address, "/metrics").await;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(
        head.contains("content-type: text/plain; version=0.0.4; charset=utf-8\r\n"),
        "{head}"
    );
    body
}

async fn status(address: SocketAddr) -> Value {
    let (head, body) = get(address, "/status").await;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(
        head.contains("content-type: application/json\r\n"),
        "{head}"
    );
    serde_json::from_str(&body).unwrap()
}

/// The value of a metric of the only cluster. `labels` come after `cluster`.
fn value(text: &str, name: &str, labels: &str) -> Option<f64> {
    let series = format!("dsql_proxy_{name}{{cluster=\"{ENDPOINT}\"{labels}}} ");
    let line = text.lines().find_map(|line| line.strip_prefix(&series))?;
    Some(line.parse().unwrap())
}

/// Asks until a metric has a value.
async fn until(address: SocketAddr, name: &str, labels: &str, expected: f64) -> String {
    let scrape = async {
        loop {
            let text = metrics(address).await;
            if value(&text, name, labels) == Some(expected) {
                return text;
            }
        }
    };
    within(scrape).await
}

#[tokio::test]
async fn a_scrape_shows_what_clients_do() {
    let cluster = FakeCluster::start(answers);
    let proxy = cluster.proxy(&["--http-port=0"]);
    let http = http(&proxy);
    let text = metrics(http).await;
    for metric in METRICS {
        let kind = format!("# TYPE {} {}\n", metric.name, metric.source.kind());
        assert!(text.contains(&kind), "{kind}{text}");
    }
    assert!(
        text.contains("\ndsql_proxy_used_client_connections 0\n"),
        "{text}"
    );
    assert_eq!(value(&text, "server_opened_total", ""), Some(0.0));

    let mut client = RawClient::log_in(proxy.port()).await;
    for sql in ["begin", "select 1"] {
        assert_eq!(shape(&client.query(sql).await), "CZ");
    }
    let admin = ",role=\"admin\",database=\"postgres\"";
    let stuck = ",role=\"stuck\",database=\"postgres\"";
    let mut waits = RawClient::connect(proxy.port()).await;
    let waits = async { waits.start("stuck").await };
    let text = tokio::select! {
        _ = waits => panic!("nobody lets it in"),
        text = until(http, "client_waiting_connections", stuck, 1.0) => text,
    };
    for (name, labels, expected) in [
        ("client_active_connections", admin, 1.0),
        ("client_waiting_connections", admin, 0.0),
        ("client_active_connections", stuck, 0.0),
        ("server_active_connections", admin, 1.0),
        ("server_connecting_connections", stuck, 1.0),
        ("server_opened_total", "", 1.0),
        ("server_connect_seconds_count", "", 1.0),
        ("server_tls_handshake_seconds_count", "", 1.0),
        ("token_signing_seconds_count", "", 1.0),
    ] {
        assert_eq!(
            value(&text, name, labels),
            Some(expected),
            "{name}{labels}\n{text}"
        );
    }
    let seconds = |name: &str| value(&text, &format!("{name}_seconds_sum"), "").unwrap();
    let parts = [seconds("server_tls_handshake"), seconds("token_signing")];
    assert!(parts.iter().all(|part| *part > 0.0), "{text}");
    assert!(seconds("server_connect") > parts.iter().sum(), "{text}");

    // Between its transactions a client has no server.
    assert_eq!(shape(&client.query("commit").await), "CZ");
    let text = until(http, "server_idle_connections", admin, 1.0).await;
    for (name, labels, expected) in [
        ("client_active_connections", admin, 0.0),
        ("server_active_connections", admin, 0.0),
        ("queries_total", "", 3.0),
        ("transactions_total", "", 1.0),
    ] {
        assert_eq!(
            value(&text, name, labels),
            Some(expected),
            "{name}{labels}\n{text}"
        );
    }

    drop(client);
    let text = within(async {
        loop {
            let text = metrics(http).await;
            if text.contains("\ndsql_proxy_used_client_connections 1\n") {
                break text;
            }
        }
    })
    .await;
    for name in ["received_bytes_total", "sent_bytes_total"] {
        assert!(value(&text, name, "").unwrap() > 0.0, "{name}\n{text}");
    }
    assert_eq!(
        value(&text, "server_idle_connections", admin),
        Some(1.0),
        "the server stays\n{text}"
    );
}

#[tokio::test]
async fn what_the_proxy_itself_says_is_counted() {
    let cluster = FakeCluster::start(answers);
    let proxy = cluster.proxy(&["--http-port=0"]);
    let http = http(&proxy);
    let rejected = async |sqlstate: &str, times: f64| {
        let label = format!(",sqlstate=\"{sqlstate}\"");
        until(http, "rejections_total", &label, times).await
    };
    let cancelled = async |outcome: &str, times: f64| {
        let label = format!(",outcome=\"{outcome}\"");
        until(http, "cancel_requests_total", &label, times).await
    };

    // At the login, and by a session without a server.
    let mut refused = RawClient::connect(proxy.port()).await;
    let brought = [("user", "admin"), ("lock_timeout", "1s")];
    assert_eq!(shape(&refused.start_with(&brought).await), "E");
    rejected("0A000", 1.0).await;
    let mut client = RawClient::log_in(proxy.port()).await;
    let set = client.query("set lock_timeout = '1s'").await;
    assert_eq!(shape(&set), "EZ");
    rejected("0A000", 2.0).await;

    let key = client.key.clone().unwrap();
    cancel(proxy.port(), &key).await;
    cancelled("ignored", 1.0).await;
    let nobody = CancelRequest {
        pid: key.pid + 1,
        ..key.clone()
    };
    cancel(proxy.port(), &nobody).await;
    cancelled("no_session", 1.0).await;
    // Whoever has a server is cancelled by giving that up.
    for (sql, sqlstate, outcome) in [
        ("select 'hang'", "57014", "canceled"),
        ("insert into t values ('hang')", "08007", "unknown"),
    ] {
        client.begin_query(sql).await;
        let admin = ",role=\"admin\",database=\"postgres\"";
        until(http, "client_active_connections", admin, 1.0).await;
        cancel(proxy.port(), &key).await;
        assert_eq!(shape(&client.until_ready().await), "EZ", "{sql}");
        rejected(sqlstate, 1.0).await;
        cancelled(outcome, 1.0).await;
    }
    // Each time somebody needed a server.
    let text = metrics(http).await;
    assert_eq!(value(&text, "client_wait_seconds_count", ""), Some(2.0));

    // The last words of a session.
    client
        .query("select pg_terminate_backend(pg_backend_pid())")
        .await;
    rejected("57P01", 1.0).await;
}

#[tokio::test]
async fn a_failure_to_connect_is_counted_where_it_happened() {
    let cluster = FakeCluster::named("another.example", answers);
    let proxy = cluster.proxy(&["--http-port=0"]);
    let http = http(&proxy);
    proxy.refusal().await;
    let text = metrics(http).await;
    let failures = value(&text, "server_connect_failures_total", ",stage=\"tls\"");
    assert_eq!(failures, Some(1.0), "{text}");
    assert_eq!(value(&text, "server_opened_total", ""), Some(0.0));
}

#[tokio::test]
async fn the_status_is_for_people_on_this_machine() {
    let cluster = FakeCluster::start(answers);
    let proxy = cluster.proxy(&["--http-port=0", "--max-clients=7"]);
    let http = http(&proxy);
    let empty = json!({ "connected": 0, "active": 0, "waiting": 0 });
    let mut found = status(http).await;
    assert!(found["uptime_seconds"].take().is_u64());
    assert_eq!(
        found,
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "uptime_seconds": null,
            "max_clients": 7,
            "clients": 0,
            "clusters": [{ "endpoint": ENDPOINT, "clients": empty, "pools": [], "pinned": [] }],
        })
    );

    let mut client = RawClient::log_in(proxy.port()).await;
    for sql in ["begin", "select 1"] {
        assert_eq!(shape(&client.query(sql).await), "CZ");
    }
    let found = status(http).await;
    let one = json!({ "connected": 1, "active": 1, "waiting": 0 });
    assert_eq!(found["clients"], 1);
    let cluster = &found["clusters"][0];
    assert_eq!(cluster["clients"], one);
    assert_eq!(cluster["pools"].as_array().unwrap().len(), 1);
    let pool = &cluster["pools"][0];
    assert_eq!(
        (&pool["role"], &pool["database"]),
        (&json!("admin"), &json!("postgres"))
    );
    assert_eq!(pool["clients"], one);
    assert_eq!(pool["servers"]["active"], 1);

    // A page in a browser, with a name that resolves to this machine.
    let (head, body) = ask(http, "GET /status HTTP/1.1\r\nHost: evil.example\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{head}");
    assert!(!body.contains(ENDPOINT), "{body}");
    let (_, body) = get(http, "/").await;
    assert_eq!(body, "there is no /; there are: /metrics, /status\n");
}

#[tokio::test]
async fn who_is_pinned_is_named_with_the_reason() {
    let postgres = Postgres::start();
    let proxy = postgres.proxy(&["--http-port=0"]);
    let http = http(&proxy);
    let url = format!("{}?application_name=keeper", proxy.url("bench"));
    let client = connect(&url).await.unwrap();
    client.batch_execute("select 1").await.unwrap();
    assert_eq!(status(http).await["clusters"][0]["pinned"], json!([]));
    client.batch_execute("listen news").await.unwrap();
    until(http, "client_pinned_connections", "", 1.0).await;
    until(http, "pins_total", ",reason=\"listen\"", 1.0).await;
    let pinned = status(http).await["clusters"][0]["pinned"][0].take();
    assert_eq!(pinned["reason"], "listen", "{pinned}");
    assert_eq!(pinned["role"], "bench", "{pinned}");
    drop(client);
    until(http, "client_pinned_connections", "", 0.0).await;
    until(http, "pins_total", ",reason=\"listen\"", 1.0).await;
}

#[test]
fn a_taken_port_is_an_error_before_anybody_is_served() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let home = tempfile::tempdir().unwrap();
    let flag = format!("--http-port={port}");
    let mut command = clean(home.path());
    let (code, log) = Process::spawn(command.args([ENDPOINT, "--port=0", &flag])).wait();
    let said = format!(
        "error: port {port} of 127.0.0.1 is already in use. Stop the program that uses it \
         (`ss -ltnp 'sport = :{port}'` names it), or choose another with --http-port\n"
    );
    assert_eq!((code, log.as_str()), (Some(1), said.as_str()));
}
