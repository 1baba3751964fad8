//! Finding PostgreSQL's server binaries.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::super::LocalError;

/// The oldest major version that will do: the first whose schema `public` is closed to everyone
/// but its owner, as DSQL's is (release notes of PostgreSQL 15).
const LEAST: u32 = 15;

/// Where packages put the binaries of several versions: a directory with one entry a version, and
/// where in it the binaries are.
const VERSIONED: [(&str, &str); 6] = [
    // Debian, Ubuntu
    ("/usr/lib/postgresql", "bin"),
    // Alpine
    ("/usr/libexec", ""),
    // the packages of postgresql.org for Red Hat; entries are called pgsql-16
    ("/usr", "bin"),
    // Homebrew on Apple and Intel processors; entries are called postgresql@16
    ("/opt/homebrew/opt", "bin"),
    ("/usr/local/opt", "bin"),
    // Postgres.app
    ("/Applications/Postgres.app/Contents/Versions", "bin"),
];

/// The directory with the server binaries of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::local) struct Binaries {
    dir: PathBuf,
    major: u32,
}

impl Binaries {
    pub(super) fn initdb(&self) -> PathBuf {
        self.dir.join("initdb")
    }

    pub(super) fn postgres(&self) -> PathBuf {
        self.dir.join("postgres")
    }

    /// The newest binaries that are new enough; with `major`, exactly those. A directory that was
    /// given is the only one that is searched.
    pub(in crate::local) async fn find(
        given: Option<&Path>,
        path: Option<&OsStr>,
        major: Option<u32>,
    ) -> Result<Self, LocalError> {
        let places = match given {
            Some(dir) => vec![dir.to_owned()],
            None => places(path),
        };
        let mut best: Option<Self> = None;
        for dir in &places {
            if !dir.join("initdb").is_file() || !dir.join("postgres").is_file() {
                continue;
            }
            let Some(found) = version(dir).await.filter(|found| *found >= LEAST) else {
                continue;
            };
            let wanted = major.is_none_or(|major| major == found);
            if wanted && best.as_ref().is_none_or(|best| found > best.major) {
                best = Some(Self {
                    dir: dir.clone(),
                    major: found,
                });
            }
        }
        best.ok_or_else(|| LocalError::NoPostgres {
            least: LEAST,
            looked: given.map_or_else(
                || "PATH, /usr/lib/postgresql and the usual places of other systems".to_owned(),
                |dir| dir.display().to_string(),
            ),
        })
    }
}

/// `PATH` first, so that of two equal versions the user's own choice is taken.
fn places(path: Option<&OsStr>) -> Vec<PathBuf> {
    let mut places: Vec<PathBuf> = path
        .map(|path| std::env::split_paths(path).collect())
        .unwrap_or_default();
    for (parent, below) in VERSIONED {
        let Ok(entries) = std::fs::read_dir(parent) else {
            continue;
        };
        places.extend(entries.flatten().map(|entry| entry.path().join(below)));
    }
    places
}

/// The major version that `postgres --version` tells.
async fn version(dir: &Path) -> Option<u32> {
    let mut command = Command::new(dir.join("postgres"));
    command.arg("--version").kill_on_drop(true);
    let output = command.output().await.ok()?;
    parse_version(&String::from_utf8_lossy(&output.stdout))
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`; also `17beta1`.
fn parse_version(text: &str) -> Option<u32> {
    let number = text.strip_prefix("postgres (PostgreSQL) ")?;
    let end = number
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(number.len());
    number.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests;
