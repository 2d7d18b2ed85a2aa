"""The methods: from a reasoning text to a shorter one. None where the text has nothing to cut, or cannot be cut."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

from pairforge.derive.steps import paragraph_ends, reflections, step_ends
from pairforge.filters.measures import REFLECTION

MANY_PARAGRAPHS = 3


def first_correct(thought: str, right: Sequence[int], further: int = 0) -> str | None:
    """The text up to the first place that states the right answer, or up to the `further`-th one after it.

    `right`: where the right answer is stated. A further place counts when a reflection word stands between it and the
    place before.
    """
    if not right:
        return None
    turns = reflections(thought)
    end, found = right[0], 0
    for place in right[1:]:
        if found == further:
            break
        if bisect_right(turns, place) > bisect_right(turns, end):
            end, found = place, found + 1
    return _shortened(thought, thought[:end]) if found == further else None


def without_reflections(thought: str) -> str | None:
    """The text without its paragraphs that hold reflection words; sentences, where it has few paragraphs."""
    ends = paragraph_ends(thought)
    if len(ends) < MANY_PARAGRAPHS:
        ends = step_ends(thought)
    parts = [thought[start:end] for start, end in pairwise([0, *ends])]
    return _shortened(thought, "".join(part for part in parts if not REFLECTION.search(part)))


def truncated(thought: str, characters: int) -> str | None:
    """The text up to the end of the last step that lies within so many characters."""
    ends = [end for end in step_ends(thought) if end <= characters]
    return _shortened(thought, thought[: ends[-1]]) if ends else None


def _shortened(thought: str, cut: str) -> str | None:
    """The cut text, where it is shorter than the whole and holds anything."""
    cut = cut.strip()
    return cut if cut and len(cut) < len(thought.strip()) else None
