-- `current_setting()` tells DSQL's values of the parameters that we renamed, and nothing of those
-- that are gone.
DO $$ BEGIN
  IF to_regprocedure('pg_catalog.{own}_current_setting(text)') IS NULL THEN
    ALTER FUNCTION pg_catalog.current_setting(text) RENAME TO {own}_current_setting;
    ALTER FUNCTION pg_catalog.current_setting(text, boolean) RENAME TO {own}_current_setting;
  END IF;
END $$;
CREATE OR REPLACE FUNCTION pg_catalog.{own}_name(text) RETURNS text
  LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN pg_catalog.lower($1) OPERATOR(pg_catalog.=) ANY (ARRAY[{renamed}])
    THEN pg_catalog.concat('{own}.', pg_catalog.lower($1)) ELSE $1 END $$;
CREATE OR REPLACE FUNCTION pg_catalog.{own}_gone(text, boolean) RETURNS text
  LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
  IF $2 THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION USING ERRCODE = '42704', SCHEMA = '{own}',
    MESSAGE = pg_catalog.concat('unrecognized configuration parameter "', $1, '"');
END $$;
CREATE OR REPLACE FUNCTION pg_catalog.current_setting(text) RETURNS text
  LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN pg_catalog.lower($1) OPERATOR(pg_catalog.=) ANY (ARRAY[{gone}])
    THEN pg_catalog.{own}_gone($1, false)
    ELSE pg_catalog.{own}_current_setting(pg_catalog.{own}_name($1)) END $$;
CREATE OR REPLACE FUNCTION pg_catalog.current_setting(text, boolean) RETURNS text
  LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN pg_catalog.lower($1) OPERATOR(pg_catalog.=) ANY (ARRAY[{gone}])
    THEN pg_catalog.{own}_gone($1, $2)
    ELSE pg_catalog.{own}_current_setting(pg_catalog.{own}_name($1), $2) END $$;
