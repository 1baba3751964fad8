//! Prepared statements: what a client calls them, and what servers know them as.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};

use bytes::{Bytes, BytesMut};

use super::processes::BoundSignal;
use super::repeat::Repeat;
use super::settings::FoldKey;
use crate::sql::Traits;
use crate::wire::frontend::{self, Parse};
use crate::wire::{ErrorResponse, SqlState, encode};

/// What the names begin with that we give to statements on servers. A client's own name never
/// reaches a server.
const PREFIX: &str = "dsql_proxy_";

/// Dead entries are swept out of the registry whenever it has grown to twice this many, or twice
/// what was left the last time.
const SWEEP: usize = 256;

/// A statement that can be prepared on any server: one for all sessions that must get the same
/// result from preparing it. Constants are folded at Parse, so the parameters that decide how
/// are part of what makes it the same.
#[derive(Debug)]
pub(super) struct Statement {
    /// Unique in the registry, for ever.
    pub(super) id: u64,
    /// Its name on servers.
    name: Box<[u8]>,
    /// Its text.
    pub(super) sql: Bytes,
    /// Object ids of its parameter types, four bytes each, as in Parse.
    pub(super) types: Bytes,
    /// What its constants are folded under.
    pub(super) fold: Option<FoldKey>,
    /// What it may do.
    pub(super) may: May,
    /// A server has accepted it, and none has refused it since.
    pub(super) proven: Cell<bool>,
}

/// What a statement may do.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct May {
    /// To its session.
    pub(super) traits: Traits,
    /// It may be sent once more after a conflict.
    pub(super) repeat: Repeat,
    /// To another session.
    pub(super) signal: Option<BoundSignal>,
}

impl Statement {
    /// Appends a Parse of it under its name on servers.
    pub(super) fn parse(&self, out: &mut BytesMut) {
        encode::frame(frontend::PARSE, out, |body| {
            encode::cstr(&self.name, body);
            encode::cstr(&self.sql, body);
            let count = u16::try_from(self.types.len() / 4).unwrap_or(u16::MAX);
            body.extend_from_slice(&count.to_be_bytes());
            body.extend_from_slice(&self.types);
        });
    }

    /// Appends a Parse of it under another name.
    pub(super) fn parse_as(&self, name: &[u8], out: &mut BytesMut) {
        let parse = Parse {
            name,
            sql: &self.sql,
            types: &self.types,
        };
        encode::frame(frontend::PARSE, out, |body| {
            encode::cstr(parse.name, body);
            encode::cstr(parse.sql, body);
            parse.put_types(body);
        });
    }

    /// Appends a Close of it, or a Describe.
    pub(super) fn target(&self, tag: u8, out: &mut BytesMut) {
        encode::frame(tag, out, |body| {
            body.extend_from_slice(b"S");
            encode::cstr(&self.name, body);
        });
    }

    /// Its name on servers.
    pub(super) fn name(&self) -> &[u8] {
        &self.name
    }
}

/// True for a name such as we give: what a server has by it may be another session's.
pub(super) fn is_ours(name: &[u8]) -> bool {
    name.starts_with(PREFIX.as_bytes())
}

/// PostgreSQL's answer to a name that it does not know.
pub(super) fn unknown(name: &[u8]) -> ErrorResponse {
    let name = String::from_utf8_lossy(name);
    ErrorResponse::error(
        SqlState::INVALID_STATEMENT_NAME,
        format!("prepared statement \"{name}\" does not exist"),
    )
}

/// The first of our names in a text.
pub(super) fn name_in(text: &[u8]) -> Option<Bytes> {
    let start = memchr::memmem::find(text, PREFIX.as_bytes())?;
    let name = text.get(start..)?;
    let digits = name.get(PREFIX.len()..)?;
    let length = digits.iter().take_while(|c| c.is_ascii_hexdigit()).count();
    (length > 0).then(|| Bytes::copy_from_slice(&name[..PREFIX.len() + length]))
}

/// Appends a Close of the statement with this id.
pub(super) fn close(id: u64, out: &mut BytesMut) {
    encode::frame(frontend::CLOSE, out, |body| {
        body.extend_from_slice(b"S");
        encode::cstr(&name(id), body);
    });
}

/// The name that a statement has on servers.
fn name(id: u64) -> Box<[u8]> {
    format!("{PREFIX}{id:x}").into_bytes().into()
}

/// What makes two statements the same.
type Key = (Bytes, Bytes, FoldKey, Option<BoundSignal>);

/// The statements of all sessions that use the same servers.
#[derive(Debug, Default)]
pub struct Registry {
    statements: RefCell<HashMap<Key, Weak<Statement>>>,
    last: Cell<u64>,
    sweep_at: Cell<usize>,
    clock: Cell<u64>,
}

impl Registry {
    /// A moment, later than all before.
    pub(super) fn tick(&self) -> u64 {
        self.clock.set(self.clock.get() + 1);
        self.clock.get()
    }

    /// The statement with this text and these types, if a server has accepted it lately.
    pub(super) fn proven(
        &self,
        sql: &[u8],
        types: &[u8],
        fold: FoldKey,
        may: May,
    ) -> Option<Rc<Statement>> {
        let (sql, types) = (Bytes::copy_from_slice(sql), Bytes::copy_from_slice(types));
        let statements = self.statements.borrow();
        let known = statements.get(&(sql, types, fold, may.signal))?.upgrade()?;
        known.proven.get().then_some(known)
    }

    /// The statement with this text, these types, folded like this; `None` if it is not known how
    /// it will be folded, and it must not be shared.
    pub(super) fn intern(
        &self,
        sql: &[u8],
        types: &[u8],
        fold: Option<FoldKey>,
        may: May,
    ) -> Rc<Statement> {
        let (sql, types) = (Bytes::copy_from_slice(sql), Bytes::copy_from_slice(types));
        let make = |fold| {
            self.last.set(self.last.get() + 1);
            let (sql, types) = (sql.clone(), types.clone());
            Rc::new(Statement {
                id: self.last.get(),
                name: name(self.last.get()),
                sql,
                types,
                fold,
                may,
                proven: Cell::new(false),
            })
        };
        let Some(fold) = fold else {
            return make(None);
        };
        let mut statements = self.statements.borrow_mut();
        if statements.len() >= self.sweep_at.get().max(SWEEP) {
            statements.retain(|_, statement| statement.strong_count() > 0);
            self.sweep_at.set(statements.len() * 2);
        }
        let key = (sql.clone(), types.clone(), fold.clone(), may.signal);
        if let Some(known) = statements.get(&key).and_then(Weak::upgrade) {
            return known;
        }
        let statement = make(Some(fold));
        statements.insert(key, Rc::downgrade(&statement));
        statement
    }

    /// The same statement again, for one session alone.
    pub(super) fn own(&self, statement: &Statement) -> Rc<Statement> {
        self.last.set(self.last.get() + 1);
        Rc::new(Statement {
            id: self.last.get(),
            name: name(self.last.get()),
            sql: statement.sql.clone(),
            types: statement.types.clone(),
            fold: statement.fold.clone(),
            may: statement.may,
            proven: Cell::new(false),
        })
    }
}

/// A client's named statement.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) statement: Rc<Statement>,
    /// The same, for this session alone: for while its parameters are not those that the other one
    /// is folded under.
    pub(super) own: Option<Rc<Statement>>,
    pub(super) past: Past,
}

/// What has been done with a client's named statement.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Past {
    /// A digest of what the client was told when it had it described.
    pub(super) told: Option<u64>,
    /// When the client prepared it: servers that have analysed it before do so anew.
    pub(super) since: u64,
}

/// The statements of one client by the names it gave them.
#[derive(Debug, Default)]
pub(super) struct Statements {
    named: HashMap<Bytes, Named>,
    /// The last Parse of the unnamed statement that worked, or is on its way.
    unnamed: Option<Box<Unnamed>>,
    /// Those before, while a Parse that may be skipped is on its way.
    earlier: Vec<Unnamed>,
}

/// The unnamed statement.
#[derive(Debug, Default)]
pub(super) struct Unnamed {
    /// The body of its Parse.
    pub(super) body: BytesMut,
    pub(super) may: May,
    /// It is on the server that the session has now.
    pub(super) here: bool,
    /// How often the client has prepared it: an earlier Parse may fail after a later one was sent.
    pub(super) serial: u32,
    /// What it deallocates, if it is a DEALLOCATE of a statement that the client has prepared by
    /// a message.
    pub(super) deallocates: Option<Bytes>,
    /// There is one. The value is kept for its buffer where there is none.
    pub(super) exists: bool,
    /// Its Parse was too long to be kept: it cannot be prepared anywhere else.
    pub(super) unread: bool,
}

impl Unnamed {
    /// True if the server has it, or can be made to have it.
    fn is_there(&self) -> bool {
        self.exists && (self.here || !self.unread)
    }
}

impl Statements {
    pub(super) fn get(&self, name: &[u8]) -> Option<&Named> {
        self.named.get(name)
    }

    /// The text of a statement, the unnamed one included.
    pub(super) fn sql(&self, name: &[u8]) -> Option<&[u8]> {
        if name.is_empty() {
            let unnamed = self.unnamed()?;
            return Parse::read(&unnamed.body).ok().map(|parse| parse.sql);
        }
        self.get(name).map(|named| &named.statement.sql[..])
    }

    /// What the client has under this name, unless that is another statement: the one meant may be
    /// on its way there.
    pub(super) fn this(&mut self, name: &[u8], statement: &Rc<Statement>) -> Option<&mut Named> {
        self.get_mut(name)
            .filter(|named| Rc::ptr_eq(&named.statement, statement))
    }

    pub(super) fn get_mut(&mut self, name: &[u8]) -> Option<&mut Named> {
        self.named.get_mut(name)
    }

    pub(super) fn insert(&mut self, name: Bytes, statement: Rc<Statement>, since: u64) {
        self.named.insert(
            name,
            Named {
                statement,
                own: None,
                past: Past { told: None, since },
            },
        );
    }

    pub(super) fn remove(&mut self, name: &[u8]) -> bool {
        self.named.remove(name).is_some()
    }

    /// What the client calls the statement that servers know by this name.
    pub(super) fn name_of(&self, ours: &[u8]) -> Option<Bytes> {
        let digits = std::str::from_utf8(ours.get(PREFIX.len()..)?).ok()?;
        let id = u64::from_str_radix(digits, 16).ok()?;
        let named = self.named.iter().filter(|(_, named)| {
            let own = named.own.as_ref().map(|own| own.id);
            named.statement.id == id || own == Some(id)
        });
        // The same one each time, if there are several.
        named.map(|(name, _)| name).min().cloned()
    }

    pub(super) fn clear(&mut self) {
        self.named = HashMap::new();
    }

    /// The unnamed statement, if there is one.
    pub(super) fn unnamed(&self) -> Option<&Unnamed> {
        self.unnamed.as_deref().filter(|unnamed| unnamed.is_there())
    }

    /// The unnamed statement deallocates this one.
    pub(super) fn set_deallocates(&mut self, name: Bytes) {
        if let Some(unnamed) = &mut self.unnamed {
            unnamed.deallocates = Some(name);
        }
    }

    pub(super) fn unnamed_mut(&mut self) -> Option<&mut Unnamed> {
        self.unnamed
            .as_deref_mut()
            .filter(|unnamed| unnamed.is_there())
    }

    /// The unnamed statement is prepared with this body. Says for the how-manieth time it is.
    ///
    /// `sure` says that nothing is in front of the Parse that may make the server skip it.
    pub(super) fn set_unnamed(&mut self, body: &[u8], may: May, sure: bool) -> u32 {
        if !sure {
            self.keep_unnamed();
        }
        let unnamed = self.unnamed.get_or_insert_default();
        unnamed.body.clear();
        unnamed.body.extend_from_slice(body);
        unnamed.may = may;
        unnamed.deallocates = None;
        (unnamed.here, unnamed.exists, unnamed.unread) = (true, true, false);
        unnamed.serial = unnamed.serial.wrapping_add(1);
        unnamed.serial
    }

    /// The same with a Parse that is too long to be kept.
    pub(super) fn set_unread(&mut self, may: May, sure: bool) -> u32 {
        let serial = self.set_unnamed(&[], may, sure);
        if let Some(unnamed) = &mut self.unnamed {
            unnamed.unread = true;
        }
        serial
    }

    /// A Parse of the unnamed statement has failed. PostgreSQL drops the one before first.
    pub(super) fn unnamed_failed(&mut self, serial: u32) {
        self.earlier.retain(|earlier| earlier.serial > serial);
        if let Some(unnamed) = &mut self.unnamed
            && unnamed.serial == serial
        {
            (unnamed.here, unnamed.exists) = (false, false);
        }
    }

    /// A Parse of ours has failed, or has been skipped: the client has its statement, and the
    /// server has not.
    pub(super) fn unnamed_not_brought(&mut self, serial: u32) {
        let all = self.earlier.iter_mut().chain(self.unnamed.as_deref_mut());
        for unnamed in all.filter(|unnamed| unnamed.serial == serial) {
            unnamed.here = false;
        }
    }

    /// What was to take the place of the unnamed statement has been skipped.
    pub(super) fn unnamed_skipped(&mut self, serial: u32) {
        self.earlier.retain(|earlier| earlier.serial != serial);
        if let Some(unnamed) = self.unnamed.as_deref_mut()
            && unnamed.serial == serial
        {
            match self.earlier.pop() {
                Some(before) => *unnamed = before,
                None => unnamed.exists = false,
            }
        }
    }

    /// What was to take the place of the unnamed statement has done so.
    pub(super) fn unnamed_confirmed(&mut self, serial: u32) {
        if !self.earlier.is_empty() {
            self.earlier.retain(|earlier| earlier.serial >= serial);
        }
    }

    /// Something has been sent in front of the next Parse of the unnamed statement, which may make
    /// the server skip that one: the statement that there is now is kept until it is known.
    fn keep_unnamed(&mut self) {
        if let Some(unnamed) = self.unnamed.as_deref_mut()
            && unnamed.exists
        {
            let serial = unnamed.serial;
            self.earlier.push(std::mem::take(unnamed));
            unnamed.serial = serial;
        }
    }

    /// A Query is about to drop the unnamed statement, if it is not skipped. Says how often that
    /// has been done.
    pub(super) fn may_drop_unnamed(&mut self) -> u32 {
        self.keep_unnamed();
        let unnamed = self.unnamed.get_or_insert_default();
        unnamed.exists = false;
        unnamed.serial = unnamed.serial.wrapping_add(1);
        unnamed.serial
    }

    /// There is no unnamed statement any more.
    pub(super) fn drop_unnamed(&mut self) {
        if let Some(unnamed) = &mut self.unnamed {
            unnamed.exists = false;
        }
    }

    /// The session has left its server, or we have used it: no unnamed statement of the client's
    /// is there.
    pub(super) fn left_server(&mut self) {
        for unnamed in self.earlier.iter_mut().chain(self.unnamed.as_deref_mut()) {
            unnamed.here = false;
        }
    }

    /// Nothing is in flight any more.
    pub(super) fn rest(&mut self) {
        self.earlier.clear();
    }
}
