-- A temporary table in place of a table, for a transaction that must not, or can no longer, write
-- the table itself. It holds what the transaction's snapshot shows, takes the same rows, and its
-- name hides the table's. It is gone with the subtransaction in which it was made.

-- The table that a shadow stands for; null where the relation is no shadow.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_base(relation oid) RETURNS oid
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT encode(t.tgargs, 'escape')::text::oid
  FROM (SELECT substr(tgargs, 1, octet_length(tgargs) - 1) AS tgargs
    FROM pg_trigger WHERE tgrelid = relation AND tgfoid = '{own}_capture()'::regprocedure
      AND tgnargs = 1 LIMIT 1) t $$;

-- The identity column of a shadow goes on where the table's own does; whoever may insert a row may
-- also take its number.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_identity(sequence oid) RETURNS bigint
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass
      AND objid = sequence AND deptype = 'i') THEN
    RAISE EXCEPTION USING ERRCODE = '42501', SCHEMA = '{own}',
      MESSAGE = 'this is not the sequence of an identity column';
  END IF;
  RETURN nextval(sequence);
END $$;

-- Why a relation cannot be shadowed; null if it can.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_unshadowable(relation oid) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN c.relkind <> 'r' OR c.relpersistence <> 'p' THEN 'it is not a table' END
  FROM pg_class c WHERE c.oid = relation $$;

CREATE OR REPLACE FUNCTION pg_catalog.{own}_shadow_of(base oid) RETURNS oid
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.oid FROM pg_class c
  WHERE c.relnamespace = pg_my_temp_schema() AND c.relname = (
    SELECT b.relname FROM pg_class b WHERE b.oid = base) $$;

-- What a transaction works on in place of a table: its shadow, or itself.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_stand_in(base oid) RETURNS oid
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN {own}_base({own}_shadow_of(base)) = base THEN {own}_shadow_of(base)
    ELSE base END $$;

-- Makes and fills the shadow of a table, as the table's owner.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_make_shadow(base oid)
  RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  shadow oid;
  name text;
  columns text;
  item record;
BEGIN
  SELECT quote_ident(relname) INTO name FROM pg_class WHERE oid = base;
  EXECUTE format('CREATE TEMPORARY TABLE %s (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS
    INCLUDING GENERATED INCLUDING INDEXES) ON COMMIT DROP', name, base::regclass);
  shadow := {own}_shadow_of(base);
  name := shadow::regclass::text;
  FOR item IN
    SELECT quote_ident(a.attname) AS col, pg_get_serial_sequence(base::regclass::text, a.attname)::regclass::oid AS seq
    FROM pg_attribute a WHERE a.attrelid = base AND a.attidentity <> '' AND NOT a.attisdropped
  LOOP
    EXECUTE format('ALTER TABLE %s ALTER COLUMN %s SET DEFAULT {own}_identity(%s)',
      name, item.col, item.seq);
  END LOOP;
  -- Errors name constraints and indexes.
  FOR item IN
    WITH indexes AS (
      SELECT i.indexrelid AS id, i.indrelid AS t, c.relname, row_number() OVER (
        PARTITION BY i.indrelid, i.indisunique, i.indisprimary, d ORDER BY i.indexrelid) AS n,
        i.indisunique AS u, i.indisprimary AS p, d
      FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid,
        LATERAL (SELECT "substring"(pg_get_indexdef(i.indexrelid), ' USING .*') AS d) x
      WHERE i.indrelid IN (base, shadow))
    SELECT s.id::regclass::text AS made, b.relname AS wanted
    FROM indexes s JOIN indexes b USING (u, p, d, n)
    WHERE s.t = shadow AND b.t = base AND s.relname <> b.relname
  LOOP
    EXECUTE format('ALTER INDEX %s RENAME TO %I', item.made, item.wanted);
  END LOOP;
  SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) INTO columns FROM pg_attribute
  WHERE attrelid = base AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
  IF columns IS NOT NULL THEN
    EXECUTE format('INSERT INTO %s (%s) SELECT %2$s FROM %s', name, columns, base::regclass);
  END IF;
END $$;

-- Makes and fills the shadow of a table, if there is none yet. True if it has been made.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_shadow(base oid) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  -- No event trigger, no foreign key, no capture.
  SET session_replication_role = replica
AS $$
DECLARE
  shadow oid;
  why text;
BEGIN
  PERFORM {own}_only_the_front();
  shadow := {own}_shadow_of(base);
  IF shadow IS NOT NULL AND {own}_base(shadow) = base THEN
    RETURN false;
  END IF;
  why := CASE WHEN shadow IS NULL THEN {own}_unshadowable(base)
    ELSE 'another table has the same name' END;
  IF why IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = '40001', SCHEMA = '{own}', DATATYPE = 'unshadowable',
      MESSAGE = format('cannot shadow %s: %s', base::regclass, why);
  END IF;
  PERFORM {own}_run_as_owner(base,
    format('PERFORM pg_catalog.{own}_make_shadow(%s); RETURN NULL;', base), NULL, NULL);
  PERFORM {own}_dress_shadow({own}_shadow_of(base), base);
  RETURN true;
END $$;

-- Gives a shadow what only the superuser can.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_dress_shadow(shadow oid, base oid)
  RETURNS void LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp SET allow_system_table_mods = on AS $$
BEGIN
  PERFORM {own}_watch(shadow, base::text);
  PERFORM {own}_watch_sizes(shadow);
  UPDATE pg_class s SET relacl = b.relacl FROM pg_class b
    WHERE s.oid = shadow AND b.oid = base;
  UPDATE pg_attribute s SET attacl = b.attacl FROM pg_attribute b
    WHERE s.attrelid = shadow AND b.attrelid = base AND s.attname = b.attname
      AND b.attacl IS NOT NULL;
END $$;
REVOKE EXECUTE ON FUNCTION pg_catalog.{own}_dress_shadow(oid, oid) FROM PUBLIC;

-- Foreign keys for shadows, which cannot have any: in the transaction's own snapshot, and in
-- PostgreSQL's words. Those that act on other tables are beyond a shadow.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_check_references(
    base oid, operation text, before text[], after text[])
  RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  key record;
BEGIN
  FOR key IN
    SELECT k.oid AS id, k.conname, k.conrelid, k.confrelid,
      CASE operation WHEN 'DELETE' THEN k.confdeltype ELSE k.confupdtype END AS action,
      {own}_stand_in(k.conrelid) AS child, {own}_stand_in(k.confrelid) AS parent
    FROM pg_constraint k
    WHERE k.contype = 'f' AND base IN (k.conrelid, k.confrelid)
  LOOP
    IF key.conrelid = base AND operation <> 'DELETE'
      AND {own}_dangles(key.id, true, key.child, key.parent, after)
    THEN
      RAISE foreign_key_violation USING SCHEMA = '{own}', MESSAGE = format(
        'insert or update on table "%s" violates foreign key constraint "%s"',
        (SELECT relname FROM pg_class WHERE oid = base), key.conname);
    END IF;
    IF key.confrelid = base AND operation <> 'INSERT'
      AND {own}_dangles(key.id, false, key.child, key.parent, before)
    THEN
      IF key.action NOT IN ('a', 'r') THEN
        RAISE serialization_failure USING SCHEMA = '{own}', DATATYPE = 'unshadowable',
          MESSAGE = 'a foreign key acts on other tables';
      END IF;
      RAISE foreign_key_violation USING SCHEMA = '{own}', MESSAGE = format(
        'update or delete on table "%s" violates foreign key constraint "%s" on table "%s"',
        (SELECT relname FROM pg_class WHERE oid = base), key.conname,
        (SELECT relname FROM pg_class WHERE oid = key.conrelid));
    END IF;
  END LOOP;
END $$;

-- Repeats a change on the shadow of its table.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_apply_to_shadow(
    base oid, operation text, before text, after text)
  RETURNS void LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp SET session_replication_role = replica AS $$
BEGIN
  PERFORM {own}_only_the_front();
  PERFORM {own}_apply_as_owner({own}_shadow_of(base), base, operation, before, after);
END $$;

-- Which tables a statement's names mean in this session: the object id, and why no shadow can
-- stand for it. A view or a function of a user's own cannot be seen through. The tables that a
-- foreign key ties to them have no name here.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_named(names text[])
  RETURNS TABLE (name text, id oid, why text) LANGUAGE sql STABLE AS $$
  WITH named (name, id, why) AS (SELECT n.name, COALESCE(pg_catalog.{own}_base(c.oid), c.oid),
    CASE WHEN pg_catalog.{own}_base(c.oid) IS NULL
      THEN pg_catalog.{own}_unshadowable(c.oid) END
  FROM pg_catalog.unnest($1) n(name) JOIN pg_catalog.pg_class c
    ON c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(n.name)::pg_catalog.oid
  WHERE c.oid OPERATOR(pg_catalog.>=) {first_own_oid}::pg_catalog.oid
    AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,v,m,p,f}'::pg_catalog."char"[])
    AND c.relnamespace OPERATOR(pg_catalog.<>) ALL (
      '{pg_catalog,information_schema,pg_toast}'::pg_catalog.regnamespace[]))
  SELECT * FROM named
  UNION ALL
  SELECT '', t.id, NULL
  FROM named n JOIN pg_catalog.pg_constraint k
    ON k.contype OPERATOR(pg_catalog.=) 'f' AND (k.conrelid OPERATOR(pg_catalog.=) n.id
      OR k.confrelid OPERATOR(pg_catalog.=) n.id),
    LATERAL (VALUES (k.conrelid), (k.confrelid)) t(id)
  UNION ALL
  SELECT n.name, 0, 'it is a function'
  FROM pg_catalog.unnest($1) n(name), pg_catalog.pg_proc p
  WHERE p.oid OPERATOR(pg_catalog.>=) {first_own_oid}::pg_catalog.oid
    AND p.pronamespace OPERATOR(pg_catalog.<>)
      'pg_catalog'::pg_catalog.regnamespace::pg_catalog.oid
    AND p.proname::pg_catalog.text OPERATOR(pg_catalog.=) (pg_catalog.parse_ident(n.name))[
      pg_catalog.array_length(pg_catalog.parse_ident(n.name), 1)] $$;
