//! Many random transactions against a model of snapshot isolation in which the first committer
//! wins. One statement at a time is said by one of several sessions; every answer must be the
//! model's.

use std::collections::{BTreeMap, BTreeSet};

use super::client::Access;
use super::concurrency::{Protocol, Speaker};
use super::with_cluster;

const LOST: &str = "40001 change conflicts with another transaction (OC000)";
const ABORTED: &str = "25P02 current transaction is aborted, commands ignored until end of \
                       transaction block";
const TAKEN_ID: &str = "23505 duplicate key value violates unique constraint \"t_pkey\"";
const TAKEN_U: &str = "23505 duplicate key value violates unique constraint \"t_u_key\"";
const NO_PARENT: &str =
    "23503 insert or update on table \"c\" violates foreign key constraint \"c_p_fkey\"";
const HAS_CHILD: &str = "23503 update or delete on table \"t\" violates foreign key constraint \"c_p_fkey\" on table \"c\"";

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u32) -> i32 {
        i32::try_from(self.next() % u64::from(n)).unwrap()
    }

    fn one_of<'s>(&mut self, of: &[&'s str]) -> &'s str {
        of[usize::try_from(self.below(u32::try_from(of.len()).unwrap())).unwrap()]
    }
}

/// What two transactions may both want.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    /// A row of `t`.
    Row(i32),
    /// A value of the unique column `t.u`.
    Unique(i32),
    /// A row of `c`.
    Child(i32),
    /// A row of `k`, which has no key.
    Keyless(i32),
}

/// `t (id int PRIMARY KEY, u int UNIQUE, v int)`, `c (id int PRIMARY KEY, p int REFERENCES t)`.
#[derive(Debug, Clone, Default)]
struct Tables {
    t: BTreeMap<i32, (Option<i32>, i32)>,
    c: BTreeMap<i32, i32>,
    /// The rows of `k (v int)`, each with a number of its own.
    k: BTreeMap<i32, i32>,
}

#[derive(Debug, Default)]
struct Store {
    tables: Tables,
    version: u64,
    /// When a key was last written.
    stamps: BTreeMap<Key, u64>,
    /// When a row of `t` was last removed.
    removals: BTreeMap<i32, u64>,
}

#[derive(Debug, Default)]
struct Transaction {
    /// Taken by its first statement that looks at a table.
    snapshot: Option<u64>,
    view: Tables,
    written: BTreeSet<Key>,
    /// Rows of `t` that must stay.
    kept: BTreeSet<i32>,
    /// Rows of `t` that were removed, if only for a while.
    removed: BTreeSet<i32>,
}

#[derive(Debug)]
enum State {
    Idle,
    Open(Transaction),
    Failed,
}

#[derive(Debug, Clone)]
enum Statement {
    Begin,
    Commit,
    Rollback,
    Divide,
    Select,
    Join,
    Add(Range, i32),
    Update(i32, Option<i32>),
    Rename(i32, i32),
    Delete(i32),
    Insert(i32, Option<i32>, i32),
    InsertOrNothing(i32, i32),
    Upsert(i32, i32),
    Copy(i32, i32),
    Lock(i32),
    InsertChild(i32, i32),
    DeleteChild(i32),
    Children,
    InsertKeyless(i32, i32),
    DeleteKeyless(i32),
    Keyless,
}

#[derive(Debug, Clone, Copy)]
enum Range {
    Is(i32),
    AtLeast(i32),
    Even,
}

impl Range {
    fn holds(self, id: i32, v: i32) -> bool {
        match self {
            Self::Is(x) => id == x,
            Self::AtLeast(x) => id >= x,
            Self::Even => v % 2 == 0,
        }
    }
}

const IDS: u32 = 4;

impl Statement {
    fn random(random: &mut Random, serial: i32, in_block: bool) -> Self {
        let id = random.below(IDS);
        let v = random.below(10);
        let u = (random.below(3) == 0).then(|| random.below(3));
        match random.below(if in_block { 32 } else { 26 }) {
            0..=3 if !in_block => Self::Begin,
            0..=1 => Self::Divide,
            2 | 3 => Self::Lock(id),
            4 | 5 => Self::Select,
            6 | 7 => Self::Add(Range::Is(id), v),
            8 => Self::Add(Range::AtLeast(id), v),
            9 => Self::Add(Range::Even, v),
            10 => Self::Update(id, u),
            11 => Self::Rename(id, random.below(IDS)),
            12 | 13 => Self::Delete(id),
            14 | 15 => Self::Insert(id, u, v),
            16 => Self::InsertOrNothing(id, v),
            17 | 18 => Self::Upsert(id, v),
            19 => Self::Copy(id, random.below(IDS)),
            20 => Self::InsertChild(random.below(3), id),
            21 => Self::DeleteChild(random.below(3)),
            22 => Self::Children,
            23 => Self::InsertKeyless(serial, v % 2),
            24 => Self::DeleteKeyless(v % 2),
            25 => Self::Keyless,
            26 => Self::Join,
            27..=29 => Self::Commit,
            _ if v < 4 => Self::Rollback,
            _ => Self::Commit,
        }
    }

    fn sql(&self, random: &mut Random) -> String {
        let t = random.one_of(&[
            "t",
            "t",
            "public.t",
            "\"t\"",
            "public.\"t\"",
            "T",
            "Public . T",
        ]);
        match self {
            Self::Begin => "BEGIN".into(),
            Self::Commit => random.one_of(&["COMMIT", "END"]).into(),
            Self::Rollback => "ROLLBACK".into(),
            // `t` is looked at so that the snapshot is taken.
            Self::Divide => format!("SELECT 1 / (count(*) - count(*)) FROM {t}"),
            Self::Select => random
                .one_of(&[
                    "SELECT id, u, v FROM t ORDER BY id",
                    "SELECT x.* FROM public.t x",
                    "WITH t AS (SELECT * FROM public.t) SELECT * FROM t",
                ])
                .into(),
            Self::Join => "SELECT c.id, t.id FROM c JOIN t ON t.id = c.p".into(),
            Self::Add(range, by) => {
                let condition = match range {
                    Range::Is(x) => format!("id = {x}"),
                    Range::AtLeast(x) => format!("id >= {x}"),
                    Range::Even => "v % 2 = 0".into(),
                };
                random
                    .one_of(&[
                        "UPDATE {t} SET v = v + {by} WHERE {c} RETURNING id, v",
                        "UPDATE {t} AS a SET v = a.v + {by} WHERE a.{c} RETURNING a.id, a.v",
                        "WITH n AS (SELECT id AS i FROM {t} WHERE {c}) \
                         UPDATE {t} SET v = v + {by} FROM n WHERE n.i = id RETURNING id, v",
                        "WITH w AS (UPDATE {t} SET v = v + {by} WHERE {c} RETURNING id, v) \
                         SELECT id, v FROM w",
                    ])
                    .replace("{t}", t)
                    .replace("{by}", &by.to_string())
                    .replace("{c}", &condition)
            }
            Self::Update(id, u) => {
                format!("UPDATE {t} SET u = {} WHERE id = {id}", literal(*u))
            }
            Self::Rename(from, to) => format!("UPDATE {t} SET id = {to} WHERE id = {from}"),
            Self::Delete(id) => format!("DELETE FROM {t} WHERE id = {id} RETURNING v"),
            Self::Insert(id, u, v) => {
                format!(
                    "INSERT INTO {t} VALUES ({id}, {}, {v}) RETURNING id",
                    literal(*u)
                )
            }
            Self::InsertOrNothing(id, v) => {
                format!("INSERT INTO {t} (id, v) VALUES ({id}, {v}) ON CONFLICT DO NOTHING")
            }
            Self::Upsert(id, v) => format!(
                "INSERT INTO {t} AS a (id, v) VALUES ({id}, {v}) \
                 ON CONFLICT (id) DO UPDATE SET v = a.v + excluded.v RETURNING v"
            ),
            Self::Copy(from, to) => format!(
                "INSERT INTO {t} (id, v) SELECT {to}, v + 1 FROM {t} WHERE id = {from} RETURNING v"
            ),
            Self::Lock(id) => format!("SELECT v FROM {t} WHERE id = {id} FOR UPDATE"),
            Self::InsertChild(id, p) => format!("INSERT INTO c VALUES ({id}, {p})"),
            Self::DeleteChild(id) => format!("DELETE FROM c WHERE id = {id}"),
            Self::Children => "SELECT * FROM c".into(),
            Self::InsertKeyless(_, v) => format!("INSERT INTO k VALUES ({v})"),
            Self::DeleteKeyless(v) => format!("DELETE FROM k WHERE v = {v}"),
            Self::Keyless => "SELECT * FROM k".into(),
        }
    }
}

fn literal(value: Option<i32>) -> String {
    value.map_or("NULL".into(), |v| v.to_string())
}

/// Rows, then a tag; or an error.
type Answer = Result<(Vec<String>, String), &'static str>;

impl Transaction {
    fn look(&mut self, store: &Store) {
        if self.snapshot.is_none() {
            self.snapshot = Some(store.version);
            self.view = store.tables.clone();
        }
    }

    fn write(&mut self, key: i32, row: Option<(Option<i32>, i32)>) {
        let old = if let Some(row) = row {
            self.view.t.insert(key, row)
        } else {
            self.removed.insert(key);
            self.view.t.remove(&key)
        };
        self.written.insert(Key::Row(key));
        let (before, after) = (old.and_then(|r| r.0), row.and_then(|r| r.0));
        if before != after {
            self.written
                .extend(before.into_iter().chain(after).map(Key::Unique));
        }
    }

    fn u_is_taken(&self, u: Option<i32>, but: i32) -> bool {
        u.is_some() && self.view.t.iter().any(|(id, row)| *id != but && row.0 == u)
    }

    fn insert(&mut self, id: i32, u: Option<i32>, v: i32) -> Result<(), &'static str> {
        if self.view.t.contains_key(&id) {
            return Err(TAKEN_ID);
        }
        if self.u_is_taken(u, id) {
            return Err(TAKEN_U);
        }
        self.write(id, Some((u, v)));
        Ok(())
    }

    fn has_child(&self, id: i32) -> bool {
        self.view.c.values().any(|p| *p == id)
    }

    fn run(&mut self, statement: &Statement) -> Answer {
        let mut rows = vec![];
        let tag = match *statement {
            Statement::Begin | Statement::Commit | Statement::Rollback => unreachable!(),
            Statement::Divide => return Err("22012 division by zero"),
            Statement::Select => {
                for (id, (u, v)) in &self.view.t {
                    rows.push(format!("{id},{},{v}", literal(*u)));
                }
                "SELECT"
            }
            Statement::Join => {
                for (id, p) in &self.view.c {
                    rows.push(format!("{id},{p}"));
                }
                "SELECT"
            }
            Statement::Add(range, by) => {
                let found: Vec<_> = self.view.t.iter().map(|(id, row)| (*id, *row)).collect();
                for (id, (u, v)) in found {
                    if range.holds(id, v) {
                        self.write(id, Some((u, v + by)));
                        rows.push(format!("{id},{}", v + by));
                    }
                }
                "UPDATE"
            }
            Statement::Update(id, u) => {
                let Some((_, v)) = self.view.t.get(&id).copied() else {
                    return Ok((vec![], "UPDATE 0".into()));
                };
                if self.u_is_taken(u, id) {
                    return Err(TAKEN_U);
                }
                self.write(id, Some((u, v)));
                return Ok((vec![], "UPDATE 1".into()));
            }
            Statement::Rename(from, to) => {
                let Some(row) = self.view.t.get(&from).copied() else {
                    return Ok((vec![], "UPDATE 0".into()));
                };
                if from != to && self.view.t.contains_key(&to) {
                    return Err(TAKEN_ID);
                }
                if from != to && self.has_child(from) {
                    return Err(HAS_CHILD);
                }
                self.write(from, None);
                self.write(to, Some(row));
                return Ok((vec![], "UPDATE 1".into()));
            }
            Statement::Delete(id) => {
                if let Some((_, v)) = self.view.t.get(&id).copied() {
                    if self.has_child(id) {
                        return Err(HAS_CHILD);
                    }
                    self.write(id, None);
                    rows.push(v.to_string());
                }
                "DELETE"
            }
            Statement::Insert(id, u, v) => {
                self.insert(id, u, v)?;
                rows.push(id.to_string());
                "INSERT 0"
            }
            Statement::InsertOrNothing(id, v) => {
                let done = self.insert(id, None, v).is_ok();
                return Ok((vec![], format!("INSERT 0 {}", i32::from(done))));
            }
            Statement::Upsert(id, v) => {
                let (u, old) = self.view.t.get(&id).copied().unwrap_or((None, 0));
                self.write(id, Some((u, old + v)));
                rows.push((old + v).to_string());
                "INSERT 0"
            }
            Statement::Copy(from, to) => {
                if let Some((_, v)) = self.view.t.get(&from).copied() {
                    self.insert(to, None, v + 1)?;
                    rows.push((v + 1).to_string());
                }
                "INSERT 0"
            }
            Statement::Lock(id) => {
                if let Some(row) = self.view.t.get(&id).copied() {
                    self.write(id, Some(row));
                    rows.push(row.1.to_string());
                }
                "SELECT"
            }
            Statement::InsertChild(id, p) => {
                if self.view.c.contains_key(&id) {
                    return Err("23505 duplicate key value violates unique constraint \"c_pkey\"");
                }
                if !self.view.t.contains_key(&p) {
                    return Err(NO_PARENT);
                }
                self.view.c.insert(id, p);
                self.written.insert(Key::Child(id));
                self.kept.insert(p);
                return Ok((vec![], "INSERT 0 1".into()));
            }
            Statement::DeleteChild(id) => {
                let found = self.view.c.remove(&id).is_some();
                if found {
                    self.written.insert(Key::Child(id));
                }
                return Ok((vec![], format!("DELETE {}", i32::from(found))));
            }
            Statement::Children => {
                for (id, p) in &self.view.c {
                    rows.push(format!("{id},{p}"));
                }
                "SELECT"
            }
            Statement::InsertKeyless(serial, v) => {
                self.view.k.insert(serial, v);
                self.written.insert(Key::Keyless(serial));
                return Ok((vec![], "INSERT 0 1".into()));
            }
            Statement::DeleteKeyless(v) => {
                let before = self.view.k.len();
                let gone = self.view.k.extract_if(.., |_, old| *old == v);
                self.written
                    .extend(gone.map(|(serial, _)| Key::Keyless(serial)));
                return Ok((vec![], format!("DELETE {}", before - self.view.k.len())));
            }
            Statement::Keyless => {
                rows.extend(self.view.k.values().map(i32::to_string));
                "SELECT"
            }
        };
        let tag = format!("{tag} {}", rows.len());
        Ok((rows, tag))
    }

    fn commit(self, store: &mut Store) -> Result<(), &'static str> {
        let Some(snapshot) = self.snapshot else {
            return Ok(());
        };
        let newer = |key: &Key| store.stamps.get(key).is_some_and(|v| *v > snapshot);
        if self.written.iter().any(newer) {
            return Err(LOST);
        }
        // A reference to what somebody has removed, and the removal of what somebody refers to.
        let gone = |p: &i32| store.removals.get(p).is_some_and(|v| *v > snapshot);
        let referred = |id: &i32| {
            let mut children = store.tables.c.iter();
            children.any(|(c, p)| p == id && newer(&Key::Child(*c)))
        };
        if self.kept.iter().any(gone) || self.removed.iter().any(referred) {
            return Err(LOST);
        }
        store.version += 1;
        for id in &self.removed {
            store.removals.insert(*id, store.version);
        }
        for key in &self.written {
            store.stamps.insert(*key, store.version);
            match key {
                Key::Row(id) => match self.view.t.get(id) {
                    Some(row) => drop(store.tables.t.insert(*id, *row)),
                    None => drop(store.tables.t.remove(id)),
                },
                Key::Child(id) => match self.view.c.get(id) {
                    Some(row) => drop(store.tables.c.insert(*id, *row)),
                    None => drop(store.tables.c.remove(id)),
                },
                Key::Keyless(serial) => match self.view.k.get(serial) {
                    Some(row) => drop(store.tables.k.insert(*serial, *row)),
                    None => drop(store.tables.k.remove(serial)),
                },
                Key::Unique(_) => {}
            }
        }
        Ok(())
    }
}

/// What a session is answered.
fn answer(store: &mut Store, state: &mut State, statement: &Statement) -> String {
    let (answer, status) = match (std::mem::replace(state, State::Idle), statement) {
        (State::Idle, Statement::Begin) => {
            *state = State::Open(Transaction::default());
            (Ok((vec![], "BEGIN".into())), 'T')
        }
        (State::Idle, statement) => {
            let mut transaction = Transaction::default();
            transaction.look(store);
            let answer = transaction.run(statement);
            if answer.is_ok() {
                transaction.commit(store).unwrap();
            }
            (answer, 'I')
        }
        (State::Open(transaction), Statement::Commit) => (
            transaction
                .commit(store)
                .map(|()| (vec![], "COMMIT".into())),
            'I',
        ),
        (State::Failed, Statement::Commit | Statement::Rollback)
        | (State::Open(_), Statement::Rollback) => (Ok((vec![], "ROLLBACK".into())), 'I'),
        (State::Failed, _) => {
            *state = State::Failed;
            (Err(ABORTED), 'E')
        }
        (State::Open(mut transaction), statement) => {
            transaction.look(store);
            let answer = transaction.run(statement);
            let status = if answer.is_ok() { 'T' } else { 'E' };
            *state = match answer {
                Ok(_) => State::Open(transaction),
                Err(_) => State::Failed,
            };
            (answer, status)
        }
    };
    let mut parts = match answer {
        Ok((mut rows, tag)) => {
            rows.sort();
            rows.push(tag);
            rows
        }
        Err(error) => vec![error.to_owned()],
    };
    parts.push(status.to_string());
    parts.join(" | ")
}

/// The rows in some order of their own.
fn in_order(answer: &str) -> String {
    let mut parts: Vec<&str> = answer.split(" | ").collect();
    let rows = parts.len().saturating_sub(2);
    parts[..rows].sort_unstable();
    parts.join(" | ")
}

/// Runs one case; what went wrong, with all that came before.
async fn case(speakers: &mut [Speaker], seed: u64) -> Result<(), Vec<String>> {
    let mut random = Random(seed);
    speakers[0]
        .run(&[
            "DELETE FROM c",
            "DELETE FROM k",
            "DELETE FROM t",
            "INSERT INTO t VALUES (0, NULL, 0), (1, 1, 0)",
        ])
        .await;
    let mut store = Store::default();
    store.tables.t.insert(0, (None, 0));
    store.tables.t.insert(1, (Some(1), 0));
    let mut states: Vec<State> = speakers.iter().map(|_| State::Idle).collect();
    let mut history = vec![];
    let sessions = u32::try_from(2 + random.below(u32::try_from(speakers.len() - 1).unwrap()));
    for serial in 0..(8 + random.below(25)) {
        let at = usize::try_from(random.below(sessions.unwrap())).unwrap();
        let in_block = !matches!(states[at], State::Idle);
        let statement = Statement::random(&mut random, serial, in_block);
        let sql = statement.sql(&mut random);
        let mut expected = answer(&mut store, &mut states[at], &statement);
        if sql.ends_with("SELECT id, v FROM w") {
            expected = expected.replace("UPDATE", "SELECT");
        }
        let heard = in_order(&speakers[at].ask(&sql).await);
        history.push(format!(
            "{at} {:?}: {sql}\n      {heard}",
            speakers[at].protocol
        ));
        if heard != expected {
            history.push(format!("   BUT {expected}"));
            for speaker in speakers {
                speaker.say("ROLLBACK").await;
            }
            return Err(history);
        }
    }
    for (speaker, state) in speakers.iter_mut().zip(&states) {
        if !matches!(state, State::Idle) {
            speaker.run(&["ROLLBACK"]).await;
        }
    }
    Ok(())
}

async fn cases(access: &Access, seeds: std::ops::Range<u64>) {
    use Protocol::{Extended, Prepared, Simple};
    let mut speakers = vec![];
    for protocol in [Simple, Extended, Prepared, Simple] {
        speakers.push(Speaker::new(access, protocol).await);
    }
    speakers[0]
        .run(&[
            "CREATE TABLE t (id int PRIMARY KEY, u int UNIQUE, v int)",
            "CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES t)",
            "CREATE TABLE k (v int)",
        ])
        .await;
    let mut wrong: Vec<(u64, Vec<String>)> = vec![];
    for seed in seeds.clone() {
        if let Err(history) = case(&mut speakers, seed).await {
            wrong.push((seed, history));
        }
    }
    wrong.sort_by_key(|(_, history)| history.len());
    let shown: Vec<String> = wrong
        .iter()
        .take(6)
        .map(|(seed, history)| format!("seed {seed}:\n  {}", history.join("\n  ")))
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {seeds:?} are not the model's\n{}",
        wrong.len(),
        shown.join("\n")
    );
}

#[tokio::test]
async fn random_transactions_are_the_models() {
    let seeds = match std::env::var("DSQL_PROXY_TEST_SEEDS") {
        Ok(seeds) => {
            let (first, last) = seeds.split_once("..").unwrap();
            first.parse().unwrap()..last.parse().unwrap()
        }
        Err(_) => 0..60,
    };
    with_cluster(async |access| cases(access, seeds.clone()).await).await;
}
