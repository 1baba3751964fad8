//! Process ids, and what can be done to the session that has one.

use bytes::BytesMut;
use dsql_proxy::wire::encode;

use super::Mode;
use super::peer::Peer;
use super::script::{bind, execute, parse};
use crate::support::postgres::Postgres;
use crate::support::raw::{self, Message, cancel};
use crate::support::within;

fn pid(peer: &Peer) -> i32 {
    peer.raw.key.as_ref().unwrap().pid
}

/// Waits until a statement with this text runs.
async fn until_running(observer: &mut Peer, needle: &str) {
    let sql = format!(
        "select count(*) from pg_stat_activity where state = 'active' and query like '%{needle}%' \
         and pid <> pg_backend_pid()"
    );
    within(async { while observer.run(&sql).await.value() == "0" {} }).await;
}

/// The name and the type of the only column.
fn column(messages: &[Message]) -> (String, u32) {
    let (_, body) = messages.iter().find(|(tag, _)| *tag == b'T').unwrap();
    let end = body[2..].iter().position(|byte| *byte == 0).unwrap() + 2;
    let name = String::from_utf8(body[2..end].to_vec()).unwrap();
    let oid = u32::from_be_bytes(body[end + 7..end + 11].try_into().unwrap());
    (name, oid)
}

/// A Bind of the unnamed statement with one value in this format, then Execute and Sync.
async fn bound(peer: &mut Peer, sql: &str, value: &[u8], binary: bool) -> super::peer::Reply {
    peer.ask(|out| {
        parse("", sql, out);
        bind_one(value, binary, out);
        execute("", 0, out);
        encode::sync(out);
    })
    .await
}

/// A Bind of the unnamed statement with one value in this format.
fn bind_one(value: &[u8], binary: bool, out: &mut BytesMut) {
    encode::frame(b'B', out, |body| {
        body.extend_from_slice(b"\0\0\0\x01\0");
        body.extend_from_slice(&[u8::from(binary), 0, 1]);
        let length = u32::try_from(value.len()).unwrap();
        body.extend_from_slice(&length.to_be_bytes());
        body.extend_from_slice(value);
        body.extend_from_slice(b"\0\0");
    });
}

#[tokio::test]
async fn results_have_the_shape_of_postgresqls() {
    let postgres = Postgres::start();
    for mode in Mode::ALL {
        let proxy = mode.proxy(&postgres, 2, &[]);
        let mut peer = Peer::log_in(proxy.port(), "bench", &[]).await;
        let other = Peer::log_in(proxy.port(), "bench", &[]).await;
        for (sql, name, oid) in [
            ("select pg_backend_pid()", "pg_backend_pid", 23),
            ("select pg_backend_pid() as \"P\"", "P", 23),
            (
                "select pg_cancel_backend(99999999)",
                "pg_cancel_backend",
                16,
            ),
            (
                &format!("select pg_cancel_backend({})", pid(&other)),
                "pg_cancel_backend",
                16,
            ),
        ] {
            let messages = peer.raw.query(sql).await;
            assert_eq!(column(&messages), (name.into(), oid), "{mode:?} {sql}");
        }
        // What is more than such a statement is for the server, which knows its own processes.
        let sql = "select pg_backend_pid() in (select pid from pg_stat_activity)";
        assert_eq!(peer.run(sql).await.value(), "t", "{mode:?}");
    }
}

#[tokio::test]
async fn a_bound_process_id_is_that_of_a_session() {
    let postgres = Postgres::start();
    for mode in Mode::ALL {
        let proxy = mode.proxy(&postgres, 4, &[]);
        let mut other = Peer::log_in(proxy.port(), "bench", &[]).await;
        for binary in [false, true] {
            let mut victim = Peer::log_in(proxy.port(), "bench", &[]).await;
            let id = pid(&victim);
            let value = |id: i32| {
                if binary {
                    id.to_be_bytes().to_vec()
                } else {
                    id.to_string().into_bytes()
                }
            };
            let needle = format!("needle{binary}");
            let sleep = format!("select '{needle}', pg_sleep(3600)");
            victim.raw.begin_query(&sleep).await;
            until_running(&mut other, &needle).await;
            let sql = "select pg_cancel_backend($1)";
            for nobody in [-1, 99_999_999, i32::MIN] {
                let reply = bound(&mut other, sql, &value(nobody), binary).await;
                assert_eq!(reply.value(), "f", "{mode:?} {nobody}");
            }
            let reply = bound(&mut other, sql, &value(id), binary).await;
            assert_eq!(reply.value(), "t", "{mode:?}");
            assert_eq!(victim.reply().await.told(), "57014 I", "{mode:?}");
            let sql = "select pg_terminate_backend($1)";
            let reply = bound(&mut other, sql, &value(id), binary).await;
            assert_eq!(reply.value(), "t", "{mode:?}");
            assert_eq!(victim.reply().await.told(), "57P01 closed", "{mode:?}");
        }
        // A statement that is prepared once hits whom it names, each time.
        other
            .ask(|out| {
                parse("t", "select pg_terminate_backend($1, 100)", out);
                encode::sync(out);
            })
            .await;
        for _ in 0..2 {
            let mut victim = Peer::log_in(proxy.port(), "bench", &[]).await;
            let id = pid(&victim).to_string();
            let reply = other
                .ask(|out| {
                    bind("", "t", &[Some(&id)], false, out);
                    execute("", 0, out);
                    encode::sync(out);
                })
                .await;
            assert_eq!(reply.value(), "t", "{mode:?}");
            assert_eq!(victim.reply().await.told(), "57P01 closed", "{mode:?}");
        }
        // A session itself gets no other answer.
        for sql in [
            "select pg_cancel_backend(pg_backend_pid())",
            &format!("select pg_cancel_backend({})", pid(&other)),
        ] {
            assert_eq!(other.query(sql).await.told(), "57014 I", "{mode:?}");
            let reply = other.extended(sql, &[]).await;
            assert_eq!(reply.told(), "57014 I", "{mode:?}");
        }
        let sql = "select pg_terminate_backend(pg_backend_pid())";
        let mut third = Peer::log_in(proxy.port(), "bench", &[]).await;
        let reply = third.extended(sql, &[]).await;
        assert_eq!(reply.told(), "57P01 closed", "{mode:?}");
        let reply = other.query(sql).await;
        assert_eq!(reply.told(), "57P01 closed", "{mode:?}");
    }
}

#[tokio::test]
async fn others_sessions_are_not_for_everybody() {
    let postgres = Postgres::start();
    for mode in Mode::ALL {
        let proxy = mode.proxy(&postgres, 2, &[]);
        let mut owner = Peer::log_in(proxy.port(), "bench", &[]).await;
        owner.query("create role other login").await;
        let mut other = Peer::log_in(proxy.port(), "other", &[]).await;
        let id = pid(&owner).to_string();
        let sql = format!("select pg_terminate_backend({id})");
        let reply = other.query(&sql).await;
        assert_eq!(reply.told(), "42501 I", "{mode:?}");
        let error = reply.error.unwrap();
        assert_eq!(error.message, "permission denied to terminate process");
        let reply = other
            .extended("select pg_cancel_backend($1)", &[Some(&id)])
            .await;
        assert_eq!(reply.told(), "42501 I", "{mode:?}");
        assert_eq!(owner.run("select 1").await.value(), "1");
        // In a block it fails like everything that a server refuses.
        other.run("begin").await;
        assert_eq!(other.query(&sql).await.told(), "42501 E", "{mode:?}");
        assert_eq!(other.run("commit").await.tags, ["ROLLBACK"]);
    }
}

#[tokio::test]
async fn a_notification_carries_the_process_id_of_its_session() {
    let postgres = Postgres::start();
    for mode in Mode::ALL {
        let proxy = mode.proxy(&postgres, 2, &[]);
        let mut peer = Peer::log_in(proxy.port(), "bench", &[]).await;
        peer.run("listen channel").await;
        let messages = peer.raw.query("notify channel, 'payload'").await;
        let (_, body) = messages.iter().find(|(tag, _)| *tag == b'A').unwrap();
        let expected = [&pid(&peer).to_be_bytes()[..], b"channel\0payload\0"].concat();
        assert_eq!(*body, expected, "{mode:?} {}", raw::shape(&messages));
    }
}

/// Process ids are small numbers, and some drivers choose the type by the number.
#[tokio::test]
async fn a_bound_process_id_has_any_integer_type() {
    let postgres = Postgres::start();
    for mode in Mode::ALL {
        let proxy = mode.proxy(&postgres, 4, &[]);
        let mut other = Peer::log_in(proxy.port(), "bench", &[]).await;
        let sql = "select pg_terminate_backend($1::int)";
        for (oid, binary) in [(21, true), (21, false), (23, true), (20, true), (0, false)] {
            let mut victim = Peer::log_in(proxy.port(), "bench", &[]).await;
            let id = pid(&victim);
            let value = match (binary, oid) {
                (false, _) => id.to_string().into_bytes(),
                (true, 21) => i16::try_from(id).unwrap().to_be_bytes().to_vec(),
                (true, 23) => id.to_be_bytes().to_vec(),
                (true, _) => i64::from(id).to_be_bytes().to_vec(),
            };
            let reply = other
                .ask(|out| {
                    encode::frame(b'P', out, |body| {
                        encode::cstr(b"", body);
                        encode::cstr(sql.as_bytes(), body);
                        body.extend_from_slice(&1_u16.to_be_bytes());
                        body.extend_from_slice(&u32::to_be_bytes(oid));
                    });
                    bind_one(&value, binary, out);
                    execute("", 0, out);
                    encode::sync(out);
                })
                .await;
            assert_eq!(reply.value(), "t", "{mode:?} {oid} {binary}");
            let told = victim.query("select 1").await.told();
            assert_eq!(told, "57P01 closed", "{mode:?} {oid} {binary}");
        }
    }
}

#[tokio::test]
async fn a_notification_of_another_session_carries_its_process_id() {
    let postgres = Postgres::start();
    for mode in Mode::ALL {
        let proxy = mode.proxy(&postgres, 4, &[]);
        let mut listener = Peer::log_in(proxy.port(), "bench", &[]).await;
        listener.run("listen channel").await;
        for notify in ["notify channel", "select pg_notify('channel', '')"] {
            let mut sender = Peer::log_in(proxy.port(), "bench", &[]).await;
            // Received when the transaction ends, when the sender is gone.
            listener.run("begin").await;
            listener.run("select 1").await;
            sender.run(notify).await;
            let id = pid(&sender);
            drop(sender);
            Peer::log_in(proxy.port(), "bench", &[])
                .await
                .run("create table if not exists t (a int); insert into t values (1)")
                .await;
            let messages = listener.raw.query("commit").await;
            let (_, body) = messages.iter().find(|(tag, _)| *tag == b'A').unwrap();
            assert_eq!(body[..4], id.to_be_bytes(), "{mode:?} {notify}");
        }
    }
}

#[tokio::test]
async fn a_server_that_cancels_is_kept() {
    let postgres = Postgres::start();
    for mode in Mode::ALL {
        let proxy = mode.proxy(&postgres, 3, &[]);
        let port = proxy.port();
        let mut observer = Peer::log_in(port, "bench", &[]).await;
        let mut peer = Peer::log_in(port, "bench", &[]).await;
        let key = peer.raw.key.clone().unwrap();
        peer.run("create temp table mine as select 1 as a").await;
        for round in 0..3 {
            let needle = format!("needle{mode:?}{round}");
            peer.run("begin").await;
            peer.send(|out| {
                parse("", "select generate_series(1, 9)", out);
                bind("p", "", &[], false, out);
                execute("p", 2, out);
                encode::sync(out);
            })
            .await;
            assert_eq!(peer.reply().await.values(), ["1", "2"]);
            peer.run("savepoint s").await;
            let sleep = format!("select '{needle}', pg_sleep(3600)");
            peer.raw.begin_query(&sleep).await;
            until_running(&mut observer, &needle).await;
            cancel(port, &key).await;
            assert_eq!(peer.reply().await.told(), "57014 E", "{mode:?}");
            peer.run("rollback to s").await;
            let next = |out: &mut _| {
                execute("p", 2, out);
                encode::sync(out);
            };
            assert_eq!(peer.ask(next).await.values(), ["3", "4"], "{mode:?}");
            peer.run("commit").await;
            assert_eq!(
                peer.run("select a from mine").await.value(),
                "1",
                "{mode:?}"
            );
        }
        // A write that is cancelled for sure is no mystery.
        let write = "create table w as select 'mystery' from pg_sleep(3600)";
        peer.raw.begin_query(write).await;
        until_running(&mut observer, "mystery").await;
        cancel(port, &key).await;
        assert_eq!(peer.reply().await.told(), "57014 I", "{mode:?}");
    }
}
