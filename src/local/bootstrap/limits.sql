-- The cluster's limits, for the checks below. DSQL's own values (user guide, "Quotas", 2026-09); the
-- front writes over them what this cluster was started with.
CREATE TABLE IF NOT EXISTS pg_catalog.{own}_limits (name text PRIMARY KEY, value bigint NOT NULL);
INSERT INTO pg_catalog.{own}_limits VALUES
  ('tables', 1000), ('schemas', 10), ('views', 5000), ('sequences', 5000), ('indexes', 24),
  ('key_columns', 8), ('declared_key_size', 2000), ('columns', 255), ('columns_with_key', 256),
  ('lifetime_columns', 1600), ('statistics', 5), ('statistics_target', 100),
  ('view_size', 524288), ('varchar_length', 65535), ('char_length', 4096),
  ('numeric_precision', 1000), ('key_size', 1981), ('value_size', 1048576),
  ('row_size', 2097152)
  ON CONFLICT (name) DO UPDATE SET value = excluded.value;
CREATE OR REPLACE FUNCTION pg_catalog.{own}_limit(text) RETURNS bigint
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  RETURN (SELECT value FROM {own}_limits WHERE name = $1);
