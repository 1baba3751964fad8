"""The PostgreSQL behind all proxies: TLS 1.3, trust authentication, pgbench's tables."""

import os
import pathlib
import shutil
import signal
import subprocess

from .processes import Server, drop_root, free_port
from .workloads import RESULT_TABLE

USER = "bench"
DATABASE = "bench"
# What the certificate is for. The proxy takes an endpoint of DSQL's form only.
ENDPOINT = "abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws"
HOST = "localhost"
MAX_CONNECTIONS = 300

_SETTINGS = f"""
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = {MAX_CONNECTIONS}
ssl = on
ssl_min_protocol_version = 'TLSv1.3'
# Nothing but the statements themselves shall cost anything.
fsync = off
autovacuum = off
jit = off
max_parallel_workers_per_gather = 0
"""


class Upstream:
    """`with Upstream(programs, directory) as upstream:`"""

    def __init__(self, programs, directory):
        self.programs = pathlib.Path(programs)
        self.directory = pathlib.Path(directory)
        self.ca_file = self.directory / "ca.crt"
        self.port = free_port()
        self._data = self.directory / "data"
        self._certificates()
        self._initialize()
        command = [self.programs / "postgres", "-D", self._data, "-p", str(self.port)]
        # SIGINT does not wait for clients.
        self._server = Server(
            command,
            self.port,
            self.directory / "postgres.log",
            signal.SIGINT,
            cwd=self._data,
            **drop_root(),
        )

    def __enter__(self):
        self._server.__enter__()
        try:
            self._fill()
        except BaseException:
            self._server.stop()
            raise
        return self

    def __exit__(self, *_):
        self._server.stop()

    def client(self, name):
        """A client program: with the server's, or wherever else it is installed."""
        path = os.pathsep.join([str(self.programs), os.environ.get("PATH", os.defpath)])
        found = shutil.which(name, path=path)
        if found is None:
            raise RuntimeError(f"PostgreSQL's {name} is missing: scripts/setup.sh bench installs it")
        return found

    def dsn(self, database=DATABASE):
        """Without TLS, for the preparations."""
        return f"host=127.0.0.1 port={self.port} user={USER} dbname={database} sslmode=disable"

    def _openssl(self, *arguments):
        _run(["openssl", *arguments], cwd=self.directory)

    def _certificates(self):
        """An authority and a certificate for the server, P-256 as those of AWS."""
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        names = f"subjectAltName=DNS:{HOST},DNS:{ENDPOINT}"
        (self.directory / "server.ext").write_text(f"{names}\nbasicConstraints=CA:FALSE\n")
        self._openssl(
            *("req", "-x509", *key, "-days", "30", "-subj", "/CN=bench authority"),
            *("-keyout", "ca.key", "-out", "ca.crt"),
        )
        self._openssl(
            *("req", *key, "-subj", f"/CN={HOST}", "-keyout", "server.key", "-out", "server.csr"),
        )
        self._openssl(
            *("x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key"),
            *("-CAcreateserial", "-days", "30", "-extfile", "server.ext", "-out", "server.crt"),
        )
        self.ca_file.chmod(0o644)

    def _initialize(self):
        self._data.mkdir(mode=0o700)
        owner = drop_root()
        if owner:
            shutil.chown(self._data, owner["user"], owner["group"])
        _run(
            [self.programs / "initdb", "-D", self._data, "-U", USER, "--auth=trust"]
            + ["--locale=C", "--encoding=UTF8", "--no-sync"],
            cwd=self._data,
            **owner,
        )
        for name in ("server.key", "server.crt"):
            copy = self._data / name
            shutil.copy(self.directory / name, copy)
            copy.chmod(0o600)
            if owner:
                shutil.chown(copy, owner["user"], owner["group"])
        with open(self._data / "postgresql.conf", "a") as settings:
            settings.write(_SETTINGS)
        (self._data / "pg_hba.conf").write_text("host all all 127.0.0.1/32 trust\n")

    def _fill(self):
        self._psql("postgres", f"create database {DATABASE}")
        _run([self.client("pgbench"), "-i", "-q", "-s", "1", self.dsn()])
        self._psql(DATABASE, RESULT_TABLE)

    def _psql(self, database, sql):
        flags = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql]
        _run([self.client("psql"), *flags, self.dsn(database)])


def _run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}:\n{done.stderr.strip()}")
