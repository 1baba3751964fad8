//! Session parameters: which ones DSQL lets a session set, and what it says to the others.
//!
//! DSQL has a short list of parameters that `SET`, `SET SESSION`, `SET LOCAL`, the startup packet
//! and `options` may set. Every other name is answered with SQLSTATE 0A000 and [`not_supported`];
//! in the startup packet the same error is FATAL (seen 2026-09).
//!
//! More facts about SET, none of which names a parameter of the list:
//! - `RESET ALL`, `RESET x` and `RESET ROLE` work for every name (connector changelog, 2026-02).
//! - `SHOW` and `current_setting()` work (seen 2026-09).
//! - `SET CONSTRAINTS` works (since foreign keys, seen 2026-09).
//! - `SET TIME ZONE`, `SET NAMES` and `SET SCHEMA` are other names for `timezone`,
//!   `client_encoding` and `search_path`, as in PostgreSQL (probed grammar, 2026-10).
//! - `SET SESSION AUTHORIZATION DEFAULT` parses (probed grammar, 2026-10); that it works is not
//!   documented.

mod known;

/// The SQLSTATE of a parameter that may not be set: `feature_not_supported`. Seen 2026-09.
pub const SQLSTATE: &str = "0A000";

/// What [`not_supported`] begins with. AWS promises no text: match by prefix. Seen 2026-09.
pub const NOT_SUPPORTED_PREFIX: &str = "setting configuration parameter \"";

/// The name in the answer to `SET TRANSACTION …` and to `SET SESSION CHARACTERISTICS AS
/// TRANSACTION …`, whatever the modes, REPEATABLE READ included. Seen 2026-09.
pub const TRANSACTION: &str = "TRANSACTION";

/// The name in the answer to `SET ROLE` and `SET SESSION ROLE`. See [`Support::Disputed`].
pub const ROLE: &str = "role";

/// The prefix of DSQL's own parameters. AWS adds to them (the newest known is of 2026-09-11).
pub const OWN_PREFIX: &str = "dsql.";

/// A parameter that DSQL lets a session set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Supported {
    /// Its name in lower case.
    pub name: &'static str,
    /// Who says so.
    pub source: &'static str,
    /// When they said so: year and month, or a full date.
    pub date: &'static str,
}

const GUIDE: &str = "Aurora DSQL user guide; AWS's pg_dump proxy has the same list";
const RELEASE_NOTES: &str = "Aurora DSQL release notes";
const INDEXES: &str = "Aurora DSQL user guide, CREATE INDEX ASYNC";

const fn guide(name: &'static str) -> Supported {
    Supported {
        name,
        source: GUIDE,
        date: "2026-09",
    }
}

/// The parameters that DSQL lets a session set, sorted by name.
pub static SUPPORTED: &[Supported] = &[
    guide("application_name"),
    guide("client_encoding"),
    guide("datestyle"),
    Supported {
        name: "disable_sync_create_index",
        source: INDEXES,
        date: "2026-09",
    },
    Supported {
        name: "dsql.enable_batched_nestloop",
        source: RELEASE_NOTES,
        date: "2026-09-11",
    },
    guide("enable_bitmapscan"),
    guide("enable_hashjoin"),
    guide("enable_indexonlyscan"),
    guide("enable_indexscan"),
    guide("enable_material"),
    guide("enable_mergejoin"),
    guide("enable_nestloop"),
    guide("enable_seqscan"),
    guide("extra_float_digits"),
    guide("intervalstyle"),
    guide("search_path"),
    guide("timezone"),
];

/// What is known about setting a parameter on DSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// DSQL lets a session set it.
    Supported,
    /// The sources disagree, so only DSQL can say. This is `role`: the user guide (2026-09)
    /// allows `SET LOCAL ROLE` in a transaction, while `SET ROLE` and `SET LOCAL ROLE` were both
    /// refused with `setting configuration parameter "role" not supported` in 2026-08.
    Disputed,
    /// PostgreSQL knows it, or it is a custom parameter `a.b`, and DSQL refuses it.
    Unsupported,
    /// Neither PostgreSQL nor this table knows it; or it is a `dsql.` parameter that may be new.
    Unknown,
}

/// What is known about setting the parameter `name`, in any case.
pub fn support(name: &str) -> Support {
    if is_supported(name) {
        return Support::Supported;
    }
    let name = name.to_ascii_lowercase();
    if name == ROLE {
        Support::Disputed
    } else if name.starts_with(OWN_PREFIX) {
        Support::Unknown
    } else if is_known_to_postgresql(&name) || is_custom(&name) {
        Support::Unsupported
    } else {
        Support::Unknown
    }
}

/// Whether DSQL lets a session set the parameter `name`, in any case. False for [`ROLE`].
pub fn is_supported(name: &str) -> bool {
    SUPPORTED
        .iter()
        .any(|parameter| parameter.name.eq_ignore_ascii_case(name))
}

/// Whether some PostgreSQL up to 18 has a parameter `name`, in any case. Custom parameters
/// (`a.b`) are not in the list.
pub fn is_known_to_postgresql(name: &str) -> bool {
    known::POSTGRESQL
        .binary_search(&name.to_ascii_lowercase().as_str())
        .is_ok()
}

/// The names of the parameters that some PostgreSQL up to 18 has, in lower case, sorted; custom
/// ones left out.
pub fn names_of_postgresql() -> impl Iterator<Item = &'static str> {
    known::POSTGRESQL.iter().copied()
}

/// Whether `name` has the form `a.b`, which PostgreSQL accepts for any extension's parameter
/// (manual §20.16) and DSQL refuses (seen 2026-09).
fn is_custom(name: &str) -> bool {
    name.split('.').count() > 1 && name.split('.').all(|part| !part.is_empty())
}

/// What DSQL says to setting a parameter that it does not support. `name` is the name as DSQL
/// repeats it: as written, in lower case unless it was quoted. Seen 2026-09.
pub fn not_supported(name: &str) -> String {
    format!("{NOT_SUPPORTED_PREFIX}{name}\" not supported")
}

#[cfg(test)]
mod tests;
