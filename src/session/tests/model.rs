//! A small model of a PostgreSQL server: the rules of its protocol, and a language of a few
//! statements.
//!
//! | statement | what it does |
//! |---|---|
//! | `begin`, `commit`, `rollback` | as in SQL |
//! | `select X` | a row with the text `X`; `select a; select b` are two statements |
//! | `rows N` | a statement that returns N rows, for suspended portals (spelled `select rows N`) |
//! | `select fail()` | fails when it runs |
//! | `selekt` | is no statement at all |
//! | `insert into t values (X)` | adds X to the common table when its transaction commits |
//! | `set [local] P to 'V'`, `reset P`, `show P` | parameters |
//! | `copy t from stdin` | reads data |
//! | `deallocate X` | drops a prepared statement |

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use bytes::{Bytes, BytesMut};

use super::notation::{columns, row, take};
use crate::session::settings::READ_BACK;
use crate::wire::backend::{self, TransactionStatus};
use crate::wire::frontend::{self, Bind, Execute, Parse, Target};
use crate::wire::{ErrorResponse, Severity, SqlState, encode};

/// What all servers of a cluster have in common: what has been committed.
pub(super) type Table = Rc<RefCell<Vec<String>>>;

/// Parameters that are reported, with their defaults.
const REPORTED: &[(&str, &str)] = &[("TimeZone", "UTC"), ("application_name", "")];

/// One server connection.
pub(super) struct Server {
    pub(super) input: BytesMut,
    /// What it has sent.
    pub(super) output: BytesMut,
    /// What it will send at its next flush.
    buffer: BytesMut,
    table: Table,
    /// Every reply leaves at once.
    pub(super) eager: bool,
    state: State,
    /// The transaction that is open, implicit or not.
    transaction: Option<Transaction>,
    /// A transaction block, and whether it has failed.
    block: Option<bool>,
    skipping: bool,
    copying: Option<Copying>,
    statements: HashMap<Bytes, String>,
    portals: HashMap<Bytes, Portal>,
    reported: BTreeMap<String, String>,
}

#[derive(Clone, Default)]
struct State {
    /// What a client brought: what RESET goes back to.
    defaults: BTreeMap<String, String>,
    /// What has been set.
    set: BTreeMap<String, String>,
    /// Until the end of the transaction.
    local: BTreeMap<String, String>,
}

#[derive(Default)]
struct Transaction {
    inserted: Vec<String>,
    before: BTreeMap<String, String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Copying {
    Query,
    Execute,
}

#[derive(Clone)]
struct Portal {
    sql: String,
    /// Rows that it has returned.
    returned: usize,
    done: bool,
}

/// What a statement answers.
enum Answer {
    Rows(Vec<String>),
    Tag(&'static str),
    Copy,
}

type Result<T> = std::result::Result<T, ErrorResponse>;

fn error(code: &str, message: impl Into<String>) -> ErrorResponse {
    ErrorResponse::error(SqlState::parse(code.as_bytes()).unwrap(), message)
}

fn aborted() -> ErrorResponse {
    error(
        "25P02",
        "current transaction is aborted, commands ignored until end of transaction block",
    )
}

impl Server {
    /// A connection whose client brought these parameters.
    pub(super) fn new(table: &Table, brought: &[(&str, &str)], eager: bool) -> Self {
        let mut server = Self {
            input: BytesMut::new(),
            output: BytesMut::new(),
            buffer: BytesMut::new(),
            table: Rc::clone(table),
            eager,
            state: State::default(),
            transaction: None,
            block: None,
            skipping: false,
            copying: None,
            statements: HashMap::new(),
            portals: HashMap::new(),
            reported: BTreeMap::new(),
        };
        for (name, value) in brought {
            let name = name.to_ascii_lowercase();
            server.state.defaults.insert(name, (*value).to_owned());
        }
        server.reported = server.reports();
        server
    }

    /// What it has reported of its parameters.
    pub(super) fn reported(&self) -> &BTreeMap<String, String> {
        &self.reported
    }

    /// True if it has nothing to do and nothing to say, and no transaction is open.
    pub(super) fn is_at_rest(&self) -> bool {
        self.input.is_empty()
            && self.output.is_empty()
            && self.buffer.is_empty()
            && self.transaction.is_none()
            && self.block.is_none()
            && !self.skipping
            && self.copying.is_none()
    }

    /// Does what the message at the front of its input says. False if there is none.
    pub(super) fn step(&mut self) -> bool {
        if self.input.len() < 5 {
            return false;
        }
        let (tag, body) = take(&mut self.input).unwrap();
        self.message(tag, &body);
        if self.eager {
            self.flush();
        }
        true
    }

    fn flush(&mut self) {
        let buffer = self.buffer.split();
        self.output.extend_from_slice(&buffer);
    }

    fn message(&mut self, tag: u8, body: &[u8]) {
        if let Some(copying) = self.copying {
            return self.copy(copying, tag);
        }
        if self.skipping && tag != frontend::SYNC {
            return;
        }
        let done = match tag {
            frontend::QUERY => {
                let result = self.query(&text(frontend::query(body).unwrap()));
                if let Err(error) = result {
                    self.fails(&error);
                }
                if self.copying.is_none() {
                    self.ready();
                }
                return;
            }
            frontend::PARSE => self.parse(&Parse::read(body).unwrap()),
            frontend::BIND => self.bind(&Bind::read(body).unwrap()),
            frontend::DESCRIBE => self.describe(Target::read(body).unwrap()),
            frontend::EXECUTE => self.execute(Execute::read(body).unwrap()),
            frontend::CLOSE => {
                match Target::read(body).unwrap() {
                    Target::Statement(name) => drop(self.statements.remove(name)),
                    Target::Portal(name) => drop(self.portals.remove(name)),
                }
                self.say(backend::CLOSE_COMPLETE);
                Ok(())
            }
            frontend::SYNC => {
                self.skipping = false;
                self.ready();
                return;
            }
            frontend::FLUSH => {
                self.flush();
                Ok(())
            }
            // Left over from a copy that has failed.
            frontend::COPY_DATA | frontend::COPY_DONE | frontend::COPY_FAIL => Ok(()),
            _ => panic!("message {tag}"),
        };
        if let Err(error) = done {
            self.fails(&error);
            self.skipping = true;
        }
    }

    fn say(&mut self, tag: u8) {
        encode::frame(tag, &mut self.buffer, |_| {});
    }

    fn fails(&mut self, error: &ErrorResponse) {
        error.encode(&mut self.buffer);
        self.flush();
        self.abort();
        if let Some(failed) = &mut self.block {
            *failed = true;
        }
    }

    fn ready(&mut self) {
        if self.block.is_none() {
            self.commit();
        }
        for (name, value) in self.reports() {
            if self.reported.get(&name) != Some(&value) {
                encode::parameter_status(&name, &value, &mut self.buffer);
            }
        }
        self.reported = self.reports();
        let status = match self.block {
            None => TransactionStatus::Idle,
            Some(false) => TransactionStatus::InTransaction,
            Some(true) => TransactionStatus::Failed,
        };
        encode::ready_for_query(status, &mut self.buffer);
        self.flush();
    }

    fn reports(&self) -> BTreeMap<String, String> {
        REPORTED
            .iter()
            .map(|(name, _)| ((*name).to_owned(), self.show(name)))
            .collect()
    }

    fn show(&self, name: &str) -> String {
        let name = name.to_ascii_lowercase();
        let state = &self.state;
        let default = REPORTED.iter().find(|(n, _)| n.to_lowercase() == name);
        [&state.local, &state.set, &state.defaults]
            .iter()
            .find_map(|values| values.get(&name).cloned())
            .unwrap_or_else(|| default.map_or("0", |(_, value)| *value).to_owned())
    }

    fn start(&mut self) {
        if self.transaction.is_none() {
            self.transaction = Some(Transaction {
                inserted: Vec::new(),
                before: self.state.set.clone(),
            });
        }
    }

    fn commit(&mut self) {
        if let Some(transaction) = self.transaction.take() {
            self.table.borrow_mut().extend(transaction.inserted);
        }
        self.state.local.clear();
        self.portals.clear();
    }

    fn abort(&mut self) {
        if let Some(transaction) = self.transaction.take() {
            self.state.set = transaction.before;
        }
        self.state.local.clear();
        self.portals.clear();
    }

    fn failed(&self) -> bool {
        self.block == Some(true)
    }

    fn query(&mut self, sql: &str) -> Result<()> {
        self.statements.remove(&b""[..]);
        self.portals.remove(&b""[..]);
        let statements: Vec<&str> = sql
            .split(';')
            .map(str::trim)
            .filter(|sql| !sql.is_empty())
            .collect();
        if statements.is_empty() {
            self.say(backend::EMPTY_QUERY_RESPONSE);
        }
        for sql in &statements {
            check(sql)?;
        }
        for sql in statements {
            self.may_run(sql)?;
            analyse(sql)?;
            self.start();
            match self.run(sql)? {
                Answer::Rows(rows) => {
                    columns(&["a"], &mut self.buffer);
                    self.rows(&rows);
                    encode::command_complete(&format!("SELECT {}", rows.len()), &mut self.buffer);
                }
                Answer::Tag(tag) => encode::command_complete(tag, &mut self.buffer),
                Answer::Copy => {
                    self.copying = Some(Copying::Query);
                    self.say(backend::COPY_IN_RESPONSE);
                    self.flush();
                }
            }
        }
        Ok(())
    }

    fn rows(&mut self, rows: &[String]) {
        for value in rows {
            let values: Vec<_> = value.split('=').collect();
            row(&values, &mut self.buffer);
        }
    }

    fn may_run(&self, sql: &str) -> Result<()> {
        if self.failed() && !ends(sql) {
            return Err(aborted());
        }
        Ok(())
    }

    fn parse(&mut self, parse: &Parse<'_>) -> Result<()> {
        let sql = text(parse.sql);
        if parse.name.is_empty() {
            self.statements.remove(parse.name);
        }
        check(&sql)?;
        self.may_run(&sql)?;
        analyse(&sql)?;
        if !self.failed() {
            self.start();
        }
        let name = Bytes::copy_from_slice(parse.name);
        if !name.is_empty() && self.statements.contains_key(&name) {
            let name = text(&name);
            let message = format!("prepared statement \"{name}\" already exists");
            return Err(error("42P05", message).routine("StorePreparedStatement"));
        }
        self.statements.insert(name, sql);
        self.say(backend::PARSE_COMPLETE);
        Ok(())
    }

    fn statement(&self, name: &[u8]) -> Result<String> {
        self.statements.get(name).cloned().ok_or_else(|| {
            let message = if name.is_empty() {
                "unnamed prepared statement does not exist".to_owned()
            } else {
                format!("prepared statement \"{}\" does not exist", text(name))
            };
            error("26000", message)
        })
    }

    fn bind(&mut self, bind: &Bind<'_>) -> Result<()> {
        let sql = self.statement(bind.statement)?;
        self.may_run(&sql)?;
        let name = Bytes::copy_from_slice(bind.portal);
        if !name.is_empty() && self.portals.contains_key(&name) {
            let message = format!("cursor \"{}\" already exists", text(&name));
            return Err(error("42P03", message));
        }
        if !self.failed() {
            self.start();
        }
        let portal = Portal {
            sql,
            returned: 0,
            done: false,
        };
        self.portals.insert(name, portal);
        self.say(backend::BIND_COMPLETE);
        Ok(())
    }

    fn portal(&self, name: &[u8]) -> Result<Portal> {
        let portal = self.portals.get(name).cloned();
        portal.ok_or_else(|| {
            let message = format!("portal \"{}\" does not exist", text(name));
            error("34000", message)
        })
    }

    fn describe(&mut self, target: Target<'_>) -> Result<()> {
        let sql = match target {
            Target::Statement(name) => self.statement(name)?,
            Target::Portal(name) => self.portal(name)?.sql,
        };
        let returns = sql.starts_with("select") || sql.starts_with("show");
        // PostgreSQL goes on to describe what returns no rows; a session may have to prepare it
        // first, which fails.
        if self.failed() && !ends(&sql) {
            return Err(aborted());
        }
        if let Target::Statement(_) = target {
            encode::frame(backend::PARAMETER_DESCRIPTION, &mut self.buffer, |body| {
                body.extend_from_slice(&[0, 0]);
            });
        }
        if returns {
            columns(&["a"], &mut self.buffer);
        } else {
            self.say(backend::NO_DATA);
        }
        Ok(())
    }

    fn execute(&mut self, execute: Execute<'_>) -> Result<()> {
        let mut portal = self.portal(execute.portal)?;
        self.may_run(&portal.sql)?;
        if portal.sql.is_empty() {
            self.say(backend::EMPTY_QUERY_RESPONSE);
            return Ok(());
        }
        let is_rows = portal.sql.starts_with("select") || portal.sql.starts_with("show");
        if portal.done && !is_rows {
            let message = format!("portal \"{}\" cannot be run", text(execute.portal));
            return Err(error("55000", message));
        }
        if !self.failed() {
            self.start();
        }
        portal.done = true;
        match self.run(&portal.sql)? {
            Answer::Rows(rows) => {
                let left = &rows[portal.returned.min(rows.len())..];
                let limit = usize::try_from(execute.max_rows).unwrap_or(0);
                let count = if limit == 0 {
                    left.len()
                } else {
                    left.len().min(limit)
                };
                self.rows(&left[..count]);
                portal.returned += count;
                // PostgreSQL says so when it has returned as many as it was asked for.
                if limit > 0 && count == limit {
                    self.say(backend::PORTAL_SUSPENDED);
                } else {
                    encode::command_complete(&format!("SELECT {count}"), &mut self.buffer);
                }
                if let Some(kept) = self.portals.get_mut(execute.portal) {
                    *kept = portal;
                }
            }
            Answer::Tag(tag) => {
                encode::command_complete(tag, &mut self.buffer);
                if let Some(kept) = self.portals.get_mut(execute.portal) {
                    *kept = portal;
                }
            }
            Answer::Copy => {
                self.copying = Some(Copying::Execute);
                self.say(backend::COPY_IN_RESPONSE);
                self.flush();
            }
        }
        Ok(())
    }

    fn copy(&mut self, copying: Copying, tag: u8) {
        let result = match tag {
            frontend::COPY_DATA | frontend::FLUSH | frontend::SYNC => return,
            frontend::COPY_DONE => Ok(()),
            frontend::COPY_FAIL => Err(error("57014", "COPY from stdin failed")),
            _ => Err(error("08P01", "unexpected message type during COPY")),
        };
        self.copying = None;
        match &result {
            Ok(()) => encode::command_complete("COPY 0", &mut self.buffer),
            Err(error) => self.fails(error),
        }
        match copying {
            Copying::Query => self.ready(),
            Copying::Execute => self.skipping = result.is_err(),
        }
    }

    fn run(&mut self, sql: &str) -> Result<Answer> {
        let words: Vec<&str> = sql.split_whitespace().collect();
        Ok(match words[..] {
            ["begin" | "BEGIN", ..] => {
                if self.block.is_some() {
                    self.warn("25001", "there is already a transaction in progress");
                } else {
                    self.block = Some(false);
                }
                Answer::Tag("BEGIN")
            }
            ["commit"] if self.failed() => {
                self.block = None;
                Answer::Tag("ROLLBACK")
            }
            ["commit"] => {
                if self.block.take().is_none() {
                    self.warn("25P01", "there is no transaction in progress");
                }
                self.commit();
                Answer::Tag("COMMIT")
            }
            ["rollback"] => {
                if self.block.take().is_none() {
                    self.warn("25P01", "there is no transaction in progress");
                }
                self.abort();
                Answer::Tag("ROLLBACK")
            }
            ["select", "fail()"] => return Err(error("22012", "division by zero")),
            ["select", "rows", count] => {
                let count: usize = count.parse().unwrap();
                Answer::Rows((0..count).map(|n| n.to_string()).collect())
            }
            _ if sql.as_bytes() == READ_BACK => {
                let set = self.state.set.iter().chain(&self.state.local);
                let all: BTreeMap<_, _> = set.collect();
                let rows = all.iter().map(|(name, value)| format!("{name}={value}"));
                Answer::Rows(rows.collect())
            }
            ["select", text] => Answer::Rows(vec![text.to_owned()]),
            ["insert", .., value] => {
                let transaction = self.transaction.as_mut().unwrap();
                transaction.inserted.push(value.to_owned());
                Answer::Tag("INSERT 0 1")
            }
            ["copy", ..] => Answer::Copy,
            ["show", name] => Answer::Rows(vec![self.show(name)]),
            ["reset" | "RESET", name] => {
                let name = name.trim_matches('"').to_lowercase();
                self.state.set.remove(&name);
                self.state.local.remove(&name);
                Answer::Tag("RESET")
            }
            ["set" | "SET", "local", name, _, value] => {
                self.state.local.insert(name.to_lowercase(), literal(value));
                if self.block.is_none() {
                    self.warn("25P01", "SET LOCAL can only be used in transaction blocks");
                }
                Answer::Tag("SET")
            }
            ["set" | "SET", name, _, value] => {
                let name = name.trim_matches('"').to_lowercase();
                self.state.local.remove(&name);
                self.state.set.insert(name, literal(value));
                Answer::Tag("SET")
            }
            ["deallocate", "all"] => {
                self.statements.retain(|name, _| name.is_empty());
                Answer::Tag("DEALLOCATE ALL")
            }
            ["deallocate", name] => {
                if self.statements.remove(name.as_bytes()).is_none() {
                    let message = format!("prepared statement \"{name}\" does not exist");
                    return Err(error("26000", message));
                }
                Answer::Tag("DEALLOCATE")
            }
            _ => panic!("no such statement: {sql}"),
        })
    }

    fn warn(&mut self, code: &str, message: &str) {
        let warning = error(code, message).severity(Severity::Warning);
        warning.encode(&mut self.buffer);
    }
}

/// Raw parsing.
fn check(sql: &str) -> Result<()> {
    if sql.starts_with("selekt") || sql.starts_with("CANCELED") {
        return Err(error("42601", "syntax error"));
    }
    Ok(())
}

/// What comes behind raw parsing.
fn analyse(sql: &str) -> Result<()> {
    if sql.contains("dsql-proxy refused") {
        return Err(error("42703", "column does not exist"));
    }
    Ok(())
}

/// True for what a failed block accepts.
fn ends(sql: &str) -> bool {
    matches!(sql, "" | "commit" | "rollback")
}

fn literal(value: &str) -> String {
    let value = value.trim_start_matches(['E', ' ']);
    value.trim_matches('\'').to_owned()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
