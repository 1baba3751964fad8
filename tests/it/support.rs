//! A local cluster with a proxy in front of it, as a process of its own; a proxy alone; what
//! stands in for their peers.

pub(crate) mod fake;
pub(crate) mod postgres;
pub(crate) mod process;
pub(crate) mod raw;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use self::process::Process;

/// Longer than anything here takes; reached only when something hangs.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

/// The binary, without the caller's own settings.
pub(crate) fn dsql_proxy() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dsql-proxy"));
    let ours = ["DSQL_PROXY_", "AWS_", "CLUSTER_ENDPOINT"].map(str::as_bytes);
    for (name, _) in std::env::vars_os() {
        if ours
            .iter()
            .any(|ours| name.as_encoded_bytes().starts_with(ours))
        {
            command.env_remove(name);
        }
    }
    command
}

/// `dsql-proxy local`, ended when this goes.
pub(crate) struct LocalProxy {
    pub(crate) process: Process,
    /// What psql would be given.
    pub(crate) url: String,
    /// What another client of the cluster needs: `DIR/env`.
    env_file: PathBuf,
}

impl LocalProxy {
    /// Starts it on free ports with these further arguments, and waits until it serves.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_as(dsql_proxy(), arguments)
    }

    /// The same with another environment.
    pub(crate) fn start_as(mut command: Command, arguments: &[&str]) -> Self {
        command.args(["local", "--port=0"]).args(arguments);
        let mut process = Process::spawn(&mut command);
        let found = process.output.find(|text| {
            let mut words = text.split_whitespace();
            let url = words.find(|word| word.starts_with("postgresql://"));
            let env = words.find(|word| word.ends_with("/env"));
            Some((url?.to_owned(), PathBuf::from(env?)))
        });
        let Some((url, env_file)) = found else {
            panic!("it does not serve:\n{}", process.stop().1);
        };
        Self {
            process,
            url,
            env_file,
        }
    }

    /// The TCP port of the proxy.
    pub(crate) fn port(&self) -> u16 {
        let rest = self.url.rsplit(':').next().unwrap();
        rest.split('/').next().unwrap().parse().unwrap()
    }

    /// Resident memory, in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        self.process.resident_kib()
    }

    /// The variables with which another proxy reaches the cluster.
    pub(crate) fn variables(&self) -> BTreeMap<String, String> {
        let text = std::fs::read_to_string(&self.env_file).unwrap();
        text.lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.split_once('=').unwrap())
            .map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned()))
            .collect()
    }

    /// A client.
    pub(crate) async fn connect(&self) -> Result<tokio_postgres::Client, tokio_postgres::Error> {
        connect(&self.url).await
    }

    /// Ends it with SIGTERM. Its exit code and its log.
    pub(crate) fn stop(&mut self) -> (Option<i32>, String) {
        self.process.stop()
    }
}

/// `dsql-proxy CLUSTER…`, ended when this goes. It sees nothing of the environment of the test:
/// only what it is given, and an empty home.
pub(crate) struct ProxyAlone {
    pub(crate) process: Process,
    /// The TCP ports, one for each cluster.
    pub(crate) ports: Vec<u16>,
    _home: tempfile::TempDir,
}

impl ProxyAlone {
    /// Starts it on a free port, and waits until it serves.
    pub(crate) fn start<K: AsRef<OsStr>, V: AsRef<OsStr>>(
        arguments: &[&str],
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let home = tempfile::tempdir().unwrap();
        Self::start_in(home, &[&["--port=0"], arguments].concat(), variables)
    }

    /// The same with a home that holds something, and with a port among the arguments.
    pub(crate) fn start_in<K: AsRef<OsStr>, V: AsRef<OsStr>>(
        home: tempfile::TempDir,
        arguments: &[&str],
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let mut command = clean(home.path());
        command.args(arguments).envs(variables);
        let mut process = Process::spawn(&mut command);
        let ports = process.log.find(|text| {
            text.contains("ready for connections").then(|| {
                let mut ports: Vec<u16> = text
                    .split("listener=")
                    .skip(1)
                    .filter_map(|rest| rest.split_whitespace().next()?.rsplit_once(':'))
                    .map(|(_, port)| port.parse().unwrap())
                    .collect();
                ports.dedup();
                ports
            })
        });
        let Some(ports) = ports else {
            panic!("it does not serve:\n{}", process.stop().1);
        };
        Self {
            process,
            ports,
            _home: home,
        }
    }

    /// The TCP port of the only cluster.
    pub(crate) fn port(&self) -> u16 {
        self.ports[0]
    }

    /// The URL for a role.
    pub(crate) fn url(&self, role: &str) -> String {
        format!("postgresql://{role}@127.0.0.1:{}/postgres", self.port())
    }

    /// A client.
    pub(crate) async fn connect(&self) -> Result<tokio_postgres::Client, tokio_postgres::Error> {
        connect(&self.url("admin")).await
    }

    /// What a client is told that cannot log in.
    pub(crate) async fn refusal(&self) -> Told {
        match self.connect().await {
            Ok(_) => panic!("it got in"),
            Err(error) => Told::from(error),
        }
    }
}

/// The binary with an empty environment and this home.
pub(crate) fn clean(home: &std::path::Path) -> Command {
    let mut command = dsql_proxy();
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

/// A client of a proxy.
pub(crate) async fn connect(url: &str) -> Result<tokio_postgres::Client, tokio_postgres::Error> {
    let connected = tokio_postgres::connect(url, tokio_postgres::NoTls);
    let (client, connection) = within(connected).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Waits, but not for ever.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("it does not take that long")
}

/// What a client was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) severity: String,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) detail: String,
    pub(crate) hint: String,
}

impl From<tokio_postgres::Error> for Told {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(error) = error.as_db_error() else {
            panic!("no error of a server: {error:?}");
        };
        Self {
            severity: error.severity().to_owned(),
            code: error.code().code().to_owned(),
            message: error.message().to_owned(),
            detail: error.detail().unwrap_or_default().to_owned(),
            hint: error.hint().unwrap_or_default().to_owned(),
        }
    }
}

/// The SQLSTATE of a failure.
pub(crate) fn code<T: std::fmt::Debug>(result: Result<T, tokio_postgres::Error>) -> String {
    Told::from(result.unwrap_err()).code
}
