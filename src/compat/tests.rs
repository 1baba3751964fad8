use std::sync::Arc;

use proptest::prelude::*;

use super::*;

fn policy(unsupported: Unsupported) -> Policy {
    Policy {
        unsupported,
        ..Policy::default()
    }
}

fn reject() -> Policy {
    policy(Unsupported::Reject)
}

fn forward() -> Policy {
    policy(Unsupported::Forward)
}

/// The parameter that a plan refuses, out of its message.
fn refused(plan: &Plan) -> Option<&str> {
    match plan {
        Plan::Forward => None,
        Plan::Refuse(refusal) => Some(named(refusal)),
        Plan::Answer(ask) => panic!("answered: {ask:?}"),
    }
}

fn named(refusal: &Refusal) -> &str {
    assert_eq!(refusal.sqlstate, "0A000");
    assert!(refusal.hint.contains("--unsupported-parameters=forward"));
    let name = refusal
        .message
        .strip_prefix("setting configuration parameter \"")
        .unwrap();
    name.strip_suffix("\" not supported").unwrap()
}

#[track_caller]
fn statements(table: &[(&str, Option<&str>)]) {
    for (text, expected) in table {
        assert_eq!(
            refused(&reject().statement(text.as_bytes())),
            *expected,
            "{text:?}"
        );
        assert_eq!(
            forward().statement(text.as_bytes()),
            Plan::Forward,
            "{text:?}"
        );
    }
}

#[test]
fn the_whole_of_a_refusal() {
    let Plan::Refuse(refusal) = reject().statement(b"SET client_min_messages TO warning") else {
        panic!("forwarded");
    };
    assert_eq!(refusal.sqlstate, "0A000");
    assert_eq!(
        refusal.message,
        "setting configuration parameter \"client_min_messages\" not supported"
    );
    assert_eq!(
        refusal.hint,
        "Aurora DSQL lets a session set only a few parameters, and this is not one of them. \
         Remove it from what your client sends when it connects, or from your SQL: most clients \
         have an option for it. Or start dsql-proxy with --parameter client_min_messages=emulate to \
         have the proxy do what it asks for, or with =ignore to have it answered but not applied. \
         dsql-proxy refused this before it reached the server. If your \
         server does accept it, start dsql-proxy with --unsupported-parameters=forward."
    );
}

#[test]
fn every_form_of_set() {
    statements(&[
        ("SET work_mem = '4MB'", Some("work_mem")),
        ("set Work_Mem to default", Some("work_mem")),
        (
            "SET SESSION statement_timeout = 0;",
            Some("statement_timeout"),
        ),
        ("SET LOCAL lock_timeout = 0", Some("lock_timeout")),
        ("/* app */ SET jit = off -- why", Some("jit")),
        (";SET jit = off;", Some("jit")),
        ("SET \"Row_Security\" = off", Some("Row_Security")),
        ("SET myapp.user_id = '1'", Some("myapp.user_id")),
        ("SET XML OPTION DOCUMENT", Some("xmloption")),
        ("SET SESSION AUTHORIZATION a", Some("session_authorization")),
        ("SET TRANSACTION READ ONLY", Some("TRANSACTION")),
        (
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
            Some("TRANSACTION"),
        ),
        (
            "SET transaction_isolation = 'serializable'",
            Some("transaction_isolation"),
        ),
        // what DSQL lets a session set
        ("SET search_path = a, b", None),
        ("SET LOCAL DateStyle = ISO", None),
        ("SET TIME ZONE 'UTC'", None),
        ("SET NAMES 'UTF8'", None),
        ("SET SCHEMA 'a'", None),
        ("SET disable_sync_create_index = off", None),
        ("SET dsql.enable_batched_nestloop = off", None),
        ("SET CONSTRAINTS ALL DEFERRED", None),
        // what only DSQL can answer
        ("SET ROLE a", None),
        ("SET LOCAL role TO a", None),
        ("SET SESSION AUTHORIZATION DEFAULT", None),
        ("SET dsql.something_new = 1", None),
        ("SET no_such_parameter = 1", None),
        ("SET work_mem 5", None),
        ("SET work_mem = ", None),
        ("SET work_mem = 1; SELECT 1", None),
        ("BEGIN; SET LOCAL work_mem = 1; COMMIT", None),
        ("RESET ALL", None),
        ("RESET work_mem", None),
        ("SHOW work_mem", None),
        ("SELECT set_config('work_mem', '1', false)", None),
        ("SELECT 'SET work_mem = 1'", None),
        ("UPDATE t SET work_mem = 1", None),
        ("ALTER ROLE a SET work_mem = 1", None),
        ("", None),
    ]);
}

/// What tools were seen to send, as they send it.
#[test]
fn what_tools_send() {
    statements(&[
        // Sequelize 6: one text
        (
            "SET client_min_messages TO warning;SET TIME ZONE INTERVAL '+00:00' HOUR TO MINUTE;",
            None,
        ),
        (
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;",
            Some("TRANSACTION"),
        ),
        // Prisma Client
        ("SET search_path = \"public\";\n", None),
        (
            "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
            Some("TRANSACTION"),
        ),
        // asyncpg
        (
            "SELECT current_setting('jit'), set_config('jit','off',false)",
            None,
        ),
        (
            "SELECT pg_advisory_unlock_all();\nCLOSE ALL;\nUNLISTEN *;\nRESET ALL;",
            None,
        ),
        // SQLAlchemy with psycopg2
        (
            "SET default_transaction_isolation TO DEFAULT",
            Some("default_transaction_isolation"),
        ),
        // Django
        ("SELECT set_config('TimeZone','UTC',false)", None),
        // pgjdbc, and HikariCP and Liquibase on it
        ("SET extra_float_digits = 3", None),
        ("SET application_name = 'PostgreSQL JDBC Driver'", None),
        ("SET SESSION search_path TO 'public'", None),
        ("SET SEARCH_PATH TO public, \"$user\",\"public\"", None),
        (
            "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED",
            Some("TRANSACTION"),
        ),
        ("SET ROLE 'flyway'", None),
        // ActiveRecord, diesel, Metabase
        (
            "SET client_min_messages TO 'warning'",
            Some("client_min_messages"),
        ),
        (
            "SET standard_conforming_strings = on",
            Some("standard_conforming_strings"),
        ),
        ("SET intervalstyle = iso_8601", None),
        ("SET SESSION timezone TO 'UTC'", None),
        ("SET CLIENT_ENCODING TO 'UTF8'", None),
        ("SET SESSION TIMEZONE TO 'UTC';", None),
        // pgAdmin 4: one text
        (
            "SET DateStyle=ISO; SET client_min_messages=notice; SELECT set_config('bytea_output',\
             'hex',false) FROM pg_settings WHERE name='bytea_output'; SET client_encoding='UTF8';",
            None,
        ),
        // pg_dump and pg_restore
        (
            "SELECT pg_catalog.set_config('search_path', '', false);",
            None,
        ),
        ("SET DATESTYLE = ISO", None),
        ("SET INTERVALSTYLE = POSTGRES", None),
        ("SET extra_float_digits TO 3", None),
        (
            "SET synchronize_seqscans TO off",
            Some("synchronize_seqscans"),
        ),
        ("SET statement_timeout = 0", Some("statement_timeout")),
        ("SET lock_timeout = 0", Some("lock_timeout")),
        (
            "SET idle_in_transaction_session_timeout = 0",
            Some("idle_in_transaction_session_timeout"),
        ),
        ("SET transaction_timeout = 0", Some("transaction_timeout")),
        ("SET row_security = off", Some("row_security")),
        (
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
            Some("TRANSACTION"),
        ),
        (
            "SET check_function_bodies = false;",
            Some("check_function_bodies"),
        ),
        ("SET xmloption = content;", Some("xmloption")),
        ("SET default_tablespace = '';", Some("default_tablespace")),
        (
            "SET default_table_access_method = heap;",
            Some("default_table_access_method"),
        ),
    ]);
}

#[test]
fn startup_parameters() {
    for (name, expected) in [
        ("client_encoding", None),
        ("DateStyle", None),
        ("TimeZone", None),
        ("extra_float_digits", None),
        ("application_name", None),
        ("search_path", None),
        ("no_such_parameter", None),
        ("amzn-cluster-id", None),
        ("statement_timeout", Some("statement_timeout")),
        ("jit", Some("jit")),
        (
            "default_transaction_read_only",
            Some("default_transaction_read_only"),
        ),
        ("request.jwt", Some("request.jwt")),
    ] {
        match reject().startup_parameter(name) {
            Verdict::Forward => assert_eq!(expected, None, "{name}"),
            Verdict::Refuse(refusal) => assert_eq!(Some(named(&refusal)), expected, "{name}"),
            Verdict::Keep => panic!("kept: {name}"),
        }
        assert_eq!(forward().startup_parameter(name), Verdict::Forward);
    }
}

#[test]
fn options_are_split_as_postgresql_splits_them() {
    for (value, expected) in [
        ("", vec![]),
        ("   ", vec![]),
        ("-c search_path=a", vec![("search_path", "a")]),
        (
            "-csearch_path=a  --application-name=b",
            vec![("search_path", "a"), ("application-name", "b")],
        ),
        (
            "-c application_name=a\\ b",
            vec![("application_name", "a b")],
        ),
        (
            "-c application_name=a\\\\b",
            vec![("application_name", "a\\b")],
        ),
        ("-c application_name=", vec![("application_name", "")]),
        ("-c a=b=c", vec![("a", "b=c")]),
        (
            "-c search_path=a,\\ \"B\"",
            vec![("search_path", "a, \"B\"")],
        ),
        ("-c amzn-cluster-id=abc", vec![("amzn-cluster-id", "abc")]),
        ("-c", vec![]),
        ("-c a", vec![]),
        ("-e -c a=b", vec![("a", "b")]),
        ("-c a=b\\", vec![("a", "b")]),
    ] {
        let found = options::settings(value);
        let found: Vec<_> = found
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        assert_eq!(found, expected, "{value:?}");
    }
}

#[test]
fn options_are_judged_like_startup_parameters() {
    for (value, expected) in [
        ("-c search_path=a", None),
        ("-c amzn-cluster-id=abc", None),
        (
            "-c search_path=a -c Statement_Timeout=5s -c jit=off",
            Some("Statement_Timeout"),
        ),
        ("--statement-timeout=5s", Some("statement_timeout")),
    ] {
        let refusal = reject().options(value).err();
        assert_eq!(refusal.as_ref().map(named), expected, "{value:?}");
        assert!(forward().options(value).is_ok());
    }
}

/// A policy that keeps a few parameters.
fn keep() -> Policy {
    let named = [
        ("statement_timeout", Unsupported::Emulate),
        ("jit", Unsupported::Ignore),
        ("role", Unsupported::Ignore),
        ("work_mem", Unsupported::Emulate),
    ];
    let named = named.map(|(name, action)| (name.to_owned(), action));
    Policy {
        parameters: Arc::new(named.into()),
        ..reject()
    }
}

#[test]
fn actions() {
    use Unsupported::*;
    for (name, expected) in [
        ("Statement_Timeout", Emulate),
        ("jit", Ignore),
        ("role", Ignore),
        // Nothing can be done about it.
        ("work_mem", Ignore),
        ("lock_timeout", Reject),
        ("a.b", Reject),
        ("search_path", Forward),
        ("no_such_parameter", Forward),
    ] {
        assert_eq!(keep().action(name), expected, "{name}");
    }
    for (name, expected) in [
        ("statement_timeout", Emulate),
        ("jit", Ignore),
        ("a.b", Ignore),
        ("role", Forward),
        ("session_authorization", Reject),
        ("dsql.something_new", Forward),
        ("shared_buffers", Ignore),
        // Older than PostgreSQL 18.
        ("db_user_namespace", Forward),
    ] {
        assert_eq!(policy(Emulate).action(name), expected, "{name}");
    }
    assert!(keep().keeps_any() && policy(Ignore).keeps_any());
    assert!(!reject().keeps_any() && !forward().keeps_any());
}

/// What tools were seen to send, and what is asked of the session instead of the server.
#[test]
fn what_tools_send_is_answered() {
    let plans = |unsupported: Unsupported, text: &str| match policy(unsupported)
        .statement(text.as_bytes())
    {
        Plan::Forward => "server",
        Plan::Refuse(_) => "refused",
        Plan::Answer(_) => "answered",
    };
    for (text, ignored, emulated) in [
        (
            "SET client_min_messages TO 'warning'",
            "answered",
            "answered",
        ),
        (
            "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
            "answered",
            "refused",
        ),
        (
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
            "answered",
            "answered",
        ),
        (
            "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED",
            "answered",
            "answered",
        ),
        (
            "SET default_transaction_isolation TO DEFAULT",
            "answered",
            "answered",
        ),
        ("SHOW TRANSACTION ISOLATION LEVEL", "answered", "answered"),
        ("show standard_conforming_strings", "answered", "answered"),
        (
            "SET standard_conforming_strings = on",
            "answered",
            "answered",
        ),
        (
            "SELECT current_setting('jit'), set_config('jit','off',false)",
            "answered",
            "answered",
        ),
        (
            "SELECT set_config('TimeZone','UTC',false)",
            "server",
            "server",
        ),
        (
            "SELECT pg_catalog.set_config('search_path', '', false);",
            "server",
            "server",
        ),
        (
            "SELECT set_config(name, 'view, foreign-table', false) FROM pg_settings WHERE name = \
             'restrict_nonsystem_relation_kind'",
            "answered",
            "answered",
        ),
        ("SET SESSION TIMEZONE TO 'UTC';", "server", "server"),
        ("SET search_path = \"public\";\n", "server", "server"),
        ("SET ROLE 'flyway'", "server", "server"),
        ("SET xmloption = content;", "answered", "answered"),
        (
            "SET default_table_access_method = heap;",
            "answered",
            "answered",
        ),
        ("SET row_security = off", "answered", "answered"),
        ("SHOW SERVER_VERSION", "answered", "answered"),
        ("SHOW search_path", "server", "server"),
        ("RESET ALL", "answered", "answered"),
        ("SELECT 1", "server", "server"),
    ] {
        assert_eq!(plans(Unsupported::Ignore, text), ignored, "{text}");
        assert_eq!(plans(Unsupported::Emulate, text), emulated, "{text}");
        assert_eq!(plans(Unsupported::Forward, text), "server", "{text}");
    }
}

#[test]
fn texts_of_many_statements() {
    let emulate = policy(Unsupported::Emulate);
    for (text, expected) in [
        (
            "SET client_min_messages TO warning;SET TIME ZONE INTERVAL '+00:00' HOUR TO MINUTE;",
            true,
        ),
        ("BEGIN; SELECT current_setting('jit'); COMMIT", true),
        ("SET search_path = a; SELECT 1", false),
        ("", false),
    ] {
        assert_eq!(emulate.concerns(text.as_bytes()), expected, "{text}");
    }
    let two = b"SET jit = off; SET jit = on";
    assert_eq!(
        emulate.statement(two),
        Plan::Forward,
        "they are split first"
    );
}

#[test]
fn what_is_kept_of_a_startup_packet() {
    assert_eq!(keep().startup_parameter("JIT"), Verdict::Keep);
    for (value, rest, kept) in [
        ("-c search_path=a", "-c search_path=a", vec![]),
        (" -c jit=off ", "", vec![("jit", "off")]),
        (
            "-c search_path=a\\ b --statement-timeout=5s  -e -cjit=off -c application_name=x",
            "-c search_path=a\\ b  -e -c application_name=x",
            vec![("statement_timeout", "5s"), ("jit", "off")],
        ),
        ("-c", "-c", vec![]),
    ] {
        let options = keep().options(value).unwrap();
        let found: Vec<_> = options
            .kept
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!((options.rest.as_str(), found), (rest, kept), "{value:?}");
    }
    let refusal = keep().options("-c jit=off -c lock_timeout=1").unwrap_err();
    assert_eq!(named(&refusal), "lock_timeout");
}

#[test]
fn refusals_name_the_settings_that_change_them() {
    let hint = |text: &str| match reject().statement(text.as_bytes()) {
        Plan::Refuse(refusal) => refusal.hint,
        plan => panic!("{text}: {plan:?}"),
    };
    for (text, expected) in [
        ("SET jit = off", "--parameter jit=ignore to have"),
        ("SET a.b = 1", "--parameter a.b=ignore to have"),
        (
            "SET lock_timeout = 1",
            "--parameter lock_timeout=emulate to have",
        ),
        (
            "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY",
            "--parameter transaction_isolation=emulate --parameter transaction_read_only=emulate to",
        ),
        (
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
            "--parameter default_transaction_read_only=emulate to",
        ),
    ] {
        assert!(hint(text).contains(expected), "{text}: {}", hint(text));
    }
    let emulate = policy(Unsupported::Emulate);
    let Plan::Refuse(refusal) = emulate.statement(b"SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
    else {
        panic!("not refused");
    };
    assert!(
        refusal
            .hint
            .contains("--parameter transaction_isolation=ignore")
    );
}

#[test]
fn hints_for_what_dsql_refused() {
    let hint = |name: &str| {
        hint_for(
            "0A000",
            &format!("setting configuration parameter \"{name}\" not supported"),
        )
        .unwrap()
    };
    assert!(hint("work_mem").contains("only a few parameters"));
    assert!(hint("TRANSACTION").contains("BEGIN ISOLATION LEVEL REPEATABLE READ"));
    assert!(hint("statement_timeout").contains("timeout in the client"));
    assert!(hint("role").contains("Connect as the role"));
    assert!(!hint("work_mem").contains("--unsupported-parameters"));
    assert!(hint("work_mem").contains("--parameter work_mem=ignore to"));
    assert!(hint("statement_timeout").contains("--parameter statement_timeout=emulate to"));
    assert!(hint("TRANSACTION").contains("--unsupported-parameters=emulate"));
    assert!(!hint("role").contains("--parameter"));
    let begin = |level: &str| hint_for("0A000", &format!("Unsupported isolation level: {level}"));
    assert!(
        begin("READ COMMITTED")
            .unwrap()
            .contains("--parameter transaction_isolation=emulate")
    );
    assert!(
        begin("SERIALIZABLE")
            .unwrap()
            .contains("--parameter transaction_isolation=ignore")
    );
    let truncate = hint_for("0A000", "unsupported statement: Truncate");
    assert!(truncate.unwrap().contains("DELETE FROM t"));
    // What is DDL has a hint that depends on its text.
    assert_eq!(hint_for("0A000", "unsupported statement: Createdb"), None);
    assert_eq!(
        hint_for(
            "42601",
            "setting configuration parameter \"a\" not supported"
        ),
        None
    );
    assert_eq!(
        hint_for("0A000", "setting configuration parameter \"a"),
        None
    );
}

proptest! {
    #[test]
    fn any_bytes_have_a_plan(text in prop::collection::vec(any::<u8>(), 0..100)) {
        reject().statement(&text);
        reject().statement(&[b"SET ".as_slice(), &text].concat());
        policy(Unsupported::Emulate).statement(&[b"SET jit = ".as_slice(), &text].concat());
    }

    #[test]
    fn any_options_are_judged(value in any::<String>()) {
        prop_assert!(forward().options(&value).is_ok());
        let kept = policy(Unsupported::Emulate).options(&value);
        prop_assert!(kept.is_err() || kept.unwrap().rest.len() <= value.len());
        if let Err(refusal) = reject().options(&value) {
            named(&refusal);
        }
    }
}
