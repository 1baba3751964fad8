"""What the clients do: pgbench with built-in and own scripts."""

import dataclasses
import pathlib
import re
import subprocess

RESULT_ROWS = 10_000
# DataRow: type, length, count; then 4 bytes of length before each value: 7 + 4 + 5 + 4 + 80.
RESULT_BYTES = RESULT_ROWS * 100
RESULT_TABLE = f"""
create table result as
    select 10000 + i % 90000 as a, left(repeat(md5(i::text), 3), 80) as b
    from generate_series(1, {RESULT_ROWS}) as i;
analyze result;
"""
PIPELINE = 10

_SELECT = "select abalance from pgbench_accounts where aid = :aid;\n"
_SCRIPTS = {
    "pipeline": "\\set aid random(1, 100000)\n\\startpipeline\n"
    + _SELECT * PIPELINE
    + "\\endpipeline\n",
    "result": "select a, b from result;\n",
    "block": "\\set aid random(1, 100000)\nbegin;\n" + _SELECT * 3 + "commit;\n",
}


@dataclasses.dataclass(frozen=True)
class Workload:
    title: str
    protocol: str
    script: str = ""  # of _SCRIPTS; else `pgbench -S`
    connect: bool = False  # a new connection for each transaction
    transactions: int = 2000  # that are counted; of all clients together
    needs_statements: bool = False  # named prepared statements


WORKLOADS = {
    "simple": Workload("simple", "simple"),
    "extended": Workload("extended", "extended"),
    "prepared": Workload("prepared", "prepared", needs_statements=True),
    "block": Workload("BEGIN, 3 SELECT, COMMIT", "extended", "block", transactions=1000),
    "pipeline": Workload(
        f"pipeline of {PIPELINE}", "prepared", "pipeline", transactions=1000, needs_statements=True
    ),
    "result": Workload("1 MB result", "simple", "result", transactions=50),
    "connect": Workload("connect, query, close", "simple", connect=True, transactions=200),
}


@dataclasses.dataclass
class Run:
    """What pgbench said of a run."""

    transactions: int
    tps: float


class Pgbench:
    def __init__(self, program, directory):
        self._program = program
        self._directory = pathlib.Path(directory)
        for name, text in _SCRIPTS.items():
            (self._directory / f"{name}.sql").write_text(text)

    def run(self, workload, clients, dsn, transactions=None, seconds=None):
        """Runs for a number of transactions, of each client, or for some seconds."""
        command = [self._program, "-n", "-M", workload.protocol, "-c", str(clients), "-j", "1"]
        if workload.script:
            command += ["-f", self._directory / f"{workload.script}.sql"]
        else:
            command += ["-S"]
        if workload.connect:
            command += ["-C"]
        length = ["-t", str(transactions)] if transactions else ["-T", str(seconds)]
        done = subprocess.run(
            [*command, *length, dsn],
            capture_output=True,
            text=True,
            timeout=600,
            cwd=self._directory,
        )
        count = re.search(r"transactions actually processed: (\d+)", done.stdout)
        if done.returncode or not count or count[1] == "0":
            said = (done.stderr.strip() or "no transactions").splitlines()
            raise RuntimeError(f"pgbench: {said[-1]}")
        failed = re.search(r"number of failed transactions: (\d+)", done.stdout)
        if failed and failed[1] != "0":
            raise RuntimeError(f"pgbench: {failed[1]} transactions failed")
        tps = re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)
        return Run(int(count[1]), float(tps[1]))
