-- `admin` owns the schema `public` and may make schemas and roles, and no more: it is no
-- superuser (DSQL user guide, "Database roles", 2026-09). Whatever somebody did to it, it can
-- log in again after a start.
--
-- In PostgreSQL 15 who may make roles may also grant every role that is no superuser, and so run
-- programs and read files as PostgreSQL's user (manual, "Predefined Roles"). So the predefined
-- roles become superusers: only a superuser may grant those, membership does not make one, and
-- nobody can log in as them. Memberships from before are revoked.
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'admin') THEN
    CREATE ROLE admin;
  END IF;
END $$;
ALTER ROLE admin WITH LOGIN INHERIT CREATEROLE NOCREATEDB NOSUPERUSER NOREPLICATION NOBYPASSRLS
  CONNECTION LIMIT -1;
GRANT CONNECT, CREATE, TEMPORARY ON DATABASE postgres TO admin;
ALTER SCHEMA public OWNER TO admin;
UPDATE pg_catalog.pg_authid SET rolsuper = true
  WHERE oid < {first_own_oid} AND rolname LIKE 'pg\_%' AND NOT rolsuper;
-- What is done in the background may be larger than a query.
ALTER ROLE {superuser} SET temp_file_limit = -1;
-- For what one of our functions does; SET of it is refused.
GRANT SET ON PARAMETER temp_file_limit TO PUBLIC;
DO $$
DECLARE
  membership record;
BEGIN
  FOR membership IN
    SELECT m.roleid::regrole AS role, m.member::regrole AS member, m.grantor::regrole AS grantor
    FROM pg_catalog.pg_auth_members m
    WHERE m.roleid < {first_own_oid} AND m.member >= {first_own_oid}
  LOOP
    EXECUTE format('REVOKE %s FROM %s GRANTED BY %s CASCADE',
      membership.role, membership.member, membership.grantor);
  END LOOP;
END $$;
