-- The judge reads the body of a function as it was sent. This sees it as it is, so that an escape
-- string (`E'…'`) or a name with escapes (`U&"…"`) does not hide a call of what is ours.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_on_function() RETURNS event_trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- Some of what is ours makes functions in a client's session.
  IF '{superuser}' IN (session_user, current_user) THEN
    RETURN;
  END IF;
  PERFORM {own}_refuse('42883', format('function %s does not exist',
      substring(p.prosrc FROM '(?i){own}_\w*|U&"[^"]*"')))
    FROM pg_event_trigger_ddl_commands() c JOIN pg_proc p ON p.oid = c.objid
    WHERE c.classid = 'pg_proc'::regclass AND p.prosrc ~* '{own}_|U&"[^"]*\\|U&".*UESCAPE';
END $$;
DROP EVENT TRIGGER IF EXISTS {own}_function;
CREATE EVENT TRIGGER {own}_function ON ddl_command_end WHEN TAG IN ('CREATE FUNCTION')
  EXECUTE FUNCTION pg_catalog.{own}_on_function();
