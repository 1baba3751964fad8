//! Limits, quotas and faults of a real local cluster.

use dsql_proxy::dsql::limits::{self, Limit};
use dsql_proxy::local::faults::{Obeyed, Order};
use dsql_proxy::local::{Cluster, Faults, LocalOptions};
use dsql_proxy::wire::encode;
use dsql_proxy::wire::startup::ProtocolVersion;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::client::{Access, Client, Message, Tls, field, shape};
use super::serve_while;
use crate::support;

/// What a test needs of a cluster that is served.
struct Served {
    access: Access,
    faults: Faults,
    control: Option<String>,
}

/// Runs `test` while a cluster is served.
async fn with_options(options: LocalOptions, test: impl AsyncFnOnce(&Served)) {
    let mut cluster = Cluster::start(options).await.unwrap();
    let served = Served {
        access: Access::to(&cluster),
        faults: cluster.faults(),
        control: cluster.control_url(),
    };
    serve_while(&mut cluster, Box::pin(test(&served)))
        .await
        .unwrap();
    cluster.stop().await;
}

fn limited(limits: &[(&'static Limit, u64)]) -> LocalOptions {
    LocalOptions {
        limits: limits.iter().copied().collect(),
        ..LocalOptions::default()
    }
}

fn obey(faults: &Faults, text: &str) -> Vec<Obeyed> {
    let orders = Order::parse(text).unwrap().into_iter();
    orders.map(|order| faults.obey(order).unwrap()).collect()
}

/// Severity, SQLSTATE, message and hint of a refusal, after which the connection must end.
async fn refusal(mut client: Client, messages: &[Message]) -> [String; 4] {
    assert_eq!(client.next().await, None, "the connection ends");
    ['V', 'C', 'M', 'H'].map(|code| field(messages, code).unwrap_or_default())
}

/// Connects, sends a startup packet, and does not wait for the answer.
async fn knock(access: &Access, user: &str) -> Client {
    let mut client = Client::connect(access, &Tls::direct(&access.endpoint))
        .await
        .unwrap();
    let parameters = [("user", user), ("database", "postgres")];
    client.startup(ProtocolVersion::V3_0, &parameters).await;
    client
}

const TOO_MANY: [&str; 4] = [
    "FATAL",
    "53300",
    "Unable to accept connection, too many open connections.",
    "",
];
const TOO_FAST: [&str; 4] = [
    "FATAL",
    "53400",
    "Unable to accept connection, rate exceeded.",
    "",
];

#[tokio::test]
async fn connections_are_counted() {
    let options = limited(&[(&limits::CONNECTIONS, 2)]);
    with_options(options, async |Served { access, .. }| {
        let mut first = access.login("admin").await;
        let mut second = access.login("admin").await;
        let mut third = knock(access, "admin").await;
        let messages = third.until_ready().await;
        assert_eq!(refusal(third, &messages).await, TOO_MANY);
        assert_eq!(first.value("SELECT 1").await, "1");

        let mut terminate = bytes::BytesMut::new();
        encode::frame(b'X', &mut terminate, |_| {});
        first.send(&terminate).await;
        assert_eq!(first.next().await, None);
        // Its place is free when its session is over, which is soon.
        loop {
            let token = access.token("admin").await;
            let (mut client, messages) = access.try_login("admin", &token, &[]).await;
            if shape(&messages).last() == Some(&'Z') {
                assert_eq!(client.value("SELECT 1").await, "1");
                break;
            }
            assert_eq!(refusal(client, &messages).await, TOO_MANY);
        }
        assert_eq!(second.value("SELECT 1").await, "1");
    })
    .await;
}

#[tokio::test]
async fn connections_come_at_a_rate() {
    let options = limited(&[
        (&limits::CONNECTION_RATE, 1),
        (&limits::CONNECTION_BURST, 2),
    ]);
    with_options(options, async |Served { access, .. }| {
        // All at once, so that it does not matter how long each takes.
        let knocks = (0..12).map(|_| knock(access, "admin"));
        let clients = futures_util::future::join_all(knocks).await;
        let mut let_in = 0;
        let mut refused = 0;
        for mut client in clients {
            let (tag, body) = client.next().await.unwrap();
            if tag == 'R' {
                let_in += 1;
            } else {
                assert_eq!(refusal(client, &[(tag, body)]).await, TOO_FAST);
                refused += 1;
            }
        }
        assert!(let_in >= 2, "{let_in}");
        assert!(refused >= 1, "{refused}");
    })
    .await;
}

#[tokio::test]
async fn logins_are_refused_on_demand() {
    let options = LocalOptions {
        faults: Order::parse("refuse reason=denied hint='Signature expired: then' times=1")
            .unwrap(),
        ..LocalOptions::default()
    };
    with_options(options, async |Served { access, faults, .. }| {
        let token = access.token("admin").await;
        let attempt = async || {
            let (client, messages) = access.try_login("admin", &token, &[]).await;
            refusal(client, &messages).await
        };
        let denied = "unable to accept connection, access denied";
        assert_eq!(
            attempt().await,
            ["FATAL", "28000", denied, "Signature expired: then"]
        );
        for (reason, expected) in [
            ("rate", TOO_FAST),
            ("connections", TOO_MANY),
            (
                "waking-up",
                [
                    "FATAL",
                    "57P03",
                    "unable to accept connection, waking up cluster, please retry later",
                    "",
                ],
            ),
        ] {
            let fault = format!("refuse reason={reason} role=admin times=2");
            obey(faults, &fault);
            for _ in 0..2 {
                let mut client = knock(access, "admin").await;
                let messages = client.until_ready().await;
                assert_eq!(shape(&messages), ['E'], "before the password");
                assert_eq!(refusal(client, &messages).await, expected);
            }
            access.login("admin").await;
        }
        obey(faults, "refuse reason=rate role=other times=all");
        access.login("admin").await;
        let left: Vec<_> = faults.list().iter().map(|fault| fault.left).collect();
        assert_eq!(left, [Some(0), Some(0), Some(0), Some(0), None]);
    })
    .await;
}

#[tokio::test]
async fn logins_are_delayed_and_connections_cut() {
    let options = LocalOptions::default();
    with_options(options, async |Served { access, faults, .. }| {
        let mut admin = access
            .login_with("admin", &[("application_name", "one")])
            .await
            .0;
        let mut other = access.login("admin").await;
        assert_eq!(faults.sessions().len(), 2);
        assert_eq!(obey(faults, "cut application-name=one"), [Obeyed::Cut(1)]);
        assert_eq!(admin.next().await, None, "it ends without a word");
        assert_eq!(other.value("SELECT 1").await, "1");

        // Nobody waits for this long: the login is cut while it waits.
        obey(faults, "delay at=login by=1h role=late");
        let mut late = knock(access, "late").await;
        while !faults.sessions().iter().any(|one| one.role == "late") {
            tokio::task::yield_now().await;
        }
        obey(faults, "cut role=late");
        assert_eq!(late.next().await, None);

        // So is one that has yet to send its password.
        let mut silent = knock(access, "silent").await;
        assert_eq!(silent.next().await.unwrap().0, 'R');
        assert_eq!(obey(faults, "cut role=silent"), [Obeyed::Cut(1)]);
        assert_eq!(silent.next().await, None);

        // A delay that somebody waits for.
        obey(faults, "delay at=login by=10ms");
        let mut slow = access.login("admin").await;
        assert_eq!(slow.value("SELECT 1").await, "1");
        assert_eq!(faults.list().last().unwrap().left, Some(0));
    })
    .await;
}

/// One request to the control port; status and body.
async fn ask(url: &str, method: &str, path: &str, headers: &str, body: &str) -> (u16, Value) {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("content-type: application/json"), "{head}");
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap())
}

#[tokio::test]
async fn the_control_port_takes_orders_from_this_machine() {
    let options = LocalOptions {
        control_port: Some(0),
        ..LocalOptions::default()
    };
    with_options(options, async |served| {
        let url = served.control.as_deref().unwrap();
        let ours = "Host: localhost:1\r\n";
        let added = ask(url, "POST", "/faults", ours, "refuse reason=rate").await;
        assert_eq!(added.0, 200);
        assert_eq!(added.1["done"][0]["left"], 1);
        let mut client = knock(&served.access, "admin").await;
        let messages = client.until_ready().await;
        assert_eq!(refusal(client, &messages).await, TOO_FAST);
        let list = ask(url, "GET", "/faults", ours, "").await.1;
        assert_eq!(list["faults"][0]["fired"], 1);

        let mut admin = served.access.login("admin").await;
        let sessions = ask(url, "GET", "/sessions", ours, "").await.1;
        let process_id = &sessions["sessions"][0]["process_id"];
        let body = json!({ "session": process_id }).to_string();
        let cut = ask(url, "POST", "/cut", ours, &body).await;
        assert_eq!(cut, (200, json!({ "done": [{ "cut": 1 }] })));
        assert_eq!(admin.next().await, None);

        let strange = [
            "Host: evil.example\r\n",
            "Host: localhost\r\nOrigin: https://evil.example\r\n",
            "",
        ];
        for headers in strange {
            let (status, body) = ask(url, "POST", "/faults", headers, "oc001").await;
            assert_eq!(status, 403, "{headers}");
            let error = body["error"].as_str().unwrap();
            assert!(error.contains("this machine only"), "{error}");
        }
        let long = "x".repeat(100_000);
        let (status, body) = ask(url, "POST", "/faults", ours, &long).await;
        assert_eq!(status, 400);
        let error = body["error"].as_str().unwrap();
        assert!(error.contains("of at most 65536 bytes"), "{error}");
        assert_eq!(served.faults.list().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn limits_are_told_to_the_sql_behind() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let start = async |tables| {
        let options = LocalOptions {
            data: Some(data.clone()),
            ..limited(&[(&limits::TABLES, tables)])
        };
        let cluster = Cluster::start(options).await.unwrap();
        let superuser = format!(
            "host={} user=dsql_local dbname=postgres",
            data.join("socket").display()
        );
        let (client, connection) = tokio_postgres::connect(&superuser, tokio_postgres::NoTls)
            .await
            .unwrap();
        tokio::spawn(connection);
        (cluster, client)
    };
    let (cluster, client) = start(7).await;
    client
        .batch_execute(
            "SET allow_system_table_mods = on;
             CREATE TABLE IF NOT EXISTS pg_catalog.dsql_local_limits
               (name text PRIMARY KEY, value bigint)",
        )
        .await
        .unwrap();
    drop(client);
    cluster.stop().await;
    let (cluster, client) = start(3).await;
    let rows = client
        .query("SELECT name, value FROM pg_catalog.dsql_local_limits", &[])
        .await
        .unwrap();
    let value = |name: &str| {
        let row = rows.iter().find(|row| row.get::<_, &str>(0) == name);
        row.unwrap().get::<_, i64>(1)
    };
    assert_eq!(value("tables"), 3);
    assert_eq!(value("schemas"), 10);
    drop(client);
    cluster.stop().await;
}

/// Exit code and standard error of `dsql-proxy local` with these arguments.
fn local(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = support::dsql_proxy();
    let output = command.arg("local").args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
fn what_is_wrong_with_a_fault_or_a_limit_is_wrong_with_the_command_line() {
    for (arguments, error) in [
        (
            ["--fault", "oc000 at=begin"],
            "error: --fault: invalid value `oc000 at=begin`: oc000: at=begin: expected execute, \
             sync or commit\n",
        ),
        (
            ["--limit", "transaction-rows=many"],
            "error: --limit: invalid value `transaction-rows=many`: transaction-rows: expected a \
             whole number, such as `3000`\n",
        ),
    ] {
        let (code, _, log) = local(&arguments);
        assert_eq!(code, Some(2), "{log}");
        assert_eq!(log, error);
    }
}

#[test]
fn a_command_finds_the_control_port() {
    let script = "echo $DSQL_LOCAL_CONTROL; grep DSQL_LOCAL_CONTROL \"$DSQL_LOCAL_ENV\"";
    let (code, output, log) = local(&["--once", "--quiet", "--", "sh", "-c", script]);
    assert_eq!(code, Some(0), "{log}");
    let (url, line) = output.split_once('\n').unwrap();
    assert!(url.starts_with("http://127.0.0.1:"), "{output}");
    assert_eq!(line.trim_end(), format!("DSQL_LOCAL_CONTROL={url}"));
}
