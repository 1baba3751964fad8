use proptest::prelude::*;

use super::call::is_harmless;
use super::harmless::HARMLESS;
use super::{Count, PinReason, Traits, glance, quick, thorough};
use crate::sql::kind::{StatementKind, kind};
use crate::sql::lexer::Lexer;
use crate::sql::lock_call::{self, LockFunction, LockScope};
use crate::sql::tests::sqlish;

const NONE: Traits = Traits::NONE;
const PARAMETERS: Traits = Traits::PARAMETERS;
const HIDDEN: Traits = Traits::PARAMETERS.union(Traits::HIDDEN_PARAMETERS);
const LOCAL: Traits = Traits::LOCAL_PARAMETERS;
const WRITE: Traits = Traits::SEQUENCE_WRITE;
const CALL: Traits = Traits::SEQUENCE_CALL.union(WRITE);
const UNKNOWN_FUNCTION: Traits = Traits::UNKNOWN_FUNCTION.union(WRITE);
const TAKEN_LOCK: Traits = Traits::ADVISORY_LOCK.union(Traits::ADVISORY_CALL);
const TEMPORARY: Traits = Traits::TEMPORARY_OBJECT.union(WRITE);
const CODE: Traits = Traits::CODE.union(PARAMETERS).union(WRITE);

/// Statements, and all that they may do. What calls nothing unusual must pass the quick look.
const STATEMENTS: &[(&str, Traits)] = &[
    ("SELECT 1", NONE),
    ("SELECT abalance FROM pgbench_accounts WHERE aid = $1", NONE),
    (
        "select count(*), max(a) from t where b in (1, 2) and (c = (d))",
        NONE,
    ),
    (
        "SELECT \"a\".\"b\" FROM \"public\".\"A\" AS a WHERE x = 'it''s (fine); -- so' LIMIT 1",
        NONE,
    ),
    ("SELECT a::numeric(10,2) FROM t FOR UPDATE", NONE),
    ("SELECT f.into_x, gh FROM f WHERE i = 1", NONE),
    ("SELECT 'currval(' /* lastval() */ -- setseed(\n", NONE),
    ("SELECT $$ currval('s') $$, E'\\' currval(', U&'a'", NONE),
    ("SELECT pg_catalog.lower(x) FROM t", NONE),
    ("SELECT pg_advisory_unlock_all()", Traits::ADVISORY_CALL),
    ("VALUES (1), (2)", NONE),
    ("TABLE t", NONE),
    ("SHOW search_path", NONE),
    ("FETCH 10 FROM c", NONE),
    (
        "SELECT * FROM (VALUES (1, 2)) v(a, b), LATERAL unnest(c) AS u (d)",
        NONE,
    ),
    ("INSERT INTO t (a) VALUES ($1) RETURNING a", WRITE),
    (
        "INSERT INTO \"public\".\"T x\" (\"a\", b) VALUES (1, lower('X'))",
        WRITE,
    ),
    ("INSERT INTO t SELECT lower(a) FROM x", WRITE),
    (
        "INSERT INTO temp (a) VALUES (1) ON CONFLICT (a) DO NOTHING",
        WRITE,
    ),
    ("UPDATE t SET (a, b) = (1, 2)", WRITE),
    ("DELETE FROM t WHERE a = ANY($1)", WRITE),
    ("WITH a (x, y) AS (SELECT 1, 2) SELECT * FROM a", WRITE),
    (
        "(WITH a AS (DELETE FROM t RETURNING *) SELECT * FROM a)",
        WRITE,
    ),
    ("SELECT nextval('s')", CALL),
    ("select setval('s', 1)", CALL),
    ("SELECT currval('s')", Traits::SEQUENCE_READ),
    ("SELECT lastval()", Traits::SEQUENCE_READ),
    (
        "INSERT INTO t VALUES (CurrVal ('s'))",
        Traits::SEQUENCE_READ.union(WRITE),
    ),
    ("INSERT INTO \"a\".\"t (x\" (a) VALUES (1)", WRITE),
    ("INSERT INTO currval (a) VALUES (1)", WRITE),
    (
        "INSERT INTO \"t( \" SELECT currval('s') AS \"x\"",
        Traits::SEQUENCE_READ.union(WRITE),
    ),
    (
        "SELECT pg_catalog . \"currval\" /* x */ -- y\n ('s')",
        Traits::SEQUENCE_READ,
    ),
    ("SELECT public.currval('s')", Traits::SEQUENCE_READ),
    ("SELECT 1currval('s')", Traits::SEQUENCE_READ),
    ("SELECT U&\"curr\\0076al\"('s')", Traits::UNKNOWN),
    ("SELECT setseed(0.5)", Traits::SEED),
    ("SET seed TO 0.5", PARAMETERS.union(Traits::SEED)),
    ("SELECT pg_advisory_lock(1)", TAKEN_LOCK),
    ("SELECT pg_try_advisory_lock_shared(1, 2)", TAKEN_LOCK),
    ("SELECT pg_advisory_xact_lock(1)", Traits::ADVISORY_CALL),
    (
        "SELECT pg_terminate_backend(pg_backend_pid())",
        Traits::BACKEND_FUNCTIONS,
    ),
    ("SELECT f(1)", UNKNOWN_FUNCTION),
    ("SELECT app.lower('x')", UNKNOWN_FUNCTION),
    ("SELECT app . lower('x')", UNKNOWN_FUNCTION),
    ("SELECT \"f\"(1)", UNKNOWN_FUNCTION),
    (
        "SELECT query_to_xml('select 1', true, true, '')",
        UNKNOWN_FUNCTION,
    ),
    ("COPY t (a, b) FROM STDIN WITH (FORMAT csv)", WRITE),
    ("COPY (SELECT f(a) FROM t) TO STDOUT", UNKNOWN_FUNCTION),
    (
        "SELECT dblink_connect('x')",
        UNKNOWN_FUNCTION.union(Traits::FUNCTION_STATE),
    ),
    (
        "SELECT pg_replication_origin_session_setup('x')",
        Traits::FUNCTION_STATE,
    ),
    ("SET work_mem = '1MB'", PARAMETERS),
    ("SET SESSION TIME ZONE 'UTC'", PARAMETERS),
    ("SET NAMES 'utf8'", PARAMETERS),
    ("SET dsql.enable_batched_nestloop = on", HIDDEN),
    (
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        PARAMETERS,
    ),
    ("SET standard_conforming_strings = on", PARAMETERS),
    (
        "SET standard_conforming_strings = off",
        PARAMETERS.union(Traits::STRING_SYNTAX),
    ),
    ("SET TRANSACTION READ ONLY", NONE),
    ("SET CONSTRAINTS ALL DEFERRED", NONE),
    ("SET LOCAL work_mem = '1MB'", LOCAL),
    ("SET LOCAL ROLE a", LOCAL),
    ("SET LOCAL app.user = 'a'", LOCAL),
    (
        "SET LOCAL search_path TO pg_temp",
        LOCAL.union(Traits::TEMPORARY_OBJECT),
    ),
    ("SET ROLE a", HIDDEN),
    ("SET SESSION ROLE a", HIDDEN),
    ("SET role TO a", HIDDEN),
    ("SET \"app\".\"user\" = 'a'", HIDDEN),
    ("SET U&\"r\\006fle\" = 'a'", HIDDEN),
    ("SET SESSION AUTHORIZATION a", HIDDEN),
    ("SET SESSION AUTHORIZATION DEFAULT", PARAMETERS),
    (
        "SET search_path = \"pg_temp\", public",
        PARAMETERS.union(Traits::TEMPORARY_OBJECT),
    ),
    ("RESET ALL", PARAMETERS),
    ("RESET ROLE", PARAMETERS),
    (
        "SELECT set_config('search_path', '', false)",
        PARAMETERS.union(LOCAL),
    ),
    (
        "SELECT pg_catalog.set_config('search_path', f(1, (2)), true)",
        LOCAL.union(UNKNOWN_FUNCTION),
    ),
    ("SELECT set_config('app.user', $1, true)", LOCAL),
    ("SELECT set_config($1, $2, true)", LOCAL),
    ("SELECT set_config($1, $2, false)", HIDDEN.union(LOCAL)),
    (
        "SELECT set_config('ro' || 'le', $2, $3)",
        HIDDEN.union(LOCAL),
    ),
    (
        "SELECT set_config('app.user', 'a', true or false)",
        HIDDEN.union(LOCAL),
    ),
    ("SELECT set_config('Role', 'a', false)", HIDDEN.union(LOCAL)),
    (
        "SELECT set_config(E'role', 'a', false)",
        HIDDEN.union(LOCAL),
    ),
    (
        "UPDATE pg_settings SET setting = 'off' WHERE name = 'jit'",
        PARAMETERS.union(LOCAL).union(WRITE),
    ),
    (
        "UPDATE ONLY pg_catalog.\"pg_settings\" SET setting = 'a'",
        PARAMETERS.union(LOCAL).union(WRITE),
    ),
    (
        "UPDATE pg_catalog . pg_settings SET setting = 'a'",
        PARAMETERS.union(LOCAL).union(WRITE),
    ),
    ("SELECT setting FROM pg_settings", NONE),
    ("DEALLOCATE a", Traits::DEALLOCATE),
    (
        "DISCARD ALL",
        Traits::DISCARD.union(PARAMETERS).union(Traits::DEALLOCATE),
    ),
    ("DISCARD PLANS", Traits::DISCARD),
    ("PREPARE a AS SELECT 1", Traits::SQL_PREPARE),
    ("EXECUTE a", Traits::EXECUTE.union(PARAMETERS).union(WRITE)),
    (
        "EXPLAIN ANALYZE EXECUTE a",
        Traits::EXECUTE.union(PARAMETERS).union(WRITE),
    ),
    (
        "CREATE TABLE t AS EXECUTE a",
        Traits::EXECUTE.union(PARAMETERS).union(WRITE),
    ),
    ("LISTEN a", Traits::LISTEN),
    ("UNLISTEN *", Traits::TIDY),
    ("NOTIFY a, 'b'", Traits::NOTIFY),
    ("SELECT pg_notify('a', 'b')", Traits::NOTIFY),
    ("CLOSE ALL", Traits::TIDY),
    ("DECLARE c CURSOR FOR SELECT 1", NONE),
    ("DECLARE c SCROLL CURSOR WITHOUT HOLD FOR SELECT 1", NONE),
    (
        "DECLARE c CURSOR WITH /* x */ HOLD FOR SELECT 1",
        Traits::HOLDABLE_CURSOR,
    ),
    ("CREATE TEMP TABLE t (a int)", TEMPORARY),
    ("create local temporary view v as select 1", TEMPORARY),
    ("CREATE OR REPLACE TEMP VIEW v AS SELECT 1", TEMPORARY),
    ("CREATE TABLE pg_temp.t (a int)", TEMPORARY),
    (
        "CREATE FUNCTION \"pg_temp_3\".f() RETURNS int LANGUAGE sql AS 'select 1'",
        TEMPORARY,
    ),
    ("SELECT 1 INTO TEMP t", TEMPORARY),
    ("SELECT 1INTO GLOBAL TEMPORARY TABLE t", TEMPORARY),
    ("SELECT * INTO pg_temp.t FROM x", TEMPORARY),
    (
        "WITH a AS (SELECT 1) SELECT * INTO TEMP t FROM a",
        TEMPORARY,
    ),
    ("EXPLAIN ANALYZE CREATE TEMP TABLE t AS SELECT 1", TEMPORARY),
    ("EXPLAIN (ANALYZE, BUFFERS) SELECT 1", NONE),
    ("SELECT * INTO t FROM x", WRITE),
    (
        "CREATE TABLE t (a int PRIMARY KEY, b text DEFAULT f(1), CHECK (g(a) > 0))",
        WRITE,
    ),
    ("CREATE TABLE temp AS SELECT f(1)", UNKNOWN_FUNCTION),
    (
        "CREATE TABLE t AS (SELECT currval('s'))",
        Traits::SEQUENCE_READ.union(WRITE),
    ),
    ("CREATE INDEX ASYNC i ON t (a)", WRITE),
    ("CREATE SCHEMA s", WRITE),
    ("ALTER ROLE a SET work_mem = '1MB'", WRITE),
    ("ALTER TABLE t ADD CONSTRAINT c CHECK (f(a))", WRITE),
    ("DROP FUNCTION f(int)", WRITE),
    ("GRANT SELECT (a) ON t TO b", WRITE),
    ("TRUNCATE t", WRITE),
    ("LOAD 'x'", Traits::LOAD.union(PARAMETERS)),
    ("DO $$ begin end $$", CODE),
    ("CALL p(1)", CODE.union(UNKNOWN_FUNCTION)),
    ("CALL sys.wait_for_job('x')", WRITE),
    ("AWS IAM GRANT a TO 'b'", NONE),
    ("BEGIN", NONE),
    ("COMMIT AND CHAIN", NONE),
    ("SAVEPOINT a", NONE),
    ("LOCK TABLE t", NONE),
    ("", NONE),
    ("nonsense", Traits::UNKNOWN.union(PARAMETERS).union(WRITE)),
];

#[test]
fn ddl_is_seen_wherever_it_stands() {
    for ddl in [
        "create table t (a int)",
        "/* a */ CREATE UNIQUE INDEX i ON t (a)",
        "alter table t add a int",
        "drop view v",
        "comment on table t is 'x'",
        "grant select on t to r",
        "revoke select on t from r",
        "AWS IAM GRANT r TO 'arn:aws:iam::1:role/r'",
        "insert into t values (1); create table u (a int)",
        "begin; alter table t drop a; commit",
    ] {
        let traits = glance(ddl.as_bytes()).traits;
        assert!(traits.contains(Traits::DDL), "{ddl}");
    }
    for other in [
        "select 'create table t (a int)'",
        "insert into t values (1); select 1",
        "truncate t",
        "analyze t",
        "vacuum t",
        "set search_path = a",
        "copy t from stdin",
        "begin; update t set a = 1; commit",
    ] {
        let traits = glance(other.as_bytes()).traits;
        assert!(!traits.contains(Traits::DDL), "{other}");
    }
}

#[test]
fn traits_of_statements() {
    for (sql, expected) in STATEMENTS {
        let seen = glance(sql.as_bytes());
        assert_eq!(seen.traits.without(Traits::DDL), *expected, "{sql}");
        assert_eq!(seen.first, kind(sql.as_bytes()), "{sql}");
        let count = if sql.is_empty() {
            Count::Empty
        } else {
            Count::One
        };
        assert_eq!(seen.count, count, "{sql}");
    }
}

#[test]
fn what_is_frequent_is_seen_quickly() {
    for sql in [
        "SELECT 1;",
        "SELECT abalance FROM pgbench_accounts WHERE aid = 1;\n",
        "select count(*), max(a) from t where b in ($1, 2) and (c = (d)) limit 1",
        "SELECT \"a\".\"b\" FROM \"public\".\"A\" WHERE x = 'it''s (fine); -- so'",
        "UPDATE pgbench_accounts SET abalance = abalance + $1 WHERE aid = $2",
        "INSERT INTO \"public\".\"T\" (\"a\", \"b\") VALUES ($1, now()) RETURNING \"a\"",
        "insert into t(a) values (coalesce($1, 0))",
        "DELETE FROM t WHERE a = ANY ($1) - 1",
    ] {
        assert!(
            quick::is_plain(sql.as_bytes(), kind(sql.as_bytes())),
            "{sql}"
        );
    }
}

#[test]
fn every_function_of_advisory_locks_is_seen() {
    for (name, function) in lock_call::FUNCTIONS {
        for sql in [
            format!("select {name}()"),
            format!("insert into t select x from pg_catalog . {name} (1) x"),
            format!("SELECT 1; SELECT \"{name}\"(1)"),
            format!("UPDATE t SET a = 1 WHERE {}(1)", name.to_uppercase()),
        ] {
            let traits = glance(sql.as_bytes()).traits;
            assert!(traits.contains(Traits::ADVISORY_CALL), "{sql}");
            // Only these need a session that lasts.
            let taken = matches!(
                function,
                LockFunction::Lock(_, LockScope::Session)
                    | LockFunction::TryLock(_, LockScope::Session)
            );
            assert_eq!(traits.contains(Traits::ADVISORY_LOCK), taken, "{sql}");
        }
    }
}

#[test]
fn several_statements() {
    for (sql, count, traits) in [
        ("SELECT 1; SELECT 2", Count::Several, NONE),
        (
            "BEGIN; SELECT 1",
            Count::Several,
            Traits::TRANSACTION_CONTROL,
        ),
        ("BEGIN;;", Count::One, NONE),
        (";-- x\n;", Count::Empty, NONE),
        (
            "SELECT pg_advisory_unlock_all();\nCLOSE ALL;\nUNLISTEN *;\nRESET ALL;",
            Count::Several,
            PARAMETERS.union(Traits::ADVISORY_CALL).union(Traits::TIDY),
        ),
        (
            "SELECT 'a;b'; INSERT INTO t SELECT lastval()",
            Count::Several,
            WRITE.union(Traits::SEQUENCE_READ),
        ),
    ] {
        let seen = glance(sql.as_bytes());
        assert_eq!((seen.count, seen.traits), (count, traits), "{sql}");
    }
}

#[test]
fn pins() {
    for (sql, reason) in [
        ("SELECT 1", None),
        ("SET work_mem = '1MB'", None),
        ("SELECT f(1)", None),
        ("DISCARD ALL", None),
        ("SET ROLE a", Some("hidden_parameter")),
        ("SELECT lastval()", Some("sequence_read")),
        ("LISTEN a", Some("listen")),
        ("DO ''", Some("code")),
        ("what is this", Some("unknown_statement")),
    ] {
        let pin = glance(sql.as_bytes()).traits.pin();
        assert_eq!(pin.map(PinReason::as_str), reason, "{sql}");
    }
    assert!(glance(b"SELECT f(1)").traits.may_change_parameters());
    let mut labels: Vec<_> = PinReason::all().map(PinReason::as_str).collect();
    labels.sort_unstable();
    labels.dedup();
    assert_eq!(labels.len(), PinReason::all().count());
    assert!(PinReason::all().all(|reason| reason.explanation().starts_with("it ")));
    // Whoever adds a reason adds its texts.
    assert!(!PinReason::Startup.as_str().is_empty());
    assert_eq!(
        format!("{:?}", Traits::SEED | Traits::LOAD),
        "{\"SEED\", \"LOAD\"}"
    );
}

#[test]
fn the_table_of_harmless_words_can_be_searched() {
    assert!(HARMLESS.is_sorted_by(|a, b| a < b));
    assert!(
        HARMLESS
            .iter()
            .all(|word| word.to_ascii_lowercase() == *word)
    );
    assert!(is_harmless(b"LOWER"));
    for word in [
        "set_config",
        "nextval",
        "currval",
        "dblink",
        "query_to_xml",
        "ts_stat",
        "",
    ] {
        assert!(!is_harmless(word.as_bytes()), "{word}");
    }
    assert!(!is_harmless(&[b'a'; 100]));
}

fn a_statement() -> impl Strategy<Value = (&'static str, Traits)> {
    prop::sample::select(STATEMENTS)
}

/// Texts made of what the quick look looks at.
fn plainish() -> impl Strategy<Value = Vec<u8>> {
    let verb = prop::sample::select(vec![
        "SELECT ",
        "select ",
        "INSERT INTO ",
        "update ",
        "DELETE FROM ",
        "UPDATE pg_settings ",
        "UPDATE ONLY pg_settings ",
    ]);
    let piece = prop::sample::select(vec![
        "a",
        "lower",
        "currval",
        "lastval",
        "f",
        "in",
        "into",
        "temp",
        "pg_settings",
        "1",
        "$1",
        "$",
        "$$",
        "$a$",
        "(",
        ")",
        "\"",
        "'",
        ";",
        ".",
        ",",
        " ",
        "\n",
        "--",
        "-",
        "/*",
        "*/",
        "/",
        "\\",
        "&",
        "U&",
        "e",
        "é",
        "set_config",
        "as ",
        "values ",
        "nextval(",
        "SELECT ",
        "pg_catalog",
        "x",
    ]);
    (verb, prop::collection::vec(piece, 0..16))
        .prop_map(|(verb, pieces)| [verb, &pieces.concat()].concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn never_panics(text in sqlish()) {
        glance(&text);
        glance(&[b"SET ".as_slice(), &text].concat());
        glance(&[b"SELECT set_config(".as_slice(), &text].concat());
    }

    #[test]
    fn the_quick_look_sees_what_the_thorough_one_sees(text in plainish()) {
        let first = kind(&text);
        let shown = String::from_utf8_lossy(&text);
        let (quick, thorough) = (glance(&text), thorough(&text, first));
        prop_assert_eq!(quick.count, thorough.count, "{}", shown);
        // In what is no SQL, the thorough look takes any name for the table's.
        let settings = PARAMETERS | LOCAL;
        let same = quick.traits == thorough.traits
            || (first == StatementKind::Update && quick.traits == thorough.traits.without(settings));
        prop_assert!(same, "{}: {:?} {:?}", shown, quick, thorough);
    }

    #[test]
    fn what_stands_between_tokens_changes_nothing(
        (sql, traits) in a_statement(),
        trivia in prop::collection::vec(
            prop::sample::select(vec![" ", "\n", "\t ", "/* ( */", "/*/*;*/*/", " -- ; x(\n"]), 1..5
        ),
        upper in any::<bool>(),
    ) {
        let text = sql.as_bytes();
        let mut changed = Vec::new();
        let mut next = trivia.iter().cycle();
        for token in Lexer::new(text) {
            let bytes = token.bytes(text);
            if token.kind == crate::sql::TokenKind::Word && upper {
                changed.extend(bytes.to_ascii_uppercase());
            } else {
                changed.extend(bytes);
            }
            // Two numbers, or a number and a word, may be one token without a space.
            changed.extend(next.next().unwrap().as_bytes());
        }
        let seen = glance(&changed).traits;
        prop_assert_eq!(seen.without(Traits::DDL), traits, "{}", String::from_utf8_lossy(&changed));
        prop_assert_eq!(seen, glance(sql.as_bytes()).traits);
    }

    #[test]
    fn statements_add_up(list in prop::collection::vec(a_statement(), 1..5)) {
        let text: Vec<_> = list.iter().map(|(sql, _)| *sql).collect();
        let all = list.iter().fold(NONE, |all, (_, traits)| all | *traits);
        let text = text.join("\n;");
        let seen = glance(text.as_bytes()).traits;
        let rest = seen.without(Traits::TRANSACTION_CONTROL | Traits::DDL);
        prop_assert_eq!(rest, all, "{}", text);
        let has_ddl = list.iter().any(|(sql, _)| glance(sql.as_bytes()).traits.contains(Traits::DDL));
        prop_assert_eq!(seen.contains(Traits::DDL), has_ddl, "{}", text);
    }
}
