//! The functions (manual, §9.28.10 "Advisory Lock Functions").

/// How a lock is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LockMode {
    /// With others who share it.
    Shared,
    /// Alone.
    Exclusive,
}

impl LockMode {
    /// Whether two sessions cannot have the same lock in these modes.
    pub fn conflicts_with(self, other: Self) -> bool {
        self == Self::Exclusive || other == Self::Exclusive
    }

    /// PostgreSQL's name of it, in messages and `pg_locks`.
    pub fn lock_type(self) -> &'static str {
        match self {
            Self::Shared => "ShareLock",
            Self::Exclusive => "ExclusiveLock",
        }
    }
}

/// For how long a lock is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LockScope {
    /// Until it is released, or the session ends.
    Session,
    /// Until the transaction ends.
    Transaction,
}

/// What is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockFunction {
    /// Takes a lock, and waits for it: `pg_advisory_lock`, `pg_advisory_lock_shared`,
    /// `pg_advisory_xact_lock`, `pg_advisory_xact_lock_shared`.
    Lock(LockMode, LockScope),
    /// Takes a lock if it is free: `pg_try_advisory_lock` and so on.
    TryLock(LockMode, LockScope),
    /// Gives back a lock of the session: `pg_advisory_unlock`, `pg_advisory_unlock_shared`.
    Unlock(LockMode),
    /// Gives back all locks of the session: `pg_advisory_unlock_all`.
    UnlockAll,
}

/// The type of a call's column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockResult {
    /// `void`, whose value is an empty text.
    Void,
    /// `bool`.
    Bool,
    /// The call is cast to `text`: `void` becomes empty, `bool` becomes `true` or `false`.
    Text,
    /// The call is cast to `int4`: 0 or 1.
    Int4,
}

impl LockFunction {
    /// The function of this name, in any case.
    pub(super) fn named(name: &[u8]) -> Option<Self> {
        let found = FUNCTIONS
            .iter()
            .find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes()));
        found.map(|(_, function)| *function)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        let found = FUNCTIONS.iter().find(|(_, function)| *function == self);
        found.map_or("", |(name, _)| name)
    }

    /// The type of what it returns.
    pub fn result(self) -> LockResult {
        match self {
            Self::Lock(..) | Self::UnlockAll => LockResult::Void,
            Self::TryLock(..) | Self::Unlock(_) => LockResult::Bool,
        }
    }
}

use LockFunction::{Lock, TryLock, Unlock, UnlockAll};
use LockMode::{Exclusive, Shared};
use LockScope::{Session, Transaction};

#[rustfmt::skip]
pub(in crate::sql) static FUNCTIONS: &[(&str, LockFunction)] = &[
    ("pg_advisory_lock", Lock(Exclusive, Session)),
    ("pg_advisory_lock_shared", Lock(Shared, Session)),
    ("pg_advisory_xact_lock", Lock(Exclusive, Transaction)),
    ("pg_advisory_xact_lock_shared", Lock(Shared, Transaction)),
    ("pg_try_advisory_lock", TryLock(Exclusive, Session)),
    ("pg_try_advisory_lock_shared", TryLock(Shared, Session)),
    ("pg_try_advisory_xact_lock", TryLock(Exclusive, Transaction)),
    ("pg_try_advisory_xact_lock_shared", TryLock(Shared, Transaction)),
    ("pg_advisory_unlock", Unlock(Exclusive)),
    ("pg_advisory_unlock_shared", Unlock(Shared)),
    ("pg_advisory_unlock_all", UnlockAll),
];
