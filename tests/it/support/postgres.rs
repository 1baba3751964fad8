//! A plain PostgreSQL of its own.

use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;

use super::ProxyAlone;
use super::fake::{Certificate, ENDPOINT};
use super::process::Process;

/// A server of its own, with TLS, that trusts everybody.
pub(crate) struct Postgres {
    _process: Process,
    pub(crate) address: String,
    ca_file: PathBuf,
    /// Keeps others from the port.
    _reserved: std::net::TcpListener,
    _dir: tempfile::TempDir,
}

impl Postgres {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// One with more settings.
    pub(crate) fn start_with(settings: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let unprivileged = unprivileged();
        let open = |mode| std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(dir.path(), open(0o711)).unwrap();
        std::fs::create_dir(&data).unwrap();
        std::fs::set_permissions(&data, open(0o700)).unwrap();
        let own = |path: &Path| {
            if let Some((uid, gid)) = unprivileged {
                chown(path, Some(uid), Some(gid)).unwrap();
            }
        };
        own(&data);
        let command = |name: &str| {
            let mut command = Command::new(program(name));
            // The home of whoever runs the tests may be closed to it.
            command.current_dir(&data).env_remove("PGDATA");
            if let Some((uid, gid)) = unprivileged {
                command.uid(uid).gid(gid);
            }
            command
        };
        let made = command("initdb")
            .arg("--pgdata")
            .arg(&data)
            .args(["--username=bench", "--auth=trust", "--locale=C"])
            .args(["--encoding=UTF8", "--no-sync"])
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");

        let certificate = Certificate::issue(ENDPOINT);
        let ca_file = dir.path().join("ca.pem");
        std::fs::write(&ca_file, &certificate.authority_pem).unwrap();
        for (name, text) in [
            ("server.crt", certificate.leaf.pem()),
            ("server.key", certificate.key.serialize_pem()),
            ("pg_hba.conf", "host all all 127.0.0.0/8 trust\n".into()),
        ] {
            let path = data.join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, open(0o600)).unwrap();
            own(&path);
        }
        // The port is ours on every address but this one.
        let reserved = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = reserved.local_addr().unwrap().port();
        let mut server = command("postgres");
        server.arg("-D").arg(&data);
        for setting in [
            "listen_addresses=127.0.0.6",
            "unix_socket_directories=",
            "ssl=on",
            "fsync=off",
            // What clients do wrong is theirs.
            "log_min_messages=log",
            "synchronous_commit=off",
            "max_connections=400",
            "logging_collector=off",
            "log_destination=stderr",
            &format!("port={port}"),
        ] {
            server.arg("-c").arg(setting);
        }
        for setting in settings {
            server.arg("-c").arg(setting);
        }
        let mut process = Process::spawn(&mut server);
        // SIGTERM would wait for clients.
        process.end = Signal::INT;
        let ready = "database system is ready to accept connections";
        let ready = process.log.find(|log| log.contains(ready).then_some(()));
        assert!(ready.is_some(), "{}", process.log.so_far());
        Self {
            _process: process,
            address: format!("127.0.0.6:{port}"),
            ca_file,
            _reserved: reserved,
            _dir: dir,
        }
    }

    /// A proxy in front of it.
    pub(crate) fn proxy(&self, arguments: &[&str]) -> ProxyAlone {
        self.proxy_to(&self.address, arguments)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// A proxy that reaches it at another address.
    pub(crate) fn proxy_to(&self, address: &str, arguments: &[&str]) -> ProxyAlone {
        let upstream = format!("--upstream-address={address}");
        // PostgreSQL knows direct TLS only since 17.
        let first = [ENDPOINT, &upstream, "--tls-negotiation=postgres"];
        // No credentials: it asks for no token.
        ProxyAlone::start(
            &[&first, arguments].concat(),
            [("SSL_CERT_FILE", &self.ca_file)],
        )
    }
}

/// Started as root, PostgreSQL needs another user.
fn unprivileged() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap();
    let find = |user: &str| {
        let fields = passwd
            .lines()
            .map(|line| line.split(':').collect::<Vec<_>>());
        let mut found = fields.filter(|fields| fields.first() == Some(&user));
        let fields = found.next()?;
        Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
    };
    Some(find("postgres").or_else(|| find("nobody")).unwrap())
}

/// A program of PostgreSQL's, of the newest version that is found.
pub(crate) fn program(name: &str) -> PathBuf {
    let given = std::env::var_os("PG_BIN").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let mut versions: Vec<_> = versions.map(|entry| entry.unwrap().path()).collect();
    let number = |dir: &PathBuf| dir.file_name()?.to_str()?.parse::<u32>().ok();
    versions.sort_by_key(number);
    given
        .into_iter()
        .chain(versions.into_iter().rev().map(|dir| dir.join("bin")))
        .chain(std::env::split_paths(&path))
        .map(|dir| dir.join(name))
        .find(|program| program.is_file())
        .unwrap_or_else(|| panic!("no {name} of PostgreSQL"))
}
