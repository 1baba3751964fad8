//! tokio-postgres through the proxy: a client that pipelines, prepares, copies and cancels.

use std::time::SystemTime;

use bytes::Bytes;
use futures_util::future::{join_all, poll_fn};
use futures_util::{SinkExt, TryStreamExt, pin_mut};
use tokio::sync::mpsc;
use tokio_postgres::{AsyncMessage, Client, NoTls, SimpleQueryMessage};

use crate::support::raw::{RawClient, cancel, error, shape, values};
use crate::support::{LocalProxy, Told, code, within};

#[tokio::test]
async fn types_statements_and_pipelines() {
    let proxy = LocalProxy::start(&["--max-prepared-statements=10"]);
    let client = proxy.connect().await.unwrap();
    types(&client).await;
    named_statements(&client).await;
    pipelines(&client).await;
}

async fn types(client: &Client) {
    let day = SystemTime::UNIX_EPOCH + std::time::Duration::from_micros(1_700_000_000_123_456);
    let row = client
        .query_one(
            "select $1::int8, $2::text, $3::bytea, $4::bool, $5::float8, $6::timestamptz, \
             $7::int4[], $8::text, $9::int2, $10::float4, $11::text[]",
            &[
                &i64::MIN,
                &"Grüße, 世界 \u{1F600}",
                &&b"\0\x01\xff"[..],
                &true,
                &f64::MIN_POSITIVE,
                &day,
                &vec![1, -2, 3],
                &None::<&str>,
                &-7_i16,
                &1.5_f32,
                &vec![Some("a,b"), None, Some("\"")],
            ],
        )
        .await
        .unwrap();
    assert_eq!(row.get::<_, i64>(0), i64::MIN);
    assert_eq!(row.get::<_, &str>(1), "Grüße, 世界 \u{1F600}");
    assert_eq!(row.get::<_, &[u8]>(2), b"\0\x01\xff");
    assert!(row.get::<_, bool>(3));
    assert_eq!(row.get::<_, f64>(4).to_bits(), f64::MIN_POSITIVE.to_bits());
    assert_eq!(row.get::<_, SystemTime>(5), day);
    assert_eq!(row.get::<_, Vec<i32>>(6), [1, -2, 3]);
    assert_eq!(row.get::<_, Option<&str>>(7), None);
    assert_eq!(row.get::<_, i16>(8), -7);
    assert_eq!(row.get::<_, f32>(9).to_bits(), 1.5_f32.to_bits());
    assert_eq!(
        row.get::<_, Vec<Option<&str>>>(10),
        [Some("a,b"), None, Some("\"")]
    );
}

async fn named_statements(client: &Client) {
    for n in 0..50 {
        let statement = client
            .prepare(&format!("select $1::int4 + {n}"))
            .await
            .unwrap();
        for m in 0..3 {
            let row = client.query_one(&statement, &[&m]).await.unwrap();
            assert_eq!(row.get::<_, i32>(0), n + m);
        }
        // Its Close goes out, and nobody waits for the answer. The server keeps it for others.
    }
    let statements = client
        .query_one("select count(*) from pg_prepared_statements", &[])
        .await
        .unwrap();
    // Those that were used last.
    assert_eq!(statements.get::<_, i64>(0), 10);

    let failed = client.prepare("select nonsense").await;
    assert_eq!(code(failed), "42703");
    client.prepare("select 1").await.unwrap();
}

async fn pipelines(client: &Client) {
    let statement = client
        .prepare("select $1::int4, repeat('x', $1)")
        .await
        .unwrap();
    let all = join_all((0..500).map(|n| {
        let statement = &statement;
        async move { client.query_one(statement, &[&n]).await.unwrap() }
    }));
    for (n, row) in (0..).zip(within(all).await) {
        assert_eq!(row.get::<_, i32>(0), n);
        assert_eq!(row.get::<_, &str>(1).len(), usize::try_from(n).unwrap());
    }

    // Some of them fail, and only these.
    let divide = client.prepare("select 100 / $1::int4").await.unwrap();
    let all = join_all((0..100).map(|n: i32| {
        let divide = &divide;
        async move { client.query_one(divide, &[&(n % 5)]).await }
    }));
    for (n, result) in (0..).zip(within(all).await) {
        match n % 5 {
            0 => assert_eq!(code(result), "22012"),
            m => assert_eq!(result.unwrap().get::<_, i32>(0), 100 / m),
        }
    }
}

#[tokio::test]
async fn transactions_portals_copies_and_scripts() {
    let proxy = LocalProxy::start(&[]);
    let mut client = proxy.connect().await.unwrap();
    client
        .batch_execute("create table t (id int primary key, v text)")
        .await
        .unwrap();
    transactions(&mut client).await;
    portals(&mut client).await;
    copies(&client).await;
    scripts(&client).await;
    errors(&client).await;
}

async fn count(client: &Client) -> i64 {
    let row = client.query_one("select count(*) from t", &[]).await;
    row.unwrap().get(0)
}

async fn transactions(client: &mut Client) {
    let insert = "insert into t values ($1, 'in a transaction')";
    let transaction = client.transaction().await.unwrap();
    transaction.execute(insert, &[&1]).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(count(client).await, 1);

    let transaction = client.transaction().await.unwrap();
    transaction.execute(insert, &[&2]).await.unwrap();
    transaction.rollback().await.unwrap();
    assert_eq!(count(client).await, 1);

    let transaction = client.transaction().await.unwrap();
    transaction.execute(insert, &[&3]).await.unwrap();
    // Its ROLLBACK goes out, and nobody waits for the answer.
    drop(transaction);
    assert_eq!(count(client).await, 1);

    let transaction = client.transaction().await.unwrap();
    assert_eq!(code(transaction.execute(insert, &[&1]).await), "23505");
    assert_eq!(code(transaction.execute(insert, &[&4]).await), "25P02");
    drop(transaction);
    assert_eq!(count(client).await, 1);
}

async fn portals(client: &mut Client) {
    let transaction = client.transaction().await.unwrap();
    let series = "select n::int4 from generate_series(1, 10) n";
    let portal = transaction.bind(series, &[]).await.unwrap();
    let mut sizes = Vec::new();
    loop {
        let rows = transaction.query_portal(&portal, 4).await.unwrap();
        if rows.is_empty() {
            break;
        }
        let first = 1 + i32::try_from(sizes.len()).unwrap() * 4;
        assert_eq!(rows[0].get::<_, i32>(0), first);
        sizes.push(rows.len());
    }
    assert_eq!(sizes, [4, 4, 2]);
    transaction.commit().await.unwrap();
}

/// Rows of COPY data.
fn rows(ids: std::ops::Range<i32>) -> String {
    let rows: Vec<_> = ids.map(|id| format!("{id}\tcopied\n")).collect();
    rows.concat()
}

async fn copies(client: &Client) {
    client.execute("delete from t", &[]).await.unwrap();
    let sink = client.copy_in("copy t from stdin").await.unwrap();
    pin_mut!(sink);
    // As many rows as DSQL takes in a transaction.
    for chunk in 0..20 {
        let rows = rows(chunk * 150..(chunk + 1) * 150);
        sink.send(Bytes::from(rows)).await.unwrap();
    }
    assert_eq!(sink.finish().await.unwrap(), 3000);
    assert_eq!(count(client).await, 3000);

    let copy = client.copy_out("copy t to stdout").await.unwrap();
    let copied = copy.try_fold(0, |sum, chunk| async move { Ok(sum + chunk.len()) });
    let bytes = within(copied).await.unwrap();
    let expected = rows(0..3000).len();
    assert_eq!(bytes, expected);

    // The server finds fault in the middle.
    let sink = client.copy_in("copy t from stdin").await.unwrap();
    pin_mut!(sink);
    sink.send(Bytes::from("20000\tgood\nbad\tbad\n".to_owned()))
        .await
        .unwrap();
    assert_eq!(code(sink.finish().await), "22P02");
    assert_eq!(count(client).await, 3000);

    // The client gives up in the middle.
    {
        let sink = client
            .copy_in::<_, Bytes>("copy t from stdin")
            .await
            .unwrap();
        pin_mut!(sink);
        sink.send(Bytes::from("30000\tgood\n".to_owned()))
            .await
            .unwrap();
    }
    assert_eq!(count(client).await, 3000);

    // The server fails in the middle of the data that it sends.
    let failing = "copy (select 1 / (3 - n) from generate_series(1, 10) n) to stdout";
    let copy = client.copy_out(failing).await.unwrap();
    pin_mut!(copy);
    let mut rows = 0;
    let failed = loop {
        match within(copy.try_next()).await {
            Ok(row) => rows += i32::from(row.is_some()),
            Err(error) => break error,
        }
    };
    assert_eq!(rows, 2);
    assert_eq!(Told::from(failed).code, "22012");
    assert_eq!(count(client).await, 3000);
}

async fn scripts(client: &Client) {
    let messages = client
        .simple_query("select 1 as a;; delete from t where id < 10; select 2 as a, 'x' as b")
        .await
        .unwrap();
    let seen: Vec<_> = messages
        .iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or("-").to_owned()),
            SimpleQueryMessage::CommandComplete(n) => Some(format!("done {n}")),
            _ => None,
        })
        .collect();
    assert_eq!(seen, ["1", "done 1", "done 10", "2", "done 1"]);

    let failed = client
        .simple_query("select 1; select 1 / 0; select 2")
        .await;
    assert_eq!(code(failed), "22012");
}

async fn errors(client: &Client) {
    for sql in ["select  nonsense", "select 1 +"] {
        let error = client.simple_query(sql).await.unwrap_err();
        let error = error.as_db_error().unwrap();
        let position = error.position().cloned();
        let at = if sql.ends_with('+') { 11 } else { 9 };
        assert_eq!(
            position,
            Some(tokio_postgres::error::ErrorPosition::Original(at))
        );
    }
    let error = client
        .execute("insert into t values (500, 'twice')", &[])
        .await;
    let error = error.unwrap_err();
    let error = error.as_db_error().unwrap();
    assert_eq!(error.code().code(), "23505");
    assert_eq!(error.severity(), "ERROR");
    assert_eq!(error.table(), Some("t"));
    assert_eq!(error.schema(), Some("public"));
    assert_eq!(error.constraint(), Some("t_pkey"));
    assert_eq!(error.detail(), Some("Key (id)=(500) already exists."));
}

#[tokio::test]
async fn what_nobody_asked_for_comes_through() {
    let proxy = LocalProxy::start(&[]);
    let (client, mut connection) = tokio_postgres::connect(&proxy.url, NoTls).await.unwrap();
    assert_eq!(connection.parameter("server_version"), Some("16.15"));
    assert_eq!(connection.parameter("TimeZone"), Some("UTC"));
    assert_eq!(connection.parameter("client_encoding"), Some("UTF8"));
    let (sender, mut notices) = mpsc::unbounded_channel();
    let (status, mut zones) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(Ok(message)) = poll_fn(|cx| connection.poll_message(cx)).await {
            if let AsyncMessage::Notice(notice) = message {
                sender.send(notice).unwrap();
            }
            let zone = connection.parameter("TimeZone").map(str::to_owned);
            status.send(zone).ok();
        }
    });
    client
        .batch_execute("drop table if exists nothing")
        .await
        .unwrap();
    let notice = within(notices.recv()).await.unwrap();
    assert_eq!(notice.code().code(), "00000");
    assert_eq!(
        notice.message(),
        "table \"nothing\" does not exist, skipping"
    );
    client
        .batch_execute("set timezone = 'Europe/Berlin'")
        .await
        .unwrap();
    client
        .batch_execute("drop table if exists nothing")
        .await
        .unwrap();
    within(notices.recv()).await.unwrap();
    let mut last = None;
    while let Ok(zone) = zones.try_recv() {
        last = zone;
    }
    assert_eq!(last.as_deref(), Some("Europe/Berlin"));
}

/// Waits until the client's statement runs on the server. `by` is another client.
async fn running(by: &Client, marker: &str) {
    let sql = format!(
        "select count(*) from pg_stat_activity \
         where query like '%{marker}%' and query not like '%pg_stat_activity%'"
    );
    within(async {
        loop {
            let row = by.query_one(&sql, &[]).await.unwrap();
            if row.get::<_, i64>(0) > 0 {
                return;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn statements_are_cancelled() {
    let proxy = LocalProxy::start(&[]);
    let client = proxy.connect().await.unwrap();
    let other = proxy.connect().await.unwrap();
    let cancel = client.cancel_token();
    let row = client.query_one("select 1", &[]).await.unwrap();
    assert_eq!(row.get::<_, i32>(0), 1);
    other
        .batch_execute("create table t (id int primary key, v text)")
        .await
        .unwrap();
    client
        .batch_execute("set datestyle = 'German'")
        .await
        .unwrap();
    let prepared = client.prepare("select $1::int4 * 2").await.unwrap();

    // A SELECT: the session goes on, with its statements and its settings.
    for round in ["round 1", "round 2"] {
        // What is given up may still run on the server: each has a text of its own.
        let sleep = format!("select pg_sleep(600) /* {round} */");
        let sleep = client.prepare(&sleep).await.unwrap();
        let cancelled = async {
            running(&other, round).await;
            cancel.cancel_query(NoTls).await.unwrap();
        };
        let (result, ()) =
            within(async { tokio::join!(client.query(&sleep, &[]), cancelled) }).await;
        let told = Told::from(result.unwrap_err());
        assert_eq!(
            (
                told.severity.as_str(),
                told.code.as_str(),
                told.message.as_str()
            ),
            ("ERROR", "57014", "canceling statement due to user request")
        );
        let row = client.query_one(&prepared, &[&21]).await.unwrap();
        assert_eq!(row.get::<_, i32>(0), 42, "{round}");
        let row = client.query_one("show datestyle", &[]).await.unwrap();
        assert_eq!(row.get::<_, &str>(0), "German, DMY");
    }

    // In a block: it fails until it is rolled back, and nothing of it stays.
    client
        .batch_execute("begin; insert into t values (1, 'lost')")
        .await
        .unwrap();
    let cancelled = async {
        running(&other, "two").await;
        cancel.cancel_query(NoTls).await.unwrap();
    };
    let sql = "select pg_sleep(600) /* two */";
    let (result, ()) = within(async { tokio::join!(client.simple_query(sql), cancelled) }).await;
    assert_eq!(code(result), "57014");
    assert_eq!(code(client.simple_query("select 1").await), "25P02");
    assert_eq!(code(client.query(&prepared, &[&1]).await), "25P02");
    client.batch_execute("rollback").await.unwrap();
    assert_eq!(count(&client).await, 0);
    let row = client.query_one(&prepared, &[&3]).await.unwrap();
    assert_eq!(row.get::<_, i32>(0), 6);

    // A statement that commits by itself.
    let cancelled = async {
        running(&other, "three").await;
        cancel.cancel_query(NoTls).await.unwrap();
    };
    let sql = "insert into t select 2, pg_sleep(600)::text /* three */";
    let (result, ()) = within(async { tokio::join!(client.simple_query(sql), cancelled) }).await;
    let told = Told::from(result.unwrap_err());
    assert_eq!(
        (told.severity.as_str(), told.code.as_str()),
        ("ERROR", "08007")
    );
    assert_eq!(
        told.message,
        "canceling statement due to user request; its outcome is unknown"
    );
    assert_eq!(
        told.hint,
        "Check whether it took effect before you run it again."
    );
    let row = client.query_one(&prepared, &[&4]).await.unwrap();
    assert_eq!(row.get::<_, i32>(0), 8);
}

#[tokio::test]
async fn who_is_not_cancelled_is_not_harmed() {
    let proxy = LocalProxy::start(&[]);
    let victim = proxy.connect().await.unwrap();
    let bystander = proxy.connect().await.unwrap();
    let other = proxy.connect().await.unwrap();
    let cancel = victim.cancel_token();
    other
        .batch_execute("create table t (id int primary key, v text)")
        .await
        .unwrap();
    bystander
        .batch_execute("begin; insert into t values (1, 'kept')")
        .await
        .unwrap();
    // In the middle of its rows: it reads the rest only after the victim's end.
    let many = "select repeat('x', 1000000) from generate_series(1, 50)";
    let none: [i32; 0] = [];
    let rows = bystander.query_raw(many, none).await.unwrap();
    pin_mut!(rows);
    let first = within(rows.try_next()).await.unwrap().unwrap();

    let victim = victim.query("select pg_sleep(600) /* victim */", &[]);
    let cancelled = async {
        running(&other, "victim").await;
        cancel.cancel_query(NoTls).await.unwrap();
    };
    let (result, ()) = within(async { tokio::join!(victim, cancelled) }).await;
    assert_eq!(code(result), "57014");

    let mut bytes = first.get::<_, &str>(0).len();
    while let Some(row) = within(rows.try_next()).await.unwrap() {
        bytes += row.get::<_, &str>(0).len();
    }
    assert_eq!(bytes, 50_000_000);
    bystander.batch_execute("commit").await.unwrap();
    assert_eq!(count(&bystander).await, 1);
}

#[tokio::test]
async fn a_request_to_cancel_that_finds_nothing_does_nothing() {
    let proxy = LocalProxy::start(&[]);
    let other = proxy.connect().await.unwrap();
    let mut client = RawClient::log_in(proxy.port()).await;
    let key = client.key.clone().unwrap();

    // Idle, and idle in a block.
    cancel(proxy.port(), &key).await;
    assert_eq!(values(&client.query("select 1").await), ["1"]);
    assert_eq!(shape(&client.query("begin").await), "CZ");
    cancel(proxy.port(), &key).await;
    assert_eq!(values(&client.query("select 2").await), ["2"]);
    assert_eq!(shape(&client.query("commit").await), "CZ");

    // With a wrong secret, and for nobody, while a statement waits for its data.
    let table = client
        .query("create table t (id int primary key, v text)")
        .await;
    assert_eq!(shape(&table), "CZ");
    client.begin_query("copy t from stdin").await;
    assert_eq!(client.next().await.unwrap().0, b'G');
    let mut wrong = key.clone();
    wrong.secret[0] ^= 1;
    cancel(proxy.port(), &wrong).await;
    let mut nobody = key.clone();
    nobody.pid += 1000;
    cancel(proxy.port(), &nobody).await;
    client.send(b"d\0\0\0\x081\ta\n").await;
    client.send(b"c\0\0\0\x04").await;
    assert_eq!(shape(&client.until_ready().await), "CZ");
    assert_eq!(count(&other).await, 1);

    // The second of two.
    client.begin_query("select pg_sleep(600) /* four */").await;
    running(&other, "four").await;
    cancel(proxy.port(), &key).await;
    cancel(proxy.port(), &key).await;
    let answer = client.until_ready().await;
    assert_eq!(shape(&answer), "EZ");
    assert_eq!(error(&answer).unwrap().sqlstate.as_str(), "57014");
    assert_eq!(values(&client.query("select 5").await), ["5"]);
}
