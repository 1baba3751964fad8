-- Seen 2026-09: nothing but this.
DO $$ BEGIN
  IF to_regprocedure('pg_catalog.{own}_version()') IS NULL THEN
    ALTER FUNCTION pg_catalog.version() RENAME TO {own}_version;
  END IF;
END $$;
CREATE OR REPLACE FUNCTION pg_catalog.version() RETURNS text
  LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT 'PostgreSQL 16'::text $$;
