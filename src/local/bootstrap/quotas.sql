-- How much of everything there may be (texts: user guide, "Quotas", 2026-09; seen 2026-10).

-- A schema that holds what users make.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_is_users(schema oid) RETURNS boolean
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT nspname NOT IN ('sys', 'information_schema') AND nspname !~ '^pg_'
  FROM pg_namespace WHERE oid = $1 $$;

CREATE OR REPLACE FUNCTION pg_catalog.{own}_check_index(index_id oid) RETURNS void
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  index pg_index;
  bad oid;
BEGIN
  SELECT * INTO index FROM pg_index WHERE indexrelid = index_id;
  IF index.indnkeyatts > {own}_limit('key_columns') THEN
    PERFORM {own}_refuse('54011', format('more than %s column keys in an index are not supported',
      {own}_limit('key_columns')));
  END IF;
  -- What the columns were declared to hold at most, where they were: `varchar(n)` and `char(n)`.
  -- The index's own columns do not say.
  IF (SELECT sum(a.atttypmod - 4) FROM pg_attribute a
      WHERE a.attrelid = index.indrelid AND a.atttypmod >= 4
        AND a.atttypid IN ('varchar'::regtype, 'bpchar'::regtype)
        AND a.attnum = ANY (index.indkey[0:index.indnkeyatts - 1]))
    > {own}_limit('declared_key_size')
  THEN
    PERFORM {own}_refuse('54000', format('key size greater than %s bytes not supported',
      {own}_limit('declared_key_size')));
  END IF;
  SELECT {own}_base_type(atttypid) INTO bad FROM pg_attribute
    WHERE attrelid = index_id AND attnum <= index.indnkeyatts
      AND {own}_base_type(atttypid) IN ('bytea'::regtype, 'json'::regtype, 'jsonb'::regtype)
    ORDER BY attnum LIMIT 1;
  IF FOUND THEN
    PERFORM {own}_refuse('0A000', format('datatype %s is not supported in a key',
      {own}_type_name(bad)));
  END IF;
END $$;

CREATE OR REPLACE FUNCTION pg_catalog.{own}_check_table(table_id oid) RETURNS void
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  columns bigint := (SELECT count(*) FROM pg_attribute
    WHERE attrelid = table_id AND attnum > 0 AND NOT attisdropped);
BEGIN
  -- Every column is in the primary key's index; a table without one has a hidden column there.
  IF EXISTS (SELECT FROM pg_index WHERE indrelid = table_id AND indisprimary) THEN
    IF columns > {own}_limit('columns_with_key') THEN
      PERFORM {own}_refuse('54011', format('cannot use more than %s columns in an index',
        {own}_limit('columns_with_key')));
    END IF;
  ELSIF columns > {own}_limit('columns') THEN
    PERFORM {own}_refuse('54011', format('tables can have at most %s columns',
      {own}_limit('columns')));
  END IF;
  -- Dropped ones count.
  IF (SELECT relnatts FROM pg_class WHERE oid = table_id) > {own}_limit('lifetime_columns') THEN
    PERFORM {own}_refuse('54011', format('tables can have at most %s columns',
      {own}_limit('lifetime_columns')));
  END IF;
  PERFORM {own}_check_index(indexrelid) FROM pg_index WHERE indrelid = table_id;
  IF (SELECT count(*) FROM pg_index WHERE indrelid = table_id)
    > {own}_limit('indexes')
  THEN
    PERFORM {own}_refuse('54000', format('more than %s indexes per table are not allowed',
      {own}_limit('indexes')));
  END IF;
END $$;

CREATE OR REPLACE FUNCTION pg_catalog.{own}_check_statistics(statistics_id oid) RETURNS void
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  statistics pg_statistic_ext;
BEGIN
  SELECT * INTO statistics FROM pg_statistic_ext WHERE oid = statistics_id;
  IF (SELECT count(*) FROM pg_statistic_ext WHERE stxrelid = statistics.stxrelid)
    > {own}_limit('statistics')
  THEN
    PERFORM {own}_refuse('54000', format(
      'more than %s extended statistics per table are not allowed',
      {own}_limit('statistics')));
  ELSIF statistics.stxstattarget > {own}_limit('statistics_target') THEN
    PERFORM {own}_refuse('22023', format(
      'statistics target %s exceeds maximum allowed value of %s',
      statistics.stxstattarget, {own}_limit('statistics_target')));
  END IF;
END $$;

-- Counts what a statement has made one more of.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_check_count(type text) RETURNS void
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  quota record;
  found_count bigint;
BEGIN
  SELECT * INTO quota FROM (VALUES
      ('table', 'tables', '{r,p}'::"char"[], 'creating more than %s tables not allowed'),
      ('view', 'views', '{v}', 'creating more than %s views not allowed'),
      ('sequence', 'sequences', '{S}', 'creating more than %s sequences is not allowed'),
      ('schema', 'schemas', NULL, 'more than %s schemas not allowed')
    ) q (type, name, kinds, text) WHERE q.type = $1;
  IF NOT FOUND THEN
    RETURN;
  ELSIF quota.kinds IS NULL THEN
    SELECT count(*) INTO found_count FROM pg_namespace
      WHERE {own}_is_users(oid) AND nspname <> 'public';
  ELSE
    SELECT count(*) INTO found_count FROM pg_class
      WHERE relkind = ANY (quota.kinds) AND {own}_is_users(relnamespace);
  END IF;
  IF found_count > {own}_limit(quota.name) THEN
    PERFORM {own}_refuse('54000', format(quota.text, {own}_limit(quota.name)));
  END IF;
END $$;

CREATE OR REPLACE FUNCTION pg_catalog.{own}_on_quota() RETURNS event_trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  command record;
BEGIN
  IF session_user = '{superuser}' THEN
    RETURN;
  END IF;
  PERFORM {own}_check_count(object_type)
    FROM (SELECT DISTINCT object_type FROM pg_event_trigger_ddl_commands()
      WHERE command_tag LIKE 'CREATE %') made;
  PERFORM {own}_check_table(t) FROM (
    SELECT DISTINCT COALESCE(i.indrelid, c.objid) AS t
    FROM pg_event_trigger_ddl_commands() c LEFT JOIN pg_index i ON i.indexrelid = c.objid
    WHERE c.classid = 'pg_class'::regclass AND c.object_type IN ('table', 'index')) tables;
  IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() c JOIN pg_rewrite r ON r.ev_class = c.objid
    WHERE c.classid = 'pg_class'::regclass AND c.object_type = 'view'
      AND octet_length(r.ev_action::text) > {own}_limit('view_size'))
  THEN
    PERFORM {own}_refuse('54000', 'view definition too large');
  END IF;
  PERFORM {own}_check_statistics(objid) FROM pg_event_trigger_ddl_commands()
    WHERE classid = 'pg_statistic_ext'::regclass;
END $$;
DROP EVENT TRIGGER IF EXISTS {own}_quota;
CREATE EVENT TRIGGER {own}_quota ON ddl_command_end
  WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE', 'CREATE INDEX', 'CREATE SCHEMA', 'CREATE VIEW',
    'CREATE SEQUENCE', 'CREATE STATISTICS', 'ALTER STATISTICS')
  EXECUTE FUNCTION pg_catalog.{own}_on_quota();
