//! Hundreds of sessions that differ in all that a session has, over three servers: each gets
//! what a private one would give it, however they meet.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::rc::Rc;

use dsql_proxy::wire::encode;
use futures_util::future::join_all;

use super::peer::{Peer, Reply};
use super::script::{named, parse};
use super::{Mode, Random, seeds};
use crate::support::connect;
use crate::support::postgres::Postgres;

const CLIENTS: usize = 300;
/// Steps of each in `make test`.
const STEPS: usize = 100;
const SERVERS: usize = 3;
/// Clients that come and go, each time to pin a server for a while; fewer than servers.
const PINNERS: usize = 2;
const SEED: u64 = 1;

/// Parameters and their values as PostgreSQL shows them.
const PARAMETERS: [(&str, &[&str]); 5] = [
    (
        "TimeZone",
        &["UTC", "Asia/Tokyo", "America/New_York", "Australia/Perth"],
    ),
    (
        "DateStyle",
        &["ISO, MDY", "German, DMY", "SQL, DMY", "Postgres, MDY"],
    ),
    (
        "IntervalStyle",
        &["postgres", "iso_8601", "sql_standard", "postgres_verbose"],
    ),
    ("search_path", &["s0", "s1", "s2", "s3, s1"]),
    ("application_name", &[]),
];

type Settings = BTreeMap<&'static str, String>;

/// What texts look like under each setting of the first three parameters.
struct Looks(BTreeMap<[String; 3], String>);

const LOOK: &str = "concat_ws('|', timestamptz '2024-03-01 12:00Z', timestamp '2024-03-01 12:00', \
                    interval '1 day 2 hours')";

impl Looks {
    async fn of(postgres: &Postgres) -> Self {
        let url = format!("postgresql://bench@{}/postgres", postgres.address);
        let client = connect(&url).await.unwrap();
        let mut looks = BTreeMap::new();
        let [zones, dates, intervals, ..] = PARAMETERS;
        for zone in zones.1 {
            for date in dates.1 {
                for interval in intervals.1 {
                    let set = format!(
                        "set timezone = '{zone}'; set datestyle = '{date}'; \
                         set intervalstyle = '{interval}'"
                    );
                    client.batch_execute(&set).await.unwrap();
                    let sql = format!("select {LOOK}");
                    let look = client.query_one(&sql, &[]).await.unwrap().get(0);
                    let key = [zone, date, interval].map(|value| (*value).to_owned());
                    looks.insert(key, look);
                }
            }
        }
        Self(looks)
    }

    fn under(&self, settings: &Settings) -> &str {
        let key = ["TimeZone", "DateStyle", "IntervalStyle"].map(|name| settings[name].clone());
        &self.0[&key]
    }
}

/// A prepared statement as its session knows it.
struct Prepared {
    /// Its first column.
    mark: String,
    /// Where its constants were folded.
    zone: String,
}

/// One session, and what it must be told.
struct Client {
    id: usize,
    random: Random,
    peer: Peer,
    looks: Rc<Looks>,
    /// At login.
    startup: Settings,
    /// Now.
    current: Settings,
    /// At COMMIT, and at ROLLBACK.
    block: Option<(Settings, Settings)>,
    statements: BTreeMap<&'static str, Prepared>,
    history: Vec<String>,
}

const NAMES: [&str; 3] = ["", "a", "b"];

/// The columns that every check has.
const COLUMNS: &str = "current_setting('TimeZone'), current_setting('DateStyle'), \
    current_setting('IntervalStyle'), current_setting('search_path'), \
    current_setting('application_name'), (select mark from t), ";

impl Client {
    async fn log_in(port: u16, id: usize, seed: u64, looks: Rc<Looks>) -> Self {
        let mut random = Random(seed.wrapping_mul(1_000_003).wrapping_add(id as u64));
        let startup: Settings = PARAMETERS
            .iter()
            .map(|(name, values)| (*name, value(&mut random, id, values)))
            .collect();
        let mut parameters: Vec<(&str, &str)> = vec![];
        parameters.extend(startup.iter().map(|(name, value)| (*name, value.as_str())));
        let peer = Peer::log_in(port, "bench", &parameters).await;
        Self {
            id,
            random,
            peer,
            looks,
            current: startup.clone(),
            startup,
            block: None,
            statements: BTreeMap::new(),
            history: vec![],
        }
    }

    /// What the columns of a check must be, the last one aside.
    fn columns(&self) -> Vec<String> {
        let order = PARAMETERS.map(|(name, _)| self.current[name].clone());
        let schema = order[3].split(',').next().unwrap().to_owned();
        order.into_iter().chain([schema]).collect()
    }

    fn expect(&self, reply: &Reply, last: &[&str]) {
        let mut expected = self.columns();
        expected.extend(last.iter().map(|text| (*text).to_owned()));
        assert_eq!(reply.error, None, "{}", self.past());
        assert_eq!(reply.values(), expected, "{}", self.past());
    }

    fn past(&self) -> String {
        let last = self.history.iter().rev().take(20).rev();
        let last: Vec<_> = last.map(|sql| sql.replace(COLUMNS, "")).collect();
        format!("client {}, at last: {}", self.id, last.join("; "))
    }

    /// A statement whose effect is that of this change.
    async fn change(&mut self, sql: &str, change: impl Fn(&mut Settings), local: bool) {
        self.run(sql).await;
        match &mut self.block {
            Some((commit, _)) if !local => change(commit),
            _ => {}
        }
        if self.block.is_some() || !local {
            change(&mut self.current);
        }
    }

    async fn run(&mut self, sql: &str) -> Reply {
        self.history.push(sql.to_owned());
        let reply = if self.random.below(2) == 0 {
            self.statements.remove("");
            self.peer.query(sql).await
        } else {
            self.statements.remove("");
            self.peer.extended(sql, &[]).await
        };
        assert_eq!(reply.error, None, "{}", self.past());
        reply
    }

    async fn step(&mut self) {
        match self.random.below(24) {
            0..=4 => self.set().await,
            5 => self.reset().await,
            6..=9 => self.begin_or_end().await,
            10..=13 => self.prepare().await,
            14..=18 => self.execute().await,
            19 => self.close().await,
            20 => self.fail().await,
            _ => self.check().await,
        }
        for name in ["TimeZone", "DateStyle", "IntervalStyle", "application_name"] {
            let told = &self.peer.told[name];
            assert_eq!(*told, self.current[name], "{name}: {}", self.past());
        }
        let status = if self.block.is_some() { 'T' } else { 'I' };
        assert_eq!(self.peer.status, status, "{}", self.past());
    }

    async fn set(&mut self) {
        let (name, values) = self.random.one_of(&PARAMETERS);
        let value = value(&mut self.random, self.id, values);
        let local = self.random.below(3) == 0;
        let sql = if self.random.below(3) == 0 {
            format!("select set_config('{name}', '{value}', {local})")
        } else {
            let scope = if local { "local " } else { "" };
            let value = match name {
                "search_path" => value.clone(),
                _ => format!("'{value}'"),
            };
            format!("set {scope}{name} = {value}")
        };
        let change = |settings: &mut Settings| {
            settings.insert(name, value.clone());
        };
        self.change(&sql, change, local).await;
    }

    async fn reset(&mut self) {
        let (name, _) = self.random.one_of(&PARAMETERS);
        let value = self.startup[name].clone();
        let change = |settings: &mut Settings| {
            settings.insert(name, value.clone());
        };
        self.change(&format!("reset {name}"), change, false).await;
    }

    async fn begin_or_end(&mut self) {
        let Some((commit, rollback)) = self.block.take() else {
            self.run("begin").await;
            self.block = Some((self.current.clone(), self.current.clone()));
            return;
        };
        if self.random.below(2) == 0 {
            self.run("commit").await;
            self.current = commit;
        } else {
            self.run("rollback").await;
            self.current = rollback;
        }
    }

    /// Equal names and other texts, or equal texts and other names.
    async fn prepare(&mut self) {
        let name = self.random.one_of(&NAMES);
        let mark = if self.random.below(2) == 0 {
            format!("{} {}", self.id, self.random.below(1000))
        } else {
            "the same of all".to_owned()
        };
        let sql = format!(
            "select {COLUMNS} '{mark}', timestamptz '2024-03-01 12:00' = \
                           '2024-03-01 12:00 {}', {LOOK}",
            self.current["TimeZone"]
        );
        self.history.push(format!("parse {name:?} {mark}"));
        let reply = self
            .peer
            .ask(|out| {
                if !name.is_empty() {
                    named(b'C', 'S', name, out);
                }
                parse(name, &sql, out);
                encode::sync(out);
            })
            .await;
        assert_eq!(reply.error, None, "{}", self.past());
        let zone = self.current["TimeZone"].clone();
        self.statements.insert(name, Prepared { mark, zone });
    }

    async fn execute(&mut self) {
        let name = self.random.one_of(&NAMES);
        self.history.push(format!("execute {name:?}"));
        let Some(statement) = self.statements.get(name) else {
            // That of a statement which ran by itself is not kept account of.
            if self.block.is_none() && !name.is_empty() {
                let reply = self.peer.execute(name).await;
                assert_eq!(reply.told(), "26000 I", "{}", self.past());
            }
            return;
        };
        // What it was folded under does not count where it is not in force.
        let [mark, zone] = [&statement.mark, &statement.zone].map(Clone::clone);
        let reply = self.peer.execute(name).await;
        if zone == self.current["TimeZone"] {
            let look = self.looks.under(&self.current).to_owned();
            self.expect(&reply, &[&mark, "t", &look]);
        } else {
            assert_eq!(reply.values()[6], mark, "{}", self.past());
            // They may have been folded again.
            self.statements.get_mut(name).unwrap().zone.clear();
        }
    }

    async fn close(&mut self) {
        let name = self.random.one_of(&["a", "b"]);
        if self.random.below(2) == 0 {
            self.history.push(format!("close {name:?}"));
            let close = |out: &mut _| {
                named(b'C', 'S', name, out);
                encode::sync(out);
            };
            assert_eq!(self.peer.ask(close).await.error, None);
            self.statements.remove(name);
        } else if self.statements.contains_key(name) {
            self.run(&format!("deallocate {name}")).await;
            self.statements.remove(name);
        } else {
            self.run("deallocate all").await;
            self.statements.clear();
        }
    }

    /// An error takes back what was set in its flight.
    async fn fail(&mut self) {
        let sql = "set timezone = 'Asia/Kolkata'; select 1/0";
        self.history.push(sql.to_owned());
        self.statements.remove("");
        let reply = self.peer.query(sql).await;
        let inside = self.block.take();
        let status = if inside.is_some() { 'E' } else { 'I' };
        assert_eq!(reply.outcome(), ("22012".into(), Some(status)));
        if let Some((_, rollback)) = inside {
            self.run("rollback").await;
            self.current = rollback;
        }
    }

    async fn check(&mut self) {
        let sql = format!("select {COLUMNS} {LOOK}");
        let reply = self.run(&sql).await;
        let look = self.looks.under(&self.current).to_owned();
        self.expect(&reply, &[&look]);
    }
}

fn value(random: &mut Random, id: usize, values: &[&str]) -> String {
    if values.is_empty() {
        return format!("client {id} {}", random.below(100));
    }
    random.one_of(values).to_owned()
}

/// Sessions with something that no other server can have.
async fn pinner(port: u16, id: usize, seed: u64, rounds: usize) {
    let mut random = Random(seed ^ (id as u64) << 32);
    for round in 0..rounds {
        let mut peer = Peer::log_in(port, "bench", &[]).await;
        for sql in ["select currval('q')", "select lastval()"] {
            let told = peer.query(sql).await.told();
            assert_eq!(told, "55000 I", "{sql} of another");
        }
        let nothing = "select to_regclass('pg_temp.mine') is null and not exists \
            (select from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()) \
            and not exists (select from pg_prepared_statements where from_sql) \
            and not exists (select from pg_cursors where is_holdable) \
            and not exists (select from pg_listening_channels())";
        assert_eq!(peer.run(nothing).await.value(), "t", "a trace of another");
        let last = peer.run("select nextval('q')").await.value();
        peer.run("select setseed(0.25)").await;
        let mut more = vec![
            format!("create temp table mine as select {id} as id"),
            format!("select pg_advisory_lock({id})"),
            "prepare a as select 'sql'".into(),
            "listen news".into(),
            "declare c cursor with hold for select 1".into(),
        ];
        more.truncate(random.below(more.len() + 1));
        for sql in &more {
            peer.run(sql).await;
        }
        for _ in 0..random.below(6) {
            assert_eq!(peer.run("select currval('q')").await.value(), last);
            assert_eq!(peer.run("select lastval()").await.value(), last);
            if !more.is_empty() {
                let own = peer.run("select id from mine").await.value();
                assert_eq!(own, id.to_string(), "round {round}");
            }
        }
        // With this seed, PostgreSQL's generator says this.
        let first = peer.run("select random()").await.value();
        peer.run("select setseed(0.25)").await;
        assert_eq!(peer.run("select random()").await.value(), first);
        peer.leave().await;
    }
}

#[tokio::test]
async fn no_session_sees_another() {
    let postgres = Postgres::start();
    let url = format!("postgresql://bench@{}/postgres", postgres.address);
    let admin = connect(&url).await.unwrap();
    let mut sql = "create sequence q;".to_owned();
    for n in 0..4 {
        write!(
            sql,
            "create schema s{n}; create table s{n}.t as select text 's{n}' as mark;"
        )
        .unwrap();
    }
    admin.batch_execute(&sql).await.unwrap();
    let looks = Rc::new(Looks::of(&postgres).await);
    let seed = seeds(SEED..SEED + 1).start;
    for mode in Mode::ALL {
        println!("{mode:?}, seed {seed}");
        let proxy = mode.proxy(&postgres, SERVERS, &["--queue-timeout=2m"]);
        let port = proxy.port();
        let client = async |id| {
            let mut client = Client::log_in(port, id, seed, Rc::clone(&looks)).await;
            for _ in 0..STEPS {
                client.step().await;
            }
            client.peer.leave().await;
        };
        let clients = join_all((0..CLIENTS).map(client));
        let pinners = join_all((0..PINNERS).map(|id| pinner(port, id, seed, STEPS)));
        futures_util::join!(clients, pinners);
        if mode.shares() {
            let sql = "select count(*) from pg_stat_activity where backend_type = 'client backend'";
            let backends: i64 = admin.query_one(sql, &[]).await.unwrap().get(0);
            let most = i64::try_from(SERVERS).unwrap() + 1;
            assert!(backends <= most, "{backends} servers");
        }
    }
}
