"""AWS's dsql-lint: what it says to one statement."""

import functools
import json
import subprocess
from dataclasses import dataclass

from split import split


@dataclass(frozen=True)
class Advice:
    # The rules that the statement breaks, sorted; none when DSQL accepts it.
    rules: tuple[str, ...]
    # What it would run instead: the statement itself where it knows nothing better.
    fixed: tuple[str, ...]


@functools.cache
def advise(statement):
    done = subprocess.run(
        ["dsql-lint", "--fix", "--format=json", "-"],
        input=statement + ";\n",
        capture_output=True,
        text=True,
        timeout=60,
    )
    (file,) = json.loads(done.stdout)["files"]
    if file["error"] is not None:
        raise RuntimeError(f"dsql-lint: {file['error']}: {statement}")
    rules = tuple(sorted({diagnostic["rule"] for diagnostic in file["diagnostics"]}))
    return Advice(rules, tuple(split(file["fixed_sql"])))
