//! COPY in scripts: what the client sends meanwhile is for the step that reads it.

use bytes::BytesMut;
use dsql_proxy::wire::encode;

use super::cluster;
use crate::pooling::Mode;
use crate::pooling::cluster::Faulty;
use crate::pooling::peer::Peer;
use crate::support::raw::cancel;

async fn until_copy_in(peer: &mut Peer) {
    while peer.raw.next().await.unwrap().0 != b'G' {}
}

fn data(bytes: &[u8], out: &mut BytesMut) {
    encode::frame(b'd', out, |body| body.extend_from_slice(bytes));
}

fn done(out: &mut BytesMut) {
    encode::frame(b'c', out, |_| {});
}

#[tokio::test]
async fn a_script_may_copy_in() {
    let cluster = cluster(&[]);
    let mut peer = cluster.peer().await;
    let script = "create table a (id int primary key, t text); copy a from stdin; \
                  create table b (id int primary key, t text); \
                  copy a from stdin; copy b from stdin; select count(*) from a";
    peer.raw.begin_query(script).await;
    for first in [1, 2, 3] {
        until_copy_in(&mut peer).await;
        let long = "x".repeat(300_000);
        peer.send(|out| {
            data(format!("{first}\ty\n1").as_bytes(), out);
            data(format!("{first}\t{long}\n").as_bytes(), out);
            done(out);
        })
        .await;
    }
    let reply = peer.reply().await;
    assert_eq!(reply.told(), "- I", "{reply:?}");
    assert_eq!(reply.value(), "4");
    let sum = "select sum(length(t)) from b";
    assert_eq!(peer.run(sum).await.value(), "300001");
}

#[tokio::test]
async fn what_comes_behind_a_copy_is_another_message() {
    let cluster = cluster(&[]);
    let mut peer = cluster.peer().await;
    let script = "create table a (id int primary key); copy a from stdin; create table b (i int)";
    peer.send(|out| {
        encode::query(script.as_bytes(), out);
        data(b"1\n", out);
        encode::sync(out);
        done(out);
        encode::query(b"select id from a", out);
        encode::query(b"select count(*) from b", out);
    })
    .await;
    let reply = peer.reply().await;
    assert_eq!(reply.told(), "- I", "{reply:?}");
    assert_eq!(reply.tags, ["CREATE TABLE", "COPY 1", "CREATE TABLE"]);
    assert_eq!(peer.reply().await.value(), "1");
    assert_eq!(peer.reply().await.value(), "0");
}

#[tokio::test]
async fn a_copy_that_fails_ends_its_script() {
    let cluster = cluster(&[]);
    let mut peer = cluster.peer().await;
    let script = "create table a (id int primary key); copy a from stdin; create table b (i int)";
    peer.raw.begin_query(script).await;
    until_copy_in(&mut peer).await;
    peer.send(|out| {
        encode::frame(b'f', out, |body| encode::cstr(b"no more", body));
    })
    .await;
    let reply = peer.reply().await;
    assert_eq!(reply.told(), "57014 I", "{reply:?}");
    let detail = reply.error.unwrap().detail.unwrap();
    assert!(detail.contains("first of 3"), "{detail}");

    // The client notices in the middle of a message.
    let script = "create table c (i int); copy a from stdin; create table b (i int)";
    peer.raw.begin_query(script).await;
    until_copy_in(&mut peer).await;
    let mut message = BytesMut::new();
    let more = "1\n".repeat(200_000);
    data(more.as_bytes(), &mut message);
    peer.send(|out| {
        data(b"nonsense\n", out);
        out.extend_from_slice(&message[..250_000]);
    })
    .await;
    assert_eq!(peer.reply().await.told(), "22P02 I");
    peer.send(|out| {
        out.extend_from_slice(&message[250_000..]);
        data(b"2\n", out);
        done(out);
        encode::query(b"select count(*) from a", out);
    })
    .await;
    assert_eq!(peer.reply().await.value(), "0");
    assert_eq!(peer.query("select * from b").await.told(), "42P01 I");
}

#[tokio::test]
async fn a_script_may_copy_out() {
    let cluster = cluster(&[]);
    let mut peer = cluster.peer().await;
    let script = "create table a (id int primary key); \
                  insert into a select generate_series(1, 3000); \
                  copy (select id, repeat('x', 1000) from a) to stdout; create table b (i int)";
    let messages = peer.raw.query(script).await;
    let count = messages.iter().filter(|(tag, _)| *tag == b'd').count();
    assert_eq!(count, 3000);
    assert_eq!(peer.run("select count(*) from b").await.value(), "0");
}

#[tokio::test]
async fn a_copy_in_a_script_may_be_interrupted() {
    for mode in Mode::ALL {
        let cluster = Faulty::start(*mode, 3, &[]);
        let mut peer = cluster.peer().await;
        let mut other = cluster.peer().await;
        peer.run("create table a (id int primary key)").await;
        let script = |n: i32| format!("create table t{n} (i int); copy a from stdin; select 1");

        // Cancelled, in the middle of a message and between two.
        for n in 0..2 {
            peer.raw.begin_query(&script(n)).await;
            until_copy_in(&mut peer).await;
            let mut message = BytesMut::new();
            data("1\n".repeat(200_000).as_bytes(), &mut message);
            let half = if n == 0 { 250_000 } else { message.len() };
            peer.raw.send(&message[..half]).await;
            let key = peer.raw.key.clone().unwrap();
            cancel(cluster.proxy.port(), &key).await;
            let told = if mode.shares() { "57014 I" } else { "" };
            let reply = peer.reply().await;
            if !mode.shares() && reply.status.is_none() {
                peer = cluster.peer().await;
                continue;
            }
            if mode.shares() {
                assert_eq!(reply.told(), told, "{mode:?} {n} {reply:?}");
            }
            peer.send(|out| {
                out.extend_from_slice(&message[half..]);
                encode::frame(b'f', out, |body| encode::cstr(b"stop", body));
                encode::query(b"select count(*) from a", out);
            })
            .await;
            assert_eq!(peer.reply().await.value(), "0", "{mode:?} {n}");
        }

        // The client vanishes, and its server goes on with others.
        let mut gone = cluster.peer().await;
        gone.raw.begin_query(&script(5)).await;
        until_copy_in(&mut gone).await;
        gone.send(|out| data(b"7\n", out)).await;
        drop(gone);
        for _ in 0..5 {
            assert_eq!(other.run("select count(*) from a").await.value(), "0");
        }

        // It says goodbye.
        let mut gone = cluster.peer().await;
        gone.raw.begin_query(&script(6)).await;
        until_copy_in(&mut gone).await;
        gone.send(|out| {
            data(b"7\n", out);
            encode::terminate(out);
        })
        .await;
        while gone.raw.next().await.is_some() {}
        assert_eq!(other.run("select count(*) from a").await.value(), "0");
    }
}

#[tokio::test]
async fn a_copy_in_a_script_may_lose_its_server() {
    for mode in Mode::ALL {
        let cluster = Faulty::start(*mode, 3, &[]);
        let mut peer = cluster.peer().await;
        peer.run("create table a (id int primary key)").await;
        let script = "create table t7 (i int); copy a from stdin; select 1";
        peer.raw.begin_query(script).await;
        until_copy_in(&mut peer).await;
        peer.send(|out| data(b"7\n", out)).await;
        cluster.order("cut").await;
        let reply = peer.reply().await;
        if mode.shares() {
            assert_eq!(reply.told(), "08006 I", "{mode:?} {reply:?}");
            let detail = reply.error.unwrap().detail.unwrap();
            assert!(detail.contains("first of 3"), "{detail}");
            peer.send(|out| {
                data(b"8\n", out);
                done(out);
                encode::query(b"select count(*) from a", out);
            })
            .await;
            assert_eq!(peer.reply().await.value(), "0", "{mode:?}");
        } else {
            assert!(reply.told().starts_with("08"), "{reply:?}");
        }
    }
}
