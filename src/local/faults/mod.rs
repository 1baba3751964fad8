//! Faults on demand.
//!
//! [`Faults`] is what the whole cluster shares: faults that wait for their moment, and the
//! sessions. Whoever serves a session enlists it, asks its [`SessionFaults`] at each point of
//! decision, and does what it is told. Nothing here does I/O.

mod fault;
mod order;
mod registry;
mod session;
mod words;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

pub use self::fault::{
    Action, CommitFault, DelayAt, Effect, Fault, Pattern, Refusal, StatementFault, Target,
};
pub use self::order::Order;
pub use self::registry::{Listed, SessionInfo, TooManyFaults};
pub use self::session::{SessionFaults, Statement};
pub(super) use self::words::Words;

use self::registry::Registry;
use super::clock::Clock;

/// Makes a cluster misbehave, for tests.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    clock: Clock,
    registry: Mutex<Registry>,
}

/// What became of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obeyed {
    /// The fault waits for its moment.
    Armed(Listed),
    /// So many connections ended.
    Cut(usize),
    /// So many sessions have reached their age.
    Expired(usize),
    /// The clock is so many seconds ahead of the system's.
    Shifted(i64),
}

/// What is to happen at a point of decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Injected<F> {
    /// Wait so long first.
    pub delay: Duration,
    /// Then this goes wrong.
    pub fault: Option<F>,
}

impl<F> Default for Injected<F> {
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            fault: None,
        }
    }
}

impl Faults {
    /// Does at once what is to be done now, and arms what waits for its moment.
    pub fn obey(&self, order: Order) -> Result<Obeyed, TooManyFaults> {
        Ok(match order {
            Order::Arm(fault) => Obeyed::Armed(self.registry().arm(fault)?),
            Order::Cut(target) => Obeyed::Cut(self.registry().cut(&target)),
            Order::Expire(target) => Obeyed::Expired(self.registry().expire(&target)),
            Order::ShiftClock(seconds) => {
                self.shift_clock(seconds);
                Obeyed::Shifted(seconds)
            }
        })
    }

    /// From now on the cluster's clock is this many seconds ahead of the system's, or behind it.
    pub fn shift_clock(&self, seconds: i64) {
        self.0.clock.shift(seconds);
    }

    /// What time it is for the cluster.
    pub fn now(&self) -> SystemTime {
        self.0.clock.now()
    }

    /// The faults, also those that are used up, in the order in which they were asked for.
    pub fn list(&self) -> Vec<Listed> {
        self.registry().list()
    }

    /// Forgets all faults. What has happened stays, and so does the clock.
    pub fn clear(&self) {
        self.registry().clear();
    }

    /// Forgets one fault.
    pub fn remove(&self, id: u64) -> Option<Listed> {
        self.registry().remove(id)
    }

    /// The open sessions, from their startup packet on.
    pub fn sessions(&self) -> Vec<SessionInfo> {
        self.registry().sessions()
    }

    /// What is to happen to a login, after its startup packet.
    pub fn at_login(&self, role: &str, application_name: &str) -> Injected<Refusal> {
        self.registry().at_login(role, application_name)
    }

    /// A session begins. It ends when the value is dropped.
    pub fn enlist(&self, role: &str, application_name: &str) -> SessionFaults {
        let since = self.now();
        let (process_id, signals) = self.registry().enlist(role, application_name, since);
        SessionFaults::new(self.clone(), process_id, signals)
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        let registry = self.0.registry.lock();
        registry.unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
