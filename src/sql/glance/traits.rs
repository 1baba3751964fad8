//! What a text may do to the session it runs in.

use std::fmt;
use std::ops::{BitOr, BitOrAssign};

/// A set of things that a text may do to its session. What is not in the set, it surely does not
/// do; what is in the set, it may do.
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Traits(u32);

/// The constants, and their names for `Debug`.
macro_rules! traits {
    ($($(#[$doc:meta])* $name:ident = $bit:literal;)*) => {
        impl Traits {
            $($(#[$doc])* pub const $name: Self = Self(1 << $bit);)*
        }
        const NAMES: &[(Traits, &str)] = &[$((Traits::$name, stringify!($name)),)*];
    };
}

traits! {
    /// Changes parameters that `pg_settings` shows, beyond the end of the transaction.
    PARAMETERS = 0;
    /// Changes parameters that `pg_settings` does not show: the role, the session's user, custom
    /// ones such as `app.user`.
    HIDDEN_PARAMETERS = 1;
    /// Changes parameters until the transaction ends (SET LOCAL, or set_config() perhaps).
    LOCAL_PARAMETERS = 2;
    /// Makes the server read string constants otherwise than [`super::glance`] does
    /// (`standard_conforming_strings` off), so that no later glance can be trusted.
    STRING_SYNTAX = 3;
    /// Drops prepared statements: DEALLOCATE, DISCARD ALL.
    DEALLOCATE = 4;
    /// DISCARD, of whatever. DISCARD ALL is also [`Self::PARAMETERS`] and [`Self::DEALLOCATE`].
    DISCARD = 5;
    /// PREPARE of SQL.
    SQL_PREPARE = 6;
    /// EXECUTE of SQL: of a statement that PREPARE made, or a Parse message.
    EXECUTE = 7;
    /// LISTEN. UNLISTEN leaves nothing behind.
    LISTEN = 8;
    /// Makes a temporary object.
    TEMPORARY_OBJECT = 9;
    /// Declares a cursor WITH HOLD.
    HOLDABLE_CURSOR = 10;
    /// Takes an advisory lock that the session holds. To give one back leaves nothing behind.
    ADVISORY_LOCK = 11;
    /// Asks for the sequence value that this session got last.
    SEQUENCE_READ = 12;
    /// May advance or set a sequence, and so change what currval() and lastval() say. True
    /// wherever it cannot be excluded.
    SEQUENCE_WRITE = 13;
    /// Seeds the session's random numbers.
    SEED = 14;
    /// LOAD of a library.
    LOAD = 15;
    /// BEGIN, COMMIT, ROLLBACK, SAVEPOINT and the like among other statements of the same text.
    TRANSACTION_CONTROL = 16;
    /// Names a server process: pg_backend_pid(), pg_cancel_backend(), pg_terminate_backend().
    BACKEND_FUNCTIONS = 17;
    /// Calls a function that is none of PostgreSQL's known ones. Whatever that function does
    /// inside is not seen: it may change parameters, and read or advance sequences.
    UNKNOWN_FUNCTION = 18;
    /// DO or CALL: code that may do anything.
    CODE = 19;
    /// Calls a function that is known to leave something else in the session: dblink's
    /// connections, a replication origin, a temporary replication slot, a backup.
    FUNCTION_STATE = 20;
    /// A statement that is not known and may change the session.
    UNKNOWN = 21;
    /// Calls nextval() or setval() by name. Always together with [`Self::SEQUENCE_WRITE`].
    SEQUENCE_CALL = 22;
    /// NOTIFY, or pg_notify() by name.
    NOTIFY = 23;
    /// Changes the catalog: CREATE, ALTER, DROP, COMMENT, GRANT, REVOKE, and DSQL's
    /// `AWS IAM GRANT`. DSQL takes one of them in a transaction, and nothing else with it.
    DDL = 24;
    /// Calls a function of the advisory locks by name, whatever it does. [`Self::ADVISORY_LOCK`]
    /// always comes with it.
    ADVISORY_CALL = 25;
    /// CLOSE of a cursor, or UNLISTEN.
    TIDY = 26;
}

impl Traits {
    /// None at all.
    pub const NONE: Self = Self(0);

    /// True if all of `other` are among these.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// True if one of `other` is among these.
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// True if there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// These and those.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These without those.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// True if the session's parameters have to be read back after the transaction. A function
    /// that is not known counts: it may call set_config().
    pub const fn may_change_parameters(self) -> bool {
        self.intersects(Self::PARAMETERS.union(Self::UNKNOWN_FUNCTION))
    }

    /// Why the session has to keep its server from now on, if it has to. Counts only if the
    /// statement succeeds: a LISTEN that the server refuses leaves nothing behind.
    pub fn pin(self) -> Option<PinReason> {
        PINS.iter()
            .find(|(traits, _)| self.intersects(*traits))
            .map(|(_, reason)| *reason)
    }
}

impl BitOr for Traits {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.union(other)
    }
}

impl BitOrAssign for Traits {
    fn bitor_assign(&mut self, other: Self) {
        *self = self.union(other);
    }
}

impl fmt::Debug for Traits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = NAMES.iter().filter(|(bit, _)| self.contains(*bit));
        f.debug_set().entries(names.map(|(_, name)| name)).finish()
    }
}

/// Why a session keeps its server until it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PinReason {
    /// It changed a parameter that cannot be read back.
    HiddenParameter,
    /// It asked for a sequence's value of its own.
    SequenceRead,
    /// It advanced a sequence, and may ask for the value.
    SequenceWrite,
    /// It seeded random numbers.
    Seed,
    /// It listens.
    Listen,
    /// It has temporary objects.
    TemporaryObject,
    /// It has a statement that SQL's PREPARE made.
    SqlPrepare,
    /// It has a cursor that outlives its transaction.
    HoldableCursor,
    /// It may hold an advisory lock.
    AdvisoryLock,
    /// It loaded a library.
    Load,
    /// It ran DO or CALL.
    Code,
    /// It called a function that leaves something in the session.
    FunctionState,
    /// Its strings are read otherwise than by default.
    StringSyntax,
    /// It sent a statement that is not known.
    UnknownStatement,
    /// It sent a statement that was too long to be looked into.
    Unread,
    /// It asked at startup for what only a new connection can have.
    Startup,
}

/// Which traits pin. The first that applies is the one that is told.
static PINS: &[(Traits, PinReason)] = &[
    (Traits::HIDDEN_PARAMETERS, PinReason::HiddenParameter),
    (Traits::SEQUENCE_READ, PinReason::SequenceRead),
    (Traits::SEED, PinReason::Seed),
    (Traits::LISTEN, PinReason::Listen),
    (Traits::TEMPORARY_OBJECT, PinReason::TemporaryObject),
    (Traits::SQL_PREPARE, PinReason::SqlPrepare),
    (Traits::HOLDABLE_CURSOR, PinReason::HoldableCursor),
    (Traits::ADVISORY_LOCK, PinReason::AdvisoryLock),
    (Traits::LOAD, PinReason::Load),
    (Traits::CODE, PinReason::Code),
    (Traits::FUNCTION_STATE, PinReason::FunctionState),
    (Traits::STRING_SYNTAX, PinReason::StringSyntax),
    (Traits::UNKNOWN, PinReason::UnknownStatement),
];

/// For each reason its label and its explanation.
static TEXTS: &[(PinReason, &str, &str)] = &[
    (
        PinReason::HiddenParameter,
        "hidden_parameter",
        "it set its role or a custom parameter, which cannot be read back",
    ),
    (
        PinReason::SequenceRead,
        "sequence_read",
        "it asked for the sequence value that it got last (currval, lastval)",
    ),
    (
        PinReason::SequenceWrite,
        "sequence_write",
        "it advanced a sequence, and may ask for the value (currval, lastval)",
    ),
    (PinReason::Seed, "seed", "it seeded random()"),
    (PinReason::Listen, "listen", "it used LISTEN"),
    (
        PinReason::TemporaryObject,
        "temporary_object",
        "it made a temporary object",
    ),
    (
        PinReason::SqlPrepare,
        "sql_prepare",
        "it prepared a statement with PREPARE",
    ),
    (
        PinReason::HoldableCursor,
        "holdable_cursor",
        "it declared a cursor WITH HOLD",
    ),
    (
        PinReason::AdvisoryLock,
        "advisory_lock",
        "it asked for an advisory lock of the session",
    ),
    (PinReason::Load, "load", "it loaded a library with LOAD"),
    (
        PinReason::Code,
        "code",
        "it ran a block or procedure of its own (DO, CALL)",
    ),
    (
        PinReason::FunctionState,
        "function_state",
        "it called a function that leaves something in the session",
    ),
    (
        PinReason::StringSyntax,
        "string_syntax",
        "it turned standard_conforming_strings off",
    ),
    (
        PinReason::UnknownStatement,
        "unknown_statement",
        "it sent a statement that is not known and may change the session",
    ),
    (
        PinReason::Unread,
        "unread",
        "it sent a statement that is too long to be looked into",
    ),
    (
        PinReason::Startup,
        "startup",
        "it asked at startup for what only a new connection can have",
    ),
];

impl PinReason {
    /// Every reason, for whoever documents or counts them.
    pub fn all() -> impl Iterator<Item = Self> {
        TEXTS.iter().map(|(reason, ..)| *reason)
    }

    fn texts(self) -> (&'static str, &'static str) {
        let found = TEXTS.iter().find(|(reason, ..)| *reason == self);
        found.map_or(("", ""), |(_, label, text)| (label, text))
    }

    /// True if it stays although the transaction is rolled back in which it was done: session
    /// locks, prepared statements and the like belong to no transaction. What is not known may.
    pub fn outlives_rollback(self) -> bool {
        matches!(
            self,
            Self::AdvisoryLock
                | Self::SqlPrepare
                | Self::Seed
                | Self::Load
                | Self::FunctionState
                | Self::Code
                | Self::UnknownStatement
                | Self::Unread
        )
    }

    /// A label for a metric or JSON: lower case, `_` between words. Stable.
    pub fn as_str(self) -> &'static str {
        self.texts().0
    }

    /// What the session did, for a log line or a DETAIL: "it …".
    pub fn explanation(self) -> &'static str {
        self.texts().1
    }
}
