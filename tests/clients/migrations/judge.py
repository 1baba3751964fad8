"""Compares the local cluster with AWS's dsql-lint, statement by statement.

    judge.py TOOL...

Each statement that a tool wrote runs alone, in autocommit, and dsql-lint judges it alone. They
agree when both accept it, or when the cluster refuses it with an error that one of the broken
rules explains (reasons.toml). What they disagree on must be in disagreements.toml, and all of
that file must be used.

So that what follows finds its tables, something else takes the place of a refused statement:
what dsql-lint would run instead, or what stand_ins.toml has for it. That is judged and compared
in the same way.
"""

import json
import re
import sys
import tomllib
from collections import Counter
from pathlib import Path

import psycopg

from lint import advise
from split import split

HERE = Path(__file__).parent
ACCEPTED = "accepted"
# How often one statement may be replaced by another before it must be accepted.
REPLACEMENTS = 6


def entries(name):
    return tomllib.loads((HERE / name).read_text())


REASONS = {rule: re.compile(pattern) for rule, pattern in entries("reasons.toml").items()}
DISAGREEMENTS = entries("disagreements.toml")["disagreement"]
STAND_INS = entries("stand_ins.toml")["stand_in"]
# The entries that some statement needed.
USED = Counter()


class Wrong(Exception):
    """A check that failed, with its reason."""


class Cluster:
    def __init__(self):
        self.connection = psycopg.connect(autocommit=True)

    def answer(self, statement):
        """`accepted`, or SQLSTATE and message."""
        try:
            cursor = self.retried(statement)
        except psycopg.Error as error:
            if error.sqlstate is None:
                raise
            return f"{error.sqlstate} {error.diag.message_primary}"
        if cursor.description and cursor.description[0].name == "job_id":
            (job,) = cursor.fetchone()
            (succeeded,) = self.retried(f"CALL sys.wait_for_job('{job}')").fetchone()
            if not succeeded:
                raise Wrong(f"its job failed: {statement}")
        return ACCEPTED

    def retried(self, statement):
        # That another session changed the catalog is no verdict.
        for _ in range(5):
            try:
                return self.connection.execute(statement)
            except psycopg.errors.SerializationFailure:
                continue
        return self.connection.execute(statement)

    def objects(self):
        """How to drop what there is in the schemas of users."""
        return self.connection.execute(
            """
            select format('drop %s if exists %s', kind, name) || case kind when 'domain' then '' else ' cascade' end from (
                select case relkind when 'v' then 'view' when 'm' then 'materialized view'
                         when 'S' then 'sequence' else 'table' end as kind,
                       format('%I.%I', nspname, relname) as name, nspname
                  from pg_class join pg_namespace n on n.oid = relnamespace
                 where relkind in ('r', 'p', 'v', 'm', 'S')
                union all
                select 'function', format('%I.%I()', nspname, proname), nspname
                  from pg_proc join pg_namespace n on n.oid = pronamespace
                union all
                select 'domain', format('%I.%I', nspname, typname), nspname
                  from pg_type join pg_namespace n on n.oid = typnamespace where typtype = 'd'
                union all
                select 'schema', quote_ident(nspname), nspname from pg_namespace where nspname <> 'public'
            ) found
            where nspname !~ '^pg_' and nspname not in ('information_schema', 'sys')
            order by array_position(array['view', 'materialized view', 'table', 'sequence', 'domain', 'function', 'schema'], kind)
            """
        ).fetchall()


class Comparison:
    """One tool's statements."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.counts = Counter()
        self.wrong = []

    def run(self, statement, written=True, depth=0):
        """Runs `statement`, compares, and puts something in its place if it was refused."""
        text = in_one_line(statement)
        advice = advise(statement)
        USED.update(("reason", rule) for rule in advice.rules)
        answer = self.cluster.answer(statement)
        self.counts["statements" if written else "in their place"] += 1
        if agree(advice.rules, answer):
            self.counts["agree"] += 1
        elif is_listed(text, advice.rules, answer):
            self.counts["listed"] += 1
        else:
            self.wrong.append(
                f"{text}\n    dsql-lint: {', '.join(advice.rules) or ACCEPTED}\n    the cluster: {answer}"
            )
        if answer == ACCEPTED:
            return
        if written:
            self.counts["refused"] += 1
        if depth == REPLACEMENTS:
            self.wrong.append(f"{text}\n    and so on: nothing that takes its place is accepted")
            return
        instead = replacement(text, advice)
        if instead is None:
            self.wrong.append(f"{text}\n    {answer}\n    nothing takes its place: give it an entry in stand_ins.toml")
            return
        for other in instead:
            self.run(other, written=False, depth=depth + 1)


def in_one_line(statement):
    return " ".join(statement.split())


def agree(rules, answer):
    if not rules or answer == ACCEPTED:
        return not rules and answer == ACCEPTED
    return any(rule in REASONS and REASONS[rule].match(answer) for rule in rules)


def is_listed(text, rules, answer):
    for index, entry in enumerate(DISAGREEMENTS):
        same_answer = re.fullmatch(entry["cluster"], answer)
        if same_answer and sorted(entry["lint"]) == list(rules) and re.search(entry["statement"], text):
            USED["disagreement", index] += 1
            return True
    return False


def replacement(text, advice):
    """What runs instead of a refused statement; None when nothing is known."""
    fixed = [in_one_line(other) for other in advice.fixed]
    if advice.rules and fixed != [text]:
        return fixed
    for index, entry in enumerate(STAND_INS):
        if found := re.search(entry["statement"], text, re.IGNORECASE):
            USED["stand-in", index] += 1
            return [found.expand(other) for other in entry["instead"]]
    return None


def check(name, wrong):
    print(f"{'not ok' if wrong else 'ok'} - migrations: {name}")
    for line in "\n".join(wrong).splitlines():
        print(f"    {line}")
    sys.stdout.flush()
    return not wrong


def generated(tool):
    texts = json.loads((HERE / "generated" / f"{tool}.json").read_text())
    statements = [statement for text in texts for statement in split(text)]
    # Each runs alone.
    return [statement for statement in statements if statement.upper() not in ("BEGIN", "COMMIT")]


def clean(cluster, before):
    for (drop,) in cluster.objects():
        if drop not in before:
            cluster.answer(drop)
    return [drop for (drop,) in cluster.objects() if drop not in before]


def main(tools):
    passed = True
    cluster = Cluster()
    before = {drop for (drop,) in cluster.objects()}
    table = []
    for tool in tools:
        comparison = Comparison(cluster)
        try:
            for statement in generated(tool):
                comparison.run(statement)
        except Wrong as wrong:
            comparison.wrong.append(str(wrong))
        left = clean(cluster, before)
        counts = comparison.counts
        passed &= check(f"{tool}: {counts['statements']} statements, judged as dsql-lint judges them", comparison.wrong)
        passed &= check(f"{tool}: all is dropped", left)
        table.append((tool, *(counts[column] for column in COLUMNS)))
    unused = [
        f"{kind}: {entry['statement']}"
        for kind, list_ in (("disagreement", DISAGREEMENTS), ("stand-in", STAND_INS))
        for index, entry in enumerate(list_)
        if not USED[kind, index]
    ]
    unused += [f"reason: {rule}" for rule in REASONS if not USED["reason", rule]]
    passed &= check("no entry is unused", unused)
    table.append(("all", *(sum(row[i] for row in table) for i in range(1, len(COLUMNS) + 1))))
    for row in (("tool", *COLUMNS), *table):
        print("   " + "".join(f"{str(cell):>16}" for cell in row))
    return passed


COLUMNS = ("statements", "refused", "in their place", "agree", "listed")

if __name__ == "__main__":
    sys.exit(0 if main(sys.argv[1:]) else 1)
