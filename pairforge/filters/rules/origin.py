"""`origin`: whether a side is given by the source or sampled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from pairforge.filters.rule import Condition, SideName, SideRule


class Origin(SideRule):
    """Take a side from the source's solutions, from the sampled ones, or from both."""

    origin: Literal["given", "sampled", "any"] = Field(
        "any",
        description="Where the solution comes from: `given` by the source, `sampled` in this run, or `any`.",
        examples=["given", "sampled"],
    )

    def role(self, side: SideName) -> Iterator[Condition]:
        if self.origin != "any":
            yield Condition("origin", ("origin",), lambda origin: origin == self.origin)

    def sentences(self, side: SideName) -> Iterator[str]:
        if self.origin != "any":
            yield f"The {side} side {'comes with the source' if self.origin == 'given' else 'is sampled'}."
