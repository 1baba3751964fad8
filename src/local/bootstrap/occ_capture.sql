-- What a statement in a transaction block changed, told to the front as a notice: `TABLE OPERATION
-- ROWS BYTES`, and the rows themselves, as they were and as they are now. The front takes these
-- notices out of the stream. In autocommit rows are counted and nothing is told.
--
-- A row is the text of its record, which reads back to the same row under the settings below
-- whatever the session's are; base64 keeps it out of the client's encoding.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_pack(text[]) RETURNS text
  LANGUAGE sql IMMUTABLE AS $$
  SELECT pg_catalog.translate(pg_catalog.encode(
    pg_catalog.convert_to(pg_catalog.array_out($1)::pg_catalog.text, 'UTF8'), 'base64'), E'\n', '') $$;
CREATE OR REPLACE FUNCTION pg_catalog.{own}_unpack(text) RETURNS text[]
  LANGUAGE sql IMMUTABLE AS $$
  SELECT pg_catalog.convert_from(pg_catalog.decode($1, 'base64'), 'UTF8')::pg_catalog.text[] $$;

-- A parameter of ours as a number; the second argument where it is not set.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_number(text, bigint) RETURNS bigint
  LANGUAGE sql STABLE AS $$
  SELECT COALESCE(NULLIF(pg_catalog.{own}_current_setting($1, true), '')::pg_catalog.int8, $2) $$;

-- Counts what the transaction has changed. DSQL raises the row limit at the statement that
-- crosses it and the size limit at COMMIT, which in autocommit is the end of the statement
-- (documented and seen 2026-09).
CREATE OR REPLACE FUNCTION pg_catalog.{own}_account(rows bigint, bytes bigint, block boolean)
  RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  row_limit bigint := COALESCE({own}_limit('transaction_rows'), 3000);
  byte_limit bigint := COALESCE({own}_limit('transaction_size'), 10485760);
BEGIN
  rows := rows + {own}_number('{own}.rows', 0);
  bytes := bytes + {own}_number('{own}.bytes', 0);
  IF rows > row_limit THEN
    RAISE EXCEPTION USING ERRCODE = '54000', SCHEMA = '{own}',
      MESSAGE = 'transaction row limit exceeded';
  END IF;
  IF bytes > byte_limit AND NOT block THEN
    RAISE EXCEPTION USING ERRCODE = '54000', SCHEMA = '{own}',
      MESSAGE = format('transaction size limit %smb exceeded', byte_limit / 1048576),
      DETAIL = format('Current transaction size %smb > %smb', bytes / 1048576,
        byte_limit / 1048576);
  END IF;
  PERFORM {own}_set_config('{own}.rows', rows::text, true),
    {own}_set_config('{own}.bytes', bytes::text, true);
END $$;

CREATE OR REPLACE FUNCTION pg_catalog.{own}_tell(
    base text, operation text, rows bigint, bytes bigint, before text[], after text[])
  RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET client_min_messages = notice AS $$
BEGIN
  RAISE NOTICE USING MESSAGE = 'delta', SCHEMA = '{own}', DATATYPE = 'delta',
    DETAIL = concat_ws(' ', base, operation, rows, bytes,
      {own}_pack(before), {own}_pack(after));
END $$;

-- A row that the snapshot shows and another transaction has removed since is a ghost: PostgreSQL
-- takes its key again, and removes what it refers to. So this looks for two rows with one key, and
-- for a row whose parent has been removed. The error, as of a lock, has the front find on shadows
-- what the snapshot alone says; whether the transaction has lost shows when that is repeated.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_check_ghosts(
    base oid, operation text, before text[], after text[])
  RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF operation <> 'DELETE' AND after IS NOT NULL AND {own}_look('doubled', base, before, after)::boolean
    OR operation <> 'INSERT' AND before IS NOT NULL AND EXISTS (SELECT FROM pg_constraint k
      WHERE k.contype = 'f' AND k.confrelid = base
        AND {own}_dangles(k.oid, false, k.conrelid, base, before))
  THEN
    RAISE lock_not_available USING SCHEMA = '{own}',
      MESSAGE = 'another transaction has removed a row that the snapshot shows';
  END IF;
END $$;

-- `{own}.capture` is `rows` in a transaction block, `apply` while the front repeats what it has
-- been told, `repeat` while a row is written so, and not set in autocommit. A shadow's trigger names the table that it stands for.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_capture() RETURNS trigger
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD' SET "IntervalStyle" = 'postgres'
  SET "TimeZone" = 'UTC' SET extra_float_digits = 3 SET bytea_output = 'hex'
AS $$
DECLARE
  mode text := {own}_current_setting('{own}.capture', true);
  block boolean := mode IS NOT DISTINCT FROM 'rows';
  -- Rows that nobody can commit need not be carried.
  budget bigint := COALESCE({own}_limit('transaction_size'), 10485760)
    - {own}_number('{own}.bytes', 0);
  base text := COALESCE(TG_ARGV[0], TG_RELID::text);
  rows bigint;
  bytes bigint;
  before text[];
  after text[];
BEGIN
  IF mode IN ('apply', 'repeat') THEN
    RETURN NULL;
  END IF;
  IF TG_OP = 'DELETE' THEN
    SELECT count(*), COALESCE(sum(pg_column_size({own}_row.*)), 0) INTO rows, bytes FROM gone {own}_row;
  ELSE
    SELECT count(*), COALESCE(sum(pg_column_size({own}_row.*)), 0) INTO rows, bytes FROM made {own}_row;
  END IF;
  IF rows = 0 THEN
    RETURN NULL;
  END IF;
  PERFORM {own}_account(rows, bytes, block);
  IF NOT block THEN
    RETURN NULL;
  END IF;
  IF TG_NARGS > 0 OR bytes <= budget THEN
    -- The rows of both tables come in the order in which the statement changed them.
    IF TG_OP <> 'INSERT' THEN
      SELECT array_agg(({own}_row.*)::text) INTO before FROM gone {own}_row;
    END IF;
    IF TG_OP <> 'DELETE' THEN
      SELECT array_agg(({own}_row.*)::text) INTO after FROM made {own}_row;
    END IF;
  END IF;
  IF TG_NARGS > 0 THEN
    PERFORM {own}_check_references(base::oid, TG_OP, before, after);
  ELSE
    PERFORM {own}_check_ghosts(TG_RELID, TG_OP, before, after);
  END IF;
  PERFORM {own}_tell(base, "left"(TG_OP, 1), rows, bytes, before, after);
  RETURN NULL;
END $$;

-- Triggers that nobody sees: tools take internal ones for the inside of a foreign key.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_watch(relation oid, base text) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp SET allow_system_table_mods = on AS $$
DECLARE
  name text := relation::regclass::text;
  argument text := COALESCE(quote_literal(base), '');
BEGIN
  IF EXISTS (SELECT FROM pg_trigger
      WHERE tgrelid = relation AND tgfoid = '{own}_capture()'::regprocedure) THEN
    RETURN;
  END IF;
  EXECUTE format('CREATE TRIGGER {own}_capture_insert AFTER INSERT ON %s
    REFERENCING NEW TABLE AS made EXECUTE FUNCTION {own}_capture(%s)', name, argument);
  EXECUTE format('CREATE TRIGGER {own}_capture_update AFTER UPDATE ON %s
    REFERENCING OLD TABLE AS gone NEW TABLE AS made EXECUTE FUNCTION {own}_capture(%s)',
    name, argument);
  EXECUTE format('CREATE TRIGGER {own}_capture_delete AFTER DELETE ON %s
    REFERENCING OLD TABLE AS gone EXECUTE FUNCTION {own}_capture(%s)', name, argument);
  UPDATE pg_trigger SET tgisinternal = true
    WHERE tgrelid = relation AND tgfoid = '{own}_capture()'::regprocedure;
END $$;
REVOKE EXECUTE ON FUNCTION pg_catalog.{own}_watch(oid, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION pg_catalog.{own}_watch_new() RETURNS event_trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM {own}_watch(c.objid, NULL)
  FROM pg_event_trigger_ddl_commands() c JOIN pg_class t ON t.oid = c.objid
  WHERE c.classid = 'pg_class'::regclass AND t.relkind = 'r' AND t.relpersistence = 'p';
END $$;
DROP EVENT TRIGGER IF EXISTS {own}_watch;
CREATE EVENT TRIGGER {own}_watch ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'CREATE SCHEMA')
  EXECUTE FUNCTION pg_catalog.{own}_watch_new();
SELECT pg_catalog.{own}_watch(t.oid, NULL)
FROM pg_catalog.pg_class t JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
WHERE t.relkind = 'r' AND t.relpersistence = 'p' AND t.oid >= {first_own_oid}
  AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'sys');
