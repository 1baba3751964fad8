//! What the name before a parenthesis does to a session, if it is a function's.

use super::harmless::HARMLESS;
use super::traits::Traits;

/// An advisory lock of the session.
const TAKEN_LOCK: Traits = Traits::ADVISORY_LOCK.union(Traits::ADVISORY_CALL);

const SEQUENCE_CALL: Traits = Traits::SEQUENCE_CALL.union(Traits::SEQUENCE_WRITE);

/// Functions that do something to their session.
///
/// Sources: PostgreSQL manual, chapter "Functions and Operators": "Configuration Settings
/// Functions", "Sequence Manipulation Functions", "Random Functions", "Server Signaling
/// Functions", "Advisory Lock Functions", "Backup Control Functions", "Replication Management
/// Functions" (temporary slots, and the session's replication origin).
const RARE: &[(&str, Traits)] = &[
    ("currval", Traits::SEQUENCE_READ),
    ("lastval", Traits::SEQUENCE_READ),
    ("nextval", SEQUENCE_CALL),
    ("setval", SEQUENCE_CALL),
    ("setseed", Traits::SEED),
    ("pg_advisory_lock", TAKEN_LOCK),
    ("pg_advisory_lock_shared", TAKEN_LOCK),
    ("pg_try_advisory_lock", TAKEN_LOCK),
    ("pg_try_advisory_lock_shared", TAKEN_LOCK),
    ("pg_advisory_xact_lock", Traits::ADVISORY_CALL),
    ("pg_advisory_xact_lock_shared", Traits::ADVISORY_CALL),
    ("pg_try_advisory_xact_lock", Traits::ADVISORY_CALL),
    ("pg_try_advisory_xact_lock_shared", Traits::ADVISORY_CALL),
    ("pg_advisory_unlock", Traits::ADVISORY_CALL),
    ("pg_advisory_unlock_shared", Traits::ADVISORY_CALL),
    ("pg_advisory_unlock_all", Traits::ADVISORY_CALL),
    ("pg_backend_pid", Traits::BACKEND_FUNCTIONS),
    ("pg_cancel_backend", Traits::BACKEND_FUNCTIONS),
    ("pg_terminate_backend", Traits::BACKEND_FUNCTIONS),
    ("pg_log_backend_memory_contexts", Traits::BACKEND_FUNCTIONS),
    ("pg_notify", Traits::NOTIFY),
    ("pg_backup_start", Traits::FUNCTION_STATE),
    ("pg_start_backup", Traits::FUNCTION_STATE),
    (
        "pg_create_physical_replication_slot",
        Traits::FUNCTION_STATE,
    ),
    ("pg_create_logical_replication_slot", Traits::FUNCTION_STATE),
    ("pg_copy_physical_replication_slot", Traits::FUNCTION_STATE),
    ("pg_copy_logical_replication_slot", Traits::FUNCTION_STATE),
    (
        "pg_replication_origin_session_setup",
        Traits::FUNCTION_STATE,
    ),
];

/// Beginnings of the names of well-known extensions' functions that keep something in the
/// session: connections, hypothetical indexes, variables, another role.
const EXTENSIONS: &[&str] = &["dblink", "hypopg_", "pgv_", "dbms_", "set_user"];

/// What changes parameters; its arguments say which.
const SET_CONFIG: &str = "set_config";

/// What stands before a parenthesis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// A key word, a type, or a function that leaves nothing behind.
    Harmless,
    /// A function of which it is known what it does.
    Rare(Traits),
    /// `set_config`.
    SetConfig,
    /// No name that is known.
    Unknown,
}

/// PostgreSQL cuts names off behind this many bytes (`NAMEDATALEN`), so that a longer one is none
/// of the tables'.
const LONGEST: usize = 63;

/// What the word `name`, unquoted and in any case, means before a parenthesis.
pub(super) fn call(name: &[u8]) -> Call {
    if is_harmless(name) {
        return Call::Harmless;
    }
    if name.eq_ignore_ascii_case(SET_CONFIG.as_bytes()) {
        return Call::SetConfig;
    }
    let rare = RARE
        .iter()
        .find(|(rare, _)| name.eq_ignore_ascii_case(rare.as_bytes()));
    if let Some((_, traits)) = rare {
        return Call::Rare(*traits);
    }
    let of_extension = EXTENSIONS.iter().any(|prefix| {
        name.get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
    });
    if of_extension {
        Call::Rare(Traits::FUNCTION_STATE | Traits::UNKNOWN_FUNCTION | Traits::SEQUENCE_WRITE)
    } else {
        Call::Unknown
    }
}

/// Whether `name`, in any case, is in the table of harmless words.
pub(super) fn is_harmless(name: &[u8]) -> bool {
    let mut lower = [0; LONGEST];
    let Some(lower) = lower.get_mut(..name.len()) else {
        return false;
    };
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    let lower: &[u8] = lower;
    HARMLESS
        .binary_search_by(|word| word.as_bytes().cmp(lower))
        .is_ok()
}
