//! Random scripts, once directly against PostgreSQL and once through the proxy, where other
//! sessions take and soil the servers in between: the same bytes come back.

use std::fmt::Write as _;

use super::script::{STARTUPS, Step};
use super::speaker::Speaker;
use super::{Mode, Random, seeds};
use crate::support::connect;
use crate::support::postgres::Postgres;
use crate::support::raw::{Message, error};

/// Scripts of a run in `make test`.
const SEEDS: std::ops::Range<u64> = 0..400;

/// Two databases that are alike.
const DATABASES: [&str; 2] = ["direct", "proxied"];

const TABLES: &str = "
    drop schema if exists s1, s2 cascade;
    drop table if exists t cascade;
    drop sequence if exists q;
    create table t (id int primary key, v text);
    insert into t select i, 'v' || i from generate_series(1, 4) i;
    create schema s1;
    create table s1.t (id int primary key, v int);
    insert into s1.t select i, i * 10 from generate_series(1, 3) i;
    create schema s2;
    create table s2.t (id int);
    insert into s2.t values (100);
    create sequence q;";

/// What a session can find out about itself. PostgreSQL goes on to call what was set for one
/// transaction set by the session, though it has ended: that is not worth a question to each
/// server.
const FUNCTIONS: &str = "
    create function settings() returns table (name text, setting text) language sql as
    $$ select name, setting from pg_catalog.pg_settings
       where source in ('session', 'client') and name <> 'application_name'
             and name not like 'transaction%'
          or name in ('TimeZone', 'DateStyle', 'search_path') order by 1 $$";

/// Sessions that differ in all that can differ, by which servers get soiled.
const SOIL: &[&str] = &[
    "set timezone = 'Australia/Perth'",
    "set datestyle = 'SQL, DMY'",
    "set intervalstyle = postgres_verbose",
    "set search_path = s2",
    "set application_name = 'somebody else'",
    "set bytea_output = escape",
    "set default_transaction_read_only = on",
    "set extra_float_digits = -15",
];

/// Their prepared statements.
const OTHERS: [&str; 2] = ["a", "b"];

struct World {
    postgres: Postgres,
    /// A session in each of the two databases, beside the proxy.
    admins: Vec<tokio_postgres::Client>,
}

impl World {
    async fn new() -> Self {
        let postgres = Postgres::start();
        let url = |database| format!("postgresql://bench@{}/{database}", postgres.address);
        let first = connect(&url("postgres")).await.unwrap();
        let mut admins = vec![];
        for database in DATABASES {
            let sql = format!("create database {database}");
            first.batch_execute(&sql).await.unwrap();
            let admin = connect(&url(database)).await.unwrap();
            admin
                .batch_execute(&format!(
                    "set client_min_messages = warning; {TABLES}; {FUNCTIONS}"
                ))
                .await
                .unwrap();
            admins.push(admin);
        }
        Self { postgres, admins }
    }

    /// The tables as at the beginning.
    async fn reset(&self) {
        for admin in &self.admins {
            admin.batch_execute(TABLES).await.unwrap();
        }
    }
}

/// A session of somebody else that takes a server for itself and gives it back.
struct Other {
    speaker: Speaker,
    holds: bool,
}

impl Other {
    async fn log_in(address: &str) -> Self {
        let parameters = [("user", "bench"), ("database", "proxied")];
        let mut speaker = Speaker::log_in(address, &parameters).await;
        for sql in SOIL {
            speaker.take(&Step::Query((*sql).into())).await;
        }
        for name in OTHERS {
            let sql = format!("select 'of another' as {name}, current_setting('timezone')");
            speaker.take(&Step::Parse { name, sql }).await;
        }
        speaker.take(&Step::Sync).await;
        speaker.wait().await;
        assert!(speaker.heard.iter().all(|(tag, _)| *tag != b'E'));
        Self {
            speaker,
            holds: false,
        }
    }

    /// What was wrong, if anything was.
    async fn swap(&mut self) -> Option<String> {
        let sql = if self.holds { "commit" } else { "begin" };
        self.holds = !self.holds;
        self.speaker.heard.clear();
        self.speaker.take(&Step::Query(sql.into())).await;
        if self.holds {
            // A statement of each name, so that its server has them.
            for statement in OTHERS {
                let bind = Step::Bind {
                    portal: "",
                    statement,
                    values: vec![],
                    binary: false,
                };
                self.speaker.take(&bind).await;
                self.speaker.take(&Step::Execute("", 0)).await;
            }
            self.speaker.take(&Step::Sync).await;
        }
        self.speaker.wait().await;
        let rows = self.speaker.heard.iter().filter(|(tag, _)| *tag == b'D');
        let perth = rows.filter(|(_, row)| row.ends_with(b"\0\0\0\x0fAustralia/Perth"));
        let wrong = perth.count() != if self.holds { 2 } else { 0 } || self.speaker.over.is_some();
        wrong.then(|| {
            let heard = normal(&self.speaker.heard).join(", ");
            format!(
                "the other session was told: {heard} {:?}",
                self.speaker.over
            )
        })
    }
}

/// The two runs of a script.
async fn run(world: &World, port: u16, others: &mut [Other], case: &Case) -> [Vec<String>; 2] {
    world.reset().await;
    let addresses = [world.postgres.address.clone(), format!("127.0.0.1:{port}")];
    let mut runs = vec![];
    for (address, database) in addresses.iter().zip(DATABASES) {
        let mut parameters = vec![("user", "bench"), ("database", database)];
        parameters.extend(case.startup);
        let mut speaker = Speaker::log_in(address, &parameters).await;
        if speaker.over.is_some() {
            runs.push(refusal(&speaker.heard));
            continue;
        }
        let mut wrong = vec![];
        for step in &case.steps {
            speaker.take(step).await;
            if let (Step::Swap(n), "proxied") = (step, database) {
                wrong.extend(others[*n].swap().await);
            }
        }
        speaker.take(&Step::Sync).await;
        speaker.wait().await;
        let mut heard = normal(&speaker.heard);
        heard.extend(speaker.over.map(str::to_owned));
        heard.extend(wrong);
        if !speaker.leave().await {
            heard.push("it does not end".into());
        }
        runs.push(heard);
    }
    for other in others.iter_mut().filter(|other| other.holds) {
        other.swap().await;
    }
    runs.try_into().unwrap()
}

/// A refusal at login, which the proxy passes on without PostgreSQL's file and line.
fn refusal(messages: &[Message]) -> Vec<String> {
    let error = error(messages).unwrap();
    vec![format!("{:?} {}", error.sqlstate, error.message)]
}

struct Case {
    startup: &'static [(&'static str, &'static str)],
    steps: Vec<Step>,
}

/// The messages as texts, without what differs between any two sessions.
fn normal(messages: &[Message]) -> Vec<String> {
    let mut tables = vec![];
    let texts = messages.iter().filter(|(tag, _)| *tag != b'K');
    let mut failed = false;
    let mut texts: Vec<String> = texts
        .map(|(tag, body)| {
            let mut body = body.clone();
            if *tag == b'Z' {
                failed = body == b"E";
            }
            // A statement that has to be prepared again there fails by that.
            if *tag == b'E' && failed {
                return "E in a failed block".into();
            }
            match tag {
                b'T' => number_tables(&mut body, &mut tables),
                b'A' => body[..4].fill(0),
                // The proxy's own errors have no file, line and routine of PostgreSQL's.
                b'E' => {
                    let fields = body.split_inclusive(|byte| *byte == 0);
                    body = fields
                        .filter(|field| !b"FLR".contains(&field[0]))
                        .collect::<Vec<_>>()
                        .concat();
                }
                _ => {}
            }
            format!("{} {}", char::from(*tag), body.escape_ascii())
        })
        .collect();
    // The order of ParameterStatus messages side by side has no meaning.
    for run in texts.chunk_by_mut(|a, b| a.starts_with("S ") && b.starts_with("S ")) {
        run.sort();
    }
    texts
}

/// The ids of tables in a RowDescription are of no importance: replaces them by numbers.
fn number_tables(body: &mut [u8], tables: &mut Vec<u32>) {
    let mut at = 2;
    while at < body.len() {
        at += body[at..].iter().position(|byte| *byte == 0).unwrap() + 1;
        let id = u32::from_be_bytes(body[at..at + 4].try_into().unwrap());
        if id >= 16384 {
            let known = tables.iter().position(|table| *table == id);
            let number = known.unwrap_or_else(|| {
                tables.push(id);
                tables.len() - 1
            });
            let number = u32::try_from(number).unwrap();
            body[at..at + 4].copy_from_slice(&number.to_be_bytes());
        }
        at += 18;
    }
}

/// Takes away what the difference does not need.
async fn shrink(world: &World, port: u16, others: &mut [Other], case: &mut Case) {
    // A failure by hanging is expensive, and rarely needs the last step removed.
    let mut tries = 60;
    let startup = std::mem::take(&mut case.startup);
    let [direct, proxied] = run(world, port, others, case).await;
    if direct == proxied {
        case.startup = startup;
    }
    let mut size = case.steps.len().next_power_of_two();
    while size > 0 {
        let mut at = 0;
        while at < case.steps.len() && tries > 0 {
            tries -= 1;
            let end = (at + size).min(case.steps.len());
            let removed: Vec<_> = case.steps.splice(at..end, []).collect();
            let [direct, proxied] = run(world, port, others, case).await;
            if direct == proxied {
                case.steps.splice(at..at, removed);
                at = end;
            }
        }
        size /= 2;
    }
}

fn report(seed: u64, case: &Case, [direct, proxied]: &[Vec<String>; 2]) -> String {
    let mut text = format!("seed {seed}, startup {:?}:\n", case.startup);
    for step in &case.steps {
        writeln!(text, "    {step:?}").unwrap();
    }
    let same = direct.iter().zip(proxied).take_while(|(a, b)| a == b);
    let same = same.count();
    let after = direct[same.saturating_sub(2)..same].join("\n    ");
    writeln!(text, "  after {same} messages:\n    {after}").unwrap();
    for (who, messages) in DATABASES.iter().zip([direct, proxied]) {
        let rest = messages[same..].iter().take(4);
        let rest: Vec<_> = rest.map(String::as_str).collect();
        writeln!(text, "  {who}:\n    {}", rest.join("\n    ")).unwrap();
    }
    text
}

#[tokio::test]
async fn a_pooled_session_is_like_a_private_one() {
    let world = World::new().await;
    let seeds = seeds(SEEDS);
    for mode in Mode::ALL {
        let proxy = mode.proxy(&world.postgres, 3, &[]);
        let port = proxy.port();
        let address = format!("127.0.0.1:{port}");
        let mut others = vec![Other::log_in(&address).await, Other::log_in(&address).await];
        let mut differences = vec![];
        for seed in seeds.clone() {
            let mut random = Random(seed);
            let parts = 4 + random.below(16);
            let mut case = Case {
                startup: random.one_of(STARTUPS),
                steps: random.script(parts),
            };
            let mut runs = run(&world, port, &mut others, &case).await;
            if runs[0] == runs[1] {
                continue;
            }
            shrink(&world, port, &mut others, &mut case).await;
            runs = run(&world, port, &mut others, &case).await;
            let report = report(seed, &case, &runs);
            println!("{report}");
            differences.push(report);
            others = vec![Other::log_in(&address).await, Other::log_in(&address).await];
            if differences.len() == 5 {
                break;
            }
        }
        assert!(
            differences.is_empty(),
            "{mode:?}, seeds {seeds:?}:\n{}",
            differences.join("\n")
        );
    }
}
