-- Functions that PostgreSQL has since release 16 (its release notes, E.23.3), which is what DSQL
-- has. Some of them: new syntax cannot be had this way.
DO $$ BEGIN
  IF pg_catalog.{own}_current_setting('server_version_num')::integer >= 160000 THEN
    RETURN;
  END IF;
  CREATE OR REPLACE FUNCTION pg_catalog.any_value_transfn(anyelement, anyelement)
    RETURNS anyelement LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT $1';
  IF to_regprocedure('pg_catalog.any_value(anyelement)') IS NULL THEN
    CREATE AGGREGATE pg_catalog.any_value(anyelement) (
      SFUNC = pg_catalog.any_value_transfn, STYPE = anyelement,
      COMBINEFUNC = pg_catalog.any_value_transfn, PARALLEL = SAFE);
  END IF;
  CREATE OR REPLACE FUNCTION pg_catalog.date_add(timestamptz, interval)
    RETURNS timestamptz LANGUAGE sql STABLE STRICT PARALLEL SAFE AS 'SELECT $1 + $2';
  CREATE OR REPLACE FUNCTION pg_catalog.date_add(timestamptz, interval, text)
    RETURNS timestamptz LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS 'SELECT (($1 AT TIME ZONE $3) + $2) AT TIME ZONE $3';
  CREATE OR REPLACE FUNCTION pg_catalog.date_subtract(timestamptz, interval)
    RETURNS timestamptz LANGUAGE sql STABLE STRICT PARALLEL SAFE AS 'SELECT $1 - $2';
  CREATE OR REPLACE FUNCTION pg_catalog.date_subtract(timestamptz, interval, text)
    RETURNS timestamptz LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS 'SELECT (($1 AT TIME ZONE $3) - $2) AT TIME ZONE $3';
END $$;
