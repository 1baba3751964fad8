//! Nobody can tell a shared server from one of their own.

use bytes::{BufMut, BytesMut};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::model::Table;
use super::notation::{show_told, take};
use super::world::{Brought, Script, World, private};
use crate::session::PoolMode;
use crate::wire::{encode, frontend};

const TEXTS: &[&str] = &["a", "b", "c"];

/// What runs in any place.
const STATEMENTS: &[&str] = &[
    "select 1",
    "select 2",
    "select rows 3",
    "select fail()",
    "selekt",
    "insert into t values 7",
    "begin",
    "commit",
    "rollback",
    "show TimeZone",
    "show application_name",
    "set TimeZone to 'Asia/Tokyo'",
    "set local TimeZone to 'Asia/Seoul'",
    "set application_name to 'x'",
    "",
];

/// What is prepared under a name. Where the name is taken and there is something wrong with the
/// text as well, or the block has failed, which of the errors is told is not compared.
const NAMED: &[&str] = &[
    "select 3",
    "select 4",
    "select rows 3",
    "select fail()",
    "insert into t values 5",
    "begin",
    "show TimeZone",
    "set TimeZone to 'Asia/Tokyo'",
];

/// What runs as a Query of its own, besides.
const QUERIES: &[&str] = &[
    "select 1; select 2",
    "insert into t values 8; select fail()",
    "begin; insert into t values 9; commit",
    "set TimeZone to 'Asia/Tokyo'; select 1",
    "reset TimeZone",
    "reset application_name",
    "deallocate a",
    "deallocate all",
];

const BROUGHT: &[&Brought] = &[
    &[],
    &[("timezone", "Europe/Rome")],
    &[("application_name", "me"), ("timezone", "Asia/Tokyo")],
];

/// A message of an extended group, or several that belong together.
#[derive(Debug, Clone)]
enum Extended {
    Run(&'static str),
    /// A portal that returns so many rows first.
    Suspend(i32),
    Parse(&'static str, &'static str),
    Bind(&'static str, &'static str),
    RunNamed(&'static str),
    DescribeStatement(&'static str),
    DescribePortal(&'static str),
    Execute(&'static str, i32),
    CloseStatement(&'static str),
    ClosePortal(&'static str),
    Flush,
}

/// What a client does in one go.
#[derive(Debug, Clone)]
enum Unit {
    Query(&'static str),
    Group(Vec<Extended>),
    /// A Query ends it.
    Interrupted(Vec<Extended>, &'static str),
    /// The unnamed statement is bound in a later group. What becomes of it where its Parse is
    /// skipped is not compared: the session takes it for gone.
    Unnamed(&'static str),
    Copy {
        done: bool,
    },
    /// As libpq does it, with a Sync that nobody answers; or in one go.
    ExtendedCopy {
        early_sync: bool,
        done: bool,
    },
}

fn put(tag: u8, parts: &[&[u8]], out: &mut Script) {
    encode::frame(tag, out, |body| body.extend_from_slice(&parts.concat()));
}

impl Extended {
    fn put(&self, out: &mut Script) {
        let string = |text: &str| [text.as_bytes(), b"\0"].concat();
        match *self {
            Self::Run(sql) => {
                encode::parse(b"", sql.as_bytes(), out);
                Self::Bind("", "").put(out);
                Self::Execute("", 0).put(out);
            }
            Self::Suspend(rows) => {
                encode::parse(b"", b"select rows 3", out);
                Self::Bind("", "").put(out);
                Self::Execute("", rows).put(out);
                Self::Execute("", 0).put(out);
            }
            Self::RunNamed(name) => {
                Self::Bind("", name).put(out);
                Self::Execute("", 0).put(out);
            }
            Self::Parse(name, sql) => encode::parse(name.as_bytes(), sql.as_bytes(), out),
            Self::Bind(portal, name) => put(
                frontend::BIND,
                &[&string(portal), &string(name), &[0; 6]],
                out,
            ),
            Self::DescribeStatement(name) => {
                put(frontend::DESCRIBE, &[b"S", &string(name)], out);
            }
            Self::DescribePortal(name) => put(frontend::DESCRIBE, &[b"P", &string(name)], out),
            Self::Execute(portal, rows) => encode::frame(frontend::EXECUTE, out, |body| {
                encode::cstr(portal.as_bytes(), body);
                body.put_i32(rows);
            }),
            Self::CloseStatement(name) => put(frontend::CLOSE, &[b"S", &string(name)], out),
            Self::ClosePortal(name) => put(frontend::CLOSE, &[b"P", &string(name)], out),
            Self::Flush => encode::flush(out),
        }
    }
}

impl Unit {
    fn put(&self, out: &mut Script) {
        match self {
            Self::Query(sql) => encode::query(sql.as_bytes(), out),
            Self::Group(group) => {
                for extended in group {
                    extended.put(out);
                }
                encode::sync(out);
            }
            Self::Interrupted(group, sql) => {
                for extended in group {
                    extended.put(out);
                }
                encode::query(sql.as_bytes(), out);
                encode::sync(out);
            }
            Self::Unnamed(sql) => {
                encode::parse(b"", sql.as_bytes(), out);
                encode::sync(out);
                Extended::DescribeStatement("").put(out);
                Extended::RunNamed("").put(out);
                encode::sync(out);
                Extended::RunNamed("").put(out);
                encode::sync(out);
            }
            Self::Copy { done } => {
                encode::query(b"copy t from stdin", out);
                copy(*done, out);
            }
            Self::ExtendedCopy { early_sync, done } => {
                Extended::Run("copy t from stdin").put(out);
                if *early_sync {
                    encode::sync(out);
                }
                copy(*done, out);
                encode::sync(out);
            }
        }
    }
}

fn copy(done: bool, out: &mut Script) {
    put(frontend::COPY_DATA, &[b"1\n"], out);
    if done {
        put(frontend::COPY_DONE, &[], out);
    } else {
        put(frontend::COPY_FAIL, &[b"no\0"], out);
    }
}

fn statement() -> impl Strategy<Value = &'static str> {
    select(STATEMENTS)
}

fn query() -> impl Strategy<Value = &'static str> {
    prop_oneof![2 => select(STATEMENTS), 1 => select(QUERIES)]
}

fn extended() -> impl Strategy<Value = Extended> {
    let name = || select(TEXTS);
    // What an unnamed portal that nobody has bound answers is not compared.
    let portal = || Just("p");
    prop_oneof![
        4 => statement().prop_map(Extended::Run),
        3 => (name(), select(NAMED)).prop_map(|(name, sql)| Extended::Parse(name, sql)),
        4 => name().prop_map(Extended::RunNamed),
        1 => (portal(), name()).prop_map(|(portal, name)| Extended::Bind(portal, name)),
        1 => name().prop_map(Extended::DescribeStatement),
        1 => portal().prop_map(Extended::DescribePortal),
        2 => (portal(), 0..3).prop_map(|(portal, rows)| Extended::Execute(portal, rows)),
        1 => name().prop_map(Extended::CloseStatement),
        1 => portal().prop_map(Extended::ClosePortal),
        1 => (0..5).prop_map(Extended::Suspend),
        1 => Just(Extended::Flush),
    ]
}

fn unit() -> impl Strategy<Value = Unit> {
    prop_oneof![
        6 => query().prop_map(Unit::Query),
        6 => vec(extended(), 0..6).prop_map(Unit::Group),
        1 => (vec(extended(), 1..4), statement())
            .prop_map(|(group, sql)| Unit::Interrupted(group, sql)),
        2 => statement().prop_map(Unit::Unnamed),
        1 => any::<bool>().prop_map(|done| Unit::Copy { done }),
        1 => any::<(bool, bool)>()
            .prop_map(|(early_sync, done)| Unit::ExtendedCopy { early_sync, done }),
    ]
}

/// What is answered by one ReadyForQuery for each Query and each Sync.
fn plain_unit() -> impl Strategy<Value = Unit> {
    prop_oneof![
        query().prop_map(Unit::Query),
        vec(extended(), 0..6).prop_map(Unit::Group),
        statement().prop_map(Unit::Unnamed),
    ]
}

/// The Queries and Syncs of a script.
fn requests(script: &Script) -> usize {
    let mut script = script.clone();
    std::iter::from_fn(|| take(&mut script))
        .filter(|(tag, _)| matches!(*tag, frontend::QUERY | frontend::SYNC))
        .count()
}

fn script(units: &[Unit]) -> Script {
    let mut script = BytesMut::new();
    for unit in units {
        unit.put(&mut script);
    }
    // The client leaves nothing open. The first may be told that a block was lost.
    encode::query(b"rollback", &mut script);
    encode::query(b"rollback", &mut script);
    script
}

fn show(bytes: &BytesMut) -> String {
    show_told(bytes.clone(), &mut Vec::new())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn nobody_can_tell(
        units in vec((vec(unit(), 1..8), select(BROUGHT)), 1..4),
        order in vec(any::<u8>(), 1..200),
        eager: bool,
        private_servers: bool,
    ) {
        let scripts: Vec<_> = units
            .iter()
            .map(|(units, brought)| (script(units), *brought))
            .collect();
        let (shared, alone) = (Table::default(), Table::default());
        let expected: Vec<_> = scripts
            .iter()
            .map(|(script, brought)| private(script, brought, &alone))
            .collect();
        let (mode, servers) = if private_servers {
            (PoolMode::Session, scripts.len())
        } else {
            (PoolMode::Transaction, 2)
        };
        let mut world = World::new(scripts, mode, servers, eager, 2, &shared);
        world.run(&order);
        for (client, expected) in world.clients.iter().zip(&expected) {
            prop_assert_eq!(show(&client.told), show(expected));
            prop_assert_eq!(&client.told, expected);
        }
        let sorted = |table: &Table| {
            let mut rows = table.borrow().clone();
            rows.sort();
            rows
        };
        prop_assert_eq!(sorted(&shared), sorted(&alone), "what has been committed");
    }

    /// Whatever breaks, and whenever: each Query and each Sync gets one ReadyForQuery.
    #[test]
    fn no_answer_is_lost_with_a_server(
        units in vec((vec(plain_unit(), 1..8), select(BROUGHT)), 1..4),
        order in vec(any::<u8>(), 1..200),
        cuts in vec(0_usize..200, 0..4),
        eager: bool,
    ) {
        let scripts: Vec<_> = units
            .iter()
            .map(|(units, brought)| (script(units), *brought))
            .collect();
        let owed: Vec<_> = scripts.iter().map(|(script, _)| requests(script)).collect();
        let table = Table::default();
        let mut world = World::new(scripts, PoolMode::Transaction, 2, eager, 2, &table);
        world.cuts = cuts;
        world.run(&order);
        for (client, owed) in world.clients.iter().zip(owed) {
            let told = show(&client.told);
            let ready = told.matches("Z:").count();
            if client.ended {
                prop_assert!(ready <= owed, "{} of {}: {}", ready, owed, told);
            } else {
                prop_assert_eq!(ready, owed, "{}", told);
                prop_assert!(told.ends_with("Z:I"), "{}", told);
            }
        }
    }
}
