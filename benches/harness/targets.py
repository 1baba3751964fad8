"""What is measured: the byte copier (the limit), PgBouncer, dsql-proxy."""

import os
import pathlib
import re
import shutil
import signal
import string
import subprocess

from .processes import Server, drop_root, free_port
from .upstream import DATABASE, ENDPOINT, HOST, USER

POOL_SIZE = 10
MAX_CLIENTS = 1100

_PGBOUNCER_INI = """\
[databases]
$database = host=$host port=$upstream_port dbname=$database

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $port
unix_socket_dir =
auth_type = trust
auth_file = $users
pool_mode = transaction
default_pool_size = $pool_size
max_client_conn = $max_clients
server_tls_sslmode = verify-full
server_tls_ca_file = $ca_file
ignore_startup_parameters = extra_float_digits
log_connections = 0
log_disconnections = 0
"""


class Target:
    """A proxy in front of the upstream."""

    name = ""
    pools = False
    """Whether idle clients have no upstream connection of their own."""
    statements = True
    """Whether it takes named prepared statements."""
    version = ""
    user = {}
    """What subprocess needs to run something as the user that it runs as."""
    _end = signal.SIGTERM

    def __init__(self, upstream):
        self.upstream = upstream
        self._starts = 0

    def start(self, *before):
        """Starts it, behind the words of `before` if there are any (valgrind …)."""
        port = free_port()
        self._starts += 1
        log = self.upstream.directory / f"{self.name}-{self._starts}.log"
        command, options = self.command(port)
        return Server([*before, *command], port, log, self._end, **options)

    def command(self, port):
        raise NotImplementedError

    @staticmethod
    def dsn(server):
        return f"host=127.0.0.1 port={server.port} user={USER} dbname={DATABASE} sslmode=disable"


class ByteCopier(Target):
    name = "limit"
    version = "byte copier (tokio, rustls), a session for each client"

    def __init__(self, upstream, program):
        super().__init__(upstream)
        self._program = program

    def command(self, port):
        upstream = f"127.0.0.1:{self.upstream.port}"
        listen = f"127.0.0.1:{port}"
        return [self._program, listen, upstream, HOST, self.upstream.ca_file], {}


class PgBouncer(Target):
    name = "pgbouncer"
    pools = True
    # SIGTERM waits for clients before 1.23.
    _end = signal.SIGINT

    def __init__(self, upstream):
        super().__init__(upstream)
        self.user = drop_root()
        # Debian has it where only root's PATH looks.
        path = os.environ.get("PATH", "") + ":/usr/sbin"
        self._program = shutil.which("pgbouncer", path=path)
        if self._program is None:
            raise RuntimeError("pgbouncer is missing: scripts/setup.sh bench installs it")
        said = subprocess.run([self._program, "--version"], capture_output=True, text=True)
        number = re.search(r"(\d+)\.(\d+)", said.stdout)
        # Named statements in transaction mode came with 1.21.
        self.statements = (int(number[1]), int(number[2])) >= (1, 21)
        self.version = f"PgBouncer {number[0]}, transaction pooling, {POOL_SIZE} servers"

    def command(self, port):
        directory = self.upstream.directory
        users = directory / "users.txt"
        users.write_text(f'"{USER}" ""\n')
        text = string.Template(_PGBOUNCER_INI).substitute(
            database=DATABASE,
            host=HOST,
            upstream_port=self.upstream.port,
            port=port,
            users=users,
            pool_size=POOL_SIZE,
            max_clients=MAX_CLIENTS,
            ca_file=self.upstream.ca_file,
        )
        if self.statements:
            text += "max_prepared_statements = 200\n"
        settings = directory / f"pgbouncer-{port}.ini"
        settings.write_text(text)
        for path in (users, settings):
            path.chmod(0o644)
        return [self._program, settings], self.user


class DsqlProxy(Target):
    name = "ours"

    def __init__(self, upstream, program, session=False, extra=()):
        super().__init__(upstream)
        self._program = pathlib.Path(program).resolve()
        help_text = subprocess.run([self._program, "--help"], capture_output=True, text=True).stdout
        knows = "--pool-mode" in help_text
        self.pools = knows and not session
        mode = "transaction" if self.pools else "session"
        self._arguments = [f"--pool-mode={mode}"] if knows else []
        if self.pools:
            self._arguments += [f"--pool-size={POOL_SIZE}"]
        self._arguments += extra
        servers = f"transaction pooling, {POOL_SIZE} servers"
        self.version = f"dsql-proxy, {servers if self.pools else 'a session for each client'}"

    def command(self, port):
        command = [
            self._program,
            "serve",
            ENDPOINT,
            "--address=127.0.0.1",
            f"--port={port}",
            f"--upstream-address=127.0.0.1:{self.upstream.port}",
            # PostgreSQL speaks TLS at once only since 17.
            "--tls-negotiation=postgres",
            f"--max-clients={MAX_CLIENTS}",
            "--quiet",
            *self._arguments,
        ]
        ours = {k: v for k, v in os.environ.items() if not k.startswith("DSQL_PROXY_")}
        return command, {"env": {**ours, "SSL_CERT_FILE": str(self.upstream.ca_file)}}
