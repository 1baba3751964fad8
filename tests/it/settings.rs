//! A session's parameters, read back from a PostgreSQL and repeated in another session.

use bytes::{Bytes, BytesMut};
use dsql_proxy::session::settings::{
    Change, READ_BACK, ReadBack, Settings, inject, startup_settings,
};
use dsql_proxy::wire::encode;

use crate::support::postgres::Postgres;
use crate::support::raw::{Message, RawClient, error, values};

/// Parameters that no session has alone: what SET is answered with depends on the build, on the
/// kernel, or on the transaction.
const LEFT_OUT: &[&str] = &[
    "tcp_keepalives_count",
    "tcp_keepalives_idle",
    "tcp_keepalives_interval",
    "tcp_user_timeout",
    "transaction_deferrable",
    "transaction_isolation",
    "transaction_read_only",
];

/// Values that are not at hand in `pg_settings`.
const STRINGS: &[(&str, &[&str])] = &[
    ("application_name", &["it's \\ one"]),
    ("backtrace_functions", &["a,b"]),
    ("client_encoding", &["LATIN1", "SJIS"]),
    ("createrole_self_grant", &["set, inherit"]),
    ("datestyle", &["German", "SQL, DMY", "iso, ymd"]),
    ("default_table_access_method", &["heap"]),
    ("default_text_search_config", &["german"]),
    ("default_tablespace", &["pg_global", ""]),
    ("dynamic_library_path", &["$libdir:/tmp/it's"]),
    ("lc_messages", &["C.UTF-8"]),
    ("lc_monetary", &["C.UTF-8"]),
    ("lc_numeric", &["C.UTF-8"]),
    ("lc_time", &["C.UTF-8"]),
    ("local_preload_libraries", &["a, \"B/c\""]),
    ("max_stack_depth", &["1000"]),
    ("restrict_nonsystem_relation_kind", &["view, foreign-table"]),
    ("search_path", &["\"$user\", public"]),
    ("session_preload_libraries", &["'/x/\"y\"', \"Z\", lower"]),
    ("temp_tablespaces", &["''"]),
    ("timezone", &["Asia/Tokyo", "-5", "<+03>-03"]),
    ("timezone_abbreviations", &["India"]),
    ("wal_consistency_checking", &["heap,btree"]),
];

/// Statements, and what the session then has.
const STATEMENTS: &[(&str, &str, &str)] = &[
    (
        "SET search_path TO a, \"B\", \"c, d\", \"e\"\"f\", \"user\"",
        "search_path",
        "a, \"B\", \"c, d\", \"e\"\"f\", \"user\"",
    ),
    ("SET search_path TO ''", "search_path", "\"\""),
    ("SET search_path TO 'a, b'", "search_path", "\"a, b\""),
    (
        "SET search_path TO 'é\\', \"$user\"",
        "search_path",
        "\"é\\\", \"$user\"",
    ),
    (
        "SELECT set_config('search_path', '', false)",
        "search_path",
        "",
    ),
    (
        "SELECT set_config('search_path', 'a,B', false)",
        "search_path",
        "a,B",
    ),
    (
        "SET TIME ZONE INTERVAL '-05:30' HOUR TO MINUTE",
        "timezone",
        "<-05:30>+05:30",
    ),
    ("SET TIME ZONE -7.5", "timezone", "<-07:30>+07:30"),
    ("SET DateStyle TO German, YMD", "datestyle", "German, YMD"),
    ("SET work_mem TO '3MB'", "work_mem", "3072"),
    (
        "SET statement_timeout TO '1min'",
        "statement_timeout",
        "60000",
    ),
    (
        "UPDATE pg_settings SET setting = 'off' WHERE name = 'jit'",
        "jit",
        "off",
    ),
];

struct Session(RawClient);

impl Session {
    async fn new(port: u16) -> Self {
        let mut client = RawClient::connect(port).await;
        client.start("bench").await.unwrap();
        Self(client)
    }

    async fn run(&mut self, sql: &str) {
        let answer = self.0.query(sql).await;
        assert_eq!(error(&answer), None, "{sql}");
    }

    async fn read_back(&mut self) -> Settings {
        let sql = std::str::from_utf8(READ_BACK).unwrap();
        let mut read_back = ReadBack::default();
        for (_, row) in rows(&self.0.query(sql).await) {
            read_back.row(row).unwrap();
        }
        read_back.finish()
    }

    async fn inject(&mut self, changes: impl IntoIterator<Item = Change>) {
        let mut out = BytesMut::new();
        let count = inject(changes, &mut out);
        encode::sync(&mut out);
        self.0.send(&out).await;
        let answer = self.0.until_ready().await;
        assert_eq!(error(&answer), None);
        let complete = answer.iter().filter(|(tag, _)| *tag == b'C').count();
        assert_eq!(complete, count);
    }
}

fn rows(messages: &[Message]) -> impl Iterator<Item = &Message> {
    messages.iter().filter(|(tag, _)| *tag == b'D')
}

/// What the first session has now, the second one gets; and loses again.
async fn repeat(from: &mut Session, to: &mut Session, what: &str) -> Settings {
    let none = Settings::default();
    let settings = from.read_back().await;
    to.inject(none.difference(&settings)).await;
    assert_eq!(to.read_back().await, settings, "{what}");
    to.inject(settings.difference(&none)).await;
    assert!(to.read_back().await.is_empty(), "{what}");
    settings
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[tokio::test]
async fn parameters_travel() {
    let postgres = Postgres::start();
    let proxy = postgres.proxy(&["--unsupported-parameters=forward", "--ddl=pass"]);
    let mut one = Session::new(proxy.port()).await;
    let mut two = Session::new(proxy.port()).await;

    // Every parameter that a session can set, to another value than it has.
    let another = "SELECT lower(name) || ' ' || CASE vartype \
        WHEN 'bool' THEN CASE setting WHEN 'on' THEN 'off' ELSE 'on' END \
        WHEN 'enum' THEN (SELECT max(v) FROM unnest(enumvals) v WHERE v <> setting) \
        WHEN 'string' THEN '' \
        ELSE CASE setting WHEN max_val THEN min_val ELSE max_val END END \
        FROM pg_settings WHERE context IN ('user', 'superuser') ORDER BY name";
    let parameters = values(&one.0.query(another).await);
    assert!(parameters.len() > 150, "{parameters:?}");
    let mut seen = 0;
    for parameter in &parameters {
        let (name, value) = parameter.split_once(' ').unwrap();
        if LEFT_OUT.contains(&name) {
            continue;
        }
        let value = [value];
        let listed = STRINGS.iter().find(|(string, _)| *string == name);
        for value in listed.map_or(&value[..], |(_, values)| values) {
            one.run("RESET ALL").await;
            let list = [
                "search_path",
                "temp_tablespaces",
                "local_preload_libraries",
                "session_preload_libraries",
            ];
            if list.contains(&name) {
                one.run(&format!("SET {name} TO {value}")).await;
            } else {
                one.run(&format!("SET {name} TO {}", quoted(value))).await;
            }
            let settings = repeat(&mut one, &mut two, parameter).await;
            assert!(settings.get(name.as_bytes()).is_some(), "{parameter}");
            seen += 1;
        }
    }
    assert!(seen > 150, "{seen}");

    for (sql, name, value) in STATEMENTS {
        one.run("RESET ALL").await;
        one.run(sql).await;
        let settings = repeat(&mut one, &mut two, sql).await;
        let value = Bytes::from_static(value.as_bytes());
        assert_eq!(settings.get(name.as_bytes()), Some(&value), "{sql}");
    }

    // What ends with its transaction is not the session's.
    one.run("RESET ALL").await;
    one.run(
        "BEGIN; SET LOCAL work_mem = '1MB'; SET transaction_isolation = 'serializable'; COMMIT",
    )
    .await;
    one.run("BEGIN; SET work_mem = '1MB'; ROLLBACK").await;
    one.run("SET jit = off").await;
    one.run("RESET jit").await;
    assert!(one.read_back().await.is_empty());
}

#[tokio::test]
async fn values_arrive_under_another_encoding() {
    let postgres = Postgres::start();
    let proxy = postgres.proxy(&["--unsupported-parameters=forward", "--ddl=pass"]);
    let mut one = Session::new(proxy.port()).await;
    let mut two = Session::new(proxy.port()).await;
    one.run("SET search_path TO \"é\"").await;
    let unicode = one.read_back().await;
    one.run("SET client_encoding TO LATIN1").await;
    let latin = one.read_back().await;
    assert_eq!(latin.get(b"search_path").unwrap(), &b"\"\xe9\""[..]);
    two.inject(Settings::default().difference(&latin)).await;
    assert_eq!(two.read_back().await, latin);
    // As the server has it.
    let hex = "SELECT encode(convert_to(current_setting('search_path'), 'UTF8'), 'hex')";
    assert_eq!(values(&two.0.query(hex).await), ["22c3a922"]);
    two.inject(latin.difference(&unicode)).await;
    assert_eq!(two.read_back().await, unicode);
    assert_eq!(values(&two.0.query(hex).await), ["22c3a922"]);
}

#[tokio::test]
async fn startup_values_travel() {
    let postgres = Postgres::start();
    let proxy = postgres.proxy(&["--unsupported-parameters=forward", "--ddl=pass"]);
    let mut session = Session::new(proxy.port()).await;
    let parameters = [
        ("user", "bench"),
        ("client_encoding", "latin1"),
        ("DateStyle", "SQL, DMY"),
        (
            "options",
            "-c search_path=\"A\\ b\",C -c statement-timeout=5s",
        ),
    ];
    let parameters = parameters.map(|(name, value)| (name.into(), value.into()));
    let startup = startup_settings(&parameters);
    assert_eq!(startup.private, None);
    session.inject(startup.changes).await;
    let expected: Settings = [
        ("client_encoding", "LATIN1"),
        ("datestyle", "SQL, DMY"),
        ("search_path", "\"A b\", c"),
        ("statement_timeout", "5000"),
    ]
    .into_iter()
    .map(|(name, value)| (name.into(), value.into()))
    .collect();
    assert_eq!(session.read_back().await, expected);
}
