"""Can the surface of a text alone tell chosen from rejected? Then a preference teaches form, not reasoning.

Nothing is trained. Every surface feature by itself (which markers, how a text opens, how it ends) is used as a
guess, learned on one half of the pairs and scored on the other. 0.5 is chance, 1.0 means that the form gives every
pair away. The authors' published pairs reach 1.0 by their thought markers alone.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from pairforge.chat import split_reasoning

TELLING = 0.9  # accuracy above which a feature counts as giving pairs away


@dataclass(frozen=True, slots=True)
class Surface:
    """One pair as far as form goes: an id and the two completions."""

    id: str
    chosen: str
    rejected: str


@dataclass(frozen=True, slots=True)
class Feature:
    """How well one surface feature tells the sides apart: its accuracy on pairs the guess was not learned on."""

    name: str
    accuracy: float


def separability(pairs: Iterable[Surface]) -> list[Feature]:
    """Every surface feature with its accuracy, the most telling first; an empty list for no pairs."""
    known = list(pairs)
    if not known:
        return []
    features = [_score(name, value, known) for name, value in FEATURES.items()]
    return sorted(features, key=lambda feature: -feature.accuracy)


def _score(name: str, value: Callable[[str], str], pairs: Sequence[Surface]) -> Feature:
    halves: tuple[list[tuple[str, str]], list[tuple[str, str]]] = ([], [])
    for pair in pairs:
        half = halves[hashlib.sha256(pair.id.encode()).digest()[0] % 2]
        half.append((value(pair.chosen), value(pair.rejected)))
    hits = _hits(learn=halves[0], test=halves[1]) + _hits(learn=halves[1], test=halves[0])
    return Feature(name, hits / len(pairs))


def _hits(*, learn: list[tuple[str, str]], test: list[tuple[str, str]]) -> float:
    """How many of the test pairs the feature puts the right way round; a value that says nothing counts half."""
    lean: Counter[str] = Counter()
    for chosen, rejected in learn:
        lean[chosen] += 1
        lean[rejected] -= 1
    return sum(1.0 if lean[c] > lean[r] else 0.5 if lean[c] == lean[r] else 0.0 for c, r in test)


_MARKERS = {
    "<think>": re.compile(r"<think>", re.IGNORECASE),
    "</think>": re.compile(r"</think>", re.IGNORECASE),
    "Sky-T1 markers": re.compile(r"<\|(?:begin|end)_of_(?:thought|solution)\|>", re.IGNORECASE),
    "other tags": re.compile(r"</?(?:answer|reasoning|solution|step)\b[^>]*>", re.IGNORECASE),
    "headings": re.compile(r"^#{1,6} |^\*\*[^*\n]+\*\*:?$", re.MULTILINE),
}


def _markers(text: str) -> str:
    return ", ".join(name for name, pattern in _MARKERS.items() if pattern.search(text)) or "none"


def _empty_thought(text: str) -> str:
    thought = split_reasoning(text).thought
    return "no thought" if thought is None else "a thought" if thought else "an empty thought"


def _opening(text: str) -> str:
    return " ".join(re.findall(r"\w+|[^\w\s]", text)[:2]).lower()


def _opening_words(text: str) -> str:
    parts = split_reasoning(text)
    return _opening(parts.thought or parts.answer)


def _answer_opening(text: str) -> str:
    return _opening(split_reasoning(text).answer)


def _ending(text: str) -> str:
    """The shape of the last line: is there a box, and what comes last."""
    line = text.rstrip().rpartition("\n")[2]
    box = "a box" if "\\boxed" in line else "no box"
    last = "a letter" if line[-1:].isalpha() else "a digit" if line[-1:].isdigit() else repr(line[-1:])
    return f"{box} in the last line, ending in {last}"


def _answer_shape(text: str) -> str:
    """The shape of what follows the reasoning: how many paragraphs, with a box or without."""
    answer = split_reasoning(text).answer
    paragraphs = min(len([p for p in answer.split("\n\n") if p.strip()]), 4)
    return f"{paragraphs}{'+' if paragraphs == 4 else ''} paragraphs, {answer.count(chr(92) + 'boxed')} boxes"


FEATURES: dict[str, Callable[[str], str]] = {
    "markers": _markers,
    "thought": _empty_thought,
    "opening words": _opening_words,
    "opening words of the answer": _answer_opening,
    "ending": _ending,
    "shape of the answer": _answer_shape,
}
