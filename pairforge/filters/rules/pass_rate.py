"""`pass_rate`: how difficult a problem may be."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from pairforge.filters.rule import Bounds, Condition, ProblemRule, within


class PassRate(ProblemRule):
    """Bound the share of first draws that solve a problem. A problem with an unknown pass rate does not pass."""

    pass_rate: Bounds = Field(
        Bounds(),
        description="Share of a problem's first `draws.min` draws that are correct, 0 to 1.",
        examples=[{"min": 0.2, "max": 0.8}],
    )

    def problem_conditions(self) -> Iterator[Condition]:
        if not self.pass_rate.open:
            yield Condition("pass_rate", ("pass_rate",), within(self.pass_rate))

    def mistakes(self) -> Iterator[str]:
        yield from self.pass_rate.mistakes("pass_rate")

    def sentences(self) -> Iterator[str]:
        if not self.pass_rate.open:
            yield f"The share of correct first draws of a problem is {self.pass_rate.words()}."
