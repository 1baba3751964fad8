//! Ports, Unix sockets, and what travels through them: much, little, and only one way.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{BufMut as _, BytesMut};
use dsql_proxy::wire::backend::TransactionStatus;
use dsql_proxy::wire::encode;
use dsql_proxy::wire::startup::ssl_request;
use rustix::process::Signal;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};

use crate::support::fake::{ENDPOINT, FakeCluster, FakeConnection};
use crate::support::process::Process;
use crate::support::raw::{RawClient, error, shape, values};
use crate::support::{LocalProxy, ProxyAlone, clean, dsql_proxy, within};

const MIB: usize = 1024 * 1024;

/// What a proxy alone may use at its worst, in KiB: it begins with about 20 MiB.
const MEMORY: u64 = 64 * 1024;

/// Lets everybody in, and answers every statement but `sleep`.
async fn answers(mut connection: FakeConnection, _: usize) {
    connection.log_in().await;
    while let Some((tag, body)) = connection.next().await {
        if tag == b'Q' && body != b"sleep\0" {
            connection.done("OK", TransactionStatus::Idle).await;
        }
    }
}

/// A port that nobody else gets on any address but 127.0.0.1, while the socket is there.
fn reserve() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

#[tokio::test]
async fn both_kinds_of_loopback_answer() {
    let cluster = FakeCluster::start(answers);
    let proxy = cluster.proxy(&[]);
    let interfaces = std::fs::read_to_string("/proc/net/if_inet6").unwrap_or_default();
    let has_ipv6 = interfaces.contains("00000000000000000000000000000001");
    let mut addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
    addresses.extend(has_ipv6.then_some(IpAddr::V6(Ipv6Addr::LOCALHOST)));
    for address in addresses {
        let address = SocketAddr::new(address, proxy.port());
        let mut client = RawClient::new(TcpStream::connect(address).await.unwrap());
        client.start("admin").await.unwrap();
        assert_eq!(shape(&client.query("select 1").await), "CZ", "{address}");
    }
}

#[tokio::test]
async fn unix_sockets() {
    let cluster = FakeCluster::start(answers);
    let dir = tempfile::tempdir().unwrap();
    let sockets = dir.path().join("sockets");
    let (_reserved, port) = reserve();
    let socket = sockets.join(format!(".s.PGSQL.{port}"));
    let flags = [
        format!("--unix-socket={}", sockets.display()),
        format!("--upstream-address={}", cluster.address),
        format!("--port={port}"),
    ];
    let start = |address: &str| {
        let home = tempfile::tempdir().unwrap();
        let address = format!("--address={address}");
        let mut arguments: Vec<&str> = flags.iter().map(String::as_str).collect();
        arguments.extend([ENDPOINT, &address]);
        ProxyAlone::start_in(home, &arguments, cluster.variables())
    };
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;

    let mut first = start("127.0.0.2");
    assert_eq!(mode(&sockets), 0o700);
    assert_eq!(mode(&socket), 0o600);
    let url = format!(
        "host={} port={port} user=admin dbname=postgres",
        sockets.display()
    );
    let client = crate::support::connect(&url).await.unwrap();
    client.batch_execute("select 1").await.unwrap();
    let mut raw = RawClient::new(UnixStream::connect(&socket).await.unwrap());
    raw.start("admin").await.unwrap();
    assert_eq!(shape(&raw.query("select 1").await), "CZ");

    // One that lives stays where it is.
    let mut command = clean(dir.path());
    command.args(&flags).args([ENDPOINT, "--address=127.0.0.3"]);
    let (code, log) = Process::spawn(command.envs(cluster.variables())).wait();
    assert_eq!(code, Some(1));
    let said = format!("error: {} is in use by another process", socket.display());
    assert!(log.contains(&said), "{log}");
    assert_eq!(shape(&raw.query("select 1").await), "CZ");

    // One whose owner has been killed is replaced.
    first.process.signal(Signal::KILL);
    first.process.wait();
    assert!(socket.exists());
    let mut second = start("127.0.0.4");
    let mut raw = RawClient::new(UnixStream::connect(&socket).await.unwrap());
    raw.start("admin").await.unwrap();
    drop(raw);
    second.process.stop();
    assert!(!socket.exists(), "it is removed at the end");
}

#[test]
fn a_port_that_is_taken() {
    let (_taken, port) = reserve();
    let port_flag = format!("--port={port}");
    let said = format!(
        "error: port {port} of 127.0.0.1 is already in use. Stop the program that uses it \
         (`ss -ltnp 'sport = :{port}'` names it), or choose another with --port\n"
    );
    let home = tempfile::tempdir().unwrap();
    let mut command = clean(home.path());
    let (code, log) = Process::spawn(command.args([ENDPOINT, &port_flag])).wait();
    assert_eq!((code, log.as_str()), (Some(1), said.as_str()));

    // The second cluster's: the first is not served either.
    let mut command = clean(home.path());
    let second = format!("{ENDPOINT}?port={port}");
    let (code, log) = Process::spawn(command.args([ENDPOINT, &second, "--port=0"])).wait();
    assert_eq!((code, log.as_str()), (Some(1), said.as_str()));

    let mut command = dsql_proxy();
    let (code, log) = Process::spawn(command.args(["local", &port_flag])).wait();
    assert_eq!(code, Some(1));
    assert!(log.ends_with(&said), "{log}");
}

#[tokio::test]
async fn clusters_on_consecutive_ports() {
    let other = "zyxwvutsrqponmlkjihgfedcba.dsql.eu-west-1.on.aws";
    let clusters = [
        FakeCluster::start(answers),
        FakeCluster::named(other, answers),
    ];
    let roots = clusters
        .each_ref()
        .map(|c| std::fs::read_to_string(c.ca_file()).unwrap());
    let home = tempfile::tempdir().unwrap();
    let ca = home.path().join("both.pem");
    std::fs::write(&ca, roots.concat()).unwrap();
    let mut variables = clusters[0].variables();
    variables[0].1 = ca.display().to_string();

    let (_reserved, port) = reserve();
    let names = [
        format!("{ENDPOINT}?upstream-address={}", clusters[0].address),
        format!("{other}?upstream-address={}", clusters[1].address),
        format!("--port={port}"),
    ];
    let mut arguments: Vec<&str> = names.iter().map(String::as_str).collect();
    arguments.push("--address=127.0.0.5");
    let proxy = ProxyAlone::start_in(home, &arguments, variables);
    assert_eq!(proxy.ports, [port, port + 1]);
    for (cluster, port) in clusters.iter().zip(&proxy.ports) {
        assert_eq!(cluster.connects(), 0);
        let tcp = TcpStream::connect(("127.0.0.5", *port)).await.unwrap();
        RawClient::new(tcp).start("admin").await.unwrap();
        assert_eq!(cluster.connects(), 1);
    }
}

#[tokio::test]
async fn requests_for_encryption_are_declined() {
    const GSSENC_REQUEST: &[u8] = &[0, 0, 0, 8, 4, 210, 22, 48];
    let mut ssl = BytesMut::new();
    ssl_request(&mut ssl);
    let cluster = FakeCluster::start(answers);
    let proxy = cluster.proxy(&[]);
    let mut tcp = TcpStream::connect(("127.0.0.1", proxy.port()))
        .await
        .unwrap();
    for request in [GSSENC_REQUEST, &ssl] {
        tcp.write_all(request).await.unwrap();
        assert_eq!(within(tcp.read_u8()).await.unwrap(), b'N');
    }
    let mut client = RawClient::new(tcp);
    client.start("admin").await.unwrap();

    // A request to cancel comes behind such a request of its own.
    client.begin_query("sleep").await;
    let mut tcp = TcpStream::connect(("127.0.0.1", proxy.port()))
        .await
        .unwrap();
    // By then the statement has gone out: bytes are taken in the order in which they came.
    for request in [GSSENC_REQUEST, &ssl] {
        tcp.write_all(request).await.unwrap();
        assert_eq!(within(tcp.read_u8()).await.unwrap(), b'N');
    }
    let mut packet = BytesMut::new();
    client.key.clone().unwrap().encode(&mut packet);
    tcp.write_all(&packet).await.unwrap();
    assert_eq!(within(tcp.read(&mut [0])).await.unwrap(), 0);
    let answer = client.until_ready().await;
    assert_eq!(shape(&answer), "EZ");
    let told = error(&answer).unwrap();
    assert!(told.message.starts_with("canceling statement"), "{told}");
    assert_eq!(shape(&client.query("select 1").await), "CZ");
    // The one that was given up, the one that cancels what it does, and the one after it.
    within(async {
        while cluster.connects() < 3 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(cluster.connects(), 3);
}

#[tokio::test]
async fn a_client_that_says_no_more_gets_its_answers() {
    let cluster = FakeCluster::start(answers);
    let proxy = cluster.proxy(&[]);
    for queries in [1, 1000] {
        let mut client = RawClient::log_in(proxy.port()).await;
        let mut out = BytesMut::new();
        for _ in 0..queries {
            encode::query(b"select 1", &mut out);
        }
        client.send(&out).await;
        client.stream.shutdown().await.unwrap();
        for n in 0..queries {
            assert_eq!(shape(&client.until_ready().await), "CZ", "{n} of {queries}");
        }
        assert_eq!(client.next().await, None, "the end");
    }
}

/// A row with one column of this many bytes.
fn row(length: usize) -> BytesMut {
    let mut out = BytesMut::with_capacity(length + 16);
    encode::frame(b'D', &mut out, |body| {
        body.put_i16(1);
        body.put_i32(i32::try_from(length).unwrap());
        body.put_bytes(b'x', length);
    });
    out
}

/// Waits until a value does not change any more; 0 does not count.
async fn settled<T: Copy + PartialEq + Default>(look: impl Fn() -> T) -> T {
    let mut before = T::default();
    within(async {
        loop {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let now = look();
            if now == before && now != T::default() {
                return now;
            }
            before = now;
        }
    })
    .await
}

#[tokio::test]
async fn who_does_not_read_does_not_fill_our_memory() {
    const ROWS: usize = 300;
    let sent = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&sent);
    let cluster = FakeCluster::start(move |mut connection, _| {
        let count = Arc::clone(&count);
        async move {
            connection.log_in().await;
            connection.next().await.unwrap();
            let row = row(MIB);
            for _ in 0..ROWS {
                connection.send(&row).await;
                count.fetch_add(1, Ordering::SeqCst);
            }
            connection.done("SELECT", TransactionStatus::Idle).await;
            connection.drain().await;
        }
    });
    let proxy = cluster.proxy(&[]);
    let mut client = RawClient::log_in(proxy.port()).await;
    client.begin_query("select much").await;
    // The server cannot get rid of any more.
    let before = settled(|| sent.load(Ordering::SeqCst)).await;
    assert!(before < ROWS / 2, "somebody keeps {before} MiB");
    let (mut rows, mut bytes) = (0, 0);
    client
        .count(|tag, length| {
            rows += usize::from(tag == b'D');
            bytes += if tag == b'D' { length - 6 } else { 0 };
            tag != b'Z'
        })
        .await;
    assert_eq!((rows, bytes), (ROWS, ROWS * MIB));
    let peak = proxy.process.peak_kib();
    assert!(peak < MEMORY, "{peak} KiB");
}

#[tokio::test]
async fn long_messages_stream_through() {
    const LENGTH: usize = 64 * MIB;
    let cluster = FakeCluster::start(async |mut connection: FakeConnection, _| {
        connection.log_in().await;
        while let Some((tag, body)) = connection.next().await {
            assert_eq!(tag, b'Q');
            let whole = body.len() == LENGTH + 1 && body[..LENGTH].iter().all(|b| *b == b' ');
            if whole {
                connection.send(&row(LENGTH)).await;
            }
            connection.done("SELECT", TransactionStatus::Idle).await;
        }
    });
    let proxy = cluster.proxy(&[]);
    let mut client = RawClient::log_in(proxy.port()).await;
    let mut out = BytesMut::new();
    encode::query(&vec![b' '; LENGTH], &mut out);
    client.send(&out).await;
    let mut seen = Vec::new();
    client
        .count(|tag, length| {
            seen.push((tag, length));
            tag != b'Z'
        })
        .await;
    assert_eq!(seen, [(b'D', LENGTH + 6), (b'C', 7), (b'Z', 1)]);
    assert_eq!(shape(&client.query("select 1").await), "CZ");
    let peak = proxy.process.peak_kib();
    assert!(peak < MEMORY, "{peak} KiB");
}

#[tokio::test]
async fn a_limit_of_clients() {
    let cluster = FakeCluster::start(answers);
    let proxy = cluster.proxy(&["--max-clients=2"]);
    let first = RawClient::log_in(proxy.port()).await;
    let mut second = RawClient::log_in(proxy.port()).await;
    let mut third = RawClient::connect(proxy.port()).await;
    let told = third.start("admin").await.unwrap_err();
    assert_eq!(
        (told.sqlstate.as_str(), told.message.as_str()),
        ("53300", "sorry, too many clients already")
    );
    let detail = "The proxy serves 2 clients at a time (--max-clients).";
    assert_eq!(told.detail.as_deref(), Some(detail));
    let hint = "Close connections that are not used, or raise --max-clients.";
    assert_eq!(told.hint.as_deref(), Some(hint));
    // Nobody has said anything yet: the first login has shown what all the others are told.
    assert_eq!(cluster.connects(), 1);
    assert_eq!(shape(&second.query("select 1").await), "CZ");

    drop((first, third));
    within(async {
        while RawClient::connect(proxy.port())
            .await
            .start("admin")
            .await
            .is_err()
        {}
    })
    .await;
}

#[tokio::test]
async fn through_the_local_cluster_too() {
    let proxy = LocalProxy::start(&[]);
    // Written before anything is read.
    let mut client = RawClient::log_in(proxy.port()).await;
    let mut out = BytesMut::new();
    for n in 0..10_000 {
        encode::query(format!("select {n}").as_bytes(), &mut out);
    }
    client.send(&out).await;
    for n in 0..10_000 {
        assert_eq!(values(&client.until_ready().await), [n.to_string()]);
    }

    // 200 MB that wait until somebody reads them, in the proxy and in the front of the cluster.
    client
        .begin_query("select repeat('x', 1000000) from generate_series(1, 200)")
        .await;
    let mut other = RawClient::log_in(proxy.port()).await;
    assert_eq!(
        values(&other.query("select 1").await),
        ["1"],
        "others are served"
    );
    settled(|| proxy.resident_kib()).await;
    let mut rows = 0;
    client
        .count(|tag, length| {
            rows += usize::from(tag == b'D' && length == 1_000_006);
            tag != b'Z'
        })
        .await;
    assert_eq!(rows, 200);
    let peak = proxy.process.peak_kib();
    assert!(peak < 120 * 1024, "{peak} KiB");
}
