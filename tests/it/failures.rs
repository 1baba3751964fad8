//! What a client is told when there is no way to the cluster, or the way breaks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use dsql_proxy::wire::backend::TransactionStatus;
use dsql_proxy::wire::{ErrorResponse, Severity, SqlState};

use crate::support::fake::{ENDPOINT, FakeCluster, FakeConnection};
use crate::support::raw::{RawClient, ends, error, shape};
use crate::support::{LocalProxy, ProxyAlone, Told, connect, within};

const LOST: &str = "the connection to Aurora DSQL was lost";

fn cannot_connect(detail: &str, hint: &str) -> Told {
    Told {
        severity: "FATAL".into(),
        code: "08001".into(),
        message: format!("could not connect to {ENDPOINT}"),
        detail: detail.into(),
        hint: hint.into(),
    }
}

/// A server that lets everybody in whom it asked for a password.
async fn open_door(mut connection: FakeConnection, _: usize) {
    connection.log_in().await;
    connection.drain().await;
}

#[tokio::test]
async fn without_credentials() {
    let cluster = FakeCluster::start(open_door);
    let upstream = format!("--upstream-address={}", cluster.address);
    let proxy = ProxyAlone::start(
        &[ENDPOINT, &upstream],
        [("SSL_CERT_FILE", cluster.ca_file())],
    );
    let told = proxy.refusal().await;
    assert_eq!(
        (
            told.severity.as_str(),
            told.code.as_str(),
            told.message.as_str()
        ),
        ("FATAL", "28000", "no AWS credentials found")
    );
    assert!(told.detail.starts_with("Looked in: "), "{told:?}");
    assert!(
        told.hint
            .starts_with("Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or choose a profile"),
        "{told:?}"
    );
    assert_eq!(cluster.connects(), 1, "that is not tried again");
}

#[tokio::test]
async fn with_an_sso_session_that_is_over() {
    let cluster = FakeCluster::start(open_door);
    let upstream = format!("--upstream-address={}", cluster.address);
    // The name of the file is the SHA-1 of `dev`, the session's name.
    let expired = "34c6fceca75e456f25e7e99531e2425c6c1de443.json";
    for (cached, profile) in [(false, "default"), (true, "default"), (true, "staging")] {
        let home = tempfile::tempdir().unwrap();
        let cache = home.path().join(".aws/sso/cache");
        std::fs::create_dir_all(&cache).unwrap();
        let section = match profile {
            "default" => "default".to_owned(),
            other => format!("profile {other}"),
        };
        let config = format!(
            "[{section}]\nsso_session = dev\nsso_account_id = 111122223333\nsso_role_name = r\n\
             [sso-session dev]\nsso_region = us-east-1\nsso_start_url = https://x.awsapps.com/start\n"
        );
        std::fs::write(home.path().join(".aws/config"), config).unwrap();
        if cached {
            let token = r#"{"accessToken": "secret-sso-token", "expiresAt": "2020-01-01T00:00:00Z",
                "region": "us-east-1", "startUrl": "https://x.awsapps.com/start"}"#;
            std::fs::write(cache.join(expired), token).unwrap();
        }
        let mut arguments = vec![ENDPOINT, &upstream, "--port=0"];
        let mut hint = "Run: aws sso login";
        if profile != "default" {
            arguments.push("--profile=staging");
            hint = "Run: aws sso login --profile staging";
        }
        let variables = [("SSL_CERT_FILE", cluster.ca_file())];
        let mut proxy = ProxyAlone::start_in(home, &arguments, variables);
        let told = proxy.refusal().await;
        assert_eq!(
            (
                told.code.as_str(),
                told.message.as_str(),
                told.hint.as_str()
            ),
            (
                "28000",
                "the AWS SSO session is missing or has expired",
                hint
            ),
            "{cached} {profile} {told:?}"
        );
        let (_, log) = proxy.process.stop();
        assert!(!log.contains("secret-sso-token"), "{log}");
    }
}

#[tokio::test]
async fn with_no_way_to_the_address() {
    let variables = [
        ("AWS_ACCESS_KEY_ID", "AKIA"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
    ];

    // A name that nobody may have (RFC 6761).
    let upstream = "--upstream-address=nowhere.invalid:5432";
    let proxy = ProxyAlone::start(&[ENDPOINT, upstream], variables);
    let told = proxy.refusal().await;
    let detail = "The name nowhere.invalid could not be resolved: ";
    assert!(told.detail.starts_with(detail), "{told:?}");
    let hint = "A deleted cluster has no name any more. Check the cluster's id and region, and \
                that this machine can use DNS.";
    assert_eq!(told, cannot_connect(&told.detail, hint));

    // A port that is taken, but that nobody listens on.
    let any: std::net::SocketAddr = "127.0.0.1:0".parse().unwrap();
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&any.into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let upstream = format!("--upstream-address={address}");
    let mut proxy = ProxyAlone::start(&[ENDPOINT, &upstream, "--connect-timeout=1s"], variables);
    assert_eq!(
        proxy.refusal().await,
        cannot_connect(
            &format!(
                "{address} did not accept a connection: Connection refused (os error 111). Gave \
                 up after trying for 1s (--connect-timeout)."
            ),
            "Nothing listens there. If --upstream-address is set, check that the tunnel or \
             endpoint it names is up."
        )
    );
    let (_, log) = proxy.process.stop();
    assert!(log.matches("trying again").count() >= 2, "{log}");
}

#[tokio::test]
async fn with_a_certificate_that_does_not_do() {
    let message = format!("could not establish a TLS session with {ENDPOINT}");
    let elsewhere = FakeCluster::named("other.example", open_door);
    let told = elsewhere.proxy(&[]).refusal().await;
    assert_eq!(
        told,
        Told {
            message: message.clone(),
            ..cannot_connect(
                "The server's certificate is not for this name. It is for: other.example.",
                "Give the cluster's own endpoint as CLUSTER, and the tunnel or PrivateLink \
                 address as --upstream-address."
            )
        }
    );
    assert_eq!(elsewhere.connects(), 1, "that is not tried again");

    // The system's authorities, and those of a file: neither signed this one.
    let cluster = FakeCluster::start(open_door);
    let upstream = format!("--upstream-address={}", cluster.address);
    let other = elsewhere.ca_file();
    for variables in [vec![], vec![("SSL_CERT_FILE", other.as_str())]] {
        let proxy = ProxyAlone::start(&[ENDPOINT, &upstream], variables);
        assert_eq!(
            proxy.refusal().await,
            Told {
                message: message.clone(),
                ..cannot_connect(
                    "The server's certificate is signed by an authority that is not trusted.",
                    "Something between here and the cluster may be intercepting TLS. Otherwise \
                     install Amazon Root CA 1 (Debian: ca-certificates), or name a file that has \
                     the authority in SSL_CERT_FILE."
                )
            }
        );
    }
    assert_eq!(cluster.connects(), 2, "that is not tried again");
}

#[tokio::test]
async fn with_the_wrong_secret() {
    let local = LocalProxy::start(&[]);
    let mut variables = local.variables();
    let proxy = ProxyAlone::start(&[], &variables);
    assert!(
        proxy.connect().await.is_ok(),
        "with the right one it gets in"
    );

    variables.insert("AWS_SECRET_ACCESS_KEY".into(), "wrong-secret".into());
    let mut proxy = ProxyAlone::start(&[], &variables);
    let told = Told {
        severity: "FATAL".into(),
        code: "28000".into(),
        message: "unable to accept connection, access denied".into(),
        detail: String::new(),
        hint: "The request signature we calculated does not match the signature you provided. \
               Check your AWS Secret Access Key and signing method."
            .into(),
    };
    assert_eq!(proxy.refusal().await, told);
    let (_, log) = proxy.process.stop();
    assert!(!log.contains("wrong-secret"), "{log}");
    assert!(!log.contains("X-Amz-Signature"), "{log}");
}

/// A server that does with each role what its name says, and counts who came and left how often.
#[derive(Clone, Default)]
struct ByRole {
    came: Counts,
    left: Counts,
}

type Counts = Arc<Mutex<BTreeMap<String, usize>>>;

/// One more for this role; how many that makes.
fn count(counts: &Counts, role: &str) -> usize {
    let mut counts = counts.lock().unwrap();
    let n = counts.entry(role.to_owned()).or_default();
    *n += 1;
    *n
}

impl ByRole {
    fn start() -> (Self, FakeCluster) {
        let counts = Self::default();
        let server = counts.clone();
        let cluster = FakeCluster::start(move |connection, _| server.clone().serve(connection));
        (counts, cluster)
    }

    fn came(&self, role: &str) -> usize {
        self.came.lock().unwrap().get(role).copied().unwrap_or(0)
    }

    fn left(&self, role: &str) -> usize {
        self.left.lock().unwrap().get(role).copied().unwrap_or(0)
    }

    async fn serve(self, mut connection: FakeConnection) {
        let startup = connection.startup().await;
        let role = String::from_utf8(startup.get("user").unwrap().to_vec()).unwrap();
        let n = count(&self.came, &role);
        serve_as(&role, n, &mut connection).await;
        drop(connection);
        count(&self.left, &role);
    }
}

/// Serves a role for the `n`th time.
async fn serve_as(role: &str, n: usize, connection: &mut FakeConnection) {
    let (kind, until) = role.split_once('_').unwrap_or((role, ""));
    let refusal = match kind {
        "full" => Some(("53300", "too many connections")),
        "throttled" => Some(("53400", "unable to accept connection, rate exceeded")),
        "waking" => Some((
            "57P03",
            "unable to accept connection, waking up cluster, please retry later",
        )),
        "denied" => Some(("28000", "unable to accept connection, access denied")),
        _ => None,
    };
    let lets_in = until.parse().is_ok_and(|last: usize| n > last);
    if let Some((code, message)) = refusal.filter(|_| !lets_in) {
        connection.ask_password().await;
        let code = SqlState::parse(code.as_bytes()).unwrap();
        let error = ErrorResponse::fatal(code, message);
        return connection
            .refuse(&error.detail("Its detail.").hint("Its hint."))
            .await;
    }
    match kind {
        "closing" => return,
        // No password, and nothing to cancel with.
        "trusted" => connection.welcome(false).await,
        _ => {
            connection.ask_password().await;
            connection.welcome(true).await;
        }
    }
    if kind == "idle" && !lets_in {
        return;
    }
    talk(kind, connection).await;
}

/// Answers statements, up to the one that the role has come for.
async fn talk(kind: &str, connection: &mut FakeConnection) {
    use TransactionStatus::{Failed, Idle, InTransaction};
    let mut status = Idle;
    while let Some((b'Q', body)) = connection.next().await {
        let sql = String::from_utf8(body[..body.len() - 1].to_vec()).unwrap();
        let mut code = None;
        match sql.to_ascii_lowercase().as_str() {
            "begin" => status = InTransaction,
            // With this the proxy brings a block into the state of the one that was lost.
            "canceled by the client" => (status, code) = (Failed, Some(b"42601")),
            "commit" if status == Failed => status = Idle,
            _ if status == Failed => code = Some(b"25P02"),
            "select 'why'" => {
                let code = SqlState::parse(b"57P01").unwrap();
                let why = ErrorResponse::fatal(code, "it has to stop").hint("Its hint.");
                return connection.refuse(&why).await;
            }
            "select 1" => {}
            _ if kind == "vanishing" => return,
            _ => {}
        }
        match code {
            None => connection.done("OK", status).await,
            Some(code) => {
                let code = SqlState::parse(code).unwrap();
                let error = ErrorResponse::error(code, "it is refused");
                connection.fail(&error, status).await;
            }
        }
    }
}

#[tokio::test]
async fn what_passes_is_tried_again() {
    let (counts, cluster) = ByRole::start();
    let proxy = cluster.proxy(&[]);
    for role in ["full_3", "throttled_3", "waking_3"] {
        let client = connect(&proxy.url(role)).await.unwrap();
        client.batch_execute("select 1").await.unwrap();
        assert_eq!(counts.came(role), 4);
    }

    // Access denied is final.
    let told = Told::from(connect(&proxy.url("denied_1")).await.err().unwrap());
    assert_eq!(
        told,
        Told {
            severity: "FATAL".into(),
            code: "28000".into(),
            message: "unable to accept connection, access denied".into(),
            detail: "Its detail.".into(),
            hint: "Its hint.".into(),
        }
    );
    assert_eq!(counts.came("denied_1"), 1);

    // Without a password, without a key for requests to cancel.
    let mut client = RawClient::connect(proxy.port()).await;
    client.start("trusted").await.unwrap();
    assert_eq!(client.key.as_ref().unwrap().secret.len(), 4);
    assert_eq!(shape(&client.query("select 1").await), "CZ");

    let told = Told::from(connect(&proxy.url("closing")).await.err().unwrap());
    assert_eq!(
        told,
        cannot_connect(
            "The server closed the connection during login.",
            "Try again. If it stays so, check that --upstream-address leads to this very cluster."
        )
    );
    assert_eq!(counts.came("closing"), 1);
}

#[tokio::test]
async fn what_does_not_pass_is_told() {
    for (role, code, message) in [
        ("full", "53300", "too many connections"),
        (
            "throttled",
            "53400",
            "unable to accept connection, rate exceeded",
        ),
        (
            "waking",
            "57P03",
            "unable to accept connection, waking up cluster, please retry later",
        ),
    ] {
        let (counts, cluster) = ByRole::start();
        let proxy = cluster.proxy(&["--queue-timeout=1s"]);
        let told = Told::from(connect(&proxy.url(role)).await.err().unwrap());
        assert_eq!(
            told,
            Told {
                severity: "FATAL".into(),
                code: "53300".into(),
                message: "no connection to the cluster became free within 1s (--queue-timeout)"
                    .into(),
                detail: format!(
                    "Opening another one failed: {message} ({code}): Its detail. 0 of 20 \
                     connections (--pool-size) are in use."
                ),
                hint: "Its hint.".into(),
            }
        );
        assert!(counts.came(role) >= 2, "{role} came once");
    }
}

/// However many clients wait, the cluster is not asked more often.
#[tokio::test]
async fn clients_wait_together_for_a_cluster_that_sheds_load() {
    let (counts, cluster) = ByRole::start();
    let proxy = cluster.proxy(&["--queue-timeout=1s"]);
    let url = proxy.url("full");
    let clients = futures_util::future::join_all((0..50).map(|_| connect(&url)));
    for told in clients.await {
        assert_eq!(Told::from(told.err().unwrap()).code, "53300");
    }
    // A few at once, and then after pauses of 100 ms and more that double.
    let came = counts.came("full");
    assert!((2..=16).contains(&came), "{came} attempts");
}

#[tokio::test]
async fn the_server_vanishes() {
    let (_, cluster) = ByRole::start();
    let proxy = cluster.proxy(&[]);
    let nothing = ("Nothing was changed.", "Run the statement again.");
    let rolled_back = (
        "The open transaction was rolled back.",
        "Repeat the transaction. DSQL closes every connection after 60 minutes.",
    );
    let unknown = (
        "What was in flight may or may not have been committed.",
        "Check whether it took effect before you repeat it.",
    );
    let begun = &["begin", "select 1"][..];
    let insert = "insert into t values (1)";
    for (before, last, code, (detail, hint), status) in [
        (&[][..], "select 2", "08006", nothing, b'I'),
        (&["begin"], insert, "08006", rolled_back, b'E'),
        (begun, insert, "08006", rolled_back, b'E'),
        (begun, "commit", "08007", unknown, b'I'),
        (&[], insert, "08007", unknown, b'I'),
        (&[], "select 2; delete from t", "08007", unknown, b'I'),
        (
            &[],
            "begin; insert into t values (1)",
            "08006",
            rolled_back,
            b'E',
        ),
    ] {
        let mut client = RawClient::connect(proxy.port()).await;
        client.start("vanishing").await.unwrap();
        for sql in before {
            assert_eq!(shape(&client.query(sql).await), "CZ");
        }
        let answer = client.query(last).await;
        assert_eq!(shape(&answer), "EZ", "{before:?} {last:?}");
        let message = match code {
            "08007" => format!("{LOST} and the outcome is unknown"),
            _ => LOST.to_owned(),
        };
        let code = SqlState::parse(code.as_bytes()).unwrap();
        let told = ErrorResponse::error(code, message)
            .detail(detail)
            .hint(hint);
        assert_eq!(error(&answer).unwrap(), told, "{before:?} {last:?}");
        assert_eq!(ends(&answer), status, "{before:?} {last:?}");

        // The session goes on, with another server; a block can only be ended.
        if status == b'E' {
            let answer = client.query("select 1").await;
            assert_eq!(error(&answer).unwrap().sqlstate.as_str(), "25P02");
            assert_eq!(ends(&answer), b'E');
            let answer = client.query("commit").await;
            assert_eq!((shape(&answer).as_str(), ends(&answer)), ("CZ", b'I'));
        }
        let answer = client.query("select 1").await;
        assert_eq!((shape(&answer).as_str(), ends(&answer)), ("CZ", b'I'));
    }

    // It says why.
    let mut client = RawClient::log_in(proxy.port()).await;
    let answer = client.query("select 'why'").await;
    assert_eq!(shape(&answer), "EZ");
    let told = error(&answer).unwrap();
    let message = format!("{LOST}: it has to stop");
    assert_eq!(
        (told.severity, told.sqlstate.as_str(), told.message),
        (Severity::Error, "08006", message)
    );
}

/// A client that does nothing has no server to lose.
#[tokio::test]
async fn a_server_that_vanishes_unused_is_not_missed() {
    let (counts, cluster) = ByRole::start();
    let proxy = cluster.proxy(&[]);
    let mut client = RawClient::connect(proxy.port()).await;
    client.start("idle_1").await.unwrap();
    within(async {
        while counts.left("idle_1") == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let answer = client.query("select 1").await;
    assert_eq!((shape(&answer).as_str(), ends(&answer)), ("CZ", b'I'));
    assert_eq!(counts.came("idle_1"), 2);
}

#[tokio::test]
async fn a_token_is_signed_for_each_connection() {
    let tokens = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&tokens);
    let cluster = FakeCluster::start(move |mut connection, _| {
        let seen = Arc::clone(&seen);
        async move {
            connection.startup().await;
            let token = connection.ask_password().await;
            seen.lock().unwrap().push(token);
            connection.welcome(true).await;
            connection.drain().await;
        }
    });
    let mut proxy = cluster.proxy(&["--debug-logs", "--token-duration=5m"]);
    for role in ["admin", "app"] {
        connect(&proxy.url(role)).await.unwrap();
    }
    let tokens = tokens.lock().unwrap();
    let [admin, app] = tokens.as_slice() else {
        panic!("not two tokens: {tokens:?}");
    };
    for (token, action) in [(admin, "DbConnectAdmin"), (app, "DbConnect")] {
        let start = format!("{ENDPOINT}/?Action={action}&");
        assert!(token.starts_with(&start), "{token}");
        assert!(token.contains("X-Amz-Expires=300&"), "{token}");
    }
    let (_, log) = proxy.process.stop();
    assert!(log.contains("session ended"), "{log}");
    assert!(
        !log.contains("X-Amz"),
        "no token in the log, at its most talkative either:\n{log}"
    );
}
