-- `simple` is the only text search configuration (seen 2026-09).
DELETE FROM pg_catalog.pg_ts_config_map WHERE mapcfg IN (
  SELECT oid FROM pg_catalog.pg_ts_config
  WHERE oid < {first_own_oid} AND cfgname OPERATOR(pg_catalog.<>) 'simple');
DELETE FROM pg_catalog.pg_ts_config
  WHERE oid < {first_own_oid} AND cfgname OPERATOR(pg_catalog.<>) 'simple';
