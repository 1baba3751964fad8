//! What depends on the catalog: types behind names, primary keys, quotas.

use super::client::{Access, Client, field};
use super::{Cluster, LocalOptions, serve_while, superuser, with_cluster};

/// Statement, SQLSTATE, message.
type Refused = (&'static str, &'static str, &'static str);

async fn all_refused(client: &mut Client, refused: &[Refused]) {
    for (sql, state, text) in refused {
        assert_eq!(
            client.refused(sql).await,
            ((*state).into(), (*text).into(), 'I'),
            "{sql}"
        );
    }
}

#[tokio::test]
async fn columns_have_types_that_dsql_has() {
    let mut cluster = Cluster::start(LocalOptions::default()).await.unwrap();
    let access = Access::to(&cluster);
    let socket = cluster.directory().join("socket");
    serve_while(&mut cluster, async {
        let mut admin = access.login("admin").await;
        // Types whose names say nothing, and which `admin` cannot make.
        superuser(&socket)
            .await
            .batch_execute(
                "CREATE TYPE mood AS ENUM ('fine'); CREATE DOMAIN address AS inet;
                 CREATE DOMAIN bytes AS bytea",
            )
            .await
            .unwrap();
        admin
            .run(&[
                "CREATE DOMAIN positive AS int CHECK (VALUE > 0)",
                "CREATE DOMAIN more AS positive",
                "CREATE TABLE good (a smallint, b int, c bigint, d real, e float8, f numeric(9, 2),
                 g char(4096), h varchar(65535), i text, j date, k time, l timetz, m timestamp,
                 n timestamptz, o interval, p boolean, q bytea, r uuid, s json, t jsonb, u more)",
                "CREATE VIEW v AS SELECT ARRAY[a] AS a FROM good",
            ])
            .await;
        let no = "0A000";
        all_refused(
            &mut admin,
            &[
                (
                    "CREATE TABLE x (a int[])",
                    no,
                    "datatype integer[] not supported",
                ),
                ("CREATE TABLE x (a inet)", no, "datatype inet not supported"),
                (
                    "CREATE TABLE x (a address)",
                    no,
                    "datatype inet not supported",
                ),
                ("CREATE TABLE x (a mood)", no, "datatype mood not supported"),
                (
                    "CREATE TABLE x (a int, b bit(3))",
                    no,
                    "datatype bit not supported",
                ),
                (
                    "CREATE TABLE x (a good[])",
                    no,
                    "datatype good[] not supported",
                ),
                (
                    "CREATE TABLE x (a int4range)",
                    no,
                    "datatype int4range not supported",
                ),
                ("CREATE TABLE x (a good)", no, "datatype good not supported"),
                (
                    "CREATE DOMAIN x AS money",
                    no,
                    "datatype money not supported",
                ),
                (
                    "ALTER TABLE good ADD z xml",
                    no,
                    "datatype xml not supported",
                ),
                (
                    "CREATE TABLE x (a varchar(65536))",
                    "54000",
                    "Datatype limit greater than 65535 bytes not supported for varchar",
                ),
                (
                    "CREATE DOMAIN x AS varchar(65536)",
                    "54000",
                    "Datatype limit greater than 65535 bytes not supported for varchar",
                ),
                (
                    "CREATE TABLE x (a char(4097))",
                    "54000",
                    "Datatype limit greater than 4096 bytes not supported for char",
                ),
                (
                    "CREATE TABLE x (a jsonb PRIMARY KEY)",
                    no,
                    "datatype jsonb is not supported in a key",
                ),
                (
                    "CREATE TABLE x (a json UNIQUE)",
                    no,
                    "datatype json is not supported in a key",
                ),
                (
                    "CREATE TABLE x (a int, b bytea, UNIQUE (a, b))",
                    no,
                    "datatype bytea is not supported in a key",
                ),
                (
                    "CREATE TABLE x (a bytes PRIMARY KEY)",
                    no,
                    "datatype bytea is not supported in a key",
                ),
            ],
        )
        .await;
    })
    .await
    .unwrap();
    cluster.stop().await;
}

#[tokio::test]
async fn numeric_is_numeric_18_6() {
    with_cluster(async |access| {
        let mut admin = access.login("admin").await;
        admin
            .run(&[
                "CREATE TABLE t (id int, n numeric, d numeric DEFAULT 1.23456789, w numeric(20, 9),
                 g numeric GENERATED ALWAYS AS (n * 1.0000001) STORED)",
                "INSERT INTO t (id, n, w) VALUES (1, 2.0000005, 2.123456789)",
                "ALTER TABLE t ADD late numeric",
                "UPDATE t SET late = 1.23456789",
            ])
            .await;
        let row = "SELECT concat_ws(' ', n, d, w, g, late) FROM t";
        assert_eq!(
            admin.value(row).await,
            "2.000001 1.234568 2.123456789 2.000001 1.234568"
        );
        assert_eq!(
            admin
                .value(
                    "SELECT format_type(atttypid, atttypmod) FROM pg_attribute
                    WHERE attrelid = 't'::regclass AND attname = 'g'"
                )
                .await,
            "numeric(18,6)"
        );
        let over = admin.failed("INSERT INTO t (n) VALUES (1e12)").await;
        assert_eq!(over.0, "22003");
    })
    .await;
}

#[tokio::test]
async fn an_index_is_built_at_once_if_the_session_may() {
    with_cluster(async |access| {
        let mut admin = access.login("admin").await;
        let index = "CREATE UNIQUE INDEX i ON only_this (a)";
        let refused = (
            "0A000".to_owned(),
            "unsupported mode. please use CREATE INDEX ASYNC.".to_owned(),
            'I',
        );
        admin.run(&["CREATE TABLE only_this (a int, b int)"]).await;
        assert_eq!(admin.refused(index).await, refused);
        admin.run(&["SET disable_sync_create_index = off"]).await;
        let messages = admin.query(index).await;
        let tags: Vec<_> = messages.iter().map(|(tag, _)| *tag).collect();
        assert_eq!(tags, ['C', 'Z'], "{messages:?}");
        assert_eq!(messages[0].1, b"CREATE INDEX\0");
        let ready =
            "SELECT indisvalid AND indisunique FROM pg_index WHERE indexrelid = 'i'::regclass";
        assert_eq!(admin.value(ready).await, "t");
        let (state, message, _) = admin.failed("CREATE INDEX ON nowhere (a)").await;
        assert_eq!(state, "42P01");
        assert_eq!(message, "relation \"nowhere\" does not exist");
        admin.run(&["INSERT INTO only_this VALUES (1, 2)"]).await;
        assert_eq!(
            admin.refused("CREATE INDEX j ON only_this (b)").await,
            refused
        );
    })
    .await;
}

#[tokio::test]
async fn what_does_nothing_in_dsql_is_accepted() {
    with_cluster(async |access| {
        let mut admin = access.login("admin").await;
        admin
            .run(&[
                "CREATE TABLE t (id int PRIMARY KEY, a text STORAGE EXTERNAL NOT NULL)",
                "CREATE TABLE u (id int REFERENCES t)",
                "ALTER TABLE t DISABLE TRIGGER ALL",
                "ALTER TABLE u ENABLE TRIGGER USER, ADD b text STORAGE MAIN",
                "ALTER TABLE u ALTER b SET STORAGE PLAIN",
                "DROP TRIGGER IF EXISTS g ON t",
            ])
            .await;
        // No trigger was disabled: foreign keys are enforced by triggers.
        let (state, ..) = admin.failed("INSERT INTO u VALUES (1)").await;
        assert_eq!(state, "23503");
        let (state, ..) = admin.failed("ALTER TABLE v DISABLE TRIGGER ALL").await;
        assert_eq!(state, "42P01");
    })
    .await;
}

#[tokio::test]
async fn a_primary_key_stays() {
    with_cluster(async |access| {
        let mut admin = access.login("admin").await;
        admin
            .run(&[
                "CREATE TABLE t (id int, k int, v int, w int UNIQUE, PRIMARY KEY (id, k))",
                "CREATE TABLE u (id int)",
            ])
            .await;
        let no = "0A000";
        let constraint = "unsupported ALTER TABLE DROP CONSTRAINT statement";
        all_refused(
            &mut admin,
            &[
                (
                    "ALTER TABLE t DROP COLUMN id",
                    no,
                    "cannot drop primary key column id",
                ),
                (
                    "ALTER TABLE t DROP k CASCADE",
                    no,
                    "cannot drop primary key column k",
                ),
                ("ALTER TABLE t DROP CONSTRAINT t_pkey", no, constraint),
            ],
        )
        .await;
        admin
            .run(&[
                "ALTER TABLE t DROP COLUMN v",
                "ALTER TABLE t DROP CONSTRAINT t_w_key",
                "ALTER TABLE u DROP COLUMN id",
                "DROP TABLE t",
            ])
            .await;
    })
    .await;
}

#[tokio::test]
async fn quotas() {
    let mut cluster = Cluster::start(LocalOptions::default()).await.unwrap();
    let access = Access::to(&cluster);
    let socket = cluster.directory().join("socket");
    let columns = |n: usize, more: &str| {
        let columns: Vec<String> = (0..n).map(|i| format!("c{i} int")).collect();
        format!("CREATE TABLE wide (id int {more}, {})", columns.join(", "))
    };
    serve_while(&mut cluster, async {
        let mut admin = access.login("admin").await;
        // DSQL's own limits.
        for (sql, state, text) in [
            (
                columns(255, ""),
                "54011",
                "tables can have at most 255 columns",
            ),
            (
                columns(256, "PRIMARY KEY"),
                "54011",
                "cannot use more than 256 columns in an index",
            ),
            (
                "CREATE TABLE x (a int, b int, c int, d int, e int, f int, g int, h int, i int,
                 UNIQUE (a, b, c, d, e, f, g, h, i))"
                    .to_owned(),
                "54011",
                "more than 8 column keys in an index are not supported",
            ),
            (
                "CREATE TABLE x (v int, a varchar(1999), b char(2), PRIMARY KEY (a, b))".to_owned(),
                "54000",
                "key size greater than 2000 bytes not supported",
            ),
            (
                format!("CREATE VIEW v AS SELECT '{}'", "x".repeat(512 * 1024)),
                "54000",
                "view definition too large",
            ),
        ] {
            let refused = admin.failed(&sql).await;
            assert_eq!(refused, (state.into(), text.into(), 'I'));
        }
        admin.run(&[&columns(254, "")]).await;
        admin
            .run(&[
                "CREATE TABLE fits (a varchar(1998), b char(2), c varchar(99), UNIQUE (a, b))",
                "DROP TABLE fits",
            ])
            .await;

        let superuser = superuser(&socket).await;
        let lower = "UPDATE pg_catalog.dsql_local_limits SET value = 2
            WHERE name IN ('tables', 'views', 'sequences', 'schemas', 'statistics', 'indexes')";
        superuser.batch_execute(lower).await.unwrap();
        admin
            .run(&[
                "CREATE TABLE t (a int, b int, c int)",
                "CREATE VIEW v1 AS SELECT 1",
                "CREATE VIEW v2 AS SELECT 1",
                "CREATE OR REPLACE VIEW v2 AS SELECT 1",
                "CREATE SEQUENCE s1 CACHE 1",
                "CREATE SEQUENCE s2 CACHE 1",
                "CREATE SCHEMA a",
                "CREATE SCHEMA b",
                "CREATE STATISTICS x1 ON a, b FROM t",
                "CREATE STATISTICS x2 ON a, c FROM t",
                "SET disable_sync_create_index = off",
                "CREATE INDEX ON t (a)",
                "CREATE INDEX ON t (b)",
            ])
            .await;
        all_refused(
            &mut admin,
            &[
                (
                    "CREATE TABLE u ()",
                    "54000",
                    "creating more than 2 tables not allowed",
                ),
                (
                    "CREATE VIEW v3 AS SELECT 1",
                    "54000",
                    "creating more than 2 views not allowed",
                ),
                (
                    "CREATE SEQUENCE s3 CACHE 1",
                    "54000",
                    "creating more than 2 sequences is not allowed",
                ),
                (
                    "CREATE SCHEMA c",
                    "54000",
                    "more than 2 schemas not allowed",
                ),
                (
                    "CREATE STATISTICS x3 ON b, c FROM t",
                    "54000",
                    "more than 2 extended statistics per table are not allowed",
                ),
                (
                    "ALTER STATISTICS x1 SET STATISTICS 101",
                    "22023",
                    "statistics target 101 exceeds maximum allowed value of 100",
                ),
                (
                    "CREATE INDEX ON t (c)",
                    "54000",
                    "more than 2 indexes per table are not allowed",
                ),
            ],
        )
        .await;
    })
    .await
    .unwrap();
    cluster.stop().await;
}

#[tokio::test]
async fn what_is_ours_stays_ours() {
    with_cluster(async |access| {
        let mut admin = access.login("admin").await;
        let schemas = "SELECT string_agg(nspname, ' ' ORDER BY nspname) FROM pg_namespace
            WHERE nspname !~ '^pg_'";
        assert_eq!(admin.value(schemas).await, "information_schema public sys");
        let tables = "SELECT count(*) FROM information_schema.tables
            WHERE table_name LIKE 'dsql_local%'";
        assert_eq!(admin.value(tables).await, "0");
        for sql in [
            "UPDATE pg_catalog.dsql_local_limits SET value = 0",
            "INSERT INTO pg_catalog.dsql_local_iam VALUES (1, 'a', 1, 1)",
            "SELECT * FROM pg_catalog.dsql_local_jobs",
            "SELECT nextval('pg_catalog.dsql_local_iam_oid')",
            // Names that only PostgreSQL reads.
            "SELECT U&\"dsql_local_next_job\"('0')",
            "SELECT U&\"dsql_local_run_job\"('a')",
            "SELECT U&\"dsql_local_as_owner_of\"('pg_class', 'SELECT 1')",
            "SELECT U&\"dsql_local_iam_role\"('admin')",
            "SELECT U&\"dsql_local_lacks_iam\"('admin', '')",
            "SELECT U&\"dsql_local_watch_sizes\"(1259)",
            "DROP EVENT TRIGGER IF EXISTS dsql_local_quota",
            "DROP VIEW sys.jobs",
            "CREATE VIEW sys.mine AS SELECT 1",
            "INSERT INTO sys.jobs (job_id) VALUES ('a')",
            "ALTER TABLE ASYNC pg_catalog.pg_class VALIDATE CONSTRAINT x",
            // What would run a text that nobody has judged.
            "SELECT query_to_xml('SELECT 1', true, true, '')",
            "SELECT * FROM ts_stat('SELECT to_tsvector(''a'')')",
            "SELECT ts_rewrite('a'::tsquery, 'SELECT ''a''::tsquery, ''b''::tsquery')",
            "SELECT pg_reload_conf()",
            "SELECT pg_read_file('PG_VERSION')",
        ] {
            assert_eq!(admin.failed(sql).await.0, "42501", "{sql}");
        }
        for sql in [
            "DROP SCHEMA sys CASCADE",
            "ALTER SCHEMA sys OWNER TO admin",
            "SELECT lo_create(0)",
            "SELECT lo_from_bytea(0, 'a')",
            "SELECT pg_notify('dsql_local_jobs', '')",
        ] {
            assert_eq!(admin.failed(sql).await.0, "0A000", "{sql}");
        }
        for body in [
            r"E'SELECT dsql\137local_set_config(''dsql_local.capture'', ''apply'', false)'",
            r#"E'SELECT U&"dsql\\005flocal_base_type"(1::oid)::text'"#,
        ] {
            let sql = format!("CREATE FUNCTION f() RETURNS text LANGUAGE sql AS {body}");
            assert_eq!(admin.failed(&sql).await.0, "42883", "{sql}");
        }
        let missing = (
            "42883".to_owned(),
            "function dsql_local_create_index does not exist".to_owned(),
            'I',
        );
        let call = "SELECT pg_catalog.dsql_local_create_index('DROP VIEW v', false)";
        assert_eq!(admin.refused(call).await, missing);
        // Wherever the call is, if it comes to that.
        let lock = (
            "0A000".to_owned(),
            "function pg_advisory_lock not supported".to_owned(),
            'I',
        );
        admin
            .run(&[
                "CREATE FUNCTION f() RETURNS void LANGUAGE sql
                 AS 'SELECT U&\"pg_advisory_lock\"(1)'",
                "CREATE TABLE t (id int, l text DEFAULT U&\"pg_advisory_lock\"(1)::text)",
            ])
            .await;
        for sql in [
            "SELECT U&\"pg_advisory_lock\"(1)",
            "SELECT f()",
            "INSERT INTO t (id) VALUES (1)",
            "COPY (SELECT f()) TO STDOUT",
            "EXPLAIN ANALYZE SELECT f()",
        ] {
            let messages = admin.query(sql).await;
            let said = (field(&messages, 'C'), field(&messages, 'M'));
            assert_eq!(said, (Some(lock.0.clone()), Some(lock.1.clone())), "{sql}");
            assert_eq!(field(&messages, 'W'), None, "{sql}");
        }
    })
    .await;
}
