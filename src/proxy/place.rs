//! Room for a limited number of clients.

use std::cell::Cell;
use std::rc::Rc;

/// Clients beyond the limit that may be on the line at the same time, to be told that they are
/// too many. Who comes when even these are taken finds a closed door.
const STANDING_ROOM: usize = 64;

/// A client's place, given back when it goes.
pub(super) struct Place {
    count: Rc<Cell<usize>>,
    /// True if the client can only be told to go.
    pub(super) over_limit: bool,
}

impl Place {
    /// A place, if there is one even to stand on.
    pub(super) fn take(count: &Rc<Cell<usize>>, limit: usize) -> Option<Self> {
        let taken = count.get();
        if taken >= limit.saturating_add(STANDING_ROOM) {
            return None;
        }
        count.set(taken + 1);
        Some(Self {
            count: Rc::clone(count),
            over_limit: taken >= limit,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.count.set(self.count.get() - 1);
    }
}
