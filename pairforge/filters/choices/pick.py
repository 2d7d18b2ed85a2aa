"""`pick`: which of a problem's candidates become pairs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import polars as pl
from pydantic import Field

from pairforge.filters.rule import Choice, Model, Subset

if TYPE_CHECKING:
    from pairforge.filters.ruleset import Rules


class PickBy(Model):
    """The candidate with the smallest or largest value of an expression. Unknown values come last."""

    by: str = Field(description="A column of a pair, or an expression over columns, such as `abs(gap - 800)`.")
    order: Literal["smallest", "largest"] = Field(
        "smallest", description="Whether the smallest or the largest is taken."
    )


class Pick(Choice):
    """At most `per_problem` pairs per problem. Ties of `shortest` and `longest` go to the wider gap, all others to
    the seeded order. Where a problem has several chosen solutions, `pick_chosen` decides before `pick` does."""

    pick: Literal["shortest", "longest", "closest", "random", "all"] | PickBy = Field(
        "shortest",
        description="Which of a problem's candidates to take: the one with the `shortest` or `longest` rejected side, "
        "the one whose gap is `closest` to `target_gap`, a `random` one (seeded), or `all`; or "
        "the one with the smallest or largest value of an expression.",
        examples=["longest", "closest", "random", "all", {"by": "abs(gap - 20)"}],
    )
    pick_chosen: Literal["any", "first", "shortest", "longest"] | PickBy = Field(
        "any",
        description="Which of several chosen solutions to prefer, before `pick`: the `first` of the source, the "
        "`shortest`, the `longest`, or `any`; or the smallest or largest value of an expression.",
        examples=["first", "shortest", "longest", {"by": "chosen_tokens - prompt_tokens", "order": "largest"}],
    )
    target_gap: int = Field(0, ge=0, description="The gap that `pick: closest` looks for, in tokens.", examples=[40])
    per_problem: int = Field(
        1, ge=1, description="Most pairs per problem, a count; `pick: all` keeps every one.", examples=[2]
    )

    def subsets(self, rules: Rules) -> Iterator[Subset]:
        # A share of wrong rejected sides is filled later, so a problem keeps candidates of both kinds until then.
        group = ["p", "wrong"] if 0 < rules.wrong_share < 1 else ["p"]
        keys = {"pick.by": self.pick, "pick_chosen.by": self.pick_chosen}
        by = {key: pick.by for key, pick in keys.items() if isinstance(pick, PickBy)}
        yield Subset("not_picked", lambda pairs: self._picked(pairs, group), by)

    def _picked(self, pairs: pl.DataFrame, group: list[str]) -> pl.DataFrame:
        if self.pick == "all":
            return pairs
        keys = [*self._chosen_order(), *self._rejected_order()]
        ordered = pairs.sort(
            *group,
            *(value for value, _ in keys),
            "order",
            descending=[*(False for _ in group), *(descending for _, descending in keys), False],
            nulls_last=True,
        )
        return ordered.filter(pl.int_range(pl.len()).over(group) < self.per_problem)

    def _chosen_order(self) -> list[tuple[pl.Expr, bool]]:
        """What chosen sides are ordered by, and whether the largest value comes first."""
        if isinstance(self.pick_chosen, PickBy):
            return [(pl.col(self.pick_chosen.by), self.pick_chosen.order == "largest")]
        if self.pick_chosen == "any":
            return []
        column = "chosen_draw" if self.pick_chosen == "first" else "chosen_tokens"
        return [(pl.col(column), self.pick_chosen == "longest")]

    def _rejected_order(self) -> list[tuple[pl.Expr, bool]]:
        """What candidates with the same chosen side are ordered by, and whether the largest value comes first."""
        if isinstance(self.pick, PickBy):
            return [(pl.col(self.pick.by), self.pick.order == "largest")]
        if self.pick == "closest":
            return [((pl.col("gap") - self.target_gap).abs(), False)]
        if self.pick == "random":
            return []
        return [(pl.col("rejected_tokens"), self.pick == "longest"), (pl.col("gap"), True)]

    @property
    def pick_name(self) -> str:
        """The pick as the column `pick` of the pairs tells it."""
        return self.pick if isinstance(self.pick, str) else f"{self.pick.order} {self.pick.by}"

    def for_sampling(self, rules: Rules) -> Rules:
        return rules.model_copy(update={"per_problem": 1}) if self.pick == "all" else rules

    def sentences(self) -> Iterator[str]:
        first = {"first": "first of the source", "shortest": "shortest", "longest": "longest"}
        if isinstance(self.pick_chosen, PickBy):
            value = f"{self.pick_chosen.order} `{self.pick_chosen.by}`"
            yield f"Of several chosen solutions of a problem, the one with the {value} is preferred."
        elif self.pick_chosen != "any":
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
        which = how[self.pick] if isinstance(self.pick, str) else f"with the {self.pick.order} `{self.pick.by}`"
        yield f"Each problem gives {most} {which}."
