//! Any order of events at all, against a model.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone, Copy)]
enum Event {
    /// An idle server if there is one, else a place in the queue.
    Want(Wanted),
    /// An idle server turns out to be dead.
    WantDead,
    Leave(usize),
    Opened,
    Failed(Verdict),
    Abandoned,
    PrivateOpened,
    PrivateFailed(Verdict),
    PrivateAbandoned,
    Release(usize),
    Discard(usize),
    TakeThis(u64),
    Pass(Duration),
    Close,
}

fn event() -> impl Strategy<Value = Event> {
    let verdict = || prop_oneof![Just(Verdict::TryLater), Just(Verdict::Definite)];
    let index = || 0..8_usize;
    let time = prop_oneof![0..500_u64, 1000..60_000_u64, 500_000..2_000_000_u64];
    prop_oneof![
        30 => Just(Event::Want(Wanted::Any)),
        5 => Just(Event::Want(Wanted::Private)),
        3 => Just(Event::WantDead),
        5 => index().prop_map(Event::Leave),
        25 => Just(Event::Opened),
        6 => verdict().prop_map(Event::Failed),
        1 => Just(Event::Abandoned),
        4 => Just(Event::PrivateOpened),
        1 => verdict().prop_map(Event::PrivateFailed),
        1 => Just(Event::PrivateAbandoned),
        30 => index().prop_map(Event::Release),
        4 => index().prop_map(Event::Discard),
        2 => (0..20_u64).prop_map(Event::TakeThis),
        15 => time.prop_map(|ms| Event::Pass(Duration::from_millis(ms))),
        1 => Just(Event::Close),
    ]
}

/// What must be true, and what has been given out.
struct Model {
    state: State,
    now: Instant,
    wake_at: Option<Instant>,
    /// Every server that exists.
    live: BTreeSet<u32>,
    lent: Vec<Lease<u32>>,
    /// The idle ones, the last used last.
    idle: Vec<u32>,
    queue: Vec<(Ticket, Wanted, u32)>,
    opens: usize,
    permits: usize,
    last: u32,
    is_closed: bool,
}

impl Model {
    fn new(size: usize, min_idle: usize, concurrent: usize) -> Self {
        let mut options = options(size, min_idle);
        options.concurrent_connects = concurrent;
        options.throttle = Throttle::new(2, 4, options.random.clone());
        Self {
            state: State::new(options),
            now: Instant::now(),
            wake_at: None,
            live: BTreeSet::new(),
            lent: vec![],
            idle: vec![],
            queue: vec![],
            opens: 0,
            permits: 0,
            last: 0,
            is_closed: false,
        }
    }

    fn next(&mut self) -> u32 {
        self.last += 1;
        self.last
    }

    /// A server is born.
    fn born(&mut self) -> u32 {
        let connection = self.next();
        self.live.insert(connection);
        connection
    }

    fn act(&mut self, event: impl FnOnce(&mut State, Instant, &mut Out)) {
        let mut out = Vec::new();
        event(&mut self.state, self.now, &mut out);
        self.carry_out(out);
    }

    /// The first in the queue who wants this is this one; it leaves.
    fn leaves_first(&mut self, wanted: Wanted, waiter: u32) {
        let index = self.queue.iter().position(|w| w.1 == wanted).unwrap();
        assert_eq!(
            self.queue.remove(index).2,
            waiter,
            "not first come, first served"
        );
    }

    fn carry_out(&mut self, out: Out) {
        for command in out {
            match command {
                Command::Open => self.opens += 1,
                Command::HandOver(waiter, lease) => {
                    self.leaves_first(Wanted::Any, waiter);
                    self.lend(lease);
                }
                Command::Permit(waiter) => {
                    self.leaves_first(Wanted::Private, waiter);
                    self.permits += 1;
                }
                Command::Fail(waiter, _) | Command::Dismiss(waiter) => {
                    let index = self.queue.iter().position(|w| w.2 == waiter).unwrap();
                    self.queue.remove(index);
                }
                Command::Close(connection, _) => {
                    assert!(self.live.remove(&connection), "closed twice");
                    assert!(!self.is_lent(connection), "closed under its owner");
                    self.idle.retain(|other| *other != connection);
                }
                Command::WakeAt(at) => {
                    assert!(self.wake_at.is_none_or(|before| at < before));
                    assert!(at > self.now, "it would spin");
                    self.wake_at = Some(at);
                }
            }
        }
    }

    fn is_lent(&self, connection: u32) -> bool {
        self.lent.iter().any(|lease| lease.connection == connection)
    }

    fn lend(&mut self, lease: Lease<u32>) {
        assert!(self.live.contains(&lease.connection), "lent after its end");
        assert!(!self.is_lent(lease.connection), "two owners");
        assert!(lease.facts.due_at > self.now, "too old");
        self.lent.push(lease);
    }

    /// It is idle now, unless somebody got it or it was closed.
    fn came_free(&mut self, connection: u32) {
        if self.live.contains(&connection) && !self.is_lent(connection) {
            self.idle.push(connection);
        }
    }

    fn take_idle(&mut self) -> Option<Lease<u32>> {
        let lease = self.state.take_idle();
        assert_eq!(lease.as_ref().map(|l| l.connection), self.idle.pop());
        lease
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::Want(wanted) => {
                if wanted == Wanted::Any
                    && let Some(lease) = self.take_idle()
                {
                    self.lend(lease);
                    if self.state.is_short_of_idle() {
                        self.act(PoolState::open_what_is_wanted);
                    }
                    return;
                }
                let waiter = self.next();
                let mut out = Vec::new();
                let ticket = self.state.wait(wanted, waiter, self.now, &mut out);
                self.queue.push((ticket, wanted, waiter));
                self.carry_out(out);
            }
            Event::WantDead => {
                if let Some(lease) = self.take_idle() {
                    self.live.remove(&lease.connection);
                    self.act(|state, now, out| state.discard(lease.facts, now, out));
                }
            }
            Event::Leave(index) if index < self.queue.len() => {
                let (ticket, ..) = self.queue.remove(index);
                self.state.leave(ticket);
            }
            Event::Opened if self.opens > 0 => {
                self.opens -= 1;
                let new = self.born();
                self.act(|state, now, out| state.opened(new, now, out));
                self.came_free(new);
            }
            Event::Failed(verdict) if self.opens > 0 => {
                self.opens -= 1;
                self.act(|state, now, out| state.open_failed(verdict, "why", now, out));
            }
            Event::Abandoned if self.opens > 0 => {
                self.opens -= 1;
                self.act(PoolState::open_abandoned);
            }
            Event::PrivateOpened if self.permits > 0 => {
                self.permits -= 1;
                let new = self.born();
                let mut out = Vec::new();
                let lease = self.state.private_opened(new, self.now, &mut out);
                self.lend(lease);
                self.carry_out(out);
            }
            Event::PrivateFailed(verdict) if self.permits > 0 => {
                self.permits -= 1;
                self.act(|state, now, out| state.private_failed(verdict, &"why", now, out));
            }
            Event::PrivateAbandoned if self.permits > 0 => {
                self.permits -= 1;
                self.act(PoolState::private_abandoned);
            }
            Event::Release(index) if index < self.lent.len() => {
                let lease = self.lent.remove(index);
                let connection = lease.connection;
                self.act(|state, now, out| state.release(lease, now, out));
                self.came_free(connection);
            }
            Event::Discard(index) if index < self.lent.len() => {
                let lease = self.lent.remove(index);
                self.live.remove(&lease.connection);
                self.act(|state, now, out| state.discard(lease.facts, now, out));
            }
            Event::TakeThis(id) => {
                if let Some(lease) = self.state.take_this(ConnectionId(id)) {
                    assert_eq!(lease.facts.id, ConnectionId(id));
                    self.idle.retain(|other| *other != lease.connection);
                    self.lend(lease);
                    self.act(PoolState::open_what_is_wanted);
                }
            }
            Event::Pass(time) => {
                let until = self.now + time;
                while let Some(at) = self.wake_at.filter(|at| *at <= until) {
                    self.now = at;
                    self.wake_at = None;
                    self.act(PoolState::tick);
                    self.check();
                }
                self.now = until;
            }
            Event::Close => {
                self.is_closed = true;
                self.act(|state, _, out| state.close(out));
            }
            _ => {}
        }
    }

    fn check(&self) {
        let snapshot = self.state.snapshot(self.now);
        assert_eq!(snapshot.active, self.lent.len());
        assert_eq!(snapshot.idle, self.idle.len());
        assert_eq!(snapshot.connecting, self.opens + self.permits);
        assert_eq!(snapshot.waiting, self.queue.len());
        assert_eq!(self.live.len(), self.lent.len() + self.idle.len(), "lost");
        let options = self.state.options();
        let total = self.live.len() + self.opens + self.permits;
        assert!(total <= options.size, "above the limit");
        if self.is_closed {
            assert!(self.idle.is_empty() && self.queue.is_empty());
            return;
        }

        let waiting = self.queue.iter().filter(|w| w.1 == Wanted::Any).count();
        let private = self.queue.len() - waiting;
        assert!(
            waiting == 0 || self.idle.is_empty(),
            "somebody waits while a server is idle"
        );
        let opening = self.opens + self.permits;
        assert!(opening <= options.concurrent_connects);
        let missing = options.min_idle.saturating_sub(self.idle.len());
        let is_wanted = private > 0 || self.opens < waiting + missing;
        let has_room = total < options.size || (private > 0 && !self.idle.is_empty());
        if is_wanted && has_room && opening < options.concurrent_connects {
            let rate = self.state.closed_until(self.now);
            let paused = rate.max(self.state.denied.until(self.now));
            let paused = paused.expect("nobody opens although there is room");
            let wakes = self.wake_at.is_some_and(|at| at <= paused);
            assert!(wakes, "nobody will wake up and open");
        }
        if !self.idle.is_empty() {
            assert!(self.wake_at.is_some(), "idle servers do not expire");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn nothing_is_lost_doubled_or_forgotten(
        size in 1..6_usize,
        min_idle in 0..4_usize,
        concurrent in 1..4_usize,
        events in vec(event(), 0..200),
    ) {
        let mut model = Model::new(size, min_idle.min(size), concurrent);
        // What is kept ready is opened with the first event.
        model.act(PoolState::open_what_is_wanted);
        for event in events {
            model.apply(event);
            model.check();
        }
        // Everybody leaves.
        model.apply(Event::Close);
        while !model.lent.is_empty() {
            model.apply(Event::Release(0));
        }
        while model.opens > 0 {
            model.apply(Event::Opened);
        }
        while model.permits > 0 {
            model.apply(Event::PrivateAbandoned);
        }
        model.check();
        prop_assert!(model.live.is_empty(), "never closed: {:?}", model.live);
    }
}
