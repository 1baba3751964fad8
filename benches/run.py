#!/usr/bin/env python3
"""Compares dsql-proxy with a byte copier (the limit) and with PgBouncer. `make bench` runs this.

    make bench                                       everything
    make bench ARGS="instructions syscalls"          some groups
    make bench ARGS="instructions:prepared latency"  a row of a group
    make bench ARGS="--profile prepared"             what our instructions are spent on

docs/performance.md explains the method.
"""

import argparse
import contextlib
import json
import os
import pathlib
import platform
import resource
import shutil
import signal
import sys
import tempfile

from harness.counting import instructions, syscalls
from harness.figures import COLUMNS, table
from harness.latency import latency
from harness.memory import memory
from harness.profile import profile
from harness.rounds import throughput
from harness.targets import ByteCopier, DsqlProxy, PgBouncer
from harness.upstream import Upstream
from harness.workloads import WORKLOADS, Pgbench

GROUPS = {
    "instructions": instructions,
    "syscalls": syscalls,
    "latency": latency,
    "memory": memory,
    "throughput": throughput,
}


class Bench:
    """What is measured, with what, and how long."""

    def __init__(self, arguments, upstream, targets, directory):
        self.upstream = upstream
        self.targets = targets
        self.directory = directory
        self.pgbench = Pgbench(upstream.client("pgbench"), directory)
        self.rounds = arguments.rounds
        self.seconds = arguments.seconds
        self.requests = arguments.requests
        self._rows = arguments.rows

    def wants(self, group, row=None):
        return not self._rows or group in self._rows or f"{group}:{row}" in self._rows

    @staticmethod
    def progress(text):
        print(f"bench: {text}", file=sys.stderr, flush=True)


def rows(text):
    group, _, workload = text.partition(":")
    if group not in GROUPS or (workload and workload not in WORKLOADS):
        raise argparse.ArgumentTypeError(
            f"no such row: {text}; there are {', '.join(GROUPS)}, with :{', :'.join(WORKLOADS)}"
        )
    return text


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("rows", nargs="*", type=rows, help="GROUP or GROUP:WORKLOAD [all]")
    add("--proxy", required=True, help="the dsql-proxy to measure")
    add("--bytecopy", required=True, help="the byte copier")
    add("--postgres", required=True, help="directory of PostgreSQL's programs")
    add("--only", help=f"some of {', '.join(COLUMNS)}, separated by commas")
    add("--session", action="store_true", help="measure our session mode")
    add("--proxy-argument", action="append", default=[], help="for our command line (repeatable)")
    add("--rounds", type=int, default=7, help="of throughput [7]")
    add("--seconds", type=int, default=2, help="of each run of a round [2]")
    add("--requests", type=int, default=4000, help="of latency, to each [4000]")
    add("--profile", metavar="WORKLOAD", choices=list(WORKLOADS), help="print our functions")
    add("--functions", type=int, default=25, help="that --profile prints [25]")
    add("--json", type=pathlib.Path, metavar="FILE", help="write the figures there as well")
    add("--keep", action="store_true", help="keep the directory with logs and callgrind's files")
    return parser.parse_args()


def machine():
    model = "unknown processor"
    with contextlib.suppress(OSError):
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return f"{os.cpu_count()} × {model}, Linux {platform.release()}"


def measure(arguments, directory):
    with Upstream(arguments.postgres, directory) as upstream:
        make = {
            "limit": lambda: ByteCopier(upstream, arguments.bytecopy),
            "pgbouncer": lambda: PgBouncer(upstream),
            "ours": lambda: DsqlProxy(
                upstream, arguments.proxy, arguments.session, arguments.proxy_argument
            ),
        }
        names = arguments.only.split(",") if arguments.only else list(make)
        targets = [make[name]() for name in make if name in names]
        bench = Bench(arguments, upstream, targets, directory)
        if arguments.profile:
            print(profile(bench, arguments.profile, arguments.functions))
            return
        about = {COLUMNS[target.name]: target.version for target in targets}
        print("\n".join([machine(), *(f"{name}: {text}" for name, text in about.items())]) + "\n")
        figures = []
        for group in GROUPS.values():
            found = group(bench)
            if found:
                figures += found
                print(table(found) + "\n", flush=True)
    if arguments.json:
        result = {"machine": machine(), "targets": about}
        result["figures"] = [figure.as_json() for figure in figures]
        arguments.json.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")


def main():
    arguments = parse()
    # SIGTERM leaves through the `with` blocks, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # A thousand clients, here and in what is measured.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    directory = pathlib.Path(tempfile.mkdtemp(prefix="dsql-proxy-bench."))
    directory.chmod(0o755)
    try:
        measure(arguments, directory)
    except RuntimeError as error:
        sys.exit(f"bench: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        if arguments.keep:
            print(f"bench: kept {directory}", file=sys.stderr)
        else:
            shutil.rmtree(directory)


if __name__ == "__main__":
    main()
