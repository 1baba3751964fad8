-- The cluster's limits, for the checks below. DSQL's own values (user guide, "Quotas", 2026-09); the
-- front writes over them what this cluster was started with.
CREATE TABLE IF NOT EXISTS pg_catalog.{own}_limits (name text PRIMARY KEY, value bigint NOT NULL);
INSERT INTO pg_catalog.{own}_limits VALUES
  ('tables', 1000), ('schemas', 10), ('views', 5000), ('sequences', 5000),
  ('indexes_per_table', 24), ('index_key_columns', 8), ('columns_per_table', 255),
  ('statistics_per_table', 5), ('statistics_target', 100),
  ('varchar_length', 65535), ('char_length', 4096)
  ON CONFLICT (name) DO UPDATE SET value = excluded.value;
CREATE OR REPLACE FUNCTION pg_catalog.{own}_limit(text) RETURNS bigint
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  RETURN (SELECT value FROM {own}_limits WHERE name = $1);
