//! Tests of the HTTP endpoints.

use std::net::Ipv4Addr;

use hyper::header::{HOST, ORIGIN};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::LocalSet;

use super::*;

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn headers(host: Option<&str>, origin: Option<&str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in [(HOST, host), (ORIGIN, origin)] {
        if let Some(value) = value {
            headers.insert(name, value.parse().unwrap());
        }
    }
    headers
}

fn routes() -> Rc<[Route]> {
    let route = |path, access, body: &'static str| Route {
        path,
        access,
        answer: Rc::new(move || Answer::ok("text/plain", body.to_owned())),
    };
    Rc::new([
        route("/open", Access::Everybody, "open to all"),
        route("/here", Access::ThisMachine, "for us"),
    ])
}

fn status(peer: &str, method: &str, path: &str, host: &str) -> u16 {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, host);
    let response = respond(&routes(), peer.parse().unwrap(), &request.body(()).unwrap());
    response.status().as_u16()
}

#[test]
fn only_this_machine_comes_in() {
    for (host, origin) in [
        ("127.0.0.1:9092", None),
        ("localhost:9092", None),
        ("LocalHost", None),
        ("[::1]:9092", None),
        ("127.0.0.1", Some("http://localhost:3000")),
        ("127.0.0.1", Some("https://127.0.0.1")),
        ("127.0.0.1", Some("http://[::1]:3000")),
    ] {
        let headers = headers(Some(host), origin);
        assert_eq!(check_host("it", &headers), Ok(()), "{host} {origin:?}");
    }
    for (host, origin) in [
        (None, None),
        (Some(""), None),
        (Some("evil.example:9092"), None),
        (Some("127.0.0.1.evil.example"), None),
        (Some("localhost.evil.example:80"), None),
        (Some("10.0.0.1"), None),
        (Some("[::1"), None),
        (Some("127.0.0.1"), Some("https://evil.example")),
        (Some("127.0.0.1"), Some("null")),
        (Some("127.0.0.1"), Some("http://localhost@evil.example")),
    ] {
        let refused = check_host("it", &headers(host, origin));
        assert!(refused.is_err(), "{host:?} {origin:?}");
    }
    let mut twice = headers(Some("localhost"), None);
    twice.append(HOST, "evil.example".parse().unwrap());
    assert!(check_host("it", &twice).is_err());
}

#[test]
fn each_path_has_its_public() {
    for (peer, method, path, host, expected) in [
        ("127.0.0.1", "GET", "/here", "localhost:9090", 200),
        ("::1", "GET", "/here", "[::1]:9090", 200),
        ("::ffff:127.0.0.1", "GET", "/here", "localhost", 200),
        ("127.0.0.1", "HEAD", "/here", "localhost", 200),
        ("127.0.0.1", "GET", "/here?x=1", "localhost", 200),
        ("127.0.0.1", "GET", "/here", "evil.example", 403),
        // A peer elsewhere can write into Host what it likes.
        ("10.0.0.7", "GET", "/here", "localhost", 403),
        ("10.0.0.7", "GET", "/open", "proxy.internal:9090", 200),
        ("127.0.0.1", "POST", "/open", "localhost", 405),
        ("127.0.0.1", "GET", "/", "localhost", 404),
        ("127.0.0.1", "GET", "/open/", "localhost", 404),
    ] {
        let found = status(peer, method, path, host);
        assert_eq!(found, expected, "{peer} {method} {path} {host}");
    }
}

/// Runs a test against a server.
async fn with_server<F: Future<Output = ()>>(test: impl FnOnce(SocketAddr) -> F) {
    let listener = TcpListener::bind((LOCAL, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let local = LocalSet::new();
    let server = local.run_until(async move {
        tokio::select! {
            never = serve(listener, routes()) => match never {},
            () = test(address) => {}
        }
    });
    server.await;
}

/// Everything that is said to these bytes.
async fn say(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

#[tokio::test]
async fn answers_say_what_is_there() {
    with_server(async |address| {
        let text = say(address, b"GET /open HTTP/1.1\r\nHost: any\r\n\r\n").await;
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
        assert!(text.contains("content-type: text/plain\r\n"), "{text}");
        assert!(text.ends_with("\r\n\r\nopen to all"), "{text}");

        let text = say(address, b"HEAD /open HTTP/1.1\r\nHost: any\r\n\r\n").await;
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
        assert!(text.ends_with("\r\n\r\n"), "{text}");

        let text = say(address, b"GET /nothing HTTP/1.0\r\n\r\n").await;
        assert!(text.starts_with("HTTP/1.0 404 Not Found\r\n"), "{text}");
        assert!(
            text.ends_with("there is no /nothing; there are: /open, /here\n"),
            "{text}"
        );

        let text = say(address, b"DELETE /open HTTP/1.1\r\nHost: any\r\n\r\n").await;
        assert!(
            text.starts_with("HTTP/1.1 405 Method Not Allowed\r\n"),
            "{text}"
        );
        assert!(text.contains("allow: GET, HEAD\r\n"), "{text}");
        assert!(text.ends_with("/open takes GET, not DELETE\n"), "{text}");

        let text = say(address, b"GET /here HTTP/1.1\r\nHost: evil.example\r\n\r\n").await;
        assert!(text.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{text}");
        assert!(
            text.ends_with(
                "/here is for this machine only, and the header `host` says `evil.example`: use \
                 http://127.0.0.1 or http://localhost\n"
            ),
            "{text}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_crowd_that_says_nothing_locks_nobody_out() {
    with_server(async |address| {
        let mut crowd = Vec::new();
        for _ in 0..MOST_CONNECTIONS + 10 {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(b"GET /open HT").await.unwrap();
            crowd.push(stream);
        }
        let text = say(address, b"GET /open HTTP/1.1\r\nHost: any\r\n\r\n").await;
        assert!(text.ends_with("open to all"), "{text}");
        // The first has lost its connection; a reset is as good as an end.
        let mut nothing = Vec::new();
        crowd[0].read_to_end(&mut nothing).await.unwrap_or_default();
        assert_eq!(nothing, b"");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn whoever_is_slow_is_disconnected() {
    with_server(async |address| {
        let began = tokio::time::Instant::now();
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /open HTTP/1.1\r\nHo").await.unwrap();
        let mut nothing = Vec::new();
        stream.read_to_end(&mut nothing).await.unwrap_or_default();
        assert_eq!(nothing, b"");
        assert_eq!(began.elapsed().as_secs(), PATIENCE.as_secs());
    })
    .await;
}

#[tokio::test]
async fn a_request_has_a_longest_length() {
    with_server(async |address| {
        let mut request = b"GET /open HTTP/1.1\r\nHost: any\r\nX: ".to_vec();
        // One more than is read: nothing is left unread, so no reset hides the answer.
        request.resize(LONGEST_REQUEST, b'x');
        let text = say(address, &request).await;
        assert!(text.starts_with("HTTP/1.1 431 "), "{text}");
    })
    .await;
}
