"""`pick`: which of a problem's candidates become pairs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import polars as pl
from pydantic import Field

from pairforge.filters.rule import Choice, Subset

if TYPE_CHECKING:
    from pairforge.filters.ruleset import Rules


class Pick(Choice):
    """At most `per_problem` pairs per problem. Ties of `shortest` and `longest` go to the wider gap, all others to
    the seeded order. Where a problem has several chosen solutions, `pick_chosen` decides before `pick` does."""

    pick: Literal["shortest", "longest", "closest", "random", "all"] = Field(
        "shortest",
        description="Which of a problem's candidates to take: the one with the `shortest` or `longest` rejected side, "
        "the one whose gap is `closest` to `target_gap`, a `random` one (seeded), or `all`.",
        examples=["longest", "closest", "random", "all"],
    )
    pick_chosen: Literal["any", "first", "shortest", "longest"] = Field(
        "any",
        description="Which of several chosen solutions to prefer, before `pick`: the `first` of the source, the "
        "`shortest`, the `longest`, or `any`.",
        examples=["first", "shortest", "longest"],
    )
    target_gap: int = Field(0, ge=0, description="The gap that `pick: closest` looks for, in tokens.", examples=[40])
    per_problem: int = Field(
        1, ge=1, description="Most pairs per problem, a count; `pick: all` keeps every one.", examples=[2]
    )

    def subsets(self, rules: Rules) -> Iterator[Subset]:
        # A share of wrong rejected sides is filled later, so a problem keeps candidates of both kinds until then.
        group = ["p", "wrong"] if 0 < rules.wrong_share < 1 else ["p"]
        yield Subset("not_picked", lambda pairs: self._picked(pairs, group))

    def _picked(self, pairs: pl.DataFrame, group: list[str]) -> pl.DataFrame:
        if self.pick == "all":
            return pairs
        wider = -pl.col("gap")
        by_rejected: dict[str, list[pl.Expr]] = {
            "shortest": [pl.col("rejected_tokens"), wider],
            "longest": [-pl.col("rejected_tokens"), wider],
            "closest": [(pl.col("gap") - self.target_gap).abs()],
            "random": [],
        }
        by_chosen: dict[str, list[pl.Expr]] = {
            "any": [],
            "first": [pl.col("chosen_draw")],
            "shortest": [pl.col("chosen_tokens")],
            "longest": [-pl.col("chosen_tokens")],
        }
        ordered = pairs.sort(*group, *by_chosen[self.pick_chosen], *by_rejected[self.pick], "order")
        return ordered.filter(pl.int_range(pl.len()).over(group) < self.per_problem)

    def for_sampling(self, rules: Rules) -> Rules:
        return rules.model_copy(update={"per_problem": 1}) if self.pick == "all" else rules

    def sentences(self) -> Iterator[str]:
        first = {"first": "first of the source", "shortest": "shortest", "longest": "longest"}
        if self.pick_chosen != "any":
            yield f"Of several chosen solutions of a problem, the {first[self.pick_chosen]} is preferred."
        if self.pick == "all":
            yield "Every couple of solutions that passes becomes a pair."
            return
        how = {
            "shortest": "with the shortest rejected side",
            "longest": "with the longest rejected side",
            "closest": f"whose gap is closest to {self.target_gap:,} tokens",
            "random": "chosen at random (seeded)",
        }
        most = "the pair" if self.per_problem == 1 else f"at most {self.per_problem:,} pairs,"
        yield f"Each problem gives {most} {how[self.pick]}."
