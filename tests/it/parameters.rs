//! The parameters of a session that the proxy keeps, compared with those of a PostgreSQL: the same
//! statements are run there, and in a session whose parameters are kept outside of it.

use dsql_proxy::compat::parameters::{Block, Emulated, Outcome, TransactionEnd};
use dsql_proxy::compat::{Plan, Policy, Unsupported};
use dsql_proxy::sql::{self, StatementKind};
use dsql_proxy::wire::{ErrorFields, ErrorResponse};
use tokio::net::TcpStream;

use crate::support::postgres::Postgres;
use crate::support::raw::{Message, RawClient, ends, error};

/// A role that is no superuser, at the isolation level that DSQL has.
const ROLE: &str = "create role plain login; alter role plain set default_transaction_isolation = \
                    'repeatable read'";

/// A session whose parameters are kept by [`Emulated`], with the server behind it.
struct Kept {
    server: RawClient,
    policy: Policy,
    emulated: Emulated,
    block: Block,
    failed: bool,
    /// The BEGIN that the server has not seen yet.
    begin: Option<String>,
}

async fn connect(postgres: &Postgres, startup: &[(&str, &str)]) -> RawClient {
    let stream = TcpStream::connect(&postgres.address).await.unwrap();
    let mut client = RawClient::new(stream);
    let mut parameters = vec![("user", "plain"), ("database", "postgres")];
    parameters.extend(startup);
    let answer = client.start_with(&parameters).await;
    assert_eq!(error(&answer), None);
    client
}

impl Kept {
    async fn new(postgres: &Postgres, startup: &[(&str, &str)]) -> Self {
        let policy = Policy {
            unsupported: Unsupported::Emulate,
            ..Policy::default()
        };
        let kept: Vec<_> = startup
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Self {
            server: connect(postgres, &[]).await,
            emulated: Emulated::start(policy.clone(), &kept).unwrap(),
            policy,
            block: Block::None,
            failed: false,
            begin: None,
        }
    }

    fn end(&mut self, how: TransactionEnd) {
        self.emulated.ended(how);
        self.block = Block::None;
        self.failed = false;
        self.begin = None;
    }

    /// The server's answer; its BEGIN goes first.
    async fn server(&mut self, sql: &str) -> Vec<String> {
        if let Some(begin) = self.begin.take() {
            let begin = self.emulated.begin_text(begin.as_bytes()).into_owned();
            let begin = String::from_utf8(begin).unwrap();
            let answer = self.server.query(&begin).await;
            assert_eq!(ends(&answer), b'T', "{begin}");
            self.block = Block::Sent;
        }
        let answer = self.server.query(sql).await;
        self.failed = ends(&answer) == b'E';
        if self.block == Block::None {
            self.autocommitted(error(&answer).is_some());
        }
        shown(&answer)
    }

    fn autocommitted(&mut self, failed: bool) {
        self.emulated.ended(if failed {
            TransactionEnd::RolledBack
        } else {
            TransactionEnd::Committed
        });
    }

    fn status(&self) -> String {
        let status = match (self.failed, self.block) {
            (true, _) => 'E',
            (false, Block::None) => 'I',
            (false, _) => 'T',
        };
        format!("Z {status}")
    }

    /// Runs a statement; nothing for one that makes no sense here.
    async fn run(&mut self, sql: &str) -> Option<Vec<String>> {
        let kind = sql::kind(sql.as_bytes());
        let in_block = self.block != Block::None;
        match kind {
            StatementKind::Begin if in_block => return None,
            StatementKind::Begin => {
                self.block = Block::Unsent;
                self.emulated.begin(sql.as_bytes());
                self.begin = Some(sql.to_owned());
                return Some(vec!["C BEGIN".to_owned(), self.status()]);
            }
            StatementKind::Commit | StatementKind::Rollback if !in_block => return None,
            StatementKind::Commit | StatementKind::Rollback => {
                let committed = kind == StatementKind::Commit && !self.failed;
                let answer = self.server(sql).await;
                self.end(if committed {
                    TransactionEnd::Committed
                } else {
                    TransactionEnd::RolledBack
                });
                return Some(answer);
            }
            _ if self.failed => return Some(self.server(sql).await),
            _ => {}
        }
        // There it is a query of its own transaction, which is gone when it is answered.
        if !in_block && sql.contains("set_config('transaction_") {
            return None;
        }
        let answer = self.statement(sql, kind).await;
        if in_block && kind == StatementKind::Select {
            self.block = Block::Queried;
        }
        answer
    }

    async fn statement(&mut self, sql: &str, kind: StatementKind) -> Option<Vec<String>> {
        let ask = match self.policy.statement(sql.as_bytes()) {
            Plan::Forward => return Some(self.server(sql).await),
            Plan::Refuse(refusal) => panic!("{sql}: {refusal:?}"),
            Plan::Answer(ask) => ask,
        };
        if kind == StatementKind::Select && self.begin.is_some() {
            // A SELECT is a query wherever it is answered.
            self.server("select 1").await;
        }
        match self.emulated.answer(&ask, &[], self.block) {
            // What the server cannot change any more is a question for DSQL, not for PostgreSQL.
            Outcome::Forward if kind == StatementKind::Set => None,
            Outcome::Forward => Some(self.server(sql).await),
            Outcome::Rewritten(text) => {
                let text = String::from_utf8(text).unwrap();
                Some(self.server(&text).await)
            }
            Outcome::Failed(failed) => {
                let mut said: Vec<_> = failed.warning.iter().map(|w| response("N", w)).collect();
                if !failed.columns.is_empty() {
                    said.push(format!("T {}", failed.columns.join(" | ")));
                }
                said.push(response("E", &failed.error));
                if self.block == Block::None {
                    self.autocommitted(true);
                } else {
                    self.server("select 1/0").await;
                    assert!(self.failed);
                }
                said.push(self.status());
                Some(said)
            }
            Outcome::Answered(answer) => {
                let mut said: Vec<_> = answer.warning.iter().map(|w| response("N", w)).collect();
                if !answer.columns.is_empty() {
                    said.push(format!("T {}", answer.columns.join(" | ")));
                }
                for row in answer.rows {
                    let cells: Vec<_> = row
                        .into_iter()
                        .map(|cell| cell.unwrap_or_else(|| "NULL".to_owned()))
                        .collect();
                    said.push(format!("D {}", cells.join(" | ")));
                }
                said.push(format!("C {}", answer.tag));
                if self.block == Block::None {
                    self.autocommitted(false);
                }
                said.push(self.status());
                Some(said)
            }
        }
    }
}

fn response(tag: &str, response: &ErrorResponse) -> String {
    format!(
        "{tag} {} {}: {} / {} / {}",
        response.severity.as_str(),
        response.sqlstate.as_str(),
        response.message,
        response.detail.as_deref().unwrap_or_default(),
        response.hint.as_deref().unwrap_or_default()
    )
}

/// The messages as text: what a client sees of them, except for reported parameters, and for what
/// a server says of its own work at the levels for that.
fn shown(messages: &[Message]) -> Vec<String> {
    messages
        .iter()
        .filter(|(tag, body)| match tag {
            b'S' => false,
            b'N' => {
                let severity = ErrorFields::read(body).unwrap().field(b'V');
                !matches!(severity, Some(b"DEBUG" | b"LOG"))
            }
            _ => true,
        })
        .map(|(tag, body)| match tag {
            b'T' => format!("T {}", columns(body).join(" | ")),
            b'D' => format!("D {}", cells(body).join(" | ")),
            b'C' => format!("C {}", String::from_utf8_lossy(&body[..body.len() - 1])),
            b'E' | b'N' => {
                let fields = ErrorFields::read(body).unwrap();
                let text = |code| {
                    String::from_utf8_lossy(fields.field(code).unwrap_or_default()).into_owned()
                };
                format!(
                    "{} {} {}: {} / {} / {}",
                    char::from(*tag),
                    text(b'V'),
                    text(b'C'),
                    as_in_16(&text(b'M')),
                    text(b'D'),
                    text(b'H')
                )
            }
            b'Z' => format!("Z {}", char::from(body[0])),
            tag => panic!("{}", char::from(*tag)),
        })
        .collect()
}

/// Since 17, the ends of a range have units.
fn as_in_16(message: &str) -> String {
    match message.split_once(" is outside the valid range for parameter ") {
        Some((value, range)) => {
            let mut range = range.to_owned();
            for unit in [" ms", " kB", " 8kB"] {
                range = range.replace(unit, "");
            }
            format!("{value} is outside the valid range for parameter {range}")
        }
        None => message.to_owned(),
    }
}

fn columns(body: &[u8]) -> Vec<String> {
    let mut rest = &body[2..];
    let mut names = Vec::new();
    while let Some(end) = rest.iter().position(|b| *b == 0) {
        names.push(String::from_utf8_lossy(&rest[..end]).into_owned());
        rest = &rest[end + 19..];
    }
    names
}

fn cells(body: &[u8]) -> Vec<String> {
    let mut rest = &body[2..];
    let mut cells = Vec::new();
    while !rest.is_empty() {
        let (length, behind) = rest.split_at(4);
        let length = i32::from_be_bytes(length.try_into().unwrap());
        let length = usize::try_from(length).ok();
        let text = length.map_or("NULL".into(), |n| String::from_utf8_lossy(&behind[..n]));
        cells.push(text.into_owned());
        rest = &behind[length.unwrap_or(0)..];
    }
    cells
}

/// A generator of numbers that is the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end).unwrap()).unwrap()
    }

    fn of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }
}

/// Long enough not to come true.
#[rustfmt::skip]
const TIMES: &[&str] = &[
    "0", "300000", "'2min'", "'90.5s'", "100000.6", "-1", "'5 x'", "abc", "'24h'",
    "'99999999999'", "'0x75300'", "'01000000'", "' 70 s '", "1, 2", "on", "''", "'1e5'", "'.5h'",
    "'25d'", "'08'",
];

/// For a parameter that does nothing here.
#[rustfmt::skip]
const SHORT_TIMES: &[&str] = &[
    "1.6", "'0x10'", "'010'", "'100us'", "'1.5s'", "'1.00001min'", "' 7 s '", "0.5", "1.5", "'1e3'",
];

const SWITCHES: &[&str] = &[
    "on", "off", "true", "'F'", "'ye'", "0", "maybe", "'o'", "1, 0",
];

const LEVELS: &[&str] = &[
    "'read committed'",
    "'Repeatable Read'",
    "\"read uncommitted\"",
    "chaos",
    "''",
];

/// Parameters, and what they are set to.
const PARAMETERS: &[(&str, &[&str])] = &[
    (
        "client_min_messages",
        &[
            "warning", "ERROR", "debug", "'Log'", "debug5", "info", "loud", "notice",
        ],
    ),
    ("statement_timeout", TIMES),
    ("lock_timeout", TIMES),
    ("client_connection_check_interval", SHORT_TIMES),
    ("idle_in_transaction_session_timeout", TIMES),
    ("idle_session_timeout", &["0", "'1d'", "'90min'", "-5", "x"]),
    ("default_transaction_isolation", LEVELS),
    ("default_transaction_read_only", SWITCHES),
    ("default_transaction_deferrable", SWITCHES),
    ("jit", SWITCHES),
    (
        "work_mem",
        &["64", "'1GB'", "'1'", "'5 ms'", "'1.5MB'", "4096"],
    ),
    ("temp_buffers", &["'16MB'", "100", "'1000kB'", "1"]),
    ("bytea_output", &["hex", "ESCAPE", "octal"]),
    (
        "synchronous_commit",
        &["on", "off", "yes", "local", "0", "sometimes"],
    ),
    (
        "vacuum_cost_delay",
        &["'1.5ms'", "0", "2", "101", "'10us'", "x"],
    ),
    (
        "cursor_tuple_fraction",
        &["0.3333333333", "1", "1.1", "1e-5", "'x'"],
    ),
    ("random_page_cost", &["4", "1e10", "-1", "123456.789"]),
    ("geqo_threshold", &["12", "1", "'12 s'", "007"]),
    ("xmloption", &["content", "'DOCUMENT'", "x"]),
    ("my.app", &["1", "'it''s'", "a, b", "''"]),
    ("\"My.Other\"", &["'x'", "E'a\\nb'"]),
    ("\"a b.c\"", &["1"]),
    ("no_such_parameter", &["1"]),
    ("search_path", &["a, b", "''"]),
    ("fsync", &["off"]),
    ("shared_buffers", &["'1GB'"]),
    ("server_version", &["'17'"]),
    ("ignore_system_indexes", &["on"]),
];

const MODES: &[&str] = &[
    "READ ONLY",
    "READ WRITE",
    "ISOLATION LEVEL READ COMMITTED",
    "ISOLATION LEVEL REPEATABLE READ, READ ONLY",
    "ISOLATION LEVEL READ UNCOMMITTED READ WRITE",
    "NOT DEFERRABLE",
    "DEFERRABLE",
];

const OF_TRANSACTION: &[(&str, &[&str])] = &[
    ("transaction_isolation", LEVELS),
    ("transaction_read_only", SWITCHES),
];

fn statement(dice: &mut Dice) -> String {
    let list = if dice.below(8) == 0 {
        OF_TRANSACTION
    } else {
        PARAMETERS
    };
    let (name, values) = list[dice.below(list.len())];
    let value = dice.of(values);
    let constant = |text: &str| format!("'{}'", text.trim_matches(['\'', '"']).replace('\'', ""));
    let plain = name.trim_matches('"');
    match dice.below(22) {
        0..5 => {
            let scope = dice.of(&["", "", "SESSION ", "LOCAL ", "LOCAL "]);
            let sign = dice.of(&["=", "TO"]);
            format!("SET {scope}{name} {sign} {value}")
        }
        5 => format!("SET {}{name} TO DEFAULT", dice.of(&["", "LOCAL "])),
        6 => format!("SET {name} FROM CURRENT"),
        7 => format!("RESET {name}"),
        8 => dice
            .of(&["RESET ALL", "SELECT 1", "SELECT 1", "SELECT 1/0"])
            .to_owned(),
        9..12 => format!("SHOW {name}"),
        12..14 => {
            let modes = dice.of(MODES);
            dice.of(&["BEGIN", "BEGIN", "BEGIN "])
                .replace(' ', &format!(" {modes}"))
        }
        14..16 => dice.of(&["COMMIT", "ROLLBACK", "END"]).to_owned(),
        16 => format!(
            "SELECT set_config('{plain}', {}, {}) AS x",
            constant(value),
            dice.of(&["true", "false"])
        ),
        17 => format!(
            "SELECT current_setting('{plain}', {})",
            dice.of(&["true", "false"])
        ),
        18 => format!(
            "SELECT current_setting('{plain}', true), set_config('jit', 'off', true), \
             set_config('search_path', 'it''s', true)"
        ),
        19 => format!("SET TRANSACTION {}", dice.of(MODES)),
        20 => format!(
            "SET SESSION CHARACTERISTICS AS TRANSACTION {}",
            dice.of(MODES)
        ),
        _ => "SHOW TRANSACTION ISOLATION LEVEL".to_owned(),
    }
}

/// What is not the same in every version of PostgreSQL, or is ours alone.
fn is_left_out(sql: &str, version: u32) -> bool {
    let resets = sql.starts_with("RESET transaction_") || sql.contains("TO DEFAULT");
    // Since 16 it cannot be done.
    version < 16 && resets && sql.contains("transaction_")
}

#[tokio::test]
async fn statements_that_nobody_thought_of() {
    let postgres = Postgres::start();
    let stream = TcpStream::connect(&postgres.address).await.unwrap();
    let mut owner = RawClient::new(stream);
    owner.start("bench").await.unwrap();
    assert_eq!(error(&owner.query(ROLE).await), None);
    let version = owner.query("show server_version_num").await;
    let version = crate::support::raw::values(&version)[0]
        .parse::<u32>()
        .unwrap()
        / 10_000;

    let mut answered = 0;
    for seed in 1..=60 {
        let startup: &[(&str, &str)] = match seed % 3 {
            0 => &[],
            1 => &[("statement_timeout", "5s"), ("my.app", "mine")],
            _ => &[("Client_Min_Messages", "WARNING"), ("jit", "0")],
        };
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15 ^ (seed << 20));
        let mut original = connect(&postgres, startup).await;
        let mut kept = Kept::new(&postgres, startup).await;
        let mut history = Vec::new();
        for _ in 0..60 {
            let sql = statement(&mut dice);
            if is_left_out(&sql, version) {
                continue;
            }
            let Some(found) = kept.run(&sql).await else {
                continue;
            };
            let expected = shown(&original.query(&sql).await);
            history.push(sql);
            assert_eq!(found, expected, "seed {seed}: {history:#?}");
            answered += 1;
        }
    }
    assert!(answered > 2_000, "{answered}");
}
