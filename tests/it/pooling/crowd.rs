//! pgbench: hundreds of clients over five servers, without an error.

use std::process::Command;

use super::Mode;
use super::cluster::Faulty;
use crate::support::postgres::{Postgres, program};

/// Runs it, and sees that each transaction was done.
async fn pgbench(port: u16, role: &str, arguments: &[&str], transactions: usize) {
    let mut command = Command::new(program("pgbench"));
    command
        .args(["--host=127.0.0.1", "--no-vacuum"])
        .arg(format!("--username={role}"))
        .arg(format!("--port={port}"))
        .args(arguments)
        .arg("postgres");
    // Clients wait for it meanwhile.
    let done = tokio::task::spawn_blocking(move || command.output());
    let done = done.await.unwrap().unwrap();
    let output = String::from_utf8_lossy(&done.stdout);
    let all = format!("actually processed: {transactions}/{transactions}\n");
    assert!(
        done.status.success() && output.contains(&all),
        "{arguments:?}: {done:?}"
    );
    assert!(!output.contains("failed transactions") || output.contains("failed transactions: 0 "));
}

const PROTOCOLS: [&str; 3] = [
    "--protocol=simple",
    "--protocol=extended",
    "--protocol=prepared",
];

#[tokio::test]
async fn it_reads_and_writes_plain_postgresql() {
    let postgres = Postgres::start();
    let proxy = Mode::Transaction.proxy(&postgres, 5, &[]);
    let init = ["--initialize", "--quiet", "--scale=1"];
    let made = Command::new(program("pgbench"))
        .args(init)
        .args(["--host=127.0.0.1", "--username=bench"])
        .arg(format!("--port={}", proxy.port()))
        .arg("postgres")
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    for protocol in PROTOCOLS {
        let crowd = [protocol, "--client=500", "--jobs=2", "--transactions=4"];
        pgbench(proxy.port(), "bench", &crowd, 2000).await;
        let fleeting = [protocol, "--connect", "--client=10", "--transactions=20"];
        pgbench(proxy.port(), "bench", &fleeting, 200).await;
    }
    let url = proxy.url("bench");
    let client = crate::support::connect(&url).await.unwrap();
    let sql = "select count(*), sum(delta) = (select sum(abalance) from pgbench_accounts) \
               from pgbench_history";
    let row = client.query_one(sql, &[]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, bool>(1)), (6600, true));
}

#[tokio::test]
async fn it_reads_from_the_local_cluster() {
    let cluster = Faulty::start(Mode::Transaction, 5, &[]);
    let mut peer = cluster.peer().await;
    peer.run(
        "create table pgbench_accounts (aid int primary key, bid int, abalance int, filler text)",
    )
    .await;
    peer.run("create table pgbench_branches (bid int primary key, bbalance int)")
        .await;
    peer.run("insert into pgbench_branches values (1, 0)").await;
    peer.run("insert into pgbench_accounts select i, 1, 0, '' from generate_series(1, 2500) i")
        .await;
    let port = cluster.proxy.port();
    for protocol in PROTOCOLS {
        let crowd = [
            protocol,
            "--select-only",
            "--client=500",
            "--jobs=2",
            "--transactions=10",
        ];
        pgbench(port, "admin", &crowd, 5000).await;
        let fleeting = [
            protocol,
            "--select-only",
            "--connect",
            "--client=10",
            "--transactions=20",
        ];
        pgbench(port, "admin", &fleeting, 200).await;
    }
    assert!(cluster.sessions().await <= 5);
}
