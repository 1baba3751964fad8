-- Functions of PostgreSQL that are closed to everybody. A call in a statement's own text is
-- refused before it comes here; what comes here stands in the body of a function, a view or a
-- default, or has been written so that it could not be recognised.

-- The front makes DSQL's error of PostgreSQL's.
DO $$
DECLARE
  closed oid;
BEGIN
  FOR closed IN
    SELECT oid FROM pg_catalog.pg_proc WHERE oid < {first_own_oid} AND (
      proname ~ '^pg_(try_)?advisory_'
      -- What runs a text as SQL would run what nobody has judged. DSQL has no xml.
      OR proname ~ '^(query|cursor|table|schema|database)_to_xml' OR proname = 'ts_stat'
      OR proname = 'ts_rewrite' AND pronargs = 2
      -- Large objects, and notifications: LISTEN and NOTIFY are refused.
      OR proname IN ('lo_creat', 'lo_create', 'lo_from_bytea', 'lo_get', 'lo_put', 'lo_open',
        'lo_close', 'loread', 'lowrite', 'lo_lseek', 'lo_lseek64', 'lo_tell', 'lo_tell64',
        'lo_truncate', 'lo_truncate64', 'lo_unlink', 'pg_notify'))
  LOOP
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', closed::regprocedure);
  END LOOP;
END $$;
