use super::server::{Answer, Server, Session};

#[expect(clippy::unnecessary_wraps, reason = "it is compared with answers")]
fn rows(rows: &[&str]) -> Answer {
    let count = rows.len() as u64;
    Ok((rows.iter().map(|row| (*row).to_owned()).collect(), count))
}

async fn tables() -> Server {
    let server = Server::start().await;
    let admin = server.session().await;
    admin
        .script(
            "CREATE TABLE t (id int PRIMARY KEY, v int);
             INSERT INTO t VALUES (1, 0), (2, 0);
             CREATE TABLE heap (v int, w text);
             INSERT INTO heap VALUES (1, 'a'), (1, 'a'), (2, NULL);
             CREATE TABLE parent (id int PRIMARY KEY, v int);
             CREATE TABLE child (id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY,
               p int REFERENCES parent);
             INSERT INTO parent VALUES (1, 0), (2, 0);",
        )
        .await;
    server
}

/// Runs `second`'s statement, which waits for `first`, until that is parked.
async fn over(first: &mut Session, second: &mut Session, sql: &str) -> Answer {
    let (watch, mine) = (first.sibling().await, second.pid().await);
    let waits = async {
        let blocked = format!("SELECT cardinality(pg_blocking_pids({mine})) > 0");
        while watch.value(&blocked).await != "t" {
            tokio::task::yield_now().await;
        }
    };
    let run = second.run_one(sql);
    tokio::pin!(run);
    tokio::select! {
        answer = &mut run => panic!("it did not wait: {answer:?}"),
        () = waits => {}
    }
    tokio::join!(run, first.park()).0
}

#[tokio::test]
async fn the_first_committer_wins() {
    let server = tables().await;
    let (mut a, mut b) = (server.session().await, server.session().await);
    // Though it wrote second.
    a.begin().await;
    b.begin().await;
    let add = "UPDATE t SET v = v + 1 WHERE id = 1 RETURNING v";
    assert_eq!(a.run_one(add).await, rows(&["1"]));
    assert_eq!(over(&mut a, &mut b, add).await, rows(&["1"]));
    assert!(b.commit().await);
    assert!(!a.commit().await);
    assert_eq!(a.value("SELECT v FROM t WHERE id = 1").await, "1");

    // One that rolls back dooms nobody.
    a.begin().await;
    b.begin().await;
    assert_eq!(a.run_one(add).await, rows(&["2"]));
    assert_eq!(over(&mut a, &mut b, add).await, rows(&["2"]));
    b.rollback().await;
    assert!(a.commit().await);
    assert_eq!(a.value("SELECT v FROM t WHERE id = 1").await, "2");

    // An autocommit statement is as good as a block.
    a.begin().await;
    assert_eq!(a.run_one(add).await, rows(&["3"]));
    assert_eq!(over(&mut a, &mut b, add).await, rows(&["3"]));
    assert!(!a.commit().await);
}

#[tokio::test]
async fn a_loser_works_on_in_its_own_snapshot() {
    let server = tables().await;
    let (mut a, b) = (server.session().await, server.session().await);
    a.begin().await;
    assert_eq!(
        a.run_one("INSERT INTO t VALUES (3, 30)").await,
        Ok((vec![], 1))
    );
    b.script("UPDATE t SET v = 100; INSERT INTO t VALUES (4, 400); DELETE FROM t WHERE id = 2")
        .await;
    // Both rows are gone from everybody else's view.
    let add = "UPDATE public.t SET v = public.t.v + 1 WHERE id < 3 RETURNING id, v";
    assert_eq!(a.run_one(add).await, rows(&["1,1", "2,1"]));
    assert_eq!(a.run_one(add).await, rows(&["1,2", "2,2"]));
    let all = "SELECT id, v FROM t ORDER BY id";
    assert_eq!(a.run_one(all).await, rows(&["1,2", "2,2", "3,30"]));
    assert_eq!(
        a.run_one("DELETE FROM t WHERE id = 2").await,
        Ok((vec![], 1))
    );
    assert_eq!(
        a.run_one("INSERT INTO t VALUES (1, 1)").await,
        Err("23505 duplicate key value violates unique constraint \"t_pkey\"".to_owned())
    );
    assert!(!a.commit().await);
    let all = a.run_one(all).await;
    assert_eq!(all, rows(&["1,100", "4,400"]));
}

#[tokio::test]
async fn the_same_key_twice_is_a_conflict_or_an_error() {
    let server = tables().await;
    let (mut a, mut b) = (server.session().await, server.session().await);
    a.begin().await;
    a.run_one("SELECT count(*) FROM t").await.unwrap();
    b.script("INSERT INTO t VALUES (5, 50)").await;
    // Its snapshot has no such key.
    assert_eq!(
        a.run_one("INSERT INTO t VALUES (5, 51) RETURNING v").await,
        rows(&["51"])
    );
    assert_eq!(
        a.run_one("SELECT v FROM t WHERE id = 5").await,
        rows(&["51"])
    );
    assert!(!a.commit().await);

    a.begin().await;
    assert_eq!(
        a.run_one("INSERT INTO t VALUES (5, 51)").await,
        Err("23505 duplicate key value violates unique constraint \"t_pkey\"".to_owned())
    );
    a.rollback().await;

    // Whoever commits first has it.
    a.begin().await;
    b.begin().await;
    a.run_one("INSERT INTO t VALUES (6, 1)").await.unwrap();
    over(&mut a, &mut b, "INSERT INTO t VALUES (6, 2)")
        .await
        .unwrap();
    b.park().await;
    assert!(a.commit().await);
    assert!(!b.commit().await);
}

#[tokio::test]
async fn references_are_kept() {
    let server = tables().await;
    let (mut a, mut b) = (server.session().await, server.session().await);
    // The child comes first.
    a.begin().await;
    a.run_one("DELETE FROM parent WHERE id = 1").await.unwrap();
    over(&mut a, &mut b, "INSERT INTO child (p) VALUES (1)")
        .await
        .unwrap();
    assert!(!a.commit().await);
    // The parent goes first.
    a.begin().await;
    a.run_one("INSERT INTO child (p) VALUES (2)").await.unwrap();
    over(&mut a, &mut b, "DELETE FROM parent WHERE id = 2")
        .await
        .unwrap();
    assert!(!a.commit().await);
    // A change that is not of the key does not meet the children.
    a.begin().await;
    b.begin().await;
    a.run_one("INSERT INTO child (p) VALUES (1)").await.unwrap();
    assert_eq!(
        b.run_one("UPDATE parent SET v = 7 WHERE id = 1 RETURNING v")
            .await,
        rows(&["7"])
    );
    a.park().await;
    b.park().await;
    assert!(b.commit().await);
    assert!(a.commit().await, "a key share is no write");
    assert_eq!(a.value("SELECT count(*) FROM child").await, "2");
    // A child that the snapshot does not know.
    b.script("INSERT INTO parent VALUES (3)").await;
    a.begin().await;
    a.run_one("SELECT count(*) FROM child").await.unwrap();
    b.script("INSERT INTO child (p) VALUES (3)").await;
    assert_eq!(
        a.run_one("DELETE FROM parent WHERE id = 3").await,
        Ok((vec![], 1))
    );
    assert!(!a.commit().await);
    // One that it does.
    a.begin().await;
    assert_eq!(
        a.run_one("DELETE FROM parent WHERE id = 3").await,
        Err(
            "23503 update or delete on table \"parent\" violates foreign key constraint \
             \"child_p_fkey\" on table \"child\""
                .to_owned()
        )
    );
    a.rollback().await;
}

#[tokio::test]
async fn tables_without_a_key_conflict_by_row() {
    let server = tables().await;
    let (mut a, mut b) = (server.session().await, server.session().await);
    a.begin().await;
    assert_eq!(
        a.run_one("UPDATE heap SET w = 'b' WHERE v = 1").await,
        Ok((vec![], 2))
    );
    a.park().await;
    assert_eq!(
        a.run_one("SELECT v, w FROM heap ORDER BY v").await,
        rows(&["1,b", "1,b", "2,NULL"])
    );
    assert_eq!(
        b.run_one("DELETE FROM heap WHERE v = 2").await,
        Ok((vec![], 1))
    );
    assert!(a.commit().await, "they wrote different rows");
    a.begin().await;
    a.run_one("DELETE FROM heap WHERE ctid = (SELECT min(ctid) FROM heap)")
        .await
        .unwrap();
    over(&mut a, &mut b, "UPDATE heap SET w = 'c'")
        .await
        .unwrap();
    assert!(!a.commit().await);
    assert_eq!(
        a.value("SELECT count(*) FROM heap WHERE w = 'c'").await,
        "2"
    );
}

#[tokio::test]
async fn a_locked_row_is_a_written_row() {
    let server = tables().await;
    let (mut a, mut b) = (server.session().await, server.session().await);
    let lock = "SELECT v FROM t WHERE id = 1 FOR UPDATE";
    let add = "UPDATE t SET v = v + 1 WHERE id = 1";
    a.begin().await;
    b.begin().await;
    assert_eq!(a.run_one(lock).await, rows(&["0"]));
    over(&mut a, &mut b, add).await.unwrap();
    b.park().await;
    assert!(a.commit().await);
    assert!(!b.commit().await, "the lock was committed first");

    a.begin().await;
    assert_eq!(a.run_one(lock).await, rows(&["0"]));
    over(&mut a, &mut b, add).await.unwrap();
    assert!(!a.commit().await, "the write was committed first");

    // Key shares meet what removes the key, and nothing else.
    let share = "SELECT v FROM t WHERE id = 2 FOR KEY SHARE";
    a.begin().await;
    a.run_one(share).await.unwrap();
    a.park().await;
    b.run_one("DELETE FROM t WHERE id = 2").await.unwrap();
    assert!(!a.commit().await);
}

#[tokio::test]
async fn a_lock_that_nobody_lets_go_of_is_passed_by() {
    let server = tables().await;
    let (mut a, mut b) = (server.session().await, server.session().await);
    b.script("SET lock_timeout = '1ms'").await;
    let add = "UPDATE t SET v = v + 1 WHERE id = 1 RETURNING v";
    for a_commits in [false, true] {
        a.begin().await;
        b.begin().await;
        a.run_one(add).await.unwrap();
        b.run_one("UPDATE t SET v = v + 10 WHERE id = 2")
            .await
            .unwrap();
        let before: u64 = b
            .value("SELECT v FROM t WHERE id = 1")
            .await
            .parse()
            .unwrap();
        // On a shadow, as nobody parks A.
        assert_eq!(b.run_one(add).await, rows(&[&(before + 1).to_string()]));
        assert_eq!(b.run_one(add).await, rows(&[&(before + 2).to_string()]));
        let seen = b.run_one("SELECT v FROM t WHERE id = 1").await;
        assert_eq!(seen, rows(&[&(before + 2).to_string()]));
        if a_commits {
            assert!(a.commit().await);
            assert!(!b.commit().await);
        } else {
            a.rollback().await;
            assert!(b.commit().await);
            assert_eq!(a.value("SELECT sum(v) FROM t").await, "12");
        }
    }
}

#[tokio::test]
async fn settings_and_schema_changes_survive_parking() {
    let server = tables().await;
    let (mut a, b) = (server.session().await, server.session().await);
    a.begin().await;
    a.run_one("SET search_path = other, public").await.unwrap();
    a.block()
        .set("SET search_path = other, public -- and so on".to_owned());
    a.park().await;
    assert_ne!(a.value("SHOW search_path").await, "other, public");
    a.run_one("SELECT 1").await.unwrap();
    assert_eq!(a.value("SHOW search_path").await, "other, public");
    assert!(a.commit().await);
    assert_eq!(a.value("SHOW search_path").await, "other, public");

    let ddl = "ALTER TABLE public.t ADD COLUMN w int";
    a.begin().await;
    a.run_one(ddl).await.unwrap();
    a.block().ddl(ddl.to_owned());
    a.park().await;
    assert_eq!(b.value("SELECT count(*) FROM t").await, "2");
    assert!(a.commit().await);
    assert_eq!(b.value("SELECT count(w) FROM t").await, "0");
}
