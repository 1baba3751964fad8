//! The life of the PostgreSQL process.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Child;

use super::super::LocalError;
use super::{Admin, Binaries, Launcher, SUPERUSER, group, stale};

/// Where the server's socket is, in the socket directory. The port is part of its name only.
const SOCKET: &str = ".s.PGSQL.5432";
/// How long a start may take; crash recovery is part of it.
const START_PATIENCE: Duration = Duration::from_mins(2);
/// How long a fast shutdown may take before an immediate one.
const STOP_PATIENCE: Duration = Duration::from_secs(30);
/// How long a drop waits for an immediate shutdown.
const DROP_PATIENCE: Duration = Duration::from_secs(3);
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// How much of the log goes into an error, in lines.
const TAIL: usize = 8;

/// Settings of every local cluster (PostgreSQL manual, "Server Configuration").
const SETTINGS: &[&str] = &[
    // Over the front only.
    "listen_addresses=",
    "unix_socket_permissions=0700",
    // Crowds of clients are what it is for.
    "max_connections=1000",
    // Autovacuum makes way for a schema change before that has waited too long.
    "deadlock_timeout=20ms",
    "max_prepared_transactions=0",
    // What DSQL reports of itself (seen 2026-09).
    "TimeZone=UTC",
    "default_transaction_isolation=repeatable read",
    "default_text_search_config=pg_catalog.simple",
    "dsql_local.server_version=16.15",
    "dsql_local.server_version_num=160015",
    "dsql_local.max_connections=20",
    "dsql_local.disable_sync_create_index=on",
    // DSQL knows it (release notes, 2026-09-11). That it is on, as its likes are, is inferred.
    "dsql.enable_batched_nestloop=on",
    // A backend whose client is gone ends also in the middle of a query (0 where the system
    // cannot tell).
    #[cfg(target_os = "linux")]
    "client_connection_check_interval=5s",
    // Nobody replicates it, and it is small.
    "wal_level=minimal",
    "max_wal_senders=0",
    "shared_buffers=64MB",
    "jit=off",
    "logging_collector=off",
    "log_destination=stderr",
    "log_timezone=UTC",
    // The log names errors, not what a user's statements hold.
    "log_min_error_statement=panic",
];

/// What a temporary cluster does without: its data need not outlive the machine.
const NOT_DURABLE: &[&str] = &[
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
];

/// Whether the data must survive a crash of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::local) enum Durability {
    /// A directory that the user chose.
    Durable,
    /// A temporary one.
    Temporary,
}

/// A running PostgreSQL. Dropping it shuts it down at once; [`Postgres::stop`] does so in order.
#[derive(Debug)]
pub(in crate::local) struct Postgres {
    child: Child,
    socket: PathBuf,
    log: PathBuf,
}

/// The major version that made the data directory, if it has been made.
pub(in crate::local) fn version_of(data: &Path) -> Option<String> {
    let text = std::fs::read_to_string(data.join("PG_VERSION")).ok()?;
    Some(text.trim().to_owned())
}

/// Makes the data directory, unless it is there. It gets its name when it is complete.
pub(in crate::local) async fn create(
    binaries: &Binaries,
    launcher: &Launcher,
    places: &Places,
) -> Result<(), LocalError> {
    if places.data.exists() {
        return Ok(());
    }
    let unfinished = places.data.with_extension("unfinished");
    if unfinished.exists() {
        // Its `initdb` may still be at it, or about to delete it.
        stale::kill(&unfinished).await;
        match std::fs::remove_dir_all(&unfinished) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(LocalError::io("delete", &unfinished)(error));
            }
            _ => {}
        }
    }
    launcher.own_directory(&unfinished)?;
    let mut command = launcher.command(&binaries.initdb(), &unfinished);
    command
        .arg("--pgdata")
        .arg(&unfinished)
        .args([
            "--username",
            SUPERUSER,
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
        ])
        .args(["--no-sync", "--no-instructions"])
        .stdin(Stdio::null());
    let output = group::output(command)
        .await
        .map_err(LocalError::io("run", &binaries.initdb()))?;
    if !output.status.success() {
        return Err(LocalError::Initdb {
            status: output.status.to_string(),
            output: tail(&String::from_utf8_lossy(&output.stderr)),
        });
    }
    std::fs::rename(&unfinished, &places.data).map_err(LocalError::io("rename", &unfinished))
}

impl Postgres {
    /// Starts the server and waits until it takes connections.
    pub(in crate::local) async fn start(
        binaries: &Binaries,
        launcher: &Launcher,
        places: &Places,
        durability: Durability,
    ) -> Result<Self, LocalError> {
        stale::stop(&places.data).await;
        launcher.own_directory(&places.sockets)?;
        let log =
            std::fs::File::create(&places.log).map_err(LocalError::io("create", &places.log))?;
        let errors = log
            .try_clone()
            .map_err(LocalError::io("open", &places.log))?;

        let mut command = launcher.command(&binaries.postgres(), &places.data);
        command.arg("-D").arg(&places.data);
        let mut sockets = std::ffi::OsString::from("unix_socket_directories=");
        sockets.push(&places.sockets);
        command.arg("-c").arg(sockets);
        let durability = match durability {
            Durability::Durable => &[][..],
            Durability::Temporary => NOT_DURABLE,
        };
        for setting in SETTINGS.iter().chain(durability) {
            command.arg("-c").arg(setting);
        }
        command.stdin(Stdio::null()).stdout(log).stderr(errors);
        let child = command
            .spawn()
            .map_err(LocalError::io("run", &binaries.postgres()))?;
        let mut postgres = Self {
            child,
            socket: places.sockets.join(SOCKET),
            log: places.log.clone(),
        };
        postgres.wait_until_ready().await?;
        Ok(postgres)
    }

    /// The Unix socket on which it listens.
    pub(in crate::local) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Returns when the server has ended, and says how. Cancel-safe.
    pub(in crate::local) async fn ended(&mut self) -> LocalError {
        let status = self.child.wait().await;
        LocalError::Exited {
            status: status.map_or_else(|e| e.to_string(), describe),
            log: self.log.clone(),
            tail: self.log_tail(),
        }
    }

    /// Begins a fast shutdown: sessions get a FATAL 57P01, transactions are rolled back.
    pub(in crate::local) fn begin_stop(&self) {
        self.signal(Signal::INT);
    }

    /// Shuts down and waits for the end.
    pub(in crate::local) async fn stop(mut self) {
        for signal in [Signal::INT, Signal::QUIT] {
            self.signal(signal);
            if tokio::time::timeout(STOP_PATIENCE, self.child.wait())
                .await
                .is_ok()
            {
                return;
            }
        }
    }

    async fn wait_until_ready(&mut self) -> Result<(), LocalError> {
        let ready = async {
            while Admin::connect(&self.socket).await.is_err() {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        let why = tokio::select! {
            () = ready => return Ok(()),
            status = self.child.wait() => status.map_or_else(|e| e.to_string(), describe),
            () = tokio::time::sleep(START_PATIENCE) => "it takes no connections".to_owned(),
        };
        Err(LocalError::NotStarted {
            why,
            log: self.log.clone(),
            tail: self.log_tail(),
        })
    }

    /// Nothing is sent once the process has been waited for: its number may be another's.
    fn signal(&self, signal: Signal) {
        let pid = self
            .child
            .id()
            .and_then(|id| Pid::from_raw(id.cast_signed()));
        if let Some(pid) = pid
            && let Err(error) = kill_process(pid, signal)
        {
            tracing::debug!(%error, "cannot signal PostgreSQL");
        }
    }

    fn log_tail(&self) -> String {
        tail(&std::fs::read_to_string(&self.log).unwrap_or_default())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // After a panic, or an error on the way up. A server that has ended is not waited for.
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        self.signal(Signal::QUIT);
        let rounds = DROP_PATIENCE.as_millis() / LOOK_EVERY.as_millis();
        for _ in 0..rounds {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

/// Where a server keeps what.
#[derive(Debug, Clone)]
pub(in crate::local) struct Places {
    /// Its data directory.
    pub(in crate::local) data: PathBuf,
    /// The directory of its socket.
    pub(in crate::local) sockets: PathBuf,
    /// Its log.
    pub(in crate::local) log: PathBuf,
}

// By value, for `map_or_else`.
fn describe(status: ExitStatus) -> String {
    status.to_string()
}

/// The last lines.
fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines
        .get(lines.len().saturating_sub(TAIL)..)
        .unwrap_or_default()
        .join("\n")
}
