//! Several statements in one Query.

use super::cluster;

#[tokio::test]
async fn each_ddl_statement_runs_alone() {
    let cluster = cluster(&[]);
    let mut peer = cluster.peer().await;
    let reply = peer
        .query(
            "-- a migration\ncreate table a (id int primary key, t text);\n\
             create table b (id int primary key); insert into a values (1, 'x;y'), (2, $$;$$);\n\
             update a set t = 'z' where id = 1; alter table b add column c text;\n\
             select count(*) from a;",
        )
        .await;
    assert_eq!(reply.told(), "- I", "{reply:?}");
    assert_eq!(
        reply.tags,
        [
            "CREATE TABLE",
            "CREATE TABLE",
            "INSERT 0 2",
            "UPDATE 1",
            "ALTER TABLE",
            "SELECT 1"
        ]
    );
    assert_eq!(reply.value(), "2");
    let reply = peer.run("select t from a order by id").await;
    assert_eq!(reply.values(), ["z", ";"]);
}

#[tokio::test]
async fn statements_between_ddl_are_one_transaction() {
    let cluster = cluster(&[]);
    let mut peer = cluster.peer().await;
    let script = "create table t (id int primary key); insert into t values (1); \
                  insert into t values (2); insert into t values (1); create table u (a int)";
    let reply = peer.query(script).await;
    assert_eq!(reply.told(), "23505 I");
    assert_eq!(reply.tags, ["CREATE TABLE", "INSERT 0 1", "INSERT 0 1"]);
    let detail = reply.error.unwrap().detail.unwrap();
    assert!(
        detail.ends_with("The first of 5 statements had been applied, and stays so."),
        "{detail}"
    );
    assert_eq!(peer.run("select count(*) from t").await.value(), "0");
    assert_eq!(peer.query("select * from u").await.told(), "42P01 I");
}

#[tokio::test]
async fn the_position_of_an_error_is_that_in_the_whole_text() {
    let cluster = cluster(&[]);
    let mut peer = cluster.peer().await;
    for (script, at) in [
        (
            "create table ä (a int); create table ü (a int); selekt 'ß'",
            "selekt",
        ),
        (
            "create table b (a int); select 'ö'; select nothing; create table c (a int)",
            "nothing",
        ),
        (
            "create table d (a int);\n create table e (a nonsense); select 1",
            "nonsense",
        ),
    ] {
        let messages = peer.raw.query(script).await;
        let (_, body) = messages.iter().find(|(tag, _)| *tag == b'E').unwrap();
        let fields = dsql_proxy::wire::ErrorFields::read(body).unwrap();
        let position = String::from_utf8(fields.field(b'P').unwrap().to_vec()).unwrap();
        let before = script.split(at).next().unwrap().chars().count();
        assert_eq!(position.parse::<usize>().unwrap(), before + 1, "{script}");
        assert_eq!(messages.last().unwrap().0, b'Z');
    }
}

#[tokio::test]
async fn scripts_without_ddl_stay_whole() {
    let cluster = cluster(&[]);
    let mut peer = cluster.peer().await;
    peer.run("create table t (id int primary key)").await;
    let reply = peer
        .query("insert into t values (1); insert into t values (2); insert into t values (1)")
        .await;
    assert_eq!(reply.told(), "23505 I");
    assert_eq!(
        reply.error.unwrap().detail.unwrap(),
        "Key (id)=(1) already exists."
    );
    assert_eq!(peer.run("select count(*) from t").await.value(), "0");
}

#[tokio::test]
async fn scripts_follow_one_another_in_a_pipeline() {
    let cluster = cluster(&[]);
    let mut peer = cluster.peer().await;
    peer.send(|out| {
        for n in 0..3 {
            let script = format!("create table t{n} (a int); insert into t{n} values ({n})");
            dsql_proxy::wire::encode::query(script.as_bytes(), out);
            dsql_proxy::wire::encode::query(format!("select a from t{n}").as_bytes(), out);
        }
    })
    .await;
    for n in 0..3 {
        let reply = peer.reply().await;
        assert_eq!(reply.told(), "- I");
        assert_eq!(reply.tags, ["CREATE TABLE", "INSERT 0 1"]);
        assert_eq!(peer.reply().await.value(), n.to_string());
    }
}

#[tokio::test]
async fn what_passes_is_not_taken_apart() {
    let cluster = cluster(&["--ddl=pass"]);
    let mut peer = cluster.peer().await;
    let reply = peer
        .query("create table a (i int); create table b (i int)")
        .await;
    let error = reply.error.unwrap();
    assert_eq!(
        error.message,
        "multiple ddl statements not supported in a transaction"
    );
}
