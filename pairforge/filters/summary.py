"""What a set of pairs is like in numbers: counts, means, quantiles, shares."""

from __future__ import annotations

from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict

MEASURES = ("prompt_tokens", "chosen_tokens", "rejected_tokens", "gap_tokens", "ratio")
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
COLUMNS = ("problem_id", "source", "rejected_status", *MEASURES)
"""What `summarise` needs of the pairs; `pass_rate` is used where it is there."""


class PartSummary(BaseModel):
    """The pairs of one part of a mix: how many, means in the student's tokens, share of incorrect rejected sides."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pairs: int
    problems: int
    chosen_tokens: float | None = None
    rejected_tokens: float | None = None
    gap_tokens: float | None = None
    wrong_share: float | None = None


class ViewSummary(BaseModel):
    """The pairs of a view, or of one arm of a sweep, in numbers. None stands for a number that no pair gives.

    `means`, `quantiles` (5, 25, 50, 75, 95 %) and `ranges` (smallest, largest) are over the pairs, by measure: lengths
    in the student's tokens, `gap_tokens` (chosen - rejected) and `ratio` (chosen / rejected). `wrong_share` is the
    share of pairs with an incorrect rejected side, `pass_rate` the mean over the paired problems whose rate is known,
    `sources` the share of the pairs per source. `parts` are the parts of a mix, by name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    pairs: int = 0
    problems: int = 0
    means: dict[str, float | None] = {}
    quantiles: dict[str, list[float | None]] = {}
    ranges: dict[str, list[float | None]] = {}
    wrong_share: float | None = None
    pass_rate: float | None = None
    sources: dict[str, float] = {}
    parts: dict[str, PartSummary] = {}

    @property
    def complete(self) -> bool:
        """Whether it holds all its numbers: a view.json from before they were added has counts and means only."""
        return self.means.keys() == self.quantiles.keys() == self.ranges.keys() == set(MEASURES)


def summarise(pairs: pl.DataFrame) -> ViewSummary:
    """The summary of a `Selection`'s pairs, or of a written view's `COLUMNS`."""
    rated = [name for name in ("problem_id", "pass_rate") if name in pairs.columns]
    problems = pairs.select(rated).unique("problem_id")
    values = {name: pairs[name].sort() for name in MEASURES}
    return ViewSummary(
        pairs=pairs.height,
        problems=problems.height,
        means={name: _number(pairs[name].mean()) for name in MEASURES},
        quantiles={name: [_number(v.quantile(q, "linear")) for q in QUANTILES] for name, v in values.items()},
        ranges={name: [_number(v.min()), _number(v.max())] for name, v in values.items()},
        wrong_share=_number((pairs["rejected_status"] == "incorrect").mean()),
        pass_rate=_number(problems["pass_rate"].mean()) if "pass_rate" in problems.columns else None,
        sources=shares(pairs["source"]),
        parts=_parts(pairs) if "part" in pairs.columns else {},
    )


def _parts(pairs: pl.DataFrame) -> dict[str, PartSummary]:
    means = [pl.col(name).mean() for name in ("chosen_tokens", "rejected_tokens", "gap_tokens")]
    wrong = (pl.col("rejected_status") == "incorrect").mean().alias("wrong_share")
    rows = pairs.group_by("part").agg(
        pl.len().alias("pairs"), pl.n_unique("problem_id").alias("problems"), *means, wrong
    )
    return {row.pop("part"): PartSummary(**row) for row in rows.sort("part").iter_rows(named=True)}


def shares(values: pl.Series) -> dict[str, float]:
    """The share of each value, by value."""
    counts = values.value_counts(sort=False).sort(values.name)
    return {name: count / len(values) for name, count in counts.iter_rows()}


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
