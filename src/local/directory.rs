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
//! DIR/socket         PostgreSQL's socket, likewise; elsewhere where the path will not do
//! ```

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use tempfile::TempDir;

use super::LocalError;
use super::postgres::{Durability, Launcher, Places, name_of};

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
        let mut made = Made::default();
        let (path, temporary) = if let Some(path) = chosen {
            (prepare(path, launcher, &mut made)?, None)
        } else {
            let enough = |parent: &Path| is_reachable(parent, launcher);
            let temporary = temporary(launcher, enough)?;
            (temporary.path().to_owned(), Some(temporary))
        };
        launcher.check_reachable(&path)?;
        let lock = lock(&path)?;
        let sockets = if holds_sockets(&path) {
            None
        } else {
            // What comes after the parent has the same length each time.
            let enough = |parent: &Path| {
                is_reachable(parent, launcher) && holds_sockets(&parent.join("dsql-local-123456"))
            };
            Some(self::temporary(launcher, enough)?)
        };
        made.keep();
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
            data: self.path.join(DATA),
            sockets: sockets.join(SOCKETS),
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

const DATA: &str = "pgdata";
const IDENTITY: &str = "cluster.toml";
const LOCK: &str = "lock";
const SOCKETS: &str = "socket";

/// Directories that we made, deleted again unless they are kept.
#[derive(Debug, Default)]
struct Made(Vec<PathBuf>);

impl Made {
    fn keep(mut self) {
        self.0.clear();
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        // The outermost was made first.
        for dir in self.0.iter().rev() {
            std::fs::remove_file(dir.join(LOCK)).ok();
            std::fs::remove_dir(dir).ok();
        }
    }
}

/// The directory, made if it is not there, as an absolute path.
fn prepare(path: &Path, launcher: &Launcher, made: &mut Made) -> Result<PathBuf, LocalError> {
    if !path.exists() {
        make(path, launcher, made)?;
    }
    check_maker(path, launcher)?;
    let mut entries = std::fs::read_dir(path).map_err(LocalError::io("read", path))?;
    let ours = |name: &str| path.join(name).exists();
    if entries.next().is_some() && !ours(IDENTITY) && !ours(LOCK) {
        return Err(LocalError::NotACluster {
            dir: path.to_owned(),
        });
    }
    path.canonicalize().map_err(LocalError::io("look at", path))
}

/// Makes the directory, ours alone, and its parents, which are like any other directory.
fn make(path: &Path, launcher: &Launcher, made: &mut Made) -> Result<(), LocalError> {
    let path = std::path::absolute(path).map_err(LocalError::io("look at", path))?;
    let missing: Vec<&Path> = path.ancestors().take_while(|dir| !dir.exists()).collect();
    let existing = path.ancestors().find_map(|dir| dir.canonicalize().ok());
    if let Some(existing) = existing {
        launcher.check_reachable(&existing)?;
    }
    for dir in missing.into_iter().rev() {
        let mut builder = std::fs::DirBuilder::new();
        if dir == path {
            builder.mode(0o700);
        }
        builder.create(dir).map_err(LocalError::io("create", dir))?;
        made.0.push(dir.to_owned());
    }
    open_to_postgres(&path, launcher)
}

/// Fails if another user's local cluster is in the directory: PostgreSQL runs only as the owner
/// of its data.
fn check_maker(dir: &Path, launcher: &Launcher) -> Result<(), LocalError> {
    let owner = |name: &str| Some(dir.join(name).metadata().ok()?.uid());
    let Some(data) = owner(DATA).filter(|owner| *owner != launcher.uid()) else {
        return Ok(());
    };
    let own = rustix::process::geteuid().as_raw();
    let maker = owner(IDENTITY).filter(|maker| *maker != own);
    Err(LocalError::OtherUser {
        dir: dir.to_owned(),
        user: name_of(maker.unwrap_or(data)),
    })
}

/// A new directory with a short name, in the system's directory for such, or in `/tmp` where that
/// is not good `enough`.
fn temporary(launcher: &Launcher, enough: impl Fn(&Path) -> bool) -> Result<TempDir, LocalError> {
    let mut parent = std::env::temp_dir();
    let other = Path::new("/tmp");
    if !enough(&parent) && enough(other) {
        other.clone_into(&mut parent);
    }
    let dir = tempfile::Builder::new()
        .prefix("dsql-local-")
        .tempdir_in(&parent)
        .map_err(LocalError::io("create a directory in", &parent))?;
    open_to_postgres(dir.path(), launcher)?;
    Ok(dir)
}

fn is_reachable(dir: &Path, launcher: &Launcher) -> bool {
    dir.canonicalize()
        .is_ok_and(|dir| launcher.check_reachable(&dir).is_ok())
}

/// True if PostgreSQL can have its socket in `dir/socket`: the path is not too long and has
/// nothing that means something in `unix_socket_directories`, which is a list.
fn holds_sockets(dir: &Path) -> bool {
    let dir = dir.join(SOCKETS);
    let path = dir.as_os_str().as_bytes();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+".contains(byte);
    path.len() + SOCKET_NAME.len() <= MAX_SOCKET_PATH && path.iter().all(plain)
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

#[cfg(test)]
mod tests;
