//! The commands as they are called: what they print, what they log, how they end.

use std::collections::BTreeMap;
use std::process::{Command, Output};
use std::time::Duration;

use dsql_proxy::local::{Cluster, Credentials};
use rustix::process::Signal;
use serde_json::Value;

use crate::local::client::{Access, shape};
use crate::support::fake::{FakeCluster, FakeConnection};
use crate::support::raw::{self, RawClient, error};
use crate::support::{LocalProxy, clean, code, connect, dsql_proxy, within};

fn run(command: &mut Command) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

/// Without anything of the environment.
fn bare(arguments: &[&str]) -> (Option<i32>, String, String) {
    let home = tempfile::tempdir().unwrap();
    run(clean(home.path()).args(arguments))
}

#[test]
fn help_and_version() {
    let version = format!("dsql-proxy {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(bare(&["--version"]), (Some(0), version, String::new()));

    let (code, help, log) = bare(&["--help"]);
    assert_eq!((code, log.as_str()), (Some(0), ""));
    for example in [
        "\n  dsql-proxy local\n",
        "\n  dsql-proxy abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws\n  psql 'host=localhost \
         user=admin dbname=postgres'\n",
        "\n  dsql-proxy --profile dev 'CLUSTER1?port=5432&user=app' \
         'CLUSTER2?port=5433&user=report'\n",
    ] {
        assert!(help.contains(example), "{example} is not in\n{help}");
    }
}

#[test]
fn mistakes() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("dsql-proxy.toml");
    std::fs::write(&file, "# Settings\nmax-client = 3\n").unwrap();
    let file = file.display();
    for (arguments, said) in [
        (
            vec!["--prot", "5433"],
            "error: unknown flag --prot; did you mean `--port`?\n".to_owned(),
        ),
        (
            vec!["--config-file", &file.to_string()],
            format!("error: {file}:2: `max-client`: unknown key; did you mean `max-clients`?\n"),
        ),
    ] {
        assert_eq!(bare(&arguments), (Some(2), String::new(), said));
    }
}

#[tokio::test]
async fn a_token_opens_the_cluster() {
    let proxy = LocalProxy::start(&["--region=eu-west-2"]);
    let variables = proxy.variables();
    for user in ["admin", "app"] {
        let home = tempfile::tempdir().unwrap();
        let mut command = clean(home.path());
        command.args(["token", "--user", user]).envs(&variables);
        let (code, token, log) = run(&mut command);
        assert_eq!((code, log.as_str()), (Some(0), ""));
        let token = token.strip_suffix('\n').unwrap();
        assert!(!token.contains(char::is_whitespace), "{token}");

        if user == "app" {
            let admin = proxy.connect().await.unwrap();
            make_role(&admin, user).await;
        }
        let access = access(&variables);
        let (_client, messages) = access.try_login(user, token, &[]).await;
        assert_eq!(shape(&messages).last(), Some(&'Z'), "{user} gets in");
    }

    let (code, token, log) = bare(&["token", crate::support::fake::ENDPOINT]);
    assert_eq!((code, token.as_str()), (Some(1), ""));
    assert!(
        log.starts_with("error: no AWS credentials found\n"),
        "{log}"
    );
    assert!(log.contains("\nSet AWS_ACCESS_KEY_ID and "), "{log}");
}

/// Makes a role that the local cluster's credentials open.
async fn make_role(admin: &tokio_postgres::Client, role: &str) {
    let arn = Cluster::IAM_ARN;
    for sql in [
        format!("create role {role} with login"),
        format!("aws iam grant {role} to '{arn}'"),
    ] {
        admin.batch_execute(&sql).await.unwrap();
    }
}

/// What a client of the cluster knows from its variables.
pub(crate) fn access(variables: &BTreeMap<String, String>) -> Access {
    let value = |name: &str| variables[name].as_str();
    Access {
        endpoint: value("CLUSTER_ENDPOINT").into(),
        address: value("DSQL_PROXY_UPSTREAM_ADDRESS").parse().unwrap(),
        region: value("AWS_REGION").into(),
        credentials: Credentials::new(value("AWS_ACCESS_KEY_ID"), value("AWS_SECRET_ACCESS_KEY")),
        ca_file: value("SSL_CERT_FILE").into(),
    }
}

#[test]
fn a_command_that_is_run_once() {
    let once = |command: &[&str]| {
        let mut all = dsql_proxy();
        run(all.args(["local", "--once", "--"]).args(command))
    };
    let script = "test \"$DATABASE_URL\" = \"postgresql://$PGUSER@$PGHOST:$PGPORT/$PGDATABASE\" && \
                  test -r \"$DSQL_LOCAL_ENV\" && echo \"$DSQL_LOCAL_ENV\" && exit 7";
    let (code, output, log) = once(&["sh", "-c", script]);
    assert_eq!(code, Some(7), "{log}");
    // Nothing but what the command prints, and nothing stays.
    let env = output.strip_suffix("/env\n").unwrap();
    assert!(!std::path::Path::new(env).exists(), "{env}");

    assert_eq!(once(&["sh", "-c", "kill -KILL $$"]).0, Some(128 + 9));
    let (code, _, log) = once(&["no-such-command"]);
    assert_eq!(code, Some(127));
    let said = "\nerror: cannot run no-such-command: ";
    assert!(log.contains(said), "{log}");
}

#[tokio::test]
async fn signals_end_it_and_clients_are_told() {
    let (sender, mut received) = tokio::sync::mpsc::unbounded_channel();
    let cluster = FakeCluster::start(move |mut connection: FakeConnection, _| {
        let sender = sender.clone();
        async move {
            connection.log_in().await;
            while let Some((tag, _)) = connection.next().await {
                sender.send(tag).ok();
            }
        }
    });
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let mut proxy = cluster.proxy(&[]);
        let mut idle = RawClient::log_in(proxy.port()).await;
        let mut waiting = RawClient::log_in(proxy.port()).await;
        waiting.begin_query("insert into t values (1)").await;
        while within(received.recv()).await != Some(b'Q') {}
        proxy.process.signal(signal);
        let shutdown = "terminating connection because the proxy is shutting down";
        let unknown = format!("{shutdown}; the outcome is unknown");
        // Whoever waits for a write must not believe that it is gone.
        for (client, sqlstate, message) in [
            (&mut idle, "57P01", shutdown),
            (&mut waiting, "08007", &unknown),
        ] {
            let answer = client.until_ready().await;
            assert_eq!(raw::shape(&answer), "E", "and then the end");
            let told = error(&answer).unwrap();
            assert_eq!(
                (told.sqlstate.as_str(), told.message.as_str()),
                (sqlstate, message)
            );
        }
        drop((idle, waiting));
        assert_eq!(proxy.process.wait().0, Some(code));
    }

    // The local cluster in the same way.
    let mut proxy = LocalProxy::start(&[]);
    let mut idle = RawClient::log_in(proxy.port()).await;
    proxy.process.signal(Signal::INT);
    let answer = idle.until_ready().await;
    assert_eq!(error(&answer).unwrap().sqlstate.as_str(), "57P01");
    drop(idle);
    assert_eq!(proxy.process.wait().0, Some(130));
}

#[tokio::test]
async fn logs_say_what_happened_and_no_more() {
    for level in [None, Some("--debug-logs")] {
        let mut arguments = vec!["--structured-logs"];
        arguments.extend(level);
        let mut proxy = LocalProxy::start(&arguments);
        let secret = proxy.variables()["AWS_SECRET_ACCESS_KEY"].clone();
        let client = proxy.connect().await.unwrap();
        // Texts, values, and both in errors.
        client.batch_execute("select 'sqlmarker'").await.unwrap();
        client
            .query("select $1::text || 'sqlmarker'", &[&"valuemarker"])
            .await
            .unwrap();
        let failed = client
            .query("select $1::text::uuid", &[&"valuemarker"])
            .await;
        assert_eq!(code(failed), "22P02");
        let failed = client.batch_execute("select sqlmarker").await;
        assert_eq!(code(failed), "42703");
        let failed = client
            .batch_execute("set statement_timeout = '77777s'")
            .await;
        assert_eq!(code(failed), "0A000");
        drop(client);
        within(async {
            while !proxy.process.log.so_far().contains("session ended") {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;

        let (exit, log) = proxy.stop();
        assert_eq!(exit, Some(143));
        let lines: Vec<Value> = log
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
            .collect();
        let ended: Vec<_> = lines
            .iter()
            .filter(|line| line["message"] == "session ended")
            .collect();
        let [ended] = ended.as_slice() else {
            panic!("not one end of a session:\n{log}");
        };
        assert_eq!(ended["level"], "INFO");
        assert_eq!(ended["role"], "admin");
        assert_eq!(ended["why"], "client closed");
        assert_eq!(ended["statements"], 5);
        // The SET did not get as far as the cluster; preparing has a transaction of its own.
        assert_eq!(ended["transactions"], 6);
        for total in ["received", "sent", "seconds", "pid"] {
            assert!(ended[total].is_u64(), "{total}: {ended}");
        }
        assert!(ended["received"].as_u64() > Some(200), "{ended}");

        let mut never = vec!["valuemarker", "77777", "X-Amz-", secret.as_str()];
        never.extend(level.is_none().then_some("sqlmarker"));
        for text in never {
            assert!(!log.contains(text), "{text} is in the log:\n{log}");
        }
    }
}

#[tokio::test]
async fn a_search_path_for_one_role() {
    let proxy = LocalProxy::start(&["--search-path", "app:s1,public"]);
    let admin = proxy.connect().await.unwrap();
    make_role(&admin, "app").await;
    let show = async |role: &str, more: &str| {
        let url = proxy.url.replace("admin@", &format!("{role}@"));
        let client = connect(&format!("{url}{more}")).await.unwrap();
        let row = client.query_one("show search_path", &[]).await.unwrap();
        row.get::<_, String>(0)
    };
    assert_eq!(show("app", "").await, "s1,public");
    assert_eq!(show("admin", "").await, "\"$user\", public");
    assert_eq!(show("app", "?options=-csearch_path%3Ds2").await, "s2");
    assert_eq!(
        show("app", "?options=-cDateStyle%3DGerman").await,
        "s1,public"
    );
}
