"""Processes that are started, measured from outside and ended."""

import contextlib
import ctypes
import os
import pathlib
import pwd
import signal
import socket
import subprocess
import time

# Seconds until a server has to listen. Valgrind makes it slow.
START_TIMEOUT = 60


def unprivileged():
    """PostgreSQL and PgBouncer refuse to run as root: the user they run as then."""
    if os.getuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def drop_root():
    """What subprocess needs to run a program as that user."""
    user = unprivileged()
    if user is None:
        return {}
    group = pwd.getpwnam(user).pw_gid
    return {"user": user, "group": group, "extra_groups": []}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """A program that listens on a port of 127.0.0.1 until the `with` block ends."""

    def __init__(self, command, port, log, end=signal.SIGTERM, **options):
        self._end = end
        self._log = pathlib.Path(log)
        with open(log, "ab") as output:
            # A group of its own: Ctrl-C is for the harness, which ends its servers itself.
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                **options,
            )
        self.pid = self._process.pid
        self.port = port

    def __enter__(self):
        deadline = time.monotonic() + START_TIMEOUT
        try:
            while not self._listens():
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"it does not listen on port {self.port}:\n{self.said()}")
                time.sleep(0.05)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def _listens(self):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        return False

    def said(self):
        return self._log.read_text(errors="replace")[-2000:]

    def stop(self):
        for number, patience in ((self._end, 30), (signal.SIGKILL, 5)):
            if self._process.poll() is not None:
                return
            self._process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(patience)


class CpuClock:
    """Processor time of a process, user and system, all its threads, in nanoseconds."""

    def __init__(self, pid):
        clock = ctypes.c_int()
        libc = ctypes.CDLL(None, use_errno=True)
        error = libc.clock_getcpuclockid(pid, ctypes.byref(clock))
        if error:
            raise OSError(error, f"no processor clock for process {pid}")
        self._clock = clock.value

    def ns(self):
        return time.clock_gettime_ns(self._clock)


def resident(pid):
    """Resident memory in bytes."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"process {pid} is gone")
