-- CREATE INDEX without ASYNC: refused, unless the session has set disable_sync_create_index off and
-- the table is empty (user guide, CREATE INDEX ASYNC, 2026-09). The statement runs with the
-- caller's rights and search path.
CREATE OR REPLACE PROCEDURE pg_catalog.{own}_create_index_sync(statement text, relation text)
  LANGUAGE plpgsql AS $$
DECLARE
  refused boolean := pg_catalog.{own}_current_setting('{own}.disable_sync_create_index');
BEGIN
  IF NOT refused THEN
    EXECUTE pg_catalog.format('SELECT EXISTS (SELECT FROM %s)', relation) INTO refused;
  END IF;
  IF refused THEN
    PERFORM pg_catalog.{own}_refuse('{not_async_state}', '{not_async}');
  END IF;
  EXECUTE statement;
END $$;
