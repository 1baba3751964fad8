//! What survives when a process of a local cluster is killed, and clusters beside each other.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dsql_proxy::local::Cluster;
use rustix::process::{Pid, Signal, kill_process};
use tokio_postgres::Client;

use crate::commands::access;
use crate::local::client::{Access, Client as TlsClient, Tls, field, shape};
use crate::support::process::Process;
use crate::support::{LocalProxy, connect, dsql_proxy, within};

/// A place for a data directory, which PostgreSQL's user can get to.
struct Place {
    _dir: tempfile::TempDir,
    data: PathBuf,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir_in("/tmp").unwrap();
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
        let data = dir.path().join("data");
        Self { _dir: dir, data }
    }

    fn argument(&self) -> String {
        format!("--data={}", self.data.display())
    }

    fn start(&self) -> LocalProxy {
        LocalProxy::start(&[&self.argument()])
    }

    /// The process id of its PostgreSQL.
    fn postmaster(&self) -> Pid {
        let file = std::fs::read_to_string(self.data.join("pgdata/postmaster.pid")).unwrap();
        Pid::from_raw(file.lines().next().unwrap().parse().unwrap()).unwrap()
    }

    /// The processes that work in it.
    fn processes(&self) -> Vec<String> {
        let mut found = vec![];
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let cwd = std::fs::read_link(entry.path().join("cwd"));
            if cwd.is_ok_and(|cwd| cwd.starts_with(&self.data)) {
                let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
                found.push(String::from_utf8_lossy(&line).replace('\0', " "));
            }
        }
        found
    }
}

/// The numbers of the rows whose INSERT was acknowledged.
type Acknowledged = Arc<Mutex<Vec<i64>>>;

/// Writes rows until it fails, in autocommit and in transactions.
async fn write(client: Client, writer: i64, acknowledged: Acknowledged) {
    for n in 0.. {
        let id = writer * 1_000_000 + n;
        let sql = match n % 3 {
            0 => format!("insert into t values ({id})"),
            1 => format!("begin; insert into t values ({id}); commit"),
            _ => format!("insert into t values ({id}); select 1"),
        };
        if client.batch_execute(&sql).await.is_err() {
            return;
        }
        acknowledged.lock().unwrap().push(id);
    }
}

/// A table, a role that the cluster's credentials open, and an index that is on its way.
async fn prepare(proxy: &LocalProxy) -> String {
    let admin = proxy.connect().await.unwrap();
    for sql in [
        "create table t (id bigint primary key)",
        "create table u (id int primary key, v int)",
        "create role app with login",
        &format!("aws iam grant app to '{}'", Cluster::IAM_ARN),
        "grant select on t to app",
    ] {
        admin.batch_execute(sql).await.unwrap();
    }
    let job = admin.query_one("create index async i on u (v)", &[]).await;
    job.unwrap().get("job_id")
}

/// Runs writers until they have written something, then `kill`, after which they all fail.
async fn write_until(proxy: &LocalProxy, kill: impl FnOnce()) -> Vec<i64> {
    let acknowledged = Acknowledged::default();
    let mut writers = vec![];
    for writer in 0..4 {
        let client = proxy.connect().await.unwrap();
        writers.push(tokio::spawn(write(client, writer, acknowledged.clone())));
    }
    within(async {
        while acknowledged.lock().unwrap().len() < 100 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    kill();
    for writer in writers {
        within(writer).await.unwrap();
    }
    let acknowledged = acknowledged.lock().unwrap();
    acknowledged.clone()
}

/// All that was there before is there.
async fn check(proxy: &LocalProxy, acknowledged: &[i64], job: &str) {
    let admin = proxy.connect().await.unwrap();
    let rows = admin.query("select id from t", &[]).await.unwrap();
    let there: std::collections::HashSet<i64> = rows.iter().map(|row| row.get(0)).collect();
    let lost: Vec<_> = acknowledged
        .iter()
        .filter(|id| !there.contains(id))
        .collect();
    assert!(lost.is_empty(), "{lost:?}");

    let wait = format!("call sys.wait_for_job('{job}')");
    within(admin.batch_execute(&wait)).await.unwrap();
    let valid = "select indisvalid from pg_index where indexrelid = 'i'::regclass";
    assert!(admin.query_one(valid, &[]).await.unwrap().get::<_, bool>(0));

    let url = proxy.url.replace("admin@", "app@");
    let app = connect(&url).await.unwrap();
    let count = app.query_one("select count(*) from t", &[]).await.unwrap();
    let there = i64::try_from(there.len()).unwrap();
    assert_eq!(count.get::<_, i64>(0), there);
}

/// Ends it in order: nothing is left of it.
fn end(mut proxy: LocalProxy, place: &Place) {
    let (code, log) = proxy.stop();
    assert_eq!(code, Some(143), "{log}");
    assert_eq!(place.processes(), [""; 0]);
    let left = std::fs::read_dir(place.data.join("socket")).unwrap();
    assert_eq!(left.count(), 0, "sockets");
}

/// Kills the process itself. With `setpriv` PostgreSQL ends after it; without, it goes on.
#[tokio::test]
async fn the_process_is_killed() {
    for orphans in [false, true] {
        let place = Place::new();
        let start = || {
            let mut command = dsql_proxy();
            if orphans {
                command.env("PATH", "/nonexistent");
            }
            LocalProxy::start_as(command, &[&place.argument()])
        };
        let mut proxy = start();
        let job = prepare(&proxy).await;
        let postmaster = place.postmaster();
        let kill = || proxy.process.signal(Signal::KILL);
        let acknowledged = write_until(&proxy, kill).await;
        assert_eq!(proxy.process.wait().0, None, "by a signal");

        let proxy = start();
        assert_ne!(place.postmaster(), postmaster);
        check(&proxy, &acknowledged, &job).await;
        if orphans {
            let log = proxy.process.log.so_far();
            assert!(log.contains("left behind"), "{log}");
        }
        end(proxy, &place);
    }
}

#[tokio::test]
async fn postgresql_is_killed() {
    let place = Place::new();
    let mut proxy = place.start();
    let job = prepare(&proxy).await;
    // It notices nothing until it is done, and keeps the shared memory.
    let busy = proxy.connect().await.unwrap();
    let work = "select count(*) from generate_series(1, 100000000000) as a where a % 7 = 8";
    let busy = tokio::spawn(async move { busy.batch_execute(work).await });
    let acknowledged = write_until(&proxy, || {
        kill_process(place.postmaster(), Signal::KILL).unwrap();
    })
    .await;
    let (code, log) = proxy.process.wait();
    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains("signal: 9"), "{log}");
    assert!(log.contains("postgres.log"), "{log}");
    within(busy).await.unwrap().unwrap_err();

    let proxy = place.start();
    check(&proxy, &acknowledged, &job).await;
    end(proxy, &place);
}

/// What a directory says of a cluster that is not there any more.
#[tokio::test]
async fn a_killed_start_is_begun_again() {
    let place = Place::new();
    let mut command = dsql_proxy();
    command.args(["local", "--port=0", &place.argument()]);
    let mut process = Process::spawn(&mut command);
    // While `initdb` runs.
    within(async {
        while !place.data.join("pgdata.unfinished/PG_VERSION").exists() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    process.signal(Signal::KILL);
    process.wait();
    let proxy = place.start();
    let admin = proxy.connect().await.unwrap();
    admin
        .batch_execute("create table t (id int)")
        .await
        .unwrap();
    drop(admin);
    end(proxy, &place);
}

#[tokio::test]
async fn clusters_do_not_meet() {
    let places = [Place::new(), Place::new()];
    let proxies = [
        places[0].start(),
        places[1].start(),
        LocalProxy::start(&[]),
        LocalProxy::start(&[]),
    ];
    let all: Vec<Access> = proxies
        .iter()
        .map(|proxy| access(&proxy.variables()))
        .collect();
    for (number, (proxy, own)) in proxies.iter().zip(&all).enumerate() {
        let admin = proxy.connect().await.unwrap();
        let create = format!("create table only_{number} (id int)");
        admin.batch_execute(&create).await.unwrap();
        for other in &all {
            let same = other.endpoint == own.endpoint;
            assert_eq!(same, other.address == own.address);
            assert_eq!(same, other.credentials == own.credentials);
            // Each of what a token says of the other.
            for token_of in [
                Access {
                    credentials: other.credentials.clone(),
                    ..own.clone()
                },
                Access {
                    endpoint: other.endpoint.clone(),
                    ..own.clone()
                },
                other.clone(),
            ] {
                let token = token_of.token("admin").await;
                let (_, messages) = own.try_login("admin", &token, &[]).await;
                if same {
                    assert_eq!(shape(&messages).last(), Some(&'Z'));
                } else {
                    assert_eq!(field(&messages, 'C').unwrap(), "28000");
                }
            }
            if !same {
                // Nor does one answer to the other's name, or have its certificate.
                let there = Access {
                    address: other.address,
                    ..own.clone()
                };
                let tls = Tls::direct(&own.endpoint);
                assert!(TlsClient::connect(&there, &tls).await.is_err());
            }
        }
    }
    for (number, proxy) in proxies.iter().enumerate() {
        let admin = proxy.connect().await.unwrap();
        let sql = "select string_agg(relname, ',') from pg_class where relname like 'only%'";
        let names: String = admin.query_one(sql, &[]).await.unwrap().get(0);
        assert_eq!(names, format!("only_{number}"));
    }

    // The same directory a second time.
    let data = &places[0].data;
    let output = dsql_proxy()
        .args(["local", "--port=0", &places[0].argument()])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.contains("error: "), "{log}");
    assert!(log.contains(&data.display().to_string()), "{log}");
    assert!(log.contains(&proxies[0].process.pid().to_string()), "{log}");
    // And the first did not suffer.
    let admin = proxies[0].connect().await.unwrap();
    admin.batch_execute("select * from only_0").await.unwrap();
}
