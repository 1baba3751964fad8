-- DSQL's own schema: everybody may read it, nobody may make something in it (user guide, "Systems
-- tables and commands", 2026-09).
CREATE SCHEMA IF NOT EXISTS sys;
GRANT USAGE ON SCHEMA sys TO PUBLIC;

-- A job that has ended is shown for another 30 minutes.
CREATE OR REPLACE VIEW sys.jobs AS
  SELECT job_id, status, details, job_type, 1259::oid AS class_id, object_id, object_name,
    start_time, update_time
  FROM pg_catalog.{own}_jobs
  WHERE status NOT IN ('completed', 'failed')
    OR update_time > pg_catalog.clock_timestamp() - interval '30 minutes';
GRANT SELECT ON sys.jobs TO PUBLIC;

-- NULL as long as the job has not ended.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_has_succeeded(text) RETURNS boolean
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found_status text;
BEGIN
  IF $1 IS NULL OR $1 !~ '^[a-z2-7]{26}$' THEN
    PERFORM {own}_refuse('22P02', format('invalid input syntax for job id: "%s"', $1));
  END IF;
  SELECT status INTO found_status FROM sys.jobs WHERE job_id = $1;
  IF NOT FOUND THEN
    PERFORM {own}_refuse('42704', format('job "%s" does not exist', $1));
  END IF;
  RETURN CASE found_status WHEN 'completed' THEN true WHEN 'failed' THEN false END;
END $$;
-- Each look is a transaction of its own, so that it sees what the worker has done: PostgreSQL's
-- error in a transaction block is 2D000. A procedure that is SECURITY DEFINER or has settings
-- could not do that.
CREATE OR REPLACE PROCEDURE sys.wait_for_job(job_id text, INOUT succeeded boolean DEFAULT NULL)
  LANGUAGE plpgsql AS $$
BEGIN
  COMMIT;
  LOOP
    succeeded := pg_catalog.{own}_has_succeeded(job_id);
    EXIT WHEN succeeded IS NOT NULL;
    PERFORM pg_catalog.pg_sleep(0.01);
    COMMIT;
  END LOOP;
END $$;

CREATE OR REPLACE VIEW sys.iam_pg_role_mappings AS
  SELECT m.iam_oid, m.arn, m.pg_role_oid, r.rolname AS pg_role_name,
    m.grantor_oid AS grantor_pg_role_oid, g.rolname AS grantor_pg_role_name
  FROM pg_catalog.{own}_iam m
  LEFT JOIN pg_catalog.pg_roles r ON r.oid = m.pg_role_oid
  LEFT JOIN pg_catalog.pg_roles g ON g.oid = m.grantor_oid;
GRANT SELECT ON sys.iam_pg_role_mappings TO PUBLIC;
