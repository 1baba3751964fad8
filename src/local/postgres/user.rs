//! As whom PostgreSQL runs, and how it is tied to our life.
//!
//! PostgreSQL refuses to run as root. Started as root, we drop its processes to the user
//! `postgres`, or to `nobody`.
//!
//! A process cannot ask in safe Rust that its child die with it, but util-linux's `setpriv` can
//! (`PR_SET_PDEATHSIG`) and so it starts our PostgreSQL where it exists. Elsewhere a PostgreSQL
//! that survived a `kill -9` of ours is stopped by the next start on the same data directory (see
//! [`super::stale`]).

use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::super::LocalError;

/// What of our environment PostgreSQL gets. Its `PG*` and locale variables would change what it
/// does.
const ENVIRONMENT: [&str; 4] = ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR"];

/// A user of the system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::local) struct User {
    name: String,
    uid: u32,
    gid: u32,
}

/// How processes of PostgreSQL are started.
#[derive(Debug, Clone)]
pub(in crate::local) struct Launcher {
    /// Whom to drop to; `None` stays who we are.
    user: Option<User>,
    setpriv: Option<PathBuf>,
}

impl Launcher {
    /// Looks at who we are and what the system offers.
    pub(in crate::local) async fn new() -> Result<Self, LocalError> {
        let user = if rustix::process::geteuid().is_root() {
            let file = Path::new("/etc/passwd");
            let passwd = std::fs::read_to_string(file).map_err(LocalError::io("read", file))?;
            Some(unprivileged(&passwd).ok_or(LocalError::NoUser)?)
        } else {
            None
        };
        Ok(Self {
            user,
            setpriv: setpriv().await,
        })
    }

    /// True if PostgreSQL runs as another user than we.
    pub(in crate::local) fn drops_privileges(&self) -> bool {
        self.user.is_some()
    }

    /// As whom PostgreSQL runs.
    pub(in crate::local) fn uid(&self) -> u32 {
        let own = || rustix::process::geteuid().as_raw();
        self.user.as_ref().map_or_else(own, |user| user.uid)
    }

    /// A command that runs `program` as the right user, in `dir`, in a process group of its own
    /// (a Ctrl-C at the terminal is for us to handle), and that gets `SIGINT`, PostgreSQL's fast
    /// shutdown, when the thread that spawned it ends.
    pub(super) fn command(&self, program: &Path, dir: &Path) -> Command {
        let mut command = match (&self.setpriv, &self.user) {
            (Some(setpriv), user) => {
                let mut command = Command::new(setpriv);
                command.args(["--pdeathsig", "INT"]);
                if let Some(user) = user {
                    command.arg(format!("--reuid={}", user.uid));
                    command.arg(format!("--regid={}", user.gid));
                    command.arg("--clear-groups");
                }
                command.arg("--").arg(program);
                command
            }
            (None, Some(user)) => {
                let mut command = Command::new(program);
                // With `uid` the standard library drops our supplementary groups as well.
                command.uid(user.uid).gid(user.gid);
                command
            }
            (None, None) => Command::new(program),
        };
        command.current_dir(dir).process_group(0).kill_on_drop(true);
        command
            .env_clear()
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .env("HOME", dir);
        for name in ENVIRONMENT {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
    }

    /// Makes a directory that belongs to PostgreSQL's user alone.
    pub(in crate::local) fn own_directory(&self, dir: &Path) -> Result<(), LocalError> {
        use std::os::unix::fs::DirBuilderExt as _;
        match std::fs::DirBuilder::new().mode(0o700).create(dir) {
            Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(LocalError::io("create", dir)(e));
            }
            _ => {}
        }
        let Some(user) = &self.user else {
            return Ok(());
        };
        chown(dir, Some(user.uid), Some(user.gid))
            .map_err(LocalError::io("change the owner of", dir))
    }

    /// Fails if PostgreSQL's user cannot get to `dir`.
    pub(in crate::local) fn check_reachable(&self, dir: &Path) -> Result<(), LocalError> {
        let Some(user) = &self.user else {
            return Ok(());
        };
        for at in dir.ancestors() {
            let metadata = at.metadata().map_err(LocalError::io("look at", at))?;
            if !user.may_enter(metadata.uid(), metadata.gid(), metadata.mode()) {
                return Err(LocalError::Unreachable {
                    user: user.name.clone(),
                    at: at.to_owned(),
                });
            }
        }
        Ok(())
    }
}

impl User {
    /// True if a directory with this owner, group and mode can be entered. The first class that
    /// fits decides, as in the kernel.
    fn may_enter(&self, uid: u32, gid: u32, mode: u32) -> bool {
        let bit = if uid == self.uid {
            0o100
        } else if gid == self.gid {
            0o010
        } else {
            0o001
        };
        mode & bit != 0
    }
}

/// The user's name, or its number if it has none.
pub(in crate::local) fn name_of(uid: u32) -> String {
    let number = uid.to_string();
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == number).then_some(name)
    });
    name.map_or(number.clone(), str::to_owned)
}

/// `postgres`, else `nobody`, from the content of `/etc/passwd`.
fn unprivileged(passwd: &str) -> Option<User> {
    ["postgres", "nobody"].into_iter().find_map(|name| {
        passwd.lines().find_map(|line| {
            let mut fields = line.split(':');
            (fields.next()? == name).then_some(())?;
            let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
            (uid != 0).then(|| User {
                name: name.to_owned(),
                uid,
                gid,
            })
        })
    })
}

/// The `setpriv` of util-linux; that of BusyBox knows neither `--pdeathsig` nor `--reuid`.
async fn setpriv() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let program = std::env::split_paths(&path)
        .map(|dir| dir.join("setpriv"))
        .find(|file| file.is_file())?;
    let help = Command::new(&program)
        .arg("--help")
        .kill_on_drop(true)
        .output()
        .await
        .ok()?;
    memchr::memmem::find(&help.stdout, b"--pdeathsig").map(|_| program)
}

#[cfg(test)]
mod tests;
