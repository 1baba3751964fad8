//! Why a local cluster cannot start or go on.

use std::io;
use std::path::{Path, PathBuf};

/// An error of the local cluster. Each says what happened and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocalError {
    /// There are no server binaries.
    #[error(
        "no PostgreSQL {least} or newer found (looked in {looked}): install the server, for example \
         `apt-get install postgresql` or `brew install postgresql`, or set PG_BIN to the directory \
         that holds `initdb` and `postgres`"
    )]
    NoPostgres {
        /// The oldest major version that will do.
        least: u32,
        /// The directories that were searched.
        looked: String,
    },
    /// The data directory belongs to another major version than the binaries.
    #[error(
        "the data directory {} was made by PostgreSQL {made_by}, which is not installed: install it, \
         or delete the directory to begin anew", dir.display()
    )]
    OtherVersion {
        /// The data directory.
        dir: PathBuf,
        /// The major version in its `PG_VERSION`.
        made_by: String,
    },
    /// Another local cluster has the directory.
    #[error(
        "the data directory {} is in use by another local cluster (process {pid}): stop that one, or \
         choose another directory with --data", dir.display()
    )]
    InUse {
        /// The data directory.
        dir: PathBuf,
        /// The process in its lock file, or `unknown`.
        pid: String,
    },
    /// The directory holds something else.
    #[error(
        "the directory {} is not empty and is not a local cluster: choose an empty or a new one with \
         --data", dir.display()
    )]
    NotACluster {
        /// The directory.
        dir: PathBuf,
    },
    /// PostgreSQL's data belongs to another user.
    #[error(
        "the data directory {} was made by another user: run as `{user}`, or choose another \
         directory with --data", dir.display()
    )]
    OtherUser {
        /// The data directory.
        dir: PathBuf,
        /// Who made it.
        user: String,
    },
    /// The identity file is damaged.
    #[error("{} cannot be read as a cluster's identity: {why}; delete {} to begin anew",
        file.display(), file.parent().unwrap_or(file).display())]
    BadIdentity {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The region is no region's name.
    #[error("`{0}` is not an AWS region: a region looks like us-east-1")]
    BadRegion(String),
    /// PostgreSQL refuses to run as root, and there is nobody else.
    #[error(
        "PostgreSQL refuses to run as root and neither a user `postgres` nor `nobody` exists: add one \
         (`useradd --system postgres`) or run as a normal user"
    )]
    NoUser,
    /// The user that runs PostgreSQL cannot get to the data directory.
    #[error(
        "PostgreSQL refuses to run as root and runs as `{user}`, who may not enter {}: choose a data \
         directory elsewhere with --data (or TMPDIR), or allow it with `chmod o+x {}`",
        at.display(), at.display()
    )]
    Unreachable {
        /// The user.
        user: String,
        /// The directory that is closed to the user.
        at: PathBuf,
    },
    /// A file or a process.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// `initdb` failed.
    #[error("initdb failed ({status}): {output}")]
    Initdb {
        /// Its exit status.
        status: String,
        /// The end of what it printed.
        output: String,
    },
    /// PostgreSQL did not come up.
    #[error("PostgreSQL did not start ({why}); the end of {}:\n{tail}", log.display())]
    NotStarted {
        /// Why we think so.
        why: String,
        /// The log file.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// PostgreSQL ended while it was needed.
    #[error("PostgreSQL ended unexpectedly ({status}); the end of {}:\n{tail}", log.display())]
    Exited {
        /// Its exit status.
        status: String,
        /// The log file.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// PostgreSQL could not be prepared.
    #[error("cannot prepare PostgreSQL as a local cluster: {0}")]
    Prepare(String),
    /// Certificates.
    #[error("cannot make the cluster's certificates: {0}")]
    Certificate(String),
    /// The faults to begin with.
    #[error("cannot begin with these faults: {0}")]
    Fault(String),
    /// The control port is taken or not ours.
    #[error(
        "cannot listen on 127.0.0.1:{port} for the control port: {source}; choose another one with \
         --control-port, or 0 for any free one"
    )]
    ControlPort {
        /// The port.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// The port is taken or not ours.
    #[error(
        "cannot listen on {address}: {source}; choose another one with --cluster-port, or 0 for any free one"
    )]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

impl LocalError {
    /// For `map_err`: what was tried with which file.
    pub(super) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            what,
            path: path.to_owned(),
            source,
        }
    }
}
