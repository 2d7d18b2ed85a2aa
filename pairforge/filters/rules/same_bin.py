"""`same_bin`: both sides of nearly the same length."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from pairforge.filters.rule import Condition, PairRule


class SameBin(PairRule):
    """Match lengths: both sides fall into the same bin. Sampling budgets are not cut for it."""

    same_bin: int | None = Field(
        None,
        ge=1,
        description="Width of a bin in tokens; both sides' lengths must fall into one bin. null: any lengths.",
        examples=[10],
    )

    def pair_conditions(self) -> Iterator[Condition]:
        width = self.same_bin
        if width is not None:
            lengths = ("chosen_tokens", "rejected_tokens")
            yield Condition("same_bin", lengths, lambda chosen, rejected: chosen // width == rejected // width)

    def sentences(self) -> Iterator[str]:
        if self.same_bin is not None:
            yield f"The lengths of both sides fall into the same bin of {self.same_bin:,} tokens."
