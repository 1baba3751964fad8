//! A plain PostgreSQL as the cluster: what the proxy keeps from DSQL it lets through to a server
//! that can do more.

use std::process::Command;

use crate::support::postgres::{Postgres, program};
use crate::support::{code, connect};

#[tokio::test]
async fn a_plain_postgresql_can_do_more() {
    let postgres = Postgres::start();
    let strict = postgres.proxy(&[]);
    let client = connect(&strict.url("bench")).await.unwrap();
    let refused = client.batch_execute("set statement_timeout = '5s'").await;
    assert_eq!(code(refused), "0A000", "by default it is DSQL's rules");

    let proxy = postgres.proxy(&["--unsupported-parameters=forward", "--ddl=pass"]);
    let url = format!("{}?options=-clock_timeout%3D7s", proxy.url("bench"));
    let client = connect(&url).await.unwrap();
    client
        .batch_execute("set statement_timeout = '5min'")
        .await
        .unwrap();
    for (name, value) in [("statement_timeout", "5min"), ("lock_timeout", "7s")] {
        let row = client
            .query_one(&format!("show {name}"), &[])
            .await
            .unwrap();
        assert_eq!(row.get::<_, &str>(0), value);
    }
    let hasty = connect(&url).await.unwrap();
    hasty
        .batch_execute("set statement_timeout = '100ms'")
        .await
        .unwrap();
    let timed_out = hasty.batch_execute("select pg_sleep(600)").await;
    assert_eq!(code(timed_out), "57014");
    let tls = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
    let row = client.query_one(tls, &[]).await.unwrap();
    assert!(row.get::<_, bool>(0));

    let pgbench = |arguments: &[&str]| {
        let done = Command::new(program("pgbench"))
            .args(["--host=127.0.0.1", "--username=bench"])
            .arg(format!("--port={}", proxy.port()))
            .args(arguments)
            .arg("postgres")
            .output()
            .unwrap();
        assert!(done.status.success(), "{arguments:?}: {done:?}");
    };
    pgbench(&["--initialize", "--quiet"]);
    for protocol in ["simple", "extended", "prepared"] {
        let protocol = format!("--protocol={protocol}");
        pgbench(&["--client=4", "--transactions=50", &protocol]);
    }
    let client = connect(&proxy.url("bench")).await.unwrap();
    for (table, rows) in [("accounts", 100_000), ("history", 4 * 50)] {
        let sql = format!("select count(*) from pgbench_{table}");
        let row = client.query_one(&sql, &[]).await.unwrap();
        assert_eq!(row.get::<_, i64>(0), rows, "{table}");
    }
}
