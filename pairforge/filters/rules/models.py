"""`models`: which models may have written a side."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from pairforge.filters.rule import Condition, SideName, SideRule, one_of


class Models(SideRule):
    """Take a side from the solutions of some models only."""

    models: tuple[str, ...] = Field(
        (), description="Names of the models that may have written the solution; empty: any.", examples=[["x"]]
    )

    def role(self, side: SideName) -> Iterator[Condition]:
        if self.models:
            yield Condition("models", ("model",), one_of(self.models))

    def sentences(self, side: SideName) -> Iterator[str]:
        if self.models:
            yield f"The {side} side is written by {' or '.join(self.models)}."
