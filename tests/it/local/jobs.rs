//! Indexes and constraints that are made in the background.

use std::time::Duration;

use dsql_proxy::local::{Cluster, LocalOptions};

use super::client::{Access, Client, field, only_value, shape};
use super::{serve_while, superuser, with_cluster, with_options};

const DUPLICATE: &str = "Found duplicate key while validating index for UCVs";

/// A CREATE INDEX, made `CREATE [UNIQUE] INDEX ASYNC`.
fn create_index(statement: &str, unique: bool) -> String {
    let verb = if unique {
        "CREATE UNIQUE INDEX ASYNC"
    } else {
        "CREATE INDEX ASYNC"
    };
    statement.replacen("CREATE INDEX", verb, 1)
}

fn validate(table: &str, constraint: &str) -> String {
    format!("ALTER TABLE ASYNC {table} VALIDATE CONSTRAINT {constraint}")
}

/// Submits a job and waits for its end; true if it succeeded.
async fn done(client: &mut Client, sql: &str) -> bool {
    let job = submitted(client, sql).await;
    waited(client, &job).await
}

async fn submitted(client: &mut Client, sql: &str) -> String {
    let job = only_value(&client.query(sql).await);
    assert_eq!(job.len(), 26);
    let base32 = |c: char| matches!(c, 'a'..='z' | '2'..='7');
    assert!(job.chars().all(base32), "{job}");
    job
}

async fn waited(client: &mut Client, job: &str) -> bool {
    let call = format!("CALL sys.wait_for_job('{job}')");
    let answer = client.query(&call).await;
    assert_eq!(shape(&answer), ['T', 'D', 'C', 'Z'], "{answer:?}");
    assert!(answer[0].1[2..].starts_with(b"succeeded\0"));
    // Both protocols.
    client.value(&call).await == "t"
}

/// Column, column, … of a job.
async fn job(client: &mut Client, columns: &str, name: &str) -> String {
    let sql = format!(
        "SELECT concat_ws('|', {columns}) FROM sys.jobs WHERE object_name = '{name}'
         ORDER BY start_time DESC LIMIT 1"
    );
    client.value(&sql).await
}

async fn valid(client: &mut Client, index: &str) -> bool {
    let sql = format!("SELECT indisvalid FROM pg_index WHERE indexrelid = '{index}'::regclass");
    client.value(&sql).await == "t"
}

#[tokio::test]
async fn indexes_are_built_in_the_background() {
    with_cluster(async |access| {
        let mut admin = access.login("admin").await;
        admin
            .run(&[
                "CREATE TABLE t (id int, v int, w text)",
                "INSERT INTO t VALUES (1, 1, 'a'), (2, 1, NULL), (3, NULL, NULL)",
            ])
            .await;
        for (index, unique, succeeds) in [
            ("plain ON t (v)", false, true),
            ("uniq ON t (id)", true, true),
            ("dup ON t (v)", true, false),
            ("nulls ON t (w)", true, true),
            ("no_nulls ON t (w) NULLS NOT DISTINCT", true, false),
            ("partial ON t (v) WHERE id > 1", true, true),
            ("expression ON t ((lower(w)), (v + id))", true, true),
            ("dup_expression ON t ((id / 2 * 0))", true, false),
            ("including ON t (id) INCLUDE (v)", true, true),
        ] {
            let sql = create_index(&format!("CREATE INDEX {index}"), unique);
            assert_eq!(done(&mut admin, &sql).await, succeeds, "{index}");
            let name = index.split(' ').next().unwrap();
            assert_eq!(valid(&mut admin, name).await, succeeds, "{index}");
            let row = job(
                &mut admin,
                "job_type, class_id, object_id::regclass, status, details",
                &format!("public.{name}"),
            )
            .await;
            let end = if succeeds {
                "completed".to_owned()
            } else {
                format!("failed|{DUPLICATE}")
            };
            assert_eq!(row, format!("INDEX_BUILD|1259|{name}|{end}"));
        }
        // All of them enforce, also the invalid ones.
        for (row, index) in [
            ("(1, 9, 'x')", "uniq"),
            ("(9, 1, 'x')", "dup"),
            ("(9, 9, 'a')", "nulls"),
        ] {
            let messages = admin.query(&format!("INSERT INTO t VALUES {row}")).await;
            assert_eq!(field(&messages, 'C').unwrap(), "23505");
            assert_eq!(
                field(&messages, 'M').unwrap(),
                format!("duplicate key value violates unique constraint \"{index}\"")
            );
        }
        admin.run(&["DROP INDEX dup"]).await;

        admin
            .run(&["ALTER TABLE t ADD CONSTRAINT k UNIQUE USING INDEX uniq"])
            .await;
        assert_eq!(
            admin
                .failed("ALTER TABLE t ADD CONSTRAINT l UNIQUE USING INDEX no_nulls")
                .await,
            (
                "55000".into(),
                "index \"no_nulls\" is not valid".into(),
                'I'
            )
        );
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_with_an_index_is_said_at_once() {
    with_cluster(async |access| {
        let mut admin = access.login("admin").await;
        admin
            .run(&["CREATE TABLE t (id int, v int, j json, b jsonb)"])
            .await;
        assert!(done(&mut admin, &create_index("CREATE INDEX i ON t (v)", false)).await);
        for (index, state, text) in [
            ("i ON t (v)", "42P07", "relation \"i\" already exists"),
            ("x ON t (no)", "42703", "column \"no\" does not exist"),
            ("x ON t ((no + 1))", "42703", "column \"no\" does not exist"),
            ("x ON no (v)", "42P01", "relation \"no\" does not exist"),
            (
                "x ON t ((random()))",
                "42P17",
                "functions in index expression must be marked IMMUTABLE",
            ),
            (
                "x ON t (j)",
                "0A000",
                "datatype json is not supported in a key",
            ),
            (
                "x ON t (b)",
                "0A000",
                "datatype jsonb is not supported in a key",
            ),
        ] {
            let sql = create_index(&format!("CREATE INDEX\n{index}"), true);
            assert_eq!(
                admin.failed(&sql).await,
                (state.into(), text.into(), 'I'),
                "{index}"
            );
            let messages = admin.query(&sql).await;
            for hidden in ['W', 'p', 'q', 'H'] {
                assert_eq!(field(&messages, hidden), None, "{index}");
            }
        }
        // Whoever does not own the table is told so.
        admin.run(&["CREATE ROLE alice WITH LOGIN"]).await;
        admin.grant_iam("alice", Cluster::IAM_ARN).await;
        let mut alice = access.login("alice").await;
        let sql = create_index("CREATE INDEX x ON t (v)", false);
        assert_eq!(
            alice.failed(&sql).await,
            ("42501".into(), "must be owner of table t".into(), 'I')
        );

        // Nothing to do for an index that is there.
        let sql = create_index("CREATE INDEX IF NOT EXISTS i ON t (v)", false);
        let messages = admin.query(&sql).await;
        assert_eq!(shape(&messages), ['T', 'N', 'D', 'C', 'Z']);
        assert_eq!(messages[2].1, b"\0\x01\xff\xff\xff\xff", "NULL");
        let notice = String::from_utf8_lossy(&messages[1].1);
        assert!(notice.contains("relation \"i\" already exists, skipping"));
        assert!(!notice.contains("dsql_local"), "{notice}");
    })
    .await;
}

#[tokio::test]
async fn constraints_are_validated_in_the_background() {
    with_cluster(async |access| {
        let mut admin = access.login("admin").await;
        admin
            .run(&[
                "CREATE SCHEMA app",
                "CREATE TABLE p (id int PRIMARY KEY)",
                "CREATE TABLE app.c (id int, p int)",
                "INSERT INTO app.c VALUES (1, 1), (-1, 1)",
                "ALTER TABLE app.c ADD CONSTRAINT good CHECK (id < 9) NOT VALID",
                "ALTER TABLE app.c ADD CONSTRAINT \"b ad\" CHECK (id > 0) NOT VALID",
                "ALTER TABLE app.c ADD CONSTRAINT fk FOREIGN KEY (p) REFERENCES p NOT VALID",
                "SET search_path = app",
            ])
            .await;
        assert!(done(&mut admin, &validate("c", "good")).await);
        let row = "job_type, class_id, object_id::regclass, status, details";
        assert_eq!(
            job(&mut admin, row, "app.c").await,
            "VALIDATE_CONSTRAINT|1259|c|completed"
        );
        let valid = "SELECT convalidated FROM pg_constraint WHERE conname = 'good'";
        assert_eq!(admin.value(valid).await, "t");

        assert!(!done(&mut admin, &validate("app.c", "\"b ad\"")).await);
        assert_eq!(
            job(&mut admin, "status, details", "app.c").await,
            "failed|check constraint \"b ad\" is violated by some row"
        );
        assert!(!done(&mut admin, &validate("c", "fk")).await);
        assert_eq!(
            job(&mut admin, "status, details", "app.c").await,
            "failed|foreign key constraint \"fk\" is violated by some row"
        );
        admin.run(&["INSERT INTO public.p VALUES (1)"]).await;
        assert!(done(&mut admin, &validate("c", "fk")).await);

        for (sql, state, text) in [
            (
                validate("no", "good"),
                "42P01",
                "relation \"no\" does not exist",
            ),
            (
                validate("c", "no"),
                "42704",
                "constraint \"no\" of relation \"c\" does not exist",
            ),
            (
                validate("public.p", "p_pkey"),
                "42809",
                "constraint \"p_pkey\" of relation \"p\" is not a foreign key or check constraint",
            ),
        ] {
            let refused = admin.failed(&sql).await;
            assert_eq!(refused, (state.into(), text.into(), 'I'));
            let context = field(&admin.query(&sql).await, 'W');
            assert_eq!(context, None);
        }
    })
    .await;
}

#[tokio::test]
async fn jobs_are_seen_and_waited_for() {
    let options = LocalOptions {
        job_delay: Duration::from_hours(1),
        ..LocalOptions::default()
    };
    with_options(options, async |access| {
        let mut admin = access.login("admin").await;
        admin
            .run(&["CREATE TABLE t (id int)", "INSERT INTO t VALUES (1), (2)"])
            .await;
        let sql = create_index("CREATE INDEX i ON t (id)", true);
        let id = submitted(&mut admin, &sql).await;
        // Not yet for queries, but for writes.
        assert!(!valid(&mut admin, "i").await);
        assert_eq!(admin.failed("INSERT INTO t VALUES (1)").await.0, "23505");
        let status = format!("SELECT status FROM sys.jobs WHERE job_id = '{id}'");
        while admin.value(&status).await == "submitted" {
            tokio::task::yield_now().await;
        }
        assert_eq!(admin.value(&status).await, "processing");
        let mut waiter = access.login("admin").await;
        let dropped = async {
            admin.run(&["DROP INDEX i"]).await;
            admin
        };
        let (succeeded, mut admin) = tokio::join!(waited(&mut waiter, &id), dropped);
        assert!(!succeeded);
        assert_eq!(
            job(&mut admin, "status, details", "public.i").await,
            "failed|the index was dropped"
        );

        let call = format!("CALL sys.wait_for_job('{id}')");
        admin.run(&["BEGIN"]).await;
        let messages = admin.query(&call).await;
        assert_eq!(field(&messages, 'C').unwrap(), "2D000");
        assert_eq!(
            field(&messages, 'M').unwrap(),
            "invalid transaction termination"
        );
        assert_eq!(field(&messages, 'W'), None);
        admin.run(&["ROLLBACK"]).await;
        for (sql, state, text) in [
            (
                "CALL sys.wait_for_job('x''y')",
                "22P02",
                "invalid input syntax for job id: \"x'y\"",
            ),
            (
                "CALL sys.wait_for_job('aaaaaaaaaaaaaaaaaaaaaaaaaa')",
                "42704",
                "job \"aaaaaaaaaaaaaaaaaaaaaaaaaa\" does not exist",
            ),
            (
                "SELECT sys.wait_for_job('x')",
                "42809",
                "sys.wait_for_job(text) is a procedure",
            ),
            (
                "CALL sys.wait_for_job((SELECT 'x'))",
                "0A000",
                "cannot use subquery in CALL argument",
            ),
            (
                "CREATE TABLE sys.t (id int)",
                "42501",
                "permission denied for schema sys",
            ),
            (
                "SELECT * FROM pg_catalog.dsql_local_jobs",
                "42501",
                "permission denied for table dsql_local_jobs",
            ),
        ] {
            assert_eq!(
                admin.failed(sql).await,
                (state.into(), text.into(), 'I'),
                "{sql}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_job_waits_for_a_table_and_others_do_not_wait_for_the_job() {
    let mut cluster = Cluster::start(LocalOptions::default()).await.unwrap();
    let access = Access::to(&cluster);
    let socket = cluster.directory().join("socket");
    let test = async {
        let mut admin = access.login("admin").await;
        admin
            .run(&["CREATE TABLE t (id int)", "CREATE TABLE u (id int)"])
            .await;
        let constraint = "ALTER TABLE t ADD CONSTRAINT c CHECK (id > 0) NOT VALID";
        admin.run(&[constraint]).await;
        // Clients of the front hold no lock for long.
        let (superuser, connection) = tokio_postgres::Config::new()
            .host_path(socket)
            .user("dsql_local")
            .dbname("postgres")
            .connect(tokio_postgres::NoTls)
            .await
            .unwrap();
        tokio::spawn(connection);
        superuser
            .batch_execute("BEGIN; LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE")
            .await
            .unwrap();
        // It needs no lock to be submitted.
        let blocked = submitted(&mut admin, &validate("t", "c")).await;
        let sql = create_index("CREATE INDEX i ON u (id)", true);
        assert!(done(&mut admin, &sql).await);
        let status = format!("SELECT status FROM sys.jobs WHERE job_id = '{blocked}'");
        assert_eq!(admin.value(&status).await, "processing");
        let mut reader = access.login("admin").await;
        reader.run(&["BEGIN", "SELECT 1"]).await;
        superuser.batch_execute("COMMIT").await.unwrap();
        assert!(waited(&mut admin, &blocked).await);
        // The end of a job is a change of the catalog.
        let stale = Some("schema has been updated by another transaction (OC001)".to_owned());
        assert_eq!(field(&reader.query("SELECT 1").await, 'M'), stale);
        reader.run(&["ROLLBACK", "BEGIN", "SELECT 1"]).await;
        reader.run(&["INSERT INTO u VALUES (1)", "COMMIT"]).await;
    };
    serve_while(&mut cluster, Box::pin(test)).await.unwrap();
    cluster.stop().await;
}

/// What an index calls does not run with the superuser's rights.
#[tokio::test]
async fn the_worker_is_as_strong_as_the_owner() {
    with_cluster(async |access| {
        let mut admin = access.login("admin").await;
        admin
            .run(&[
                "CREATE TABLE t (id int)",
                "INSERT INTO t VALUES (1), (2)",
                "CREATE FUNCTION who() RETURNS text LANGUAGE sql VOLATILE
                 AS 'SELECT set_config(''search_path'', ''public'', false) || current_user'",
                "CREATE FUNCTION f(i int) RETURNS text LANGUAGE sql IMMUTABLE
                 AS 'SELECT CASE WHEN public.who() LIKE ''%admin'' THEN i::text ELSE ''x'' END'",
            ])
            .await;
        let sql = create_index("CREATE INDEX i ON t (public.f(id))", true);
        assert!(done(&mut admin, &sql).await, "as a superuser: 'x' twice");
    })
    .await;
}

#[tokio::test]
async fn jobs_survive_a_restart() {
    let dir = tempfile::tempdir_in("/tmp").unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o711);
    std::fs::set_permissions(dir.path(), open).unwrap();
    let options = LocalOptions {
        data: Some(dir.path().join("cluster")),
        job_delay: Duration::from_hours(1),
        ..LocalOptions::default()
    };
    let mut cluster = Cluster::start(options.clone()).await.unwrap();
    let access = Access::to(&cluster);
    let mut id = String::new();
    serve_while(&mut cluster, async {
        let mut admin = access.login("admin").await;
        admin.run(&["CREATE TABLE t (id int)"]).await;
        let sql = create_index("CREATE INDEX i ON t (id)", true);
        id = submitted(&mut admin, &sql).await;
    })
    .await
    .unwrap();
    cluster.stop().await;

    let options = LocalOptions {
        job_delay: Duration::ZERO,
        ..options
    };
    let mut cluster = Cluster::start(options).await.unwrap();
    let access = Access::to(&cluster);
    let superuser = superuser(&cluster.directory().join("socket")).await;
    serve_while(&mut cluster, async {
        let mut admin = access.login("admin").await;
        assert!(waited(&mut admin, &id).await);
        assert!(valid(&mut admin, "i").await);

        // Half an hour later it is gone.
        let later = "UPDATE pg_catalog.dsql_local_jobs
            SET update_time = update_time - interval '25 minutes'";
        superuser.batch_execute(later).await.unwrap();
        let jobs = "SELECT count(*) FROM sys.jobs";
        assert_eq!(admin.value(jobs).await, "1");
        superuser.batch_execute(later).await.unwrap();
        assert_eq!(admin.value(jobs).await, "0");
        assert!(done(&mut admin, &create_index("CREATE INDEX j ON t (id)", true)).await);
        let kept = "SELECT object_name FROM pg_catalog.dsql_local_jobs";
        let kept = superuser.query_one(kept, &[]).await.unwrap();
        assert_eq!(kept.get::<_, &str>(0), "public.j");
    })
    .await
    .unwrap();
    cluster.stop().await;
}
