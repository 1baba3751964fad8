-- pg_dump leaves out what belongs to an extension, and so the event triggers that stand behind the
-- local cluster (manual, "Packaging Related Objects into an Extension").
INSERT INTO pg_catalog.pg_depend (classid, objid, objsubid, refclassid, refobjid, refobjsubid, deptype)
  SELECT 'pg_catalog.pg_event_trigger'::regclass, t.oid, 0,
    'pg_catalog.pg_extension'::regclass, x.oid, 0, 'e'
  FROM pg_catalog.pg_event_trigger t, pg_catalog.pg_extension x
  WHERE x.extname = 'plpgsql' AND t.evtname LIKE '{own}\_%';
