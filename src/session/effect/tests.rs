use super::{Effect, Look, effect};
use crate::wire::SqlState;

fn found(sql: &str, sqlstate: &str) -> Option<Effect> {
    effect(
        sql.as_bytes(),
        SqlState::parse(sqlstate.as_bytes()).unwrap(),
    )
}

fn made(sql: &str, sqlstate: &str) -> Option<String> {
    match found(sql, sqlstate)?.look {
        Look::Ask { make, .. } => Some(String::from_utf8(make?).unwrap()),
        Look::Seen => None,
    }
}

#[test]
fn what_is_gone_has_been_dropped() {
    for (sql, sqlstate, tag) in [
        ("drop table a, b", "42P01", Some("DROP TABLE")),
        ("DROP INDEX i", "42704", Some("DROP INDEX")),
        ("drop schema s cascade", "3F000", Some("DROP SCHEMA")),
        // There is something, of another kind or in another's way.
        ("drop table a", "42809", None),
        ("drop index i", "2BP01", None),
        ("drop table a", "3F000", None),
        ("drop function f()", "42883", None),
        ("drop table a; drop table b", "42P01", None),
    ] {
        let found = found(sql, sqlstate);
        assert_eq!(found.as_ref().map(|effect| &effect.tag[..]), tag, "{sql}");
        assert!(found.is_none_or(|effect| effect.look == Look::Seen));
    }
}

#[test]
fn what_exists_is_made_under_another_name() {
    for (sql, sqlstate, other) in [
        (
            "create table t (id int)",
            "42P07",
            Some("create table dsql_proxy_probe (id int)"),
        ),
        (
            "/* a */ Create Table If Not Exists s.\"T t\"(\"T t\" int); -- b",
            "42P07",
            Some("Create Table If Not Exists s.dsql_proxy_probe(\"T t\" int)"),
        ),
        (
            "alter table s.t add column c numeric(3, 2) default 1",
            "42701",
            Some("alter table s.t add column dsql_proxy_probe numeric(3, 2) default 1"),
        ),
        ("create table t (id int)", "42710", None),
        ("create index t on t (id)", "42P07", None),
        (
            "alter table t add column c int, add column d int",
            "42701",
            None,
        ),
        (
            "alter table t add column c int check (c > 0)",
            "42701",
            None,
        ),
        ("alter table t rename column c to d", "42701", None),
        ("create table", "42P07", None),
        ("create table s.", "42P07", None),
    ] {
        assert_eq!(made(sql, sqlstate).as_deref(), other, "{sql}");
    }
}

#[test]
fn names_are_literals() {
    let compare = |sql, sqlstate| match found(sql, sqlstate).unwrap().look {
        Look::Ask { compare, .. } => compare,
        Look::Seen => panic!(),
    };
    let sql = compare("create table \"it's\\\" (id int)", "42P07");
    assert!(
        sql.contains("(E'\"it''s\\\\\"'::pg_catalog.regclass)"),
        "{sql}"
    );
    let sql = compare("alter table t add column Name int", "42701");
    assert!(sql.contains("('name', 'dsql_proxy_probe')"), "{sql}");
    let sql = compare("create schema \"S\"", "42P06");
    assert!(sql.contains("'\"S\"'::pg_catalog.regnamespace"), "{sql}");
    assert_eq!(found("create schema s authorization app", "42P06"), None);
}
