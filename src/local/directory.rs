//! The data directory of a local cluster.
//!
//! ```text
//! DIR/lock           held by the process that runs the cluster
//! DIR/cluster.toml   id, region, credentials (0600)
//! DIR/ca.pem         the certificate authority, for clients
//! DIR/ca-key.pem     its key (0600)
//! DIR/env            the variables with which a client gets in (0600)
//! DIR/postgres.log   what PostgreSQL says
//! DIR/pgdata         PostgreSQL's data, its user's alone (0700)
//! DIR/socket         PostgreSQL's socket, likewise; elsewhere where the path would be too long
//! ```

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use tempfile::TempDir;

use super::LocalError;
use super::postgres::{Durability, Launcher, Places};

/// The longest path of a Unix socket, in bytes: `sun_path` of Linux has 108, that of macOS 104,
/// the NUL included.
const MAX_SOCKET_PATH: usize = 103;
/// What comes after the socket directory in that path.
const SOCKET_NAME: &str = "/.s.PGSQL.5432.lock";

/// A data directory that is ours until this value is dropped. A temporary one is then deleted.
#[derive(Debug)]
pub(super) struct DataDirectory {
    path: PathBuf,
    /// Keeps the `flock`, which ends with the process, however it ends.
    _lock: File,
    /// The directory of the socket, where it is not in `path`.
    sockets: Option<TempDir>,
    _temporary: Option<TempDir>,
    durability: Durability,
}

impl DataDirectory {
    /// Takes the directory `chosen`, or a temporary one.
    pub(super) fn open(chosen: Option<&Path>, launcher: &Launcher) -> Result<Self, LocalError> {
        let (path, temporary) = if let Some(path) = chosen {
            (prepare(path, launcher)?, None)
        } else {
            let temporary = temporary(launcher)?;
            (temporary.path().to_owned(), Some(temporary))
        };
        let lock = lock(&path)?;
        launcher.check_reachable(&path)?;
        let inside = path.join("socket");
        let sockets = if inside.as_os_str().as_bytes().len() + SOCKET_NAME.len() > MAX_SOCKET_PATH {
            Some(self::temporary(launcher)?)
        } else {
            None
        };
        Ok(Self {
            path,
            _lock: lock,
            sockets,
            durability: if temporary.is_some() {
                Durability::Temporary
            } else {
                Durability::Durable
            },
            _temporary: temporary,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn durability(&self) -> Durability {
        self.durability
    }

    pub(super) fn places(&self) -> Places {
        let sockets = self
            .sockets
            .as_ref()
            .map_or(self.path.as_path(), TempDir::path);
        Places {
            data: self.path.join("pgdata"),
            sockets: sockets.join("socket"),
            log: self.path.join("postgres.log"),
        }
    }

    pub(super) fn identity(&self) -> PathBuf {
        self.path.join(IDENTITY)
    }

    pub(super) fn authority(&self) -> PathBuf {
        self.path.join("ca.pem")
    }

    pub(super) fn authority_key(&self) -> PathBuf {
        self.path.join("ca-key.pem")
    }

    pub(super) fn env(&self) -> PathBuf {
        self.path.join("env")
    }
}

const IDENTITY: &str = "cluster.toml";
const LOCK: &str = "lock";

/// The directory, made if it is not there, as an absolute path.
fn prepare(path: &Path, launcher: &Launcher) -> Result<PathBuf, LocalError> {
    if !path.exists() {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder
            .create(path)
            .map_err(LocalError::io("create", path))?;
        open_to_postgres(path, launcher)?;
    }
    let mut entries = std::fs::read_dir(path).map_err(LocalError::io("read", path))?;
    let ours = |name: &str| path.join(name).exists();
    if entries.next().is_some() && !ours(IDENTITY) && !ours(LOCK) {
        return Err(LocalError::NotACluster {
            dir: path.to_owned(),
        });
    }
    path.canonicalize().map_err(LocalError::io("look at", path))
}

/// A new directory with a short name.
fn temporary(launcher: &Launcher) -> Result<TempDir, LocalError> {
    let parent = std::env::temp_dir();
    let dir = tempfile::Builder::new()
        .prefix("dsql-local-")
        .tempdir_in(&parent)
        .map_err(LocalError::io("create a directory in", &parent))?;
    open_to_postgres(dir.path(), launcher)?;
    Ok(dir)
}

/// Started as root, PostgreSQL's user must be able to walk through our directory to its own.
fn open_to_postgres(dir: &Path, launcher: &Launcher) -> Result<(), LocalError> {
    if !launcher.drops_privileges() {
        return Ok(());
    }
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o711))
        .map_err(LocalError::io("set the permissions of", dir))
}

/// The lock of the directory; the file tells others who has it.
fn lock(dir: &Path) -> Result<File, LocalError> {
    let path = dir.join(LOCK);
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(LocalError::io("open", &path))?;
    if let Err(error) = flock(&file, FlockOperation::NonBlockingLockExclusive) {
        if error != rustix::io::Errno::WOULDBLOCK {
            return Err(LocalError::io("lock", &path)(error.into()));
        }
        let mut pid = String::new();
        let read = file.read_to_string(&mut pid);
        if read.is_err() || pid.is_empty() {
            "unknown".clone_into(&mut pid);
        }
        return Err(LocalError::InUse {
            dir: dir.to_owned(),
            pid,
        });
    }
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| write!(file, "{}", std::process::id()))
        .map_err(LocalError::io("write", &path))?;
    Ok(file)
}
