"""Throughput and processor time: rounds in which every target runs once, one after the other.

A ratio is made within a round, and the median over the rounds is reported: a machine that is
slower for a while is so for all.
"""

import contextlib
import statistics

from .figures import Figure
from .processes import CpuClock
from .workloads import WORKLOADS

_ROWS = [("simple", 8), ("simple", 32), ("extended", 8), ("prepared", 8), ("prepared", 32)]
_ROWS += [("block", 8), ("pipeline", 1), ("result", 4), ("connect", 8)]


def throughput(bench):
    figures = []
    with contextlib.ExitStack() as stack:
        servers = {t.name: stack.enter_context(t.start()) for t in bench.targets}
        for name, clients in _ROWS:
            if bench.wants("throughput", name):
                figures += _row(bench, servers, name, clients)
    return sorted(figures, key=lambda figure: figure.group, reverse=True)


def _row(bench, servers, name, clients):
    workload = WORKLOADS[name]
    able = [t for t in bench.targets if t.statements or not workload.needs_statements]
    rates = {target.name: [] for target in able}
    costs = {target.name: [] for target in able}
    # Fills the pools and the caches.
    for target in able:
        bench.pgbench.run(workload, clients, target.dsn(servers[target.name]), transactions=20)
    for round_ in range(bench.rounds):
        first = round_ % len(able)
        for target in able[first:] + able[:first]:
            server = servers[target.name]
            clock = CpuClock(server.pid)
            before = clock.ns()
            run = bench.pgbench.run(workload, clients, target.dsn(server), seconds=bench.seconds)
            rates[target.name].append(run.tps)
            costs[target.name].append((clock.ns() - before) / 1e3 / run.transactions)
        bench.progress(f"throughput {name}:{clients} round {round_ + 1} of {bench.rounds}")
    title = f"{workload.title}, {clients} client{'s' if clients > 1 else ''}"
    return [
        _figure("Throughput", title, "transactions/s", rates),
        _figure("Processor time", title, "µs per transaction", costs),
    ]


def _figure(group, title, unit, rounds):
    ratios = {
        base: statistics.median(a / b for a, b in zip(rounds["ours"], rounds[base]))
        for base in ("limit", "pgbouncer")
        if base in rounds and "ours" in rounds
    }
    values = {name: statistics.median(values) for name, values in rounds.items()}
    return Figure(group, title, unit, values, ratios=ratios)
