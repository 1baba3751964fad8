//! Random scripts of messages.

use bytes::BytesMut;
use dsql_proxy::wire::encode;

use super::Random;

/// What a client does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Query(String),
    Parse {
        name: &'static str,
        sql: String,
    },
    Bind {
        portal: &'static str,
        statement: &'static str,
        values: Vec<Option<&'static str>>,
        /// Results in binary.
        binary: bool,
    },
    /// `S` or `P`, and the name.
    Describe(char, &'static str),
    Execute(&'static str, i32),
    Close(char, &'static str),
    Flush,
    Sync,
    /// A COPY in one flight: the statement, its data, and whether the client ends it well.
    Copy {
        sql: &'static str,
        data: &'static str,
        done: bool,
        extended: bool,
    },
    /// Reads the answers to all that has been flushed.
    Wait,
    /// Another client takes a server for itself, or gives it back.
    Swap(usize),
}

/// What a message is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Awaited {
    /// All up to ReadyForQuery.
    Query,
    Sync,
    /// One message with one of these type bytes, behind others.
    Last(&'static [u8]),
}

pub(crate) const NAMES: &[&str] = &["", "", "a", "b"];
const PORTALS: &[&str] = &["", "", "p"];
const VALUES: &[Option<&str>] = &[
    Some("1"),
    Some("2"),
    Some("3"),
    Some("x"),
    Some("2024-03-01"),
    None,
];

/// Statements that need no parameters.
const PLAIN: &[&str] = &[
    "",
    ";",
    "/* only a comment */",
    "select 1",
    "select id, v from t order by id",
    "select 'ü' from generate_series(1, 3)",
    "select * from generate_series(1, 7)",
    "table t",
    "insert into t values (7, 'seven')",
    "insert into t values (1, 'again')",
    "update t set v = v || '!' where id = 1 returning id, v",
    "delete from t where id = 2 returning *",
    "select count(*) from s2.t",
    "update s2.t set id = id + 1",
    "alter table t add column more int default 5",
    "alter table t drop column if exists more",
    "select 1/0",
    "select nothing from t",
    "selec",
    "select 1; select 2",
    "select 1; select 1/0; select 2",
    "insert into t values (8, 'm'); select count(*) from t",
    "begin; insert into t values (9, 'n')",
    "set timezone = 'Asia/Tokyo'; select timestamptz '2024-03-01 12:00Z'",
    "copy t to stdout",
    "explain (costs off) select 1",
    "do $$ begin raise notice 'hello %', current_setting('timezone'); end $$",
    "do $$ begin raise exception 'oh'; end $$",
];

const TRANSACTIONS: &[&str] = &[
    "begin",
    "begin",
    "begin read only",
    "begin isolation level serializable",
    "start transaction",
    "commit",
    "commit",
    "end",
    "rollback",
    "abort",
    "commit and chain",
    "rollback and chain",
    "savepoint s",
    "rollback to s",
    "release s",
    "set transaction isolation level repeatable read",
    "set transaction read only",
    "set session characteristics as transaction read only",
    "set constraints all deferred",
];

const PARAMETERS: &[&str] = &[
    "set timezone = 'Asia/Tokyo'",
    "set timezone to 'America/New_York'",
    "set time zone interval '-08:00' hour to minute",
    "set local timezone = 'Europe/Berlin'",
    "reset timezone",
    "set datestyle = german",
    "set local datestyle to sql, dmy",
    "set datestyle to default",
    "set intervalstyle = sql_standard",
    "set search_path = s1",
    "set search_path = s2, public",
    "set local search_path to s1, public",
    "reset search_path",
    "set application_name = 'it''s \\ me'",
    "set application_name to default",
    "set client_encoding = latin1",
    "set names 'utf8'",
    "set bytea_output = escape",
    "set extra_float_digits = -10",
    "set work_mem = '3MB'",
    "set standard_conforming_strings = off",
    "set default_transaction_read_only = on",
    "set default_transaction_isolation = 'serializable'",
    "set my.own = 'x'",
    "reset my.own",
    "set role pg_monitor",
    "reset role",
    "set nothing_of_the_kind = 1",
    "set timezone = 'nowhere'",
    "reset all",
    "select set_config('timezone', 'Asia/Kolkata', false)",
    "select set_config('timezone', 'Asia/Kolkata', true)",
    "select set_config('search_path', 's1', false)",
    "select set_config('my.own', 'y', false)",
    "discard all",
    "discard plans",
    "select * from settings()",
    "select * from settings()",
    "select * from settings()",
    "show timezone",
    "show search_path",
    "show all_of_it",
    "show application_name",
    "select current_setting('my.own', true), current_user, current_schema",
    "select id, v, pg_typeof(v) from t order by id limit 2",
    "select timestamptz '2024-03-01 12:00Z', date '2024-03-01', interval '1 day 2 hours', 0.1::float8 + 0.2, '\\x6162'::bytea, 'a\\b'",
    "select timestamptz '2024-03-01 12:00'",
];

/// What stays with its server.
const SESSION: &[&str] = &[
    "prepare a as select 'sql' || $1",
    "prepare c (int) as select $1 + 1",
    "execute c (4)",
    "execute a (4)",
    "deallocate a",
    "deallocate c",
    "deallocate all",
    "deallocate prepare b",
    "declare k cursor for select * from generate_series(1, 5)",
    "declare h cursor with hold for select * from generate_series(1, 5)",
    "fetch 2 from k",
    "fetch 2 from h",
    "move 1 in h",
    "close h",
    "close all",
    "create temp table mine as select 1 as one",
    "select * from mine",
    "insert into mine values (2)",
    "drop table if exists mine",
    "select nextval('q')",
    "select currval('q')",
    "select lastval()",
    "select setseed(0.5)",
    "select pg_advisory_lock(5)",
    "select pg_try_advisory_lock(5)",
    "select pg_advisory_unlock(5)",
    "select pg_advisory_unlock_all()",
    "select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()",
    "listen news",
    "unlisten *",
    "notify news, 'good'",
    "select pg_notify('news', 'better')",
    "select count(*) from pg_listening_channels()",
    "select name, statement from pg_prepared_statements where not from_sql and false",
];

/// Statements for the extended protocol.
const WITH_PARAMETERS: &[&str] = &[
    "select $1",
    "select $1::int + 1",
    "select $1::text, current_setting('timezone')",
    "select id, v from t where id = $1",
    "select * from t order by id",
    "select * from t order by id",
    "insert into t values ($1, $2)",
    "update t set v = $2 where id = $1 returning *",
    "delete from t where id = $1",
    "select $1::date, timestamptz '2024-03-01 12:00'",
    "select generate_series(1, $1::int)",
    "select 10 / ($1::int - 2)",
    "select $1::timestamptz, $2::interval",
    "select nothing($1)",
    "select v from t where v = $1 for update",
];

/// What startup packets say.
pub(crate) const STARTUPS: &[&[(&str, &str)]] = &[
    &[],
    &[],
    &[("application_name", "tester")],
    &[("TimeZone", "asia/tokyo")],
    &[("options", "-c search_path=s1 --DateStyle=German")],
    &[("search_path", "s2"), ("application_name", "ü")],
    &[("client_encoding", "latin1")],
    &[("extra_float_digits", "0"), ("datestyle", "ISO, DMY")],
    &[("timezone", "nowhere")],
    &[("nothing_of_the_kind", "1")],
    &[("options", "-c intervalstyle=iso_8601 -c my.own=startup")],
    &[("options", "-c default_transaction_read_only=on")],
];

impl Random {
    fn sql(&mut self) -> String {
        let list = match self.below(10) {
            0..=2 => PLAIN,
            3..=5 => TRANSACTIONS,
            6..=8 => PARAMETERS,
            _ => SESSION,
        };
        self.one_of(list).to_owned()
    }

    fn parse(&mut self) -> Step {
        let sql = match self.below(10) {
            0..=5 => self.one_of(WITH_PARAMETERS).to_owned(),
            _ => self.sql(),
        };
        let name = self.one_of(NAMES);
        Step::Parse { name, sql }
    }

    fn bind(&mut self) -> Step {
        let values = (0..self.one_of(&[0, 0, 1, 1, 1, 2]))
            .map(|_| self.one_of(VALUES))
            .collect();
        Step::Bind {
            portal: self.one_of(PORTALS),
            statement: self.one_of(NAMES),
            values,
            binary: self.below(5) == 0,
        }
    }

    fn execute(&mut self) -> Step {
        let rows = self.one_of(&[0, 0, 0, 1, 2]);
        Step::Execute(self.one_of(PORTALS), rows)
    }

    /// Parse, Bind, Describe and Execute that belong together, as drivers send them.
    fn statement(&mut self, script: &mut Vec<Step>) {
        let statement: &str = self.one_of(NAMES);
        let portal: &str = self.one_of(PORTALS);
        let extended = self.below(2) == 0;
        let sql = if extended {
            self.one_of(WITH_PARAMETERS).to_owned()
        } else {
            self.sql()
        };
        let count = if sql.contains("$2") {
            2
        } else {
            usize::from(sql.contains("$1"))
        };
        let values = (0..count).map(|_| self.one_of(VALUES)).collect();
        if !statement.is_empty() && self.below(2) == 0 {
            script.push(Step::Close('S', statement));
        }
        script.push(Step::Parse {
            name: statement,
            sql,
        });
        if self.below(3) == 0 {
            // As libpq's PQprepare: a Sync between preparing and binding.
            script.extend([Step::Describe('S', statement), Step::Sync, Step::Wait]);
            self.swap(script);
        }
        script.push(Step::Bind {
            portal,
            statement,
            values,
            binary: false,
        });
        if self.below(2) == 0 {
            script.push(Step::Describe('P', portal));
        }
        let rows = self.one_of(&[0, 0, 0, 2]);
        script.push(Step::Execute(portal, rows));
        if rows > 0 && self.below(2) == 0 {
            script.push(Step::Execute(portal, 0));
        }
    }

    fn swap(&mut self, script: &mut Vec<Step>) {
        if self.below(2) == 0 {
            script.push(Step::Swap(self.below(2)));
        }
    }

    fn part(&mut self, script: &mut Vec<Step>) {
        match self.below(40) {
            0..=15 => script.push(Step::Query(self.sql())),
            16..=25 => self.statement(script),
            26 | 27 => script.push(self.parse()),
            28..=30 => script.push(self.bind()),
            31 => script.push(Step::Describe(self.one_of(&['S', 'P']), self.one_of(NAMES))),
            32..=34 => script.push(self.execute()),
            35 => script.push(Step::Close(self.one_of(&['S', 'P']), self.one_of(NAMES))),
            36 => script.push(Step::Flush),
            37 => script.push(Step::Copy {
                sql: self.one_of(&["copy t from stdin", "copy t (v, id) from stdin"]),
                data: self.one_of(&["", "11\televen\n12\ttwelve\n", "13\tx\nrubbish\n"]),
                done: self.below(4) > 0,
                extended: self.below(2) == 0,
            }),
            _ => script.push(Step::Sync),
        }
        match self.below(6) {
            0 => script.extend([Step::Flush, Step::Wait]),
            1 | 2 => script.extend([Step::Sync, Step::Wait]),
            3 => script.push(Step::Wait),
            _ => {}
        }
        self.swap(script);
    }

    /// A script of so many parts.
    pub(crate) fn script(&mut self, parts: usize) -> Vec<Step> {
        let mut script = vec![];
        for _ in 0..parts {
            self.part(&mut script);
        }
        script
    }
}

impl Step {
    /// Appends its messages, and says what each is answered with.
    pub(crate) fn encode(&self, out: &mut BytesMut) -> Vec<Awaited> {
        const PARSED: Awaited = Awaited::Last(b"1");
        const BOUND: Awaited = Awaited::Last(b"2");
        const EXECUTED: Awaited = Awaited::Last(b"CIs");
        match self {
            Self::Query(sql) => {
                encode::query(sql.as_bytes(), out);
                vec![Awaited::Query]
            }
            Self::Parse { name, sql } => {
                parse(name, sql, out);
                vec![PARSED]
            }
            Self::Bind {
                portal,
                statement,
                values,
                binary,
            } => {
                bind(portal, statement, values, *binary, out);
                vec![BOUND]
            }
            Self::Describe(kind, name) => {
                named(b'D', *kind, name, out);
                vec![Awaited::Last(b"Tn")]
            }
            Self::Execute(portal, rows) => {
                execute(portal, *rows, out);
                vec![EXECUTED]
            }
            Self::Close(kind, name) => {
                named(b'C', *kind, name, out);
                vec![Awaited::Last(b"3")]
            }
            Self::Flush => {
                encode::frame(b'H', out, |_| {});
                vec![]
            }
            Self::Sync => {
                encode::sync(out);
                vec![Awaited::Sync]
            }
            Self::Copy {
                sql,
                data,
                done,
                extended,
            } => {
                if *extended {
                    parse("", sql, out);
                    bind("", "", &[], false, out);
                    execute("", 0, out);
                } else {
                    encode::query(sql.as_bytes(), out);
                }
                encode::frame(b'd', out, |b| b.extend_from_slice(data.as_bytes()));
                if *done {
                    encode::frame(b'c', out, |_| {});
                } else {
                    encode::frame(b'f', out, |b| encode::cstr(b"changed my mind", b));
                }
                if *extended {
                    encode::sync(out);
                    vec![PARSED, BOUND, EXECUTED, Awaited::Sync]
                } else {
                    vec![Awaited::Query]
                }
            }
            Self::Wait | Self::Swap(_) => vec![],
        }
    }

    /// Whether the server sends its answers after it.
    pub(crate) fn flushes(&self) -> bool {
        matches!(
            self,
            Self::Query(_) | Self::Flush | Self::Sync | Self::Copy { .. }
        )
    }
}

pub(crate) fn parse(name: &str, sql: &str, out: &mut BytesMut) {
    encode::frame(b'P', out, |b| {
        encode::cstr(name.as_bytes(), b);
        encode::cstr(sql.as_bytes(), b);
        b.extend_from_slice(&[0, 0]);
    });
}

pub(crate) fn bind(
    portal: &str,
    statement: &str,
    values: &[Option<&str>],
    binary: bool,
    out: &mut BytesMut,
) {
    encode::frame(b'B', out, |b| {
        encode::cstr(portal.as_bytes(), b);
        encode::cstr(statement.as_bytes(), b);
        b.extend_from_slice(&[0, 0]);
        b.extend_from_slice(&u16::try_from(values.len()).unwrap().to_be_bytes());
        for value in values {
            if let Some(value) = value {
                b.extend_from_slice(&u32::try_from(value.len()).unwrap().to_be_bytes());
                b.extend_from_slice(value.as_bytes());
            } else {
                b.extend_from_slice(&(-1_i32).to_be_bytes());
            }
        }
        if binary {
            b.extend_from_slice(&[0, 1, 0, 1]);
        } else {
            b.extend_from_slice(&[0, 0]);
        }
    });
}

pub(crate) fn execute(portal: &str, rows: i32, out: &mut BytesMut) {
    encode::frame(b'E', out, |b| {
        encode::cstr(portal.as_bytes(), b);
        b.extend_from_slice(&rows.to_be_bytes());
    });
}

/// Describe or Close.
pub(crate) fn named(tag: u8, kind: char, name: &str, out: &mut BytesMut) {
    encode::frame(tag, out, |b| {
        b.extend_from_slice(&[u8::try_from(kind).unwrap()]);
        encode::cstr(name.as_bytes(), b);
    });
}
