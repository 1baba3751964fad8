//! A local cluster with a proxy in front of it, as a process of its own.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// Longer than anything here takes; reached only when something hangs.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

/// `dsql-proxy local`, ended when this goes.
pub(crate) struct LocalProxy {
    child: Child,
    /// What psql would be given.
    pub(crate) url: String,
    log: Option<std::thread::JoinHandle<String>>,
}

impl LocalProxy {
    /// Starts it on free ports with these further arguments, and waits until it serves.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dsql-proxy"));
        let ours = ["DSQL_PROXY_", "AWS_", "CLUSTER_ENDPOINT"];
        for (name, _) in std::env::vars_os() {
            if ours
                .iter()
                .any(|ours| name.as_encoded_bytes().starts_with(ours.as_bytes()))
            {
                command.env_remove(name);
            }
        }
        let mut child = command
            .args(["local", "--port=0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let (sender, receiver) = mpsc::channel();
        let stdout = child.stdout.take().unwrap();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                sender.send(line).ok();
            }
        });
        let mut stderr = child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).ok();
            text
        });
        let url = std::iter::from_fn(|| receiver.recv_timeout(PATIENCE).ok()).find_map(|line| {
            line.split_whitespace()
                .find(|word| word.starts_with("postgresql://"))
                .map(str::to_owned)
        });
        let mut proxy = Self {
            child,
            url: String::new(),
            log: Some(log),
        };
        match url {
            Some(url) => proxy.url = url,
            None => panic!("it does not serve:\n{}", proxy.stop().1),
        }
        proxy
    }

    /// The TCP port of the proxy.
    pub(crate) fn port(&self) -> u16 {
        let rest = self.url.rsplit(':').next().unwrap();
        rest.split('/').next().unwrap().parse().unwrap()
    }

    /// The process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Resident memory, in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// A client.
    pub(crate) async fn connect(&self) -> Result<tokio_postgres::Client, tokio_postgres::Error> {
        let (client, connection) =
            tokio_postgres::connect(&self.url, tokio_postgres::NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// Ends it with SIGTERM. Its exit code and its log.
    pub(crate) fn stop(&mut self) -> (Option<i32>, String) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, Signal::TERM).ok();
        let status = self.child.wait().unwrap();
        let log = self
            .log
            .take()
            .map(|log| log.join().unwrap())
            .unwrap_or_default();
        (status.code(), log)
    }
}

impl Drop for LocalProxy {
    fn drop(&mut self) {
        if self.log.is_some() {
            self.stop();
        }
    }
}
