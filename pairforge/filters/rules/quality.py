"""`quality`: bounds on what can be measured in the text of a side."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from pairforge.filters.rule import Bounds, Condition, SideName, SideRule, within


class Quality(SideRule):
    """Bound measures of the text (see `pairforge.filters.measures`). Sampling does not look at them."""

    quality: dict[str, Bounds] = Field(
        {},
        description="Bounds per measure of the text: `repetition` and `mixed_languages` (shares, 0 to 1), "
        "`compression` (characters per byte), `boxes`, `reflection_words`, `characters` (counts).",
        examples=[{"repetition": {"max": 0.5}}],
    )

    def side_conditions(self) -> Iterator[Condition]:
        for measure, bounds in self.quality.items():
            yield Condition(measure, (measure,), within(bounds), while_sampling=False)

    def mistakes(self) -> Iterator[str]:
        for measure, bounds in self.quality.items():
            yield from bounds.mistakes(f"quality.{measure}")

    def sentences(self, side: SideName) -> Iterator[str]:
        for measure, bounds in self.quality.items():
            if not bounds.open:
                yield f"The measure {measure} of the {side} side is {bounds.words()}."
