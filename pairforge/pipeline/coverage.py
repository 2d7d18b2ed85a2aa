"""What becomes of paid-for samples: in which kinds of exports each problem with a decided verdict has a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from pairforge.pipeline.exporting import labels_of, picked_of, rated_of
from pairforge.pipeline.session import Session

KINDS = {"pairs": "pairs", "kto": "labeled solutions", "sft": "solutions", "rlvr": "problems"}
"""The kinds by the name of an export format; every format of pairs holds the same problems."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """`problems`: problem_id of every problem with a decided verdict, and a column per kind: whether it has a row.
    `rows`: kind -> rows."""

    problems: pl.DataFrame
    rows: dict[str, int]

    @property
    def covered(self) -> int:
        """Problems with a row in at least one kind."""
        return int(self.problems.select(pl.any_horizontal(*KINDS).sum()).item())

    @property
    def counts(self) -> dict[str, int]:
        """kind -> problems with a row."""
        return {kind: int(self.problems[kind].sum()) for kind in KINDS}

    @property
    def combinations(self) -> list[tuple[tuple[str, ...], int]]:
        """The kinds in which a problem has a row, and how many problems it is so for, the most frequent first."""
        table = self.problems.group_by(*KINDS).len("n").sort("n", *KINDS, descending=True)
        return [(tuple(kind for kind in KINDS if row[kind]), int(row["n"])) for row in table.iter_rows(named=True)]

    def sentence(self) -> str:
        """The share of the problems that some export uses."""
        total = self.problems.height
        if not total:
            return "No problem has a decided verdict."
        share = self.covered / total
        return f"{self.covered:,} of {total:,} problems with a decided verdict ({share:.1%}) have a row in some format."

    def to_json(self) -> dict[str, Any]:
        """Plain values, with every problem and the formats it has a row in."""
        formats = {
            row["problem_id"]: [kind for kind in KINDS if row[kind]] for row in self.problems.iter_rows(named=True)
        }
        counts = {kind: {"rows": self.rows[kind], "problems": n} for kind, n in self.counts.items()}
        return {"decided": self.problems.height, "covered": self.covered, "formats": counts, "problems": formats}


def coverage(session: Session, view: str) -> Coverage:
    """The coverage of a view, with the recipe's export settings, without reading a text."""
    evidence = session.evidence()
    decided = evidence.samples.filter(pl.col("status").cast(pl.String).is_in(["correct", "incorrect"]))
    problems = evidence.problems.filter(pl.col("p").is_in(decided["p"].unique().implode())).select("problem_id")
    pairs = pl.read_parquet(session.run.view(view) / "pairs.parquet", columns=["problem_id"])
    mixed = bool(session.recipe.filter.parts)  # its parts may disagree on a label
    tables = {
        "pairs": pairs,
        "kto": pairs.clear() if mixed else labels_of(session).rows,
        "sft": picked_of(session, view).rows,
        "rlvr": rated_of(session).rows,
    }
    flags = {kind: problems["problem_id"].is_in(table["problem_id"].implode()) for kind, table in tables.items()}
    return Coverage(problems.with_columns(**flags), {kind: table.height for kind, table in tables.items()})
