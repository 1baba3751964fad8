use proptest::prelude::*;

use super::{
    IntegerType, LockArgument as A, LockArguments, LockFunction as F, LockMode as M,
    LockResult as R, LockScope as S, LockStatement, LockValue, lock_statement,
    mentions_advisory_lock,
};
use crate::sql::tests::sqlish;

const LOCK: F = F::Lock(M::Exclusive, S::Session);
const TRY_LOCK: F = F::TryLock(M::Exclusive, S::Session);
const XACT_LOCK: F = F::Lock(M::Exclusive, S::Transaction);

fn read(sql: &str) -> LockStatement<'_> {
    lock_statement(sql.as_bytes()).unwrap_or_else(|| panic!("not read: {sql}"))
}

fn one(argument: A<'_>) -> LockArguments<'_> {
    LockArguments::One(argument)
}

fn parameter(number: u16, cast: Option<IntegerType>) -> A<'static> {
    A::Parameter { number, cast }
}

fn expression(text: &str) -> A<'_> {
    A::Expression(text.as_bytes())
}

#[test]
fn what_tools_send() {
    let exclusive_xact_try = F::TryLock(M::Exclusive, S::Transaction);
    for (sql, function, arguments, column, result) in [
        // Prisma Migrate
        (
            "SELECT pg_advisory_lock(72707369)",
            LOCK,
            one(A::Integer(72_707_369)),
            "pg_advisory_lock",
            R::Void,
        ),
        // sqlx, golang-migrate, tern
        (
            "SELECT pg_advisory_lock($1)",
            LOCK,
            one(parameter(1, None)),
            "pg_advisory_lock",
            R::Void,
        ),
        // ActiveRecord
        (
            "SELECT pg_try_advisory_lock(-8361512073441211595)",
            TRY_LOCK,
            one(A::Integer(-8_361_512_073_441_211_595)),
            "pg_try_advisory_lock",
            R::Bool,
        ),
        (
            "SELECT pg_advisory_unlock(8361512073441211595);",
            F::Unlock(M::Exclusive),
            one(A::Integer(8_361_512_073_441_211_595)),
            "pg_advisory_unlock",
            R::Bool,
        ),
        // Flyway
        (
            "select pg_try_advisory_xact_lock(77431709173162)",
            exclusive_xact_try,
            one(A::Integer(77_431_709_173_162)),
            "pg_try_advisory_xact_lock",
            R::Bool,
        ),
        // asyncpg
        (
            "SELECT pg_advisory_unlock_all()",
            F::UnlockAll,
            LockArguments::None,
            "pg_advisory_unlock_all",
            R::Void,
        ),
        // node-pg-migrate
        (
            "select pg_try_advisory_lock(7241865325823964) as \"lockObtained\"",
            TRY_LOCK,
            one(A::Integer(7_241_865_325_823_964)),
            "lockObtained",
            R::Bool,
        ),
        // with_advisory_lock
        (
            "SELECT pg_try_advisory_lock(2116, -1) AS T1 /* a lock */",
            TRY_LOCK,
            LockArguments::Two(A::Integer(2116), A::Integer(-1)),
            "t1",
            R::Bool,
        ),
        // Prisma Client, which cannot read void
        (
            "SELECT pg_advisory_xact_lock($1)::text",
            XACT_LOCK,
            one(parameter(1, None)),
            "pg_advisory_xact_lock",
            R::Text,
        ),
        (
            "SELECT * FROM pg_catalog.pg_try_advisory_lock($1::int)",
            TRY_LOCK,
            one(parameter(1, Some(IntegerType::Int4))),
            "pg_try_advisory_lock",
            R::Bool,
        ),
        (
            "select pg_advisory_xact_lock(hashtext('a,b)'))",
            XACT_LOCK,
            one(expression("hashtext('a,b)')")),
            "pg_advisory_xact_lock",
            R::Void,
        ),
        (
            "SELECT pg_advisory_lock(('x'||md5($1))::bit(64)::bigint) locked",
            LOCK,
            one(expression("('x'||md5($1))::bit(64)::bigint")),
            "locked",
            R::Void,
        ),
        (
            "SELECT pg_advisory_lock_shared('12'::bigint, $2)",
            F::Lock(M::Shared, S::Session),
            LockArguments::Two(A::Integer(12), parameter(2, None)),
            "pg_advisory_lock_shared",
            R::Void,
        ),
        (
            "SELECT pg_advisory_unlock_shared( ' -5 ' )::int AS \"a\"\"b\"",
            F::Unlock(M::Shared),
            one(A::Integer(-5)),
            "a\"b",
            R::Int4,
        ),
    ] {
        let statement = read(sql);
        let call = &statement.calls[0];
        assert_eq!(statement.calls.len(), 1, "{sql}");
        assert_eq!(call.function, function, "{sql}");
        assert_eq!(call.arguments, arguments, "{sql}");
        assert_eq!(call.column, column.as_bytes(), "{sql}");
        assert_eq!(call.result, result, "{sql}");
        assert_eq!(statement.with_value(LockValue::Void), None, "{sql}");
    }
}

#[test]
fn what_is_not_simple_is_the_servers() {
    for written in [
        "1.0",
        "1_000",
        "0x10",
        "99999999999999999999",
        "99999999999::int4",
        "'x'",
        "E'1'",
        "'1'::text",
        "1::bigint::int",
        "1 + 1",
        "- $1",
        "$1::text",
        "$99999",
        "NULL",
        "(1)",
        "(SELECT a FROM t)",
        "a[1, 2]",
    ] {
        let sql = format!("SELECT pg_advisory_lock({written})");
        let arguments = one(expression(written));
        assert_eq!(read(&sql).calls[0].arguments, arguments, "{sql}");
        assert!(read(&sql).has_expressions(), "{sql}");
    }
    let sql = "SELECT pg_advisory_lock(1, 99999999999)";
    let arguments = LockArguments::Two(A::Integer(1), expression("99999999999"));
    assert_eq!(read(sql).calls[0].arguments, arguments);
    assert!(!read("SELECT pg_advisory_lock(1, $1)").has_expressions());
}

#[test]
fn several_calls() {
    let statement = read(
        "SELECT pg_advisory_xact_lock($1), pg_advisory_xact_lock_shared(hashtext($2), -3) AS \
         b, pg_advisory_unlock_all()",
    );
    let functions: Vec<_> = statement.calls.iter().map(|call| call.function).collect();
    assert_eq!(
        functions,
        [XACT_LOCK, F::Lock(M::Shared, S::Transaction), F::UnlockAll]
    );
    assert_eq!(
        String::from_utf8(statement.evaluation()).unwrap(),
        "SELECT ($1)::int8, (hashtext($2))::int4, (-3)::int4"
    );
}

#[test]
fn a_call_in_from_is_replaced() {
    for (sql, value, expected) in [
        (
            "SELECT 1::int AS locked FROM pg_advisory_xact_lock(hashtextextended($1, 0))",
            LockValue::Void,
            "SELECT 1::int AS locked FROM (SELECT ''::text AS \"pg_advisory_xact_lock\" FROM (SELECT (hashtextextended($1, 0))::int8) AS arguments) AS \"pg_advisory_xact_lock\"",
        ),
        (
            "SELECT lock FROM pg_try_advisory_lock($1) Lock WHERE lock = true;",
            LockValue::Bool(false),
            "SELECT lock FROM (SELECT false AS \"lock\" FROM (SELECT ($1)::int8) AS arguments) AS \"lock\" WHERE lock = true",
        ),
        (
            "select pg_advisory_unlock as a from pg_advisory_unlock($1::int2, 2)",
            LockValue::Null,
            "select pg_advisory_unlock as a from (SELECT NULL::bool AS \"pg_advisory_unlock\" FROM (SELECT ($1::int2)::int4, (2)::int4) AS arguments) AS \"pg_advisory_unlock\"",
        ),
        (
            "SELECT true FROM pg_advisory_unlock_all()",
            LockValue::Void,
            "SELECT true FROM (SELECT ''::text AS \"pg_advisory_unlock_all\") AS \"pg_advisory_unlock_all\"",
        ),
    ] {
        let text = read(sql).with_value(value).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }
}

#[test]
fn others_are_left_alone() {
    for sql in [
        "",
        "SELECT 1",
        "SELECT pg_advisory_lock",
        "SELECT pg_advisory_lock()",
        "SELECT pg_advisory_lock(1, 2, 3)",
        "SELECT pg_advisory_lock(1",
        "SELECT pg_advisory_lock(,1)",
        "SELECT pg_advisory_lock(1))",
        "SELECT pg_advisory_unlock_all(1)",
        "SELECT app.pg_advisory_lock(1)",
        "SELECT pg_advisory_lock(1); SELECT 1",
        "SELECT pg_advisory_lock(1), 1",
        "SELECT pg_advisory_lock(1),",
        "SELECT pg_advisory_lock(1) FROM t",
        "SELECT pg_advisory_lock(1) WHERE false",
        "SELECT pg_advisory_lock(1) where",
        "SELECT pg_advisory_lock(1) AS",
        "SELECT pg_advisory_lock(1) a b",
        "SELECT pg_advisory_lock(1) LIMIT 0",
        "SELECT pg_advisory_lock(1) IS NULL",
        "SELECT pg_advisory_lock(1) isnull",
        "SELECT pg_advisory_lock(1)::oid",
        "SELECT pg_advisory_lock(1)::int",
        "SELECT pg_try_advisory_lock(1) AND true",
        "SELECT NOT pg_try_advisory_lock(1)",
        "SELECT DISTINCT pg_try_advisory_lock(1)",
        "SELECT pg_advisory_lock(pg_advisory_lock(1)::text::int)",
        "SELECT 1 FROM t WHERE pg_try_advisory_lock(1)",
        "SELECT 1 FROM t, pg_try_advisory_lock(1)",
        "SELECT 1 FROM pg_try_advisory_lock(1), t",
        "SELECT 1 FROM pg_try_advisory_lock(1) a (b)",
        "SELECT 1 FROM pg_try_advisory_lock(1) WITH ORDINALITY",
        "SELECT 1 FROM pg_try_advisory_lock(1) LIMIT 0",
        "SELECT 1 FROM pg_try_advisory_lock(1) a WHERE a LIMIT 0",
        "SELECT 1 FROM pg_try_advisory_lock(1) a WHERE",
        "SELECT 1 FROM pg_try_advisory_lock(1) a WHERE pg_try_advisory_lock(2)",
        "SELECT pg_advisory_lock(1) FROM pg_try_advisory_lock(1)",
        "SELECT 1 INTO t FROM pg_try_advisory_lock(1)",
        "WITH a AS (SELECT pg_advisory_lock(1)) SELECT 1",
        "VALUES (pg_advisory_lock(1))",
        "SELECT 'pg_advisory_lock(1)'",
        "SELECT U&\"pg_advisory_lock\"(1)",
    ] {
        assert_eq!(lock_statement(sql.as_bytes()), None, "{sql}");
    }
}

#[test]
fn mentions() {
    assert!(mentions_advisory_lock(
        b"with a as (select PG_ADVISORY_LOCK(1)) select 1"
    ));
    assert!(mentions_advisory_lock(b"select aadvisory_"));
    assert!(!mentions_advisory_lock(b"select advisor from a"));
    assert!(!mentions_advisory_lock(b"advisory"));
}

proptest! {
    #[test]
    fn any_text_can_be_read(text in sqlish()) {
        lock_statement(&text);
    }

    /// Whatever the argument is, it is passed on as it was written, and stays one argument.
    #[test]
    fn any_argument_can_be_read(argument in sqlish()) {
        let mut text = b"select pg_advisory_lock(".to_vec();
        text.extend_from_slice(&argument);
        text.push(b')');
        let Some(statement) = lock_statement(&text) else {
            return Ok(());
        };
        let call = &statement.calls[0];
        let LockArguments::One(argument) = call.arguments else {
            return Ok(());
        };
        let mut again = b"select pg_advisory_lock(".to_vec();
        argument.write(&mut again);
        again.push(b')');
        let again = lock_statement(&again).unwrap();
        prop_assert_eq!(again.calls[0].arguments, call.arguments);
    }
}
