//! Clients that leave, in every way that they do.

use bytes::BytesMut;
use dsql_proxy::wire::{SqlState, encode, frontend};
use tokio::io::AsyncWriteExt;

use crate::support::raw::{self, RawClient};
use crate::support::{LocalProxy, within};

fn queries(sql: &[&str]) -> BytesMut {
    let mut out = BytesMut::new();
    for sql in sql {
        encode::query(sql.as_bytes(), &mut out);
    }
    out
}

/// A table that nobody else uses.
async fn table(port: u16) -> RawClient {
    let mut client = RawClient::log_in(port).await;
    let made = client.query("create table t (a int)").await;
    assert!(raw::error(&made).is_none());
    client
}

async fn rows(client: &mut RawClient) -> String {
    raw::values(&client.query("select count(*) from t").await).concat()
}

/// What stands before a goodbye counts, and is answered.
#[tokio::test]
async fn statements_before_a_terminate_are_run() {
    let proxy = LocalProxy::start(&[]);
    let mut witness = table(proxy.port()).await;

    let mut client = RawClient::log_in(proxy.port()).await;
    let mut bytes = queries(&["insert into t values (1)"; 20]);
    encode::terminate(&mut bytes);
    client.send(&bytes).await;
    let mut shape = String::new();
    while let Some((tag, _)) = client.next().await {
        shape.push(char::from(tag));
    }
    assert_eq!(shape, "CZ".repeat(20));
    assert_eq!(rows(&mut witness).await, "20");

    // Extended messages that the client did not end with a Sync are undone, as by PostgreSQL.
    let mut client = RawClient::log_in(proxy.port()).await;
    let mut bytes = BytesMut::new();
    encode::frame(frontend::PARSE, &mut bytes, |body| {
        body.extend_from_slice(b"\0insert into t values (2)\0\0\0");
    });
    encode::frame(frontend::BIND, &mut bytes, |body| {
        body.extend_from_slice(&[0; 8]);
    });
    encode::frame(frontend::EXECUTE, &mut bytes, |body| {
        body.extend_from_slice(&[0; 5]);
    });
    encode::terminate(&mut bytes);
    client.send(&bytes).await;
    while client.next().await.is_some() {}
    assert_eq!(rows(&mut witness).await, "20");
}

/// What stands before a message that makes no sense counts, and is answered first.
#[tokio::test]
async fn statements_before_a_broken_message_are_run() {
    let proxy = LocalProxy::start(&[]);
    let mut witness = table(proxy.port()).await;
    for broken in [&b"?\0\0\0\x04"[..], b"Q\0\0\0\x03", b"Q\x7f\xff\xff\xff"] {
        let mut client = RawClient::log_in(proxy.port()).await;
        let mut bytes = queries(&["insert into t values (1)"]);
        bytes.extend_from_slice(broken);
        client.send(&bytes).await;
        let mut messages = Vec::new();
        while let Some(message) = client.next().await {
            messages.push(message);
        }
        assert_eq!(raw::shape(&messages), "CZE");
        assert_eq!(
            raw::error(&messages).unwrap().sqlstate,
            SqlState::PROTOCOL_VIOLATION
        );
    }
    assert_eq!(rows(&mut witness).await, "3");
}

/// Whoever vanishes leaves its place and its connection to others, whatever it was doing.
#[tokio::test]
async fn a_client_that_vanishes_leaves_its_place() {
    let proxy = LocalProxy::start(&["--max-clients=2"]);
    let mut witness = table(proxy.port()).await;
    let copy = queries(&["copy t from stdin"]);
    let half = [&b"Q\0\0\x10\0select"[..]].concat();
    let open = {
        let mut out = BytesMut::new();
        encode::frame(frontend::PARSE, &mut out, |body| {
            body.extend_from_slice(b"\0select 1\0\0\0");
        });
        out
    };
    for last_words in [&copy[..], &half, &open] {
        let mut client = loop {
            let mut client = RawClient::connect(proxy.port()).await;
            if client.start("admin").await.is_ok() {
                break client;
            }
        };
        client.send(last_words).await;
        // The socket goes with the client.
        drop(client);
    }
    let mut newcomer = loop {
        let mut client = RawClient::connect(proxy.port()).await;
        if client.start("admin").await.is_ok() {
            break client;
        }
    };
    assert_eq!(rows(&mut newcomer).await, "0");
    // What they had begun is over, and nobody else has to wait for it.
    let busy = "select count(*) from pg_stat_activity where usename = 'admin' and state <> 'idle'";
    within(async { while raw::values(&witness.query(busy).await).concat() != "1" {} }).await;
}

/// A client that closes its side gets its answer all the same, also while we still connect.
#[tokio::test]
async fn a_client_that_closes_its_side_gets_its_answer() {
    let proxy = LocalProxy::start(&[]);
    let mut client = RawClient::connect(proxy.port()).await;
    let mut bytes = BytesMut::new();
    let parameters = [("user", "admin"), ("database", "postgres")]
        .map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()));
    let startup = dsql_proxy::wire::startup::Startup {
        version: dsql_proxy::wire::startup::ProtocolVersion::V3_0,
        parameters: parameters.to_vec(),
    };
    startup.encode(&mut bytes);
    bytes.extend_from_slice(&queries(&["select 42"]));
    client.send(&bytes).await;
    client.stream.shutdown().await.unwrap();
    let mut messages = Vec::new();
    while let Some(message) = client.next().await {
        messages.push(message);
    }
    assert_eq!(raw::values(&messages), ["42"]);
}

/// Our own answers to a client that reads none of them do not pile up.
#[tokio::test]
async fn refusals_that_nobody_reads_stay_small() {
    let proxy = LocalProxy::start(&[]);
    let mut client = RawClient::log_in(proxy.port()).await;
    let before = proxy.resident_kib();
    let flood = queries(&["set fsync = 1"; 1_000]);
    // It stops taking more once its own buffers and ours are full.
    let stopped = async {
        for _ in 0..5_000 {
            client.stream.write_all(&flood).await.unwrap();
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(3), stopped)
        .await
        .ok();
    let grown = proxy.resident_kib().saturating_sub(before);
    assert!(grown < 32 * 1024, "{grown} KiB");
}
