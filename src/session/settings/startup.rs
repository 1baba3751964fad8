//! What a startup packet asks for, as changes of a session that runs already.

use bytes::Bytes;

use super::{CLIENT_ENCODING, Change, value};
use crate::compat::options;

/// What a startup packet asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Startup {
    /// What to change on a server that has been opened without it, in this order.
    pub changes: Vec<Change>,
    /// Why only a connection of the client's own can have it, if so. The server judges the
    /// packet then.
    pub private: Option<String>,
}

/// Parameters that a server takes only while a session begins, or that mean something only then,
/// and why.
const AT_START_ONLY: &[&str] = &[
    // `backend` and `superuser-backend` in `pg_settings.context`, PostgreSQL 15 to 18.
    "ignore_system_indexes",
    "jit_debugging_support",
    "jit_profiling_support",
    "log_connections",
    "log_disconnections",
    "post_auth_delay",
    // They can be set later, without an effect.
    "local_preload_libraries",
    "session_preload_libraries",
    // What DSQL finds a cluster by; no parameter of PostgreSQL's.
    "amzn_cluster_id",
];

/// Parameters that cannot be read back, so that their values cannot travel.
const HIDDEN: &[&str] = &[
    "disable_sync_create_index",
    "is_superuser",
    "role",
    "seed",
    "session_authorization",
];

/// Reads the parameters of a startup packet, in the client's order. `user` and `database` are
/// passed over, and so are the protocol's own (`_pq_.…`).
pub fn startup_settings(parameters: &[(Vec<u8>, Vec<u8>)]) -> Startup {
    let mut startup = Startup::default();
    // PostgreSQL, too, takes `options` first (`process_startup_options` of `postinit.c`).
    for (_, value) in parameters.iter().filter(|(name, _)| name == b"options") {
        startup.options(value);
    }
    for (name, value) in parameters {
        match name.as_slice() {
            b"user" | b"database" | b"options" => {}
            b"replication" => startup.replication(value),
            name if name.starts_with(b"_pq_.") => {}
            name => startup.parameter(name, value),
        }
    }
    // The packet's values are in the server's encoding.
    startup
        .changes
        .sort_by_key(|change| change.name() == CLIENT_ENCODING);
    startup
}

impl Startup {
    fn private(&mut self, why: impl FnOnce() -> String) {
        self.private.get_or_insert_with(why);
    }

    fn options(&mut self, value: &[u8]) {
        let text = std::str::from_utf8(value).ok();
        match text.filter(|text| options::is_settings_only(text)) {
            Some(text) => {
                for (name, value) in options::settings(text) {
                    self.parameter(options::parameter(&name).as_bytes(), value.as_bytes());
                }
            }
            None => self.private(|| "`options` holds more than settings of parameters".to_owned()),
        }
    }

    /// Every spelling of "no" asks for an ordinary session.
    fn replication(&mut self, value: &[u8]) {
        let no = [b"false".as_slice(), b"off", b"no", b"0", b"f", b"n"];
        if !no.iter().any(|no| value.eq_ignore_ascii_case(no)) {
            self.private(|| "it asks for replication".to_owned());
        }
    }

    fn parameter(&mut self, name: &[u8], value: &[u8]) {
        let name = name.to_ascii_lowercase();
        let shown = String::from_utf8_lossy(&name);
        let is_one_of = |list: &[&str]| list.iter().any(|one| one.as_bytes() == name);
        let why = if !is_name(&name) {
            "no SET can spell its name"
        } else if is_one_of(AT_START_ONLY) {
            "it has an effect only when a session begins"
        } else if name.contains(&b'.') || is_one_of(HIDDEN) {
            "its value cannot be read back"
        } else if value::is_list(&name) && value::split(value).is_none() {
            "its value is not a list of names"
        } else if name == b"search_path" && value::mentions_temporary_schema(value) {
            "objects may be made in the schema of temporary ones"
        } else if name == b"standard_conforming_strings" && !value.eq_ignore_ascii_case(b"on") {
            "string constants are read otherwise than by default"
        } else {
            let (name, value) = (name.into(), Bytes::copy_from_slice(value));
            self.changes.push(Change::Startup { name, value });
            return;
        };
        self.private(|| format!("parameter \"{shown}\": {why}"));
    }
}

/// Whether it looks like a parameter's name.
fn is_name(name: &[u8]) -> bool {
    name.first()
        .is_some_and(|&b| b.is_ascii_lowercase() || b == b'_')
        && name
            .iter()
            .all(|&b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_$.".contains(&b))
}
