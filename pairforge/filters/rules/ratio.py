"""`ratio`: how many times as long as the other a side is."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from pairforge.filters.rule import Bounds, Condition, PairRule, bounded


class Ratio(PairRule):
    """Bound the quotient of the two lengths, longer over shorter: it is never below 1."""

    ratio: Bounds = Field(
        Bounds(),
        description="Length of the longer side divided by length of the shorter side, at least 1.",
        examples=[{"min": 2}, {"max": 2}],
    )

    def pair_conditions(self) -> Iterator[Condition]:
        yield from bounded("ratio", "ratio", self.ratio)

    def longest_tokens(self, partner_tokens: int | None, prompt_tokens: int, *, longer: bool) -> float | None:
        if partner_tokens is None:
            return None
        if longer:
            return None if self.ratio.max is None else max(partner_tokens, 1) * self.ratio.max
        return None if self.ratio.min is None else partner_tokens / max(self.ratio.min, 1)

    def mistakes(self) -> Iterator[str]:
        yield from self.ratio.mistakes("ratio")
        if self.ratio.max is not None and self.ratio.max < 1:
            yield f"ratio.max is {self.ratio.max:g}: the ratio is longer / shorter, at least 1"

    def sentences(self) -> Iterator[str]:
        if not self.ratio.open:
            yield f"The longer side is {self.ratio.words()} times as long as the shorter side."
