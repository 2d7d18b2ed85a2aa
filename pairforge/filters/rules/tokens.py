"""`min_tokens`, `max_tokens`: how long a side may be."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from pairforge.filters.rule import Bounds, Condition, SideName, SideRule, at_least, at_most


class Tokens(SideRule):
    """Bound the length of a side."""

    min_tokens: int | None = Field(
        None, ge=0, description="Least length of the solution, in the student's tokens; null: any.", examples=[20]
    )
    max_tokens: int | None = Field(
        None, ge=1, description="Greatest length of the solution, in the student's tokens; null: any.", examples=[40]
    )

    def side_conditions(self) -> Iterator[Condition]:
        if self.min_tokens is not None:
            yield Condition("min_tokens", ("tokens",), at_least(self.min_tokens))
        if self.max_tokens is not None:
            yield Condition("max_tokens", ("tokens",), at_most(self.max_tokens))

    def longest_tokens(self) -> float | None:
        return self.max_tokens

    def mistakes(self) -> Iterator[str]:
        yield from self._bounds.mistakes("tokens")

    def sentences(self, side: SideName) -> Iterator[str]:
        if not self._bounds.open:
            yield f"The {side} side has {self._bounds.words('tokens')}."

    @property
    def _bounds(self) -> Bounds:
        return Bounds(min=self.min_tokens, max=self.max_tokens)
