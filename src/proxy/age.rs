//! Transactions that are older than their cluster allows.
//!
//! DSQL refuses to commit a transaction after five minutes, and says so at COMMIT. A client that
//! idles in one keeps a server for nothing: it loses it then. One task looks after all blocks of a
//! cluster. It sleeps until the oldest one is due, and while there is none it does nothing.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::cancel::Mailbox;
use crate::session::Signal;

/// The sessions of a cluster whose transactions must not grow older than `limit`.
#[derive(Debug)]
pub(super) struct Ages {
    limit: Duration,
    sessions: RefCell<BTreeMap<i32, Rc<Block>>>,
    is_started: Cell<bool>,
    /// The task will wake up by itself.
    is_armed: Cell<bool>,
    changed: Notify,
}

/// Whether a session is in a block, and since when.
#[derive(Debug)]
struct Block {
    began: Cell<Option<Instant>>,
    /// Which block it is.
    number: Cell<u64>,
    /// It has been told.
    told: Cell<bool>,
    mailbox: Rc<Mailbox>,
}

/// A session's part.
#[derive(Debug)]
pub(super) struct Age {
    ages: Rc<Ages>,
    pid: i32,
    mailbox: Rc<Mailbox>,
    /// From its first block on: most clients that connect for each query never begin one.
    block: OnceCell<Rc<Block>>,
}

impl Ages {
    pub(super) fn new(limit: Duration) -> Rc<Self> {
        Rc::new(Self {
            limit,
            sessions: RefCell::default(),
            is_started: Cell::new(false),
            is_armed: Cell::new(false),
            changed: Notify::new(),
        })
    }

    /// Looks after the blocks of the session with this process id.
    pub(super) fn enter(self: &Rc<Self>, pid: i32, mailbox: Rc<Mailbox>) -> Age {
        Age {
            ages: Rc::clone(self),
            pid,
            mailbox,
            block: OnceCell::new(),
        }
    }

    fn arm(self: &Rc<Self>) {
        if !self.is_started.replace(true) {
            tokio::task::spawn_local(Rc::clone(self).watch());
        }
        if !self.is_armed.replace(true) {
            self.changed.notify_one();
        }
    }

    async fn watch(self: Rc<Self>) {
        loop {
            if let Some(due) = self.sweep(Instant::now()) {
                sleep_until(due).await;
            } else {
                self.is_armed.set(false);
                self.changed.notified().await;
            }
        }
    }

    /// Tells the sessions whose blocks are too old. When to look again.
    fn sweep(&self, now: Instant) -> Option<Instant> {
        let mut next: Option<Instant> = None;
        for block in self.sessions.borrow().values() {
            let Some(began) = block.began.get().filter(|_| !block.told.get()) else {
                continue;
            };
            let due = began + self.limit;
            if due <= now {
                block.told.set(true);
                block.mailbox.put(Signal::Expire);
            } else {
                next = Some(next.map_or(due, |next| next.min(due)));
            }
        }
        next
    }
}

impl Age {
    /// The session is in a block that has this number, or in none.
    pub(super) fn note(&self, number: Option<u64>) {
        let Some(number) = number else {
            if let Some(block) = self.block.get() {
                block.began.set(None);
            }
            return;
        };
        let block = self.block.get_or_init(|| self.first_block());
        if block.began.get().is_none() || block.number.get() != number {
            block.number.set(number);
            block.began.set(Some(Instant::now()));
            block.told.set(false);
            self.ages.arm();
        }
    }

    fn first_block(&self) -> Rc<Block> {
        let block = Rc::new(Block {
            began: Cell::new(None),
            number: Cell::new(0),
            told: Cell::new(false),
            mailbox: Rc::clone(&self.mailbox),
        });
        let mut sessions = self.ages.sessions.borrow_mut();
        sessions.insert(self.pid, Rc::clone(&block));
        block
    }

    /// How old the block is, if it is too old: in whole seconds, and the limit.
    pub(super) fn exceeded(&self) -> Option<(u64, u64)> {
        let began = self.block.get()?.began.get()?;
        let age = began.elapsed();
        (age >= self.ages.limit).then_some((age.as_secs(), self.ages.limit.as_secs()))
    }

    /// True if the session has been told that its block is too old.
    pub(super) fn is_told(&self) -> bool {
        let told = |block: &Rc<Block>| block.told.get() && block.began.get().is_some();
        self.block.get().is_some_and(told)
    }
}

impl Drop for Age {
    fn drop(&mut self) {
        if self.block.get().is_some() {
            self.ages.sessions.borrow_mut().remove(&self.pid);
        }
    }
}

#[cfg(test)]
mod tests;
