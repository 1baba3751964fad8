"""What repeats from run to run: instructions (callgrind) and system calls (strace).

Each is the difference of a long and a short run: what connecting and leaving cost is in both and
cancels out. With a new connection for each transaction, that cost is what remains.
"""

import pathlib
import re
import shutil
import signal
import subprocess
import time

from .figures import Figure, Goal
from .workloads import WORKLOADS

_ROWS = [("simple", 1), ("simple", 8), ("extended", 1), ("extended", 8), ("prepared", 1)]
_ROWS += [("prepared", 8), ("block", 1), ("pipeline", 1), ("result", 1), ("connect", 1)]

_INSTRUCTIONS = {
    "simple": Goal(14_000),
    "extended": Goal(15_000),
    "prepared": Goal(17_000),
    "pipeline": Goal(40_000),
    "result": Goal(4_000_000),
    "connect": Goal(24_000),
}
# The limit's; strace sees a few calls more or less of what goes on besides.
_SYSCALLS = Goal(1.05, "limit")


def instructions(bench):
    return _rows(bench, "instructions", "Instructions", _by_callgrind, _INSTRUCTIONS.get)


def syscalls(bench):
    def goal(name):
        return None if name == "connect" else _SYSCALLS

    return _rows(bench, "syscalls", "System calls", _by_strace, goal)


def _rows(bench, group, heading, count, goal):
    figures = []
    for name, clients in _ROWS:
        workload = WORKLOADS[name]
        if not bench.wants(group, name):
            continue
        values = {}
        for target in bench.targets:
            if workload.needs_statements and not target.statements:
                values[target.name] = None
                continue
            values[target.name] = count(bench, target, workload, clients)
            bench.progress(f"{group} {name}:{clients} {target.name} {values[target.name]:,.1f}")
        title = workload.title + (f", {clients} clients" if clients > 1 else "")
        figures.append(Figure(heading, title, "per transaction", values, goal(name)))
    return figures


def lengths(workload, clients):
    """Transactions of each client in the short and in the long run.

    With several clients more of them: no two TLS handshakes cost quite the same, and with sessions
    of their own there is one for each client.
    """
    counted = workload.transactions if clients == 1 else 4 * workload.transactions // clients
    return max(counted // 10, 1), max(counted // 10, 1) + counted


def _by_callgrind(bench, target, workload, clients):
    short, long = lengths(workload, clients)
    counts = [_total(dump) for dump in callgrind(bench, target, workload, clients)]
    return (counts[1] - counts[0]) / ((long - short) * clients)


def callgrind(bench, target, workload, clients):
    """What callgrind writes of a short and of a long run in one process.

    A run before them takes what is made once: seeding the random numbers of AWS-LC costs as much as
    thousands of transactions, and each time another amount.
    """
    short, long = lengths(workload, clients)
    directory = bench.directory / "callgrind"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    # What does not run as root has to be able to write there.
    directory.chmod(0o777)
    out = directory / "out"
    with target.start("valgrind", "--tool=callgrind", "-q", f"--callgrind-out-file={out}") as server:
        for length in (short, short, long):
            bench.pgbench.run(workload, clients, target.dsn(server), transactions=length)
            subprocess.run(
                ["callgrind_control", "--dump", str(server.pid)],
                check=True,
                capture_output=True,
                cwd=directory,
                timeout=60,
                # Only the same user may ask.
                **target.user,
            )
    return [directory / f"out.{number}" for number in (2, 3)]


def _total(out):
    found = re.search(r"^(?:totals|summary): (\d+)", out.read_text(), re.MULTILINE)
    if found is None:
        raise RuntimeError(f"callgrind has written no total to {out}")
    return int(found[1])


def _by_strace(bench, target, workload, clients):
    short, long = lengths(workload, clients)
    with target.start() as server:
        # Opens what a pool keeps open.
        bench.pgbench.run(workload, clients, target.dsn(server), transactions=short)
        counts = [
            _strace(bench, target, server, workload, clients, length) for length in (short, long)
        ]
    return (counts[1] - counts[0]) / ((long - short) * clients)


def _strace(bench, target, server, workload, clients, length):
    """The number of system calls during a run."""
    out = bench.directory / "strace.out"
    command = ["strace", "-c", "-f", "-qq", "-o", out, "-p", str(server.pid)]
    tracer = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        _wait_until_traced(server.pid, tracer)
        bench.pgbench.run(workload, clients, target.dsn(server), transactions=length)
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(30)
    total = re.search(r"^100\.00 .*?(\d+)(?: +\d+)? total$", out.read_text(), re.MULTILINE)
    if total is None:
        raise RuntimeError(f"strace has written no total to {out}")
    return int(total[1])


def _wait_until_traced(pid, tracer):
    deadline = time.monotonic() + 10
    tasks = pathlib.Path(f"/proc/{pid}/task")
    while any("TracerPid:\t0\n" in (task / "status").read_text() for task in tasks.iterdir()):
        if tracer.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"strace does not follow process {pid}")
        time.sleep(0.01)
