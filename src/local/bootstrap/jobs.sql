-- What DSQL does in the background. A row is a job; the front's worker does them (`run_jobs.sql`).
CREATE TABLE IF NOT EXISTS pg_catalog.{own}_jobs (
  job_id text PRIMARY KEY,
  status text NOT NULL DEFAULT 'submitted',
  details text,
  job_type text NOT NULL,
  object_id oid NOT NULL,
  object_name text NOT NULL,
  -- The constraint, if one is validated.
  constraint_id oid,
  constraint_name text,
  start_time timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  update_time timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);

-- 26 letters of lower-case base32 (seen 2026-09): 130 bits, 122 of them random.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_job_id() RETURNS text
  LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
  SELECT string_agg(substr('abcdefghijklmnopqrstuvwxyz234567',
    substring(bits FROM 5 * i + 1 FOR 5)::bit(5)::int + 1, 1), '' ORDER BY i)
  FROM (SELECT ('x' || replace(gen_random_uuid()::text, '-', ''))::bit(130) AS bits) r,
    generate_series(0, 25) i $$;

-- Schema and name as SQL writes them.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_object_name(oid) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format('%I.%I', n.nspname, c.relname)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1 $$;

-- The statement, without ASYNC and UNIQUE, runs with the caller's rights, so that what is wrong
-- with it is said by PostgreSQL. The event trigger below makes a job of the index. There is no
-- job, and NULL is returned, where IF NOT EXISTS found one.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_create_index(statement text, is_unique boolean)
  RETURNS text LANGUAGE plpgsql VOLATILE
  -- An index may be larger than a query.
  SET temp_file_limit = -1
AS $$
DECLARE
  job text;
BEGIN
  PERFORM pg_catalog.{own}_set_config('{own}.async_index',
    CASE WHEN is_unique THEN 'unique' ELSE 'plain' END, true);
  PERFORM pg_catalog.{own}_set_config('{own}.job', '', true);
  EXECUTE statement;
  job := pg_catalog.{own}_current_setting('{own}.job');
  PERFORM pg_catalog.{own}_set_config('{own}.async_index', '', true);
  RETURN NULLIF(job, '');
END $$;

-- A new index that is to be built in the background: it is complete, nobody may read by it, and a
-- unique one is enforced for every row that is written from now on. Until the worker has looked
-- at the rows from before, it is invalid. Nobody can call this: it is an event trigger.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_on_index() RETURNS event_trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  kind text := {own}_current_setting('{own}.async_index', true);
  command record;
  job text;
BEGIN
  IF kind IS NULL OR kind NOT IN ('unique', 'plain') THEN
    RETURN;
  END IF;
  FOR command IN SELECT objid FROM pg_event_trigger_ddl_commands()
    WHERE classid = 'pg_class'::regclass AND object_type = 'index'
  LOOP
    UPDATE pg_index SET indisvalid = false, indisunique = kind = 'unique'
      WHERE indexrelid = command.objid;
    INSERT INTO {own}_jobs (job_id, job_type, object_id, object_name)
      VALUES ({own}_job_id(), 'INDEX_BUILD', command.objid, {own}_object_name(command.objid))
      RETURNING job_id INTO job;
    PERFORM {own}_set_config('{own}.job', job, true);
  END LOOP;
  NOTIFY {own}_jobs;
END $$;
DROP EVENT TRIGGER IF EXISTS {own}_index;
CREATE EVENT TRIGGER {own}_index ON ddl_command_end WHEN TAG IN ('CREATE INDEX')
  EXECUTE FUNCTION pg_catalog.{own}_on_index();

-- ALTER TABLE ASYNC … VALIDATE CONSTRAINT. The name of the table is resolved with the caller's
-- search path.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_validate_constraint(name text, constraint_name text)
  RETURNS text LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  RETURN pg_catalog.{own}_submit_validation(name::pg_catalog.regclass, constraint_name);
END $$;
-- The errors are those of PostgreSQL's VALIDATE CONSTRAINT.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_submit_validation(regclass, text)
  RETURNS text LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  relation pg_class;
  con pg_constraint;
  job text;
BEGIN
  SELECT * INTO relation FROM pg_class WHERE oid = $1;
  IF relation.relkind NOT IN ('r', 'p') THEN
    PERFORM {own}_refuse('42809', format( 'ALTER action VALIDATE CONSTRAINT cannot be performed on relation "%s"', relation.relname));
  ELSIF relation.relnamespace = 'pg_catalog'::regnamespace THEN
    PERFORM {own}_refuse('42501', format( 'permission denied: "%s" is a system catalog', relation.relname));
  ELSIF NOT pg_has_role(session_user, relation.relowner, 'USAGE') THEN
    PERFORM {own}_refuse('42501', format('must be owner of table %s', relation.relname));
  END IF;
  SELECT * INTO con FROM pg_constraint WHERE conrelid = $1 AND conname = $2;
  IF NOT FOUND THEN
    PERFORM {own}_refuse('42704', format( 'constraint "%s" of relation "%s" does not exist', $2, relation.relname));
  ELSIF con.contype NOT IN ('c', 'f') THEN
    PERFORM {own}_refuse('42809', format( 'constraint "%s" of relation "%s" is not a foreign key or check constraint', $2, relation.relname));
  END IF;
  INSERT INTO {own}_jobs
    (job_id, job_type, object_id, object_name, constraint_id, constraint_name)
    VALUES ({own}_job_id(), 'VALIDATE_CONSTRAINT', $1, {own}_object_name($1), con.oid, $2)
    RETURNING job_id INTO job;
  NOTIFY {own}_jobs;
  RETURN job;
END $$;
