"""`caps`: at most so many pairs per source, per bin of difficulty, per value of any column."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import polars as pl
from pydantic import Field

from pairforge.filters.rule import Choice, Model, Subset

if TYPE_CHECKING:
    from pairforge.filters.ruleset import Rules


class Cap(Model):
    """At most `max` pairs per value of a column, or per bin of it."""

    by: str = Field(
        description="What to group by: `source`, `pass_rate`, `meta.level`, any column of a pair, or an expression."
    )
    max: int | None = Field(
        None, ge=1, description="Most pairs per group, a count; null cuts every group to the size of the smallest."
    )
    width: float | None = Field(
        None,
        gt=0,
        description="Width of a bin of a numeric column, in the unit of the column; null: one group a value.",
    )


class Caps(Choice):
    """Balance the pairs over groups, in seeded order. Several caps apply one after another."""

    caps: tuple[Cap, ...] = Field(
        (),
        description="Most pairs per value of a column, one entry per column.",
        examples=[[{"by": "source", "max": 2}]],
    )

    def subsets(self, rules: Rules) -> Iterator[Subset]:
        for cap in self.caps:
            yield Subset(f"cap_{cap.by}", partial(_capped, cap), by={"caps.by": cap.by})

    def sentences(self) -> Iterator[str]:
        for cap in self.caps:
            group = f"{cap.by} in bins of {cap.width:g}" if cap.width else f"value of {cap.by}"
            most = "as many pairs as the smallest group has" if cap.max is None else f"{cap.max:,} pairs"
            yield f"At most {most} are kept per {group}."


def _capped(cap: Cap, pairs: pl.DataFrame) -> pl.DataFrame:
    by = pl.col(cap.by)
    group = (by / cap.width).floor() if cap.width else by
    grouped = pairs.with_columns(_group=group).sort("order", "p")
    most = cap.max if cap.max is not None else grouped.group_by("_group").len()["len"].min() or 0
    return grouped.filter(pl.int_range(pl.len()).over("_group") < most).drop("_group")
