//! Servers that are numbers.

use std::cell::{Cell, RefCell};
use std::future::pending;

use super::*;

/// How an open ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Works,
    Fails(Verdict),
    Never,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Why(pub(super) Verdict);

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

#[derive(Clone)]
pub(super) struct Fake(pub(super) Rc<Record>);

/// What the fake shall do, and what happened.
pub(super) struct Record {
    pub(super) way: Cell<Way>,
    /// How long an open takes.
    pub(super) takes: Cell<Duration>,
    /// Whether idle servers are alive.
    pub(super) alive: Cell<bool>,
    /// When opens began.
    pub(super) began: RefCell<Vec<Instant>>,
    pub(super) requests: RefCell<Vec<&'static str>>,
    pub(super) opening: Cell<usize>,
    pub(super) most_opening: Cell<usize>,
    pub(super) opened: Cell<u32>,
    /// Servers that exist.
    pub(super) live: Cell<usize>,
    pub(super) most_live: Cell<usize>,
    pub(super) closed: RefCell<Vec<(u32, Closing)>>,
}

impl Default for Fake {
    fn default() -> Self {
        Self(Rc::new(Record {
            way: Cell::new(Way::Works),
            takes: Cell::new(20 * MS),
            alive: Cell::new(true),
            began: RefCell::default(),
            requests: RefCell::default(),
            opening: Cell::new(0),
            most_opening: Cell::new(0),
            opened: Cell::new(0),
            live: Cell::new(0),
            most_live: Cell::new(0),
            closed: RefCell::default(),
        }))
    }
}

impl Fake {
    pub(super) fn closed(&self) -> Vec<(u32, Closing)> {
        self.0.closed.borrow().clone()
    }

    pub(super) fn attempts(&self) -> usize {
        self.0.began.borrow().len()
    }
}

/// Counts up until it is dropped.
struct Counted(Rc<Record>, fn(&Record) -> (&Cell<usize>, &Cell<usize>));

impl Counted {
    fn new(record: &Rc<Record>, which: fn(&Record) -> (&Cell<usize>, &Cell<usize>)) -> Self {
        let (now, most) = which(record);
        now.set(now.get() + 1);
        most.set(most.get().max(now.get()));
        Self(Rc::clone(record), which)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let (now, _) = (self.1)(&self.0);
        now.set(now.get() - 1);
    }
}

pub(super) struct Server {
    pub(super) number: u32,
    counted: Counted,
}

impl Connection for Server {
    fn is_alive(&mut self) -> bool {
        self.counted.0.alive.get()
    }

    fn close(self, why: Closing) {
        self.counted.0.closed.borrow_mut().push((self.number, why));
    }
}

impl Opener for Fake {
    type Connection = Server;
    type Error = Why;
    type Request = &'static str;

    async fn open(&self, request: Option<&'static str>) -> Result<Server, Why> {
        let record = &self.0;
        record.requests.borrow_mut().extend(request);
        record.began.borrow_mut().push(Instant::now());
        let way = record.way.get();
        let opening = Counted::new(record, |r| (&r.opening, &r.most_opening));
        sleep(record.takes.get()).await;
        drop(opening);
        match way {
            Way::Works => {
                record.opened.set(record.opened.get() + 1);
                Ok(Server {
                    number: record.opened.get(),
                    counted: Counted::new(record, |r| (&r.live, &r.most_live)),
                })
            }
            Way::Fails(verdict) => Err(Why(verdict)),
            Way::Never => pending().await,
        }
    }

    fn verdict(&self, error: &Why) -> Verdict {
        error.0
    }
}
