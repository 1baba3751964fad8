-- How large a row, a value and a key may be, looked at when a row has been written. Nearly every
-- row is small: only one that is larger than the smallest of the limits costs more than a look at
-- its size. `{own}.large_row` is that limit, and `{own}.large_value` the smaller one of those for
-- values and rows, both set for new sessions with the limits. (What an earlier
-- statement has stored compressed, and this one leaves alone, is taken for what it takes there.)

-- What PostgreSQL makes of a long value: it is compressed where that helps. DSQL's limit is for
-- what is stored (text compression since 2026-08-26), and nothing but storing it tells how much
-- that is. Nobody sees a row of this table, each is gone when it has been measured.
CREATE UNLOGGED TABLE IF NOT EXISTS pg_catalog.{own}_measured (
  of_text text, of_bytea bytea, of_jsonb jsonb);
CREATE OR REPLACE FUNCTION pg_catalog.{own}_stored_size(of_text text, of_bytea bytea, of_jsonb jsonb)
  RETURNS bigint LANGUAGE plpgsql VOLATILE SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  header CONSTANT integer := 4;
  size bigint := COALESCE(octet_length(of_text), octet_length(of_bytea),
    pg_column_size(of_jsonb) - header, 0);
BEGIN
  -- PostgreSQL leaves shorter rows as they are (manual, "TOAST").
  IF size < 2000 THEN
    RETURN size;
  END IF;
  INSERT INTO {own}_measured VALUES (of_text, of_bytea, of_jsonb);
  DELETE FROM {own}_measured m
    RETURNING COALESCE(pg_column_size(m.of_text), pg_column_size(m.of_bytea),
      pg_column_size(m.of_jsonb)) INTO size;
  RETURN size;
END $$;

-- Both run what the owner of an index wrote, and so with the rights of whoever writes the row.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_check_key_sizes(relation oid, new anyelement)
  RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  query text;
  size bigint;
BEGIN
  FOR query IN
    SELECT format('SELECT %s FROM (SELECT ($1).*) new %s', k.size,
      'WHERE ' || pg_get_expr(i.indpred, i.indrelid))
    FROM pg_index i, LATERAL (
      SELECT string_agg(format(CASE
            WHEN t.typlen > 0 THEN '(CASE WHEN %s IS NULL THEN 0 ELSE ' || t.typlen || ' END)'
            WHEN t.typcategory = 'S' THEN 'COALESCE(octet_length(%s), 0)'
            ELSE 'COALESCE(pg_column_size(%s), 0)' END,
          '(' || pg_get_indexdef(i.indexrelid, a.attnum, false) || ')'), ' + ') AS size,
        bool_or(t.typlen < 0) AS varies
      FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
      WHERE a.attrelid = i.indexrelid AND a.attnum <= i.indnkeyatts) k
    WHERE i.indrelid = relation AND k.varies
  LOOP
    EXECUTE query INTO size USING new;
    IF size > {own}_limit('key_size') THEN
      PERFORM {own}_refuse('54000', 'key size too large');
    END IF;
  END LOOP;
END $$;

CREATE OR REPLACE FUNCTION pg_catalog.{own}_check_value_sizes(relation oid, new anyelement)
  RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  column_ record;
  size bigint;
  row_size bigint := 0;
BEGIN
  FOR column_ IN
    SELECT format(CASE WHEN t.typlen > 0 THEN 'SELECT pg_column_size(($1).%I)'
        WHEN t.oid = 'bytea'::regtype THEN 'SELECT {own}_stored_size(NULL, ($1).%I, NULL)'
        WHEN t.oid = 'jsonb'::regtype THEN 'SELECT {own}_stored_size(NULL, NULL, ($1).%I)'
        WHEN t.typcategory = 'S' OR t.oid = 'json'::regtype
          THEN 'SELECT {own}_stored_size(($1).%I::text, NULL, NULL)'
        ELSE 'SELECT pg_column_size(($1).%I)' END, a.attname) AS query,
      CASE t.typname WHEN 'bpchar' THEN 'char' ELSE t.typname END AS type_name
    FROM pg_attribute a JOIN pg_type t ON t.oid = {own}_base_type(a.atttypid)
    WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attnum
  LOOP
    EXECUTE column_.query INTO size USING new;
    IF size > {own}_limit('value_size') THEN
      PERFORM {own}_refuse('54000', format('datatype limit greater than %s bytes not supported for %s',
        {own}_limit('value_size'), column_.type_name));
    END IF;
    row_size := row_size + COALESCE(size, 0);
  END LOOP;
  IF row_size > {own}_limit('row_size') THEN
    PERFORM {own}_refuse('54000', 'maximum row size exceeded');
  END IF;
END $$;

CREATE OR REPLACE FUNCTION pg_catalog.{own}_on_large_row() RETURNS trigger
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- Most keys have a fixed size, and most large rows are not that large.
  IF EXISTS (SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indexrelid
      WHERE i.indrelid = TG_RELID AND a.attlen < 0 AND a.attnum <= i.indnkeyatts) THEN
    PERFORM {own}_check_key_sizes(TG_RELID, NEW);
  END IF;
  IF pg_column_size(NEW) > {own}_current_setting('{own}.large_value')::bigint THEN
    PERFORM {own}_check_value_sizes(TG_RELID, NEW);
  END IF;
  RETURN NULL;
END $$;

-- Triggers that nobody sees: tools take internal ones for the inside of a foreign key. The
-- condition is evaluated when a row is written; rows that do not meet it are not kept for the end
-- of the statement. It mentions no column, so that none is held fast by it.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_watch_sizes(relation oid) RETURNS void
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp SET allow_system_table_mods = on AS $$
BEGIN
  IF EXISTS (SELECT FROM pg_trigger
      WHERE tgrelid = relation AND tgfoid = '{own}_on_large_row()'::regprocedure) THEN
    RETURN;
  END IF;
  EXECUTE format('CREATE TRIGGER {own}_large_row AFTER INSERT OR UPDATE ON %s FOR EACH ROW
    WHEN (pg_column_size(NEW.*) > {own}_current_setting(''{own}.large_row'', true)::int)
    EXECUTE FUNCTION {own}_on_large_row()', relation::regclass);
  UPDATE pg_trigger SET tgisinternal = true
    WHERE tgrelid = relation AND tgfoid = '{own}_on_large_row()'::regprocedure;
END $$;
REVOKE ALL ON FUNCTION pg_catalog.{own}_watch_sizes(oid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION pg_catalog.{own}_on_table() RETURNS event_trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM {own}_watch_sizes(t.oid)
    FROM pg_event_trigger_ddl_commands() c JOIN pg_class t ON t.oid = c.objid
    WHERE c.classid = 'pg_class'::regclass AND t.relkind = 'r' AND t.relpersistence = 'p';
END $$;
DROP EVENT TRIGGER IF EXISTS {own}_table;
CREATE EVENT TRIGGER {own}_table ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'CREATE SCHEMA')
  EXECUTE FUNCTION pg_catalog.{own}_on_table();
-- Of a data directory that an earlier version prepared.
SELECT pg_catalog.{own}_watch_sizes(oid) FROM pg_catalog.pg_class
  WHERE relkind = 'r' AND relpersistence = 'p' AND pg_catalog.{own}_is_users(relnamespace);
