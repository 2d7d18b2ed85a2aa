"""The steps of a reasoning text, and what they state. Pure functions, linear in the text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pairforge.filters.measures import REFLECTION
from pairforge.verifier.extract.answer import extract_answer

_MARK = re.compile(
    r"(?P<blank>\s*\n[ \t]*\n\s*)|(?P<line>[ \t]*\n\s*)|(?P<sentence>(?<=[.!?。！？])[ \t]+)"
    r"|(?P<open>\\\[|\\\(|\\begin\b)|(?P<close>\\\]|\\\)|\\end\b)|(?P<skip>\\\$)|(?P<dollar>\$\$?)"
)
# What a step only seems to state: a value in its last words, or all of it.
_UNSURE = ("conclusion", "last line", "whole text")
_CONCLUDES = re.compile(
    r"\b(?:so|thus|therefore|hence|which (?:means|gives)|in total|altogether|the (?:answer|result|total|sum))\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Statement:
    """A place in a reasoning text that states an answer: it ends at `end`, and `text` is what states it."""

    end: int
    text: str


def step_ends(text: str) -> list[int]:
    """Where the sentences and lines of a text end: never inside a formula, and the last one with the text."""
    return _ends(text, ("blank", "line", "sentence"))


def paragraph_ends(text: str) -> list[int]:
    """Where the paragraphs of a text end."""
    return _ends(text, ("blank",))


def _ends(text: str, kinds: tuple[str, ...]) -> list[int]:
    ends: list[int] = []
    depth, inline, display = 0, False, False
    for mark in _MARK.finditer(text):
        match mark.lastgroup:
            case "open":
                depth += 1
            case "close":
                depth = max(0, depth - 1)
            case "dollar" if mark.group() == "$$":
                display = not display
            case "dollar":
                inline = not inline
            case "blank":
                inline = False  # a single dollar sign opens no formula across paragraphs
        if mark.lastgroup in kinds and not (depth or inline or display) and mark.start() > 0:
            ends.append(mark.start())
    whole = len(text.rstrip())
    return [*(end for end in ends if end < whole), whole] if whole else []


def statements(text: str) -> Iterator[Statement]:
    """The places where a text states an answer, in order: "the answer is", a box, "so ...". A formula is read together
    with the unfinished sentence before it."""
    before = start = 0
    for end in step_ends(text):
        announced = start > 0 and text[start - 1] not in ".!?。！？"
        window = text[before if announced else start : end]
        found = extract_answer(window)
        sure = found.how not in _UNSURE or _CONCLUDES.search(window) is not None
        if not found.missing and sure and not found.prose:
            yield Statement(end, window)
        before, start = start, end


def reflections(text: str) -> list[int]:
    """Where reflection words start ("wait", "let me double-check", ...)."""
    return [found.start() for found in REFLECTION.finditer(text)]
