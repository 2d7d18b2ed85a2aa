"""`status`: which verdicts a side may have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from pairforge.filters.rule import Condition, SideName, SideRule, one_of
from pairforge.records import Status as Verdict


class Status(SideRule):
    """Accept solutions by the verdict on their final answer."""

    status: Verdict | Literal["any"] | tuple[Verdict, ...] = Field(
        "correct",
        description="Accepted verdicts on the final answer: one, a list of them, or `any`.",
        examples=["incorrect", ["correct", "truncated"]],
    )

    @property
    def statuses(self) -> tuple[str, ...]:
        """The accepted verdicts; empty: any."""
        if isinstance(self.status, str):
            return () if self.status == "any" else (self.status,)
        return self.status

    def side_conditions(self) -> Iterator[Condition]:
        if self.statuses:
            yield Condition("status", ("status",), one_of(self.statuses))

    def sentences(self, side: SideName) -> Iterator[str]:
        if self.statuses:
            yield f"The verdict on the {side} side is {' or '.join(self.statuses).replace('_', ' ')}."
