//! Room for a limited number of clients.
//!
//! Who has not said yet who he is waits in the lobby. When the lobby is full the one who has
//! waited longest is shown out, so that a crowd that says nothing cannot lock out those who do.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use tokio::sync::Notify;

/// Clients that may be in the lobby, on top of as many as may log in: a pool that opens all its
/// connections at once must find room.
const LOBBY: usize = 512;

/// Places for clients that are logged in.
#[derive(Debug)]
pub(super) struct Places {
    taken: Rc<Cell<usize>>,
    limit: usize,
}

/// A client's place, given back when it goes.
#[derive(Debug)]
pub(super) struct Place(Rc<Cell<usize>>);

impl Places {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            taken: Rc::default(),
            limit,
        }
    }

    /// A place, if there is one.
    pub(super) fn take(&self) -> Option<Place> {
        let taken = self.taken.get();
        if taken >= self.limit {
            return None;
        }
        self.taken.set(taken + 1);
        Some(Place(Rc::clone(&self.taken)))
    }

    /// How many are taken.
    pub(super) fn taken(&self) -> usize {
        self.taken.get()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// Clients that have not logged in, in the order in which they came.
#[derive(Debug)]
pub(super) struct Lobby {
    waiting: RefCell<VecDeque<Rc<Notify>>>,
    seats: usize,
}

/// A seat in the lobby, given back when the client leaves it.
#[derive(Debug)]
pub(super) struct Seat {
    lobby: Rc<Lobby>,
    shown_out: Rc<Notify>,
}

impl Lobby {
    /// A lobby for a proxy that serves this many clients.
    pub(super) fn new(clients: usize) -> Self {
        Self {
            waiting: RefCell::default(),
            seats: clients.saturating_add(LOBBY),
        }
    }

    /// A seat; the client who has waited longest has to give up its own if there is no other.
    pub(super) fn enter(self: &Rc<Self>) -> Seat {
        let mut waiting = self.waiting.borrow_mut();
        if waiting.len() >= self.seats
            && let Some(oldest) = waiting.pop_front()
        {
            oldest.notify_one();
        }
        let shown_out = Rc::new(Notify::new());
        waiting.push_back(Rc::clone(&shown_out));
        Seat {
            lobby: Rc::clone(self),
            shown_out,
        }
    }
}

impl Seat {
    /// Waits until the seat is lost. Dropping the future changes nothing.
    pub(super) async fn shown_out(&self) {
        self.shown_out.notified().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut waiting = self.lobby.waiting.borrow_mut();
        if let Some(at) = waiting
            .iter()
            .position(|seat| Rc::ptr_eq(seat, &self.shown_out))
        {
            waiting.remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_given_back() {
        let places = Places::new(2);
        let first = places.take().unwrap();
        let _second = places.take().unwrap();
        assert!(places.take().is_none());
        drop(first);
        assert_eq!(places.taken(), 1);
        assert!(places.take().is_some());
    }

    #[test]
    fn a_full_lobby_shows_out_the_one_who_waited_longest() {
        let lobby = Rc::new(Lobby::new(10));
        let mut seats: Vec<_> = (0..LOBBY + 10).map(|_| lobby.enter()).collect();
        let gone = seats.remove(1);
        drop(gone);
        let latest = lobby.enter();
        let poll = |seat: &Seat| tokio_test_poll(seat.shown_out());
        assert!(!poll(&seats[0]), "there was a free seat");
        let _one_more = lobby.enter();
        assert!(poll(&seats[0]));
        assert!(!poll(&seats[1]) && !poll(&latest));
        drop(seats);
        assert_eq!(lobby.waiting.borrow().len(), 2);
    }

    fn tokio_test_poll(future: impl Future<Output = ()>) -> bool {
        let mut future = std::pin::pin!(future);
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        future.as_mut().poll(&mut context).is_ready()
    }
}
