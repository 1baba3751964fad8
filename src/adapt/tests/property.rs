//! Whatever the server says, each Query gets one answer.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::driven::{Says, Server, adapter, query};
use crate::compat::{DdlTransactions, Policy};
use crate::wire::backend::TransactionStatus;

const SCRIPTS: &[&str] = &[
    "",
    ";",
    "create table a (i int); insert into a values (1); select * from a; drop table a",
    "begin; create table a (i int); create table b (i int); commit; select 1",
    "commit; create table a (i int); rollback",
    "create unique index on t (a)",
    "create index concurrently if not exists i on s.t (a); select 1",
    "alter table t add column c int not null default 5 check (c > 0) unique",
    "alter table if exists t add column if not exists c serial",
    "alter table t add constraint x foreign key (a) references u (i), alter a set not null",
    "alter table t alter a type text using a || 'x', alter column b drop not null",
    "alter table t add unique (a, b); select 'ä'; alter table t validate constraint x",
    "create table \"ä",
    "copy t from stdin; truncate t; drop table t cascade",
];

/// Values that are taken for an id of a job, its status, a name, a type or a key.
const VALUES: &[&str] = &[
    "abc123",
    "completed",
    "failed",
    "processing",
    "text",
    "1",
    "",
    "it's \"ä\"",
    "true",
];

fn says() -> impl Strategy<Value = Says> {
    let value = proptest::option::weighted(0.9, select(VALUES).prop_map(str::to_owned));
    prop_oneof![
        4 => vec(vec(value, 0..4), 0..3).prop_map(Says::Rows),
        3 => select(&["CREATE TABLE", "COMMIT", "ROLLBACK", "INSERT 0 1", "ALTER TABLE"][..])
            .prop_map(Says::Tag),
        1 => select(&["40001", "57014", "23505", "54000", "42P07", "08006", "42703"][..])
            .prop_map(Says::Error),
        1 => Just(Says::Notice),
        1 => Just(Says::Empty),
    ]
}

fn status() -> impl Strategy<Value = TransactionStatus> {
    prop_oneof![
        4 => Just(TransactionStatus::Idle),
        2 => Just(TransactionStatus::InTransaction),
        1 => Just(TransactionStatus::Failed),
    ]
}

/// Says what it was told to say, and then that nothing works.
#[derive(Debug)]
struct Arbitrary {
    answers: std::vec::IntoIter<(Vec<Says>, TransactionStatus)>,
    cancels: std::vec::IntoIter<bool>,
    piece: usize,
    last: TransactionStatus,
}

impl Server for Arbitrary {
    fn answer(&mut self, _sql: &str, _sent: usize) -> (Vec<Says>, TransactionStatus) {
        let answer = self.answers.next();
        let answer = answer.unwrap_or((vec![Says::Error("XX000")], TransactionStatus::Idle));
        self.last = answer.1;
        answer
    }

    fn cancels(&mut self) -> bool {
        self.cancels.next().unwrap_or_default()
    }

    fn piece(&mut self) -> usize {
        self.piece
    }
}

proptest! {
    #[test]
    fn each_query_gets_one_answer(
        scripts in vec((select(SCRIPTS), status()), 1..4),
        answers in vec((vec(says(), 0..3), status()), 0..60),
        cancels in vec(proptest::bool::weighted(0.2), 0..40),
        piece in 1..200_usize,
        autocommit in any::<bool>(),
    ) {
        let mut policy = Policy::default();
        if autocommit {
            policy.ddl_transactions = DdlTransactions::Autocommit;
        }
        let mut adapter = adapter(policy);
        let mut server = Arbitrary {
            answers: answers.into_iter(),
            cancels: cancels.into_iter(),
            piece,
            last: TransactionStatus::Idle,
        };
        for (script, status) in scripts {
            server.last = status;
            let told = query(&mut adapter, script, status, &mut server);
            let ready = told.tags.chars().filter(|tag| *tag == 'Z').count();
            prop_assert_eq!(ready, 1, "{:?}", told);
            prop_assert!(told.tags.ends_with('Z'), "{:?}", told);
            if told.error.is_some() {
                prop_assert!(told.tags.ends_with("EZ"), "{:?}", told);
            }
        }
    }
}
