"""Checks that report one line each, for the Python suites.

    @check("what holds")
    def _():
        assert ...

    run("suite")
"""

import asyncio
import inspect
import signal
import sys
import textwrap
import traceback

_CHECKS = []
# Seconds after which a check that waits for an answer has failed.
_DEADLINE = 60


def check(name):
    """Registers a function, plain or async, that raises when something is wrong."""

    def register(function):
        _CHECKS.append((name, function))
        return function

    return register


def _out_of_time(_signal, _frame):
    raise TimeoutError(f"no end after {_DEADLINE} s")


def run(suite):
    """Runs the checks in the order of their definition and exits."""
    if not _CHECKS:
        print(f"not ok - {suite}: it has no checks")
        sys.exit(1)
    signal.signal(signal.SIGALRM, _out_of_time)
    failures = 0
    for name, function in _CHECKS:
        signal.alarm(_DEADLINE)
        try:
            result = function()
            if inspect.isawaitable(result):
                asyncio.run(result)
        except Exception:
            failures += 1
            print(f"not ok - {suite}: {name}")
            print(textwrap.indent(traceback.format_exc(), "    "), end="")
        else:
            print(f"ok - {suite}: {name}")
        finally:
            signal.alarm(0)
        sys.stdout.flush()
    sys.exit(1 if failures else 0)
