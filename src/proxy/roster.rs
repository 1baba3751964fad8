//! Who is logged in, and what the sessions do: what the status of a cluster is made of.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::SystemTime;

use crate::observe::{Clients, ClusterStatus, PinnedSession, PoolStatus};

/// The sessions of a cluster.
#[derive(Debug, Default)]
pub(super) struct Roster {
    sessions: RefCell<BTreeMap<u64, Session>>,
    last: Cell<u64>,
}

#[derive(Debug)]
struct Session {
    role: Rc<str>,
    database: Rc<str>,
    pinned: Option<Pinned>,
}

#[derive(Debug, Clone, Copy)]
struct Pinned {
    pid: i32,
    reason: &'static str,
    since: SystemTime,
}

/// A session on the roster, until this is dropped.
#[derive(Debug)]
pub(super) struct Present {
    roster: Rc<Roster>,
    id: u64,
}

impl Roster {
    /// Adds a session.
    pub(super) fn enter(self: &Rc<Self>, role: &Rc<str>, database: &Rc<str>) -> Present {
        let id = self.last.get() + 1;
        self.last.set(id);
        let session = Session {
            role: Rc::clone(role),
            database: Rc::clone(database),
            pinned: None,
        };
        self.sessions.borrow_mut().insert(id, session);
        Present {
            roster: Rc::clone(self),
            id,
        }
    }

    /// The status of the cluster. `pools` are all that there are; they know what their clients
    /// and servers do, but not how many clients are connected.
    pub(super) fn status(&self, endpoint: &str, mut pools: Vec<PoolStatus>) -> ClusterStatus {
        let mut pinned = Vec::new();
        for session in self.sessions.borrow().values() {
            let its = |pool: &&mut PoolStatus| {
                *pool.role == *session.role && *pool.database == *session.database
            };
            if let Some(pool) = pools.iter_mut().find(its) {
                pool.clients.connected += 1;
            }
            pinned.extend(session.pinned.map(|pinned| PinnedSession {
                pid: pinned.pid,
                role: session.role.to_string(),
                reason: pinned.reason,
                since: humantime::format_rfc3339_seconds(pinned.since).to_string(),
            }));
        }
        let mut clients = Clients::default();
        for pool in &pools {
            clients.connected += pool.clients.connected;
            clients.active += pool.clients.active;
            clients.waiting += pool.clients.waiting;
        }
        ClusterStatus {
            endpoint: endpoint.to_owned(),
            clients,
            pools,
            pinned,
        }
    }
}

impl Present {
    /// Its number, unique in the cluster.
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// The session, whose client knows it by `pid`, keeps its server from now on. The first
    /// reason stays.
    pub(super) fn pinned(&self, pid: i32, reason: &'static str, since: SystemTime) {
        let mut sessions = self.roster.sessions.borrow_mut();
        if let Some(session) = sessions.get_mut(&self.id) {
            let new = Pinned { pid, reason, since };
            session.pinned.get_or_insert(new);
        }
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.roster.sessions.borrow_mut().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn row(role: &str, [connected, active, waiting]: [usize; 3]) -> PoolStatus {
        PoolStatus {
            role: role.into(),
            database: "postgres".into(),
            clients: Clients {
                connected,
                active,
                waiting,
            },
            ..PoolStatus::default()
        }
    }

    #[test]
    fn the_clients_of_each_pool_are_counted() {
        let roster = Rc::new(Roster::default());
        let _sessions = [(); 5].map(|()| roster.enter(&"app".into(), &"postgres".into()));
        let mut pool = row("app", [0, 2, 1]);
        pool.servers.idle = 4;
        let unused = row("admin", [0, 0, 0]);
        let status = roster.status("c", vec![unused.clone(), pool]);
        let mut pool = row("app", [5, 2, 1]);
        pool.servers.idle = 4;
        assert_eq!(status.pools, [unused, pool]);
        assert_eq!(status.clients.idle(), 2);
    }

    #[test]
    fn a_pinned_session_says_why_until_it_ends() {
        let roster = Rc::new(Roster::default());
        let session = roster.enter(&"app".into(), &"postgres".into());
        let since = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
        session.pinned(7, "LISTEN", since);
        session.pinned(7, "temporary table", since + Duration::from_secs(1));
        assert_eq!(
            roster.status("c", vec![]).pinned,
            [PinnedSession {
                pid: 7,
                role: "app".into(),
                reason: "LISTEN",
                since: "1970-01-01T00:00:01Z".into(),
            }]
        );
        drop(session);
        assert_eq!(roster.status("c", vec![]).pinned, []);
    }
}
