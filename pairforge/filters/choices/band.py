"""`band`: the smallest, middle or largest pairs by a column."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import polars as pl
from pydantic import Field

from pairforge.filters.rule import Choice, Model, Subset

if TYPE_CHECKING:
    from pairforge.filters.ruleset import Rules


class BandSettings(Model):
    """Either `n` pairs, or those between two quantiles. The paper's ablation (section 4.2) keeps 1,000 pairs each with
    the smallest, middle and largest gap."""

    by: str = Field(
        "gap", description="What to rank by: `gap`, `ratio`, any column of a pair, or an expression over columns."
    )
    keep: Literal["smallest", "middle", "largest"] = Field(
        "smallest", description="Which `n` pairs to keep: those with the smallest, middle or largest values."
    )
    n: int | None = Field(None, ge=1, description="How many pairs to keep, a count.")
    quantiles: tuple[float, float] | None = Field(
        None, description="Keep the pairs between these two quantiles instead: two shares, 0 to 1, the lower one first."
    )


class Band(Choice):
    """Keep a band of the pairs, and `wrong_share` where one is set: each kind of rejected side gives its share.
    Pairs with an unknown value are never kept."""

    band: BandSettings | None = Field(
        None,
        description="Keep the pairs whose value of a column is smallest, middle or largest; null: keep all.",
        examples=[{"by": "gap", "keep": "smallest", "n": 3}, {"by": "gap", "quantiles": [0.25, 0.75]}],
    )

    def subsets(self, rules: Rules) -> Iterator[Subset]:
        if self.band is not None:
            band, share = self.band, rules.wrong_share
            yield Subset("band", lambda pairs: _banded(pairs, band, share), by={"band.by": band.by})

    def mistakes(self) -> Iterator[str]:
        band = self.band
        if band is None:
            return
        if (band.n is None) == (band.quantiles is None):
            yield "band needs either n or quantiles"
        if band.quantiles is not None and not 0 <= band.quantiles[0] < band.quantiles[1] <= 1:
            yield f"band.quantiles is {list(band.quantiles)}: expected two shares, lower first, between 0 and 1"

    def sentences(self) -> Iterator[str]:
        band = self.band
        if band is not None and band.quantiles is not None:
            low, high = band.quantiles
            yield f"Of all pairs, those between the quantiles {low:g} and {high:g} of {band.by} are kept."
        elif band is not None:
            yield f"Of all pairs, the {band.n:,} with the {band.keep} {band.by} are kept."


def _banded(pairs: pl.DataFrame, band: BandSettings, wrong_share: float) -> pl.DataFrame:
    known = pairs.filter(pl.col(band.by).is_not_null()).sort(band.by, "order")
    if not 0 < wrong_share < 1:
        return _slice(known, band, band.n)
    wrong, right = known.filter("wrong"), known.filter(~pl.col("wrong"))
    if band.n is None:
        return pl.concat([_slice(wrong, band, None), _slice(right, band, None)])
    n = min(band.n, known.height)
    wrongs = max(min(round(wrong_share * n), wrong.height), n - right.height)
    return pl.concat([_slice(wrong, band, wrongs), _slice(right, band, n - wrongs)])


def _slice(ordered: pl.DataFrame, band: BandSettings, n: int | None) -> pl.DataFrame:
    """The band of pairs that are in its order: between its quantiles, or `n` of them."""
    size = ordered.height
    if band.quantiles is not None:
        low, high = (round(share * size) for share in band.quantiles)
        return ordered.slice(low, high - low)
    count = min(n or 0, size)
    start = {"smallest": 0, "middle": (size - count) // 2, "largest": size - count}[band.keep]
    return ordered.slice(start, count)
