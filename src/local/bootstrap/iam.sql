-- Who may log in as which role: AWS IAM GRANT and REVOKE (texts: user guide, "Troubleshooting",
-- 2026-09; the SQLSTATEs are not documented).
CREATE SEQUENCE IF NOT EXISTS pg_catalog.{own}_iam_oid AS integer MINVALUE {first_own_oid};
CREATE TABLE IF NOT EXISTS pg_catalog.{own}_iam (
  iam_oid oid NOT NULL DEFAULT pg_catalog.nextval('pg_catalog.{own}_iam_oid')::oid,
  arn text NOT NULL,
  pg_role_oid oid NOT NULL,
  grantor_oid oid NOT NULL,
  PRIMARY KEY (pg_role_oid, arn)
);

-- The role, if the caller may say who logs in as it.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_iam_role(role text) RETURNS oid
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  role_oid oid := (SELECT oid FROM pg_roles WHERE rolname = role AND rolname <> '{superuser}');
BEGIN
  IF role_oid IS NULL THEN
    PERFORM {own}_refuse('42704', format('Role %s does not exist', role));
  ELSIF role = 'admin'
    OR NOT (SELECT rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = session_user)
  THEN
    PERFORM {own}_refuse('42501',
      format('permission denied to grant IAM trust with role %s', role));
  END IF;
  RETURN role_oid;
END $$;
REVOKE ALL ON FUNCTION pg_catalog.{own}_iam_role(text) FROM PUBLIC;

-- A role with a mapping has a privilege on `sys`, and so PostgreSQL does not let it be dropped.
CREATE OR REPLACE PROCEDURE pg_catalog.{own}_iam_grant(role text, arn text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  role_oid oid := {own}_iam_role(role);
BEGIN
  IF NOT (SELECT rolcanlogin FROM pg_roles WHERE oid = role_oid) THEN
    PERFORM {own}_refuse('0LP01', format('role %s must have the LOGIN attribute', role));
  ELSIF arn !~ '^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[^[:space:]]+$' THEN
    PERFORM {own}_refuse('22023', 'IAM role must look like an IAM ARN');
  END IF;
  INSERT INTO {own}_iam (arn, pg_role_oid, grantor_oid)
    VALUES (arn, role_oid, (SELECT oid FROM pg_roles WHERE rolname = session_user));
  EXECUTE format('GRANT USAGE ON SCHEMA sys TO %I', role);
EXCEPTION WHEN unique_violation THEN
  PERFORM {own}_refuse('42710', format('IAM role %s is already granted to role %s', arn, role));
END $$;
CREATE OR REPLACE PROCEDURE pg_catalog.{own}_iam_revoke(role text, arn text)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  role_oid oid := {own}_iam_role(role);
BEGIN
  DELETE FROM {own}_iam m WHERE m.pg_role_oid = role_oid AND m.arn = $2;
  IF NOT FOUND THEN
    PERFORM {own}_refuse('42704', format('IAM role %s does not exist', arn));
  END IF;
  IF NOT EXISTS (SELECT FROM {own}_iam WHERE pg_role_oid = role_oid) THEN
    EXECUTE format('REVOKE USAGE ON SCHEMA sys FROM %I', role);
  END IF;
END $$;

-- The front's question at login. A role that does not exist or may not log in is PostgreSQL's to
-- refuse. As at a login, a name is cut at 63 bytes.
CREATE OR REPLACE FUNCTION pg_catalog.{own}_lacks_iam(role text, arn text) RETURNS boolean
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM pg_authid r WHERE r.rolname = $1::name AND r.rolcanlogin
    AND NOT EXISTS (SELECT FROM {own}_iam m WHERE m.pg_role_oid = r.oid AND m.arn = $2)) $$;
REVOKE ALL ON FUNCTION pg_catalog.{own}_lacks_iam(text, text) FROM PUBLIC;
