//! CREATE TABLE with serial columns.

use super::cluster;

/// Each column with its type, its default, NOT NULL and the sequence that it owns.
const COLUMNS: &str = "select attname || ' ' || format_type(atttypid, atttypmod) || ' ' \
     || attnotnull || ' ' || coalesce(pg_get_expr(adbin, adrelid), '-') || ' ' \
     || coalesce(pg_get_serial_sequence(attrelid::regclass::text, attname), '-') \
     from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum \
     where attrelid = 't'::regclass and attnum > 0 and not attisdropped order by attnum";

const SEQUENCES: &str = "select relname from pg_class where relkind = 'S' and relnamespace in \
     (select oid from pg_namespace where nspname in ('public', 's')) order by 1";

#[tokio::test]
async fn a_serial_column_is_what_it_is_in_postgresql() {
    let cluster = cluster(&[]);
    let mut peer = cluster.peer().await;
    let reply = peer
        .query("create table t (id serial primary key, b bigserial, c smallserial, d text)")
        .await;
    assert_eq!(reply.told(), "- I", "{reply:?}");
    assert_eq!(reply.tags, ["CREATE TABLE"]);
    assert_eq!(reply.notices.len(), 3, "{reply:?}");
    assert_eq!(
        peer.run(COLUMNS).await.values(),
        [
            "id integer true nextval('t_id_seq'::regclass) public.t_id_seq",
            "b bigint true nextval('t_b_seq'::regclass) public.t_b_seq",
            "c smallint true nextval('t_c_seq'::regclass) public.t_c_seq",
            "d text false - -",
        ]
    );
    let returned = peer
        .run("insert into t (d) values ('x'), ('y') returning id, b, c")
        .await;
    assert_eq!(returned.values(), ["1", "1", "1", "2", "2", "2"]);
    peer.run("drop table t").await;
    assert!(peer.run(SEQUENCES).await.values().is_empty());
}

/// Each of them is asked of the server connection that has drawn the number.
#[tokio::test]
async fn the_session_knows_the_number_it_has_drawn() {
    let cluster = cluster(&[]);
    let mut peer = cluster.peer().await;
    peer.run("create table t (id serial primary key, d text)")
        .await;
    peer.run("begin").await;
    peer.run("insert into t (d) values ('x')").await;
    let row = peer
        .run("select currval(pg_get_serial_sequence('t', 'id')), lastval()")
        .await;
    assert_eq!(row.values(), ["1", "1"]);
    peer.run("commit").await;
    // Now it is known to ask, and has its server for itself.
    let mut other = cluster.peer().await;
    peer.run("insert into t (d) values ('y')").await;
    other.run("insert into t (d) values ('z')").await;
    assert_eq!(peer.run("select lastval()").await.value(), "2");
}

#[tokio::test]
async fn what_is_there_stays_as_it_is() {
    let cluster = cluster(&[]);
    let mut peer = cluster.peer().await;
    peer.run("create table t (id int primary key)").await;
    let reply = peer.query("create table t (id serial)").await;
    assert_eq!(reply.told(), "42P07 I", "{reply:?}");
    let reply = peer.query("create table if not exists t (id serial)").await;
    assert_eq!(reply.told(), "- I", "{reply:?}");
    assert_eq!(reply.tags, ["CREATE TABLE"]);
    assert_eq!(
        reply.notices,
        ["relation \"t\" already exists, skipping"],
        "{reply:?}"
    );
    assert!(peer.run(SEQUENCES).await.values().is_empty());
    // One of the name in another schema is another one.
    peer.run("create schema s").await;
    peer.run("create table if not exists s.t (id serial)").await;
    let default = "select column_default from information_schema.columns where table_schema = 's'";
    let expected = "nextval('s.t_id_seq'::regclass)";
    assert_eq!(peer.run(default).await.value(), expected);
    peer.run("create table if not exists s.t (id serial)").await;
    assert_eq!(peer.run(SEQUENCES).await.values(), ["t_id_seq"]);
}

#[tokio::test]
async fn a_taken_name_gets_a_number() {
    let cluster = cluster(&[]);
    let mut peer = cluster.peer().await;
    peer.run("create sequence t_id_seq cache 1").await;
    peer.run("create table t_id_seq1 (id int)").await;
    peer.run("create table t (id serial)").await;
    assert_eq!(
        peer.run(COLUMNS).await.values(),
        ["id integer true nextval('t_id_seq2'::regclass) public.t_id_seq2"]
    );
}

#[tokio::test]
async fn nothing_stays_of_a_table_that_cannot_be_made() {
    let cluster = cluster(&[]);
    let mut peer = cluster.peer().await;
    for (sql, code) in [
        ("create table t (id serial, b nope)", "42704 I"),
        ("create table t (id serial default 1)", "42601 I"),
        ("create table t (id serial) inherits (u)", "0A000 I"),
        ("create table s.t (id serial)", "3F000 I"),
        ("create table t (id serial, id bigserial)", "42701 I"),
    ] {
        let reply = peer.query(sql).await;
        assert_eq!(reply.told(), code, "{sql} {reply:?}");
        assert!(peer.run(SEQUENCES).await.values().is_empty(), "{sql}");
    }
}

#[tokio::test]
async fn in_a_block() {
    for (flags, of) in [
        (
            &["--ddl-transactions=autocommit"][..],
            "integer true nextval('t_id_seq'::regclass)",
        ),
        (&[], "bigint true -"),
    ] {
        let cluster = cluster(flags);
        let mut peer = cluster.peer().await;
        peer.run("begin").await;
        let reply = peer.query("create table t (id serial primary key)").await;
        assert_eq!(reply.told(), "- T", "{reply:?}");
        assert_eq!(reply.tags, ["CREATE TABLE"]);
        peer.run("commit").await;
        let expected = format!("id {of} public.t_id_seq");
        assert_eq!(peer.run(COLUMNS).await.values(), [expected]);
    }
}
