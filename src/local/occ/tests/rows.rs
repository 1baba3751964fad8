use super::server::Server;

/// Everything that a column can be, and names that have to be quoted.
const TABLES: &str = r#"
    CREATE SCHEMA "My S";
    CREATE TABLE "My S"."Tab le" (
      gone int, id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1), "Key" text,
      s smallint, i int, n numeric(18,6), r real, d double precision, b boolean, c char(4),
      v varchar(9), t text, da date, ti time, tz timetz, ts timestamp, tstz timestamptz,
      iv interval, u uuid, by bytea, j json, jb jsonb, dsql_local_row text, before text,
      twice int GENERATED ALWAYS AS (i * 2) STORED, later int DEFAULT 7,
      PRIMARY KEY ("Key", id));
    ALTER TABLE "My S"."Tab le" DROP COLUMN gone;
    CREATE TABLE parent (id int PRIMARY KEY);
    CREATE TABLE child (id int PRIMARY KEY, p int REFERENCES parent ON DELETE CASCADE
      ON UPDATE CASCADE);
    INSERT INTO parent VALUES (1), (2), (3);
    INSERT INTO child VALUES (10, 1), (20, 2), (30, 3);
"#;

const STATEMENTS: [&str; 9] = [
    r#"INSERT INTO "My S"."Tab le" ("Key", s, i, n, r, d, b, c, v, t, da, ti, tz, ts, tstz, iv, u,
         by, j, jb, dsql_local_row, before)
       VALUES ('k', -1, 21, 1.5, 0.1, 0.1::float8 + 0.2, true, 'x', 'a,b', E'"\\(){}''\n é', '4713-01-01 BC',
         '24:00', '01:02:03.000004-15:59', 'infinity', '2020-02-29 23:59:59.999999+05:30',
         '-1 mon +2 days -03:04:05.000006', '00000000-0000-0000-0000-00000000000f', '\x00ff5c',
         '{"a" : [1, null]}', '{"b": "\"}"}', '', 'NULL'),
         ('l', NULL, NULL, NULL, 'NaN', '-Infinity', NULL, '', '', NULL, 'infinity', NULL, NULL,
         NULL, '-infinity', '0', NULL, '', NULL, 'null', NULL, NULL)"#,
    r#"INSERT INTO "My S"."Tab le" ("Key", i) VALUES ('m', 1), ('n', 2), ('o', 3)"#,
    r#"UPDATE "My S"."Tab le" SET "Key" = 'p', i = 4 WHERE "Key" = 'm'"#,
    r#"DELETE FROM "My S"."Tab le" WHERE "Key" = 'n'"#,
    r#"WITH gone AS (DELETE FROM "My S"."Tab le" WHERE "Key" = 'o' RETURNING *)
       INSERT INTO "My S"."Tab le" ("Key", i) SELECT "Key", i FROM gone"#,
    "INSERT INTO parent VALUES (3), (4), (5) ON CONFLICT (id) DO UPDATE SET id = 6",
    "UPDATE parent SET id = id + 100 WHERE id < 3",
    "DELETE FROM parent WHERE id = 101",
    "UPDATE child SET p = NULL WHERE id = 30",
];

const LOOK: [&str; 3] = [
    r#"SELECT x::text FROM "My S"."Tab le" x ORDER BY 1"#,
    "SELECT x::text FROM parent x ORDER BY 1",
    "SELECT x::text FROM child x ORDER BY 1",
];

#[tokio::test]
async fn all_rows_come_back_as_they_were() {
    let server = Server::start().await;
    let mut session = server.session().await;
    let other = server.session().await;
    session.script(TABLES).await;
    session
        .script(
            "SET datestyle = 'SQL, DMY'; SET intervalstyle = sql_standard;
             SET timezone = 'Asia/Tokyo'; SET extra_float_digits = -5; SET client_encoding = LATIN1",
        )
        .await;
    session.begin().await;
    for statement in STATEMENTS {
        session.run_one(statement).await.unwrap();
    }
    let mut before = vec![];
    for look in LOOK {
        before.push(session.run_one(look).await.unwrap());
    }
    session.park().await;
    assert_eq!(other.value("SELECT count(*) FROM parent").await, "3");
    for (look, before) in LOOK.iter().zip(&before) {
        assert_eq!(session.run_one(look).await.as_ref(), Ok(before), "{look}");
    }
    // On shadows it looks the same.
    session.park().await;
    other.script("INSERT INTO parent VALUES (4)").await;
    assert!(!session.commit().await);
    session.begin().await;
    for statement in STATEMENTS {
        if !statement.contains("parent") {
            session.run_one(statement).await.unwrap();
        }
    }
    let look = LOOK[0];
    let before = session.run_one(look).await.unwrap();
    session.park().await;
    other.script("UPDATE child SET p = p").await;
    assert_eq!(session.run_one(look).await, Ok(before));
    assert!(!session.commit().await);
    // The identity went on.
    session.begin().await;
    session.run_one(STATEMENTS[1]).await.unwrap();
    session.park().await;
    assert!(session.commit().await);
    assert_eq!(
        session
            .value(r#"SELECT min(id) > 6 FROM "My S"."Tab le""#)
            .await,
        "t"
    );
}

#[tokio::test]
async fn tools_do_not_see_the_triggers() {
    let server = Server::start().await;
    let session = server.session().await;
    session.script("CREATE TABLE t (id int PRIMARY KEY)").await;
    for sql in [
        "SELECT count(*) FROM information_schema.triggers",
        "SELECT count(*) FROM pg_trigger WHERE tgrelid = 't'::regclass AND NOT tgisinternal",
    ] {
        assert_eq!(session.value(sql).await, "0", "{sql}");
    }
    session
        .script("INSERT INTO t VALUES (1); ALTER TABLE t RENAME TO u; DROP TABLE u")
        .await;
    assert!(
        session.changes().is_empty(),
        "nothing is told in autocommit"
    );
}

#[tokio::test]
async fn shadows_know_who_may_what() {
    let server = Server::start().await;
    let owner = server.session().await;
    owner
        .script(
            "CREATE ROLE app LOGIN; CREATE TABLE t (id int PRIMARY KEY, v int, w int);
             INSERT INTO t VALUES (1, 1, 1); GRANT SELECT, INSERT, UPDATE (v) ON t TO app",
        )
        .await;
    let mut app = server.session_as("app").await;
    app.begin().await;
    app.run_one("SELECT * FROM t").await.unwrap();
    owner.script("UPDATE t SET w = 2").await;
    let answer = app.run_one("UPDATE t SET v = 2 RETURNING id, v, w").await;
    assert_eq!(answer, Ok((vec!["1,2,1".to_owned()], 1)));
    let denied = Err("42501 permission denied for table t".to_owned());
    assert_eq!(app.run_one("UPDATE t SET w = 2").await, denied);
    app.rollback().await;
    // The functions of the local cluster are not for everybody.
    for sql in [
        "SELECT dsql_local_apply('t'::regclass, 'D', NULL, NULL)",
        "SELECT dsql_local_shadow('t'::regclass)",
        "SELECT dsql_local_locked('t'::regclass, false)",
        "SELECT dsql_local_watch('t'::regclass, NULL)",
    ] {
        let error = app.run_one(sql).await.unwrap_err();
        assert!(error.starts_with("42501 "), "{error}");
    }
}

#[tokio::test]
async fn rows_are_counted_across_statements() {
    let server = Server::start().await;
    let mut session = server.session().await;
    session.script("CREATE TABLE t (id int PRIMARY KEY)").await;
    let insert = |from: u32, to: u32| format!("INSERT INTO t SELECT generate_series({from}, {to})");
    let exceeded = Err("54000 transaction row limit exceeded".to_owned());
    assert_eq!(session.run_one(&insert(1, 3001)).await, exceeded);
    assert_eq!(session.run_one(&insert(1, 3000)).await, Ok((vec![], 3000)));
    session.begin().await;
    assert_eq!(session.run_one("DELETE FROM t").await, Ok((vec![], 3000)));
    session.park().await;
    assert_eq!(session.run_one(&insert(1, 1)).await, exceeded);
    session.rollback().await;
    assert_eq!(session.value("SELECT count(*) FROM t").await, "3000");
}
