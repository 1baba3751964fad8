//! What users wrote runs with users' rights, also where the local cluster repeats or copies what a
//! transaction did.

use dsql_proxy::local::Cluster;

use super::client::{Access, error, only_value};
use super::concurrency::{Protocol, Speaker};
use super::with_cluster;

/// Everything of a table that evaluates an expression. `sober` fails if the superuser runs it.
const SETUP: [&str; 14] = [
    "CREATE FUNCTION who(int) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT current_user::text'",
    "CREATE FUNCTION sober(int) RETURNS boolean LANGUAGE sql IMMUTABLE
       AS 'SELECT current_user::text <> ''dsql_local'' OR 1 / (length(current_user::text) - 10) > 0'",
    "CREATE DOMAIN d AS int CHECK (sober(VALUE))",
    "CREATE TABLE parent (id d PRIMARY KEY, CHECK (sober(1)))",
    "INSERT INTO parent VALUES (1), (2)",
    "CREATE TABLE t (id int PRIMARY KEY, v int, x d DEFAULT 1,
       p int REFERENCES parent DEFAULT 1,
       w text GENERATED ALWAYS AS (who(v)) STORED,
       CHECK (sober(v)), CHECK (who(v) <> 'dsql_local'))",
    "CREATE INDEX ASYNC by_expression ON t ((sober(v)))",
    "CREATE INDEX ASYNC by_part ON t (v) WHERE sober(v)",
    // Folded when a query is planned.
    "CREATE INDEX ASYNC by_folded ON t (v) WHERE sober(1)",
    "CREATE UNIQUE INDEX ASYNC by_both ON t ((id + CASE WHEN sober(id) THEN 0 END)) WHERE sober(2)",
    "CREATE ROLE app WITH LOGIN",
    "GRANT SELECT (id, v, w), INSERT (id, v), UPDATE (v), DELETE ON t TO app",
    "GRANT DELETE, SELECT (id) ON parent TO app",
    "INSERT INTO t (id, v) VALUES (1, 0), (2, 0), (3, 0)",
];

const ADD: &str = "UPDATE t SET v = v + 1 WHERE id = 1";

async fn setup(access: &Access) {
    let mut admin = access.login("admin").await;
    let mut jobs = vec![];
    for sql in SETUP {
        let answer = admin.query(sql).await;
        assert_eq!(error(&answer), None, "{sql}");
        if sql.contains("INDEX ASYNC") {
            jobs.push(only_value(&answer));
        }
    }
    // Their end is a change of the catalog, which whoever has a transaction then would meet.
    for job in jobs {
        admin
            .value(&format!("CALL sys.wait_for_job('{job}')"))
            .await;
    }
    admin.grant_iam("app", Cluster::IAM_ARN).await;
}

/// Has somebody else want the row, and let it go.
async fn disturb(other: &mut Speaker) {
    other.run(&["BEGIN", ADD, "ROLLBACK"]).await;
}

#[tokio::test]
async fn expressions_never_run_as_the_superuser() {
    with_cluster(async |access| {
        setup(access).await;
        for role in ["admin", "app"] {
            let mut other = Speaker::new(access, Protocol::Simple).await;
            other
                .run(&[
                    "DELETE FROM t",
                    "INSERT INTO t (id, v) VALUES (1, 0), (2, 0), (3, 0)",
                ])
                .await;
            let mut a = Speaker::of(access, Protocol::Simple, role).await;
            // Repeated on the table.
            a.run(&[
                "BEGIN",
                ADD,
                "INSERT INTO t (id, v) VALUES (7, 7)",
                "DELETE FROM t WHERE id = 3",
            ])
            .await;
            disturb(&mut other).await;
            a.run(&["SELECT id, v FROM t"]).await;
            disturb(&mut other).await;
            a.run(&["COMMIT"]).await;
            let seen = other
                .ask("SELECT count(*), bool_or(w = 'dsql_local') FROM t")
                .await;
            assert_eq!(seen, "3,f | SELECT 1 | I", "{role}");
            // On shadows.
            a.run(&["BEGIN", ADD]).await;
            other.run(&[ADD]).await;
            assert_eq!(
                a.ask("SELECT w FROM t WHERE w = 'dsql_local'").await,
                "SELECT 0 | T"
            );
            assert_eq!(
                a.ask("UPDATE t SET v = v + 1 WHERE id = 2 RETURNING v, w")
                    .await,
                format!("1,{role} | UPDATE 1 | T")
            );
            let answer = a.ask("COMMIT").await;
            assert!(
                answer.starts_with("40001 change conflicts with another transaction (OC000)"),
                "{answer}"
            );
            // Locked.
            other.run(&["INSERT INTO t (id, v) VALUES (8, 8)"]).await;
            a.run(&["BEGIN", "SELECT id, v FROM t WHERE id = 8 FOR UPDATE"])
                .await;
            disturb(&mut other).await;
            a.run(&["COMMIT"]).await;
            let seen = other
                .ask("SELECT count(*) FROM t WHERE w = 'dsql_local'")
                .await;
            assert_eq!(seen, "0 | SELECT 1 | I", "{role}");
            // As the role that made the change, where it may do all that.
            if role == "app" {
                other.run(&["GRANT ALL ON t TO app"]).await;
            }
            a.run(&["BEGIN", ADD]).await;
            disturb(&mut other).await;
            a.run(&["COMMIT"]).await;
            let seen = other.ask("SELECT w FROM t WHERE id = 1").await;
            assert_eq!(seen, format!("{role} | SELECT 1 | I"));
            // A parent whose children are looked for.
            a.run(&["BEGIN", "DELETE FROM parent WHERE id = 2", "ROLLBACK"])
                .await;
        }
    })
    .await;
}

#[tokio::test]
async fn nobody_gets_out_of_the_owners_rights() {
    with_cluster(async |access| {
        let mut admin = access.login("admin").await;
        admin
            .run(&[
                "CREATE TABLE t (id int PRIMARY KEY, v int)",
                "INSERT INTO t VALUES (1, 0)",
                "CREATE FUNCTION rise(int) RETURNS boolean LANGUAGE sql VOLATILE AS
                   'SELECT NOT coalesce((SELECT rolsuper FROM pg_roles WHERE rolname = current_user), false)
                      AND current_setting(''is_superuser'') = ''off'' '",
                "ALTER TABLE t ADD CONSTRAINT c CHECK (rise(v)) NOT VALID",
            ])
            .await;
        let mut a = Speaker::new(access, Protocol::Simple).await;
        let mut other = Speaker::new(access, Protocol::Simple).await;
        a.run(&["BEGIN", ADD]).await;
        disturb(&mut other).await;
        a.run(&["SELECT * FROM t", "COMMIT"]).await;
        // Nor by asking for it.
        admin
            .run(&[
                "CREATE FUNCTION become(int) RETURNS boolean LANGUAGE sql VOLATILE AS
                   'SELECT set_config(''role'', ''dsql_local'', false) IS NOT NULL'",
                "ALTER TABLE t ADD CONSTRAINT become CHECK (v < 5 OR become(v)) NOT VALID",
            ])
            .await;
        for sql in ["UPDATE t SET v = 7", "INSERT INTO t VALUES (9, 9)"] {
            assert_eq!(
                a.ask(sql).await,
                "0A000 setting configuration parameter \"role\" not supported | I"
            );
        }
        assert_eq!(
            a.ask("SELECT rolsuper FROM pg_roles WHERE rolname = 'admin'").await,
            "f | SELECT 1 | I"
        );
        // The functions that repeat are closed to what they call.
        let answer = a
            .ask("SELECT dsql_local_run_as_owner(1259, 'RETURN current_user;', NULL, NULL)")
            .await;
        assert!(answer.starts_with("42"), "{answer}");
    })
    .await;
}
