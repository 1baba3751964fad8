//! Who may cancel what.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use subtle::ConstantTimeEq;
use tokio::sync::Notify;

use crate::net::random::{self, NoRandomness};
use crate::wire::startup::{CancelRequest, ProtocolVersion};

/// The clients that can be cancelled, by the process id that we told them.
#[derive(Debug, Default)]
pub(super) struct CancelRegistry {
    clients: RefCell<HashMap<i32, Entry>>,
    last_pid: Cell<i32>,
}

#[derive(Debug)]
struct Entry {
    secret: Vec<u8>,
    notify: Rc<Notify>,
}

/// A client's place in the registry, given back when it goes.
#[derive(Debug)]
pub(super) struct CancelKey {
    registry: Rc<CancelRegistry>,
    pub(super) pid: i32,
    pub(super) secret: Vec<u8>,
    notify: Rc<Notify>,
}

impl CancelRegistry {
    /// Registers a client. Its key has 4 bytes in protocol 3.0, 32 from 3.2 on.
    pub(super) fn register(
        self: &Rc<Self>,
        version: ProtocolVersion,
    ) -> Result<CancelKey, NoRandomness> {
        let mut secret = vec![
            0;
            if version >= ProtocolVersion::V3_2 {
                32
            } else {
                4
            }
        ];
        random::fill(&mut secret)?;
        let mut clients = self.clients.borrow_mut();
        let mut pid = self.last_pid.get();
        loop {
            pid = if pid == i32::MAX { 1 } else { pid + 1 };
            if !clients.contains_key(&pid) {
                break;
            }
        }
        self.last_pid.set(pid);
        let notify = Rc::new(Notify::new());
        clients.insert(
            pid,
            Entry {
                secret: secret.clone(),
                notify: Rc::clone(&notify),
            },
        );
        Ok(CancelKey {
            registry: Rc::clone(self),
            pid,
            secret,
            notify,
        })
    }

    /// Passes a request on to the client it means, if the secret is right.
    pub(super) fn cancel(&self, request: &CancelRequest) -> bool {
        let clients = self.clients.borrow();
        let Some(entry) = clients.get(&request.pid) else {
            return false;
        };
        let right = bool::from(entry.secret.ct_eq(&request.secret));
        if right {
            entry.notify.notify_one();
        }
        right
    }
}

impl CancelKey {
    /// Waits for a request to cancel. Dropping the future loses none.
    pub(super) async fn requested(&self) {
        self.notify.notified().await;
    }
}

impl Drop for CancelKey {
    fn drop(&mut self) {
        self.registry.clients.borrow_mut().remove(&self.pid);
    }
}
