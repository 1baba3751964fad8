-- Raises an error that looks like DSQL's own.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_refuse(sqlstate_ text, message_ text) RETURNS void
  LANGUAGE plpgsql STABLE AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = sqlstate_, SCHEMA = '{own}', MESSAGE = message_;
END $$;
