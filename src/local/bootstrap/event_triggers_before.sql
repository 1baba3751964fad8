-- What `event_triggers_after.sql` did at the last start, undone, so that they can be made anew.
DELETE FROM pg_catalog.pg_depend
  WHERE classid = 'pg_catalog.pg_event_trigger'::regclass AND deptype = 'e';
