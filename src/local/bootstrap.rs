//! What PostgreSQL has to become before it can pass for DSQL.
//!
//! The script runs at every start and does nothing that it has done before, so that a data
//! directory follows when a newer version of this program prepares it differently.

use super::LocalError;
use super::postgres::{Admin, SUPERUSER};
use crate::dsql::parameters;

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

fn script() -> String {
    let mut script = String::from("SET LOCAL allow_system_table_mods = on;\n");
    let allowed = list(parameters::SUPPORTED.iter().map(|parameter| parameter.name));
    let renamed = list(RENAMED);
    let gone = list(GONE);
    for part in [ROLES, SET_CONFIG, CURRENT_SETTING, VERSION, PG_SETTINGS] {
        let part = part
            .replace("{own}", OWN)
            .replace("{superuser}", SUPERUSER)
            .replace("{first_own_oid}", FIRST_OWN_OID)
            .replace("{allowed}", &allowed)
            .replace("{renamed}", &renamed)
            .replace("{gone}", &gone);
        script.push_str(&part);
    }
    script
}

/// The content of an array constructor. Parameter names need no escaping.
fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("'{name}'")).collect();
    quoted.join(", ")
}

/// `admin` owns the schema `public` and may make schemas and roles, and no more: it is no
/// superuser (DSQL user guide, "Database roles", 2026-09). Whatever somebody did to it, it can
/// log in again after a start.
///
/// In PostgreSQL 15 who may make roles may also grant every role that is no superuser, and so run
/// programs and read files as PostgreSQL's user (manual, "Predefined Roles"). So the predefined
/// roles become superusers: only a superuser may grant those, membership does not make one, and
/// nobody can log in as them. Memberships from before are revoked.
const ROLES: &str = r"
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'admin') THEN
    CREATE ROLE admin;
  END IF;
END $$;
ALTER ROLE admin WITH LOGIN INHERIT CREATEROLE NOCREATEDB NOSUPERUSER NOREPLICATION NOBYPASSRLS
  CONNECTION LIMIT -1;
GRANT CONNECT, CREATE, TEMPORARY ON DATABASE postgres TO admin;
ALTER SCHEMA public OWNER TO admin;
UPDATE pg_catalog.pg_authid SET rolsuper = true
  WHERE oid < {first_own_oid} AND rolname LIKE 'pg\_%' AND NOT rolsuper;
DO $$
DECLARE
  membership record;
BEGIN
  FOR membership IN
    SELECT m.roleid::regrole AS role, m.member::regrole AS member, m.grantor::regrole AS grantor
    FROM pg_catalog.pg_auth_members m
    WHERE m.roleid < {first_own_oid} AND m.member >= {first_own_oid}
  LOOP
    EXECUTE format('REVOKE %s FROM %s GRANTED BY %s CASCADE',
      membership.role, membership.member, membership.grantor);
  END LOOP;
END $$;
";

/// `set_config()` takes what SET takes. The built-in function has to make room: PostgreSQL calls
/// a function with a built-in's object id without a look at its definition.
const SET_CONFIG: &str = r#"
DO $$ BEGIN
  IF to_regprocedure('pg_catalog.{own}_set_config(text, text, boolean)') IS NULL THEN
    ALTER FUNCTION pg_catalog.set_config(text, text, boolean) RENAME TO {own}_set_config;
  END IF;
END $$;
CREATE OR REPLACE FUNCTION pg_catalog.set_config(text, text, boolean) RETURNS text
  LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE AS $$
DECLARE
  name text := pg_catalog.lower($1);
BEGIN
  IF name OPERATOR(pg_catalog.<>) ALL (ARRAY[{allowed}]) THEN
    RAISE EXCEPTION USING ERRCODE = '0A000', SCHEMA = '{own}',
      MESSAGE = pg_catalog.concat('setting configuration parameter "', $1, '" not supported');
  END IF;
  IF name OPERATOR(pg_catalog.=) ANY (ARRAY[{renamed}]) THEN
    RETURN pg_catalog.{own}_set_config(pg_catalog.concat('{own}.', name), $2, $3);
  END IF;
  RETURN pg_catalog.{own}_set_config($1, $2, $3);
END $$;
"#;

/// `current_setting()` tells DSQL's values of the parameters that we renamed, and nothing of those
/// that are gone.
const CURRENT_SETTING: &str = r#"
DO $$ BEGIN
  IF to_regprocedure('pg_catalog.{own}_current_setting(text)') IS NULL THEN
    ALTER FUNCTION pg_catalog.current_setting(text) RENAME TO {own}_current_setting;
    ALTER FUNCTION pg_catalog.current_setting(text, boolean) RENAME TO {own}_current_setting;
  END IF;
END $$;
CREATE OR REPLACE FUNCTION pg_catalog.{own}_name(text) RETURNS text
  LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN pg_catalog.lower($1) OPERATOR(pg_catalog.=) ANY (ARRAY[{renamed}])
    THEN pg_catalog.concat('{own}.', pg_catalog.lower($1)) ELSE $1 END $$;
CREATE OR REPLACE FUNCTION pg_catalog.{own}_gone(text, boolean) RETURNS text
  LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
  IF $2 THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION USING ERRCODE = '42704', SCHEMA = '{own}',
    MESSAGE = pg_catalog.concat('unrecognized configuration parameter "', $1, '"');
END $$;
CREATE OR REPLACE FUNCTION pg_catalog.current_setting(text) RETURNS text
  LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN pg_catalog.lower($1) OPERATOR(pg_catalog.=) ANY (ARRAY[{gone}])
    THEN pg_catalog.{own}_gone($1, false)
    ELSE pg_catalog.{own}_current_setting(pg_catalog.{own}_name($1)) END $$;
CREATE OR REPLACE FUNCTION pg_catalog.current_setting(text, boolean) RETURNS text
  LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN pg_catalog.lower($1) OPERATOR(pg_catalog.=) ANY (ARRAY[{gone}])
    THEN pg_catalog.{own}_gone($1, $2)
    ELSE pg_catalog.{own}_current_setting(pg_catalog.{own}_name($1), $2) END $$;
"#;

/// Seen 2026-09: nothing but this.
const VERSION: &str = r"
DO $$ BEGIN
  IF to_regprocedure('pg_catalog.{own}_version()') IS NULL THEN
    ALTER FUNCTION pg_catalog.version() RENAME TO {own}_version;
  END IF;
END $$;
CREATE OR REPLACE FUNCTION pg_catalog.version() RETURNS text
  LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT 'PostgreSQL 16'::text $$;
";

/// The view shows DSQL's values and not our own parameters, and cannot be used to set one. What it
/// shows of those that we renamed, nobody can change, so all its values are the same.
const PG_SETTINGS: &str = r"
CREATE OR REPLACE VIEW pg_catalog.pg_settings AS
  SELECT a.name,
    CASE WHEN ours THEN pg_catalog.current_setting(a.name) ELSE a.setting END AS setting,
    a.unit, a.category, a.short_desc, a.extra_desc, a.context, a.vartype, a.source, a.min_val,
    a.max_val, a.enumvals,
    CASE WHEN ours THEN pg_catalog.current_setting(a.name) ELSE a.boot_val END AS boot_val,
    CASE WHEN ours THEN pg_catalog.current_setting(a.name) ELSE a.reset_val END AS reset_val,
    a.sourcefile, a.sourceline, a.pending_restart
  FROM pg_catalog.pg_show_all_settings() a,
    LATERAL (SELECT a.name OPERATOR(pg_catalog.=) ANY (ARRAY[{renamed}]) AS ours) o
  WHERE a.name !~~ '{own}.%' AND a.name OPERATOR(pg_catalog.<>) ALL (ARRAY[{gone}]);
CREATE OR REPLACE RULE pg_settings_u AS ON UPDATE TO pg_catalog.pg_settings
  WHERE new.name = old.name
  DO SELECT pg_catalog.set_config(old.name, new.setting, false);
";
