"""Compares two runs of a driver's tests: directly, and through the proxy.

    compare.py NAME DIRECT PROXIED EXPECTED [AT_LEAST]

DIRECT and PROXIED are what the test runner wrote: JUnit's XML (*.xml), or the lines of Rust's
libtest. EXPECTED lists the tests that pass directly and do not pass through the proxy, one
`id | reason` per line; each of them must differ, or the list is wrong. (`? id | reason`: it
sometimes does, directly too.) AT_LEAST is how many percent of all tests, skipped ones included, must pass directly.

Prints the counts and the checks, as tests/clients/lib/env.sh describes them.
"""

import re
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

# What a test came to, worst last. A test that is reported more than once (its subtests, or its
# teardown) came to the worst of its reports.
OUTCOMES = ("passed", "skipped", "failed")
# How many reasons of a failed check are printed.
LISTED = 40
# Why a test is skipped that would not use the proxy.
OWN_SERVER = "has a server of its own"


@dataclass(frozen=True)
class Result:
    outcome: str
    message: str = ""


def add(results: dict[str, Result], test: str, result: Result) -> None:
    before = results.get(test)
    if before is None or OUTCOMES.index(result.outcome) > OUTCOMES.index(before.outcome):
        results[test] = result


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    return lines[-1] if lines else ""


def read_junit(path: Path) -> dict[str, Result]:
    results: dict[str, Result] = {}
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        test = f"{case.get('classname')}::{case.get('name')}"
        result = Result("passed")
        for child in case:
            if child.tag == "skipped":
                result = Result("skipped", child.get("message") or "")
            elif child.tag in ("failure", "error"):
                text = (child.get("message") or "").strip() or last_line(child.text or "")
                result = Result("failed", text)
                break
        add(results, test, result)
    return results


LIBTEST_LINE = re.compile(r"^test (\S+)(?: - .*)? \.\.\. (ok|FAILED|ignored)", re.MULTILINE)
LIBTEST_OUTPUT = re.compile(r"^---- (\S+) stdout ----\n(.*?)(?=^---- |^failures:|\Z)", re.MULTILINE | re.DOTALL)
LIBTEST_OUTCOMES = {"ok": "passed", "FAILED": "failed", "ignored": "skipped"}


def read_libtest(path: Path) -> dict[str, Result]:
    text = path.read_text(errors="replace")
    messages = {
        test: " ".join(line.strip() for line in output.partition("stack backtrace:")[0].splitlines() if line.strip())
        for test, output in LIBTEST_OUTPUT.findall(text)
    }
    results: dict[str, Result] = {}
    for test, outcome in LIBTEST_LINE.findall(text):
        add(results, test, Result(LIBTEST_OUTCOMES[outcome], messages.get(test, "")))
    return results


def read(path: Path) -> dict[str, Result]:
    return read_junit(path) if path.suffix == ".xml" else read_libtest(path)


def read_expected(path: Path) -> tuple[set[str], set[str]]:
    """All tests that are listed, and those of them that differ only sometimes."""
    expected: set[str] = set()
    sometimes: set[str] = set()
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        test, separator, reason = (part.strip() for part in line.partition(" | "))
        if not separator or not test or not reason or test in expected:
            raise SystemExit(f"{path}:{number}: not a new `id | reason`: {line}")
        if test.startswith("? "):
            test = test.removeprefix("? ")
            sometimes.add(test)
        expected.add(test)
    return expected, sometimes


class Checks:
    def __init__(self, name: str) -> None:
        self.name = name
        self.failures = 0

    def check(self, what: str, reasons: list[str]) -> None:
        print(f"{'not ok' if reasons else 'ok'} - drivers: {self.name}: {what}")
        for reason in reasons[:LISTED]:
            print(f"    {reason}")
        if len(reasons) > LISTED:
            print(f"    and {len(reasons) - LISTED} more")
        self.failures += bool(reasons)


def counts(results: dict[str, Result]) -> str:
    tally = Counter(result.outcome for result in results.values())
    own_server = sum(OWN_SERVER in result.message for result in results.values())
    return ", ".join(f"{tally[outcome]} {outcome}" for outcome in ("passed", "failed", "skipped")) + (
        f" ({own_server} of them have a server of their own)" if own_server else ""
    )


def shorten(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 300 else text[:300] + " ..."


def compare(checks: Checks, direct: dict[str, Result], proxied: dict[str, Result], expected: set[str], sometimes: set[str]) -> None:
    own_server = {test for test, result in proxied.items() if OWN_SERVER in result.message}
    passed = {test for test, result in direct.items() if result.outcome == "passed"} - own_server
    missing = Result("missing", "it did not run through the proxy")
    differing = {test: found for test in sorted(passed) if (found := proxied.get(test, missing)).outcome != "passed"}
    checks.check(
        f"what passes directly passes through the proxy ({len(expected)} expected differences)",
        [f"{test}: {found.outcome}: {shorten(found.message)}" for test, found in differing.items() if test not in expected],
    )
    checks.check(
        "each expected difference is one",
        [
            f"{test}: "
            + ("passes through the proxy too" if test in passed else "does not pass directly" if test in direct else "no such test")
            for test in expected
            if test not in differing and test not in sometimes
        ],
    )


def main() -> int:
    name, direct_path, proxied_path, expected_path, *rest = sys.argv[1:]
    direct, proxied = read(Path(direct_path)), read(Path(proxied_path))
    checks = Checks(name)
    print(f"   {name}, directly:          {counts(direct)}")
    print(f"   {name}, through the proxy: {counts(proxied)}")
    at_least = int(rest[0]) if rest else 1
    passed = sum(result.outcome == "passed" for result in direct.values())
    percent = 100 * passed / len(direct) if direct else 0.0
    checks.check(
        f"{percent:.1f} % of all tests pass directly",
        [] if percent >= at_least else [f"expected: at least {at_least} %"]
        + [f"{test}: {found.outcome}: {shorten(found.message)}" for test, found in direct.items() if found.outcome != "passed"],
    )
    compare(checks, direct, proxied, *read_expected(Path(expected_path)))
    return int(checks.failures > 0)


if __name__ == "__main__":
    sys.exit(main())
