-- The worker's side of the jobs. It runs as the superuser, in read committed transactions.

-- Runs a statement with the rights of a table's owner and no way back to the superuser's: it may
-- call functions that the owner wrote, and nothing of theirs is to run later as the superuser. The
-- function exists in this transaction only.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_as_owner_of(regclass, statement text) RETURNS text
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  result text;
BEGIN
  EXECUTE format('CREATE FUNCTION pg_catalog.{own}_as_owner() RETURNS text LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS %L',
    format('DECLARE result text;
      BEGIN EXECUTE %L %s; SET CONSTRAINTS ALL IMMEDIATE; RETURN result; END', statement,
      CASE WHEN statement LIKE 'SELECT %' THEN 'INTO result' END));
  EXECUTE format('ALTER FUNCTION pg_catalog.{own}_as_owner() OWNER TO %s',
    (SELECT relowner::regrole FROM pg_class WHERE oid = $1));
  EXECUTE 'SELECT pg_catalog.{own}_as_owner()' INTO result;
  -- What it may have left behind.
  PERFORM pg_catalog.{own}_set_config('search_path', 'pg_catalog, pg_temp', true);
  EXECUTE 'CLOSE ALL';
  DROP FUNCTION pg_catalog.{own}_as_owner();
  RETURN result;
END $$;
REVOKE ALL ON FUNCTION pg_catalog.{own}_as_owner_of(regclass, text) FROM PUBLIC;

-- The query that says whether a table had duplicates before the index began to refuse them. Its
-- GROUP BY compares as a unique index does, NULLs aside.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_duplicates_query(index_id oid) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT format('SELECT EXISTS (SELECT FROM %s WHERE %s GROUP BY %s HAVING count(*) > 1)::text',
    i.indrelid::regclass,
    concat_ws(' AND ', '(' || pg_get_expr(i.indpred, i.indrelid) || ')',
      CASE WHEN i.indnullsnotdistinct THEN 'true' ELSE not_null END),
    keys)
  FROM pg_index i, LATERAL (
    SELECT string_agg(key, ', ') AS keys, string_agg(key || ' IS NOT NULL', ' AND ') AS not_null
    FROM (SELECT '(' || pg_get_indexdef(i.indexrelid, n, false) || ')' AS key
      FROM generate_series(1, i.indnkeyatts) n) k) k
  WHERE i.indexrelid = $1 $$;

-- The next job that is at least so old; an empty string while there are none but younger ones,
-- NULL if there are none.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_next_job(age interval) RETURNS text
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found_id text;
BEGIN
  DELETE FROM {own}_jobs WHERE job_id NOT IN (SELECT job_id FROM sys.jobs);
  UPDATE {own}_jobs SET status = 'processing', update_time = clock_timestamp()
    WHERE status = 'submitted';
  UPDATE {own}_jobs j SET status = 'failed', update_time = clock_timestamp(),
      details = CASE job_type WHEN 'INDEX_BUILD' THEN 'the index was dropped'
        ELSE 'the constraint was dropped' END
    WHERE status = 'processing'
      AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = j.object_id AND constraint_id IS NULL)
      AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.oid = j.constraint_id);
  SELECT CASE WHEN start_time <= clock_timestamp() - age THEN job_id ELSE '' END INTO found_id
    FROM {own}_jobs WHERE status = 'processing'
    ORDER BY start_time > clock_timestamp() - age, update_time LIMIT 1;
  RETURN found_id;
END $$;
REVOKE ALL ON FUNCTION pg_catalog.{own}_next_job(interval) FROM PUBLIC;

-- Does a job. False if something is in the way: then it is for later.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_run_job(id text) RETURNS boolean
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  job {own}_jobs;
  failure text;
  of_table regclass;
  is_unique boolean;
BEGIN
  SELECT * INTO job FROM {own}_jobs WHERE job_id = id;
  SELECT oid INTO of_table FROM pg_class WHERE oid = COALESCE(
    (SELECT indrelid FROM pg_index WHERE indexrelid = job.object_id), job.object_id);
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  -- No other DDL meanwhile; rows may be written.
  EXECUTE format('LOCK TABLE %s IN SHARE UPDATE EXCLUSIVE MODE', of_table);
  IF job.job_type = 'VALIDATE_CONSTRAINT' THEN
    PERFORM {own}_as_owner_of(of_table, format('ALTER TABLE %s VALIDATE CONSTRAINT %I', of_table,
      (SELECT conname FROM pg_constraint WHERE oid = job.constraint_id)));
  ELSE
    SELECT indisunique INTO is_unique FROM pg_index WHERE indexrelid = job.object_id;
    IF NOT FOUND THEN
      RETURN false;
    END IF;
    IF is_unique
      AND {own}_as_owner_of(of_table, {own}_duplicates_query(job.object_id))::boolean
    THEN
      -- The index stays as it is: invalid, and enforced (seen 2026-09).
      failure := 'Found duplicate key while validating index for UCVs';
    ELSE
      UPDATE pg_index SET indisvalid = true WHERE indexrelid = job.object_id;
    END IF;
  END IF;
  UPDATE {own}_jobs SET status = CASE WHEN failure IS NULL THEN 'completed' ELSE 'failed' END,
    details = failure, update_time = clock_timestamp() WHERE job_id = job.job_id;
  RETURN true;
EXCEPTION
  WHEN lock_not_available OR deadlock_detected OR undefined_table THEN
    -- Somebody changes the table, or has just dropped it. Others come first.
    UPDATE {own}_jobs SET update_time = clock_timestamp() WHERE job_id = id;
    RETURN false;
  WHEN OTHERS THEN
    UPDATE {own}_jobs SET status = 'failed', update_time = clock_timestamp(),
      details = CASE SQLSTATE
        WHEN '23514'
          THEN format('check constraint "%s" is violated by some row', job.constraint_name)
        WHEN '23503'
          THEN format('foreign key constraint "%s" is violated by some row', job.constraint_name)
        ELSE SQLERRM END
      WHERE job_id = id;
    RETURN true;
END $$;
REVOKE ALL ON FUNCTION pg_catalog.{own}_run_job(text) FROM PUBLIC;
