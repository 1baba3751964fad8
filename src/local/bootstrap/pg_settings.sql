-- The view shows DSQL's values and not our own parameters, and cannot be used to set one. What it
-- shows of those that we renamed, nobody can change, so all its values are the same.
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
