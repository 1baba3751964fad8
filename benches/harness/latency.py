"""What a proxy adds to a round trip of one client.

The same query goes to PostgreSQL over TLS and through every proxy in turn, one request at a time,
so that noise hits all alike, and each proxy is asleep when its request comes, as a sidecar mostly is.
"""

import contextlib
import statistics
import time

from .client import Client
from .figures import Figure, Goal

_WARM_UP = 200


def latency(bench):
    if not bench.wants("latency"):
        return []
    with contextlib.ExitStack() as stack:
        enter = stack.enter_context
        upstream = bench.upstream
        direct = enter(contextlib.closing(Client(upstream.port, upstream.ca_file)))
        clients = {"direct": direct}
        for target in bench.targets:
            server = enter(target.start())
            clients[target.name] = enter(contextlib.closing(Client(server.port)))
        times = _interleaved(clients, bench.requests)
    bench.progress(f"latency: {bench.requests} requests each")
    direct = times.pop("direct")
    added = {
        name: statistics.median(a - b for a, b in zip(each, direct)) for name, each in times.items()
    }
    tail = {name: _percentile(each, 99) - _percentile(direct, 99) for name, each in times.items()}
    goal = Goal(0.8, "pgbouncer")
    return [
        Figure("Latency", "added to direct TLS, median of differences", "µs", added, goal),
        Figure("Latency", "added to direct TLS, difference of the 99th percentiles", "µs", tail),
    ]


def _interleaved(clients, requests):
    """Microseconds of each request."""
    times = {name: [] for name in clients}
    order = list(clients.items())
    clock = time.perf_counter_ns
    for i in range(_WARM_UP + requests):
        account = i * 7919 % 100_000 + 1
        sql = f"select abalance from pgbench_accounts where aid = {account}"
        message = Client.message(sql)
        first = i % len(order)
        for name, client in order[first:] + order[:first]:
            before = clock()
            client.round_trip(message)
            took = clock() - before
            if i >= _WARM_UP:
                times[name].append(took / 1e3)
    return times


def _percentile(values, percent):
    return sorted(values)[len(values) * percent // 100]
