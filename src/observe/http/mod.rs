//! The HTTP endpoints: a small server that knows paths and who may ask, and nothing of what it
//! is told to answer.
//!
//! Nobody can hold it: a connection serves one request, is over after ten seconds, and gives way
//! to a newer one when there are too many.

mod door;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::spawn_local;
use tokio::time::{sleep, timeout};
use tokio_util::task::AbortOnDropHandle;

pub use door::check_host;

/// How long a request may take, in and out.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many connections are served at once. One more, and the oldest is closed.
const MOST_CONNECTIONS: usize = 64;
/// The longest request without its body, in bytes. Bodies are not read.
const LONGEST_REQUEST: usize = 16 * 1024;
/// The pause after an accept that failed, for example for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a path answers to GET and HEAD.
#[derive(Clone)]
pub struct Route {
    /// The path, with its `/`.
    pub path: &'static str,
    /// Who may ask.
    pub access: Access,
    /// Asked for each request.
    pub answer: Rc<dyn Fn() -> Answer>,
}

/// Who may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Whoever reaches the port.
    Everybody,
    /// Programs on this machine, but no page in a browser on it: see [`check_host`].
    ThisMachine,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The type of the body.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

impl Answer {
    /// 200 with a body of this type.
    pub fn ok(content_type: &'static str, body: String) -> Self {
        Self {
            status: StatusCode::OK,
            content_type,
            body,
        }
    }

    fn refusal(status: StatusCode, why: &str) -> Self {
        Self {
            status,
            content_type: "text/plain; charset=utf-8",
            body: format!("{why}\n"),
        }
    }
}

/// Serves until it is dropped, with all its connections. Must run inside a
/// [`tokio::task::LocalSet`].
pub async fn serve(listener: TcpListener, routes: Rc<[Route]>) -> Infallible {
    let mut connections: VecDeque<AbortOnDropHandle<()>> = VecDeque::new();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                connections.retain(|connection| !connection.is_finished());
                if connections.len() >= MOST_CONNECTIONS {
                    connections.pop_front();
                }
                let serve = serve_one(stream, peer, Rc::clone(&routes));
                connections.push_back(AbortOnDropHandle::new(spawn_local(serve)));
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection to the HTTP port");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// One connection, one request.
async fn serve_one(stream: TcpStream, peer: SocketAddr, routes: Rc<[Route]>) {
    let service = service_fn(move |request: Request<_>| {
        let response = respond(&routes, peer.ip(), &request);
        async move { Ok::<_, Infallible>(response) }
    });
    let served = http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(LONGEST_REQUEST)
        .serve_connection(TokioIo::new(stream), service);
    let served = timeout(PATIENCE, served)
        .await
        .map_err(|elapsed| io::Error::new(io::ErrorKind::TimedOut, elapsed))
        .and_then(|served| served.map_err(io::Error::other));
    if let Err(error) = served {
        tracing::debug!(%error, %peer, "a request to the HTTP port failed");
    }
}

fn respond<B>(routes: &[Route], peer: IpAddr, request: &Request<B>) -> Response<Full<Bytes>> {
    let is_get = [Method::GET, Method::HEAD].contains(request.method());
    let path = request.uri().path();
    let answer = match routes.iter().find(|route| route.path == path) {
        None => Answer::refusal(StatusCode::NOT_FOUND, &nothing(path, routes)),
        Some(_) if !is_get => Answer::refusal(
            StatusCode::METHOD_NOT_ALLOWED,
            &format!("{path} takes GET, not {}", request.method()),
        ),
        Some(route) => match admit(route, peer, request.headers()) {
            Ok(()) => (route.answer)(),
            Err(why) => Answer::refusal(StatusCode::FORBIDDEN, &why),
        },
    };
    let mut response = Response::new(Full::new(Bytes::from(answer.body)));
    *response.status_mut() = answer.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if answer.status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    response
}

fn nothing(path: &str, routes: &[Route]) -> String {
    let paths: Vec<_> = routes.iter().map(|route| route.path).collect();
    format!("there is no {path}; there are: {}", paths.join(", "))
}

fn admit(route: &Route, peer: IpAddr, headers: &HeaderMap) -> Result<(), String> {
    match route.access {
        Access::Everybody => Ok(()),
        // An IPv4 address may come wrapped in an IPv6 one.
        Access::ThisMachine if !peer.to_canonical().is_loopback() => Err(format!(
            "{} is for this machine only: ask on 127.0.0.1 or ::1 of the machine of the proxy",
            route.path
        )),
        Access::ThisMachine => check_host(route.path, headers),
    }
}
