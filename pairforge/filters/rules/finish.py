"""`finish`: how the generation of a side may have ended."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from pairforge.filters.rule import Condition, SideName, SideRule, one_of


class Finish(SideRule):
    """Accept solutions by their finish reason."""

    finish: tuple[str, ...] = Field(
        (), description="Accepted finish reasons: `stop`, `length`, `given`; empty: any.", examples=[["stop"]]
    )

    def side_conditions(self) -> Iterator[Condition]:
        if self.finish:
            yield Condition("finish", ("finish_reason",), one_of(self.finish))

    def sentences(self, side: SideName) -> Iterator[str]:
        if self.finish:
            yield f"The finish reason of the {side} side is {' or '.join(self.finish)}."
