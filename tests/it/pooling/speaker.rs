//! A client that sends what a script says, and knows what it has to wait for.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::BytesMut;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::script::{Awaited, Step};
use crate::support::raw::{Message, RawClient};

/// Far longer than an answer takes; reached only when something hangs.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct Speaker {
    client: RawClient,
    out: BytesMut,
    /// What is owed, and whether the server has reason to send it.
    owed: VecDeque<(Awaited, bool)>,
    /// The server ignores everything up to a Sync.
    skipping: bool,
    /// All that the server has said, and what became of the connection.
    pub(super) heard: Vec<Message>,
    pub(super) over: Option<&'static str>,
}

impl Speaker {
    /// Logs in.
    pub(super) async fn log_in(address: &str, parameters: &[(&str, &str)]) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let mut client = RawClient::new(stream);
        let login = timeout(PATIENCE, client.start_with(parameters)).await;
        let heard = login.expect("a login is answered");
        let over = heard.last().is_none_or(|(tag, _)| *tag != b'Z');
        Self {
            client,
            out: BytesMut::new(),
            owed: VecDeque::new(),
            skipping: false,
            heard,
            over: over.then_some("closed"),
        }
    }

    /// Does a step.
    pub(super) async fn take(&mut self, step: &Step) {
        if self.over.is_some() {
            return;
        }
        for awaited in step.encode(&mut self.out) {
            if self.skipping && awaited != Awaited::Sync {
                continue;
            }
            self.skipping = false;
            self.owed.push_back((awaited, false));
        }
        if step.flushes() {
            self.owed.iter_mut().for_each(|owed| owed.1 = true);
        }
        if *step == Step::Wait {
            self.wait().await;
        }
    }

    /// Sends what is to be sent, and reads what the server has reason to answer.
    pub(super) async fn wait(&mut self) {
        let out = self.out.split();
        self.client.send(&out).await;
        while self.over.is_none() && self.owed.front().is_some_and(|owed| owed.1) {
            match timeout(PATIENCE, self.client.next()).await {
                Ok(Some(message)) => self.hear(message),
                Ok(None) => self.over = Some("closed"),
                Err(_elapsed) => self.over = Some("hangs"),
            }
        }
    }

    fn hear(&mut self, message: Message) {
        let (awaited, _) = self.owed[0];
        let tag = message.0;
        self.heard.push(message);
        let done = match awaited {
            Awaited::Query | Awaited::Sync => tag == b'Z',
            Awaited::Last(tags) => tags.contains(&tag),
        };
        if done {
            self.owed.pop_front();
        } else if tag == b'E' && matches!(awaited, Awaited::Last(_)) {
            let skipped = |owed: &(Awaited, bool)| owed.0 != Awaited::Sync;
            while self.owed.front().is_some_and(skipped) {
                self.owed.pop_front();
            }
            self.skipping = self.owed.is_empty();
        }
    }

    /// Says goodbye, and reads up to the end, which must come.
    pub(super) async fn leave(mut self) -> bool {
        let mut out = self.out;
        out.clear();
        dsql_proxy::wire::encode::terminate(&mut out);
        if self.over.is_none() {
            self.client.send(&out).await;
            let end = async { while self.client.next().await.is_some() {} };
            return timeout(PATIENCE, end).await.is_ok();
        }
        true
    }
}
