"""What the instructions of a transaction are spent on, by function and by library."""

import collections
import pathlib
import re
import subprocess

from .counting import callgrind, lengths
from .figures import markdown
from .workloads import WORKLOADS

_PARTS = 4
"""Files that are named of a function: inlined ones count where they were inlined."""

_RECURSION = "'2"
"""callgrind appends it to what was called, however indirectly, by itself."""


def profile(bench, name, count):
    """The functions that cost most, of dsql-proxy, or of what alone is measured."""
    workload = WORKLOADS[name]
    target = bench.targets[-1]
    short, long = lengths(workload, 1)
    own, inclusive, libraries = (collections.Counter() for _ in range(3))
    parts = collections.defaultdict(collections.Counter)
    for out, sign in zip(callgrind(bench, target, workload, 1), (-1, 1)):
        # Calls from before the dump that is older: callgrind_annotate takes what they cost for
        # the caller's own.
        out.write_text(out.read_text().replace("\ncalls=0 ", "\ncalls=1 "))
        for file, function, library, cost in _annotated(out, "no"):
            function = function.removesuffix(_RECURSION)
            own[function] += sign * cost
            parts[function][file] += sign * cost
            libraries[library] += sign * cost
        for _, function, _, cost in _annotated(out, "yes"):
            # The first level of a recursion includes the others.
            if not function.endswith(_RECURSION):
                inclusive[function] += sign * cost
    each = long - short

    def row(function, cost):
        files = parts[function].most_common(_PARTS)
        inlined = ", ".join(f"{file} {part / each:,.0f}" for file, part in files if part >= each)
        return [f"`{function}`", f"{cost / each:,.0f}", f"{inclusive[function] / each:,.0f}", inlined]

    rows = [["function", "itself", "with callees", "of it, by file"]]
    rows += [row(*item) for item in own.most_common(count)]
    shares = [["library", "instructions"]]
    shares += [[library, f"{cost / each:,.0f}"] for library, cost in libraries.most_common(12)]
    return f"{sum(own.values()) / each:,.0f} per transaction\n\n{markdown(rows)}\n\n{markdown(shares)}"


def _annotated(out, inclusive):
    """File, function, library and cost."""
    command = ["callgrind_annotate", "--threshold=100", "--auto=no", f"--inclusive={inclusive}"]
    said = subprocess.run([*command, out], capture_output=True, text=True, check=True).stdout
    for line in said.splitlines():
        found = re.match(r" *([\d,]+) \([ \d.]+%\)  (\S.*?)(?: \[([^\]]*)\])?$", line)
        if found and not found[2].startswith("PROGRAM"):
            path, _, function = found[2].partition(":")
            function = re.sub(r"::h[0-9a-f]{16}", "", function)
            library = _library(function, path, found[3] or "")
            yield pathlib.PurePath(path).name, function, library, int(found[1].replace(",", ""))


def _library(function, path, binary):
    """The crate whose code it is, also where that was inlined; what is not Rust, by its kind."""
    crate = re.search(r"/(?:registry/src/[^/]+|vendor)/([A-Za-z0-9_-]+?)-\d", path)
    if crate:
        return crate[1]
    if re.search(r"/(?:library|rustlib)/", path):
        return "std"
    if re.search(r"libc[.-]", binary):
        return "libc"
    if function.startswith("aws_lc_") or "/aws-lc/" in path:
        return "aws-lc-sys"
    return "itself" if "src/" in path else "other"
