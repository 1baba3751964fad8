//! Statements in steps: what is asked for, and what is told.

use super::driven::{Says, rows, run};
use crate::compat::{DdlTransactions, Policy};
use crate::wire::backend::TransactionStatus;

const IDLE: TransactionStatus = TransactionStatus::Idle;

fn policy() -> Policy {
    Policy::default()
}

#[test]
fn a_query_of_nothing_is_answered() {
    for sql in ["", " ; ;", "-- nothing"] {
        let told = run(&policy(), sql, IDLE, &mut |_: &str| vec![Says::Empty]);
        assert!(told.tags == "Z" || told.tags == "IZ", "{sql}: {told:?}");
    }
}

#[test]
fn a_cancelled_look_at_a_job_drops_the_index() {
    let told = run(
        &policy(),
        "create index i on t (a)",
        IDLE,
        &mut |sql: &str| {
            if sql.contains("SELECT status") {
                vec![Says::Error("57014")]
            } else if sql.contains("quote_ident(n.nspname)") {
                rows(&[&["i", "public.i"]])
            } else if sql.starts_with("DROP INDEX") {
                vec![Says::Tag("DROP INDEX")]
            } else {
                rows(&[&["job1"]])
            }
        },
    );
    assert_eq!(told.tags, "NEZ");
    assert_eq!(told.error.unwrap().0, "57014");
    assert_eq!(told.sent.last().unwrap(), "DROP INDEX public.i");
}

#[test]
fn what_is_to_be_undone_is_tried_again() {
    for (first, second, is_undone) in [
        ("08006", None, true),
        ("08007", Some("42703"), true),
        ("57014", None, true),
        ("08006", Some("2BP01"), false),
        ("2BP01", None, false),
    ] {
        let mut drops = 0;
        let told = run(
            &policy(),
            "alter table t add column c int default 5",
            IDLE,
            &mut |sql: &str| {
                if sql.contains("SET DEFAULT") {
                    return vec![Says::Error("XX000")];
                }
                if !sql.contains("DROP COLUMN") {
                    return vec![Says::Rows(vec![])];
                }
                drops += 1;
                match (drops, second) {
                    (1, _) => vec![Says::Error(first)],
                    (2, Some(second)) => vec![Says::Error(second)],
                    _ => vec![Says::Tag("ALTER TABLE")],
                }
            },
        );
        let (code, _, detail) = told.error.unwrap();
        assert_eq!(code, "XX000");
        assert_eq!(!detail.contains("undone"), is_undone, "{first}: {detail}");
    }
}

/// A server for DDL in a block, of which one statement fails. Counts.
struct Block<'a>(&'a mut usize);
impl super::driven::Server for Block<'_> {
    fn answer(&mut self, sql: &str, _: usize) -> (Vec<Says>, TransactionStatus) {
        *self.0 += 1;
        match sql {
            "COMMIT" => (vec![Says::Tag("COMMIT")], TransactionStatus::Idle),
            "BEGIN" => (vec![Says::Tag("BEGIN")], TransactionStatus::InTransaction),
            _ if sql.contains("t1000 ") => (vec![Says::Error("42P07")], TransactionStatus::Idle),
            _ if sql.contains("refused") => (vec![Says::Error("42703")], TransactionStatus::Failed),
            _ => (vec![Says::Tag("CREATE TABLE")], TransactionStatus::Idle),
        }
    }
}

#[test]
fn what_an_error_tells_of_is_bounded() {
    let mut policy = policy();
    policy.ddl_transactions = DdlTransactions::Autocommit;
    let script: Vec<_> = (0..5000)
        .map(|n| format!("create table t{n} (a int)"))
        .collect();
    let mut sent = 0;
    let told = run(
        &policy,
        &script.join(";"),
        TransactionStatus::InTransaction,
        &mut Block(&mut sent),
    );
    let (code, _, detail) = told.error.unwrap();
    assert_eq!(code, "42P07");
    assert!(detail.contains("and 980 more"), "{detail}");
    assert!(detail.len() < 4000, "{}", detail.len());
    assert!(sent > 3000);
}

#[test]
fn a_block_that_is_committed_in_a_script_is_told_of() {
    let script = "begin; insert into t values (1); commit; select 1/0; create table u (i int)";
    let told = run(&policy(), script, IDLE, &mut |sql: &str| {
        if sql.contains("1/0") {
            return vec![Says::Error("22012")];
        }
        vec![Says::Tag("COMMIT")]
    });
    let (code, _, detail) = told.error.unwrap();
    assert_eq!(code, "22012");
    assert!(detail.contains("first 3 of 5"), "{detail}");
    assert_eq!(told.sent.len(), 2, "{:?}", told.sent);
}
