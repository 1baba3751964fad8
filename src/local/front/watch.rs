//! Who waits for whom.
//!
//! A session that waits for PostgreSQL longer than [`PATIENCE`] may be waiting for a lock. One
//! look at PostgreSQL's locks then finds the holders for all who wait, and every holder is asked
//! to let go. It does so as soon as it is between two statements of a block. Whoever waits longer
//! may meet one holder after the other, so then everybody is asked.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;

use super::super::LocalError;
use super::super::judge::Class;
use super::super::postgres::Admin;

/// How long a session waits for PostgreSQL before it is looked for a lock that it waits for.
pub(super) const PATIENCE: Duration = Duration::from_millis(10);
/// How often a change of the catalog waits for [`PATIENCE`] before those in its way are
/// interrupted.
const BEFORE_INTERRUPTING: u32 = 3;
/// The pause between two looks: a session that has been asked to let go needs a moment.
const LOOK_EVERY: Duration = Duration::from_millis(4);
/// The pause after a connection that broke. If PostgreSQL has ended, the cluster does too.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// Who waits, and which processes hold what they wait for. A holder in a mode that does not conflict is
/// among them; letting go does it no harm.
const HOLDERS: &str = "
  WITH locks AS MATERIALIZED (SELECT * FROM pg_catalog.pg_locks)
  SELECT DISTINCT w.pid, h.pid FROM locks w JOIN locks h
    ON h.granted AND h.pid <> w.pid AND h.locktype = w.locktype
      AND (h.transactionid = w.transactionid
        OR h.locktype = 'relation' AND h.relation = w.relation AND h.database = w.database)
  WHERE NOT w.granted";

/// The sessions of a cluster, and those among them that wait.
#[derive(Debug, Default)]
pub(super) struct Watch {
    sessions: Mutex<HashMap<i32, Arc<Member>>>,
    waiting: Notify,
    /// Somebody waits for the second time.
    impatient: AtomicBool,
}

/// What is known of a session.
#[derive(Debug, Default)]
struct Member {
    /// Somebody waits for what it may hold.
    asked: Notify,
    /// It could not let go, should it be asked.
    busy: AtomicBool,
    /// It waits for one that could not.
    stuck: AtomicBool,
    /// Its statement changes the catalog.
    changes_catalog: AtomicBool,
    /// How often it has waited for [`PATIENCE`].
    waited: AtomicU32,
}

/// A session's place in the list, as long as it is kept.
#[derive(Debug)]
pub(super) struct Seat<'w> {
    watch: &'w Watch,
    /// Of its PostgreSQL process, once that is known.
    process: Option<i32>,
    member: Arc<Member>,
}

impl Watch {
    /// A place for a new session.
    pub(super) fn seat(&self) -> Seat<'_> {
        Seat {
            watch: self,
            process: None,
            member: Arc::default(),
        }
    }

    /// Looks whenever somebody waits.
    pub(super) async fn look(&self, socket: &Path) -> Infallible {
        loop {
            let Err(error) = self.look_on(socket).await;
            tracing::debug!(%error, "the watch on locks begins anew");
            sleep(RETRY_PAUSE).await;
        }
    }

    async fn look_on(&self, socket: &Path) -> Result<Infallible, LocalError> {
        let mut admin = Admin::connect(socket).await?;
        loop {
            self.waiting.notified().await;
            let everybody = self.impatient.swap(false, Ordering::Relaxed);
            let found = admin.rows(HOLDERS).await?;
            let process = |text: &Option<String>| text.as_deref()?.parse().ok();
            let pairs: Vec<(i32, i32)> = found
                .iter()
                .filter_map(|row| Some((process(row.first()?)?, process(row.get(1)?)?)))
                .collect();
            for process in self.ask(&pairs, everybody) {
                let sql = format!("SELECT pg_catalog.pg_cancel_backend({process})");
                admin.rows(&sql).await?;
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Asks the holders of these pairs of waiter and holder, or everybody. Returns those to
    /// interrupt: a change of the catalog does not wait for a statement that runs, which then
    /// fails as one that has met the change.
    fn ask(&self, pairs: &[(i32, i32)], everybody: bool) -> HashSet<i32> {
        let mut interrupted = HashSet::new();
        let waiters: HashSet<i32> = pairs.iter().map(|(waiter, _)| *waiter).collect();
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        for (waiter, holder) in pairs {
            let Some(holds) = sessions.get(holder) else {
                continue;
            };
            holds.asked.notify_one();
            let Some(waits) = sessions.get(waiter) else {
                continue;
            };
            // Who waits itself is not what keeps the others.
            if waiters.contains(holder) || !holds.busy.load(Ordering::Relaxed) {
                continue;
            }
            let changes_catalog = |member: &Member| member.changes_catalog.load(Ordering::Relaxed);
            if !changes_catalog(waits) || changes_catalog(holds) {
                waits.stuck.store(true, Ordering::Relaxed);
            } else if waits.waited.load(Ordering::Relaxed) >= BEFORE_INTERRUPTING {
                interrupted.insert(*holder);
            }
        }
        if everybody && !pairs.is_empty() {
            for member in sessions.values() {
                member.asked.notify_one();
            }
        }
        interrupted
    }
}

impl Seat<'_> {
    /// The session's PostgreSQL process is this one.
    pub(super) fn is_process(&mut self, process: i32) {
        let sessions = &self.watch.sessions;
        let mut sessions = sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.insert(process, Arc::clone(&self.member));
        self.process = Some(process);
    }

    /// The session has waited for [`PATIENCE`], so many times.
    pub(super) fn waits(&self, times: u32) {
        self.member.waited.store(times, Ordering::Relaxed);
        if times > 1 {
            self.watch.impatient.store(true, Ordering::Relaxed);
        }
        self.watch.waiting.notify_one();
    }

    /// Whether the session could let go, should it be asked now.
    pub(super) fn is_busy(&self, busy: bool) {
        self.member.busy.store(busy, Ordering::Relaxed);
    }

    /// A statement of this class begins.
    pub(super) fn begins(&self, class: Class) {
        let member = &self.member;
        member.stuck.store(false, Ordering::Relaxed);
        member.waited.store(0, Ordering::Relaxed);
        let changes_catalog = class == Class::Ddl;
        member
            .changes_catalog
            .store(changes_catalog, Ordering::Relaxed);
    }

    /// True if what the statement waits for is held by a session that cannot let go.
    pub(super) fn is_stuck(&self) -> bool {
        self.member.stuck.load(Ordering::Relaxed)
    }

    /// Somebody waits for what this session may hold. Cancel-safe.
    pub(super) async fn asked(&self) {
        self.member.asked.notified().await;
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        if let Some(process) = self.process {
            let sessions = &self.watch.sessions;
            let mut sessions = sessions.lock().unwrap_or_else(PoisonError::into_inner);
            sessions.remove(&process);
        }
    }
}
