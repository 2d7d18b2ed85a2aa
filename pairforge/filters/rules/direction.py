"""`direction`: which side of a pair is the longer one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from pairforge.filters.rule import Condition, PairRule


class Direction(PairRule):
    """Prefer the longer or the shorter solution. The two lengths are never equal, except with `any`."""

    direction: Literal["long", "short", "any"] = Field(
        "long",
        description="Which side is the longer one: the chosen one (`long`), the rejected one (`short`), or `any`.",
        examples=["short", "any"],
    )

    def pair_conditions(self) -> Iterator[Condition]:
        if self.direction == "long":
            yield Condition("direction", ("chosen_tokens", "rejected_tokens"), lambda chosen, other: chosen > other)
        if self.direction == "short":
            yield Condition("direction", ("chosen_tokens", "rejected_tokens"), lambda chosen, other: chosen < other)

    def longest_tokens(self, partner_tokens: int | None, prompt_tokens: int, *, longer: bool) -> float | None:
        return None if partner_tokens is None or longer else partner_tokens - 1

    def sentences(self) -> Iterator[str]:
        if self.direction == "any":
            yield "Either side may be the longer one."
        else:
            yield f"The chosen side is {self.direction}er than the rejected side."
