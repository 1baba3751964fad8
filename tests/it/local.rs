//! A real local cluster, over real TLS.

mod adapted_ddl;
mod catalog;
pub(crate) mod client;
mod concurrency;
mod eviction;
mod faults;
mod frames;
mod iam;
mod jobs;
mod like_postgres;
mod limits;
mod model;
mod rights;
mod statement_faults;
mod transactions;

use std::path::Path;

use bytes::BytesMut;
use dsql_proxy::local::{Cluster, LocalError, LocalOptions};
use dsql_proxy::wire::encode;
use dsql_proxy::wire::startup::{CancelRequest, ProtocolVersion};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use self::client::{Access, Client, Tls, error, extended, field, only_value, shape};

const DENIED: &str = "unable to accept connection, access denied";

/// Runs `test` while a temporary cluster is served.
async fn with_cluster(test: impl AsyncFnOnce(&Access)) {
    with_options(LocalOptions::default(), test).await;
}

async fn with_options(options: LocalOptions, test: impl AsyncFnOnce(&Access)) {
    let mut cluster = Cluster::start(options).await.unwrap();
    let access = Access::to(&cluster);
    serve_while(&mut cluster, Box::pin(test(&access)))
        .await
        .unwrap();
    let directory = cluster.directory().to_owned();
    assert!(directory.exists());
    cluster.stop().await;
    assert!(!directory.exists(), "a temporary directory is deleted");
}

async fn serve_while(
    cluster: &mut Cluster,
    test: impl Future<Output = ()>,
) -> Result<(), LocalError> {
    let (stop, stopped) = oneshot::channel::<()>();
    let serve = cluster.serve(async { stopped.await.unwrap_or(()) });
    let run = async {
        test.await;
        // The cluster may have ended by itself.
        stop.send(()).unwrap_or(());
    };
    tokio::join!(serve, run).0
}

/// A session behind the front, given the directory of PostgreSQL's socket.
async fn superuser(socket: &Path) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::Config::new()
        .host_path(socket)
        .user("dsql_local")
        .dbname("postgres")
        .connect(tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    client
}

#[tokio::test]
async fn it_passes_for_dsql() {
    with_cluster(async |access| {
        let (mut admin, messages) = access
            .login_with("admin", &[("application_name", "test")])
            .await;
        let status = |name: &str| {
            let prefix = [name.as_bytes(), b"\0"].concat();
            let found = messages
                .iter()
                .find(|(tag, body)| *tag == 'S' && body.starts_with(&prefix));
            String::from_utf8(found.unwrap().1[prefix.len()..].to_vec()).unwrap()
        };
        assert_eq!(status("server_version"), "16.15\0");
        assert_eq!(status("TimeZone"), "UTC\0");
        assert_eq!(status("server_encoding"), "UTF8\0");
        assert_eq!(status("client_encoding"), "UTF8\0");
        assert_eq!(status("application_name"), "test\0");
        assert_eq!(status("is_superuser"), "off\0");
        assert!(shape(&messages).contains(&'K'));

        for (sql, value) in [
            ("SELECT version()", "PostgreSQL 16"),
            ("SHOW server_version", "16.15"),
            ("show \"server_version_num\" ;", "160015"),
            ("SELECT current_setting('server_version')", "16.15"),
            (
                "SELECT current_setting('Server_Version_Num', true)::int / 10000",
                "16",
            ),
            (
                "SELECT setting FROM pg_settings WHERE name = 'server_version'",
                "16.15",
            ),
            (
                "SELECT count(*) FROM pg_settings WHERE name LIKE 'dsql_local%'",
                "0",
            ),
            ("SHOW max_connections", "20"),
            ("SHOW TimeZone", "UTC"),
            ("SHOW transaction_isolation", "repeatable read"),
            ("SELECT current_schema", "public"),
            (
                "SELECT datcollate FROM pg_database WHERE datname = current_database()",
                "C",
            ),
            (
                "SELECT rolsuper FROM pg_roles WHERE rolname = current_user",
                "f",
            ),
        ] {
            assert_eq!(admin.value(sql).await, value, "{sql}");
        }
        // Wherever else one might look.
        for sql in [
            "SELECT boot_val FROM pg_settings WHERE name = 'server_version_num'",
            "SELECT reset_val FROM pg_settings WHERE name = 'server_version_num'",
        ] {
            assert_eq!(admin.value(sql).await, "160015", "{sql}");
        }
        let gone =
            "SELECT count(*) FROM pg_settings WHERE name IN ('lc_collate', 'data_directory')";
        assert_eq!(admin.value(gone).await, "0");
        let gone = "SELECT current_setting('lc_collate', true) IS NULL";
        assert_eq!(admin.value(gone).await, "t");
        let (state, text, _) = admin.refused("SELECT current_setting('lc_ctype')").await;
        assert_eq!(state, "42704");
        assert_eq!(text, "unrecognized configuration parameter \"lc_ctype\"");
        for shown in [
            admin.query("SHOW ALL").await,
            admin.extended("SHOW ALL").await,
        ] {
            assert!(
                shown.contains(&('C', b"SHOW\0".to_vec())),
                "{:?}",
                shape(&shown)
            );
            let rows = shown.iter().map(|(_, body)| String::from_utf8_lossy(body));
            let all: String = rows.collect();
            assert!(
                all.contains("server_version") && all.contains("160015"),
                "{all}"
            );
            for hidden in ["dsql_local", "15.1", "15001", "lc_collate"] {
                assert!(!all.contains(hidden), "{hidden}");
            }
        }
        let shown = admin.query("SHOW server_version").await;
        assert_eq!(shape(&shown), ['T', 'D', 'C', 'Z']);
        assert_eq!(&shown[0].1[2..17], b"server_version\0");
        assert_eq!(shown[2].1, b"SHOW\0");
        assert_eq!(
            admin.refused("SHOW lc_collate").await,
            (
                "42704".into(),
                "unrecognized configuration parameter \"lc_collate\"".into(),
                'I'
            )
        );

        // admin makes tables, schemas and roles; roles get in with DbConnect.
        for sql in [
            "CREATE TABLE t (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), v int)",
            "CREATE SCHEMA app",
            "CREATE ROLE alice WITH LOGIN",
            "GRANT USAGE ON SCHEMA app TO alice",
        ] {
            let messages = admin.query(sql).await;
            assert_eq!(
                shape(&messages),
                ['C', 'Z'],
                "{sql}: {:?}",
                error(&messages)
            );
        }
        admin.grant_iam("alice", Cluster::IAM_ARN).await;
        let (mut alice, _) = access
            .login_with("alice", &[("options", "-c search_path=app")])
            .await;
        assert_eq!(alice.value("SELECT current_user").await, "alice");
        assert_eq!(alice.value("SHOW search_path").await, "app");
        let denied = alice.query("CREATE TABLE public.u (id int)").await;
        assert_eq!(field(&denied, 'C').unwrap(), "42501");
    })
    .await;
}

#[tokio::test]
async fn only_the_right_token_opens() {
    let mut cluster = Cluster::start(LocalOptions::default()).await.unwrap();
    let access = Access::to(&cluster);
    let faults = cluster.faults();

    // The hint with which a password is denied.
    let denied = async |user: &str, password: &str| {
        let (mut client, messages) = access.try_login(user, password, &[]).await;
        assert_eq!(shape(&messages), ['R', 'E'], "{messages:?}");
        assert_eq!(field(&messages, 'V').unwrap(), "FATAL");
        assert_eq!(field(&messages, 'C').unwrap(), "28000");
        assert_eq!(field(&messages, 'M').unwrap(), DENIED);
        assert_eq!(client.next().await, None, "the connection ends");
        field(&messages, 'H').unwrap()
    };
    let admin = access.token("admin").await;
    let role = access.token("alice").await;
    let elsewhere = Access {
        region: "eu-west-1".into(),
        ..access.clone()
    };
    let other_cluster = Access {
        endpoint: access.endpoint.replacen(&access.endpoint[..4], "aaaa", 1),
        ..access.clone()
    };
    let key = |id: &str, secret: &str| dsql_proxy::local::Credentials::new(id, secret);
    let other_key = Access {
        credentials: key("AKIDOTHER", "secret"),
        ..access.clone()
    };
    let other_secret = Access {
        credentials: key(access.credentials.access_key_id(), "secret"),
        ..access.clone()
    };
    let session = Access {
        credentials: access.credentials.clone().with_session_token("unasked"),
        ..access.clone()
    };
    let invalid = "The security token included in the request is invalid.";
    let mismatch = "The request signature we calculated does not match the signature you provided. \
                    Check your AWS Secret Access Key and signing method.";
    let test = async {
        assert_eq!(
            denied("admin", &role).await,
            "Wrong user to action mapping. user: admin, action: DbConnect"
        );
        assert_eq!(
            denied("alice", &admin).await,
            "Wrong user to action mapping. user: alice, action: DbConnectAdmin"
        );
        assert_eq!(
            denied("admin", &elsewhere.token("admin").await).await,
            "Credential should be scoped to a valid region, not 'eu-west-1'."
        );
        assert_eq!(
            denied("admin", &other_cluster.token("admin").await).await,
            mismatch
        );
        assert_eq!(
            denied("admin", &other_secret.token("admin").await).await,
            mismatch
        );
        assert_eq!(
            denied("admin", &other_key.token("admin").await).await,
            invalid
        );
        assert_eq!(
            denied("admin", &session.token("admin").await).await,
            invalid
        );
        assert!(
            denied("admin", "postgres")
                .await
                .starts_with("Request is missing")
        );
        assert!(denied("admin", "").await.starts_with("Request is missing"));
        access.login("admin").await;

        // A good token for a role that does not exist, or may not log in, or is ours.
        for user in ["nobody", "dsql_local", "pg_monitor"] {
            let (_, messages) = access.try_login(user, &access.token(user).await, &[]).await;
            assert_eq!(field(&messages, 'C').unwrap(), "28000", "{user}");
            let text = field(&messages, 'M').unwrap();
            let expected = match user {
                "pg_monitor" => "role \"pg_monitor\" is not permitted to log in".to_owned(),
                _ => format!("role \"{user}\" does not exist"),
            };
            assert_eq!(text, expected);
        }
        let (_, messages) = access
            .try_login("admin", &admin, &[("database", "template1")])
            .await;
        assert_eq!(field(&messages, 'C').unwrap(), "3D000");
        assert_eq!(
            field(&messages, 'M').unwrap(),
            "database \"template1\" does not exist"
        );

        let fresh = access.token("admin").await;
        faults.shift_clock(1000);
        let hint = denied("admin", &fresh).await;
        assert!(hint.starts_with("Signature expired: "), "{hint}");
        faults.shift_clock(-1000);
        let hint = denied("admin", &fresh).await;
        assert!(hint.starts_with("Signature not yet current: "), "{hint}");
    };
    serve_while(&mut cluster, Box::pin(test)).await.unwrap();
    cluster.stop().await;
}

/// Statement, and the name in DSQL's refusal.
const REFUSED: [(&str, &str); 14] = [
    ("SET work_mem = '4MB'", "work_mem"),
    ("set Statement_Timeout to 0;", "statement_timeout"),
    (
        "/* c */ SET LOCAL \"lock_timeout\" = 0 -- c",
        "lock_timeout",
    ),
    (
        "SET SESSION client_min_messages = warning",
        "client_min_messages",
    ),
    ("SET a.b = 'it''s'", "a.b"),
    ("SET role = 'x'", "role"),
    ("SET ROLE admin", "role"),
    (
        "SET default_transaction_isolation = 'serializable'",
        "default_transaction_isolation",
    ),
    ("SET TRANSACTION READ ONLY", "TRANSACTION"),
    (
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "TRANSACTION",
    ),
    (
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        "TRANSACTION",
    ),
    ("SET XML OPTION DOCUMENT", "xmloption"),
    ("SELECT set_config('work_mem', '4MB', false)", "work_mem"),
    (
        "SELECT pg_catalog.set_config(name, setting, true) FROM pg_settings WHERE name = 'geqo'",
        "geqo",
    ),
];

#[tokio::test]
async fn parameters_are_enforced_in_statements() {
    with_cluster(async |access| {
        let mut client = access.login("admin").await;
        let text = |name: &str| format!("setting configuration parameter \"{name}\" not supported");
        for (sql, name) in REFUSED {
            assert_eq!(
                client.refused(sql).await,
                ("0A000".into(), text(name), 'I'),
                "{sql}"
            );
            assert_eq!(client.value("SELECT 1").await, "1", "the session goes on");
        }
        // The name is echoed as it is, whatever is in it.
        let odd = client.refused("SET \"o'dd$$\" = 1").await;
        assert_eq!(odd, ("0A000".into(), text("o'dd$$"), 'I'));

        // In a block the transaction is aborted.
        for (sql, name) in REFUSED {
            client.query("BEGIN").await;
            let simple = client.query(sql).await;
            assert_eq!(field(&simple, 'M').unwrap(), text(name));
            assert_eq!(simple.last().unwrap().1, b"E", "{sql}");
            assert_eq!(client.refused("SELECT 1").await.0, "25P02");
            assert_eq!(client.refused(sql).await.0, "25P02");
            let commit = client.query("COMMIT").await;
            assert_eq!(commit[0].1, b"ROLLBACK\0");
        }

        // Several statements in one Query are one transaction.
        client.query("CREATE TABLE t (v int)").await;
        let messages = client
            .query("INSERT INTO t VALUES (1); SET jit = off; SELECT 2")
            .await;
        assert_eq!(shape(&messages), ['C', 'E', 'Z']);
        assert_eq!(client.value("SELECT count(*) FROM t").await, "0");

        // A failed statement of a pipeline skips the rest up to Sync.
        let mut out = BytesMut::new();
        extended("INSERT INTO t VALUES (1)", &mut out);
        extended("SET jit = off", &mut out);
        extended("INSERT INTO t VALUES (2)", &mut out);
        encode::sync(&mut out);
        extended("SELECT count(*) FROM t", &mut out);
        encode::sync(&mut out);
        client.send(&out).await;
        let first = client.until_ready().await;
        assert_eq!(shape(&first), ['1', '2', 'n', 'C', '1', '2', 'n', 'E', 'Z']);
        assert_eq!(only_value(&client.until_ready().await), "0");

        for level in ["SERIALIZABLE", "READ COMMITTED", "READ UNCOMMITTED"] {
            for begin in [
                "BEGIN ISOLATION LEVEL",
                "start transaction read only, isolation level",
            ] {
                let refused = client.refused(&format!("{begin} {level}")).await;
                let text = format!("Unsupported isolation level: {level}");
                assert_eq!(refused, ("0A000".into(), text, 'I'));
            }
        }
        let begun = client
            .query("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            .await;
        assert_eq!(begun.last().unwrap().1, b"T");
        client.query("ROLLBACK").await;
    })
    .await;
}

#[tokio::test]
async fn what_dsql_allows_works() {
    with_cluster(async |access| {
        let mut client = access.login("admin").await;
        for (set, show, value) in [
            ("SET application_name = 'x'", "SHOW application_name", "x"),
            (
                "SET TIME ZONE 'Europe/Berlin'",
                "SHOW timezone",
                "Europe/Berlin",
            ),
            (
                "SET SESSION DateStyle TO 'German'",
                "SHOW datestyle",
                "German, DMY",
            ),
            ("SET NAMES 'LATIN1'", "SHOW client_encoding", "LATIN1"),
            ("SET SCHEMA 'pg_catalog'", "SHOW search_path", "pg_catalog"),
            ("SET extra_float_digits = 2", "SHOW extra_float_digits", "2"),
            ("SET enable_seqscan = off", "SHOW enable_seqscan", "off"),
            (
                "SET dsql.enable_batched_nestloop = on",
                "SHOW dsql.enable_batched_nestloop",
                "on",
            ),
            (
                "SET disable_sync_create_index = off",
                "SHOW disable_sync_create_index",
                "off",
            ),
            (
                "RESET disable_sync_create_index",
                "SHOW disable_sync_create_index",
                "on",
            ),
            (
                "SELECT set_config('disable_sync_create_index', 'off', false)",
                "SELECT current_setting('disable_sync_create_index')",
                "off",
            ),
            (
                "SELECT set_config('search_path', 'public', false)",
                "SHOW search_path",
                "public",
            ),
            ("RESET work_mem", "SHOW application_name", "x"),
            ("RESET ALL", "SHOW timezone", "UTC"),
            ("SET CONSTRAINTS ALL DEFERRED", "SELECT 1", "1"),
            (
                "SET SESSION AUTHORIZATION DEFAULT",
                "SELECT current_user",
                "admin",
            ),
        ] {
            let done = client.extended(set).await;
            assert_eq!(error(&done), None, "{set}");
            assert_eq!(client.value(show).await, value, "{set}");
        }
        // PostgreSQL's own errors come without a trace of our functions.
        let messages = client
            .query("SELECT set_config('datestyle', 'nonsense', false)")
            .await;
        assert_eq!(field(&messages, 'C').unwrap(), "22023");
        assert_eq!(field(&messages, 'W'), None);
        let messages = client.query("SELECT current_setting('nonsense')").await;
        assert_eq!(field(&messages, 'C').unwrap(), "42704");
        assert_eq!(field(&messages, 'W'), None);
        assert_eq!(
            client
                .value("SELECT current_setting('nonsense', true) IS NULL")
                .await,
            "t"
        );
    })
    .await;
}

#[tokio::test]
async fn parameters_are_enforced_at_startup() {
    with_cluster(async |access| {
        let token = access.token("admin").await;
        let refused = async |parameters: &[(&str, &str)]| {
            let (_, messages) = access.try_login("admin", &token, parameters).await;
            assert_eq!(shape(&messages), ['R', 'E'], "{parameters:?}");
            assert_eq!(field(&messages, 'V').unwrap(), "FATAL");
            (
                field(&messages, 'C').unwrap(),
                field(&messages, 'M').unwrap(),
            )
        };
        let text = |name: &str| {
            (
                "0A000".to_owned(),
                format!("setting configuration parameter \"{name}\" not supported"),
            )
        };
        assert_eq!(
            refused(&[("default_transaction_read_only", "on")]).await,
            text("default_transaction_read_only")
        );
        assert_eq!(
            refused(&[("options", "-c statement_timeout=5s")]).await,
            text("statement_timeout")
        );
        assert_eq!(
            refused(&[("options", "--search_path=a -cwork-mem=1")]).await,
            text("work_mem")
        );
        assert_eq!(
            refused(&[("replication", "true")]).await,
            text("replication")
        );
        assert_eq!(
            refused(&[("options", "-c dsql_local.server_version=1")]).await,
            text("dsql_local.server_version")
        );
        assert_eq!(
            refused(&[("options", "-d 5")]).await,
            (
                "42601".into(),
                "invalid command-line argument for server process: -d".into()
            )
        );
        let other = refused(&[("options", "-c amzn-cluster-id=aaaa")]).await;
        assert_eq!(other, ("28000".into(), DENIED.into()));

        let id = access.endpoint.split('.').next().unwrap();
        let (mut client, _) = access
            .login_with(
                "admin",
                &[
                    ("DateStyle", "German"),
                    ("extra_float_digits", "2"),
                    ("TimeZone", "Asia/Tokyo"),
                    ("disable_sync_create_index", "off"),
                    (
                        "options",
                        &format!(
                            "-c search_path=\"a\\ b\",c --amzn-cluster-id={id} -c TimeZone=UTC"
                        ),
                    ),
                ],
            )
            .await;
        for (name, value) in [
            ("search_path", "\"a b\",c"),
            ("datestyle", "German, DMY"),
            ("timezone", "Asia/Tokyo"),
            ("disable_sync_create_index", "off"),
        ] {
            assert_eq!(client.value(&format!("SHOW {name}")).await, value);
        }
    })
    .await;
}

#[tokio::test]
async fn connections_begin_as_with_dsql() {
    with_cluster(async |access| {
        let endpoint = &access.endpoint;
        for tls in [
            Tls::direct(endpoint),
            Tls::requested(endpoint),
            Tls {
                sni: Some(endpoint.to_uppercase()),
                ..Tls::direct(endpoint)
            },
        ] {
            let mut client = Client::connect(access, &tls).await.unwrap();
            client
                .startup(
                    ProtocolVersion::V3_0,
                    &[("user", "admin"), ("database", "postgres")],
                )
                .await;
            let messages = client.password(&access.token("admin").await).await;
            assert_eq!(shape(&messages).last(), Some(&'Z'));
        }
        for tls in [
            Tls {
                sni: None,
                ..Tls::direct(endpoint)
            },
            Tls {
                sni: None,
                ..Tls::requested(endpoint)
            },
            Tls::direct("other.dsql.us-east-1.on.aws"),
            Tls {
                alpn: vec![],
                ..Tls::direct(endpoint)
            },
        ] {
            assert!(Client::connect(access, &tls).await.is_err());
        }

        // A newer protocol is negotiated down.
        let mut client = Client::connect(access, &Tls::direct(endpoint))
            .await
            .unwrap();
        let parameters = [
            ("user", "admin"),
            ("database", "postgres"),
            ("_pq_.test", "1"),
        ];
        client.startup(ProtocolVersion::V3_2, &parameters).await;
        let (tag, body) = client.next().await.unwrap();
        assert_eq!(tag, 'v');
        assert_eq!(body, b"\0\x03\0\0\0\0\0\x01_pq_.test\0");
        let messages = client.password(&access.token("admin").await).await;
        assert_eq!(shape(&messages).last(), Some(&'Z'));

        // A CancelRequest is taken and does nothing.
        let (_, key) = messages.into_iter().find(|(tag, _)| *tag == 'K').unwrap();
        let request = CancelRequest {
            pid: i32::from_be_bytes(key[..4].try_into().unwrap()),
            secret: key[4..].to_vec(),
        };
        let mut out = BytesMut::new();
        encode::query(b"SELECT count(pg_sleep(0.2))", &mut out);
        client.send(&out).await;
        let mut packet = BytesMut::new();
        request.encode(&mut packet);
        let mut canceller = TcpStream::connect(access.address).await.unwrap();
        canceller.write_all(&packet).await.unwrap();
        assert_eq!(canceller.read(&mut [0]).await.unwrap(), 0);
        assert_eq!(only_value(&client.until_ready().await), "1");

        // Not without TLS, and not in another protocol.
        let mut plain = TcpStream::connect(access.address).await.unwrap();
        plain
            .write_all(b"\0\0\0\x14\0\x03\0\0user\0admin\0\0")
            .await
            .unwrap();
        let mut answer = vec![];
        plain.read_to_end(&mut answer).await.unwrap();
        let text = String::from_utf8_lossy(&answer);
        assert!(
            text.contains("FATAL") && text.contains("TLS is required"),
            "{text}"
        );
        let mut http = TcpStream::connect(access.address).await.unwrap();
        http.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        assert_eq!(http.read(&mut [0]).await.unwrap_or(0), 0);
    })
    .await;
}

#[tokio::test]
async fn bytes_flow_both_ways_without_limit_of_size() {
    with_cluster(async |access| {
        // Eight megabytes of requests whose answers nobody reads until all are sent: more than
        // all buffers together in either direction.
        let mut client = access.login("admin").await;
        let sql = format!("SELECT '{}'", "x".repeat(64 * 1024));
        let mut out = BytesMut::new();
        for _ in 0..128 {
            extended(&sql, &mut out);
        }
        encode::sync(&mut out);
        let answers = client.exchange(&out).await;
        let rows = answers.iter().filter(|(tag, _)| *tag == 'D').count();
        assert_eq!(rows, 128);

        // A row of 20 MB comes through; a message of more than 10 MiB ends the connection.
        assert_eq!(
            client.value("SELECT repeat('x', 20000000)").await.len(),
            20_000_000
        );
        let long = format!("SELECT '{}'", "x".repeat(10 * 1024 * 1024));
        let answers = client.exchange(&query(&long)).await;
        assert_eq!(answers, [], "without a word");

        let mut client = access.login("admin").await;
        let fitting = format!("SELECT length('{}')", "x".repeat(10 * 1024 * 1024 - 64));
        assert_eq!(only_value(&client.query(&fitting).await), "10485696");

        // Nonsense is answered.
        let answers = client.exchange(b"!\0\0\0\x04").await;
        assert_eq!(field(&answers, 'C').unwrap(), "08P01");
    })
    .await;
}

fn query(sql: &str) -> BytesMut {
    let mut out = BytesMut::new();
    encode::query(sql.as_bytes(), &mut out);
    out
}

#[tokio::test]
async fn a_data_directory_is_kept_and_has_one_owner() {
    let dir = tempfile::tempdir_in("/tmp").unwrap();
    let options = LocalOptions {
        data: Some(dir.path().join("cluster")),
        ..LocalOptions::default()
    };
    let mut cluster = Cluster::start(options.clone()).await;
    if let Err(LocalError::Unreachable { at, .. }) = &cluster {
        // As root, and `tempfile` made a directory for root alone: said clearly.
        assert_eq!(at, dir.path());
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o711);
        std::fs::set_permissions(dir.path(), open).unwrap();
        cluster = Cluster::start(options.clone()).await;
    }
    let mut cluster = cluster.unwrap();
    let access = Access::to(&cluster);
    let ca = std::fs::read(&access.ca_file).unwrap();

    let error = Cluster::start(options.clone()).await.unwrap_err();
    assert!(matches!(error, LocalError::InUse { .. }), "{error}");
    assert!(
        error.to_string().contains(&std::process::id().to_string()),
        "{error}"
    );

    let env = std::fs::read_to_string(cluster.env_file()).unwrap();
    for line in [
        format!("CLUSTER_ENDPOINT={}", access.endpoint),
        format!("DSQL_PROXY_CLUSTER_ENDPOINT={}", access.endpoint),
        format!("DSQL_PROXY_UPSTREAM_ADDRESS={}", access.address),
        format!("SSL_CERT_FILE={}", access.ca_file.display()),
        format!("AWS_ACCESS_KEY_ID={}", access.credentials.access_key_id()),
        format!(
            "AWS_SECRET_ACCESS_KEY={}",
            access.credentials.secret_access_key()
        ),
        "AWS_REGION=us-east-1".to_owned(),
        "AWS_SESSION_TOKEN=".to_owned(),
    ] {
        assert!(env.lines().any(|l| l == line), "{line} in {env}");
    }
    serve_while(&mut cluster, async {
        let mut client = access.login("admin").await;
        client.query("CREATE TABLE kept (v int)").await;
        client.query("INSERT INTO kept VALUES (42)").await;
    })
    .await
    .unwrap();
    cluster.stop().await;

    let mut cluster = Cluster::start(options).await.unwrap();
    let again = Access::to(&cluster);
    assert_eq!(again.endpoint, access.endpoint);
    assert!(again.credentials == access.credentials);
    assert_eq!(std::fs::read(&again.ca_file).unwrap(), ca);
    serve_while(&mut cluster, async {
        let mut client = again.login("admin").await;
        assert_eq!(client.value("SELECT v FROM kept").await, "42");
        assert_eq!(client.value("SHOW server_version").await, "16.15");
    })
    .await
    .unwrap();
    cluster.stop().await;

    let occupied = LocalOptions {
        data: Some(dir.path().to_owned()),
        ..LocalOptions::default()
    };
    let error = Cluster::start(occupied).await.unwrap_err();
    assert!(matches!(error, LocalError::NotACluster { .. }), "{error}");
}

#[tokio::test]
async fn the_end_of_postgresql_is_reported() {
    let mut cluster = Cluster::start(LocalOptions::default()).await.unwrap();
    let access = Access::to(&cluster);
    let pid = std::fs::read_to_string(cluster.directory().join("pgdata/postmaster.pid")).unwrap();
    let pid = rustix::process::Pid::from_raw(pid.lines().next().unwrap().parse().unwrap()).unwrap();
    // Nobody asks for a shutdown.
    let serve = cluster.serve(std::future::pending());
    let client = async {
        let mut client = access.login("admin").await;
        rustix::process::kill_process(pid, rustix::process::Signal::QUIT).unwrap();
        let messages = client.until_ready().await;
        let state = field(&messages, 'C').unwrap();
        assert!(
            ["57P02", "57P01", "08006"].contains(&state.as_str()),
            "{messages:?}"
        );
    };
    let error = tokio::join!(serve, client).0.unwrap_err();
    assert!(matches!(error, LocalError::Exited { .. }), "{error}");
    cluster.stop().await;
}

#[tokio::test]
async fn a_shutdown_is_told_to_clients() {
    let mut cluster = Cluster::start(LocalOptions::default()).await.unwrap();
    let access = Access::to(&cluster);
    let (login, logged_in) = oneshot::channel::<()>();
    let serve = cluster.serve(async { logged_in.await.unwrap_or(()) });
    let client = async {
        let mut client = access.login("admin").await;
        login.send(()).unwrap();
        let messages = client.until_ready().await;
        assert_eq!(field(&messages, 'C').unwrap(), "57P01");
    };
    tokio::join!(serve, client).0.unwrap();
    cluster.stop().await;
}

/// The messages of an error, as SQLSTATE.
async fn state(client: &mut Client, sql: &str) -> Option<String> {
    field(&client.query(sql).await, 'C')
}

#[tokio::test]
async fn admin_gets_no_further_than_the_database() {
    let dir = tempfile::tempdir_in("/tmp").unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o711);
    std::fs::set_permissions(dir.path(), open).unwrap();
    let options = LocalOptions {
        data: Some(dir.path().join("cluster")),
        ..LocalOptions::default()
    };
    let mut cluster = Cluster::start(options.clone()).await.unwrap();
    let access = Access::to(&cluster);
    let cluster_socket = cluster.directory().join("socket");
    let granted = "SELECT count(*) FROM pg_auth_members WHERE member = 'admin'::regrole
        AND roleid < 16384";
    serve_while(&mut cluster, async {
        let mut admin = access.login("admin").await;
        let denied = Some("42501".to_owned());
        assert_eq!(state(&mut admin, "CREATE TABLE o (l text)").await, None);
        for sql in [
            "GRANT pg_execute_server_program TO admin",
            "GRANT pg_read_server_files TO admin",
            "GRANT pg_write_server_files TO admin",
            "GRANT pg_monitor TO admin",
            "GRANT dsql_local TO admin",
            "CREATE ROLE r IN ROLE pg_execute_server_program",
        ] {
            assert_eq!(state(&mut admin, sql).await, denied, "{sql}");
        }
        assert_eq!(admin.value(granted).await, "0");
        // Lock everybody out, as far as that goes.
        let superuser = superuser(&cluster_socket).await;
        let sql = "ALTER ROLE admin NOLOGIN NOCREATEROLE CONNECTION LIMIT 0";
        superuser.batch_execute(sql).await.unwrap();
        // As a data directory may have it that an earlier version prepared.
        let sql = "GRANT pg_execute_server_program TO admin";
        superuser.batch_execute(sql).await.unwrap();
        assert_eq!(admin.value(granted).await, "1");
    })
    .await
    .unwrap();
    cluster.stop().await;

    let mut cluster = Cluster::start(options).await.unwrap();
    let access = Access::to(&cluster);
    serve_while(&mut cluster, async {
        let mut admin = access.login("admin").await;
        assert_eq!(state(&mut admin, "CREATE ROLE someone").await, None);
        assert_eq!(admin.value(granted).await, "0");
    })
    .await
    .unwrap();
    cluster.stop().await;
}

/// The exit code of `dsql-proxy local --once` with this command.
fn once(command: &[&str]) -> Option<i32> {
    std::process::Command::new(env!("CARGO_BIN_EXE_dsql-proxy"))
        .args(["local", "--once", "--quiet", "--"])
        .args(command)
        .envs([
            ("PGSERVICE", "nowhere"),
            ("PGHOSTADDR", "192.0.2.1"),
            ("PGSSLMODE", "verify-full"),
            ("PGOPTIONS", "-c work_mem=1"),
            ("PGHOST", "nowhere"),
            ("PG_BIN", ""),
        ])
        .status()
        .unwrap()
        .code()
}

#[test]
fn a_command_is_led_to_the_proxy_only() {
    let script = "test -z \"$PGSERVICE$PGHOSTADDR$PGSSLMODE$PGOPTIONS\" && \
                  test \"$PGHOST\" = 127.0.0.1 && exit 7";
    assert_eq!(once(&["sh", "-c", script]), Some(7));
    assert_eq!(once(&["/nonexistent/command"]), Some(127));
}
