//! The faults that wait, and the sessions that they wait for.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use super::Injected;
use super::fault::{Action, CommitFault, DelayAt, Fault, Refusal, StatementFault, Target};
use super::session::{Signals, Statement};

/// How many faults are kept, those that are used up included.
const MOST: usize = 1000;

/// There are so many faults that one more is a mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there are {MOST} faults already: clear them first")]
pub struct TooManyFaults;

/// A fault, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its number.
    pub id: u64,
    /// The words that asked for it.
    pub fault: String,
    /// How often it will still happen; until it is cleared, if there is no number.
    pub left: Option<u32>,
    /// How often it has happened.
    pub fired: u64,
}

/// A session, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionInfo {
    /// The process id in its BackendKeyData.
    pub process_id: i32,
    /// Its role.
    pub role: String,
    /// Its `application_name`; empty if it has none.
    pub application_name: String,
    /// When it began, by the cluster's clock.
    pub since: SystemTime,
}

#[derive(Debug, Default)]
pub(super) struct Registry {
    last_id: u64,
    armed: Vec<Armed>,
    last_process_id: i32,
    sessions: BTreeMap<i32, Entry>,
}

#[derive(Debug)]
struct Armed {
    id: u64,
    fault: Fault,
    left: Option<u32>,
    fired: u64,
}

#[derive(Debug)]
struct Entry {
    info: SessionInfo,
    signals: watch::Sender<Signals>,
}

impl Armed {
    fn is_spent(&self) -> bool {
        self.left == Some(0)
    }

    fn listed(&self) -> Listed {
        Listed {
            id: self.id,
            fault: self.fault.words().to_string(),
            left: self.left,
            fired: self.fired,
        }
    }

    fn means(&self, info: &SessionInfo) -> bool {
        let target = &self.fault.target;
        target.means(Some(info.process_id), &info.role, &info.application_name)
    }

    /// Whether its pattern, if it has one, is in this statement.
    fn fits(&self, text: &[u8]) -> bool {
        let pattern = self.fault.pattern.as_ref();
        pattern.is_none_or(|pattern| pattern.is_in(text))
    }

    fn waits_for_commit(&self) -> bool {
        matches!(
            self.fault.action,
            Action::Commit(_) | Action::Delay(DelayAt::Commit, _)
        )
    }
}

impl Registry {
    pub(super) fn arm(&mut self, fault: Fault) -> Result<Listed, TooManyFaults> {
        if self.armed.len() >= MOST {
            self.armed.retain(|armed| !armed.is_spent());
        }
        if self.armed.len() >= MOST {
            return Err(TooManyFaults);
        }
        self.last_id += 1;
        let armed = Armed {
            id: self.last_id,
            left: fault.times,
            fired: 0,
            fault,
        };
        let listed = armed.listed();
        self.armed.push(armed);
        Ok(listed)
    }

    pub(super) fn list(&self) -> Vec<Listed> {
        self.armed.iter().map(Armed::listed).collect()
    }

    pub(super) fn clear(&mut self) {
        self.armed.clear();
    }

    pub(super) fn remove(&mut self, id: u64) -> Option<Listed> {
        let at = self.armed.iter().position(|armed| armed.id == id)?;
        Some(self.armed.remove(at).listed())
    }

    /// The first fault that `pick` picks happens once more.
    fn draw<T>(&mut self, pick: impl Fn(&Armed) -> Option<T>) -> Option<T> {
        let waiting = self.armed.iter_mut().filter(|armed| !armed.is_spent());
        for armed in waiting {
            if let Some(picked) = pick(armed) {
                armed.left = armed.left.map(|left| left.saturating_sub(1));
                armed.fired += 1;
                return Some(picked);
            }
        }
        None
    }

    /// One delay and one fault: `is_meant` says of which, `fault` is what makes one of an action.
    fn inject<F>(
        &mut self,
        at: DelayAt,
        is_meant: impl Fn(&Armed) -> bool,
        fault: impl Fn(&Action) -> Option<F>,
    ) -> Injected<F> {
        let delay = self.draw(|armed| match armed.fault.action {
            Action::Delay(point, by) if point == at && is_meant(armed) => Some(by),
            _ => None,
        });
        Injected {
            delay: delay.unwrap_or(Duration::ZERO),
            fault: self.draw(|armed| fault(&armed.fault.action).filter(|_| is_meant(armed))),
        }
    }

    pub(super) fn at_login(&mut self, role: &str, application_name: &str) -> Injected<Refusal> {
        self.inject(
            DelayAt::Login,
            |armed| armed.fault.target.means(None, role, application_name),
            |action| match action {
                Action::Refuse(refusal) => Some(refusal.clone()),
                _ => None,
            },
        )
    }

    /// What happens to a statement. The faults that wait for the COMMIT of a transaction with
    /// such a statement are noted in `touched`.
    pub(super) fn at_statement(
        &mut self,
        process_id: i32,
        statement: &Statement<'_>,
        touched: &mut BTreeSet<u64>,
    ) -> Injected<StatementFault> {
        if self.armed.is_empty() {
            return Injected::default();
        }
        let Some(info) = self.info(process_id) else {
            return Injected::default();
        };
        let is_meant = |armed: &Armed| armed.means(&info) && armed.fits(statement.text);
        let noted = self.armed.iter().filter(|armed| armed.waits_for_commit());
        touched.extend(noted.filter(|armed| is_meant(armed)).map(|armed| armed.id));
        self.inject(DelayAt::Statement, is_meant, |action| match action {
            Action::Statement(StatementFault::ConflictAtSync) if statement.in_block => None,
            Action::Statement(fault) => Some(*fault),
            _ => None,
        })
    }

    /// What happens to the COMMIT of a transaction that has `touched` these faults.
    pub(super) fn at_commit(
        &mut self,
        process_id: i32,
        touched: &BTreeSet<u64>,
    ) -> Injected<CommitFault> {
        let Some(info) = self.info(process_id) else {
            return Injected::default();
        };
        let is_meant = |armed: &Armed| {
            armed.means(&info) && (armed.fault.pattern.is_none() || touched.contains(&armed.id))
        };
        self.inject(DelayAt::Commit, is_meant, |action| match action {
            Action::Commit(fault) => Some(*fault),
            _ => None,
        })
    }

    /// OC001 is due in a session that has cached an older catalog.
    pub(super) fn stale_catalog(&mut self, process_id: i32) -> bool {
        let Some(info) = self.info(process_id) else {
            return false;
        };
        let drawn = self.draw(|armed| {
            (armed.fault.action == Action::StaleCatalog && armed.means(&info)).then_some(())
        });
        drawn.is_some()
    }

    fn info(&self, process_id: i32) -> Option<SessionInfo> {
        let entry = self.sessions.get(&process_id)?;
        Some(entry.info.clone())
    }

    pub(super) fn enlist(
        &mut self,
        role: &str,
        application_name: &str,
        since: SystemTime,
    ) -> (i32, watch::Receiver<Signals>) {
        // A long-lived cluster may come round: the next one that nobody has.
        loop {
            self.last_process_id = self.last_process_id.checked_add(1).unwrap_or(1);
            if !self.sessions.contains_key(&self.last_process_id) {
                break;
            }
        }
        let process_id = self.last_process_id;
        let (signals, receiver) = watch::channel(Signals::default());
        let info = SessionInfo {
            process_id,
            role: role.to_owned(),
            application_name: application_name.to_owned(),
            since,
        };
        self.sessions.insert(process_id, Entry { info, signals });
        (process_id, receiver)
    }

    pub(super) fn delist(&mut self, process_id: i32) {
        self.sessions.remove(&process_id);
    }

    pub(super) fn rename(&mut self, process_id: i32, application_name: &str) {
        if let Some(entry) = self.sessions.get_mut(&process_id) {
            application_name.clone_into(&mut entry.info.application_name);
        }
    }

    pub(super) fn sessions(&self) -> Vec<SessionInfo> {
        let entries = self.sessions.values();
        entries.map(|entry| entry.info.clone()).collect()
    }

    pub(super) fn cut(&self, target: &Target) -> usize {
        self.signal(target, |signals| signals.cut = true)
    }

    pub(super) fn expire(&self, target: &Target) -> usize {
        self.signal(target, |signals| signals.expire = true)
    }

    fn signal(&self, target: &Target, change: impl Fn(&mut Signals)) -> usize {
        let meant = self.sessions.values().filter(|Entry { info, .. }| {
            target.means(Some(info.process_id), &info.role, &info.application_name)
        });
        meant
            .map(|entry| entry.signals.send_modify(&change))
            .count()
    }
}
