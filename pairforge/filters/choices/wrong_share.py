"""`wrong_share`: the part of the pairs whose rejected side is incorrect."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import polars as pl
from pydantic import Field

from pairforge.filters.rule import Choice, Subset

if TYPE_CHECKING:
    from pairforge.filters.ruleset import Rules


class WrongShare(Choice):
    """Mix pairs with an incorrect rejected side into the others."""

    wrong_share: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Share of the pairs, 0 to 1, that take an incorrect rejected side (the paper: about 0.2).",
        examples=[0.3, 1],
    )

    def subsets(self, rules: Rules) -> Iterator[Subset]:
        if 0 < self.wrong_share < 1:
            yield Subset("wrong_share", self._mixed)

    def for_candidates(self, rules: Rules) -> Rules:
        """Lets incorrect rejected sides in beside the others, or alone where all are to be incorrect."""
        statuses = rules.rejected.statuses
        if self.wrong_share == 1:
            statuses = ("incorrect",)
        elif self.wrong_share > 0 and statuses and "incorrect" not in statuses:
            statuses = (*statuses, "incorrect")
        return _with_statuses(rules, statuses)

    def for_sampling(self, rules: Rules) -> Rules:
        """A share below 1 asks for nothing: incorrect samples turn up on the way to correct ones."""
        return _with_statuses(rules, ("incorrect",)) if self.wrong_share == 1 else rules

    def _mixed(self, pairs: pl.DataFrame) -> pl.DataFrame:
        """Give every problem one kind of rejected side, so that `wrong_share` of the pairs have an incorrect one.

        Problems that have only wrong candidates are used first. Where they are too few, problems that have both kinds
        turn to a wrong one, in seeded order; where they are too many, the surplus is left out. With too few wrong
        candidates altogether the share stays short: no right pair is given up for it.
        """
        share, wrong = self.wrong_share, pl.col("wrong")
        kinds = pairs.group_by("p").agg(
            right=(~wrong).sum().cast(pl.Int64), wrong=wrong.sum().cast(pl.Int64), order=pl.col("order").min()
        )
        kinds = kinds.sort("order", "p")
        only_wrong = kinds.filter(pl.col("right") == 0)
        both = kinds.filter((pl.col("right") > 0) & (pl.col("wrong") > 0))
        rights, surplus = int(kinds["right"].sum()), int(only_wrong["wrong"].sum())
        wanted = int(share / (1 - share) * rights + 0.5)
        if surplus >= wanted:
            turned = only_wrong.filter(pl.col("wrong").cum_sum() <= wanted)
        else:
            wrongs = surplus + both["wrong"].cum_sum()
            total = wrongs + rights - both["right"].cum_sum()
            turned = pl.concat([only_wrong, both.filter(wrongs <= (share * total + 0.5).floor())])
        turned = turned.select("p", turned=pl.lit(True))
        marked = pairs.join(turned, on="p", how="left").with_columns(pl.col("turned").fill_null(False))
        return marked.filter(wrong == pl.col("turned")).drop("turned")

    def shortfall(self, pairs: pl.DataFrame) -> Iterator[str]:
        wrong = int(pairs["wrong"].sum())
        if 0 < self.wrong_share < 1 and wrong < int(self.wrong_share * pairs.height):
            asked, share = f"{self.wrong_share:.0%}", f"{wrong / pairs.height:.1%}"
            yield f"wrong_share asks for {asked} pairs with a wrong rejected side, and {share} have one"

    def sentences(self) -> Iterator[str]:
        if self.wrong_share == 1:
            yield "The rejected side of every pair is incorrect."
        elif self.wrong_share > 0:
            yield f"About {self.wrong_share:.0%} of the pairs have an incorrect rejected side."


def _with_statuses(rules: Rules, statuses: tuple[str, ...]) -> Rules:
    return rules.model_copy(update={"rejected": rules.rejected.model_copy(update={"status": statuses})})
