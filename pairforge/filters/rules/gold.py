"""`gold`: which kinds of ground truth a problem may have."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from pairforge.filters.rule import Condition, ProblemRule, one_of


class Gold(ProblemRule):
    """Accept problems by where their ground truth comes from."""

    gold: tuple[str, ...] = Field(
        (),
        description="Accepted kinds of ground truth: `dataset`, `joined`, `teacher`, `majority`; empty: any.",
        examples=[["dataset"]],
    )

    def problem_conditions(self) -> Iterator[Condition]:
        if self.gold:
            yield Condition("gold", ("gold",), one_of(self.gold))

    def sentences(self) -> Iterator[str]:
        if self.gold:
            yield f"The ground truth of every problem comes from: {', '.join(self.gold)}."
