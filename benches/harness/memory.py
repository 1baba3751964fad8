"""What clients cost that do nothing: memory and processor time of a fresh process.

What has a session for each client is measured with fewer, for the upstream's sake.
"""

import contextlib
import time

from .client import Client
from .figures import Figure, Goal
from .processes import CpuClock, resident
from .upstream import MAX_CONNECTIONS

CLIENTS = 1000
_CLIENTS_OF_SESSIONS = MAX_CONNECTIONS - 100
# Seconds: for what comes after a login to come, and to watch.
_SETTLE = 1
_WATCH = 10

_KIB = 1024
_MIB = 1024 * 1024


def memory(bench):
    if not bench.wants("memory"):
        return []
    measured = {target.name: _measure(bench, target) for target in bench.targets}
    titles = [
        ("empty", "resident, no client yet", "MiB", Goal(8)),
        ("each", f"for each of {CLIENTS:,} clients, logged in", "KiB", Goal(3)),
        ("each_used", f"for each of {CLIENTS:,} clients, after a query of each", "KiB", None),
        ("full", f"resident, with {CLIENTS:,} clients, after a query of each", "MiB", Goal(11)),
        ("login", "processor time of a login", "µs", None),
        ("idle", f"processor time, {CLIENTS:,} idle clients", "ms/s", Goal(0.02)),
    ]
    return [
        Figure("Idle clients", title, unit, {t: values.get(key) for t, values in measured.items()}, goal)
        for key, title, unit, goal in titles
    ]


def _measure(bench, target):
    count = CLIENTS if target.pools else _CLIENTS_OF_SESSIONS
    with target.start() as server, contextlib.ExitStack() as stack:
        clock = CpuClock(server.pid)

        def settled():
            time.sleep(_SETTLE)
            return resident(server.pid)

        def login():
            return stack.enter_context(contextlib.closing(Client(server.port)))

        empty = settled()
        # The first client pays for what is made once.
        login().query("select 1")
        first = settled()
        before = clock.ns()
        clients = [login() for _ in range(count)]
        logins = clock.ns() - before
        logged_in = settled()
        for client in clients:
            client.query("select 1")
        used = settled()
        before = clock.ns()
        time.sleep(_WATCH)
        idle = clock.ns() - before
    bench.progress(f"memory {target.name}: {count} clients")
    figures = {
        "empty": empty / _MIB,
        "each": (logged_in - first) / count / _KIB,
        "each_used": (used - first) / count / _KIB,
        "login": logins / 1e3 / count,
    }
    if count == CLIENTS:
        figures |= {"full": used / _MIB, "idle": idle / 1e6 / _WATCH}
    return figures
