//! What DSQL forbids in a transaction, and changes of the catalog beside it.

use super::client::{Client, Message, error, field, only_value, shape};
use super::frames::Frames;
use super::with_cluster;

const OC001: &str = "schema has been updated by another transaction (OC001)";
const SEVERAL_DDL: &str = "multiple ddl statements not supported in a transaction";
const DDL_AND_DML: &str = "ddl and dml are not supported in the same transaction";

/// SQLSTATE, message and status of statements, one by one, the last of which fails.
async fn outcome(client: &mut Client, extended: bool, statements: &[&str]) -> [String; 3] {
    let mut messages = vec![];
    for sql in statements {
        assert_eq!(error(&messages), None, "before {sql}");
        messages = if extended {
            client.extended(sql).await
        } else {
            client.query(sql).await
        };
    }
    told(&messages)
}

fn told(messages: &[Message]) -> [String; 3] {
    let text = |code| field(messages, code).unwrap_or_else(|| panic!("no error: {messages:?}"));
    let (_, status) = messages.last().unwrap();
    [text('C'), text('M'), char::from(status[0]).to_string()]
}

async fn tables(client: &mut Client) -> String {
    let sql = "SELECT coalesce(string_agg(relname, ',' ORDER BY relname), '') FROM pg_class
               WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace";
    client.value(sql).await
}

#[tokio::test]
async fn one_ddl_statement_and_no_dml() {
    with_cluster(async |access| {
        let mut admin = access.login("admin").await;
        admin.run(&["CREATE TABLE t (id int PRIMARY KEY)"]).await;
        let create = ["CREATE TABLE a (id int)", "CREATE TABLE b (id int)"];
        let insert = "INSERT INTO t VALUES (1)";
        for (first, second, message) in [
            (create[0], create[1], SEVERAL_DDL),
            (create[0], insert, DDL_AND_DML),
            (insert, create[0], DDL_AND_DML),
            (create[0], "GRANT SELECT ON t TO admin", SEVERAL_DDL),
        ] {
            let expected = |status: &str| ["0A000".to_owned(), message.into(), status.into()];
            for extended in [false, true] {
                let block = ["BEGIN", "SELECT 1", first, "SELECT 1", second];
                let failed = outcome(&mut admin, extended, &block).await;
                assert_eq!(failed, expected("E"), "{first}; {second}");
                let ended = admin.query("COMMIT").await;
                assert_eq!(ended[0], ('C', b"ROLLBACK\0".to_vec()));
            }
            let both = format!("SELECT 1; {first}; {second}; SELECT 2");
            let messages = admin.query(&both).await;
            assert_eq!(told(&messages), expected("I"), "{both}");
            assert_eq!(shape(&messages), ['T', 'D', 'C', 'C', 'E', 'Z']);

            let group = Frames::default().run(first).run(second).run("SELECT 2");
            admin.send(&group.sync().0).await;
            let messages = admin.until_ready().await;
            assert_eq!(told(&messages), expected("I"), "{both}");
            assert_eq!(
                shape(&messages),
                ['1', '2', 'n', 'C', '1', '2', 'n', 'E', 'Z']
            );
            assert_eq!(tables(&mut admin).await, "t", "nothing stays");
        }
        // Each in a transaction of its own.
        let both = format!("BEGIN; {}; COMMIT; BEGIN; {insert}; COMMIT", create[0]);
        admin.run(&[&both, create[1]]).await;
        assert_eq!(tables(&mut admin).await, "a,b,t");
    })
    .await;
}

#[tokio::test]
async fn an_index_in_a_block_of_one_query() {
    with_cluster(async |access| {
        let mut admin = access.login("admin").await;
        admin
            .run(&["CREATE TABLE t (id int PRIMARY KEY, v int)"])
            .await;
        let index = "CREATE INDEX ASYNC i ON t (v)";
        let messages = admin.query(&format!("BEGIN; {index}; COMMIT")).await;
        assert_eq!(shape(&messages), ['C', 'T', 'D', 'C', 'C', 'Z']);
        assert_eq!(messages[3].1, b"CREATE INDEX\0");
        assert!(messages[1].1.windows(7).any(|name| name == b"job_id\0"));
        let job = only_value(&messages);
        let wait = format!("CALL sys.wait_for_job('{job}')");
        admin.run(&[&wait]).await;

        // As it is described before it runs.
        let frames = Frames::default()
            .parse("s", "CREATE INDEX ASYNC j ON t (v)")
            .describe('S', "s")
            .bind("", "s")
            .describe('P', "")
            .execute("", 0)
            .sync();
        admin.send(&frames.0).await;
        let messages = admin.until_ready().await;
        assert_eq!(
            shape(&messages),
            ['1', 't', 'T', '2', 'T', 'D', 'C', 'Z'],
            "{:?}",
            error(&messages)
        );
        assert_eq!(messages[6].1, b"CREATE INDEX\0");

        // What is refused when it is executed returns no rows.
        let frames = Frames::default()
            .parse("", "TRUNCATE t")
            .describe('S', "")
            .bind("", "")
            .describe('P', "")
            .execute("", 0)
            .sync();
        admin.send(&frames.0).await;
        let refused = admin.until_ready().await;
        assert_eq!(shape(&refused).last(), Some(&'Z'));
        assert_eq!(field(&refused, 'C').unwrap(), "0A000");
        assert!(!shape(&refused).contains(&'T'));
        assert_eq!(admin.value("SELECT 1").await, "1");
    })
    .await;
}

#[tokio::test]
async fn overlapping_changes_of_the_catalog() {
    with_cluster(async |access| {
        let mut one = access.login("admin").await;
        let mut other = access.login("admin").await;
        one.run(&["CREATE TABLE t (id int PRIMARY KEY)"]).await;
        let oc001 = |status: &str| ["40001".to_owned(), OC001.into(), status.into()];
        for extended in [false, true] {
            for (block, change) in [
                (&["BEGIN", "SELECT 1"][..], "CREATE TABLE u (id int)"),
                (&["BEGIN", "INSERT INTO t VALUES (1)"], "DROP TABLE u"),
                (&["BEGIN"], "CREATE TABLE u (id int)"),
                (&["BEGIN", "CREATE TABLE w (id int)"], "DROP TABLE u"),
            ] {
                // At the next statement.
                one.run(block).await;
                other.run(&[change]).await;
                let failed = outcome(&mut one, extended, &["SELECT 2"]).await;
                assert_eq!(failed, oc001("E"), "{block:?}");
                let failed = outcome(&mut one, extended, &["SELECT 2"]).await;
                assert_eq!(failed[0], "25P02");
                one.run(&["ROLLBACK"]).await;
                assert_eq!(one.value("SELECT count(*) FROM t").await, "0");
            }
            for block in [
                &["BEGIN", "INSERT INTO t VALUES (1)"][..],
                &["BEGIN", "CREATE TABLE w (id int)"],
                &["BEGIN", "SELECT 1"],
            ] {
                // At COMMIT.
                one.run(block).await;
                other.run(&["CREATE TABLE u (id int)"]).await;
                let failed = outcome(&mut one, extended, &["COMMIT"]).await;
                assert_eq!(failed, oc001("I"), "{block:?}");
                other.run(&["DROP TABLE u"]).await;
                assert_eq!(one.value("SELECT count(*) FROM t").await, "0");
                assert_eq!(tables(&mut one).await, "t");
            }
            // A change that is rolled back changes nothing.
            one.run(&["BEGIN", "SELECT 1"]).await;
            other
                .run(&["BEGIN", "CREATE TABLE u (id int)", "ROLLBACK"])
                .await;
            one.run(&["SELECT 1", "COMMIT"]).await;
            // ROLLBACK is always possible.
            one.run(&["BEGIN", "SELECT 1"]).await;
            other.run(&["CREATE TABLE u (id int)"]).await;
            one.run(&["ROLLBACK"]).await;
            other.run(&["DROP TABLE u"]).await;
        }
    })
    .await;
}
