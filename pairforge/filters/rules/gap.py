"""`gap`: how many tokens the sides lie apart."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from pairforge.filters.rule import Bounds, Condition, PairRule, bounded


class Gap(PairRule):
    """Bound the difference of the two lengths, whichever side is longer: it is never negative."""

    gap: Bounds = Field(
        Bounds(),
        description="Length of the longer side minus length of the shorter side, in tokens.",
        examples=[{"min": 20}, {"max": 20}],
    )

    def pair_conditions(self) -> Iterator[Condition]:
        yield from bounded("gap", "gap", self.gap)

    def longest_tokens(self, partner_tokens: int | None, prompt_tokens: int, *, longer: bool) -> float | None:
        if partner_tokens is None:
            return None
        if longer:
            return None if self.gap.max is None else partner_tokens + self.gap.max
        return None if self.gap.min is None else partner_tokens - self.gap.min

    def mistakes(self) -> Iterator[str]:
        yield from self.gap.mistakes("gap")

    def sentences(self) -> Iterator[str]:
        if not self.gap.open:
            yield f"The longer side has {self.gap.words('tokens')} more than the shorter side."
