-- `set_config()` takes what SET takes. The built-in function has to make room: PostgreSQL calls
-- a function with a built-in's object id without a look at its definition.
DO $$ BEGIN
  IF to_regprocedure('pg_catalog.{own}_set_config(text, text, boolean)') IS NULL THEN
    ALTER FUNCTION pg_catalog.set_config(text, text, boolean) RENAME TO {own}_set_config;
  END IF;
END $$;
CREATE OR REPLACE FUNCTION pg_catalog.set_config(text, text, boolean) RETURNS text
  LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE AS $$
DECLARE
  name text := pg_catalog.lower($1);
BEGIN
  IF name OPERATOR(pg_catalog.<>) ALL (ARRAY[{allowed}]) THEN
    RAISE EXCEPTION USING ERRCODE = '0A000', SCHEMA = '{own}',
      MESSAGE = pg_catalog.concat('setting configuration parameter "', $1, '" not supported');
  END IF;
  IF name OPERATOR(pg_catalog.=) ANY (ARRAY[{renamed}]) THEN
    RETURN pg_catalog.{own}_set_config(pg_catalog.concat('{own}.', name), $2, $3);
  END IF;
  RETURN pg_catalog.{own}_set_config($1, $2, $3);
END $$;
