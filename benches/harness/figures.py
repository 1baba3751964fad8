"""A measured figure, what it should be, and the table of all of them."""

import dataclasses

COLUMNS = {"limit": "limit", "pgbouncer": "PgBouncer", "ours": "ours"}


@dataclasses.dataclass(frozen=True)
class Goal:
    """At most an absolute value, or at most a multiple of what another target needs."""

    most: float
    of: str = ""

    def met(self, values):
        bound = self.bound(values)
        return None if bound is None or values.get("ours") is None else values["ours"] <= bound

    def bound(self, values):
        if not self.of:
            return self.most
        base = values.get(self.of)
        return None if base is None else self.most * base

    def __str__(self):
        if self.of:
            return f"≤ {self.most:g} × {COLUMNS[self.of]}"
        return f"≤ {number(self.most)}"


@dataclasses.dataclass
class Figure:
    group: str
    title: str
    unit: str
    values: dict  # name of a target: figure, or None where it has none
    goal: Goal = None
    ratios: dict = dataclasses.field(default_factory=dict)
    """To the others, where the ratio of the figures is not the best answer: within rounds."""

    def ratio(self, base):
        if base in self.ratios:
            return self.ratios[base]
        ours, other = self.values.get("ours"), self.values.get(base)
        # Of two differences one may be negative, and then they have no ratio.
        return None if ours is None or not other or ours < 0 or other < 0 else ours / other

    def as_json(self):
        return {
            "group": self.group,
            "title": self.title,
            "unit": self.unit,
            "values": self.values,
            "ours_by": {base: self.ratio(base) for base in ("limit", "pgbouncer")},
            "goal": self.goal and {"text": str(self.goal), "met": self.goal.met(self.values)},
        }


def number(value):
    if value is None:
        return "–"
    if value == 0 or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def _ratio(value):
    return "–" if value is None else f"{value:.2f}"


def _goal(figure):
    if figure.goal is None:
        return ""
    mark = {True: " ✓", False: " ✗", None: ""}[figure.goal.met(figure.values)]
    return f"{figure.goal}{mark}"


def table(figures):
    """Markdown, a table for each group, with columns of equal width."""
    parts = []
    for group in dict.fromkeys(figure.group for figure in figures):
        rows = [
            [f"{group}", *COLUMNS.values(), "ours / limit", "ours / PgBouncer", "goal"],
        ]
        for figure in (figure for figure in figures if figure.group == group):
            rows.append(
                [f"{figure.title} ({figure.unit})"]
                + [number(figure.values.get(name)) for name in COLUMNS]
                + [_ratio(figure.ratio("limit")), _ratio(figure.ratio("pgbouncer"))]
                + [_goal(figure)]
            )
        parts.append(markdown(rows))
    return "\n\n".join(parts)


def markdown(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    head, *body = (
        "| "
        + " | ".join(
            cell.rjust(width) if i and len(row) > 1 else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths))
        )
        + " |"
        for row in rows
    )
    rule = "|".join("-" * (width + 1) + (":" if i else "-") for i, width in enumerate(widths))
    return "\n".join([head, f"|{rule}|", *body])
