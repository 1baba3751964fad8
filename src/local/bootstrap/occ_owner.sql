-- What evaluates a table's expressions runs what users wrote: constraints, generated columns,
-- the keys and predicates of indexes, domains. Planning a query is enough for some of them. So
-- none of it runs as the superuser: it runs as the session's own role, or, where that role may
-- not, as the table's owner.

-- Runs the body of a function with the rights of a table's owner. The function exists meanwhile,
-- and nobody but the superuser may call it. For functions that are SECURITY DEFINER themselves;
-- they find their search path as they had it.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_run_as_owner(
    relation oid, body text, one text[], two text[])
  RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  mode text := COALESCE({own}_current_setting('{own}.capture', true), '');
  -- One may run inside another.
  name text := format('pg_temp.{own}_as_owner_%s(text[], text[])', (SELECT count(*) FROM pg_proc
    WHERE pronamespace = pg_my_temp_schema() AND proname LIKE '{own}\_as\_owner\_%'));
  owner regrole := (SELECT relowner FROM pg_class WHERE oid = relation);
  result text;
BEGIN
  IF (SELECT rolsuper FROM pg_authid WHERE oid = owner) THEN
    RAISE EXCEPTION USING ERRCODE = '42501', SCHEMA = '{own}',
      MESSAGE = 'this is no table of a user';
  END IF;
  -- The functions for the front are closed meanwhile.
  EXECUTE format('CREATE FUNCTION %s RETURNS text LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET {own}.capture = %L AS %L', name,
    CASE mode WHEN 'apply' THEN 'repeat' ELSE mode END, format('BEGIN %s END', body));
  EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', name);
  EXECUTE format('ALTER FUNCTION %s OWNER TO %s', name, owner);
  EXECUTE format('SELECT %s($1, $2)', "left"(name, -length('(text[], text[])')))
    INTO result USING one, two;
  -- What it may have left behind.
  PERFORM pg_catalog.{own}_set_config('search_path', 'pg_catalog, pg_temp', true);
  EXECUTE format('DROP FUNCTION %s', name);
  RETURN result;
END $$;
REVOKE EXECUTE ON FUNCTION pg_catalog.{own}_run_as_owner(oid, text, text[], text[]) FROM PUBLIC;

-- Looks at rows of a table with one of the functions below: as the role that writes, or as the
-- table's owner where that role may not read the table.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_look(
    looker text, relation oid, one text[], two text[])
  RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  result text;
BEGIN
  IF NOT has_table_privilege(relation, 'SELECT') OR NOT has_schema_privilege(
      (SELECT relnamespace FROM pg_class WHERE oid = relation), 'USAGE') THEN
    RETURN {own}_look_as_owner(looker, relation, one, two);
  END IF;
  EXECUTE format('SELECT pg_catalog.{own}_%s($1, $2, $3)', looker)
    INTO result USING relation, one, two;
  RETURN result;
END $$;
CREATE OR REPLACE FUNCTION pg_catalog.{own}_look_as_owner(
    looker text, relation oid, one text[], two text[])
  RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF looker <> ALL (ARRAY['doubled', 'keys', 'matched']) THEN
    RAISE EXCEPTION USING ERRCODE = '42501', SCHEMA = '{own}',
      MESSAGE = 'this function is for the local cluster itself';
  END IF;
  RETURN {own}_run_as_owner(relation,
    format('RETURN pg_catalog.{own}_%s(%s, $1, $2);', looker, relation), one, two);
END $$;

-- Whether a unique index would hold one key twice: one that these rows have now and had not.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_doubled(relation oid, before text[], after text[])
  RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  name text := relation::regclass::text;
  key record;
  met boolean := false;
BEGIN
  FOR key IN
    SELECT string_agg(format('%s AS k%s', definition, n), ', ') AS made,
      string_agg(format('o.k%1$s = n.k%1$s', n), ' AND ') AS same,
      COALESCE('WHERE ' || pg_get_expr(i.indpred, i.indrelid), '') AS only
    FROM pg_index i, LATERAL (
      SELECT n, pg_get_indexdef(i.indexrelid, n, false) AS definition
      FROM generate_series(1, i.indnkeyatts) n) c
    WHERE i.indrelid = relation AND i.indisunique AND i.indisready
    GROUP BY i.indexrelid, i.indpred, i.indrelid
  LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM (
        SELECT %1$s FROM (SELECT (u::%2$s).* FROM unnest($1) u) x %3$s
        EXCEPT ALL SELECT %1$s FROM (SELECT (u::%2$s).* FROM unnest($2) u) x %3$s) n
      WHERE (SELECT count(*) FROM (SELECT %1$s FROM %2$s %3$s) o WHERE %4$s) > 1)',
      key.made, name, key.only, key.same) INTO met USING after, before;
    EXIT WHEN met;
  END LOOP;
  RETURN met::text;
END $$;

-- The keys of rows, as JSON; NULL if there are none. A key that is partly NULL refers to nothing.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_keys(relation oid, columns text[], rows text[])
  RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  result text;
BEGIN
  EXECUTE (SELECT format('SELECT jsonb_agg(DISTINCT jsonb_build_object(%s))
      FROM (SELECT (u::%s).* FROM unnest($1) u) r WHERE %s',
      string_agg(format('''k%s'', r.%I', n, c), ', '), relation::regclass,
      string_agg(format('r.%I IS NOT NULL', c), ' AND '))
    FROM unnest(columns) WITH ORDINALITY x(c, n)) INTO result USING rows;
  RETURN result;
END $$;

-- Those of the keys that rows of a table have in these columns, or that none has; NULL if there are
-- none. `asked` is the keys, whether a row is wanted, and the types of a key's columns.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_matched(relation oid, columns text[], asked text[])
  RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  result text;
BEGIN
  EXECUTE (SELECT format('SELECT jsonb_agg(to_jsonb(p)) FROM jsonb_to_recordset($1::jsonb) p(%s)
      WHERE %s EXISTS (SELECT FROM %s r WHERE %s)',
      string_agg(format('k%s %s', n, asked[2 + n]), ', '),
      CASE WHEN asked[2]::boolean THEN '' ELSE 'NOT' END, relation::regclass,
      string_agg(format('r.%I = p.k%s', c, n), ' AND '))
    FROM unnest(columns) WITH ORDINALITY x(c, n)) INTO result USING asked[1];
  RETURN result;
END $$;

-- The names of columns, and the types behind theirs.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_columns(
    relation oid, numbers smallint[], OUT names text[], OUT types text[])
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT array_agg(a.attname::text ORDER BY n),
    array_agg(format_type({own}_base_type(a.atttypid), -1) ORDER BY n)
  FROM unnest(numbers) WITH ORDINALITY x(c, n)
    JOIN pg_attribute a ON a.attrelid = relation AND a.attnum = x.c $$;

-- Whether a foreign key points to nothing from these rows of `base`, or, the other way, from
-- others to what these rows were. `child` and `parent` are the tables to look at.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_dangles(
    key oid, outgoing boolean, child oid, parent oid, rows text[])
  RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  k pg_constraint;
  of_child record;
  of_parent record;
  mine record;
  keys text;
BEGIN
  SELECT * INTO k FROM pg_constraint WHERE oid = key;
  of_child := {own}_columns(k.conrelid, k.conkey);
  of_parent := {own}_columns(k.confrelid, k.confkey);
  IF outgoing THEN
    mine := of_child;
    keys := {own}_look('keys', k.conrelid, mine.names, rows);
  ELSE
    mine := of_parent;
    keys := {own}_look('keys', k.confrelid, mine.names, rows);
  END IF;
  IF keys IS NOT NULL THEN
    keys := {own}_look('matched', parent, of_parent.names, ARRAY[keys, 'false'] || mine.types);
  END IF;
  IF keys IS NOT NULL AND NOT outgoing THEN
    keys := {own}_look('matched', child, of_child.names, ARRAY[keys, 'true'] || mine.types);
  END IF;
  RETURN keys IS NOT NULL;
END $$;
