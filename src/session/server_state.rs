//! What a server connection carries from one session to the next.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use bytes::BytesMut;

use super::detail::Detail;
use super::machine::Parameters;
use super::pipeline;
use super::settings::Settings;

/// A session's number, unique in the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId(pub u64);

/// What is known of one server connection while nobody uses it, and while somebody does.
#[derive(Debug)]
pub struct ServerState {
    /// Its parameters that are not at its own default.
    pub(super) settings: Rc<Settings>,
    /// What it has reported of its parameters last.
    pub(super) reported: Parameters,
    /// What it reported when it had been opened.
    base: Parameters,
    pub(super) prepared: Prepared,
    pub(super) sequences: Sequences,
    pub(super) spare: Spare,
    /// Its process id, if it told one.
    pub(super) pid: Option<i32>,
    /// Requests to cancel that have been sent and of which nothing has been seen.
    cancels: u32,
}

/// What a session needs while it has a server: empty, and lent with the server, so that neither
/// the sessions that have none hold memory for it, nor each transaction allocates it.
#[derive(Debug, Default)]
pub(super) struct Spare {
    pub(super) messages: BytesMut,
    pub(super) entries: VecDeque<pipeline::Entry>,
    pub(super) details: VecDeque<Detail>,
}

/// Who may have advanced sequences on a connection, and could ask for it with `currval()`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sequences {
    Untouched,
    TouchedBy(SessionId),
    /// By more than one session.
    Mixed,
}

impl Sequences {
    /// A session may advance a sequence.
    pub(super) fn touch(&mut self, session: SessionId) {
        *self = match *self {
            Self::Untouched => Self::TouchedBy(session),
            Self::TouchedBy(other) if other == session => *self,
            Self::TouchedBy(_) | Self::Mixed => Self::Mixed,
        };
    }

    /// True if whatever `currval()` says now is this session's own.
    pub(super) fn are_readable_by(self, session: SessionId) -> bool {
        self == Self::Untouched || self == Self::TouchedBy(session)
    }
}

impl ServerState {
    /// The state of a server that has just reported these parameters.
    pub fn new(reported: Parameters, max_prepared_statements: usize) -> Self {
        Self {
            settings: Rc::default(),
            base: reported.clone(),
            reported,
            prepared: Prepared::new(max_prepared_statements),
            sequences: Sequences::Untouched,
            spare: Spare::default(),
            pid: None,
            cancels: 0,
        }
    }

    /// The server has this process id.
    #[must_use]
    pub fn with_pid(mut self, pid: Option<i32>) -> Self {
        self.pid = pid;
        self
    }

    /// A request to cancel is about to be sent.
    pub fn cancel_sent(&mut self) {
        self.cancels += 1;
    }

    /// A statement has been cancelled. Two requests may end as one.
    pub(super) fn cancel_seen(&mut self) {
        self.cancels = self.cancels.saturating_sub(1);
    }

    /// True if a request to cancel may still be on its way: it would hit whoever comes next.
    pub fn awaits_cancel(&self) -> bool {
        self.cancels > 0
    }

    /// What the server has reported of its parameters last.
    pub fn reported(&self) -> &Parameters {
        &self.reported
    }

    /// What it reported when it had been opened.
    pub fn base(&self) -> &Parameters {
        &self.base
    }

    /// Parameters have been brought to these settings by somebody else than a session.
    pub fn set_settings(&mut self, settings: Rc<Settings>) {
        self.settings = settings;
    }

    /// Its parameters that are not at its own default.
    pub fn settings(&self) -> &Rc<Settings> {
        &self.settings
    }

    /// The server reports a parameter.
    pub fn report(&mut self, name: &[u8], value: &[u8]) {
        self.reported.set(name, value);
    }

    /// True if only this session may have advanced sequences on it, and it may have.
    pub fn is_touched_by(&self, session: SessionId) -> bool {
        self.sequences == Sequences::TouchedBy(session)
    }

    /// True if `currval()` on this server would show this session nothing that is not its own.
    pub fn sequences_are_readable_by(&self, session: SessionId) -> bool {
        self.sequences.are_readable_by(session)
    }
}

/// The statements that are prepared on a server: a bounded number, the least recently used one
/// goes first.
#[derive(Debug)]
pub(super) struct Prepared {
    statements: BTreeMap<u64, Entry>,
    limit: usize,
    clock: u64,
}

#[derive(Debug)]
struct Entry {
    /// What Describe says of it here, if it is known.
    description: Option<u64>,
    used: u64,
    /// When it was analysed: see [`super::statements::Registry::tick`].
    analysed: u64,
}

impl Prepared {
    fn new(limit: usize) -> Self {
        Self {
            statements: BTreeMap::new(),
            limit: limit.max(1),
            clock: 0,
        }
    }

    /// True if the statement is there.
    pub(super) fn has(&self, id: u64) -> bool {
        self.statements.contains_key(&id)
    }

    /// True if the statement is there. Counts as a use.
    pub(super) fn touch(&mut self, id: u64) -> bool {
        self.clock += 1;
        match self.statements.get_mut(&id) {
            Some(entry) => {
                entry.used = self.clock;
                true
            }
            None => false,
        }
    }

    /// When the statement was analysed here, if it is there.
    pub(super) fn analysed(&self, id: u64) -> Option<u64> {
        self.statements.get(&id).map(|entry| entry.analysed)
    }

    /// The statement is being prepared. The one that has to go for it, if one has to.
    pub(super) fn insert(&mut self, id: u64, analysed: u64) -> Option<u64> {
        self.clock += 1;
        let used = self.clock;
        let full = self.statements.len() >= self.limit && !self.statements.contains_key(&id);
        let oldest = || {
            self.statements
                .iter()
                .min_by_key(|(_, entry)| entry.used)
                .map(|(id, _)| *id)
        };
        let evicted = if full { oldest() } else { None };
        if let Some(oldest) = evicted {
            self.statements.remove(&oldest);
        }
        self.statements.insert(
            id,
            Entry {
                description: None,
                used,
                analysed,
            },
        );
        evicted
    }

    pub(super) fn remove(&mut self, id: u64) {
        self.statements.remove(&id);
    }

    pub(super) fn clear(&mut self) {
        self.statements.clear();
    }

    pub(super) fn description(&self, id: u64) -> Option<u64> {
        self.statements.get(&id)?.description
    }

    pub(super) fn describe(&mut self, id: u64, description: Option<u64>) {
        if let Some(entry) = self.statements.get_mut(&id) {
            entry.description = description;
        }
    }
}
