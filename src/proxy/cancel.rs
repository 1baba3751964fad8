//! Who may cancel or end what.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use subtle::ConstantTimeEq;

use crate::net::random::{self, NoRandomness};
use crate::session::{Identity, Processes, Signal};
use crate::wire::startup::{CancelRequest, ProtocolVersion};

/// The longest secret, from protocol 3.2 on, in bytes.
const LONG: usize = 32;

/// Random bytes that are asked for at a time.
const BLOCK: usize = 512;

/// The secret of protocol 3.0, in bytes.
const SHORT: usize = 4;

/// How many servers are remembered from which somebody has notified.
const NOTIFIERS: usize = 1000;

/// The clients that can be cancelled, by the process id that we told them.
#[derive(Debug, Default)]
pub(super) struct CancelRegistry {
    clients: RefCell<BTreeMap<i32, Rc<Entry>>>,
    /// The latest last.
    notifiers: RefCell<VecDeque<Notifier>>,
    last_pid: Cell<i32>,
    is_closing: Cell<bool>,
    secrets: RefCell<Secrets>,
}

/// Random bytes for secrets. To ask for four costs as much as for hundreds.
#[derive(Default)]
struct Secrets(Vec<u8>);

impl Secrets {
    fn fill(&mut self, secret: &mut [u8]) -> Result<(), NoRandomness> {
        if self.0.len() < secret.len() {
            let mut bytes = vec![0; BLOCK];
            random::fill(&mut bytes)?;
            self.0 = bytes;
        }
        // Each byte is used once.
        let rest = self.0.len().saturating_sub(secret.len());
        for (to, from) in secret.iter_mut().zip(self.0.drain(rest..)) {
            *to = from;
        }
        Ok(())
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}

struct Entry {
    secret: [u8; LONG],
    length: usize,
    owner: Owner,
    mailbox: Rc<Mailbox>,
}

/// Who has notified from a server last. Outlives both: what is sent is received later.
#[derive(Debug)]
struct Notifier {
    cluster: Rc<str>,
    server: i32,
    pid: i32,
}

/// What a client's task has not taken note of.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    signal: Cell<Option<Signal>>,
    closing: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

/// Whose session it is.
#[derive(Debug, Clone)]
pub(super) struct Owner {
    /// The cluster: its endpoint.
    pub(super) cluster: Rc<str>,
    /// The role that the client logged in as.
    pub(super) role: Rc<str>,
}

/// A client's place in the registry, given back when it goes.
#[derive(Debug)]
pub(super) struct CancelKey {
    registry: Rc<CancelRegistry>,
    pub(super) pid: i32,
    entry: Rc<Entry>,
}

/// What is wanted of a client's task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// What another client asks for.
    Signal(Signal),
    /// That it comes to its end.
    Close,
}

/// The clients of one cluster, as its sessions see them.
#[derive(Debug)]
struct OfCluster {
    registry: Rc<CancelRegistry>,
    cluster: Rc<str>,
}

impl CancelRegistry {
    /// Registers a client. Its key has 4 bytes in protocol 3.0, 32 from 3.2 on.
    pub(super) fn register(
        self: &Rc<Self>,
        version: ProtocolVersion,
        owner: Owner,
    ) -> Result<CancelKey, NoRandomness> {
        let length = if version >= ProtocolVersion::V3_2 {
            LONG
        } else {
            SHORT
        };
        let mut secret = [0; LONG];
        self.secrets
            .borrow_mut()
            .fill(secret.get_mut(..length).unwrap_or_default())?;
        let mut clients = self.clients.borrow_mut();
        let mut pid = self.last_pid.get();
        loop {
            pid = if pid == i32::MAX { 1 } else { pid + 1 };
            if !clients.contains_key(&pid) {
                break;
            }
        }
        self.last_pid.set(pid);
        let entry = Rc::new(Entry {
            secret,
            length,
            owner,
            mailbox: Rc::new(Mailbox {
                closing: Cell::new(self.is_closing.get()),
                ..Mailbox::default()
            }),
        });
        clients.insert(pid, Rc::clone(&entry));
        Ok(CancelKey {
            registry: Rc::clone(self),
            pid,
            entry,
        })
    }

    /// Passes a request on to the client it means, if the secret is right.
    pub(super) fn cancel(&self, request: &CancelRequest) -> bool {
        let clients = self.clients.borrow();
        let Some(entry) = clients.get(&request.pid) else {
            return false;
        };
        let right = bool::from(entry.secret().ct_eq(&request.secret));
        if right {
            entry.mailbox.put(Signal::Cancel);
        }
        right
    }

    /// Calls everybody off who is registered, or will be.
    pub(super) fn close(&self) {
        self.is_closing.set(true);
        for entry in self.clients.borrow().values() {
            entry.mailbox.closing.set(true);
            entry.mailbox.wake();
        }
    }
}

impl Entry {
    fn secret(&self) -> &[u8] {
        self.secret.get(..self.length).unwrap_or_default()
    }
}

impl Mailbox {
    /// Leaves a signal. Of several, the strongest is taken note of.
    pub(super) fn put(&self, signal: Signal) {
        self.signal.set(self.signal.get().max(Some(signal)));
        self.wake();
    }

    /// The signal that was left.
    pub(super) fn take(&self) -> Option<Signal> {
        self.signal.take()
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry").finish_non_exhaustive()
    }
}

impl CancelKey {
    /// What the client gets to know.
    pub(super) fn secret(&self) -> &[u8] {
        self.entry.secret()
    }

    /// What is wanted of the client's task. Asked whenever it wakes up, and so no more than two
    /// flags. A signal is reported once.
    #[inline]
    pub(super) fn poll_called(&self, cx: &mut Context<'_>) -> Poll<Call> {
        let mailbox = &*self.entry.mailbox;
        if mailbox.closing.get() {
            return Poll::Ready(Call::Close);
        }
        if let Some(signal) = mailbox.take() {
            return Poll::Ready(Call::Signal(signal));
        }
        let mut waker = mailbox.waker.borrow_mut();
        if !waker
            .as_ref()
            .is_some_and(|known| known.will_wake(cx.waker()))
        {
            *waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Waits until something is wanted. Dropping the future loses nothing.
    pub(super) async fn called(&self) -> Call {
        poll_fn(|cx| self.poll_called(cx)).await
    }

    /// Where signals for the client go.
    pub(super) fn mailbox(&self) -> Rc<Mailbox> {
        Rc::clone(&self.entry.mailbox)
    }

    /// Who the client is among those of its cluster.
    pub(super) fn identity(&self) -> Identity {
        let owner = &self.entry.owner;
        Identity {
            pid: self.pid,
            role: Rc::clone(&owner.role),
            processes: Rc::new(OfCluster {
                registry: Rc::clone(&self.registry),
                cluster: Rc::clone(&owner.cluster),
            }),
        }
    }
}

impl Drop for CancelKey {
    fn drop(&mut self) {
        self.registry.clients.borrow_mut().remove(&self.pid);
    }
}

impl Processes for OfCluster {
    fn role(&self, pid: i32) -> Option<Rc<str>> {
        let clients = self.registry.clients.borrow();
        let owner = &clients.get(&pid)?.owner;
        (owner.cluster == self.cluster).then(|| Rc::clone(&owner.role))
    }

    fn signal(&self, pid: i32, signal: Signal) {
        let clients = self.registry.clients.borrow();
        let found = clients.get(&pid);
        if let Some(entry) = found.filter(|entry| entry.owner.cluster == self.cluster) {
            entry.mailbox.put(signal);
        }
    }

    fn notifies(&self, pid: i32, server: i32) {
        let mut notifiers = self.registry.notifiers.borrow_mut();
        let others = |it: &Notifier| it.server != server || it.cluster != self.cluster;
        notifiers.retain(others);
        if notifiers.len() == NOTIFIERS {
            notifiers.pop_front();
        }
        notifiers.push_back(Notifier {
            cluster: Rc::clone(&self.cluster),
            server,
            pid,
        });
    }

    fn notifier(&self, server: i32) -> Option<i32> {
        let notifiers = self.registry.notifiers.borrow();
        let found = notifiers
            .iter()
            .find(|it| it.server == server && it.cluster == self.cluster);
        found.map(|it| it.pid)
    }
}
