"""`n_pairs`: a number of pairs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import polars as pl
from pydantic import Field

from pairforge.filters.rule import Choice, Subset

if TYPE_CHECKING:
    from pairforge.filters.ruleset import Rules


class NPairs(Choice):
    """Keep a seeded sample of the pairs. It keeps `wrong_share`, where one is set."""

    n_pairs: int | None = Field(
        None, ge=1, description="Most pairs in all, a count, sampled at random (seeded); null: all.", examples=[3]
    )

    def subsets(self, rules: Rules) -> Iterator[Subset]:
        if self.n_pairs is not None:
            n, share = self.n_pairs, rules.wrong_share
            yield Subset("n_pairs", lambda pairs: _sampled(pairs, n, share))

    def shortfall(self, pairs: pl.DataFrame) -> Iterator[str]:
        if self.n_pairs is not None and pairs.height < self.n_pairs:
            yield f"n_pairs asks for {self.n_pairs:,} pairs, and {pairs.height:,} passed the rules"

    def sentences(self) -> Iterator[str]:
        if self.n_pairs is not None:
            yield f"At most {self.n_pairs:,} pairs are kept, sampled at random (seeded)."


def _sampled(pairs: pl.DataFrame, n: int, wrong_share: float) -> pl.DataFrame:
    if pairs.height <= n:
        return pairs
    ordered = pairs.sort("order", "p")
    if not 0 < wrong_share < 1:
        return ordered.head(n)
    wrong, right = ordered.filter("wrong"), ordered.filter(~pl.col("wrong"))
    wrongs = max(min(round(wrong_share * n), wrong.height), n - right.height)
    return pl.concat([wrong.head(wrongs), right.head(n - wrongs)])
