//! How large what is written may be, and what is read.

use dsql_proxy::dsql::limits as dsql;
use dsql_proxy::local::{Limits, LocalOptions};

use super::{with_cluster, with_options};

const LIMIT_EXCEEDED: &str = "54000";
const KEY: &str = "key size too large";

fn exceeded(text: &str) -> (String, String, char) {
    (LIMIT_EXCEEDED.into(), text.into(), 'I')
}

/// So many characters that cannot be compressed.
fn noise(length: usize) -> String {
    format!(
        "(SELECT \"left\"(string_agg(md5(i::text), ''), {length})
          FROM generate_series(1, {length} / 32 + 1) i)"
    )
}

#[tokio::test]
async fn values_and_rows_have_a_size() {
    with_cluster(async |access| {
        let mut admin = access.login("admin").await;
        admin
            .run(&[
                "CREATE TABLE t (id int PRIMARY KEY, v text, w text, b bytea, j jsonb, s json)",
                "CREATE SCHEMA app CREATE TABLE inside (v text)",
            ])
            .await;
        let mib = 1024 * 1024;
        let (fits, over) = (noise(mib), noise(mib + 1));
        admin
            .run(&[
                &format!("INSERT INTO t (id, v) VALUES (1, {fits})"),
                // It is compressed.
                "INSERT INTO t (id, v) VALUES (2, repeat('a', 1100000))",
                "INSERT INTO t (id, b) VALUES (3, repeat('a', 1100000)::bytea)",
                "INSERT INTO t (id, j) VALUES (4, to_jsonb(repeat('a', 1100000)))",
                "UPDATE t SET w = repeat('a', 1100000)",
                "UPDATE t SET id = id + 100",
            ])
            .await;
        let value = |of: &str| {
            exceeded(&format!(
                "datatype limit greater than 1048576 bytes not supported for {of}"
            ))
        };
        for (sql, refused) in [
            (format!("INSERT INTO t (id, v) VALUES (9, {over})"), value("text")),
            (format!("INSERT INTO app.inside VALUES ({over})"), value("text")),
            (format!("UPDATE t SET v = {over} WHERE id = 102"), value("text")),
            (
                format!("INSERT INTO t (id, b) VALUES (9, {over}::bytea)"),
                value("bytea"),
            ),
            (
                format!("INSERT INTO t (id, j) VALUES (9, to_jsonb({over}))"),
                value("jsonb"),
            ),
            (
                format!("INSERT INTO t (id, s) VALUES (9, to_json({over}))"),
                value("json"),
            ),
            (
                format!(
                    "INSERT INTO t (id, v) VALUES (101, '') ON CONFLICT (id) DO UPDATE SET v = {over}"
                ),
                value("text"),
            ),
            (
                format!("INSERT INTO t (id, v, w) VALUES (9, {fits}, {fits})"),
                exceeded("maximum row size exceeded"),
            ),
            (
                format!("UPDATE t SET b = {fits}::bytea WHERE id = 101"),
                exceeded("maximum row size exceeded"),
            ),
        ] {
            assert_eq!(admin.refused(&sql).await, refused, "{sql}");
        }
        // Nobody sees what looks.
        let triggers = "SELECT count(*) FROM information_schema.triggers";
        assert_eq!(admin.value(triggers).await, "0");
        admin
            .run(&["ALTER TABLE t DROP COLUMN v", "UPDATE t SET id = id - 100"])
            .await;
    })
    .await;
}

#[tokio::test]
async fn keys_have_a_size() {
    with_cluster(async |access| {
        let mut admin = access.login("admin").await;
        admin
            .run(&[
                "CREATE TABLE p (a text, b text, c int, d text, PRIMARY KEY (a, b))",
                "CREATE TABLE u (a text UNIQUE, d text)",
                "CREATE TABLE i (id int, a text)",
                "SET disable_sync_create_index = off",
                "CREATE INDEX ON i (lower(a), id) WHERE id > 0",
                "INSERT INTO p VALUES (repeat('a', 1980), 'b', 1, 'd')",
                "INSERT INTO u VALUES (repeat('a', 1981)), (NULL), ('b')",
                "INSERT INTO u VALUES (NULL, repeat('d', 9999))",
                "INSERT INTO i VALUES (1, repeat('A', 1977)), (0, repeat('a', 99999))",
            ])
            .await;
        let long = noise(5000);
        for sql in [
            "INSERT INTO p VALUES (repeat('a', 1980), 'bb', 1)",
            "UPDATE p SET b = 'bb'",
            "INSERT INTO u VALUES (repeat('a', 1982))",
            "INSERT INTO u VALUES ('c'), (repeat('a', 1982))",
            "UPDATE u SET a = repeat('a', 1000) || repeat('b', 1000) WHERE a = 'b'",
            "INSERT INTO i VALUES (1, repeat('a', 1978))",
            &format!("INSERT INTO u VALUES ({long})"),
            &format!("INSERT INTO i VALUES (1, {long})"),
        ] {
            assert_eq!(admin.refused(sql).await, exceeded(KEY), "{sql}");
        }
        assert_eq!(admin.value("SELECT count(*) FROM u").await, "4");
    })
    .await;
}

#[tokio::test]
async fn lower_limits_hold() {
    let limits = Limits::from_iter([
        (&dsql::VALUE_SIZE, 100),
        (&dsql::ROW_SIZE, 130),
        (&dsql::KEY_SIZE, 20),
        (&dsql::QUERY_MEMORY, 1024 * 1024),
        (&dsql::NUMERIC_PRECISION, 38),
    ]);
    let options = LocalOptions {
        limits,
        ..LocalOptions::default()
    };
    with_options(options, async |access| {
        let mut admin = access.login("admin").await;
        admin
            .run(&[
                "CREATE TABLE t (a varchar(999) UNIQUE, b text, c numeric(38, 2))",
                "INSERT INTO t VALUES (repeat('a', 20), repeat('b', 100), 1)",
            ])
            .await;
        for (sql, state, text) in [
            (
                "INSERT INTO t VALUES (repeat('a', 21))",
                LIMIT_EXCEEDED,
                KEY,
            ),
            (
                "INSERT INTO t (b) VALUES (repeat('a', 101))",
                LIMIT_EXCEEDED,
                "datatype limit greater than 100 bytes not supported for text",
            ),
            (
                "INSERT INTO t VALUES (repeat('b', 20), repeat('b', 100), 123456789012345678901234567890123456)",
                LIMIT_EXCEEDED,
                "maximum row size exceeded",
            ),
            (
                "SELECT count(*) FROM (SELECT repeat(i::text, 99) r FROM generate_series(1, 99999) i
                  ORDER BY r OFFSET 1) s",
                LIMIT_EXCEEDED,
                "query requires more than allowed temp space of 1024 KB to execute",
            ),
            (
                "ALTER TABLE t ADD d numeric(39)",
                "22023",
                "NUMERIC precision 39 must be between 1 and 38",
            ),
        ] {
            let refused = admin.refused(sql).await;
            assert_eq!(refused, (state.into(), text.into(), 'I'), "{sql}");
        }
        let mut other = access.login("admin").await;
        let setting = (
            "0A000",
            "setting configuration parameter \"temp_file_limit\" not supported",
        );
        for sql in [
            "SET temp_file_limit = -1",
            "SELECT set_config('temp_file_limit', '-1', false)",
        ] {
            let (state, text, _) = other.failed(sql).await;
            assert_eq!((state.as_str(), text.as_str()), setting);
        }
    })
    .await;
}
