//! The task of a pool: it opens servers and keeps the time. It sleeps unless a server can expire,
//! or one is to be opened.

use std::cell::Cell;
use std::future::pending;
use std::rc::{Rc, Weak};

use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::connection::{Opener, Verdict};
use super::rim::Shared;
use super::state::PoolState;

/// What the task is to do. Saying so wakes it; it does not start anything by itself, because it is
/// also said while a runtime shuts down, when nothing can be started any more.
#[derive(Default)]
pub(super) struct Keeper {
    is_started: Cell<bool>,
    is_stopped: Cell<bool>,
    opens: Cell<usize>,
    wake_at: Cell<Option<Instant>>,
    changed: Notify,
}

impl Keeper {
    /// Starts the task, unless it runs.
    pub(super) fn start<O: Opener>(&self, pool: &Rc<Shared<O>>) {
        if !self.is_started.replace(true) {
            let keeper = Rc::clone(pool.keeper());
            tokio::task::spawn_local(run(keeper, Rc::downgrade(pool)));
        }
    }

    /// Ends the task, and abandons what it opens.
    pub(super) fn stop(&self) {
        self.is_stopped.set(true);
        self.changed.notify_one();
    }

    pub(super) fn open(&self) {
        self.opens.set(self.opens.get() + 1);
        self.changed.notify_one();
    }

    pub(super) fn wake_at(&self, at: Instant) {
        self.wake_at.set(Some(at));
        self.changed.notify_one();
    }

    async fn alarm(&self) {
        match self.wake_at.get() {
            Some(at) => sleep_until(at).await,
            None => pending().await,
        }
    }
}

async fn run<O: Opener>(keeper: Rc<Keeper>, pool: Weak<Shared<O>>) {
    let mut opens = JoinSet::new();
    while !keeper.is_stopped.get() {
        for _ in 0..keeper.opens.take() {
            if let Some(pool) = pool.upgrade() {
                opens.spawn_local(open(Opening(Some(pool))));
            }
        }
        tokio::select! {
            () = keeper.changed.notified() => {}
            Some(_) = opens.join_next() => {}
            () = keeper.alarm() => {
                keeper.wake_at.set(None);
                if let Some(pool) = pool.upgrade() {
                    pool.act(PoolState::tick);
                }
            }
        }
    }
}

/// A server that is being opened; dropped, it is abandoned.
struct Opening<O: Opener>(Option<Rc<Shared<O>>>);

impl<O: Opener> Drop for Opening<O> {
    fn drop(&mut self) {
        if let Some(pool) = self.0.take() {
            pool.act(PoolState::open_abandoned);
        }
    }
}

async fn open<O: Opener>(mut opening: Opening<O>) {
    let Some(pool) = opening.0.clone() else {
        return;
    };
    let result = pool.opener.open(None).await;
    opening.0 = None;
    match result {
        Ok(connection) => pool.act(|state, now, out| state.opened(connection, now, out)),
        Err(error) => {
            let verdict = pool.opener.verdict(&error);
            match verdict {
                Verdict::TryLater => tracing::info!(%error, "no server yet, trying again"),
                Verdict::Definite => tracing::warn!(%error, "cannot open a server"),
            }
            pool.act(|state, now, out| state.open_failed(verdict, error, now, out));
        }
    }
}
