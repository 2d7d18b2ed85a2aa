"""`origin`: who wrote a side: the source, or one of the arms."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from pairforge.filters.rule import Condition, SideName, SideRule, one_of


class Origin(SideRule):
    """Take a side from the source's solutions, from those of some arms, or from all."""

    origin: str | tuple[str, ...] = Field(
        "any",
        description="Who wrote the solution: `given` (the source), the name of an arm under `generators` (`sampled` "
        "for a single `generator`), a list of these, or `any`.",
        examples=["given", "sampled", ["sampled"]],
    )

    @property
    def origins(self) -> tuple[str, ...]:
        """The names that may stand on the side; empty: any."""
        names = (self.origin,) if isinstance(self.origin, str) else self.origin
        return () if "any" in names else names

    def takes(self, origin: str) -> bool:
        """Whether a solution of this origin may stand on the side."""
        return not self.origins or origin in self.origins

    def role(self, side: SideName) -> Iterator[Condition]:
        if self.origins:
            yield Condition("origin", ("origin",), one_of(self.origins))

    def sentences(self, side: SideName) -> Iterator[str]:
        words = ["comes with the source"] if "given" in self.origins else []
        words += ["is sampled"] if "sampled" in self.origins else []
        arms = [name for name in self.origins if name not in ("given", "sampled")]
        words += [f"comes from {' or '.join(arms)}"] if arms else []
        if words:
            yield f"The {side} side {' or '.join(words)}."
