"""`total`: how long the prompt and the longer side are together."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from pairforge.filters.rule import Bounds, Condition, PairRule, bounded


class Total(PairRule):
    """Bound what the trainer sees of a pair at most: the prompt and the longer side."""

    total: Bounds = Field(
        Bounds(), description="Length of the prompt plus length of the longer side, in tokens.", examples=[{"max": 40}]
    )

    def pair_conditions(self) -> Iterator[Condition]:
        yield from bounded("total", "total_tokens", self.total)

    def longest_tokens(self, partner_tokens: int | None, prompt_tokens: int, *, longer: bool) -> float | None:
        return None if self.total.max is None else self.total.max - prompt_tokens

    def mistakes(self) -> Iterator[str]:
        yield from self.total.mistakes("total")

    def sentences(self) -> Iterator[str]:
        if not self.total.open:
            yield f"The prompt and the longer side together have {self.total.words('tokens')}."
