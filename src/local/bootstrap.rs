//! What PostgreSQL has to become before it can pass for DSQL.
//!
//! The script runs at every start and does nothing that it has done before, so that a data
//! directory follows when a newer version of this program prepares it differently.

use super::LocalError;
use super::postgres::{Admin, SUPERUSER};
use crate::dsql::{indexes, parameters};

/// The schema of what is ours inside PostgreSQL, the prefix of its parameters, and the mark of
/// errors that are to look like DSQL's own.
pub(super) const OWN: &str = "dsql_local";

/// Parameters that DSQL has and PostgreSQL has not, or has with a fixed value that is not DSQL's.
/// PostgreSQL knows them as `dsql_local.NAME`.
pub(super) const RENAMED: [&str; 4] = [
    "disable_sync_create_index",
    "max_connections",
    "server_version",
    "server_version_num",
];

/// The object ids of what `initdb` makes are smaller (`FirstNormalObjectId`,
/// `src/include/access/transam.h`).
const FIRST_OWN_OID: &str = "16384";

/// Parameters that PostgreSQL 16 no longer has, and so DSQL neither (release notes of PostgreSQL
/// 16; `lc_collate` seen 2026-09). An older PostgreSQL behind has them.
pub(super) const GONE: [&str; 2] = ["lc_collate", "lc_ctype"];

/// Prepares the PostgreSQL at the other end.
pub(super) async fn prepare(admin: &mut Admin) -> Result<(), LocalError> {
    admin.run(&script()).await
}

/// One part a subject, run in this order.
const PARTS: [&str; 26] = [
    include_str!("bootstrap/event_triggers_before.sql"),
    include_str!("bootstrap/roles.sql"),
    include_str!("bootstrap/set_config.sql"),
    include_str!("bootstrap/current_setting.sql"),
    include_str!("bootstrap/version.sql"),
    include_str!("bootstrap/pg_settings.sql"),
    include_str!("bootstrap/refuse.sql"),
    include_str!("bootstrap/limits.sql"),
    include_str!("bootstrap/jobs.sql"),
    include_str!("bootstrap/iam.sql"),
    include_str!("bootstrap/sys.sql"),
    include_str!("bootstrap/run_jobs.sql"),
    include_str!("bootstrap/columns.sql"),
    include_str!("bootstrap/quotas.sql"),
    include_str!("bootstrap/sizes.sql"),
    include_str!("bootstrap/functions.sql"),
    include_str!("bootstrap/function_bodies.sql"),
    include_str!("bootstrap/sync_index.sql"),
    include_str!("bootstrap/text_search.sql"),
    include_str!("bootstrap/extensions.sql"),
    include_str!("bootstrap/postgres16.sql"),
    include_str!("bootstrap/occ_owner.sql"),
    include_str!("bootstrap/occ_capture.sql"),
    include_str!("bootstrap/occ_shadow.sql"),
    include_str!("bootstrap/occ_apply.sql"),
    include_str!("bootstrap/event_triggers_after.sql"),
];

fn script() -> String {
    let mut script = String::from("SET LOCAL allow_system_table_mods = on;\n");
    let allowed = list(parameters::SUPPORTED.iter().map(|parameter| parameter.name));
    let renamed = list(RENAMED);
    let gone = list(GONE);
    for part in PARTS {
        let part = part
            .replace("{own}", OWN)
            .replace("{superuser}", SUPERUSER)
            .replace("{first_own_oid}", FIRST_OWN_OID)
            .replace("{allowed}", &allowed)
            .replace("{renamed}", &renamed)
            .replace("{gone}", &gone)
            .replace("{not_async_state}", indexes::NOT_ASYNC.sqlstate)
            .replace("{not_async}", indexes::NOT_ASYNC.text);
        script.push_str(&part);
    }
    script
}

/// The content of an array constructor. Parameter names need no escaping.
fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("'{name}'")).collect();
    quoted.join(", ")
}
