-- Repeats a change that `{own}_capture()` told: on the table itself, or on its shadow.
--
-- It is repeated in the snapshot in which it was made, on top of all that the transaction had
-- changed before. So a row that is not there has been removed by the repetition itself, by a
-- foreign key's action, and is passed over; a row that another transaction has changed since is
-- PostgreSQL's error.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_apply_to(
    target oid, base oid, operation text, before text, after text)
  RETURNS void LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp SET "DateStyle" = 'ISO, YMD' SET "IntervalStyle" = 'postgres'
  SET "TimeZone" = 'UTC' SET extra_float_digits = 3 SET bytea_output = 'hex'
  -- The functions for the front are closed meanwhile: this may run what users wrote.
  SET {own}.capture = 'repeat'
AS $$
DECLARE
  relation text := target::regclass::text;
  shape text := base::regclass::text;
  -- The columns that can be written; those of an identity that is always generated only once.
  columns text[];
  changing text[];
  same text;
  change record;
  place tid;
BEGIN
  SELECT array_agg(quote_ident(attname) ORDER BY attnum),
    array_agg(quote_ident(attname) ORDER BY attnum) FILTER (WHERE attidentity <> 'a')
    INTO columns, changing
  FROM pg_attribute
  WHERE attrelid = base AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
  IF operation = 'I' THEN
    EXECUTE format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE
        SELECT %s FROM (SELECT u::%s AS r FROM unnest($1) WITH ORDINALITY x(u, n) ORDER BY n) y',
      relation, array_to_string(columns, ', '),
      (SELECT string_agg('(r).' || c, ', ') FROM unnest(columns) c), shape)
      USING {own}_unpack(after);
    RETURN;
  END IF;
  -- By primary key; where there is none, by the whole row.
  SELECT string_agg(format('{own}_row.%1$I = ($1::%2$s).%1$I', a.attname, shape), ' AND ')
    INTO same
  FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
  WHERE i.indrelid = base AND i.indisprimary;
  same := COALESCE(same, '({own}_row.*)::text = $1');
  FOR change IN
    SELECT x.before, x.after FROM ROWS FROM (
      unnest({own}_unpack(before)), unnest({own}_unpack(after))) x(before, after)
  LOOP
    EXECUTE format('SELECT {own}_row.ctid FROM %s {own}_row WHERE %s LIMIT 1', relation, same)
      INTO place USING change.before;
    CONTINUE WHEN place IS NULL;
    IF operation = 'D' THEN
      EXECUTE format('DELETE FROM %s WHERE ctid = $1', relation) USING place;
    ELSIF operation = 'K' THEN
      EXECUTE format('SELECT FROM %s WHERE ctid = $1 FOR KEY SHARE', relation) USING place;
    ELSIF changing IS NOT NULL THEN
      EXECUTE format('UPDATE %s SET %s WHERE ctid = $2', relation,
        (SELECT string_agg(format('%s = ($1::%s).%1$s', c, shape), ', ') FROM unnest(changing) c))
        USING change.after, place;
    END IF;
  END LOOP;
END $$;

-- The same as the table's owner, where the session's role has fewer rights than this needs. Only for a table whose changes are told, or its shadow.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_apply_as_owner(
    target oid, base oid, operation text, before text, after text)
  RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_trigger
      WHERE tgrelid = target AND tgfoid = '{own}_capture()'::regprocedure) THEN
    RAISE EXCEPTION USING ERRCODE = '42501', SCHEMA = '{own}',
      MESSAGE = 'changes of this table are not told';
  END IF;
  PERFORM {own}_run_as_owner(target, format(
    'PERFORM pg_catalog.{own}_apply_to(%s, %s, %L, $1[1], $2[1]); RETURN NULL;',
    target, base, operation), ARRAY[before], ARRAY[after]);
END $$;
REVOKE EXECUTE ON FUNCTION pg_catalog.{own}_apply_as_owner(oid, oid, text, text, text) FROM PUBLIC;

-- What the front calls. It does nothing unless the front has opened the door: clients cannot set
-- the parameter. Whoever may do anything to the rows of the table does it as itself.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_apply(
    base oid, operation text, before text, after text)
  RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM {own}_only_the_front();
  IF (SELECT bool_and(has_table_privilege(base, p))
      FROM unnest('{SELECT,INSERT,UPDATE,DELETE}'::text[]) p)
    AND has_schema_privilege((SELECT relnamespace FROM pg_class WHERE oid = base), 'USAGE')
  THEN
    PERFORM {own}_apply_to(base, base, operation, before, after);
  ELSE
    PERFORM {own}_apply_for_another(base, operation, before, after);
  END IF;
END $$;
CREATE OR REPLACE FUNCTION pg_catalog.{own}_apply_for_another(
    base oid, operation text, before text, after text)
  RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM {own}_only_the_front();
  PERFORM {own}_apply_as_owner(base, base, operation, before, after);
END $$;

CREATE OR REPLACE FUNCTION pg_catalog.{own}_only_the_front() RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF {own}_current_setting('{own}.capture', true) IS DISTINCT FROM 'apply' THEN
    RAISE EXCEPTION USING ERRCODE = '42501', SCHEMA = '{own}',
      MESSAGE = 'this function is for the local cluster itself';
  END IF;
END $$;

-- DSQL treats a row under FOR UPDATE as one that is written, and one under FOR KEY SHARE as one
-- whose key must stay (user guide, "Concurrency control", 2026-09). PostgreSQL forgets a lock at
-- its end, so FOR UPDATE writes the row as it is. The front calls this behind the locking
-- statement, in the same subtransaction, once for every table that the statement names; what
-- that subtransaction has locked bears its number.
CREATE UNLOGGED TABLE IF NOT EXISTS pg_catalog.{own}_number_of_subtransaction ();
CREATE OR REPLACE FUNCTION pg_catalog.{own}_locked(relation oid, key_only boolean) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  -- No trigger for what is written as it is.
  SET session_replication_role = replica
AS $$
DECLARE
  base text;
  me xid;
BEGIN
  PERFORM {own}_only_the_front();
  SELECT COALESCE({own}_base(relation), relation)::text INTO base;
  IF NOT EXISTS (SELECT FROM pg_trigger
      WHERE tgrelid = relation AND tgfoid = '{own}_capture()'::regprocedure) THEN
    RETURN;
  END IF;
  INSERT INTO {own}_number_of_subtransaction DEFAULT VALUES RETURNING xmin INTO me;
  DELETE FROM {own}_number_of_subtransaction;
  PERFORM {own}_run_as_owner(relation, format(
    'PERFORM pg_catalog.{own}_write_locked(%s, %L, %L, %L); RETURN NULL;',
    relation, base, me, key_only), NULL, NULL);
END $$;

CREATE OR REPLACE FUNCTION pg_catalog.{own}_write_locked(
    relation oid, base text, me xid, key_only boolean)
  RETURNS void LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
  SET "DateStyle" = 'ISO, YMD' SET "IntervalStyle" = 'postgres'
  SET "TimeZone" = 'UTC' SET extra_float_digits = 3 SET bytea_output = 'hex'
AS $$
DECLARE
  name text := relation::regclass::text;
  bytes bigint;
  before text[];
  places tid[];
  itself text;
BEGIN
  EXECUTE format('SELECT array_agg({own}_row.ctid), array_agg(({own}_row.*)::text),
    sum(pg_column_size({own}_row.*)) FROM %s {own}_row WHERE {own}_row.xmax = $1', name) INTO places, before, bytes USING me;
  IF places IS NULL THEN
    RETURN;
  END IF;
  IF NOT key_only THEN
    SELECT quote_ident(attname) INTO itself FROM pg_attribute
    WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
      AND attidentity <> 'a' LIMIT 1;
    IF itself IS NOT NULL THEN
      EXECUTE format('UPDATE %s SET %s = %2$s WHERE ctid = ANY ($1)', name, itself) USING places;
    END IF;
  END IF;
  PERFORM {own}_tell(base, CASE WHEN key_only THEN 'K' ELSE 'L' END, cardinality(places), bytes,
    before, before);
END $$;
