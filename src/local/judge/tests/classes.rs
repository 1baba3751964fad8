//! What a statement is to a transaction.

use super::{Class, judge};

#[test]
fn statements_have_their_class() {
    use Class as C;
    let mut wrong = Vec::new();
    for (statement, class) in [
        ("BEGIN", C::Begin),
        ("START TRANSACTION READ ONLY", C::Begin),
        ("COMMIT", C::Commit),
        ("END", C::Commit),
        ("ROLLBACK", C::Rollback),
        ("ABORT", C::Rollback),
        // What is refused does not happen.
        ("BEGIN ISOLATION LEVEL SERIALIZABLE", C::Session),
        ("COMMIT AND CHAIN", C::Session),
        ("ROLLBACK TO s", C::Session),
        ("COMMIT PREPARED 'x'", C::Session),
        ("SELECT 1", C::Read),
        ("(SELECT 1) UNION SELECT 2", C::Read),
        ("VALUES (1)", C::Read),
        ("TABLE t", C::Read),
        ("WITH x AS (SELECT 1) SELECT * FROM x", C::Read),
        ("SELECT * FROM t FOR UPDATE", C::Locking),
        (
            "SELECT * FROM (SELECT * FROM t FOR KEY SHARE) s",
            C::Locking,
        ),
        (
            "WITH x AS (SELECT * FROM t FOR UPDATE) SELECT * FROM x",
            C::Locking,
        ),
        ("TABLE t FOR UPDATE", C::Locking),
        ("INSERT INTO t VALUES (1)", C::Dml),
        ("UPDATE t SET a = 1", C::Dml),
        ("DELETE FROM t", C::Dml),
        ("INSERT INTO t SELECT * FROM u FOR UPDATE", C::Dml),
        ("WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x", C::Dml),
        (
            "WITH x AS (INSERT INTO t VALUES (1) RETURNING *) SELECT * FROM x",
            C::Dml,
        ),
        (
            "WITH RECURSIVE a (b, c) AS NOT MATERIALIZED (SELECT 1, 2), d AS (DELETE FROM t) SELECT 1",
            C::Dml,
        ),
        (
            "WITH RECURSIVE a AS (SELECT 1) SEARCH DEPTH FIRST BY b, c SET d CYCLE e SET f USING g, h AS (SELECT 1) UPDATE t SET a = 1",
            C::Dml,
        ),
        (
            "WITH update AS (SELECT 1), values AS (SELECT 2) SELECT 1",
            C::Read,
        ),
        (
            "MERGE INTO t USING u ON true WHEN MATCHED THEN DELETE",
            C::Dml,
        ),
        ("COPY t FROM STDIN", C::Dml),
        ("COPY t (a) FROM STDIN", C::Dml),
        ("COPY t TO STDOUT", C::Read),
        ("COPY (SELECT 1) TO STDOUT", C::Read),
        (
            "COPY (INSERT INTO t VALUES (1) RETURNING *) TO STDOUT",
            C::Dml,
        ),
        ("EXPLAIN INSERT INTO t VALUES (1)", C::Read),
        ("EXPLAIN VERBOSE UPDATE t SET a = 1", C::Read),
        ("EXPLAIN ANALYZE DELETE FROM t", C::Dml),
        (
            "EXPLAIN ANALYSE VERBOSE SELECT * FROM t FOR UPDATE",
            C::Locking,
        ),
        ("EXPLAIN (COSTS OFF, ANALYZE) UPDATE t SET a = 1", C::Dml),
        (
            "EXPLAIN (ANALYZE true) WITH x AS (SELECT 1) DELETE FROM t",
            C::Dml,
        ),
        ("EXPLAIN (ANALYZE off) UPDATE t SET a = 1", C::Read),
        ("EXPLAIN (SELECT 1)", C::Read),
        ("EXPLAIN ((SELECT 1) UNION SELECT 2)", C::Read),
        ("CREATE TABLE t (a int)", C::Ddl),
        ("CREATE INDEX ASYNC ON t (a)", C::Ddl),
        ("ALTER TABLE t ADD a int", C::Ddl),
        ("ALTER TABLE ASYNC t VALIDATE CONSTRAINT c", C::Ddl),
        (
            "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO r",
            C::Ddl,
        ),
        ("DROP TABLE t", C::Ddl),
        ("COMMENT ON TABLE t IS 'x'", C::Ddl),
        ("GRANT a TO b", C::Ddl),
        ("REVOKE a FROM b", C::Ddl),
        ("AWS IAM GRANT r TO 'a'", C::Ddl),
        ("AWS IAM REVOKE r FROM 'a'", C::Ddl),
        ("SET search_path = a", C::Session),
        ("SHOW ALL", C::Session),
        ("RESET ALL", C::Session),
        ("DEALLOCATE ALL", C::Session),
        ("CALL sys.wait_for_job('x')", C::Session),
        ("LISTEN c", C::Session),
        ("nonsense", C::Session),
        ("", C::Session),
    ] {
        let found = judge(statement.as_bytes()).class;
        if found != class {
            wrong.push((statement, found));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
