-- Columns as DSQL has them, whatever name their types go by. These see the catalog as it is after
-- the statement, and so the types behind domains and names.

-- The type that a column of this type holds.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_base_type(oid) RETURNS oid
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  WITH RECURSIVE base AS (
    SELECT t.oid, t.typbasetype FROM pg_type t WHERE t.oid = $1
    UNION ALL SELECT t.oid, t.typbasetype FROM pg_type t JOIN base b ON t.oid = b.typbasetype)
  SELECT oid FROM base WHERE typbasetype = 0 $$;

-- A type's name in an error: PostgreSQL's names for its own types, the bare name for others.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_type_name(oid) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN e.typnamespace = 'pg_catalog'::regnamespace THEN format_type(t.oid, NULL)
    ELSE concat(quote_ident(e.typname), CASE WHEN e.oid <> t.oid THEN '[]' END) END
  FROM pg_type t JOIN pg_type e
    ON e.oid = CASE WHEN t.typcategory = 'A' THEN t.typelem ELSE t.oid END
  WHERE t.oid = $1 $$;

-- Refuses a type that no column can have (user guide, "Supported data types", 2026-09). Too long
-- ones too; what a type modifier holds is in `src/include/catalog/pg_attribute.h` and
-- `varatt.h`: the length and 4 bytes more; of numeric, precision and scale.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_check_type(type oid, typmod integer) RETURNS void
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  base oid := {own}_base_type(type);
BEGIN
  IF base <> ALL (ARRAY['smallint', 'integer', 'bigint', 'real', 'double precision', 'numeric',
    'bpchar', 'varchar', 'text', 'date', 'time', 'timetz', 'timestamp', 'timestamptz', 'interval',
    'boolean', 'bytea', 'uuid', 'json', 'jsonb']::regtype[]::oid[])
  THEN
    PERFORM {own}_refuse('0A000', format('datatype %s not supported', {own}_type_name(base)));
  ELSIF base = 'varchar'::regtype AND typmod - 4 > {own}_limit('varchar_length') THEN
    PERFORM {own}_refuse('54000', format(
      'Datatype limit greater than %s bytes not supported for varchar',
      {own}_limit('varchar_length')));
  ELSIF base = 'bpchar'::regtype AND typmod - 4 > {own}_limit('char_length') THEN
    PERFORM {own}_refuse('54000', format(
      'Datatype limit greater than %s bytes not supported for char', {own}_limit('char_length')));
  ELSIF base = 'numeric'::regtype AND (typmod - 4) >> 16 > {own}_limit('numeric_precision') THEN
    PERFORM {own}_refuse('22023', format('NUMERIC precision %s must be between 1 and %s',
      (typmod - 4) >> 16, {own}_limit('numeric_precision')));
  END IF;
END $$;

CREATE OR REPLACE FUNCTION pg_catalog.{own}_on_columns() RETURNS event_trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF session_user = '{superuser}' THEN
    RETURN;
  END IF;
  PERFORM {own}_check_type(a.atttypid, a.atttypmod)
    FROM pg_event_trigger_ddl_commands() c JOIN pg_attribute a ON a.attrelid = c.objid
    WHERE c.classid = 'pg_class'::regclass AND c.object_type = 'table'
      AND a.attnum > 0 AND NOT a.attisdropped;
  -- ALTER TABLE … ADD GENERATED does not say the column's type.
  PERFORM {own}_refuse('0A000', format(
      'datatype %s not supported, identity column type must be bigint',
      {own}_type_name(a.atttypid)))
    FROM pg_event_trigger_ddl_commands() c JOIN pg_attribute a ON a.attrelid = c.objid
    WHERE c.classid = 'pg_class'::regclass AND c.object_type = 'table' AND NOT a.attisdropped
      AND a.attidentity <> '' AND a.atttypid <> 'bigint'::regtype;
  PERFORM {own}_check_type(t.oid, t.typtypmod)
    FROM pg_event_trigger_ddl_commands() c JOIN pg_type t ON t.oid = c.objid
    WHERE c.classid = 'pg_type'::regclass AND t.typtype = 'd';
END $$;
DROP EVENT TRIGGER IF EXISTS {own}_columns;
CREATE EVENT TRIGGER {own}_columns ON ddl_command_end
  WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE', 'CREATE SCHEMA', 'CREATE DOMAIN')
  EXECUTE FUNCTION pg_catalog.{own}_on_columns();

-- A column that is declared numeric is numeric(18,6) (seen 2026-10); 1179658 is what that is as a
-- type modifier. The table is new, or the column is, and has no value yet. A column that is
-- computed from others cannot be changed this way: see below.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_on_numeric() RETURNS event_trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF session_user = '{superuser}' THEN
    RETURN;
  END IF;
  UPDATE pg_attribute a SET atttypmod = 1179658
    WHERE a.attrelid IN (SELECT objid FROM pg_event_trigger_ddl_commands()
        WHERE classid = 'pg_class'::regclass AND object_type = 'table')
      AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
      AND a.atttypid = 'numeric'::regtype AND a.atttypmod = -1;
END $$;
DROP EVENT TRIGGER IF EXISTS {own}_numeric;
CREATE EVENT TRIGGER {own}_numeric ON ddl_command_end
  WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE', 'CREATE SCHEMA')
  EXECUTE FUNCTION pg_catalog.{own}_on_numeric();

-- Defaults are made to fit when they are stored, so they are stored again. Event triggers run in
-- the order of their names. This one runs what the table's owner wrote, and so not as superuser.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_on_numeric_default() RETURNS event_trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  col record;
BEGIN
  IF session_user = '{superuser}' THEN
    RETURN;
  END IF;
  FOR col IN
    SELECT a.attrelid::regclass AS relation, a.attname, a.attgenerated,
      pg_get_expr(d.adbin, d.adrelid) AS expression
    FROM pg_attribute a JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid IN (SELECT objid FROM pg_event_trigger_ddl_commands()
        WHERE command_tag = 'CREATE TABLE')
      AND a.atttypid = 'numeric'::regtype
      AND a.atttypmod = CASE a.attgenerated WHEN '' THEN 1179658 ELSE -1 END
  LOOP
    IF col.attgenerated = '' THEN
      EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT %s',
        col.relation, col.attname, col.expression);
    ELSE
      EXECUTE format('ALTER TABLE %s ALTER COLUMN %I TYPE numeric(18,6)',
        col.relation, col.attname);
    END IF;
  END LOOP;
END $$;
DROP EVENT TRIGGER IF EXISTS {own}_numeric_default;
CREATE EVENT TRIGGER {own}_numeric_default ON ddl_command_end
  WHEN TAG IN ('CREATE TABLE', 'CREATE SCHEMA')
  EXECUTE FUNCTION pg_catalog.{own}_on_numeric_default();

-- A primary key stays, and with it its columns. What was dropped is no longer in the catalog, so
-- the primary keys are noted before. The constraint's name is not in the statement's text, so
-- this is where it is refused.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_before_alter_table() RETURNS event_trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM {own}_set_config('{own}.primary_keys', COALESCE(
    (SELECT string_agg(oid::text, ',') FROM pg_constraint WHERE contype = 'p'), ''), true);
END $$;
DROP EVENT TRIGGER IF EXISTS {own}_before_alter_table;
CREATE EVENT TRIGGER {own}_before_alter_table ON ddl_command_start WHEN TAG IN ('ALTER TABLE')
  EXECUTE FUNCTION pg_catalog.{own}_before_alter_table();
CREATE OR REPLACE FUNCTION pg_catalog.{own}_on_drop() RETURNS event_trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  keys oid[] := string_to_array({own}_current_setting('{own}.primary_keys', true), ',')::oid[];
  key record;
  dropped_column text;
BEGIN
  IF session_user = '{superuser}' THEN
    RETURN;
  END IF;
  FOR key IN SELECT address_names FROM pg_event_trigger_dropped_objects()
    WHERE classid = 'pg_constraint'::regclass AND objid = ANY (keys)
  LOOP
    SELECT d.address_names[3] INTO dropped_column FROM pg_event_trigger_dropped_objects() d
      WHERE d.original AND d.object_type = 'table column'
        AND d.address_names[:2] = key.address_names[:2];
    IF FOUND THEN
      PERFORM {own}_refuse('0A000', format('cannot drop primary key column %s', dropped_column));
    END IF;
    PERFORM {own}_refuse('0A000', 'unsupported ALTER TABLE DROP CONSTRAINT statement');
  END LOOP;
END $$;
DROP EVENT TRIGGER IF EXISTS {own}_drop;
CREATE EVENT TRIGGER {own}_drop ON sql_drop WHEN TAG IN ('ALTER TABLE')
  EXECUTE FUNCTION pg_catalog.{own}_on_drop();
