use proptest::prelude::*;

use super::sqlish;
use crate::sql::{StatementKind, kind};

#[test]
fn kinds_of_texts() {
    use StatementKind::*;
    for (text, expected) in [
        ("", Empty),
        (" ", Empty),
        ("-- ping", Empty),
        (";", Empty),
        ("/* a */ ; -- b", Empty),
        ("SELECT 1", Select),
        ("select(1)", Select),
        ("SELECT\"a\"", Select),
        ("(SELECT 1) UNION (SELECT 2)", Select),
        ("((SELECT 1))", Select),
        ("  \n/* /* x */ */ -- y\n sElEcT 1", Select),
        (";SELECT 1", Select),
        ("selecting", Other),
        ("select1", Other),
        ("\"select\" 1", Other),
        ("INSERT INTO t VALUES (1)", Insert),
        ("update t set a = 1", Update),
        ("DELETE FROM t", Delete),
        ("MERGE INTO t", Merge),
        ("WITH a AS (SELECT 1) SELECT * FROM a", With),
        ("VALUES (1)", Values),
        ("TABLE t", Table),
        ("BEGIN", Begin),
        ("begin ", Begin),
        ("START TRANSACTION;", Begin),
        ("START REPLICATION", Other),
        ("COMMIT", Commit),
        ("END", Commit),
        ("COMMIT PREPARED 'a'", CommitPrepared),
        ("ROLLBACK", Rollback),
        ("ABORT", Rollback),
        ("ROLLBACK AND CHAIN", Rollback),
        ("ROLLBACK TO a", RollbackToSavepoint),
        ("ROLLBACK /* x */ WORK TO SAVEPOINT a", RollbackToSavepoint),
        ("rollback transaction to savepoint a", RollbackToSavepoint),
        ("ROLLBACK PREPARED 'a'", RollbackPrepared),
        ("PREPARE a AS SELECT 1", Prepare),
        ("PREPARE transaction AS SELECT 1", Prepare),
        ("PREPARE TRANSACTION 'a'", PrepareTransaction),
        ("EXECUTE a", Execute),
        ("deallocate \"pgx_0\"", Deallocate),
        ("DISCARD ALL", Discard),
        ("SAVEPOINT a", Savepoint),
        ("RELEASE a", Release),
        ("SET a = 1", Set),
        ("set\"a\"=1", Set),
        ("SETOF", Other),
        ("RESET ALL", Reset),
        ("SHOW a", Show),
        ("DECLARE c CURSOR FOR SELECT 1", Declare),
        ("FETCH 1 FROM c", Fetch),
        ("CLOSE ALL", Close),
        ("LISTEN a", Listen),
        ("UNLISTEN *", Unlisten),
        ("NOTIFY a", Notify),
        ("LOCK TABLE t", Lock),
        ("TRUNCATE t", Truncate),
        ("VACUUM", Vacuum),
        ("COPY t FROM STDIN", Copy),
        ("copy t from stdin binary;", Copy),
        ("EXPLAIN SELECT 1", Explain),
        ("CREATE TABLE t ()", Create),
        ("ALTER TABLE t", Alter),
        ("DROP TABLE t", Drop),
        ("CALL sys.wait_for_job('a')", Call),
        ("DO $$ $$", Do),
        ("AWS IAM GRANT a TO 'b'", Other),
        ("é", Other),
        ("'a'", Other),
        ("1", Other),
    ] {
        assert_eq!(kind(text.as_bytes()), expected, "{text:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_have_a_kind(text in sqlish()) {
        kind(&text);
    }
}
