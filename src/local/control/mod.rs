//! The control port: faults over HTTP, on loopback only.
//!
//! It asks for no password, as whoever is on the machine can end our processes anyway. But a page
//! in somebody's browser must not reach it: see [`check_host`].

mod api;
mod body;

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use self::api::Reply;
use super::faults::Faults;
use crate::observe::http::check_host;

/// How long a request may take, in and out.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many requests are served at once.
const MOST_REQUESTS: usize = 64;
/// The longest body, in bytes.
const LONGEST_BODY: usize = 64 * 1024;
/// The pause after an accept that failed, for example for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A bound control port.
#[derive(Debug)]
pub(super) struct Control {
    listener: TcpListener,
    address: SocketAddr,
    faults: Faults,
}

impl Control {
    /// Binds a port of 127.0.0.1; 0 is any free one.
    pub(super) async fn bind(port: u16, faults: Faults) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        Ok(Self {
            address: listener.local_addr()?,
            listener,
            faults,
        })
    }

    /// Where it is reached: `http://127.0.0.1:PORT`.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Serves until it is dropped.
    pub(super) async fn serve(&self) -> Infallible {
        let mut requests = JoinSet::new();
        loop {
            if requests.len() >= MOST_REQUESTS {
                requests.join_next().await;
            }
            tokio::select! {
                Some(_) = requests.join_next(), if !requests.is_empty() => {}
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        let serve = serve_one(stream, self.faults.clone());
                        requests.spawn(timeout(PATIENCE, serve));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept a connection to the control port");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
    }
}

/// One connection, one request.
async fn serve_one(stream: TcpStream, faults: Faults) {
    let service = service_fn(move |request| {
        let faults = faults.clone();
        async move { Ok::<_, Infallible>(response(&respond(&faults, request).await)) }
    });
    let served = http1::Builder::new()
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a request to the control port failed");
    }
}

async fn respond(faults: &Faults, request: Request<Incoming>) -> Reply {
    if let Err(why) = check_host("the control port", request.headers()) {
        return Reply::error(StatusCode::FORBIDDEN, why);
    }
    let (head, body) = request.into_parts();
    match Limited::new(body, LONGEST_BODY).collect().await {
        Ok(body) => api::answer(faults, &head.method, head.uri.path(), &body.to_bytes()),
        Err(error) => {
            let text = format!("cannot read the body, of at most {LONGEST_BODY} bytes: {error}");
            Reply::error(StatusCode::BAD_REQUEST, text)
        }
    }
}

fn response(reply: &Reply) -> Response<Full<Bytes>> {
    let text = format!("{}\n", reply.body);
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = reply.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(methods) = reply.allow {
        headers.insert(ALLOW, HeaderValue::from_static(methods));
    }
    response
}

#[cfg(test)]
mod tests;
