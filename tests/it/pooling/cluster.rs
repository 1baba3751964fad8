//! A local cluster that fails on demand, and a proxy that shares its servers.

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::Mode;
use super::peer::Peer;
use crate::support::{LocalProxy, within};

pub(crate) struct Faulty {
    pub(crate) proxy: LocalProxy,
    control: String,
}

impl Faulty {
    pub(crate) fn start(mode: Mode, servers: usize, further: &[&str]) -> Self {
        let arguments = mode.arguments(servers);
        let mut all = vec!["--control-port=0"];
        all.extend(arguments.iter().map(String::as_str));
        all.extend(further);
        let proxy = LocalProxy::start(&all);
        let control = proxy.variables()["DSQL_LOCAL_CONTROL"].clone();
        Self { proxy, control }
    }

    pub(crate) async fn peer(&self) -> Peer {
        Peer::log_in(self.proxy.port(), "admin", &[]).await
    }

    pub(crate) async fn peer_with(&self, parameters: &[(&str, &str)]) -> Peer {
        Peer::log_in(self.proxy.port(), "admin", parameters).await
    }

    /// Asks for a fault; its id.
    pub(crate) async fn order(&self, order: &str) -> u64 {
        let answer = self.ask("POST", "/faults", order).await;
        answer["done"][0]["id"].as_u64().unwrap_or_default()
    }

    /// How often the fault has happened.
    pub(crate) async fn fired(&self, id: u64) -> u64 {
        let list = self.ask("GET", "/faults", "").await;
        let list = list["faults"].as_array().unwrap();
        let fault = list.iter().find(|fault| fault["id"] == id).unwrap();
        fault["fired"].as_u64().unwrap()
    }

    /// Waits until it has happened.
    pub(crate) async fn until_fired(&self, id: u64) {
        within(async { while self.fired(id).await == 0 {} }).await;
    }

    /// The sessions of the cluster.
    pub(crate) async fn sessions(&self) -> usize {
        let list = self.ask("GET", "/sessions", "").await;
        list["sessions"].as_array().unwrap().len()
    }

    pub(crate) async fn ask(&self, method: &str, path: &str, body: &str) -> Value {
        let address = self.control.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).await.unwrap();
        let (head, body) = reply.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{body}");
        serde_json::from_str(body).unwrap()
    }
}
